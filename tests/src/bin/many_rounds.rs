//! Starts a child, calls it, and ends it in one of many ways, or kills it while it starts,
//! repeatedly: `many_rounds COUNT`.
//!
//! It prints the resources that a process may leak, counted before and after, its progress, and
//! what one child costs.

use std::time::{Duration, Instant};

use mpcore::CallError;
use system_tests::bench::{builder, ready};
use system_tests::{
    BenchConfig, BenchControl, BenchProcess, Blob, InitFault, LONG, outcome, processes, until,
};

fn bench() -> mpcore::ControlBuilder<BenchControl> {
    builder("replaced by the next line").child::<BenchProcess>()
}

/// Starts a child, calls it, and ends it in the way that the number selects.
fn round(number: usize) {
    let config = match number % 10 {
        7 => BenchConfig { fault: Some(InitFault::PostrunInitErrs), ..BenchConfig::default() },
        _ => BenchConfig::default(),
    };
    let builder = match number % 10 {
        8 => bench().program("/nowhere/bench_child"),
        9 => bench().in_process::<BenchProcess>(),
        _ => bench(),
    };
    let bench = builder.config(config).spawn().expect("it can be tried");
    let ticks = bench.signals().tick.receiver();
    let sum = outcome(bench.add_two(1, 2));
    assert!(matches!(sum, Ok(3) | Err(CallError::Exited(_))), "{sum:?}");
    bench.flood(3);
    bench.echo(Blob::numbered(100_000));
    match number % 5 {
        0 => bench.process().stop(),
        1 => bench.process().kill(),
        2 if number % 10 == 2 => drop(bench.exit_with(1)),
        3 => {
            drop((bench, ticks));
            return;
        }
        _ => bench.process().terminate(),
    }
    let _ = bench.process().join(LONG);
}

/// Kills a child at varying moments of its start: `usual` is how long a start takes.
fn cut_short(number: usize, usual: Duration) {
    let bench = bench().config(BenchConfig::default()).spawn().expect("it can be tried");
    // From half of the usual time to a little over it, in irregular steps.
    let share = 0.5 + (number * 37 % 100) as f64 / 100.0 * 0.7;
    let until = Instant::now() + usual.mul_f64(share);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    bench.process().kill();
    let _ = bench.process().join(LONG);
}

/// How long a start takes: the shortest of five.
fn usual_start() -> Duration {
    let start = || {
        let begun = Instant::now();
        drop(ready(bench().config(BenchConfig::default())));
        begun.elapsed()
    };
    (0..5).map(|_| start()).min().unwrap_or_default()
}

/// The resources that a process may leak.
fn counts() -> String {
    let own = std::process::id();
    let folder = std::fs::read_dir(std::env::temp_dir()).map_or(0, Iterator::count);
    format!(
        "descriptors={} threads={} children={} temporary_files={folder}",
        processes::descriptors(own),
        lasting_threads(),
        processes::children(own).len(),
    )
}

/// The number of threads, but for those that a slow spawn has added: they are kept, because the
/// system ties a child to the thread that spawned it.
fn lasting_threads() -> usize {
    let mut names = processes::threads();
    let spawns = names.iter().filter(|name| *name == "mp-spawn").count();
    names.retain(|name| name != "mp-spawn");
    names.len() + spawns.min(1)
}

fn main() {
    mpcore::init();
    let rounds = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(10);
    // Creates the threads and descriptors that the runtime creates only once.
    (0..20).for_each(round);
    let usual = usual_start();
    (0..20).for_each(|number| cut_short(number, usual));
    settle();
    println!("before {}", counts());
    // The allocator takes time to reach its working set; a tenth of the rounds is enough at any
    // size.
    let begin = rounds / 10;
    (0..begin).for_each(|number| told(number, round));
    (0..begin).for_each(|number| told(number, |number| cut_short(number, usual)));
    settle();
    let memory = processes::resident_kib(std::process::id());
    (begin..rounds).for_each(|number| told(number, round));
    (begin..rounds).for_each(|number| told(number, |number| cut_short(number, usual)));
    settle();
    println!("after {}", counts());
    println!("KiB before {memory}");
    println!("KiB after {}", processes::resident_kib(std::process::id()));

    let own = std::process::id();
    let without = processes::descriptors(own);
    let benches: Vec<_> = (0..10).map(|_| ready(bench())).collect();
    let with = processes::descriptors(own);
    println!("descriptors per child {}", (with - without).div_ceil(benches.len()));
}

/// Runs a round, and prints the progress from time to time.
fn told(number: usize, round: impl FnOnce(usize)) {
    if number % 50 == 49 {
        println!("round {}", number + 1);
    }
    round(number);
}

/// Waits until everything that ends in the background has ended: no children, and no threads except
/// those that the runtime keeps.
fn settle() {
    const KEPT: [&str; 6] =
        ["many_rounds", "mp-inbox", "mp-watch", "mp-spawn", "mp-stderr", "mp-output"];
    let own = std::process::id();
    until("the children have gone", || processes::children(own).is_empty());
    until("the threads have gone", || {
        let names = processes::threads();
        // A thread that relieves the inbox's own for a while has its name.
        let inboxes = names.iter().filter(|name| *name == "mp-inbox").count();
        inboxes <= 1 && names.iter().all(|name| KEPT.contains(&name.as_str()))
    });
}
