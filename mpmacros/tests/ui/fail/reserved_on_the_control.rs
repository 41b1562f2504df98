#[mpcore::process]
pub trait Laser {
    fn new(&mut self);
    fn spawn(&mut self);
    fn builder(&mut self);
    fn signals(&mut self);
    fn blocking(&mut self);
    #[property]
    fn process(&self) -> u8;
    fn downgrade(&mut self);
    fn clone(&mut self);
    #[command(rename = "process")]
    fn work(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation;

impl Laser for Simulation {
    fn new(&mut self) {}
    fn spawn(&mut self) {}
    fn builder(&mut self) {}
    fn signals(&mut self) {}
    fn blocking(&mut self) {}
    fn downgrade(&mut self) {}
    fn clone(&mut self) {}
    fn work(&mut self) {}
}

fn main() {}
