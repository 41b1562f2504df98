//! A condition covers all generated items, above the macro and below it.

#[mpcore::process]
#[cfg(any())]
pub trait Below {
    fn fire(&mut self);
}

#[cfg(any())]
#[mpcore::process]
pub trait Above {
    fn fire(&mut self);
}

#[mpcore::process]
#[cfg(not(any()))]
#[cfg_attr(all(), doc = "Documented.")]
pub trait Laser {
    #[cfg_attr(all(), doc = "Documented.")]
    fn fire(&mut self);
}

struct BelowControl;
struct AboveControl;

fn main() {
    let _ = (BelowControl, AboveControl);
    let _ = LaserControl::fire;
}
