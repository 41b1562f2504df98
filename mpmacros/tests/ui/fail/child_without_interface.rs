#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
struct Missing;

#[derive(mpcore::Child)]
#[child]
struct Empty;

#[derive(mpcore::Child)]
#[child()]
struct EmptyList;

#[derive(mpcore::Child)]
#[child = "Laser"]
struct Value;

#[derive(mpcore::Child)]
#[child(new = OnlyNew::new)]
struct OnlyNew;

#[derive(mpcore::Child)]
#[child(Laser)]
#[child(Laser)]
struct Twice;

impl Laser for Twice {
    fn fire(&mut self) {}
}

fn main() {
    let _ = LaserControl::new::<Twice>(());
    let _ = LaserControl::new::<Missing>(());
    let _ = LaserControl::new::<Empty>(());
}
