//! Ending a child: by request, by signal, by dropping its handles; `join` and `wait_ready`;
//! `cleanup` and `after_exit`.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mpcore::{
    CallError, CleanupStatus, ExitStatus, JoinError, ProcessState, ReadyError, WaitError,
};
use rustix::process::Signal;
use system_tests::bench::{CleanupFault, builder, ready, until_begun};
use system_tests::{
    BenchConfig, BenchControl, InitFault, Journal, LONG, outcome, processes, until,
};

use super::{CHILD, Logged, ProcessEnd, joined};

const SHORT: Duration = Duration::from_millis(300);

// ---- stop, terminate, kill

#[test]
fn an_idle_child_stops_in_order() {
    let logged = Logged::new();
    let bench = ready(logged.builder());
    let pid = bench.process().pid().unwrap();
    bench.process().stop();
    let report = joined(&bench);
    assert_eq!(
        (report.state, report.status),
        (ProcessState::Finished, Some(ExitStatus::from_code(0)))
    );
    assert_eq!(
        (report.killed, report.cleanup, &report.failure),
        (false, CleanupStatus::Ran, &None)
    );
    assert_eq!(logged.pids(), [pid], "once, and in the child");
    assert!(processes::is_gone(pid), "it was reaped");
    assert_eq!((bench.process().pid(), bench.process().is_alive()), (None, false));
    bench.process().stop();
    bench.process().kill();
    assert_eq!(bench.process().state(), ProcessState::Finished, "nothing more to end");
}

#[test]
fn a_running_command_sees_the_stop_and_queued_ones_are_stopped() {
    let bench = builder(CHILD).build().unwrap();
    // Before the start, so that they are sent together: the child holds some of them, others are
    // queued later and wait in the lane.
    let running = bench.work(60_000);
    let mut queued: Vec<_> = (0..50).map(|_| bench.raise_level(2)).collect();
    bench.process().start().unwrap();
    until_begun(&bench, 1);
    queued.extend((0..50).map(|_| bench.raise_level(2)));
    bench.process().stop();
    let after = bench.add_two(1, 2);
    assert_eq!(outcome(running), Err(CallError::Stopped));
    for call in queued {
        assert_eq!(outcome(call), Err(CallError::Stopped));
    }
    assert_eq!(outcome(after), Err(CallError::Stopped));
    let report = joined(&bench);
    assert_eq!(
        (report.killed, report.cleanup, report.state),
        (false, CleanupStatus::Ran, ProcessState::Finished)
    );
    assert_eq!(bench.level(), 0, "none of the queued ones has run");
    assert_eq!(report.commands_stopped, 101, "in the child's hands, in the lane, and refused");
    let Err(CallError::Exited(shared)) = outcome(bench.add_two(1, 2)) else { panic!("it is gone") };
    assert_eq!(shared, report);
}

#[test]
fn a_command_that_returns_within_the_grace_gives_its_result() {
    let bench = ready(builder(CHILD));
    let deaf = bench.ignore_everything(300);
    let willing = ready(builder(CHILD));
    let finishing = willing.finish_all_the_same();
    until_begun(&bench, 1);
    until_begun(&willing, 1);
    bench.process().stop();
    willing.process().stop();
    assert_eq!(outcome(deaf), Ok(()));
    assert_eq!(outcome(finishing), Ok(1));
    assert_eq!([joined(&bench).cleanup, joined(&willing).cleanup], [CleanupStatus::Ran; 2]);
}

#[test]
fn a_command_that_ignores_everything_is_killed_after_the_grace() {
    let logged = Logged::new();
    let bench = ready(logged.builder().stop_grace(SHORT));
    let running = bench.ignore_everything(600_000);
    let queued = bench.add_two(1, 2);
    until_begun(&bench, 1);
    bench.process().stop();
    let report = joined(&bench);
    assert_eq!((report.killed, report.cleanup), (true, CleanupStatus::Unknown));
    assert_eq!(
        (report.state, report.status.and_then(ExitStatus::signal)),
        (ProcessState::Finished, Some(9))
    );
    let Err(CallError::Exited(shared)) = outcome(running) else { panic!("the end took it along") };
    assert!(shared.killed);
    assert!(outcome(queued).is_err());
    assert!(logged.pids().is_empty(), "a kill skips it");
    assert!(report.to_string().contains("killed"), "{report}");
}

#[test]
fn terminate_ends_in_order_and_does_not_wait_for_the_grace() {
    let logged = Logged::new();
    let bench = ready(logged.builder().stop_grace(Duration::from_secs(600)));
    let pid = bench.process().pid().unwrap();
    let running = bench.work(600_000);
    until_begun(&bench, 1);
    bench.process().terminate();
    assert_eq!(outcome(running), Err(CallError::Stopped));
    let report = joined(&bench);
    assert_eq!(
        (report.killed, report.cleanup, report.state),
        (false, CleanupStatus::Ran, ProcessState::Finished)
    );
    assert_eq!(logged.pids(), [pid]);

    let deaf = ready(builder(CHILD).stop_grace(Duration::from_secs(600)));
    deaf.ignore_everything(600_000);
    until_begun(&deaf, 1);
    deaf.process().terminate();
    assert!(joined(&deaf).killed);
}

#[test]
fn kill_never_runs_cleanup() {
    for _ in 0..25 {
        let logged = Logged::new();
        let bench = ready(logged.builder());
        let pid = bench.process().pid().unwrap();
        bench.process().kill();
        let report = joined(&bench);
        assert_eq!(
            (report.killed, report.cleanup, report.state),
            (true, CleanupStatus::Skipped, ProcessState::Finished)
        );
        assert_eq!(report.status.map(ExitStatus::code), Some(-9));
        assert!(processes::is_gone(pid));
        assert!(logged.pids().is_empty());
    }
}

#[test]
fn a_stop_that_takes_too_long_can_be_cut_short() {
    let bench = ready(builder(CHILD).stop_grace(Duration::from_secs(600)));
    bench.ignore_everything(600_000);
    until_begun(&bench, 1);
    bench.process().stop();
    assert_eq!(bench.process().state(), ProcessState::Stopping);
    bench.process().kill();
    assert!(joined(&bench).killed);
}

#[test]
fn a_stopped_process_is_killed_after_the_grace_too() {
    let bench = ready(builder(CHILD).stop_grace(SHORT));
    let pid = bench.process().pid().unwrap();
    processes::freeze(pid);
    let call = bench.add_two(1, 2);
    bench.process().stop();
    assert!(joined(&bench).killed);
    assert!(outcome(call).is_err());
    assert!(processes::is_gone(pid));
}

// ---- signals from outside

#[test]
fn sigterm_and_sighup_from_outside_end_in_order() {
    for signal in [Signal::TERM, Signal::HUP] {
        let logged = Logged::new();
        let bench = ready(logged.builder());
        let pid = bench.process().pid().unwrap();
        let running = bench.work(600_000);
        let queued = bench.add_two(1, 2);
        until_begun(&bench, 1);
        processes::signal(pid, signal);
        assert_eq!(outcome(running), Err(CallError::Stopped), "{signal:?}");
        assert_eq!(outcome(queued), Err(CallError::Stopped), "{signal:?}");
        let report = joined(&bench);
        assert_eq!(
            (report.state, report.killed, report.cleanup),
            (ProcessState::Finished, false, CleanupStatus::Ran)
        );
        assert_eq!(logged.pids(), [pid]);

        let idle = ready(logged.builder());
        processes::signal(idle.process().pid().unwrap(), signal);
        assert_eq!(joined(&idle).state, ProcessState::Finished, "{signal:?}, idle");
    }
}

#[test]
fn ctrl_c_reaches_only_the_controller() {
    let bench = ready(builder(CHILD));
    let pid = bench.process().pid().unwrap();
    processes::signal(pid, Signal::INT);
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3), "idle");
    let running = bench.work(200);
    until_begun(&bench, 1);
    processes::signal(pid, Signal::INT);
    assert!(outcome(running).is_ok(), "busy");
    assert!(bench.process().is_alive());
}

// ---- join and wait_ready

#[test]
fn join_waits_for_this_run_any_number_of_times() {
    let bench = builder(CHILD).build().unwrap();
    assert_eq!(bench.process().join(LONG), Err(JoinError::NotStarted));
    assert_eq!(bench.process().wait_ready(LONG), Err(ReadyError::NotStarted));
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    bench.process().wait_ready(LONG).unwrap();
    let short = Duration::from_millis(1);
    let late = Err(JoinError::Wait(WaitError::Timeout(short)));
    assert_eq!(bench.process().join(short), late);
    bench.process().stop();
    let ok = Ok(mpcore::ProcessEnd::Status(ExitStatus::from_code(0)));
    assert_eq!(bench.process().join(LONG), ok);
    assert_eq!(bench.process().join(Duration::ZERO), ok);
    assert!(matches!(bench.process().wait_ready(LONG), Err(ReadyError::Ended(_))));

    let never = builder("/nowhere/bench_child").spawn().unwrap();
    assert!(matches!(never.process().join(LONG), Err(JoinError::NeverRan(_))));
    assert!(matches!(never.process().wait_ready(LONG), Err(ReadyError::Failed(_))));
}

#[test]
fn many_threads_join_at_once() {
    let bench = ready(builder(CHILD));
    let joiners: Vec<_> = (0..8)
        .map(|_| {
            let bench = bench.clone();
            thread::spawn(move || bench.process().join(LONG))
        })
        .collect();
    bench.process().stop();
    for joiner in joiners {
        assert_eq!(
            joiner.join().unwrap(),
            Ok(mpcore::ProcessEnd::Status(ExitStatus::from_code(0)))
        );
    }
}

/// Regression: `join` returned when the state had changed, but before outcomes and last signals
/// were out.
#[test]
fn after_join_every_outcome_is_set_and_every_signal_queued() {
    for _ in 0..20 {
        let bench = ready(builder(CHILD));
        let finished = bench.process().signals().finished.receiver();
        let mut calls: Vec<_> = (0..100).map(|_| bench.ignore_everything(60_000)).collect();
        bench.process().kill();
        assert!(bench.process().join(LONG).is_ok());
        let missing =
            calls.iter_mut().filter_map(|it| it.try_outcome().is_none().then_some(())).count();
        assert_eq!(missing, 0);
        assert!(finished.recv_timeout(LONG).is_ok());
    }
}

#[test]
fn a_child_stopped_before_it_was_ready_reports_that() {
    let config = BenchConfig { fault: Some(InitFault::ConstructorHangs), ..BenchConfig::default() };
    let bench = builder(CHILD).config(config).stop_grace(SHORT).spawn().unwrap();
    let queued = bench.add_two(1, 2);
    until("there is a process", || bench.process().pid().is_some());
    bench.process().stop();
    // Stopped if it had not been sent, lost with the child if it had.
    assert!(matches!(outcome(queued), Err(CallError::Stopped | CallError::Exited(_))));
    assert!(matches!(bench.process().wait_ready(LONG), Err(ReadyError::Ended(_))));
    let report = joined(&bench);
    // Whether it had to be killed depends on whether the constructor had begun.
    assert_eq!(report.state, ProcessState::Finished);
    assert_ne!(report.cleanup, CleanupStatus::Ran);
}

/// Regression: the stop overtook the welcome, and the child took it for a failure.
#[test]
fn a_stop_right_after_the_start_is_an_orderly_end() {
    for round in 0..20 {
        let bench = builder(CHILD).spawn().unwrap();
        // At different moments of the start.
        thread::sleep(Duration::from_micros(round * 300));
        bench.process().stop();
        let report = joined(&bench);
        assert_eq!((report.state, &report.failure), (ProcessState::Finished, &None));
        assert_eq!(
            (report.killed, report.status),
            (false, Some(ExitStatus::from_code(0))),
            "{round}"
        );
    }
}

/// Regression: `start` reset a stop that came immediately from another thread.
#[test]
fn a_stop_from_another_thread_is_not_lost_in_a_start() {
    for _ in 0..40 {
        let bench = builder(CHILD).stop_grace(LONG * 10).build().unwrap();
        let stopper = bench.clone();
        let stopper = thread::spawn(move || {
            while !stopper.process().is_alive() {
                std::hint::spin_loop();
            }
            stopper.process().stop();
        });
        bench.process().start().unwrap();
        stopper.join().unwrap();
        let ended = bench.process().join(LONG);
        if ended.is_err() {
            bench.process().kill();
        }
        assert!(ended.is_ok(), "the stop was lost");
    }
}

// ---- handles

#[test]
fn the_last_handle_dropped_stops_the_child_in_the_background() {
    let logged = Logged::new();
    let bench = ready(logged.builder());
    let pid = bench.process().pid().unwrap();
    let (clone, weak) = (bench.clone(), bench.downgrade());
    // None of these keeps it alive.
    let call = bench.work(600_000);
    let signals = bench.signals().clone();
    let ticks = signals.tick.receiver();
    signals.tick.connect(|_| {});
    drop(bench);
    assert!(clone.process().is_alive(), "the clone keeps it");
    drop(clone);
    assert!(weak.upgrade().is_none());
    assert_eq!(outcome(call), Err(CallError::Stopped));
    processes::until_ended(&[pid]);
    until("the child is reaped", || processes::is_gone(pid));
    assert_eq!(logged.pids(), [pid]);
    drop(ticks);
}

#[test]
fn commands_of_a_child_that_is_dropped_unstarted_end_as_stopped() {
    let bench = builder(CHILD).build().unwrap();
    let call = bench.add_two(1, 2);
    let (sender, done) = mpsc::channel();
    bench.add_two(3, 4).on_done(move |it| sender.send(it).unwrap());
    drop(bench);
    assert_eq!(outcome(call), Err(CallError::Stopped));
    assert_eq!(done.recv_timeout(LONG), Ok(Err(CallError::Stopped)));
}

#[test]
fn a_stop_before_the_start_changes_nothing() {
    let bench = builder(CHILD).build().unwrap();
    bench.process().stop();
    bench.process().kill();
    assert_eq!(bench.process().state(), ProcessState::Created);
    let call = bench.add_two(1, 2);
    bench.process().start().unwrap();
    assert_eq!(outcome(call), Ok(3));
}

// ---- cleanup and after_exit

#[test]
fn cleanup_runs_after_a_failed_init_but_not_constructor() {
    for (fault, cleanup) in [
        (InitFault::PostrunInitErrs, CleanupStatus::Ran),
        (InitFault::PostrunInitPanics, CleanupStatus::Ran),
        (InitFault::ConstructorErrs, CleanupStatus::Skipped),
        (InitFault::ConstructorPanics, CleanupStatus::Skipped),
    ] {
        let mut logged = Logged::new();
        logged.config.fault = Some(fault);
        let bench = logged.builder().spawn().unwrap();
        let report = joined(&bench);
        assert_eq!(report.state, ProcessState::Failed);
        assert_eq!(
            report.pid.filter(|_| cleanup == CleanupStatus::Ran).map_or(vec![], |it| vec![it]),
            logged.pids(),
            "{fault:?}"
        );
        assert_eq!(report.cleanup, cleanup, "{fault:?}");
    }
}

#[test]
fn a_panic_in_cleanup_is_reported_and_a_hang_is_killed() {
    let panics =
        BenchConfig { cleanup_fault: Some(CleanupFault::Panics), ..BenchConfig::default() };
    let bench = ready(builder(CHILD).config(panics));
    bench.process().stop();
    let report = joined(&bench);
    assert_eq!((report.state, report.killed), (ProcessState::Finished, false));
    assert_eq!(
        report.cleanup_panic.as_ref().map(|it| it.message.as_str()),
        Some("the lid is stuck")
    );

    let hangs = BenchConfig { cleanup_fault: Some(CleanupFault::Hangs), ..BenchConfig::default() };
    let bench = ready(builder(CHILD).config(hangs).stop_grace(SHORT));
    bench.process().stop();
    let report = joined(&bench);
    assert_eq!(
        (report.state, report.killed, report.cleanup),
        (ProcessState::Finished, true, CleanupStatus::Unknown)
    );
}

#[test]
fn after_exit_runs_after_every_run() {
    let journal = Journal::new();
    let note = journal.clone();
    let bench = builder(CHILD).after_exit(move |report| {
        let code = report.status.map(ExitStatus::code);
        note.note(format!("{} {code:?} killed {}", report.state, report.killed));
        panic!("on purpose");
    });
    let bench = bench.build().unwrap();
    let ends: [ProcessEnd; 3] = [
        |bench| bench.process().stop(),
        |bench| bench.process().kill(),
        |bench| drop(bench.exit_with(3)),
    ];
    for (number, end) in ends.iter().enumerate() {
        bench.process().start().unwrap();
        bench.process().wait_ready(LONG).unwrap();
        end(&bench);
        joined(&bench);
        journal.until("the hook", |lines| lines.len() == number + 1);
    }
    let expected = [
        "finished Some(0) killed false",
        "finished Some(-9) killed true",
        "crashed Some(3) killed false",
    ];
    assert_eq!(journal.lines(), expected);

    let note = journal.clone();
    let never = builder("/nowhere/bench_child").after_exit(move |it| note.note(it.state));
    let never = never.spawn().unwrap();
    journal.until_line("failed");
    drop(never);
}

#[test]
fn after_exit_may_start_the_child_again() {
    let (sender, again) = mpsc::channel::<mpcore::WeakControl<BenchControl>>();
    let again = std::sync::Mutex::new(again);
    let bench = builder(CHILD).after_exit(move |report| {
        if report.generation == 1 {
            let weak = again.lock().unwrap().recv().unwrap();
            weak.upgrade().expect("the test holds it").process().start().unwrap();
        }
    });
    let bench = bench.build().unwrap();
    sender.send(bench.downgrade()).unwrap();
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    processes::kill(bench.process().pid().unwrap());
    until("the next run", || bench.process().generation() == 2);
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}
