//! Generated names and texts drop the `r#`.

#[mpcore::process]
pub trait r#Device {
    #[signal]
    fn r#type(&mut self, r#fn: u8) -> u8;
    #[signal(name = "match")]
    fn r#move(&mut self);
    #[command(rename = "loop")]
    fn cycle(&mut self);
    #[property(write)]
    fn r#use(&self) -> u8;
    #[event]
    fn r#yield(&self, r#in: u8);
    #[property(notify = "gen")]
    fn speed(&self) -> u8;
}

#[derive(mpcore::Child)]
#[child(r#Device)]
struct Simulation {
    cx: DeviceContext,
    r#config: (),
}

impl Device for Simulation {
    fn r#type(&mut self, r#fn: u8) -> u8 {
        self.cx.r#yield.emit(r#fn);
        self.cx.r#use.set(1);
        r#fn
    }
    fn r#move(&mut self) {
        let () = self.config;
    }
    fn cycle(&mut self) {}
}

fn controller(device: &DeviceControl) {
    let signals = device.signals();
    signals.type_changed.connect(|ty| println!("{ty}"));
    signals.r#match.connect(|| ());
    signals.use_changed.connect(|value| println!("{value}"));
    signals.r#yield.connect(|value| println!("{value}"));
    signals.r#gen.connect(|value| println!("{value}"));
    device.r#type(1);
    device.r#loop();
    device.set_use(device.r#use());
    let _ = device.blocking().r#move();
}

fn main() {
    assert_eq!(<dyn Device as mpcore::Interface>::NAME, "Device");
    let _ = controller;
}
