//! How long a command may run, counted from its start, what happens afterwards, and what its calls
//! to its own children inherit.

use std::time::Duration;

use mpcore::{
    CallError, ControlBuilder, Escalation, ExceptionKind, IgnoredRequest, ProcessState, RunFailure,
};
use system_tests::worker::{WorkerControl, WorkerProcess, builder, ready, until_begun};
use system_tests::{Journal, LONG, outcome, processes, until};

const CHILD: &str = env!("CARGO_BIN_EXE_worker_child");

const SHORT: Duration = Duration::from_millis(100);
/// Longer than the test: a command this long was ended.
const FOR_EVER: u64 = 600_000;

/// Where the child runs: in a process or on a thread.
type Place = fn() -> ControlBuilder<WorkerControl>;

fn process() -> ControlBuilder<WorkerControl> {
    builder(CHILD)
}

fn thread() -> ControlBuilder<WorkerControl> {
    WorkerControl::builder().in_process::<WorkerProcess>()
}

fn check(what: fn(Place)) {
    what(process);
    what(thread);
}

/// Records every exception as `KIND COMMAND`.
fn exceptions(worker: &WorkerControl) -> Journal {
    let (journal, note) = (Journal::new(), Journal::new());
    let seen = journal.clone();
    drop(note);
    worker.signals().exception_raised.connect(move |exception| {
        seen.note(format!("{:?} {}", exception.kind, exception.command.unwrap_or_default()));
    });
    journal
}

fn timed_out<T>(after: Duration) -> Result<T, CallError<mpcore::Error>> {
    Err(CallError::TimedOut { after })
}

#[test]
fn a_command_that_checks_ends_at_its_deadline() {
    check(|place| {
        let worker = ready(place());
        let journal = exceptions(&worker);
        assert_eq!(outcome(worker.work(FOR_EVER).timeout(SHORT)), timed_out(SHORT));
        journal.until_line("TimedOut work");
        assert!(outcome(worker.work(1)).is_ok(), "the next one has its own time");
        assert_eq!(journal.lines(), ["TimedOut work"], "reported once");
    });
}

#[test]
fn the_exception_names_the_command_and_the_deadline() {
    let worker = ready(process().name("slow"));
    let exceptions = worker.signals().exception_raised.receiver();
    let call = worker.work(FOR_EVER).timeout(SHORT);
    let id = call.id();
    assert!(outcome(call).is_err());
    let (exception,) = exceptions.recv_timeout(LONG).unwrap();
    assert_eq!((exception.kind, exception.call), (ExceptionKind::TimedOut, Some(id)));
    assert_eq!(exception.to_string(), "slow.work: the command was still running after 100ms");
    assert_eq!(exception.pid, worker.process().pid());
}

#[test]
fn a_command_within_its_deadline_is_not_disturbed() {
    check(|place| {
        let worker = ready(place());
        let journal = exceptions(&worker);
        for _ in 0..200 {
            let left = outcome(worker.time_left().timeout(LONG)).unwrap();
            assert!(left.is_none_or(|left| left <= LONG.as_millis() as u64));
        }
        assert!(outcome(worker.work(1).timeout(Duration::MAX)).is_ok());
        assert_eq!(journal.lines(), [""; 0]);
    });
}

#[test]
fn the_command_knows_its_deadline() {
    check(|place| {
        let worker = place().build().unwrap();
        // It waits in the controller, so its deadline is sent with it.
        let known = worker.time_left().timeout(LONG);
        worker.process().start().unwrap();
        let left = outcome(known).unwrap().expect("it has a deadline");
        assert!((1..=LONG.as_millis() as u64).contains(&left), "{left}");
        assert_eq!(outcome(worker.time_left()), Ok(None));
    });
}

#[test]
fn waiting_behind_a_long_command_does_not_count() {
    check(|place| {
        let worker = ready(place());
        let long = worker.work(1500);
        let queued = worker.work(1).timeout(Duration::from_millis(700));
        until_begun(&worker, 1);
        assert!(outcome(long).is_ok());
        assert!(outcome(queued).is_ok(), "it has waited twice as long as it may run");
    });
}

#[test]
fn a_deadline_may_come_while_the_command_runs_and_be_taken_back() {
    check(|place| {
        let worker = ready(place());
        let running = worker.work(FOR_EVER);
        until_begun(&worker, 1);
        assert_eq!(outcome(running.timeout(SHORT)), timed_out(SHORT));
        let kept = worker.work(1000).timeout(Duration::from_millis(500)).timeout(Duration::MAX);
        assert!(outcome(kept).is_ok());
    });
}

#[test]
fn a_result_returned_after_the_deadline_still_counts() {
    check(|place| {
        let worker = ready(place());
        let journal = exceptions(&worker);
        assert_eq!(outcome(worker.finish(FOR_EVER).timeout(SHORT)), Ok(0));
        journal.until_line("TimedOut finish");
        assert_eq!(outcome(worker.ignore(500).timeout(SHORT)), Ok(()), "it never checked");
        journal.until_line("TimedOut ignore");
    });
}

#[test]
fn a_call_overrides_the_deadline_of_the_interface() {
    check(|place| {
        let worker = ready(place());
        assert_eq!(outcome(worker.work_briefly(FOR_EVER)), timed_out(SHORT));
        assert!(outcome(worker.work_briefly(700).timeout(LONG)).is_ok());
        let shorter = Duration::from_millis(30);
        assert_eq!(outcome(worker.work_briefly(FOR_EVER).timeout(shorter)), timed_out(shorter));
    });
}

/// Ending such a command half-way is worse than a long wait.
#[test]
fn a_no_cancel_command_over_its_deadline_is_only_reported() {
    check(|place| {
        for escalation in [Escalation::Cancel, Escalation::Kill] {
            let worker = ready(place().on_timeout(escalation));
            let journal = exceptions(&worker);
            assert!(outcome(worker.hold_briefly(1000)).is_ok());
            assert_eq!(journal.until_line("TimedOut hold_briefly").len(), 1);
        }
    });
}

// ---- escalation

#[test]
fn tell_lets_the_command_run_on() {
    check(|place| {
        let worker = ready(place().on_timeout(Escalation::Report));
        let journal = exceptions(&worker);
        let looked = outcome(worker.work(700).timeout(SHORT)).expect("it is not ended");
        assert!(looked > 0);
        assert_eq!(journal.until_line("TimedOut work").len(), 1);
    });
}

#[test]
fn kill_spares_a_command_that_checks_and_ends_one_that_does_not() {
    check(|place| {
        let worker = ready(place().on_timeout(Escalation::Kill));
        let journal = exceptions(&worker);
        assert_eq!(outcome(worker.work(FOR_EVER).timeout(SHORT)), timed_out(SHORT));
        // On a thread, it is given up and ends later.
        let deaf = worker.ignore(3000).timeout(SHORT);
        let id = deaf.id();
        let queued = worker.work(1);
        assert_eq!(outcome(deaf), Err(CallError::TimedOut { after: SHORT }));
        let Err(CallError::Exited(report)) = outcome(queued) else { panic!("it ended with it") };
        let ignored = IgnoredRequest::Deadline { after: SHORT };
        let expected = RunFailure::KilledFor { command: "ignore", call: id, ignored };
        assert_eq!(report.failure, Some(expected));
        assert!(report.killed && report.cleanup != mpcore::CleanupStatus::Ran);
        assert_eq!((report.state, report.commands_lost), (ProcessState::Crashed, 2));
        assert_eq!(
            report.failure.as_ref().unwrap().to_string(),
            format!(
                "the child was killed because `ignore` (call {id}) ran on after its deadline of 100ms"
            )
        );
        journal.until_line("Killed");
        assert_eq!(journal.count("TimedOut ignore"), 1);
        assert_eq!(worker.process().generation(), 1);
    });
}

/// The child enforces its own deadlines; a stalled one cannot, and the reports of one behind a full
/// inbox do not arrive.
#[test]
fn the_controller_enforces_the_deadline_of_a_blocked_child() {
    let often = Duration::from_millis(100);
    let allowed = Duration::from_millis(1500);
    let worker = ready(process().ping_interval(often).on_timeout(Escalation::Kill));
    let journal = exceptions(&worker);
    let running = worker.work(FOR_EVER).timeout(allowed);
    until("it reports what it executes", || worker.process().executing().is_some());
    processes::freeze(worker.process().pid().unwrap());
    assert_eq!(outcome(running), timed_out(allowed));
    journal.until_line("Killed");
    assert_eq!(journal.count("TimedOut work"), 1);

    // A child that resumes reports it too, and its report is accepted.
    let worker = ready(process().ping_interval(often).on_timeout(Escalation::Report));
    let journal = exceptions(&worker);
    let running = worker.work(FOR_EVER).timeout(allowed);
    until("it reports what it executes", || worker.process().executing().is_some());
    processes::freeze(worker.process().pid().unwrap());
    journal.until_line("TimedOut work");
    processes::thaw(worker.process().pid().unwrap());
    running.cancel();
    assert_eq!(outcome(running), Err(CallError::Cancelled));
    assert!(outcome(worker.work(1)).is_ok());
    assert_eq!(journal.lines(), ["TimedOut work"], "reported once");
}

#[test]
fn restart_starts_a_new_run_after_the_kill() {
    check(|place| {
        let worker = ready(place().on_timeout(Escalation::Restart));
        let journal = Journal::new();
        journal.follow(worker.process());
        let deaf = worker.ignore(3000).timeout(SHORT);
        assert_eq!(outcome(deaf), Err(CallError::TimedOut { after: SHORT }));
        assert!(outcome(worker.work(1)).is_ok());
        assert_eq!(worker.process().generation(), 2);
        let order = ["failed", "state crashed", "finished crashed", "state starting", "started"];
        // The first run's own lines may come before.
        let all = |lines: &[String]| lines.windows(order.len()).any(|some| some == order);
        journal.until("the end of the first run and the next", all);
    });
}

#[test]
fn a_stop_takes_precedence_over_a_deadline() {
    let grace = Duration::from_millis(300);
    let worker = ready(process().on_timeout(Escalation::Restart).stop_grace(grace));
    let deaf = worker.ignore(FOR_EVER).timeout(Duration::from_millis(600));
    until_begun(&worker, 1);
    worker.process().stop();
    let Err(CallError::Exited(report)) = outcome(deaf) else { panic!("the stop ended it") };
    assert_eq!((report.state, &report.failure), (ProcessState::Finished, &None));
    assert_eq!(worker.process().join(LONG).unwrap().code(), Some(-9));
    assert_eq!(worker.process().generation(), 1);
}

// ---- calls of a command to its own children

#[test]
fn inner_calls_inherit_the_remaining_deadline() {
    let worker = ready(process());
    let half = Duration::from_secs(4);
    let told = |call: mpcore::Call<String>| outcome(call).unwrap();
    let delegate = |own| worker.delegate(CHILD.into(), FOR_EVER, own);
    assert_eq!(told(delegate(Some(50))), "timed out after 50", "its own");
    for own in [None, Some(FOR_EVER)] {
        let inherited = told(delegate(own).timeout(half));
        let after = inherited.strip_prefix("timed out after ").expect(&inherited);
        let after: u64 = after.parse().unwrap();
        assert!(after <= 4000, "{after}: no more than was left when it was submitted");
    }
    let quick = worker.delegate(CHILD.into(), 1, None);
    assert_eq!(told(quick), "finished", "the deadline has ended with its command");
}

#[test]
fn a_deadline_that_only_reports_is_not_inherited() {
    let worker = ready(process().on_timeout(Escalation::Report));
    let told = outcome(worker.delegate(CHILD.into(), 1500, None).timeout(SHORT));
    assert_eq!(told.as_deref(), Ok("finished"));
}
