//! One life of a child, told step by step, for the trial `system calls`: `fixed_life CHILD
//! first|beside [LEFT]`.
//!
//! In the middle, between `arm` and `disarm`, somebody makes system calls fail. Whatever a step comes to, it has to come
//! to something, in time, and what succeeds must be right. `beside` another child that is there before, and must not
//! notice; `first` is the first child of this process, so that what all children share is made meanwhile.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use mpcore::{Call, CallError};
use system_tests::bench::builder;
use system_tests::{BenchControl, Blob, processes};

/// For whatever has to come. Steps take milliseconds, and a life with a finding waits for several of them.
const LONG: Duration = Duration::from_secs(20);

/// Comes to the same on every run.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Says the word and waits until it was heard.
fn pause(word: &str) {
    say(word);
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
}

/// Something that must never be.
fn finding(what: &str) {
    say(&format!("finding {what}"));
}

/// The calls of one control, each with the number of its ends.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<BTreeMap<u64, usize>>>);

impl Ends {
    fn submitted(&self, call: u64) {
        self.0.lock().unwrap().entry(call).or_default();
    }

    fn ended(&self, call: u64) {
        *self.0.lock().unwrap().entry(call).or_default() += 1;
    }

    /// Those that have not ended exactly once, by `call_ended`.
    fn not_once(&self) -> Vec<(u64, usize)> {
        let ends = self.0.lock().unwrap();
        ends.iter().filter(|(_, count)| **count != 1).map(|(call, count)| (*call, *count)).collect()
    }
}

struct Subject {
    bench: BenchControl,
    ends: Ends,
    /// Whether everything has to succeed.
    strict: bool,
}

impl Subject {
    fn new(child: &str) -> Result<Self, String> {
        let bench = builder(child).stop_grace(Duration::from_millis(500)).start_deadline(LONG / 4);
        let bench = bench.build();
        let bench = bench.map_err(|error| error.to_string())?;
        let ends = Ends::default();
        let ended = ends.clone();
        bench.process().signals().call_ended.connect(move |end| ended.ended(end.call));
        Ok(Self { bench, ends, strict: false })
    }

    /// One outcome, in time, and the right one if it is a success.
    fn check<T: PartialEq, E: std::fmt::Debug>(&self, step: &str, mut call: Call<T, E>, right: &T) {
        self.ends.submitted(call.id());
        match call.wait_timeout(LONG) {
            None => finding(&format!("{step}: no outcome within {LONG:?}")),
            Some(Ok(value)) if value == *right => say(&format!("{step}: right")),
            Some(Ok(_)) => finding(&format!("{step}: a wrong value")),
            Some(Err(error)) => self.failed(step, &format!("{error:?}")),
        }
    }

    fn failed(&self, step: &str, why: &str) {
        let why: String = why.chars().take(200).collect();
        match self.strict {
            true => finding(&format!("{step}: {why}")),
            false => say(&format!("{step}: {why}")),
        }
    }

    /// Starts, and says whether there is a run to talk to.
    fn start(&self, step: &str) -> bool {
        if let Err(error) = self.bench.process().start() {
            self.failed(step, &error.to_string());
            return false;
        }
        match self.bench.process().wait_ready(LONG) {
            Ok(()) => say(&format!("{step}: right")),
            Err(mpcore::ReadyError::TimedOut(_)) => {
                finding(&format!("{step}: neither ready nor ended"));
            }
            Err(error) => self.failed(step, &error.to_string()),
        }
        true
    }

    fn join(&self, step: &str) {
        match self.bench.process().join(LONG) {
            Ok(Some(_)) => say(&format!("{step}: right")),
            Ok(None) => finding(&format!("{step}: it has not ended within {LONG:?}")),
            Err(error) => self.failed(step, &error.to_string()),
        }
    }

    /// Start, calls, events, a big value, a cancel, a crash, a restart, a stop.
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
        let big = Blob::numbered(1 << 20);
        self.check("big value", bench.echo(big.clone()), &big);
        let endless = bench.work(600_000);
        self.ends.submitted(endless.id());
        endless.cancel();
        self.ended_by("cancel", endless, |error| matches!(error, CallError::Cancelled));
        let crash = bench.abort();
        self.ends.submitted(crash.id());
        self.ended_by("crash", crash, |error| matches!(error, CallError::Exited(_)));
        self.join("crashed");
        if !self.start("restart") {
            return;
        }
        self.check("call after the restart", bench.add_two(20, 22), &42);
        bench.process().stop();
        self.join("stop");
    }

    /// A call that must not succeed.
    fn ended_by<T, E: std::fmt::Debug>(
        &self,
        step: &str,
        mut call: Call<T, E>,
        as_it_should: fn(&CallError<E>) -> bool,
    ) {
        match call.wait_timeout(LONG) {
            None => finding(&format!("{step}: no outcome within {LONG:?}")),
            Some(Ok(_)) => finding(&format!("{step}: it succeeded")),
            Some(Err(error)) if as_it_should(&error) => say(&format!("{step}: right")),
            Some(Err(error)) => self.failed(step, &format!("{error:?}")),
        }
    }
}

/// The descriptors and threads of this process. What ends of itself gets a moment for it, a longer one as long as it is
/// not what there usually is.
fn what_is_left(usually: Option<&str>) -> String {
    let own = std::process::id();
    let look = || {
        // By number: a thread whose naming failed is called as its program is.
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

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let child = arguments.next().expect("a child");
    let first = arguments.next().is_some_and(|it| it == "first");
    let bystander = (!first).then(|| system_tests::bench::ready(builder(&child)));
    let pid = |bench: &BenchControl| bench.process().pid().unwrap_or_default();
    say(&format!("bystander {}", bystander.as_ref().map_or(0, pid)));

    pause("arm");
    let subject = Subject::new(&child);
    match &subject {
        Ok(subject) => subject.live(),
        Err(error) => say(&format!("build: {error}")),
    }
    // Before the failures end: a run that is still to come to its end comes to it in spite of them.
    if let Ok(subject) = &subject {
        let process = subject.bench.process().clone();
        process.stop();
        if process.state() != mpcore::State::Created {
            subject.join("end");
        }
    }
    pause("disarm");

    if let Some(bystander) = &bystander {
        let untouched = bystander.add_two(3, 4).wait_timeout(LONG);
        if untouched != Some(Ok(7)) || bystander.process().generation() != 1 {
            finding(&format!("the bystander: {untouched:?}"));
        }
    }
    // What there was before, and another one, as if nothing had been.
    let mut ends = Vec::new();
    let subjects = [("the same", subject), ("another", Subject::new(&child))];
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
        finding(&format!("processes are left: {left:?}"));
    }
    say(&format!("left {}", what_is_left(arguments.next().as_deref())));
    say(&format!("threads {}", processes::threads().join(", ")));
    say("end");
    ExitCode::SUCCESS
}
