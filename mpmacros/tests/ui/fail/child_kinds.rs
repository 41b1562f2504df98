#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
enum Kind {
    A,
}

#[derive(mpcore::Child)]
#[child(Laser)]
union Both {
    a: u8,
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Tuple(LaserContext, u8);

#[derive(mpcore::Child)]
#[child(Laser)]
struct Generic<T> {
    #[child(default)]
    value: Option<T>,
}

impl Laser for Tuple {
    fn fire(&mut self) {}
}

fn main() {
    let _ = LaserControl::new::<Tuple>(());
    let _ = LaserControl::new::<Generic<u8>>(());
    let _ = LaserControl::new::<Kind>(());
}
