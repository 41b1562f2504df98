//! A fixed sequence of steps of one child, printed step by step, for the trials `system_calls` and
//! `neighbours`: `fixed_life CHILD|own first|beside [LEFT]`.
//!
//! In the middle, between `arm` and `disarm`, system calls fail, or a neighbour is present; those
//! that need a program of their own, such as a fork, are in this file. Every step must end, in
//! time, and its result must be right if it succeeds; at the end nothing may be left over. With
//! `beside`, another child was started before and must not be affected; with `first`, it is the
//! first child of this process, so that the resources shared by all children are created meanwhile.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use mpcore::{Call, CallError, CallId, ExitReport, JoinError, WaitError};
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use system_tests::surroundings::Surroundings;
use system_tests::{BenchConfig, BenchControl, BenchProcess, Blob, processes};

/// The timeout for events that must come. Steps take milliseconds, and a life with a finding waits
/// for several timeouts.
const LONG: Duration = Duration::from_secs(20);

/// Receives the lines if the standard streams cannot be relied upon.
static TOLD: OnceLock<File> = OnceLock::new();

/// Prints a line; the lines must be the same in every run.
fn say(line: &str) {
    if let Some(mut told) = TOLD.get() {
        let _ = told.write_all(format!("{line}\n").as_bytes());
        return;
    }
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints the word and waits until the test has read it.
fn pause(word: &str) {
    say(word);
    if TOLD.get().is_some() {
        return;
    }
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
}

/// Reports something that must never happen.
fn finding(what: &str) {
    say(&format!("finding {what}"));
}

/// The calls of one control, each with the number of times it ended.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<BTreeMap<CallId, usize>>>);

impl Ends {
    fn submitted(&self, call: CallId) {
        self.0.lock().unwrap().entry(call).or_default();
    }

    fn ended(&self, call: CallId) {
        *self.0.lock().unwrap().entry(call).or_default() += 1;
    }

    /// The calls for which `call_ended` did not come exactly once.
    fn not_once(&self) -> Vec<(CallId, usize)> {
        let ends = self.0.lock().unwrap();
        ends.iter().filter(|(_, count)| **count != 1).map(|(call, count)| (*call, *count)).collect()
    }
}

fn builder(child: &str) -> mpcore::ControlBuilder<BenchControl> {
    if child != "own" {
        return system_tests::bench::builder(child);
    }
    let (own, quiet) = (BenchControl::builder().child::<BenchProcess>(), mpcore::OutputMode::Null);
    own.config(BenchConfig::default()).stdout(quiet).stderr(quiet)
}

/// The control whose child lives, and the calls made so far.
struct Subject {
    bench: BenchControl,
    ends: Ends,
    /// Whether every step must succeed.
    strict: bool,
    surroundings: Option<Surroundings>,
}

impl Subject {
    fn new(child: &str, surroundings: Option<&Surroundings>) -> Result<Self, String> {
        let bench = builder(child).stop_grace(Duration::from_millis(500)).start_deadline(LONG / 4);
        let bench = match surroundings {
            Some(surroundings) => surroundings.around(bench).build(),
            None => bench.build(),
        };
        let bench = bench.map_err(|error| error.to_string())?;
        let ends = Ends::default();
        let ended = ends.clone();
        bench.process().signals().call_ended.connect(move |end| ended.ended(end.call));
        let strict = surroundings.is_some_and(|it| it.works);
        Ok(Self { bench, ends, strict, surroundings: surroundings.cloned() })
    }

    /// Checks for one outcome, in time, which is right if it is a success.
    fn check<T: PartialEq, E: std::fmt::Debug>(&self, step: &str, mut call: Call<T, E>, right: &T) {
        self.ends.submitted(call.id());
        match call.wait_timeout(LONG) {
            Err(CallError::Wait(WaitError::Timeout(_))) => {
                finding(&format!("{step}: no outcome within {LONG:?}"));
            }
            Ok(value) if value == *right => say(&format!("{step}: right")),
            Ok(_) => finding(&format!("{step}: a wrong value")),
            Err(error) => self.failed(step, &format!("{error:?}")),
        }
    }

    fn failed(&self, step: &str, why: &str) {
        let why: String = why.chars().take(200).collect();
        match self.strict {
            true => finding(&format!("{step}: {why}")),
            false => say(&format!("{step}: {why}")),
        }
    }

    /// Starts the child, and returns whether there is a run to talk to.
    fn start(&self, step: &str) -> bool {
        if let Err(error) = self.bench.process().start() {
            self.failed(step, &error.to_string());
            return false;
        }
        match self.bench.process().wait_ready(LONG) {
            Ok(()) => say(&format!("{step}: right")),
            Err(mpcore::ReadyError::Wait(WaitError::Timeout(_))) => {
                finding(&format!("{step}: neither ready nor ended"));
            }
            Err(error) => self.failed(step, &error.to_string()),
        }
        true
    }

    /// Waits for an end, which must be reported with this state, status and cleanup.
    fn join_as(&self, step: &str, right: [&str; 3]) {
        self.join(step);
        let Some(surroundings) = self.surroundings.as_ref().filter(|_| self.strict) else { return };
        let Some(report) = self.bench.process().exit_report() else { return };
        let ExitReport { state, end, cleanup, .. } = &*report;
        let told = [state.to_string(), end.to_string(), cleanup.to_string()];
        let unknown = !surroundings.statuses && told[1] == "exit status unknown";
        if told[0] != right[0] || (told[1] != right[1] && !unknown) || told[2] != right[2] {
            finding(&format!("{step}: reported as {told:?}: {report}"));
        }
    }

    fn join(&self, step: &str) {
        match self.bench.process().join(LONG) {
            Ok(_) => say(&format!("{step}: right")),
            Err(JoinError::Wait(WaitError::Timeout(_))) => {
                finding(&format!("{step}: it has not ended within {LONG:?}"));
            }
            Err(error) => self.failed(step, &error.to_string()),
        }
    }

    /// Runs start, calls, events, a big value, a cancel, a crash, a restart and a stop.
    fn live(&self) {
        if !self.start("start") {
            return;
        }
        let bench = self.bench.clone();
        self.check("call", bench.add_two(1, 2), &3);
        let ticks = bench.signals().tick.receiver();
        self.check("events", bench.flood(20), &20);
        if self.strict {
            let heard = (0..20).map_while(|_| ticks.recv_timeout(LONG).ok()).map(|(tick,)| tick);
            if !heard.eq(0..20) {
                finding("events: not all, or in another order");
            }
        }
        self.check("property", bench.raise_level(5), &5);
        if self.surroundings.is_some() {
            self.check("print", bench.print("a line".to_owned(), 2), &());
        }
        let big = Blob::numbered(1 << 20);
        self.check("big value", bench.echo(big.clone()), &big);
        let endless = bench.work(600_000);
        self.ends.submitted(endless.id());
        endless.cancel();
        self.ended_by("cancel", endless, |error| matches!(error, CallError::Cancelled));
        let crash = bench.abort();
        self.ends.submitted(crash.id());
        self.ended_by("crash", crash, |error| matches!(error, CallError::Exited(_)));
        self.join_as("crashed", ["crashed", "killed by signal 6 (SIGABRT)", "skipped"]);
        if !self.start("restart") {
            return;
        }
        self.check("call after the restart", bench.add_two(20, 22), &42);
        bench.process().stop();
        self.join_as("stop", ["finished", "exit code 0", "ran"]);
    }

    /// Checks a call that must not succeed.
    fn ended_by<T, E: std::fmt::Debug>(
        &self,
        step: &str,
        mut call: Call<T, E>,
        as_it_should: fn(&CallError<E>) -> bool,
    ) {
        match call.wait_timeout(LONG) {
            Err(CallError::Wait(WaitError::Timeout(_))) => {
                finding(&format!("{step}: no outcome within {LONG:?}"));
            }
            Ok(_) => finding(&format!("{step}: it succeeded")),
            Err(error) if as_it_should(&error) => say(&format!("{step}: right")),
            Err(error) => self.failed(step, &format!("{error:?}")),
        }
    }
}

/// The descriptors and threads of this process. Resources that are released in the background get a
/// moment for it, and more time while the result differs from the usual one.
fn what_is_left(usually: Option<&str>) -> String {
    let own = std::process::id();
    let look = || {
        // Counted by thread id: a thread whose naming failed has the name of its program.
        format!(
            "{} descriptors, {} threads",
            processes::descriptors(own),
            processes::threads().len()
        )
    };
    let patience = Duration::from_millis(if usually.is_some() { 10_000 } else { 1500 });
    let deadline = Instant::now() + patience;
    loop {
        let left = look();
        if usually == Some(&left) || Instant::now() > deadline {
            return left;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Forks; returns `None` in the copy, and the copy's pid in the original.
fn copy() -> Option<Pid> {
    // SAFETY: the copy calls only functions that are safe there: mpcore's, which fail before they
    // take a lock if a child was started before; the allocator; and code that no other thread uses.
    match unsafe { fork() }.expect("this process can fork") {
        ForkResult::Child => None,
        ForkResult::Parent { child } => Some(child),
    }
}

extern "C" fn nothing(_signal: i32) {}

/// Interrupts the process a thousand times a second, by a signal whose handler does not restart
/// interrupted system calls.
fn interrupt() -> impl FnOnce() {
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, so it does nothing forbidden in a handler.
    let set = unsafe { signal::sigaction(signal::Signal::SIGUSR1, &action) };
    set.expect("the signal can be handled");
    let (over, ended) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        while ended.recv_timeout(Duration::from_millis(1)).is_err() {
            processes::signal(std::process::id(), rustix::process::Signal::USR1);
        }
    });
    move || {
        let _ = over.send(());
        let _ = thread.join();
    }
}

/// Starts the process's own part of a neighbour, which only a program of its own may have; returns
/// what ends it.
fn fork_or_interrupt(neighbour: &str) -> Box<dyn FnOnce()> {
    match neighbour {
        "a copy that lives on" => match copy() {
            None => loop {
                std::thread::sleep(LONG);
            },
            Some(copy) => Box::new(move || {
                let _ = signal::kill(copy, signal::Signal::SIGKILL);
                let _ = waitpid(copy, None);
            }),
        },
        "interruptions" => Box::new(interrupt()),
        _ => Box::new(|| {}),
    }
}

fn main() -> ExitCode {
    mpcore::init();
    let surroundings = Surroundings::of_this_process();
    if let Some(surroundings) = &surroundings {
        let told = File::options().create(true).append(true).open(&surroundings.told);
        let _ = TOLD.set(told.expect("the file can be opened"));
        if surroundings.neighbour == "a daemon"
            && let Some(daemon) = copy()
        {
            let ended = waitpid(daemon, None);
            return ExitCode::from(u8::from(
                ended != Ok(nix::sys::wait::WaitStatus::Exited(daemon, 0)),
            ));
        }
    }
    let mut arguments = std::env::args().skip(1);
    let child = arguments.next().expect("a child");
    let first = arguments.next().is_some_and(|it| it == "first");
    let bystander = (!first).then(|| system_tests::bench::ready(builder(&child)));
    let pid = |bench: &BenchControl| bench.process().pid().unwrap_or_default();
    say(&format!("bystander {}", bystander.as_ref().map_or(0, pid)));

    pause("arm");
    let present = surroundings.as_ref().map(|it| it.enter(bystander.as_ref()));
    let undo = surroundings.as_ref().map(|it| fork_or_interrupt(&it.neighbour));
    let subject = Subject::new(&child, surroundings.as_ref());
    match &subject {
        Ok(subject) => subject.live(),
        Err(error) => say(&format!("build: {error}")),
    }
    // Before the failures end: a run that is about to end must end in spite of them.
    if let Ok(subject) = &subject {
        let process = subject.bench.process().clone();
        process.stop();
        if process.state() != mpcore::ProcessState::Created {
            subject.join("end");
        }
    }
    if let Some(undo) = undo {
        undo();
    }
    if let Some(Err(wrong)) = present.map(system_tests::surroundings::Present::leave) {
        finding(&wrong);
    }
    pause("disarm");

    if let Some(bystander) = &bystander {
        let untouched = bystander.add_two(3, 4).wait_timeout(LONG);
        if untouched != Ok(7) || bystander.process().generation() != 1 {
            finding(&format!("the bystander: {untouched:?}"));
        }
    }
    // The control from before and a new one both work as if nothing had happened.
    let mut ends = Vec::new();
    let mut subjects = vec![("the same", subject), ("another", Subject::new(&child, None))];
    if surroundings.as_ref().is_some_and(Surroundings::is_of_one_child) {
        drop(subjects.remove(0));
    }
    for (which, subject) in subjects {
        match subject {
            Ok(mut subject) => {
                subject.strict = true;
                subject.live();
                ends.push(subject.ends.clone());
                say(&format!("{which} control has lived again"));
            }
            Err(error) if which == "another" => finding(&format!("build: {error}")),
            Err(_) => {}
        }
    }
    drop(bystander);
    if mpcore::shutdown(LONG).is_err() {
        finding("shutdown: not everything ended in time");
    }
    for (call, count) in ends.iter().flat_map(Ends::not_once) {
        finding(&format!("`call_ended` of call {call} came {count} times"));
    }
    let own = std::process::id();
    let left = processes::children(own);
    if !left.is_empty() {
        let states: Vec<_> = left.iter().map(|pid| (pid, processes::state(*pid))).collect();
        finding(&format!("processes are left: {states:?}"));
    }
    say(&format!("left {}", what_is_left(arguments.next().as_deref())));
    say(&format!("threads {}", processes::threads().join(", ")));
    say("end");
    ExitCode::SUCCESS
}
