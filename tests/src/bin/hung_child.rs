//! A controller whose child hangs in the middle of a send, to be killed.
//!
//! It prints the pids of its child and grandchild, then `there` when the child hangs.

use std::time::Duration;

use mpcore::testing::{Fault, FaultPlan, Moment};
use system_tests::bench::builder;
use system_tests::{BenchProcess, LONG, until};

fn main() {
    mpcore::init();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let sign = folder.path().join("sign");
    // The first two messages belong to its start, the third reports the grandchild's pid.
    let plan = FaultPlan::new().at(Moment::BeforeMessage(4), Fault::Hang).sign(&sign);
    let bench = builder("replaced by the next line").child::<BenchProcess>().faults(plan);
    let bench = bench.stop_grace(Duration::from_millis(300)).spawn().expect("it starts");
    bench.process().wait_ready(LONG).expect("it gets ready");
    println!("child {}", bench.process().pid().expect("it runs"));
    println!("grandchild {}", bench.start_grandchild().wait().expect("it starts"));
    bench.flood(1);
    until("it hangs", || sign.exists());
    println!("there");
    std::thread::sleep(Duration::from_secs(600));
}
