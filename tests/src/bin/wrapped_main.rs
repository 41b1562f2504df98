//! A controller that relies on `#[mpcore::main]`: `wrapped_main IDLE_OR_BUSY CLEANUP_LOG`.
//!
//! It leaves its child running and writes what its handlers still receive to stdout.

use system_tests::{BenchConfig, BenchControl, BenchProcess, LONG};

#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let busy = arguments.next().is_some_and(|word| word == "busy");
    let config =
        BenchConfig { cleanup_log: arguments.next(), talks: true, ..BenchConfig::default() };
    let bench = BenchControl::builder()
        .child::<BenchProcess>()
        .config(config)
        .stdout(mpcore::OutputMode::Null)
        .after_exit(|report| println!("after_exit {}", report.state))
        .build()?;
    bench.signals().tick.connect(|number| println!("tick {number}"));
    bench.process().signals().finished.connect(|report| println!("finished {report}"));
    bench.process().start()?;
    bench.process().wait_ready(LONG)?;
    println!("child {}", bench.process().pid().unwrap_or_default());
    if busy {
        bench.work(600_000).on_done(|outcome| println!("work {outcome:?}"));
        bench.add_two(1, 2).on_done(|outcome| println!("add_two {outcome:?}"));
    }
    Ok(())
}
