//! A controller with a limit on open files: `few_descriptors LIMIT`. It starts children until no
//! more can be started, prints why, whether the running ones still work, and whether one can start
//! again after it was stopped.

use std::time::Instant;

use mpcore::{CallError, RunFailure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use system_tests::bench::builder;
use system_tests::{BenchProcess, Blob, LONG, outcome};

fn main() {
    mpcore::init();
    let limit = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(64);
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum }).expect("it can be less");
    let mut benches = Vec::new();
    let report = loop {
        let bench = builder("replaced by the next line").child::<BenchProcess>();
        let bench = bench.spawn().expect("failures are reported later");
        match outcome(bench.add_two(1, 2)) {
            Ok(_) => benches.push(bench),
            Err(CallError::Exited(report)) => break report,
            Err(error) => panic!("{error}"),
        }
        assert!(benches.len() < 1000, "no limit was met");
    };
    let typed = matches!(report.failure, Some(RunFailure::Resources(_) | RunFailure::Spawn { .. }));
    println!("children {}", benches.len());
    println!("refused {typed} {report}");
    let work = benches.iter().all(|bench| {
        let blob = Blob::numbered(500_000);
        outcome(bench.echo(blob.clone())) == Ok(blob)
    });
    println!("the others work {work}");
    // Room for one more: another child can be started.
    if let Some(bench) = benches.pop() {
        bench.process().stop();
        let _ = bench.process().join(LONG);
        // The descriptors of the last run are closed a moment after its end is known.
        let deadline = Instant::now() + LONG;
        let again = loop {
            bench.process().start().expect("it can be tried");
            match outcome(bench.add_two(1, 2)) {
                Err(CallError::Exited(_)) if Instant::now() < deadline => {}
                again => break again,
            }
        };
        println!("again {again:?}");
    }
}
