//! A controller and a child that are interrupted constantly: `interrupted MILLISECONDS`.
//!
//! Both handle SIGUSR1 without restarting interrupted system calls, as some libraries do, and get
//! it a thousand times a second while values of all sizes go back and forth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use system_tests::bench::{builder, ready};
use system_tests::{BenchProcess, Blob, outcome, processes};

extern "C" fn nothing(_signal: i32) {}

fn handle_without_restart() {
    use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet};
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, so it does nothing forbidden in a handler.
    let set = unsafe { signal::sigaction(signal::Signal::SIGUSR1, &action) };
    set.expect("the signal can be handled");
}

fn main() {
    // Before the child begins, which never returns from `init`.
    handle_without_restart();
    mpcore::init();
    let milliseconds = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(1000);
    let bench = ready(builder("replaced by the next line").child::<BenchProcess>());
    let ended = Arc::new(AtomicBool::new(false));
    let (child, own) = (bench.process().pid().expect("it runs"), std::process::id());
    let interrupt = thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            let mut count = 0_u64;
            while !ended.load(Ordering::SeqCst) {
                processes::signal(child, Signal::USR1);
                processes::signal(own, Signal::USR1);
                count += 2;
                thread::sleep(Duration::from_millis(1));
            }
            count
        }
    });
    let end = Instant::now() + Duration::from_millis(milliseconds);
    let (mut calls, mut length) = (0_u64, 1);
    while Instant::now() < end {
        let blob = Blob::numbered(length);
        assert_eq!(outcome(bench.echo(blob.clone())), Ok(blob));
        assert_eq!(outcome(bench.flood(50)), Ok(50));
        (calls, length) = (calls + 1, length * 3 % 3_000_000);
    }
    ended.store(true, Ordering::SeqCst);
    let interruptions = interrupt.join().expect("the thread ends");
    bench.process().stop();
    let status = bench.process().join(system_tests::LONG).expect("it ran");
    println!("calls {calls} interruptions {interruptions}");
    println!("ended {status}");
}
