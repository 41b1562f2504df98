#[mpcore::process]
pub trait Laser {
    fn into(&mut self) -> u8;
    fn try_into(&mut self) -> u8;
    #[property]
    fn clone(&self) -> u8;
}

fn main() {}
