use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub enum Mode {
    Pulsed,
    Continuous,
}

#[mpcore::process]
pub trait Laser {
    #[property(write)]
    fn mode(&self) -> Mode;
    #[property(default = Mode::Pulsed)]
    fn last(&self) -> Mode;
}

fn main() {
    let _ = Mode::Continuous;
}
