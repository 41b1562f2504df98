#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser, constructor = open, new)]
struct Unknown;

#[derive(mpcore::Child)]
#[child(Laser, new = Repeated::open, new = Repeated::open)]
struct Repeated;

#[derive(mpcore::Child)]
#[child(Laser, new = |cx, config| Ok(Closure))]
struct Closure;

#[derive(mpcore::Child)]
#[child(Laser, new = Marked::open)]
struct Marked {
    #[child(default)]
    a: u64,
}

#[derive(mpcore::Child)]
#[child(Laser, crate = "m-p")]
struct Path;

fn main() {
    let _ = LaserControl::new::<Marked>(());
}
