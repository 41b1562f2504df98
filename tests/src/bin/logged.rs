//! A controller without a subscriber of its own, whose child has none either: `MPCORE_LOG` alone
//! decides what is on stderr.

use system_tests::bench::builder;
use system_tests::{BenchProcess, LONG, outcome};

#[mpcore::main]
fn main() {
    let bench = builder("replaced by the next line").child::<BenchProcess>();
    let bench = bench.name("logged").stderr(mpcore::OutputMode::Inherit);
    let bench = bench.spawn().expect("failures are reported later");
    println!("sum {:?}", outcome(bench.add_two(1, 2)));
    bench.process().stop();
    println!("ended {}", bench.process().join(LONG).is_ok());
}
