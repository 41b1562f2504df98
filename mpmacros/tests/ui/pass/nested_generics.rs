//! Generic types inside each other, with commas, arrays, tuples and paths.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct Pair<A, B>(A, B);

#[mpcore::process(config = HashMap<String, Vec<(u8, Option<u8>)>>)]
pub trait Device {
    #[signal]
    fn tables(
        &mut self,
        a: HashMap<String, Vec<Option<(i32, [f64; 3])>>>,
        b: Pair<Vec<Pair<u8, u8>>, Option<Box<str>>>,
    ) -> Result<BTreeMap<u8, Vec<Vec<u8>>>, String>;
    #[signal]
    fn optional(&mut self) -> Option<(u8, u8)>;
    #[signal]
    fn one(&mut self) -> (Vec<u8>,);
    #[signal]
    fn nested(&mut self) -> ((u8, u8), Vec<(u8, u8)>);
    #[property(default = HashMap::<String, (u8, u8)>::from([("a".to_owned(), (1, 2))]))]
    fn values(&self) -> HashMap<String, (u8, u8)>;
    #[property(write)]
    fn pair(&self) -> (f64, f64);
    #[event]
    fn both(&self, a: Vec<Vec<u8>>, b: Option<Option<u8>>);
}

fn controller(device: &DeviceControl) {
    let signals = device.signals();
    signals.optional_changed.connect(|both: &Option<(u8, u8)>| println!("{}", both.is_some()));
    signals.one_changed.connect(|bytes: &Vec<u8>| println!("{}", bytes.len()));
    signals.nested_changed.connect(|pair: &(u8, u8), _| println!("{}", pair.0));
    signals.values_changed.connect(|values| println!("{}", values.len()));
    signals.pair_changed.connect(|pair: &(f64, f64)| println!("{}", pair.0));
    signals.both.connect(|a, b| println!("{} {}", a.len(), b.is_some()));
    let _: (f64, f64) = device.pair();
    device.set_pair((1.0, 2.0));
}

fn main() {
    let _ = controller;
}
