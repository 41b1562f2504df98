//! Stops, starts and waits while no run exists and the next one is due.

use std::time::Duration;

use mpcore::{Backoff, CallError, ProcessState, ReadyError, RestartPolicy, RunFailure, WaitError};
use system_tests::phoenix::PhoenixControl;
use system_tests::{LONG, in_own_process, outcome, processes, until};

use super::{builder, exited, follow, kill, kill_and_wait, late, ready, soon, until_run};

/// Calls the next run off: waiting commands end as stopped, and a start by hand still works.
fn check_called_off(call_off: fn(&PhoenixControl)) {
    let phoenix = ready(builder().restart(late(RestartPolicy::on_crash())));
    let journal = follow(&phoenix);
    kill_and_wait(&phoenix);
    journal.until_line("restarting");
    let waiting: Vec<_> = (0..10).map(|number| phoenix.add(number, 1)).collect();
    call_off(&phoenix);
    assert!(!phoenix.process().restart_pending());
    for call in waiting {
        assert_eq!(outcome(call), Err(CallError::Stopped));
    }
    assert!(exited(&outcome(phoenix.add(1, 2)), 1), "as after every end");
    let ready = phoenix.process().wait_ready(LONG);
    assert!(matches!(ready, Err(ReadyError::Failed(RunFailure::Crashed { .. }))), "{ready:?}");
    assert_eq!(
        (phoenix.process().generation(), phoenix.process().state()),
        (1, ProcessState::Crashed)
    );
    phoenix.process().start().unwrap();
    until_run(&phoenix, 2);
}

#[test]
fn a_stop_cancels_the_next_run() {
    check_called_off(|phoenix| phoenix.process().stop());
}

#[test]
fn a_kill_cancels_the_next_run() {
    check_called_off(|phoenix| phoenix.process().kill());
    check_called_off(|phoenix| phoenix.process().terminate());
}

#[test]
fn dropping_the_last_handle_cancels_the_next_run() {
    in_own_process(
        "ends::restart::between_runs::dropping_the_last_handle_cancels_the_next_run",
        drop_the_last_handle_between_two_runs,
    );
}

fn drop_the_last_handle_between_two_runs() {
    let delay = Duration::from_secs(1);
    let phoenix = ready(builder().restart(soon().backoff(Backoff::constant(delay))));
    let started = phoenix.process().signals().started.receiver();
    kill_and_wait(&phoenix);
    let waiting = phoenix.add(1, 2);
    drop(phoenix);
    assert_eq!(outcome(waiting), Err(CallError::Stopped));
    // All handles are gone before the delay is over; nothing was started.
    assert!(started.recv_timeout(delay + delay / 2).is_err());
    until("no process is left", || processes::children(std::process::id()).is_empty());
}

#[test]
fn a_start_or_restart_between_two_runs_begins_immediately() {
    let begin: [fn(&PhoenixControl); 2] = [
        |phoenix| phoenix.process().start().unwrap(),
        |phoenix| phoenix.process().restart().unwrap(),
    ];
    for begin in begin {
        let phoenix = ready(builder().restart(late(RestartPolicy::on_crash())));
        kill_and_wait(&phoenix);
        let waiting = phoenix.generation();
        begin(&phoenix);
        assert!(!phoenix.process().restart_pending());
        assert_eq!(outcome(waiting), Ok(2));
        assert_eq!(phoenix.process().generation(), 2);
    }
}

#[test]
fn a_start_between_two_runs_replaces_the_one_that_was_due() {
    let delay = Duration::from_secs(1);
    let phoenix = ready(builder().restart(soon().backoff(Backoff::constant(delay))));
    let restarting = phoenix.process().signals().restarting.receiver();
    kill_and_wait(&phoenix);
    restarting.recv_timeout(LONG).unwrap();
    phoenix.process().start().unwrap();
    phoenix.process().stop();
    phoenix.process().join(LONG).unwrap();
    let next = restarting.recv_timeout(delay + delay / 2);
    assert!(next.is_err(), "the alarm of the first run has no effect");
    assert_eq!(phoenix.process().generation(), 2);
}

#[test]
fn wait_ready_waits_across_restarts_and_join_does_not() {
    let delay = Duration::from_secs(1);
    let phoenix = ready(builder().restart(soon().backoff(Backoff::constant(delay))));
    kill(&phoenix);
    let status = phoenix.process().join(LONG).unwrap();
    assert_eq!(status.code(), Some(-9));
    assert!(phoenix.process().restart_pending());
    let soon = Duration::from_millis(1);
    assert_eq!(phoenix.process().wait_ready(soon), Err(ReadyError::Wait(WaitError::Timeout(soon))));
    assert_eq!(phoenix.process().join(LONG).unwrap(), status, "as often as one likes");
    phoenix.process().wait_ready(LONG).unwrap();
    assert_eq!(phoenix.process().generation(), 2);
    phoenix.process().restart().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    assert_eq!(phoenix.process().generation(), 3, "of the run that begins");
}

#[test]
fn handlers_may_stop_and_start_the_child_between_two_runs() {
    let phoenix = ready(builder().restart(late(RestartPolicy::on_crash())));
    let journal = follow(&phoenix);
    let weak = phoenix.downgrade();
    phoenix.process().signals().restarting.connect(move |_| {
        let phoenix = weak.upgrade().unwrap();
        match phoenix.process().generation() {
            1 => phoenix.process().start().unwrap(),
            _ => phoenix.process().stop(),
        }
    });
    kill(&phoenix);
    until_run(&phoenix, 2);
    kill(&phoenix);
    journal.until_lines("restarting", 2);
    until("it is called off", || !phoenix.process().restart_pending());
    assert_eq!(phoenix.process().generation(), 2);
}
