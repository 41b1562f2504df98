#[mpcore::process]
pub trait Laser {
    #[property(write)]
    fn power(&self);
    #[property]
    fn connected(&self) -> bool;
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct Simulation {
    cx: LaserContext,
}

impl Laser for Simulation {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        self.cx.power.set(1.0);
        self.cx.connected.set(true);
        Ok(())
    }
}

fn controller(laser: &LaserControl) {
    laser.signals().power_changed.connect(|watts| println!("{watts}"));
    laser.set_power(1.0);
    println!("{}", laser.power());
}

fn main() {}
