#[mpcore::process]
pub trait Laser {
    fn fire(&mut self);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation {
    cx: LaserContext,
    samples: u64,
    #[child(defualt)]
    a: u64,
    #[child(default, default)]
    b: u64,
    #[child(default, config)]
    c: u64,
    #[child]
    d: u64,
    #[child(cx)]
    e: LaserContext,
    #[child(default)]
    #[child(default = 1)]
    f: u64,
    #[child(cx = 1)]
    g: u64,
}

impl Laser for Simulation {
    fn fire(&mut self) {}
}

fn main() {
    let _ = LaserControl::new::<Simulation>(());
}
