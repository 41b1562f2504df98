#[mpcore::process]
pub trait Laser {
    #[property]
    fn power(&self) -> f64;
    #[command(rename = "power")]
    fn measure(&mut self) -> f64;
    #[command(rename = "measure")]
    fn fire(&mut self);
    #[command(rename = "measure")]
    fn reset(&mut self);
}

fn main() {}
