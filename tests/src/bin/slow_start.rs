//! A controller with a start deadline for its child: `slow_start PROGRAM MILLISECONDS`. It prints
//! the outcome of a call.

use std::time::Duration;

use system_tests::neighbour::NeighbourControl;
use system_tests::outcome;

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let deadline = Duration::from_millis(arguments[2].parse().expect("milliseconds"));
    let builder = NeighbourControl::builder().program(&arguments[1]).config(());
    let control = builder.start_deadline(deadline).spawn().expect("it can be started");
    println!("outcome {:?}", outcome(control.add(1, 2)));
}
