//! Properties and events are in the trait for documentation and do not affect an implementation.

#![deny(warnings)]

#[mpcore::process]
pub trait Laser {
    /// Fires, see [`Self::power`].
    fn fire(&mut self) -> u8;
    #[property(write)]
    fn power(&self) -> u8;
    #[property]
    fn connected(&self) -> bool;
    // Names that the trait has already: it contains only its own methods of these names.
    #[property]
    fn cleanup(&self) -> bool;
    #[event]
    fn set_power(&self);
    #[event]
    fn voltage(&self, volts: f64);
}

#[derive(mpcore::Child)]
#[child(Laser)]
struct LaserProcess {
    cx: LaserContext,
}

impl LaserProcess {
    // The struct's own methods take precedence.
    fn power(&self) -> u8 {
        self.cx.power.get()
    }
    fn voltage(&self, volts: f64) {
        self.cx.voltage.emit(volts);
    }
}

impl Laser for LaserProcess {
    fn fire(&mut self) -> u8 {
        self.voltage(1.0);
        self.cx.connected.set(true);
        self.cx.cleanup.set(true);
        self.cx.set_power.emit();
        self.power()
    }
}

fn is_object(laser: &mut dyn Laser) -> u8 {
    laser.fire()
}

fn main() {
    let _ = is_object;
    let _ = LaserControl::new::<LaserProcess>;
}
