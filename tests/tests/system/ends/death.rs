//! The child dies: every command ends exactly once, soon, and with the child's exit report; signals
//! sent before are delivered, and no other child is affected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{
    Call, CallError, CleanupStatus, ExitStatus, ProcessState, RunFailure, Signal, WaitError,
};
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{BenchControl, Blob, Journal, LONG, block_on, outcome, processes, until};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

/// The kind of outcome, as one word.
fn word<T, E>(outcome: &Result<T, CallError<E>>) -> &'static str {
    match outcome {
        Ok(_) => "returned",
        Err(CallError::Raised(_)) => "raised",
        Err(CallError::Exited(_)) => "exited",
        Err(CallError::Cancelled) => "cancelled",
        Err(CallError::Stopped) => "stopped",
        Err(_) => "other",
    }
}

/// Reports each outcome with the way in which it was observed.
#[derive(Clone)]
struct Tally {
    sender: mpsc::Sender<(&'static str, &'static str)>,
}

impl Tally {
    fn note<T, E>(&self, kind: &'static str) -> impl Fn(Result<T, CallError<E>>) + Send + 'static {
        let sender = self.sender.clone();
        move |outcome| sender.send((kind, word(&outcome))).unwrap_or_default()
    }
}

fn tally() -> (Tally, mpsc::Receiver<(&'static str, &'static str)>) {
    let (sender, receiver) = mpsc::channel();
    (Tally { sender }, receiver)
}

/// Submits 200 commands, each observed in one of many ways; each counts once in the tally.
fn submit_200(bench: &BenchControl, tally: &Tally) -> Vec<thread::JoinHandle<()>> {
    let mut waiters = Vec::new();
    for number in 0..200 {
        let call = bench.add_two(number, 0);
        match number % 5 {
            0 => call.on_done(tally.note("on_done")),
            1 => {
                let note = tally.note("wait");
                waiters.push(thread::spawn(move || note(call.wait())));
            }
            2 => {
                let note = tally.note("await");
                waiters.push(thread::spawn(move || note(block_on(call))));
            }
            3 => {
                let (mut call, note) = (call, tally.note("wait_timeout"));
                waiters.push(thread::spawn(move || {
                    let outcome = loop {
                        match call.wait_timeout(Duration::from_millis(10)) {
                            Err(CallError::Wait(WaitError::Timeout(_))) => {}
                            outcome => break outcome,
                        }
                    };
                    note(outcome);
                }));
            }
            _ => {
                let note = tally.note("cancelled, on_done");
                call.cancel();
                call.on_done(note);
            }
        }
    }
    // Not observed.
    drop(bench.calibrate());
    bench.add_two(0, 0).forward_to(&Signal::<(i32,)>::new());
    waiters
}

/// Counts this many outcomes.
fn collect(
    outcomes: &mpsc::Receiver<(&'static str, &'static str)>,
    count: usize,
) -> BTreeMap<(&'static str, &'static str), usize> {
    let mut words = BTreeMap::new();
    for number in 0..count {
        let word = outcomes.recv_timeout(LONG);
        *words
            .entry(word.unwrap_or_else(|_| panic!("{number} of {count}: {words:?}")))
            .or_default() += 1;
    }
    words
}

#[test]
fn two_hundred_pending_commands_of_all_kinds_end_once_each() {
    let bench = ready(builder(CHILD));
    let pid = bench.process().pid().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    let (tally, outcomes) = tally();
    let running = bench.ignore_everything(600_000);
    until_begun(&bench, 1);
    let waiters = submit_200(&bench, &tally);
    bench.echo(Blob::numbered(8 << 20)).on_done(tally.note("large"));
    let killed = Instant::now();
    processes::kill(pid);
    let words = collect(&outcomes, 201);
    println!("kill -9 with 202 pending: last outcome after {:?}", killed.elapsed());
    assert!(matches!(outcome(running), Err(CallError::Exited(_))));
    waiters.into_iter().for_each(|it| it.join().unwrap());
    // A cancel may have been received before the kill.
    for ((kind, word), count) in &words {
        let cancelled = *kind == "cancelled, on_done" && *word == "cancelled";
        assert!(*word == "exited" || cancelled, "{kind} {word} × {count}");
    }
    journal.until_line("finished crashed");
    assert!(outcomes.recv_timeout(Duration::from_millis(50)).is_err(), "each ended once");
    assert_eq!(bench.process().pending_commands(), 0);

    // The next run is not affected.
    bench.process().start().unwrap();
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}

/// Kills the child at a moment that `begin` has reached; every call it returns must end as exited.
fn check_kill(name: &str, begin: impl Fn(&BenchControl) -> Vec<Call<Blob>>) {
    let bench = ready(builder(CHILD));
    // A call may have been done just before the kill; then tries again.
    for _ in 0..20 {
        let pid = bench.process().pid().unwrap();
        let calls = begin(&bench);
        let killed = Instant::now();
        processes::kill(pid);
        let words: Vec<_> = calls.into_iter().map(|call| word(&outcome(call))).collect();
        let took = killed.elapsed();
        let status = bench.process().join(LONG).unwrap();
        assert_eq!(status.code(), Some(-9));
        let report = bench.process().exit_report().unwrap();
        assert_eq!((report.state, report.killed), (ProcessState::Crashed, false), "not by us");
        assert_eq!(report.failure, status.status().map(|status| RunFailure::Crashed { status }));
        assert!(processes::is_gone(pid));
        bench.process().start().unwrap();
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3), "the next run is not affected");
        if words.iter().all(|word| *word == "exited") {
            println!("kill -9 {name}: last outcome after {took:?}");
            return;
        }
        assert!(words.iter().all(|word| ["exited", "returned"].contains(word)), "{words:?}");
    }
    panic!("{name}: never killed in time");
}

#[test]
fn a_child_killed_while_idle() {
    check_kill("idle", |_| Vec::new());
}

#[test]
fn a_child_killed_in_a_call() {
    check_kill("in a call", |bench| {
        bench.ignore_everything(600_000);
        until_begun(bench, 1);
        (0..10).map(|_| bench.echo(Blob::default())).collect()
    });
}

#[test]
fn a_child_killed_in_a_256_mib_result() {
    check_kill("in a 256 MiB result", |bench| {
        let call = bench.make_bytes(256 << 20);
        until_begun(bench, 1);
        vec![call]
    });
}

#[test]
fn a_child_killed_in_a_64_mib_argument() {
    check_kill("in a 64 MiB argument", |bench| {
        let calls: Vec<_> = (0..4).map(|_| bench.echo(Blob::numbered(64 << 20))).collect();
        // The child holds a part of it by then.
        let pid = bench.process().pid().unwrap();
        until("the argument arrives", || processes::resident_mib(pid) > 24);
        calls
    });
}

#[test]
fn a_frozen_child_that_is_killed_takes_everything_with_it() {
    check_kill("of a stopped process", |bench| {
        processes::freeze(bench.process().pid().unwrap());
        (0..10).map(|_| bench.echo(Blob::numbered(1 << 20))).collect()
    });
}

#[test]
fn a_child_that_dies_right_after_its_start_fails_all_calls() {
    for round in 0..20 {
        let bench = builder(CHILD).build().unwrap();
        let started = bench.process().signals().started.receiver();
        let call = bench.work(600_000);
        bench.process().start().unwrap();
        let pid = started.recv_timeout(LONG).unwrap().0;
        thread::sleep(Duration::from_micros(round * 200));
        let killed = Instant::now();
        processes::kill(pid);
        assert!(matches!(outcome(call), Err(CallError::Exited(_))));
        println!(
            "kill -9 {} µs after the start: outcome after {:?}",
            round * 200,
            killed.elapsed()
        );
        bench.process().join(LONG).unwrap();
        let report = bench.process().exit_report().unwrap();
        assert!(matches!(
            report.failure,
            Some(RunFailure::EndedBeforeReady { .. } | RunFailure::Crashed { .. })
        ));
    }
}

#[test]
fn every_cause_of_death_is_distinguished() {
    type Die = fn(&BenchControl) -> Call<()>;
    let ways: [(Die, i32, &str); 6] = [
        (|bench| bench.exit_with(0), 0, "exit code 0"),
        (|bench| bench.exit_with(3), 3, "exit code 3"),
        (|bench| bench.abort(), -6, "SIGABRT"),
        (|bench| bench.raise_signal(11), -11, "SIGSEGV"),
        (|bench| bench.raise_signal(7), -7, "SIGBUS"),
        (|bench| bench.raise_signal(9), -9, "SIGKILL"),
    ];
    let bench = builder(CHILD).build().unwrap();
    for (number, (die, code, text)) in ways.into_iter().enumerate() {
        bench.process().start().unwrap();
        outcome(bench.complain(format!("round {number} line"), 2)).unwrap();
        // Stopped until both are submitted: a call after the crash would be refused.
        let pid = bench.process().pid().unwrap();
        let (last, queued) = processes::while_frozen(pid, || (die(&bench), bench.add_two(1, 2)));
        let Err(CallError::Exited(report)) = outcome(last) else { panic!("{text}: it was there") };
        assert!(matches!(outcome(queued), Err(CallError::Exited(_))), "{text}");
        bench.process().join(LONG).unwrap();
        assert_eq!(report.status.map(ExitStatus::code), Some(code));
        assert!(report.to_string().contains(text), "{report}");
        assert_eq!(
            (report.state, report.killed, report.cleanup),
            (ProcessState::Crashed, false, CleanupStatus::Skipped)
        );
        assert_eq!((report.commands_lost, report.generation), (2, number as u32 + 1));
        let line = format!("round {number} line 2");
        assert!(report.stderr.contains(&line), "{text}: {:?}", report.stderr);
    }
}

#[test]
fn the_last_64_lines_of_stderr_are_in_the_report() {
    let bench = ready(builder(CHILD));
    bench.complain("x".repeat(10), 500);
    bench.exit_with(1);
    bench.process().join(LONG).unwrap();
    let report = bench.process().exit_report().unwrap();
    let expected: Vec<_> = (437..=500).map(|number| format!("xxxxxxxxxx {number}")).collect();
    assert_eq!(report.stderr, expected);
}

#[test]
fn signals_sent_before_the_death_are_delivered() {
    let bench = ready(builder(CHILD));
    let journal = Journal::new();
    journal.follow(bench.process());
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(format!("tick {number}")));
    bench.flood(3000);
    // Its outcome is sent after the events, and so shows that they have all left the child.
    outcome(bench.raise_level(1)).unwrap();
    bench.abort();
    let lines = journal.until_line("finished crashed");
    let ticks = lines.iter().filter(|line| line.starts_with("tick")).count();
    assert_eq!(ticks, 3000);
    assert!(lines.last().unwrap().starts_with("finished"), "{:?}", lines.last());
}

#[test]
fn one_childs_death_affects_no_other_child() {
    let (dies, lives) = (ready(builder(CHILD)), ready(builder(CHILD)));
    let running = lives.work(200);
    processes::kill(dies.process().pid().unwrap());
    assert!(outcome(dies.add_two(1, 2)).is_err());
    assert!(outcome(running).is_ok());
    assert_eq!(outcome(lives.add_two(1, 2)), Ok(3));
}

#[test]
fn twenty_children_killed_at_once_are_all_reported() {
    let benches: Vec<_> = (0..20).map(|_| builder(CHILD).spawn().unwrap()).collect();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (sender, finished) = mpsc::channel();
    for (number, bench) in benches.iter().enumerate() {
        bench.process().wait_ready(LONG).unwrap();
        let (sender, seen) = (sender.clone(), Arc::clone(&seen));
        bench.process().signals().finished.connect(move |report| {
            seen.lock().unwrap().push((number, report.state));
            sender.send(()).unwrap_or_default();
        });
    }
    let calls: Vec<_> = benches.iter().map(|it| it.ignore_everything(600_000)).collect();
    let killed = Instant::now();
    benches.iter().for_each(|it| processes::kill(it.process().pid().unwrap()));
    for call in calls {
        assert!(matches!(outcome(call), Err(CallError::Exited(_))));
    }
    println!("kill -9 of 20 children: last outcome after {:?}", killed.elapsed());
    for _ in 0..20 {
        finished.recv_timeout(LONG).unwrap();
    }
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable_by_key(|(number, _)| *number);
    assert_eq!(seen, (0..20).map(|it| (it, ProcessState::Crashed)).collect::<Vec<_>>());
}
