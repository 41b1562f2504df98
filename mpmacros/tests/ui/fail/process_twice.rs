#[mpcore::process]
#[mpcore::process(postfix = "_done")]
pub trait Laser {
    #[signal]
    fn fire(&mut self, watts: f64) -> u8;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess;

impl Laser for LaserProcess {
    fn fire(&mut self, watts: f64) -> u8 {
        watts as u8
    }
}

fn main() {
    let laser = LaserControl::new::<LaserProcess>(()).unwrap();
    let _ = laser.fire(1.0).wait();
}
