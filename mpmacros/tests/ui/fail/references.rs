#[mpcore::process]
pub trait Laser {
    #[signal]
    fn label(&mut self, text: &str) -> &str;
    fn labels(&mut self, texts: Vec<&'static str>, more: [Option<&u8>; 2]);
    #[signal]
    fn fail(&mut self) -> Result<u8, &'static str>;
    #[property(write)]
    fn name(&self) -> &'static str;
    #[event]
    fn voltage(&self, unit: &str, volts: f64);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation {
    cx: LaserContext,
}

impl Laser for Simulation {
    fn label(&mut self, _text: &str) -> &str {
        self.cx.name.set("name");
        self.cx.voltage.emit("volts", 1.0);
        ""
    }
    fn labels(&mut self, _texts: Vec<&'static str>, _more: [Option<&u8>; 2]) {}
    fn fail(&mut self) -> Result<u8, &'static str> {
        Err("failed")
    }
}

fn controller(laser: &LaserControl) {
    laser.signals().label_changed.connect(|text| println!("{text}"));
    laser.signals().voltage.connect(|unit, volts| println!("{unit} {volts}"));
    laser.label("text");
    laser.labels(vec!["a"], [None, None]);
    let _ = laser.fail().wait();
}

fn main() {}
