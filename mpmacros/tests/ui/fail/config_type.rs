#[mpcore::process(config = &'static str)]
pub trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation {
    config: &'static str,
}

impl Laser for Simulation {
    fn fire(&mut self) {
        println!("{}", self.config);
    }
}

fn controller() -> Result<(), mpcore::StartError> {
    LaserControl::new::<Simulation>("COM3")?.fire();
    Ok(())
}

fn main() {}
