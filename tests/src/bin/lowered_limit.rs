//! A controller that lowers its limit on open files below the number it has open, as self-confining
//! programs do, while children run. `machine/shortages.rs` reads what it prints.

use mpcore::ProcessState;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use system_tests::neighbour::{NeighbourControl, NeighbourProcess};
use system_tests::{LONG, outcome, processes};

fn ended(control: &NeighbourControl) -> bool {
    control.process().join(LONG).is_ok()
}

#[mpcore::main]
fn main() {
    let spawn = |_| NeighbourControl::spawn::<NeighbourProcess>(()).expect("it can be started");
    let controls: Vec<_> = (0..10).map(spawn).collect();
    controls.iter().for_each(|it| it.process().wait_ready(LONG).expect("it gets ready"));
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(6), maximum }).expect("it can be less");
    println!("works {}", controls.iter().all(|it| outcome(it.add(1, 2)) == Ok(3)));
    controls[0].process().stop();
    println!(
        "stopped {}",
        ended(&controls[0]) && controls[0].process().state() == ProcessState::Finished
    );
    let mut running = controls[1].nap(600_000);
    controls[1].process().kill();
    println!("killed {}", ended(&controls[1]) && running.try_outcome().is_some());
    processes::kill(controls[2].process().pid().expect("it runs"));
    println!("from outside {}", ended(&controls[2]));
}
