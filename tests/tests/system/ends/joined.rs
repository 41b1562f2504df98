//! What is left of a run when `join` has returned: no open descriptors of this process.
#![cfg(target_os = "linux")]

use mpcore::OutputMode;
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{BenchControl, Blob, LONG, in_own_process, outcome, processes};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

type ProcessEnd = fn(&BenchControl);

const ENDS: [(&str, ProcessEnd); 5] = [
    ("stop", |bench| bench.process().stop()),
    ("kill", |bench| bench.process().kill()),
    ("exit", |bench| drop(bench.exit_with(0))),
    ("abort", |bench| drop(bench.abort())),
    ("kill of a busy child", |bench| {
        bench.ignore_everything(600_000);
        until_begun(bench, 1);
        bench.process().kill();
    }),
];

/// Regression: a program that starts its next child immediately ran out of descriptors, which the
/// previous runs still held.
#[test]
fn the_descriptors_of_a_run_are_closed_when_join_returns() {
    in_own_process("ends::joined::the_descriptors_of_a_run_are_closed_when_join_returns", || {
        let own = || processes::descriptors(std::process::id());
        let live = |name: &str, end: ProcessEnd| {
            let bench = builder(CHILD).stdout(OutputMode::Captured).stderr(OutputMode::Captured);
            let bench = ready(bench);
            // Including those of the encoder thread.
            let large = Blob::numbered(300_000);
            assert_eq!(outcome(bench.echo(large.clone())), Ok(large));
            let open = own();
            end(&bench);
            assert!(bench.process().join(LONG).is_ok(), "{name}");
            (open, own())
        };
        // The first run creates what all runs share.
        let (_, before) = live("first", ENDS[0].1);
        for (name, end) in ENDS.iter().cycle().take(30) {
            let (open, left) = live(name, *end);
            assert!(open > before, "{name}: a run has some");
            assert_eq!(left, before, "{name}");
        }
    });
}
