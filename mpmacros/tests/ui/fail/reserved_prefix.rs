#[mpcore::process]
pub trait Laser {
    #[signal]
    fn __dispatch(&mut self);
    #[property(write)]
    fn __context(&self) -> f64;
    #[signal(name = "__fired")]
    fn fire(&mut self);
}

fn main() {}
