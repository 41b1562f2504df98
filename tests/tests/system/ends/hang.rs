//! A child that does not answer, and one that is only slow; what is done about it; and that an idle
//! child is not pinged.

use std::time::{Duration, Instant};

use mpcore::{CallError, Escalation, Inbox, ProcessState, QueueBound, RunFailure};
use system_tests::worker::{WorkerControl, builder, ready, until_begun};
use system_tests::{Journal, LONG, in_own_process, outcome, processes, until};

const CHILD: &str = env!("CARGO_BIN_EXE_worker_child");

/// Long enough that a busy machine is not mistaken for a child that hangs.
const OFTEN: Duration = Duration::from_millis(250);
const FOR_EVER: u64 = 600_000;

/// Records `unresponsive COMMAND` and `responsive`.
fn verdicts(worker: &WorkerControl) -> Journal {
    let journal = Journal::new();
    let note = journal.clone();
    worker.process().signals().unresponsive.connect(move |verdict| {
        let command = verdict.executing.map_or("", |executing| executing.command);
        note.note(format!("unresponsive {command}"));
    });
    let note = journal.clone();
    worker.process().signals().responsive.connect(move || note.note("responsive"));
    journal
}

#[test]
fn a_stopped_process_is_unresponsive_until_it_continues() {
    let worker = ready(builder(CHILD).ping_interval(OFTEN));
    let journal = verdicts(&worker);
    let pid = worker.process().pid().unwrap();
    let call = worker.work(FOR_EVER);
    until("it reports what it executes", || worker.process().executing().is_some());
    assert!(worker.process().is_responsive());
    processes::freeze(pid);
    journal.until_line("unresponsive work");
    assert!(!worker.process().is_responsive());
    processes::thaw(pid);
    journal.until_line("responsive");
    assert!(worker.process().is_responsive());
    call.cancel();
    assert_eq!(outcome(call), Err(CallError::Cancelled));
    assert_eq!(journal.lines(), ["unresponsive work", "responsive"], "each once");
}

#[test]
fn a_busy_command_is_not_unresponsive_and_is_named() {
    // Three silent intervals make a verdict: neither a busy machine nor the command causes one.
    let worker = ready(builder(CHILD).ping_interval(Duration::from_millis(1500)));
    let journal = verdicts(&worker);
    let before = Instant::now();
    let call = worker.ignore(7000);
    until("it reports what it executes", || worker.process().executing().is_some());
    let executing = worker.process().executing().unwrap();
    assert_eq!((executing.call, executing.command), (call.id(), "ignore"));
    assert!(executing.since >= before && executing.since <= Instant::now(), "{executing:?}");
    assert_eq!(outcome(call), Ok(()));
    assert_eq!(worker.process().executing(), None, "it has its outcome");
    assert_eq!(journal.lines(), [""; 0]);
}

#[test]
fn a_flood_into_a_stopped_inbox_is_not_unresponsive() {
    let inbox = Inbox::new(|| {});
    let interval = Duration::from_millis(1500);
    let built = builder(CHILD)
        .ping_interval(interval)
        .inbox(&inbox)
        .inbox_bound(QueueBound { entries: 1000, bytes: 1 << 20 });
    let worker = built.spawn().unwrap();
    worker.signals().tick.connect(|_| {});
    let flood = worker.flood_on();
    // It has no credit, and still answers.
    let known = || worker.process().executing().map(|executing| executing.call);
    until("it reports what it executes", || known() == Some(flood.id()));
    let since = Instant::now();
    until("more intervals than a verdict takes", || {
        assert!(worker.process().is_responsive());
        since.elapsed() > 5 * interval
    });
    assert_eq!(worker.process().pending_commands(), 1);
    worker.process().kill();
}

#[test]
fn the_executing_command_is_not_carried_to_the_next_run() {
    let worker = ready(builder(CHILD).ping_interval(OFTEN));
    let _call = worker.work(FOR_EVER);
    until("it reports what it executes", || worker.process().executing().is_some());
    processes::freeze(worker.process().pid().unwrap());
    until("it is unresponsive", || !worker.process().is_responsive());
    worker.process().kill();
    worker.process().join(LONG).unwrap();
    assert_eq!(worker.process().executing(), None);
    worker.process().start().unwrap();
    assert!(outcome(worker.work(1)).is_ok());
    assert!(worker.process().is_responsive());
}

// ---- escalation

#[test]
fn a_cancel_takes_effect_once_it_responds_again() {
    let built = builder(CHILD).ping_interval(OFTEN).on_unresponsive(Escalation::Cancel);
    let worker = ready(built);
    let journal = verdicts(&worker);
    let pid = worker.process().pid().unwrap();
    let (running, queued) = (worker.work(FOR_EVER), worker.work(1));
    until_begun(&worker, 1);
    processes::freeze(pid);
    journal.until_line("unresponsive");
    processes::thaw(pid);
    assert_eq!(outcome(running), Err(CallError::Cancelled));
    assert!(outcome(queued).is_ok(), "only the running command");
}

#[test]
fn kill_ends_it_and_reports_why() {
    let worker = ready(builder(CHILD).ping_interval(OFTEN).on_unresponsive(Escalation::Kill));
    let running = worker.work(FOR_EVER);
    let id = running.id();
    until("it reports what it executes", || worker.process().executing().is_some());
    processes::freeze(worker.process().pid().unwrap());
    let Err(CallError::Exited(report)) = outcome(running) else { panic!("it ended with it") };
    assert_eq!((report.state, report.killed), (ProcessState::Crashed, true));
    let Some(RunFailure::Unresponsive { silent, executing }) = report.failure else {
        panic!("{report:?}")
    };
    assert!(silent >= 3 * OFTEN);
    assert_eq!(executing.map(|it| (it.call, it.command)), Some((id, "work")));
    let text = report.failure.as_ref().unwrap().to_string();
    assert!(text.contains("and was killed; it was executing `work`"), "{text}");
    assert_eq!(worker.process().generation(), 1);
    assert!(worker.process().is_responsive(), "it is not pinged any more");
}

#[test]
fn restart_starts_a_new_run() {
    let worker = ready(builder(CHILD).ping_interval(OFTEN).on_unresponsive(Escalation::Restart));
    let journal = Journal::new();
    journal.follow(worker.process());
    let running = worker.work(FOR_EVER);
    processes::freeze(worker.process().pid().unwrap());
    assert!(matches!(outcome(running), Err(CallError::Exited(_))));
    journal.until_line("ready");
    assert!(outcome(worker.work(1)).is_ok());
    assert_eq!(worker.process().generation(), 2);
}

#[test]
fn a_stopping_child_that_does_not_answer_is_reported_too() {
    let worker = ready(builder(CHILD).ping_interval(OFTEN).stop_grace(2 * LONG));
    let journal = verdicts(&worker);
    let pid = worker.process().pid().unwrap();
    processes::freeze(pid);
    worker.process().stop();
    journal.until_line("unresponsive");
    processes::thaw(pid);
    assert!(worker.process().join(LONG).is_ok());
    assert_eq!(worker.process().state(), ProcessState::Finished);
}

// ---- an idle child costs nothing

/// Counts how often each thread of ours, and of the child, has gone to sleep: a thread that was
/// woken has done so since.
fn switches(child: u32) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for pid in [child, std::process::id()] {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        for task in tasks.flatten() {
            let read = |name| std::fs::read_to_string(task.path().join(name)).unwrap_or_default();
            let name = read("comm").trim().to_owned();
            // The threads of the test harness do not count.
            if pid == child || name.starts_with("mp-") {
                let status = read("status");
                let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches"));
                found.push((format!("{pid} {name}"), line.unwrap_or_default().to_owned()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn an_idle_child_is_not_pinged_and_wakes_no_thread() {
    in_own_process("ends::hang::an_idle_child_is_not_pinged_and_wakes_no_thread", || {
        let interval = Duration::from_millis(50);
        let worker = ready(builder(CHILD).ping_interval(interval));
        let pid = worker.process().pid().unwrap();
        assert!(outcome(worker.work(300).timeout(Duration::from_millis(500))).is_ok());
        // The last check, and the last alarm of a deadline, come within half a second.
        let mut last = switches(pid);
        let mut same_since = Instant::now();
        until("it is quiet for twenty intervals", || {
            let now = switches(pid);
            if now != last {
                last = now;
                same_since = Instant::now();
            }
            same_since.elapsed() > 20 * interval
        });
        assert!(last.iter().any(|(name, _)| name.ends_with("mp-control")), "{last:?}");
        assert!(last.iter().any(|(name, _)| name.ends_with("mp-watch")), "{last:?}");
    });
}
