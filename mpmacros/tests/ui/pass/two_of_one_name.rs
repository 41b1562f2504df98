//! Two interfaces of one name in two modules; their hidden macros are both in the crate's root.

pub mod left {
    #[mpcore::process]
    pub trait Laser {
        fn fire(&mut self);
    }
}

pub mod right {
    #[mpcore::process]
    pub trait Laser {
        fn fire(&mut self);
    }
}

#[derive(mpcore::Child)]
#[child(left::Laser)]
struct Left;

impl left::Laser for Left {
    fn fire(&mut self) {}
}

use right::Laser as Renamed;

#[derive(mpcore::Child)]
#[child(Renamed)]
struct Right;

impl right::Laser for Right {
    fn fire(&mut self) {}
}

fn controller() -> Result<(), mpcore::StartError> {
    left::LaserControl::new::<Left>(())?.fire();
    right::LaserControl::new::<Right>(())?.fire();
    Ok(())
}

fn main() {
    let _ = controller;
}
