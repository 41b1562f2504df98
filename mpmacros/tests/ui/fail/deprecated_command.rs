#![deny(deprecated)]

#[mpcore::process]
pub trait Laser {
    #[deprecated = "use `fire_all`"]
    #[signal]
    fn fire(&mut self);
    #[deprecated]
    #[property]
    fn power(&self) -> f64;
    #[deprecated]
    #[event]
    fn fired(&self);
}

fn controller(laser: &LaserControl) {
    laser.fire();
    let _ = laser.blocking().fire();
    laser.signals().fire_changed.connect(|| ());
    laser.signals().fired.connect(|| ());
    println!("{}", laser.power());
}

fn child(cx: &LaserContext) {
    cx.power.set(1.0);
    cx.fired.emit();
}

fn main() {
    let _ = (controller, child);
}
