//! Commands when the child is restarted: lost, answered by the next run, or run once more.

use std::sync::mpsc;
use std::time::Duration;

use mpcore::{Backoff, Call, CallError};
use system_tests::{Blob, LONG, outcome, processes, until};

use super::{Logged, builder, exited, kill, ready, soon, until_run};

#[test]
fn commands_lost_in_a_crash_fail_and_later_ones_are_answered() {
    let logged = Logged::new();
    let policy =
        soon().backoff(Backoff { first: Duration::from_secs(1), longest: LONG, factor: 2 });
    let phoenix = ready(builder().config(logged.config()).restart(policy));
    // Stopped until all are submitted: after the crash they would wait for the next run.
    let pid = phoenix.process().pid().unwrap();
    let (taken, behind) = processes::while_frozen(pid, || {
        let taken = phoenix.measure_once("taken".into(), 1);
        let behind = (0..100).map(|_| phoenix.measure_once("behind".into(), 0));
        (taken, behind.collect::<Vec<_>>())
    });
    phoenix.process().join(LONG).unwrap();
    assert!(phoenix.process().restart_pending());
    let later: Vec<_> =
        (0..100).map(|number| phoenix.measure_once(format!("later {number}"), 0)).collect();
    let cancelled = phoenix.measure_once("cancelled".into(), 0);
    let large = phoenix.weigh(Blob::numbered(2 << 20), 0);
    cancelled.cancel();
    assert_eq!(outcome(cancelled), Err(CallError::Cancelled));
    assert!(phoenix.process().restart_pending(), "they wait");

    assert!(exited(&outcome(taken), 1));
    assert!(behind.into_iter().all(|call| exited(&outcome(call), 1)));
    assert!(later.into_iter().all(|call| outcome(call) == Ok(2)));
    assert_eq!(outcome(large), Ok(2));
    let mut expected = vec!["taken 1".to_owned()];
    expected.extend((0..100).map(|number| format!("later {number} 2")));
    expected.push("load 2".into());
    assert_eq!(logged.runs(), expected);
    assert_eq!(phoenix.process().exit_report().unwrap().commands_lost, 101);
}

#[test]
fn an_idempotent_command_is_run_once_more_in_its_place() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    let (sender, told) = mpsc::channel();
    let tell = |name: &'static str, call: Call<u32>| {
        let sender = sender.clone();
        call.on_done(move |outcome| drop(sender.send((name, outcome))));
    };
    tell("first", phoenix.measure("first".into(), 1));
    tell("once", phoenix.measure_once("once".into(), 0));
    tell("second", phoenix.measure("second".into(), 0));
    tell("load", phoenix.weigh(Blob::numbered(3 << 20), 0));
    until("the crash", || phoenix.process().exit_report().is_some());
    tell("later", phoenix.measure_once("later".into(), 0));
    let mut outcomes: Vec<_> = (0..5).map(|_| told.recv_timeout(LONG).unwrap()).collect();
    let once = outcomes.iter().position(|(name, _)| *name == "once").unwrap();
    assert!(exited(&outcomes.remove(once).1, 1));
    let answered = ["first", "second", "load", "later"].map(|name| (name, Ok(2)));
    assert_eq!(outcomes, answered);
    assert_eq!(logged.runs(), ["first 1", "first 2", "second 2", "load 2", "later 2"]);
    assert_eq!(phoenix.process().exit_report().unwrap().commands_lost, 1);
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert!(told.try_recv().is_err(), "each has one outcome");
    assert_eq!(phoenix.process().pending_commands(), 0);
}

#[test]
fn an_idempotent_command_with_large_arguments_is_run_once_more() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    assert_eq!(outcome(phoenix.weigh(Blob::numbered(5 << 20), 1)), Ok(2));
    assert_eq!(logged.runs(), ["load 1", "load 2"]);
}

#[test]
fn an_idempotent_command_fails_after_the_second_crash() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    let poison = phoenix.measure("poison".into(), u32::MAX);
    assert!(exited(&outcome(poison), 2));
    assert_eq!(outcome(phoenix.generation()), Ok(3));
    assert_eq!(logged.runs(), ["poison 1", "poison 2"]);
}

#[test]
fn a_cancelled_or_stopped_idempotent_command_is_not_run_again() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    // Cancelled, but the child does not receive it any more.
    let call = phoenix.wait_for_the_end("cancelled".into());
    until("it has begun", || phoenix.begun() == 1);
    processes::freeze(phoenix.process().pid().unwrap());
    call.cancel();
    kill(&phoenix);
    assert!(exited(&outcome(call), 1));
    // Stopped, by a restart by hand.
    until_run(&phoenix, 2);
    let call = phoenix.wait_for_the_end("stopped".into());
    until("it has begun", || phoenix.begun() == 1);
    phoenix.process().restart().unwrap();
    assert_eq!(outcome(call), Err(CallError::Stopped));
    // Without a next run.
    until_run(&phoenix, 3);
    assert_eq!(logged.runs(), ["cancelled 1", "stopped 2"]);
    let never = ready(builder().config(logged.config()));
    assert!(exited(&outcome(never.measure("never".into(), 1)), 1));
    assert_eq!(logged.runs().last().unwrap(), "never 1");
}

#[test]
fn commands_in_flight_end_once_over_many_restarts() {
    let phoenix = ready(builder().restart(soon()));
    let (sender, told) = mpsc::channel();
    let mut submitted = 0;
    // The same steps in each run of the test; the moments differ.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for step in 0..120 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        for number in 0..state % 40 {
            let sender = sender.clone();
            submitted += 1;
            match number % 4 {
                0 => phoenix
                    .measure("m".into(), 0)
                    .on_done(move |_| sender.send(()).unwrap_or_default()),
                1 => phoenix.weigh(Blob::numbered(100_000), 0).on_done(move |_| {
                    sender.send(()).unwrap_or_default();
                }),
                2 => {
                    let call = phoenix.add(1, 2);
                    call.cancel();
                    call.on_done(move |_| sender.send(()).unwrap_or_default());
                }
                _ => phoenix.add(1, 2).on_done(move |_| sender.send(()).unwrap_or_default()),
            }
        }
        match (state >> 32) % 6 {
            0 => phoenix.process().restart().unwrap(),
            1 | 2 => {
                if let Some(pid) = phoenix.process().pid() {
                    // It may have just ended.
                    let _ =
                        std::process::Command::new("kill").arg("-9").arg(pid.to_string()).status();
                }
            }
            3 => {
                phoenix.process().stop();
                let _ = phoenix.process().start();
            }
            4 => until("some answers", || step > 110 || phoenix.process().pending_commands() < 20),
            _ => {}
        }
        if !phoenix.process().is_alive() && !phoenix.process().restart_pending() {
            let _ = phoenix.process().start();
        }
    }
    phoenix.process().stop();
    for number in 0..submitted {
        assert!(told.recv_timeout(LONG).is_ok(), "{number} of {submitted} outcomes");
    }
    until("all has ended", || !phoenix.process().is_alive());
    assert_eq!(phoenix.process().pending_commands(), 0);
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err(), "each ends once");
}
