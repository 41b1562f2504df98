//! Every fault of a fault plan at every moment of a child's life, and what the caller gets.
//!
//! Each cell is a child of its own with three calls in flight. The recorded results become the
//! table in `mpcore/docs/faults.md` and are compared with the committed file; `UPDATE_DOCS=1`
//! writes it. Properties of every cell are asserted, whatever the fault: one outcome for each call,
//! `finished` once and last, no process left, and another child of the same controller that still
//! answers.
//!
//! Beside the table: faults that a thread cannot have, panics of the runtime on any thread, and a
//! child that sends more than it has credit for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, thread};

use mpcore::testing::{Fault, FaultPlan, Moment};
use mpcore::{
    CallError, CleanupStatus, ControlBuilder, ExitReport, Inbox, ProcessState, QueueBound,
    RunFailure, StartError, Transport,
};
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{
    BenchConfig, BenchControl, BenchProcess, Blob, Journal, LONG, Mood, outcome, processes, until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

/// How many cells run at once: most of the time they wait.
const AT_ONCE: usize = 12;

/// For a child that stalls before it is ready.
const START_DEADLINE: Duration = Duration::from_secs(3);

/// For a child that has already stalled when it is asked to stop.
const GRACE: Duration = Duration::from_millis(50);

/// For a child that stalls at a later moment.
const LONG_GRACE: Duration = Duration::from_secs(3);

/// Large enough that the second and the third command do not fit one packet, and so are not read
/// together; and small enough that both are in transit at once.
const HEAVY: usize = 30_000;

/// The moments, with their headings. The bench sends: 1 a property, 2 `ready`, 3 the event and 4
/// the result of the first command, 5 and 6 the results of the others, 7 the goodbye.
const MOMENTS: [(Moment, &str); 12] = [
    (Moment::Constructor, "In the constructor"),
    (Moment::PostrunInit, "In `postrun_init`"),
    (Moment::BeforeMessage(2), "Before the message that it is ready"),
    (Moment::AfterMessage(2), "After the message that it is ready"),
    (Moment::Command(1), "In a command"),
    (Moment::BeforeMessage(3), "Before the message of an event, in a command"),
    (Moment::AfterMessage(3), "After the message of an event, in a command"),
    (Moment::BeforeMessage(4), "Before the message of a command's result"),
    (Moment::AfterMessage(4), "After the message of a command's result"),
    (Moment::Cleanup, "In `cleanup`"),
    (Moment::BeforeMessage(7), "Before the last message, the goodbye"),
    (Moment::AfterMessage(7), "After the last message, the goodbye"),
];

/// Where the child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Sockets,
    IpcChannel,
    Thread,
}

impl Place {
    const ALL: [Self; 3] = [Self::Sockets, Self::IpcChannel, Self::Thread];

    fn builder(self) -> ControlBuilder<BenchControl> {
        match self {
            Self::Sockets => builder(CHILD).transport(Transport::Sockets),
            Self::IpcChannel => builder(CHILD).transport(Transport::IpcChannel),
            Self::Thread => BenchControl::builder().in_process::<BenchProcess>(),
        }
    }
}

/// The results for the caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    /// The running call, the one behind it, and the last one.
    calls: [String; 3],
    state: String,
    failure: String,
    killed: bool,
    cleanup: &'static str,
    signals: String,
}

/// How an application reacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// It waits for the outcomes, and then stops the child.
    Outcomes,
    /// It has set a start deadline.
    StartDeadline,
    /// It stops the child, which reports nothing any more, with a short grace. A deadline of the
    /// command or the ping interval would do the same automatically.
    Stop,
}

fn patience(fault: Fault, moment: Moment) -> Patience {
    let ready = MOMENTS.iter().position(|(it, _)| *it == Moment::AfterMessage(2));
    let before_ready = MOMENTS.iter().position(|(it, _)| *it == moment) < ready;
    let ended_by_then = matches!(moment, Moment::Cleanup | Moment::BeforeMessage(7))
        || moment == Moment::AfterMessage(7);
    match fault {
        Fault::Hang | Fault::Freeze if before_ready => Patience::StartDeadline,
        Fault::Hang | Fault::Freeze | Fault::StopReading if !ended_by_then => Patience::Stop,
        _ => Patience::Outcomes,
    }
}

/// Whether the fault has occurred when the child reports that it is ready.
fn struck_by_ready(moment: Moment) -> bool {
    let place = |moment| MOMENTS.iter().position(|(it, _)| *it == moment);
    place(moment) <= place(Moment::AfterMessage(2))
}

/// Formats an outcome for the table.
fn word<T: std::fmt::Debug, E: std::fmt::Debug>(outcome: &Result<T, CallError<E>>) -> String {
    match outcome {
        Ok(value) => format!("`Ok({value:?})`"),
        Err(error) => {
            let text = format!("{error:?}");
            let variant = text.split(['(', ' ']).next().unwrap_or_default();
            format!("`Err({variant})`")
        }
    }
}

/// One cell.
fn run(place: Place, fault: Fault, moment: Moment, neighbour: &BenchControl, folder: &Path) -> Row {
    let what = format!("{place:?}, {fault}, {moment}");
    let name = format!("{place:?} {fault} {moment}").replace(' ', "_");
    let (sign, log) = (folder.join(format!("{name}.sign")), folder.join(format!("{name}.cleanup")));
    let patience = patience(fault, moment);
    let deadline = if patience == Patience::StartDeadline { START_DEADLINE } else { LONG };
    let grace = match (patience, fault) {
        (Patience::Stop, _) => GRACE,
        (_, Fault::Hang | Fault::Freeze) => LONG_GRACE,
        _ => LONG,
    };
    let bench = place
        .builder()
        .faults(FaultPlan::new().at(moment, fault).sign(&sign))
        .config(BenchConfig {
            cleanup_log: Some(log.to_string_lossy().into_owned()),
            ..BenchConfig::default()
        })
        .start_deadline(deadline)
        .stop_grace(grace)
        .build()
        .expect("it can be built");

    let journal = Journal::new();
    journal.follow(bench.process());
    let note = journal.clone();
    bench.process().signals().failed.connect(move |failure| note.note(format!("why {failure}")));
    let note = journal.clone();
    bench.signals().exception_raised.connect(move |exception| {
        if exception.kind.commands_lost().is_some() {
            note.note("exception");
        }
    });
    let note = journal.clone();
    bench.flood(1).on_done(move |outcome| note.note(format!("1st {}", word(&outcome))));
    for nth in ["2nd", "3rd"] {
        let (note, heavy) = (journal.clone(), Blob::numbered(HEAVY));
        let call = bench.take_heavy_mood(heavy, Mood::Fine);
        call.on_done(move |outcome| note.note(format!("{nth} {}", word(&outcome))));
    }
    bench.process().start().expect("it can be started");

    let ended = |lines: &[String]| ["1st", "2nd", "3rd"].map(|nth| count(lines, nth)) == [1; 3];
    match patience {
        Patience::Outcomes => drop(journal.until(&what, ended)),
        Patience::StartDeadline => {}
        Patience::Stop => {
            until(&what, || sign.exists());
            // Otherwise it would depend on timing whether the commands have been sent.
            journal.until(&what, |lines| count(lines, "ready") == 1);
            if fault == Fault::StopReading {
                // Commands are sent to a child that is ready: one that does not read by then takes
                // none.
                let last_sign = if struck_by_ready(moment) { "ready" } else { "1st" };
                journal.until(&what, |lines| count(lines, last_sign) == 1);
            }
        }
    }
    if patience != Patience::StartDeadline {
        bench.process().stop();
    }
    let joined = bench.process().join(LONG);
    assert!(joined.is_ok(), "{what}: {joined:?}; so far {:#?}", journal.lines());
    let lines = journal.until_line("finished");
    assert!(ended(&lines), "{what}: each call ends once: {lines:#?}");
    // If it stalls before it is ready, the fault may not have been reached.
    assert!(sign.exists() || patience == Patience::StartDeadline, "{what}: the fault has struck");
    let report = bench.process().exit_report().expect("it has ended");
    if let Some(pid) = report.pid {
        assert!(processes::is_gone(pid), "{what}: the process is gone");
    }
    let sum = outcome(neighbour.add_two(20, 22));
    assert_eq!(sum, Ok(42), "{what}: another child of this controller goes on");
    // Late signals would have arrived by now.
    let lines = journal.lines();
    assert_eq!(count(&lines, "finished"), 1, "{what}: {lines:#?}");
    assert_eq!(count(&lines, "exception"), count(&lines, "failed"), "{what}: {lines:#?}");
    assert!(lines.last().is_some_and(|it| it.starts_with("finished")), "{what}: {lines:#?}");
    assert!(ended(&lines), "{what}: {lines:#?}");
    row(&lines, &report, log.exists())
}

fn count(lines: &[String], beginning: &str) -> usize {
    lines.iter().filter(|line| line.starts_with(beginning)).count()
}

fn row(lines: &[String], report: &ExitReport, cleanup_ran: bool) -> Row {
    let outcome = |nth: &str| {
        let line = lines.iter().find_map(|line| line.strip_prefix(nth));
        line.unwrap_or_default().trim().to_owned()
    };
    let told = ["started", "ready", "failed", "finished"];
    let signals = lines.iter().filter_map(|line| line.split(' ').next());
    let signals: Vec<_> = signals.filter(|it| told.contains(it)).collect();
    let broken = matches!(report.failure, Some(RunFailure::Broken(_)));
    let failure = match (&report.failure, report.status) {
        (Some(failure), _) => stable(&failure.to_string()),
        (None, status) => status.map(|status| status.to_string()).unwrap_or_default(),
    };
    Row {
        calls: [outcome("1st"), outcome("2nd"), outcome("3rd")],
        state: report.state.to_string(),
        failure,
        // A child that ends by itself before it can be killed is equivalent.
        killed: report.killed || broken,
        cleanup: match (cleanup_ran, report.cleanup) {
            (true, CleanupStatus::Skipped) => {
                panic!("it has run, and the report denies it: {report:?}")
            }
            (false, CleanupStatus::Ran) => "failed",
            (_, told) => told.to_string().leak(),
        },
        signals: signals.join(", "),
    }
}

/// Removes what varies over time and between machines.
fn stable(failure: &str) -> String {
    // The text on stderr comes from the system, and locations in the source vary.
    let text = failure.split("; last stderr lines").next().unwrap_or_default();
    let text = text.split(" (at ").next().unwrap_or_default();
    if !text.contains("reported as consumed") {
        return text.to_owned();
    }
    let mut words: Vec<_> = text.split(' ').collect();
    for word in &mut words {
        if word.parse::<u64>().is_ok() {
            *word = "…";
        }
    }
    words.join(" ")
}

/// Runs every possible cell.
fn run_all() -> BTreeMap<(usize, usize, Place), Row> {
    let mut cells = Vec::new();
    for place in Place::ALL {
        for (number, fault) in Fault::ALL.iter().copied().enumerate() {
            let possible = place != Place::Thread || !fault.needs_process();
            let moments = MOMENTS.iter().enumerate().filter(|_| possible);
            cells.extend(moments.map(|(at, (moment, _))| ((at, number, place), fault, *moment)));
        }
    }
    let neighbour = ready(builder(CHILD));
    // Threads that were given up may still write there when their cell is done.
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (next, rows) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        let work = || {
            while let Some((key, fault, moment)) = cells.get(next.fetch_add(1, Ordering::SeqCst)) {
                let row = run(key.2, *fault, *moment, &neighbour, folder.path());
                rows.lock().expect("no panic holds it").insert(*key, row);
            }
        };
        let threads: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        // The first panic is this test's.
        threads.into_iter().for_each(|it| it.join().expect("every cell is as it has to be"));
    });
    rows.into_inner().expect("no panic holds it")
}

/// The faults at one moment; those with the same row are combined.
fn table(rows: &BTreeMap<(usize, usize, Place), Row>, at: usize) -> String {
    let mut groups: Vec<(Row, Vec<(usize, Place)>)> = Vec::new();
    for number in 0..Fault::ALL.len() {
        for place in Place::ALL {
            let Some(row) = rows.get(&(at, number, place)) else { continue };
            match groups.iter_mut().find(|(it, _)| it == row) {
                Some((_, members)) => members.push((number, place)),
                None => groups.push((row.clone(), vec![(number, place)])),
            }
        }
    }
    let mut out = String::from(
        "| what goes wrong | first call | second and third | state | failure, or exit status | killed | \
         `cleanup` | signals |\n|---|---|---|---|---|---|---|---|\n",
    );
    for (row, members) in groups {
        let names: Vec<_> = (0..Fault::ALL.len())
            .filter_map(|number| {
                let has = |place: Place| members.contains(&(number, place));
                let places = Place::ALL.map(|place| rows.contains_key(&(at, number, place)));
                name(Fault::ALL[number], places, Place::ALL.map(has))
            })
            .collect();
        let [first, second, third] = &row.calls;
        let queued = if second == third { second.clone() } else { format!("{second}, {third}") };
        let killed = if row.killed { "yes" } else { "no" };
        let Row { state, failure, cleanup, signals, .. } = &row;
        let names = names.join("; ");
        let _ = writeln!(
            out,
            "| {names} | {first} | {queued} | {state} | {failure} | {killed} | {cleanup} | {signals} |"
        );
    }
    out
}

/// The fault's name, with the places in which it has this row, if it has another one elsewhere.
fn name(fault: Fault, there: [bool; 3], here: [bool; 3]) -> Option<String> {
    let places = ["packet sockets", "ipc-channel", "on a thread"];
    let within: Vec<_> =
        places.iter().zip(here).filter(|(_, here)| *here).map(|(place, _)| *place).collect();
    match within.len() {
        0 => None,
        _ if there == here => Some(fault.to_string()),
        _ if here == [true, true, false] => Some(format!("{fault} (in a process)")),
        _ => Some(format!("{fault} ({})", within.join(", "))),
    }
}

/// Lists the impossible cells, and why.
fn impossible() -> String {
    let mut out = "\n## What cannot be\n\n".to_owned();
    for fault in Fault::ALL.iter().copied().filter(|fault| fault.needs_process()) {
        let plan = FaultPlan::new().at(Moment::Constructor, fault);
        let builder = Place::Thread.builder().config(BenchConfig::default()).faults(plan);
        let why = builder.build().expect_err("a thread cannot have it");
        let _ = writeln!(out, "* On a thread, at any moment: {why}.");
    }
    out
}

const INTRODUCTION: &str = include_str!("faults/introduction.md");

#[test]
fn every_fault_at_every_moment_matches_the_docs() {
    let rows = run_all();
    let mut text = INTRODUCTION.to_owned();
    for (at, (_, heading)) in MOMENTS.iter().enumerate() {
        let _ = write!(text, "\n## {heading}\n\n{}", table(&rows, at));
    }
    text += &impossible();
    let file = docs();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, &text).expect("the table can be written");
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    for (number, (now, before)) in text.lines().zip(committed.lines()).enumerate() {
        assert_eq!(now, before, "line {} of {}; see UPDATE_DOCS", number + 1, file.display());
    }
    assert_eq!(text.lines().count(), committed.lines().count(), "see UPDATE_DOCS");
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../mpcore/docs/faults.md")
}

#[test]
fn a_fault_of_the_whole_process_is_refused_on_a_thread() {
    for fault in Fault::ALL.iter().copied() {
        for (moment, _) in MOMENTS {
            let plan = FaultPlan::new().at(moment, fault);
            let built = Place::Thread.builder().config(BenchConfig::default()).faults(plan).build();
            match built {
                Ok(_) => assert!(!fault.needs_process(), "{fault}"),
                Err(StartError::FaultNeedsProcess { fault: refused }) => assert_eq!(refused, fault),
                Err(other) => panic!("{fault}: {other:?}"),
            }
        }
    }
}

/// Checks the result of a panic of the runtime in the thread that sends this message.
fn check_panic(place: Place, number: u64, begin: fn(&BenchControl), status: &[i32]) {
    let what = format!("{place:?}, message {number}");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let log = folder.path().join("cleanup");
    let bench = ready(
        place
            .builder()
            .faults(FaultPlan::new().at(Moment::BeforeMessage(number), Fault::Panic))
            .config(BenchConfig {
                cleanup_log: Some(log.to_string_lossy().into_owned()),
                ..BenchConfig::default()
            })
            .stop_grace(Duration::from_millis(300)),
    );
    begin(&bench);
    let ended = bench.process().join(LONG).unwrap_or_else(|why| panic!("{what}: {why}"));
    let code = ended.code();
    assert!(code.is_some_and(|code| status.contains(&code)), "{what}: {ended}");
    assert_eq!(log.exists(), code == Some(101), "{what}: it cleans up if it can");
    let report = bench.process().exit_report().expect("it has ended");
    assert!(matches!(report.failure, Some(RunFailure::Crashed { .. })), "{what}: {report:?}");
    assert_eq!(bench.process().pending_commands(), 0, "{what}");
}

/// The messages: 1 a property, 2 `ready`, 3 that the command has begun; 4 is the answer to the
/// cancel of a queued command, which the control thread sends.
#[test]
fn a_runtime_panic_on_any_thread_ends_the_child() {
    for place in Place::ALL {
        let cancel_behind_a_willing_one = |bench: &BenchControl| {
            let _running = bench.work(600_000);
            let queued = bench.add_two(1, 2);
            until_begun(bench, 1);
            queued.cancel();
        };
        check_panic(place, 4, cancel_behind_a_willing_one, &[101]);
        // The thread belongs to the child; the lost message may belong to any.
        check_panic(place, 50, |bench| drop(bench.leave_a_thread_emitting()), &[101]);
    }
    for place in [Place::Sockets, Place::IpcChannel] {
        let cancel_behind_a_stubborn_one = |bench: &BenchControl| {
            let _running = bench.ignore_everything(600_000);
            let queued = bench.add_two(1, 2);
            until_begun(bench, 1);
            queued.cancel();
        };
        check_panic(place, 4, cancel_behind_a_stubborn_one, &[-9]);
    }
}

/// The inbox is not drained, so the child gets no credit.
#[test]
fn overrunning_a_full_inbox_is_a_protocol_violation() {
    for place in Place::ALL {
        let inbox = Inbox::new(|| {});
        let plan = FaultPlan::new().at(Moment::Command(1), Fault::Overdraw);
        let builder = place.builder().config(BenchConfig::default()).faults(plan);
        let bench = builder
            .inbox(&inbox)
            .inbox_bound(QueueBound { entries: 1, bytes: 1 })
            .build()
            .expect("it can be built");
        // Waiting for the child would lift the bound, so the test does not wait.
        let _call = bench.add_two(1, 2);
        bench.process().start().expect("it can be started");
        until(&format!("{place:?}: it is declared broken"), || {
            bench.process().state() == ProcessState::Crashed
        });
        let report = bench.process().exit_report().expect("it has ended");
        let text = report.to_string();
        assert!(text.contains("broke the protocol") && text.contains("with credit for"), "{text}");
    }
}
