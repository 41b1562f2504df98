//! What a support engineer sees: the events and spans of `docs/tracing.md`, on real children; the
//! page has every event. Also: a subscriber that panics, blocks or calls the control does no harm,
//! and `MPCORE_LOG` switches a log on.
//!
//! One subscriber collects the events of all tests of this file. They know theirs by the name of
//! the child.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{Debug, Display};
use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use mpcore::{CallError, ProcessState, RestartPolicy};
use system_tests::bench::{self, CleanupFault};
use system_tests::repository::{files, root};
use system_tests::{BenchConfig, BenchControl, BenchProcess, LONG, outcome, until, worker};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};

const BENCH: &str = env!("CARGO_BIN_EXE_bench_child");
const WORKER: &str = env!("CARGO_BIN_EXE_worker_child");
const LOGGED: &str = env!("CARGO_BIN_EXE_logged");

// ---- the subscriber

/// Fields and their values.
#[derive(Debug, Clone, Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Display) {
        self.0.insert(field.name(), value.to_string());
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}

/// An event as the subscriber has got it.
#[derive(Debug, Clone)]
struct Seen {
    level: Level,
    target: &'static str,
    name: &'static str,
    fields: Fields,
    /// Of all spans around it, the innermost last.
    spans: Vec<(&'static str, Fields)>,
}

impl Seen {
    /// Returns a field of the event, or of the innermost span that has it.
    fn field(&self, name: &str) -> Option<&str> {
        let spans = self.spans.iter().rev().map(|(_, fields)| fields);
        let mut all = std::iter::once(&self.fields).chain(spans);
        all.find_map(|fields| fields.0.get(name)).map(String::as_str)
    }
}

type Hook = Arc<dyn Fn(&Seen) + Send + Sync>;

static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

/// What runs inside of the subscriber, by the name of the child.
static HOOKS: Mutex<Option<HashMap<String, Hook>>> = Mutex::new(None);

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The subscriber.
struct Collect;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collect {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let spans = context.event_scope(event).into_iter().flat_map(Scope::from_root);
        let spans = spans.map(|span| {
            (span.name(), span.extensions().get::<Fields>().cloned().unwrap_or_default())
        });
        let (level, target, name) = (*metadata.level(), metadata.target(), metadata.name());
        let seen = Seen { level, target, name, fields, spans: spans.collect() };
        let process = seen.field("process").unwrap_or_default().to_owned();
        lock(&SEEN).push(seen.clone());
        let hook = lock(&HOOKS).as_ref().and_then(|hooks| hooks.get(&process).cloned());
        if let Some(hook) = hook {
            hook(&seen);
        }
    }
}

/// Begins to collect, in the whole process.
fn collect() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let all = tracing_subscriber::registry().with(Collect);
        tracing::subscriber::set_global_default(all).expect("there is no other one");
    });
}

/// Runs `hook` inside of the subscriber, with every event of this child.
fn in_subscriber(process: &str, hook: impl Fn(&Seen) + Send + Sync + 'static) {
    collect();
    lock(&HOOKS).get_or_insert_default().insert(process.to_owned(), Arc::new(hook));
}

/// Returns the events of this child so far.
fn seen(process: &str) -> Vec<Seen> {
    let all = lock(&SEEN).clone();
    all.into_iter().filter(|seen| seen.field("process") == Some(process)).collect()
}

/// Waits for an event of this child, and returns the newest of that name.
#[track_caller]
fn until_seen(process: &str, name: &str) -> Seen {
    let find = || seen(process).into_iter().rfind(|seen| seen.name == name);
    until(name, || find().is_some());
    find().unwrap()
}

/// Checks that the child had these events, in this order; others may be in between.
#[track_caller]
fn assert_order(process: &str, names: &[&str]) {
    let seen = seen(process);
    let mut rest = seen.iter().map(|seen| seen.name);
    for name in names {
        let all: Vec<_> = seen.iter().map(|seen| seen.name).collect();
        assert!(
            rest.any(|seen| seen == *name),
            "`{name}` of {names:?} is not in its place: {all:#?}"
        );
    }
}

#[track_caller]
fn assert_fields(seen: &Seen, expected: &[(&str, &str)]) {
    for (field, value) in expected {
        assert_eq!(seen.field(field), Some(*value), "{field} of {seen:#?}");
    }
}

fn named(name: &str) -> mpcore::ControlBuilder<BenchControl> {
    collect();
    bench::builder(BENCH).name(name)
}

// ---- events

#[test]
fn a_life_is_traced_from_start_to_end() {
    let process = "whole life";
    let bench = bench::ready(named(process));
    let pid = bench.process().pid().unwrap().to_string();
    until_seen(process, "ready");
    let call = bench.add_two(1, 2);
    let number = call.id().to_string();
    assert_eq!(outcome(call), Ok(3));
    until_seen(process, "call ended");
    assert_eq!(outcome(bench.raise_level(3)), Ok(3));
    assert_eq!(bench.level(), 3);
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    let end = until_seen(process, "ended");

    let order = ["starting", "spawned", "introduced", "ready", "submitted", "call ended"];
    assert_order(process, &order);
    assert_order(process, &["ready", "stop requested", "ended"]);
    assert_order(process, &["ready", "goodbye", "ended"]);
    assert_fields(
        &end,
        &[
            ("process", process),
            ("generation", "1"),
            ("pid", &pid),
            ("state", "finished"),
            ("killed", "false"),
            ("cleanup", "ran"),
            ("reason", "asked"),
            ("commands_lost", "0"),
        ],
    );
    assert_eq!((end.level, end.target), (Level::INFO, "mpcore::run"));
    let all = seen(process);
    let first = |name| all.iter().find(|seen| seen.name == name).unwrap();
    let call = [("call", number.as_str()), ("command", "add_two"), ("process", process)];
    for name in ["submitted", "call ended"] {
        assert_fields(first(name), &call);
        assert_eq!(first(name).spans.last().unwrap().0, "call", "{name}");
        // The span itself has the number too, for what a subscriber makes of spans.
        assert_eq!(first(name).spans.last().unwrap().1.0["call"], number);
    }
    assert_fields(first("call ended"), &[("outcome", "returned")]);
    assert_fields(
        first("stop requested"),
        &[("how", "stop"), ("reason", "asked"), ("grace_ms", "3000")],
    );
    assert_fields(first("goodbye"), &[("cleaned_up", "true")]);
    assert!(!all.iter().any(|seen| seen.level <= Level::WARN), "nothing is wrong: {all:#?}");
}

#[test]
fn a_crash_and_what_follows_are_traced() {
    let process = "crash";
    let policy = RestartPolicy::on_crash().intensity(1, LONG);
    let bench = bench::ready(named(process).restart(policy));
    let gave_up = bench.process().signals().gave_up.receiver();
    assert!(matches!(outcome(bench.abort()), Err(CallError::Exited(_))));
    until("it runs again", || {
        let process = bench.process();
        process.generation() == 2 && process.state() == ProcessState::Running
    });
    assert!(matches!(outcome(bench.abort()), Err(CallError::Exited(_))));
    gave_up.recv_timeout(LONG).unwrap();
    let end = until_seen(process, "gave up restarting");
    assert_fields(&end, &[("generation", "2"), ("reason", "too many restarts")]);
    let life = ["starting", "ready", "failed", "ended"];
    let lives = [&life[..], &["restarting"], &life[..], &["gave up restarting"]].concat();
    assert_order(process, &lives);
    let all = seen(process);
    let of = |name| all.iter().find(|seen| seen.name == name).unwrap();
    assert_fields(of("failed"), &[("kind", "crashed"), ("generation", "1")]);
    assert!(of("failed").field("detail").unwrap().contains("SIGABRT"), "{:?}", of("failed"));
    assert_fields(of("ended"), &[("state", "crashed"), ("commands_lost", "1")]);
    assert_fields(of("restarting"), &[("attempt", "1")]);
    assert!(all.iter().any(|it| it.name == "call ended" && it.field("outcome") == Some("exited")));
}

#[test]
fn every_rung_of_the_ladder_is_traced() {
    collect();
    let process = "deaf";
    let builder = worker::builder(WORKER).name(process).stop_grace(Duration::from_millis(50));
    let worker = worker::ready(builder);
    worker.ignore(600_000);
    worker::until_begun(&worker, 1);
    worker.process().stop();
    worker.process().join(LONG).unwrap();
    let end = until_seen(process, "ended");
    assert_order(process, &["stop requested", "terminating", "killing", "ended"]);
    assert_fields(&end, &[("killed", "true"), ("cleanup", "unknown")]);
}

#[test]
fn a_hang_and_a_deadline_are_traced() {
    collect();
    let process = "slow";
    let builder = worker::builder(WORKER).name(process).ping_interval(Duration::from_millis(50));
    let worker = worker::ready(builder);
    let call = worker.work_briefly(600_000);
    assert!(matches!(outcome(call), Err(CallError::TimedOut { .. })));
    let late = until_seen(process, "deadline passed");
    assert_fields(&late, &[("command", "work_briefly"), ("after_ms", "100")]);
    let call = worker.work(600_000);
    worker::until_begun(&worker, 2);
    call.cancel();
    assert_eq!(outcome(call), Err(CallError::Cancelled));
    assert_order(process, &["deadline passed", "cancel requested"]);

    let pid = worker.process().pid().unwrap();
    let unresponsive = worker.process().signals().unresponsive.receiver();
    system_tests::processes::signal(pid, rustix::process::Signal::STOP);
    worker.log("/dev/null".to_owned(), 1);
    unresponsive.recv_timeout(LONG).unwrap();
    let verdict = until_seen(process, "unresponsive");
    assert_eq!((verdict.level, verdict.target), (Level::WARN, "mpcore::health"));
    system_tests::processes::signal(pid, rustix::process::Signal::CONT);
    until_seen(process, "responsive");
    assert_order(process, &["pinged", "unresponsive", "responsive"]);
}

#[test]
fn withheld_credit_is_traced() {
    let process = "flooding";
    let inbox = mpcore::Inbox::new(|| {});
    let bench = named(process)
        .inbox(&inbox)
        .inbox_bound(mpcore::QueueBound { entries: 8, bytes: 1 << 20 })
        .build()
        .unwrap();
    bench.signals().tick.connect(|_| {});
    bench.process().start().unwrap();
    bench.flood(100_000);
    until_seen(process, "credit withheld");
    until("everything has arrived", || {
        inbox.drain(Duration::from_millis(10));
        bench.process().pending_commands() == 0
    });
    assert_order(process, &["credit withheld", "credit granted"]);
}

#[test]
fn refused_starts_and_calls_are_traced() {
    let process = "refused";
    let bench = named(process)
        .queue_bound(mpcore::QueueBound { entries: 1, bytes: 1 << 20 })
        .build()
        .unwrap();
    bench.add_two(1, 2);
    assert_eq!(outcome(bench.add_two(3, 4)), Err(CallError::QueueFull));
    let refused = until_seen(process, "refused");
    assert_fields(&refused, &[("call", "2"), ("command", "add_two"), ("outcome", "queue_full")]);
    assert_fields(&until_seen(process, "call ended"), &[("call", "2"), ("outcome", "queue_full")]);
    bench.process().start().unwrap();
    bench.process().start().unwrap_err();
    let refused = until_seen(process, "start refused");
    assert!(refused.field("why").unwrap().contains("already"), "{refused:?}");
}

#[test]
fn a_command_has_its_span_in_the_child() {
    let process = "on a thread";
    collect();
    let builder = bench::builder("replaced by the next line").in_process::<BenchProcess>();
    let bench = bench::ready(builder.name(process));
    assert!(matches!(outcome(bench.panic_with("a secret".into())), Err(CallError::Panicked(_))));
    let panicked = until_seen(process, "command panicked");
    assert_fields(&panicked, &[("command", "panic_with"), ("generation", "1")]);
    assert!(panicked.field("location").unwrap().contains("bench.rs"), "{panicked:?}");
    let names: Vec<_> = panicked.spans.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["child", "command"]);
    until_seen(process, "command ended");
    drop(bench);
    until_seen(process, "cleaned up");
    assert_order(
        process,
        &["serving", "child ready", "command panicked", "stopping", "cleaned up"],
    );
}

#[test]
fn nothing_that_the_user_sends_is_in_the_trace() {
    const SECRET: &str = "xyzzy";
    let process = "restrained";
    collect();
    let settings = BTreeMap::from([(SECRET.to_owned(), 1)]);
    let cleanup_fault = Some(CleanupFault::Panics);
    let config = BenchConfig { settings, cleanup_fault, ..BenchConfig::default() };
    let builder = bench::builder("replaced by the next line").in_process::<BenchProcess>();
    let bench = bench::ready(builder.name(process).config(config));
    let outcome_of = outcome(bench.panic_with(SECRET.into()));
    assert!(matches!(outcome_of, Err(CallError::Panicked(report)) if report.message == SECRET));
    assert!(outcome(bench.fail()).is_err());
    bench.process().stop_with(SECRET);
    bench.process().join(LONG).unwrap();
    assert_fields(&until_seen(process, "ended"), &[("reason", "because")]);
    let all = seen(process);
    assert!(all.iter().any(|it| it.field("outcome") == Some("raised")), "{all:#?}");
    for seen in &all {
        let text = format!("{seen:?}");
        assert!(!text.contains(SECRET) && !text.contains("counter cannot"), "{text}");
    }
}

// ---- subscribers

#[test]
fn a_subscriber_that_panics_changes_nothing() {
    let process = "panicking";
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    in_subscriber(process, move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        // Not `panic!`, whose text would fill the output of this test.
        std::panic::resume_unwind(Box::new("a subscriber panics"));
    });
    let policy = RestartPolicy::on_crash();
    let bench = bench::ready(named(process).restart(policy));
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    assert!(matches!(outcome(bench.abort()), Err(CallError::Exited(_))));
    assert_eq!(outcome(bench.add_two(3, 4)), Ok(7));
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    assert_eq!(bench.process().state(), ProcessState::Finished);
    until_seen(process, "ended");
    assert!(count.load(Ordering::SeqCst) > 15, "{count:?} events reach it");
}

#[test]
fn a_subscriber_may_call_the_control() {
    let process = "calling back";
    let (done, is_done) = mpsc::channel();
    // A deadlock would hold this thread, so another one waits for it.
    thread::spawn(move || {
        let bench = named(process).restart(RestartPolicy::on_crash()).build().unwrap();
        let (control, calls) = (bench.clone(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&calls);
        in_subscriber(process, move |_| {
            let process = control.process();
            let _ = (process.state(), process.pid(), process.executing(), process.exit_report());
            let _ = (process.pending_commands(), process.is_responsive(), process.is_stale());
            let _ = (process.is_finishing(), process.generation(), process.restart_pending());
            process.cancel(mpcore::CallId::new(u64::MAX));
            let _ = (control.level(), control.add_two(1, 1).timeout(LONG));
            counter.fetch_add(1, Ordering::SeqCst);
        });
        bench.process().start().unwrap();
        bench.process().wait_ready(LONG).unwrap();
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
        let _ = outcome(bench.abort());
        assert_eq!(outcome(bench.add_two(3, 4)), Ok(7));
        bench.process().finish();
        bench.process().join(LONG).unwrap();
        until_seen(process, "ended");
        lock(&HOOKS).as_mut().unwrap().remove(process);
        done.send(calls.load(Ordering::SeqCst)).unwrap();
    });
    let calls = is_done.recv_timeout(LONG).expect("nothing waits for ever, and nothing fails");
    assert!(calls > 15, "{calls} events reach it");
}

#[test]
fn a_subscriber_that_blocks_keeps_no_run_alive() {
    let process = "blocking";
    let (release, blocked) = mpsc::channel::<()>();
    let (entered, is_blocked) = mpsc::channel();
    let blocked = Mutex::new(Some((entered, blocked)));
    in_subscriber(process, move |seen| {
        if seen.name == "call ended"
            && let Some((entered, blocked)) = lock(&blocked).take()
        {
            entered.send(thread::current().name().map(str::to_owned)).unwrap();
            let _ = blocked.recv_timeout(LONG);
        }
    });
    let bench = bench::ready(named(process));
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    let thread = is_blocked.recv_timeout(LONG).unwrap();
    assert_eq!(
        thread.as_deref(),
        Some("mp-blocking"),
        "the thread that reads the child's messages"
    );
    bench.process().kill();
    bench.process().join(LONG).unwrap();
    assert_eq!(bench.process().state(), ProcessState::Finished);
    drop(release);
}

// ---- the list

/// An event: level, target, name, and the fields.
type Row = (String, String, String, Vec<String>);

/// Returns the events in the sources.
fn events() -> BTreeSet<Row> {
    let mut found = BTreeSet::new();
    let is_source = |path: &&std::path::PathBuf| {
        ["mpcore/src", "mpqt/src"].iter().any(|folder| path.starts_with(root().join(folder)))
    };
    for path in files(&["rs"]).iter().filter(is_source) {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("\nmod tests {").next().unwrap();
        for (at, _) in code.match_indices("event!(") {
            let inside = &code[at + "event!(".len()..];
            let Some(event) = event(inside) else { continue };
            found.insert(event);
        }
    }
    found
}

/// Reads what is between the parentheses of `event!(…)`; `None` for another macro of that name.
fn event(code: &str) -> Option<Row> {
    let level = code.trim_start().split(',').next()?;
    if !["ERROR", "WARN", "INFO", "DEBUG", "TRACE"].contains(&level) {
        return None;
    }
    // Texts in quotes: the target, the name, then perhaps more in the fields.
    let (mut depth, mut in_text, mut end) = (1, false, 0);
    let (mut texts, mut rest) = (Vec::new(), 0);
    let mut begin = 0;
    for (at, it) in code.char_indices() {
        match it {
            '"' if in_text => {
                texts.push(&code[begin..at]);
                in_text = false;
                if texts.len() == 2 {
                    rest = at + 1;
                }
            }
            '"' => (in_text, begin) = (true, at + 1),
            '(' if !in_text => depth += 1,
            ')' if !in_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            end = at;
            break;
        }
    }
    let [target, name, ..] = texts[..] else { return None };
    let words = code[rest..end].split([',', '\n']).map(str::trim);
    let field = |part: &str| {
        let (name, _) = part.split_once(" = ")?;
        name.chars().all(|it| it.is_ascii_lowercase() || it == '_').then(|| name.to_owned())
    };
    let fields = words.filter_map(field).collect();
    Some((level.to_lowercase(), target.to_owned(), name.to_owned(), fields))
}

/// Returns the events in the table of the page.
fn listed() -> BTreeSet<Row> {
    let page = fs::read_to_string(root().join("docs/tracing.md")).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Events")).unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    let row = |line: &str| {
        let cells: Vec<_> =
            line.split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect();
        assert_eq!(cells.len(), 7, "level, target, event, fields, when: {line}");
        assert!(!cells[5].is_empty(), "when does it come? {line}");
        let fields = cells[4].split(", ").filter(|it| !it.is_empty()).map(str::to_owned);
        (cells[1].clone(), cells[2].clone(), cells[3].clone(), fields.collect())
    };
    rows.map(row).collect()
}

#[test]
fn the_page_lists_the_events_of_the_sources() {
    let (events, listed) = (events(), listed());
    assert!(events.len() > 40, "{} events are found", events.len());
    let missing: Vec<_> = events.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&events).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not listed: {missing:#?}\nlisted only: {gone:#?}"
    );
}

// ---- the switch

/// Runs `logged` with this value of `MPCORE_LOG`.
fn logged(log: Option<&str>) -> Output {
    let mut program = Command::new(LOGGED);
    program.env_remove("MPCORE_LOG");
    if let Some(log) = log {
        program.env("MPCORE_LOG", log);
    }
    let output = program.output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(out, "sum Ok(3)\nended true\n", "{output:?}");
    output
}

fn lines(output: &Output) -> Vec<String> {
    String::from_utf8(output.stderr.clone()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_variable_switches_the_log_on() {
    assert_eq!(lines(&logged(None)), [""; 0]);
    assert_eq!(lines(&logged(Some(""))), [""; 0]);
    let info = lines(&logged(Some("mpcore=info")));
    let has = |lines: &[String], what: &[&str]| {
        lines.iter().any(|line| what.iter().all(|part| line.contains(part)))
    };
    assert!(has(&info, &["INFO", "mpcore::run", "ready", "process=\"logged\"", "generation=1"]));
    assert!(has(&info, &["INFO", "mpcore::child", "serving", "process=\"logged\""]), "{info:#?}");
    assert!(!has(&info, &["DEBUG"]) && !has(&info, &["add_two"]), "{info:#?}");
    let calls = lines(&logged(Some("mpcore=off,mpcore::call=debug")));
    assert!(has(&calls, &["DEBUG", "mpcore::call", "call ended", "add_two"]), "{calls:#?}");
    assert!(!has(&calls, &["mpcore::run"]), "{calls:#?}");
}

#[test]
fn a_wrong_value_of_the_variable_is_explained() {
    let lines = lines(&logged(Some("mpcore=loud")));
    let mut distinct: Vec<_> = lines.iter().collect();
    distinct.dedup();
    // The controller and its child.
    assert_eq!((lines.len(), distinct.len()), (2, 1), "{lines:#?}");
    assert!(lines[0].contains("MPCORE_LOG") && lines[0].contains("mpcore=info"), "{lines:#?}");
}
