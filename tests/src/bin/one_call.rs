//! A controller that makes one call and prints its outcome and how the child ended: for unusual
//! surroundings.

use system_tests::bench::builder;
use system_tests::{BenchProcess, LONG, outcome};

fn main() {
    mpcore::init();
    let bench = builder("replaced by the next line").child::<BenchProcess>();
    let bench = bench.spawn().expect("failures are reported later");
    match outcome(bench.add_two(1, 2)) {
        Ok(sum) => println!("sum {sum}"),
        Err(error) => println!("error {error}"),
    }
    bench.process().stop();
    match bench.process().join(LONG) {
        Ok(end) => println!("ended {end}"),
        Err(error) => println!("ended {error}"),
    }
}
