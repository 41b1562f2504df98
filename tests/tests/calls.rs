//! Calls from one process to another and back.

use std::time::Duration;

use system_tests::{BenchConfig, BenchControl};

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_call_comes_back() {
    let bench = BenchControl::builder()
        .program(env!("CARGO_BIN_EXE_bench_child"))
        .config(BenchConfig::default())
        .spawn()
        .unwrap();
    bench.process().wait_ready(LONG).unwrap();
    assert_eq!(bench.add_two(1, 2).wait().unwrap(), 3);
}
