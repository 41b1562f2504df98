//! Lifecycle signals, exceptions, and the report of a run.

use std::sync::{Arc, Mutex};

use mpcore::{CallError, CleanupStatus, ExceptionKind, ProcessState, RunFailure};
use system_tests::bench::{TICK_OF_CLEANUP, TICK_OF_CONSTRUCTOR, TICK_OF_INIT, builder, ready};
use system_tests::{BenchConfig, BenchControl, InitFault, Journal, LONG, outcome, processes};

use super::{CHILD, own_inbox, run_loop};

// ---- lifecycle signals

/// Starts a child, lets it end, and compares its lifecycle signals.
fn check_life(
    name: &str,
    builder: mpcore::ControlBuilder<BenchControl>,
    end: impl FnOnce(&BenchControl),
    expected: &[&str],
) {
    let bench = builder.build().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    bench.process().start().unwrap();
    end(&bench);
    bench.process().join(LONG).ok();
    journal.until_line("finished");
    // Any further signal would have been posted before the outcome of a command submitted now.
    let note = journal.clone();
    bench.add_two(0, 0).on_done(move |_| note.note("end"));
    let lines = journal.until_line("end");
    let (_, lines) = lines.split_last().unwrap();
    assert_eq!(lines, expected, "{name}");
}

fn until_ready(bench: &BenchControl) -> u32 {
    bench.process().wait_ready(LONG).unwrap();
    bench.process().pid().unwrap()
}

#[test]
fn lifecycle_signals_come_in_order_and_finished_once_and_last() {
    let up = ["state starting", "started", "state running", "ready"];
    let with = |rest: &[&'static str]| [&up, rest].concat();
    // A requested end is not a failure.
    let finished = ["state stopping", "state finished", "finished finished"];
    check_life(
        "stop",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.process().stop();
        },
        &with(&finished),
    );
    check_life(
        "terminate",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.process().terminate();
        },
        &with(&finished),
    );
    check_life(
        "kill",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.process().kill();
        },
        &with(&finished),
    );
    // An end that was not requested is a crash, even with exit code 0.
    let crashed = ["failed", "state crashed", "finished crashed"];
    check_life("kill -9", builder(CHILD), |it| processes::kill(until_ready(it)), &with(&crashed));
    check_life(
        "exit",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.exit_with(0);
        },
        &with(&crashed),
    );
    check_life(
        "abort",
        builder(CHILD),
        |it| {
            until_ready(it);
            it.abort();
        },
        &with(&crashed),
    );
    let ended = ["state finished", "finished finished"];
    let term =
        |it: &BenchControl| processes::signal(until_ready(it), rustix::process::Signal::TERM);
    check_life("SIGTERM from outside", builder(CHILD), term, &with(&ended));
    // A child that fails before it is ready never reaches the state `running`.
    let failed = ["state starting", "started", "failed", "state failed", "finished failed"];
    for fault in [
        InitFault::ConstructorErrs,
        InitFault::ConstructorPanics,
        InitFault::PostrunInitErrs,
        InitFault::PostrunInitPanics,
    ] {
        let config = BenchConfig { fault: Some(fault), ..BenchConfig::default() };
        check_life(&format!("{fault:?}"), builder(CHILD).config(config), |_| {}, &failed);
    }
    let never = ["state starting", "failed", "state failed", "finished failed"];
    check_life("missing", builder("/nowhere/bench_child"), |_| {}, &never);
}

#[test]
fn constructor_init_and_cleanup_emit_in_their_phases() {
    let config = BenchConfig { talks: true, ..BenchConfig::default() };
    let bench = builder(CHILD).config(config).build().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(format!("tick {number}")));
    let note = journal.clone();
    bench.signals().connected_changed.connect(move |on| note.note(format!("connected {on}")));
    journal.until_line("connected false");
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    bench.process().stop();
    let lines = journal.until_line("finished");
    let expected = [
        "connected false".into(),
        "state starting".into(),
        "started".into(),
        format!("tick {TICK_OF_CONSTRUCTOR}"),
        format!("tick {TICK_OF_INIT}"),
        "connected true".into(),
        "state running".into(),
        "ready".into(),
        "state stopping".into(),
        format!("tick {TICK_OF_CLEANUP}"),
        "state finished".into(),
        "finished finished".into(),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_report_describes_the_run() {
    let bench = ready(builder(CHILD).name("bench"));
    let pid = bench.process().pid();
    let (started, reports, failures) = {
        let signals = bench.process().signals();
        (signals.started.receiver(), signals.finished.receiver(), signals.failed.receiver())
    };
    outcome(bench.complain("the lamp flickers".into(), 3)).unwrap();
    // Stopped until all are submitted: a call after the crash would be refused.
    let lost = processes::while_frozen(pid.unwrap(), || {
        [bench.exit_with(7), bench.reset_counters(), bench.reset_counters()]
    });
    let report = reports.recv_timeout(LONG).unwrap().0;
    assert_eq!((report.name.as_str(), report.generation, report.pid), ("bench", 1, pid));
    assert_eq!(report.state, ProcessState::Crashed);
    assert_eq!(report.status.map(mpcore::ExitStatus::code), Some(7));
    assert_eq!(
        (report.killed, report.cleanup, report.commands_lost),
        (false, CleanupStatus::Skipped, 3)
    );
    assert_eq!(
        report.stderr,
        ["the lamp flickers 1", "the lamp flickers 2", "the lamp flickers 3"]
    );
    let Some((RunFailure::Crashed { status },)) = failures.try_recv() else { panic!("it failed") };
    assert_eq!(status.code(), 7);
    assert_eq!(bench.process().exit_status().map(mpcore::ExitStatus::code), Some(7));
    assert_eq!(bench.process().exit_report().as_deref(), Some(&report));
    for call in lost {
        let Err(CallError::Exited(shared)) = outcome(call) else { panic!("it ended with it") };
        assert_eq!(*shared, report);
        let text = CallError::<mpcore::Never>::Exited(shared).to_string();
        assert!(text.contains("bench") && text.contains("exit code 7"), "{text}");
    }
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    assert_eq!(started.recv_timeout(LONG), Ok((bench.process().pid().unwrap(),)));
    bench.process().stop();
    let report = reports.recv_timeout(LONG).unwrap().0;
    assert_eq!((report.generation, report.state), (2, ProcessState::Finished));
    assert_eq!(
        (report.cleanup, report.killed, report.commands_lost),
        (CleanupStatus::Ran, false, 0)
    );
    assert_eq!((report.failure, report.stderr.len()), (None, 0));
}

// ---- exceptions

#[test]
fn an_exception_names_its_process_kind_and_cause() {
    let bench = ready(builder(CHILD).name("bench right"));
    let pid = bench.process().pid();
    let exceptions = bench.signals().exception_raised.receiver();
    let raised = bench.divide(1, 0);
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!((exception.process.as_str(), exception.pid), ("bench right", pid));
    assert_eq!((exception.command, exception.call), (Some("divide"), Some(raised.id())));
    assert_eq!(
        (exception.kind, exception.message.as_str()),
        (ExceptionKind::Raised, "division by zero")
    );
    assert_eq!(exception.to_string(), "bench right.divide: division by zero");

    let panicked = bench.panic_with("the lens is gone".into());
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!((exception.command, exception.call), (Some("panic_with"), Some(panicked.id())));
    assert_eq!(exception.kind, ExceptionKind::Panicked);
    assert!(exception.message.contains("the lens is gone"), "{exception:?}");
    assert!(exception.message.contains("bench.rs"), "{exception:?}");

    // An end on request is not a failure.
    let cancelled = bench.work(60_000);
    cancelled.cancel();
    assert_eq!(outcome(cancelled), Err(CallError::Cancelled));
    // Stopped until both are submitted: a call after the crash would be refused.
    let lost = processes::while_frozen(pid.unwrap(), || {
        bench.exit_with(3);
        bench.add_two(1, 1)
    });
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!((exception.command, exception.call, exception.pid), (None, None, pid));
    assert_eq!(exception.kind, ExceptionKind::Crashed { commands_lost: 2 });
    assert!(exception.message.contains("exit code 3"), "{exception:?}");
    assert!(matches!(outcome(lost), Err(CallError::Exited(_))));
    assert!(exceptions.try_recv().is_none(), "once, not once per command");
}

/// Regression: the pid was looked up when the handler ran, when there was none any more.
#[test]
fn an_exception_names_its_process_even_after_its_end() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let pid = bench.process().pid();
    let seen = Arc::new(Mutex::new(None));
    let told = Arc::clone(&seen);
    bench.signals().exception_raised.connect(move |it| *told.lock().unwrap() = Some(it.pid));
    assert!(outcome(bench.divide(1, 0)).is_err());
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    run_loop(&inbox, &woken, || seen.lock().unwrap().is_some());
    assert_eq!(*seen.lock().unwrap(), Some(pid));
}
