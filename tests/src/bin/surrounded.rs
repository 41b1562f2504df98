//! A controller in surroundings that it does not control:
//! `surrounded ends|reaped|commands|number|words`. Prints what happens to its children.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mpcore::ExitReport;
use system_tests::neighbour::{NeighbourControl, NeighbourProcess};
use system_tests::{LONG, outcome, processes, until};

fn child() -> NeighbourControl {
    let control = NeighbourControl::spawn::<NeighbourProcess>(()).expect("it can be started");
    control.process().wait_ready(LONG).expect("it gets ready");
    control
}

/// Ends a child in one way and prints how that is reported.
fn end(name: &str, act: impl Fn(&NeighbourControl)) {
    let control = child();
    let exceptions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&exceptions);
    control.signals().exception_raised.connect(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    });
    let finished = control.process().signals().finished.receiver();
    let pid = control.process().pid().expect("it runs");
    act(&control);
    let joined = control.process().join(LONG).expect("it has run");
    let (report,) = finished.recv_timeout(LONG).expect("the end is reported");
    let ExitReport { state, end, cleanup, failure, .. } = report;
    assert_eq!(joined, end);
    let failure = failure.map_or_else(|| "none".to_owned(), |it| it.to_string());
    let exceptions = exceptions.load(Ordering::SeqCst);
    until("it is reaped", || processes::is_gone(pid));
    println!("{name}: {state}, {end}, cleanup {cleanup}, {exceptions} exceptions, {failure}");
}

fn ends() {
    end("stop", |it| it.process().stop());
    end("terminate", |it| it.process().terminate());
    end("kill", |it| it.process().kill());
    end("killed in a command", |it| {
        drop(it.nap(600_000));
        it.process().kill();
    });
    end("exit", |it| drop(it.exit_with(3)));
}

/// Reaps every child, as some libraries do.
fn reap_everything() {
    std::thread::spawn(|| {
        loop {
            if rustix::process::waitpid(None, rustix::process::WaitOptions::empty()).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    });
}

#[mpcore::main]
fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("ends") => ends(),
        Some("reaped") => {
            reap_everything();
            ends();
        }
        Some("commands") => {
            let run =
                |code: &str| outcome(child().run("sh".into(), vec!["-c".into(), code.into()]));
            println!("waited {:?} {:?}", run("exit 0").ok(), run("exit 7").ok());
        }
        Some("number") => {
            let control = child();
            println!("child {}", control.process().pid().expect("it runs"));
            let end = control.process().join(LONG).expect("it has run");
            println!("ended {end}");
            let ended = control.process().exit_report().expect("it has ended");
            println!("report {ended}");
        }
        Some("words") => {
            let control = child();
            drop(control.complain("x".repeat(1000), 120));
            drop(control.complain("the last words".into(), 1));
            drop(control.exit_with(3));
            control.process().join(LONG).expect("it has run");
            println!("joined");
        }
        other => panic!("not {other:?}"),
    }
}
