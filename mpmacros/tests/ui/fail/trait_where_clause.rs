#[mpcore::process]
pub trait Laser
where
    String: Send,
{
    fn fire(&mut self);
}

fn main() {}
