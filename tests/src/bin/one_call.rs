//! A controller that makes one call and tells its outcome: for unusual surroundings.

use system_tests::bench::builder;
use system_tests::{BenchProcess, outcome};

fn main() {
    mpcore::init();
    let bench = builder("replaced by the next line").child::<BenchProcess>();
    let bench = bench.spawn().expect("what goes wrong is told later");
    match outcome(bench.add_two(1, 2)) {
        Ok(sum) => println!("sum {sum}"),
        Err(error) => println!("error {error}"),
    }
}
