#[mpcore::process]
pub trait Laser {
    #[signal]
    fn fire(&mut self, shape: Pulse) -> u8;
}

fn main() {}
