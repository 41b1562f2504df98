use serde::{Deserialize, Serialize};

#[derive(Debug)]
pub struct NoSerde;

#[derive(Debug, Serialize, Deserialize)]
pub struct NoDisplay;

#[mpcore::process]
pub trait Laser {
    #[signal]
    fn fire(&mut self) -> Result<u8, NoSerde>;
    #[signal]
    fn reset(&mut self) -> Result<u8, NoDisplay>;
    #[signal]
    fn alias(&mut self) -> std::io::Result<u8>;
}

fn main() {}
