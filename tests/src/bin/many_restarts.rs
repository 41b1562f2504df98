//! A child that is killed and restarted by its policy, repeatedly: `many_restarts PROGRAM COUNT`.
//!
//! It prints the resources that a process may leak, counted before and after, and checks that a
//! program that returns between two runs leaves no child.

use std::time::Duration;

use mpcore::{Backoff, CallError, ControlBuilder, OutputMode, RestartPolicy};
use system_tests::phoenix::{PhoenixConfig, PhoenixControl};
use system_tests::transport::transport;
use system_tests::{LONG, outcome, processes, until};

/// Commands are in flight, some of which are carried over to the next run.
fn crash(phoenix: &PhoenixControl) {
    let generation = phoenix.process().generation();
    let calls: Vec<_> = (0..5).map(|_| phoenix.measure(String::new(), 0)).collect();
    phoenix.glow();
    processes::kill(phoenix.process().pid().expect("there is a process"));
    until("the next run", || phoenix.process().generation() > generation);
    phoenix.process().wait_ready(LONG).expect("it gets ready");
    let answered = calls.into_iter().map(outcome).filter(Result::is_ok).count();
    assert_eq!(answered, 5, "all of them are idempotent");
}

/// The resources that a process may leak.
fn counts() -> String {
    let own = std::process::id();
    let folder = std::fs::read_dir(std::env::temp_dir()).map_or(0, Iterator::count);
    format!(
        "descriptors={} threads={:?} children={} temporary_files={folder}",
        processes::descriptors(own),
        processes::threads(),
        processes::children(own).len(),
    )
}

/// Waits until only the resources of one run are left.
fn settle() {
    let own = std::process::id();
    let passing = |name: &String| ["mp-end", "mp-marker", "mp-accept"].contains(&name.as_str());
    until("one child", || processes::children(own).len() == 1);
    until("the threads have gone", || {
        let threads = processes::threads();
        // A new thread still has the name of the thread that has created it.
        let each_once = threads.windows(2).all(|two| two[0] != two[1]);
        each_once && !threads.iter().any(passing)
    });
}

fn builder(program: &str) -> ControlBuilder<PhoenixControl> {
    let builder = PhoenixControl::builder().program(program).name("phoenix").transport(transport());
    builder.stdout(OutputMode::Null).stderr(OutputMode::Null).config(PhoenixConfig::default())
}

fn main() {
    mpcore::init();
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("a program");
    let rounds = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(10);
    let delay = Duration::from_millis(1);
    let policy =
        RestartPolicy::on_crash().backoff(Backoff::constant(delay)).intensity(u32::MAX, LONG);
    let phoenix = builder(&program).restart(policy).reapply_properties();
    let phoenix = phoenix.spawn().expect("it can be tried");
    phoenix.process().wait_ready(LONG).expect("it gets ready");
    outcome(phoenix.set_power(2.0)).expect("the write is accepted");
    (0..20).for_each(|_| crash(&phoenix));
    settle();
    println!("before {}", counts());
    (0..rounds).for_each(|_| crash(&phoenix));
    settle();
    println!("after {}", counts());

    // Between two runs, the next of which is far in the future.
    let late = policy.backoff(Backoff::constant(100 * LONG));
    let patient = builder(&program).restart(late).spawn().expect("it can be tried");
    patient.process().wait_ready(LONG).expect("it gets ready");
    processes::kill(patient.process().pid().expect("there is a process"));
    let _ = patient.process().join(LONG);
    let waits = patient.add(1, 2);
    assert!(
        patient.process().restart_pending() && mpcore::shutdown(LONG).is_ok(),
        "it is done in time"
    );
    assert_eq!(outcome(waits), Err(CallError::Stopped));
    let left = processes::children(std::process::id()).len();
    println!("left {}", if left == 0 { "no child" } else { "a child" });
}
