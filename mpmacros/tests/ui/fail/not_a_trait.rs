#[mpcore::process]
pub struct Laser {
    power: f64,
}

fn main() {}
