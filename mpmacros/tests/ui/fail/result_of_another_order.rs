type Result<E, T> = std::result::Result<T, E>;

#[mpcore::process]
pub trait Laser {
    fn fire(&mut self) -> Result<String, u8>;
}

fn main() {}
