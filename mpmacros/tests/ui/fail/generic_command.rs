#[mpcore::process]
pub trait Laser {
    #[signal]
    fn echo<T: Send>(&mut self, value: T) -> Vec<T>;
    fn label<'a>(&mut self, text: &'a str);
    fn send(&mut self, value: u8)
    where
        Self: Send;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Laser for Simulation {
    fn echo<T: Send>(&mut self, value: T) -> Vec<T> {
        vec![value]
    }
    fn label<'a>(&mut self, _text: &'a str) {}
    fn send(&mut self, _value: u8) {}
}

fn controller(laser: &LaserControl) {
    laser.signals().echo_changed.connect(|values| println!("{}", values.len()));
    laser.echo(1);
}

fn main() {}
