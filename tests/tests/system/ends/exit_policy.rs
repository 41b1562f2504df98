//! How children end with their program, when `main` returns or `shutdown` is called: by their exit
//! policy, which their own children inherit, within their own time,
//! and at once.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{ControlBuilder, ExitPolicy, StopReason};
use rustix::process::Signal;
use system_tests::controller_program::ControllerProgram;
use system_tests::worker::{WorkerControl, WorkerProcess};
use system_tests::{Journal, LONG, in_own_process, outcome, processes, until, worker};

const ENDS: &str = env!("CARGO_BIN_EXE_ends");
const WORKER: &str = env!("CARGO_BIN_EXE_worker_child");

const MINUTE: Duration = Duration::from_secs(60);

/// Runs the program to its end; returns its output without the line about the child's pid.
fn lines(how: &str) -> Vec<String> {
    let mut controller = ControllerProgram::start(ENDS, &[how]);
    assert_eq!(controller.end(), 0, "{how}");
    let lines = controller.all_lines().into_iter();
    lines.filter(|line| !line.starts_with("child ")).collect()
}

const SUMS: [&str; 5] = ["sum 1", "sum 2", "sum 3", "sum 4", "sum 5"];

// ---- the end of `main`

#[test]
fn by_default_a_child_is_stopped_and_unrun_commands_reported() {
    let lines = lines("stop");
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(
        lines[0].starts_with("exception ") && lines[0].contains("5 commands were not run"),
        "{lines:#?}"
    );
    assert_eq!(lines[1], "finished finished (its last control was dropped)");
}

#[test]
fn a_child_that_finishes_runs_its_queued_commands() {
    for how in ["finish", "finish on a thread", "finish and keep", "finish by hand"] {
        let lines = lines(how);
        assert_eq!(lines[..5], SUMS, "{how}");
        assert_eq!(lines[5..], ["finished finished (all queued commands are done)"], "{how}");
    }
}

#[test]
fn a_child_that_does_not_finish_in_time_is_stopped() {
    let lines = lines("finish for a while");
    assert_eq!(lines[0], "work Err(Stopped)", "{lines:#?}");
    assert!(lines[1].contains("1 command was not run"), "{lines:#?}");
    assert_eq!(lines[2..], ["finished finished (the time to finish has passed)"]);
}

#[test]
fn a_signal_to_the_program_ends_a_child_that_finishes() {
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let mut controller = ControllerProgram::start(ENDS, &["finish for ever"]);
        let child = controller.number("child");
        controller.line("returns");
        controller.signal(signal);
        assert_eq!(controller.end(), -signal.as_raw());
        processes::until_ended(&[child]);
    }
}

/// Regression: it waited for 14 seconds, whatever the child's grace was, and then the child's end
/// was not reported.
#[test]
fn main_waits_for_as_long_as_the_childs_own_grace() {
    assert_eq!(
        lines("long grace"),
        ["ignore Ok(())", "finished finished (its last control was dropped)"]
    );
}

// ---- shutdown

#[test]
fn shutdown_ends_all_children_under_one_deadline() {
    let lines = lines("two at once");
    let count = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!(
        (count("finish Ok"), count("finished finished (the program ends)")),
        (2, 2),
        "{lines:#?}"
    );
    assert_eq!(lines.last().map(String::as_str), Some("shutdown Ok(())"));
}

#[test]
fn a_shutdown_that_times_out_reports_it_and_children_go_on() {
    let lines = lines("too soon");
    assert_eq!(lines[0], "shutdown Err(Timeout(50ms))", "{lines:#?}");
    assert!(lines[1].contains("1 command was not run"), "{lines:#?}");
    assert_eq!(lines[2..], ["finished finished (all queued commands are done)"]);
}

#[test]
fn shutdown_is_refused_where_waiting_is_forbidden() {
    let lines = lines("forbidden");
    assert_eq!(lines[..2], ["shutdown Err(Forbidden)", "state running"]);
}

/// Regression: it waited for the hook, the handler or the waker that had called it.
#[test]
fn shutdown_does_not_wait_for_its_own_thread() {
    for (how, word, count) in
        [("hook", "hook", 2), ("handler", "shutdown", 1), ("waker", "shutdown", 1)]
    {
        let lines = lines(how);
        let said: Vec<_> = lines.iter().filter(|line| line.starts_with(word)).collect();
        assert_eq!(said.len(), count, "{how}: {lines:#?}");
        assert!(said.iter().all(|line| line.ends_with("Ok(())")), "{how}: {lines:#?}");
    }
}

// ---- inheritance

fn process() -> ControlBuilder<WorkerControl> {
    worker::builder(WORKER)
}

fn thread() -> ControlBuilder<WorkerControl> {
    WorkerControl::builder().in_process::<WorkerProcess>()
}

#[test]
fn nested_children_end_like_their_parent_unless_configured() {
    let finish = ExitPolicy::Finish(MINUTE);
    for place in [process as fn() -> ControlBuilder<WorkerControl>, thread] {
        for (own, inner, done) in [
            (None, None, false),
            (Some(finish), None, true),
            (Some(finish), Some(ExitPolicy::Stop), false),
            (Some(ExitPolicy::Stop), Some(finish), true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let log = folder.path().join("log");
            let builder = own.into_iter().fold(place(), ControlBuilder::at_exit);
            let outer = worker::ready(builder);
            let inner = inner.map(|inner| inner == finish);
            let file = log.to_string_lossy().into_owned();
            let pid = outcome(outer.hand_on(WORKER.into(), 300, file, inner)).unwrap();
            processes::until_ended(&[pid]);
            let what = format!("{own:?}, {inner:?}");
            assert_eq!(fs::read_to_string(&log).is_ok(), done, "{what}");
        }
    }
    // Nothing remains of it here.
    let worker = worker::ready(process());
    let process = worker.process().clone();
    let journal = Journal::new();
    journal.follow(&process);
    let running = worker.work(600_000);
    drop(worker);
    assert!(outcome(running).is_err());
    journal.until_line("finished");
    assert_eq!(process.exit_report().unwrap().reason, Some(StopReason::Released));
    until("it has ended", || !process.is_alive());
    assert_eq!(process.join(LONG).unwrap().code(), Some(0));
}

/// A child whose cleanup waits for the others' cleanup to begin.
mod meeting {
    use super::{Duration, Instant, LONG, fs, thread};

    #[mpcore::process(config = (String, u32, u32))]
    pub(super) trait Guest {}

    #[derive(mpcore::Child)]
    #[child(Guest)]
    pub(super) struct GuestProcess {
        /// The folder to meet in, the number of this child, and how many children there are.
        config: (String, u32, u32),
    }

    impl Guest for GuestProcess {
        fn cleanup(&mut self) {
            let (folder, number, all) = &self.config;
            fs::write(format!("{folder}/{number}"), "").expect("it is there");
            let deadline = Instant::now() + LONG;
            let here = |number: u32| fs::exists(format!("{folder}/{number}")).unwrap_or(false);
            while !(0..*all).all(here) {
                assert!(Instant::now() < deadline, "the others do not come");
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// Otherwise it would take the sum of all graces.
#[test]
fn shutdown_stops_all_children_at_once() {
    use meeting::{GuestControl, GuestProcess};
    // It ends all children of its process.
    in_own_process("ends::exit_policy::shutdown_stops_all_children_at_once", || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_string_lossy().into_owned();
        let guests = [0, 1, 2].map(|number| {
            let builder = GuestControl::builder().child::<GuestProcess>().stop_grace(LONG * 3);
            let guest = builder.config((path.clone(), number, 3)).spawn().unwrap();
            guest.process().wait_ready(LONG).unwrap();
            guest
        });
        assert_eq!(mpcore::shutdown(LONG * 3), Ok(()));
        for guest in guests {
            let report = guest.process().exit_report().unwrap();
            assert!(report.cleanup_panic.is_none() && !report.killed, "{report}");
        }
    });
}
