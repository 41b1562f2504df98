//! Scripted children: for the controller they behave like any child, and deviations from the script
//! are reported.

use std::sync::mpsc;
use std::time::Duration;

use mpcore::testing::{Fault, FaultPlan, Moment, Script, ScriptError, ScriptFailure};
use mpcore::{CallError, ExceptionKind, ProcessState, RunFailure, StartError};
use system_tests::bench::until_begun;
use system_tests::{BenchControl, DivideError, Journal, LONG, outcome, processes, until};

fn bench(script: &Script) -> BenchControl {
    BenchControl::builder().script(script).spawn().expect("the script fits")
}

fn joined(bench: &BenchControl) -> ProcessState {
    assert!(bench.process().join(LONG).is_ok(), "it ends");
    bench.process().state()
}

fn panicked<T: std::fmt::Debug, E: std::fmt::Debug>(outcome: Result<T, CallError<E>>) -> String {
    match outcome {
        Err(CallError::Panicked(report)) => report.message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_life_in_order() {
    let script = Script::new()
        .set("level", 7u32)
        .ready()
        .expect("add_two")
        .emit("tick", (1u32,))
        .progress(0.5)
        .reply(3)
        .expect_with("divide", |(a, b): (i32, i32)| assert_eq!((a, b), (1, 0)))
        .raise(DivideError::ByZero)
        .answer_with("add_two", |(a, b): (i32, i32)| a * b)
        .expect("set_power")
        .set("power", 2.5)
        .reply(2.5)
        .expect("reset_counters")
        .reply(())
        .expect("panic_with")
        .panic("oh");
    let bench = BenchControl::builder().script(&script).build().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(format!("tick {number}")));
    let note = journal.clone();
    bench.signals().add_two_finished.connect(move |sum| note.note(format!("sum {sum}")));
    let note = journal.clone();
    bench.process().signals().progress.connect(move |it| note.note(format!("at {}", it.fraction)));
    bench.process().start().unwrap();

    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    assert_eq!(bench.level(), 7);
    assert_eq!(outcome(bench.divide(1, 0)), Err(CallError::Raised(DivideError::ByZero)));
    assert_eq!(outcome(bench.add_two(6, 7)), Ok(42));
    assert_eq!(outcome(bench.set_power(9.0)), Ok(2.5));
    assert_eq!(bench.power(), 2.5);
    assert_eq!(outcome(bench.reset_counters()), Ok(()));
    assert_eq!(panicked(outcome(bench.panic_with("x".into()))), "oh");
    assert_eq!(script.verdict_within(LONG), Ok(()));
    bench.process().stop();
    assert_eq!(joined(&bench), ProcessState::Finished);
    assert_eq!(bench.process().exit_report().unwrap().cleanup, mpcore::CleanupStatus::Ran);
    let told = journal.until_line("finished");
    let told: Vec<_> = told.iter().filter(|line| !line.starts_with("state")).collect();
    let expected = ["started", "ready", "tick 1", "at 0.5", "sum 3", "sum 42", "finished finished"];
    assert_eq!(told, expected);
    assert_eq!(script.verdict(), Ok(()));
}

#[test]
fn an_unexpected_command_fails_with_the_expected_one() {
    let script = Script::new().ready().expect("add_two").reply(3);
    let bench = bench(&script);
    let text = panicked(outcome(bench.calibrate()));
    for phrase in ["unexpected command `calibrate`", "expect(\"add_two\")", "script.rs:"] {
        assert!(text.contains(phrase), "{text}");
    }
    // The script keeps waiting.
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    let text = panicked(outcome(bench.add_two(1, 2)));
    assert!(text.contains("the end of the run"), "{text}");
    let Err(ScriptFailure::Unexpected { command, .. }) = script.verdict() else { panic!() };
    assert_eq!(command, "calibrate");
}

#[test]
fn a_missing_command_is_reported() {
    let script =
        Script::new().ready().expect("add_two").reply(3).expect("calibrate").reply((0.0, 1.0));
    let bench = bench(&script);
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    bench.process().stop();
    assert_eq!(joined(&bench), ProcessState::Finished);
    let failure = script.verdict().unwrap_err();
    assert!(matches!(failure, ScriptFailure::Unfinished { .. }), "{failure:?}");
    assert!(failure.to_string().contains("expect(\"calibrate\")"), "{failure}");
}

#[test]
fn unexpected_arguments_are_reported() {
    let script = Script::new()
        .ready()
        .expect_with("add_two", |(a, _): (i32, i32)| assert_eq!(a, 1, "the first number"))
        .reply(3)
        .run(|| panic!("the test itself"));
    let bench = bench(&script);
    let text = panicked(outcome(bench.add_two(2, 2)));
    assert!(text.contains("`add_two` came") && text.contains("the first number"), "{text}");
    bench.process().stop();
    assert_eq!(joined(&bench), ProcessState::Finished);
    let failure = script.verdict().unwrap_err();
    assert!(matches!(failure, ScriptFailure::Arguments { .. }), "{failure:?}");
}

#[test]
fn commands_are_cancelled_queued_and_running() {
    let script = Script::new()
        .ready()
        .expect("work")
        .set("begun", 1u32)
        .until_cancelled()
        .expect("add_two")
        .reply(1);
    let bench = bench(&script);
    let running = bench.work(1);
    let queued = bench.calibrate();
    until_begun(&bench, 1);
    queued.cancel();
    assert_eq!(outcome(queued), Err(CallError::Cancelled));
    running.cancel();
    assert_eq!(outcome(running), Err(CallError::Cancelled));
    assert_eq!(outcome(bench.add_two(0, 1)), Ok(1));
    assert_eq!(script.verdict(), Ok(()), "a command cancelled before its turn is not unexpected");
}

#[test]
fn a_stop_ends_the_running_command_and_the_queued_ones() {
    let script = Script::new().ready().expect("work").set("begun", 1u32).until_cancelled();
    let bench = bench(&script);
    let (running, queued) = (bench.work(1), bench.add_two(1, 2));
    until_begun(&bench, 1);
    bench.process().stop();
    assert_eq!(outcome(running), Err(CallError::Stopped));
    assert_eq!(outcome(queued), Err(CallError::Stopped));
    assert_eq!(joined(&bench), ProcessState::Finished);
}

#[test]
fn a_crash_is_one_and_the_next_run_has_its_own_steps() {
    let (sender, gate) = mpsc::channel::<()>();
    let script = Script::new()
        .ready()
        .expect("add_two")
        .run(move || gate.recv_timeout(LONG).expect("the calls are submitted"))
        .crash()
        .next_run()
        .ready()
        .expect("add_two")
        .reply(5);
    let bench = bench(&script);
    let exceptions = bench.signals().exception_raised.receiver();
    let (running, queued) = (bench.add_two(1, 2), bench.calibrate());
    sender.send(()).unwrap();
    let Err(CallError::Exited(report)) = outcome(running) else { panic!("it crashes") };
    assert_eq!(report.status.and_then(mpcore::ExitStatus::signal), Some(11), "{report:?}");
    assert_eq!((report.commands_lost, report.state), (2, ProcessState::Crashed));
    assert!(matches!(outcome(queued), Err(CallError::Exited(_))));
    let (exception,) = exceptions.recv_timeout(LONG).unwrap();
    assert_eq!(exception.kind, ExceptionKind::Crashed { commands_lost: 2 });
    bench.process().start().unwrap();
    assert_eq!(outcome(bench.add_two(2, 3)), Ok(5));
    assert_eq!(script.verdict_within(LONG), Ok(()));
    bench.process().stop();
    assert_eq!(joined(&bench), ProcessState::Finished);
    bench.process().start().unwrap();
    let refused = outcome(bench.add_two(1, 2));
    let Err(CallError::Exited(report)) = refused else { panic!("{refused:?}") };
    assert!(matches!(report.failure, Some(RunFailure::PostrunInit(_))), "{report:?}");
    assert_eq!(script.verdict(), Err(ScriptFailure::NoSuchRun { run: 3 }));
}

#[test]
fn a_child_that_exits_hangs_or_fails_to_start() {
    let script = Script::new().ready().expect("add_two").exit(7);
    let exiting = bench(&script);
    let Err(CallError::Exited(report)) = outcome(exiting.add_two(1, 2)) else { panic!() };
    assert_eq!(report.status.map(mpcore::ExitStatus::code), Some(7));
    assert_eq!(script.verdict(), Ok(()));

    let script = Script::new().fail_to_start("no lamp");
    let failing = bench(&script);
    assert_eq!(joined(&failing), ProcessState::Failed);
    let report = failing.process().exit_report().unwrap();
    assert!(report.to_string().contains("no lamp"), "{report}");

    let script = Script::new().ready().expect("add_two").hang();
    let builder = BenchControl::builder().script(&script).name("hangs");
    let hanging = builder.stop_grace(Duration::from_millis(10)).spawn().unwrap();
    let thread = || processes::threads().iter().any(|name| name == "child-hangs");
    let running = hanging.add_two(1, 2);
    until("its thread begins", thread);
    assert_eq!(script.verdict_within(LONG), Ok(()), "it hangs as it should");
    hanging.process().stop();
    let Err(CallError::Exited(report)) = outcome(running) else { panic!("it has to be killed") };
    assert!(report.killed, "{report:?}");
    until("its thread ends, since its control is gone", || !thread());
}

#[test]
fn a_script_that_does_not_fit_is_refused_at_the_build() {
    let script = Script::new().ready().expect("ad_two").reply(3);
    let refused = BenchControl::builder().script(&script).build().unwrap_err();
    let StartError::Script(ScriptError::UnknownName { name, .. }) = &refused else {
        panic!("{refused:?}")
    };
    assert_eq!(name, "ad_two");
    let text = refused.to_string();
    assert!(text.contains("`add_two`") && text.contains("script.rs:"), "{text}");

    let plan = FaultPlan::new().at(Moment::Command(1), Fault::Panic);
    let refused = BenchControl::builder().script(&Script::new().ready()).faults(plan).build();
    assert!(matches!(refused, Err(StartError::FaultsInScript)), "{refused:?}");
}
