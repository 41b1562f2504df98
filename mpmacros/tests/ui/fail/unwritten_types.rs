#[mpcore::process]
pub trait Laser {
    fn values(&mut self, values: Vec<_>);
    fn forever(&mut self) -> !;
}

fn main() {}
