//! A controller whose child becomes another user, so that it cannot be killed: `given_up PROGRAM`.
//! It prints how that run is given up, and whether the next one works.

use system_tests::bench::{builder, ready, until_begun};
use system_tests::{LONG, outcome};

fn main() {
    let program = std::env::args().nth(1).expect("a program");
    let bench = ready(builder(&program));
    println!("child {}", bench.process().pid().expect("it runs"));
    let running = bench.work(600_000);
    until_begun(&bench, 1);
    let queued = bench.add_two(1, 2);
    bench.process().kill();
    assert!(outcome(running).is_err() && outcome(queued).is_err());
    let end = bench.process().join(LONG).expect("it has run");
    let report = bench.process().exit_report().expect("it has ended");
    println!("ended {end}, {}, cleanup {}", report.state, report.cleanup);
    println!("failure {}", report.failure.as_ref().map_or_else(String::new, ToString::to_string));
    println!("pending {}", bench.process().pending_commands());
    bench.process().start().expect("another run begins");
    println!("next {:?}", outcome(bench.add_two(1, 2)));
    bench.process().stop();
    bench.process().join(LONG).expect("it has run");
}
