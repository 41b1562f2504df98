//! A controller that runs into a shortage at its first start: `shortages files|threads LIMIT`. The
//! limit is lifted afterwards, and everything is tried again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mpcore::{CallError, RunFailure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use system_tests::neighbour::{NeighbourControl, NeighbourProcess};
use system_tests::transport::transport;
use system_tests::{LONG, outcome};

/// Sets the soft limit; returns the previous one.
fn limit(resource: Resource, current: Option<u64>) -> Option<u64> {
    let before = getrlimit(resource);
    setrlimit(resource, Rlimit { current, maximum: before.maximum }).expect("a soft limit");
    before.current
}

fn control() -> NeighbourControl {
    NeighbourControl::builder()
        .child::<NeighbourProcess>()
        .transport(transport())
        .build()
        .expect("it can be built")
}

/// Starts a child, calls it and stops it, and returns the result as one word; the call prints,
/// which fails if the stream has no reader.
fn attempt(control: &NeighbourControl) -> String {
    if let Err(error) = control.process().start() {
        return format!("refused: {error}");
    }
    let word = match outcome(control.complain("a line".into(), 1)) {
        Ok(()) => "works".to_owned(),
        Err(CallError::Exited(report)) => match &report.failure {
            Some(RunFailure::Resources(_)) => format!("resources: {report}"),
            // The report says which resource the child lacked.
            Some(RunFailure::EndedBeforeReady { .. }) => format!("ended: {report}"),
            _ => format!("other: {report:?}"),
        },
        Err(error) => format!("other: {error}"),
    };
    control.process().stop();
    let _ = control.process().join(LONG);
    word
}

#[mpcore::main]
fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let resource = match arguments[1].as_str() {
        "files" => Resource::Nofile,
        _ => Resource::Nproc,
    };
    let control_1 = control();
    let finished = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&finished);
    control_1.process().signals().finished.connect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let before = limit(resource, Some(arguments[2].parse().expect("a limit")));
    println!("first {}", attempt(&control_1));
    limit(resource, before);
    println!("again {}", attempt(&control_1));
    println!("fresh {}", attempt(&control()));
    let told = mpcore::shutdown(LONG).is_ok() && finished.load(Ordering::SeqCst) >= 1;
    println!("told {told}");
}
