use std::collections::HashMap;

#[derive(serde::Serialize, serde::Deserialize)]
pub enum Key {
    Left,
}

pub struct Hidden;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[mpcore::process]
pub trait Laser {
    fn key(&mut self, map: HashMap<Key, u8>);
    fn array(&mut self) -> [u8; 64];
    fn deep(&mut self, list: Vec<(u8, Option<Hidden>)>);
    fn boxed(&mut self) -> Result<u8>;
}

fn main() {}
