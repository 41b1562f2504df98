#[mpcore::process(config = u8)]
pub trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser, new = Missing::open)]
struct Missing;

#[derive(mpcore::Child)]
#[child(Laser, new = Arguments::open)]
struct Arguments;

impl Arguments {
    fn open(_config: u8) -> mpcore::Result<Self> {
        Ok(Arguments)
    }
}

#[derive(mpcore::Child)]
#[child(Laser, new = Infallible::open)]
struct Infallible;

impl Infallible {
    fn open(_cx: LaserContext, _config: u8) -> Self {
        Infallible
    }
}

impl Laser for Missing {
    fn fire(&mut self) {}
}
impl Laser for Arguments {
    fn fire(&mut self) {}
}
impl Laser for Infallible {
    fn fire(&mut self) {}
}

fn main() {}
