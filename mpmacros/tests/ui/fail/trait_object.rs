#[mpcore::process]
pub trait Laser {
    fn values(&mut self, values: Box<dyn Iterator<Item = f64>>);
    fn fail(&mut self) -> Result<u8, Box<dyn std::error::Error>>;
}

struct Simulation;

impl Laser for Simulation {
    fn values(&mut self, values: Box<dyn Iterator<Item = f64>>) {
        drop(values);
    }
    fn fail(&mut self) -> Result<u8, Box<dyn std::error::Error>> {
        Ok(1)
    }
}

fn main() {}
