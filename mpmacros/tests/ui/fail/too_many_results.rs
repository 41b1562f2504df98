type U = u8;

#[mpcore::process]
pub trait Laser {
    #[signal]
    fn plain(&mut self) -> (U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U);
    #[signal]
    fn fails(&mut self) -> Result<(U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U, U), String>;
}

fn main() {}
