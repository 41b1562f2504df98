use serde::{Deserialize, Serialize};

mod measured {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Result<T>(pub T);
}

#[derive(Serialize, Deserialize)]
pub struct Reading(f64);

#[mpcore::process]
pub trait Laser {
    #[signal]
    fn sweep(&mut self) -> measured::Result<Reading>;
}

struct Simulation;

impl Laser for Simulation {
    fn sweep(&mut self) -> measured::Result<Reading> {
        measured::Result(Reading(1.0))
    }
}

fn main() {}
