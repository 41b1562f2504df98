#![allow(non_upper_case_globals)]

const watts: f64 = 5.0;

#[mpcore::process]
pub trait Laser {
    fn fire(&mut self, watts: f64);
}

fn main() {
    println!("{watts}");
}
