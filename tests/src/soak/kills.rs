//! The child is killed a thousand times at random moments, with a hundred calls in flight each time: each
//! call ends once, and soon.
//!
//! Outcomes are counted twice over: where the caller waits (`wait_timeout`, a future, `on_done`), and by
//! the signal `call_ended`. When the process was gone is told by a witness of its own.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mpcore::{Call, CallError};

use super::report::{Report, Times, count, milliseconds};
use super::way::Way;
use super::witness::Witness;
use super::{Progress, Settings, random_time};
use crate::bench::{builder, ready};
use crate::patience::{LONG, block_on};
use crate::{BenchControl, Blob};

const KILLS: usize = 1000;
const CALLS: usize = 100;
const LARGEST: usize = 8 << 20;

/// The goals: what is later than these is told.
const P99: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(1);
/// Later than this is no matter of a slow machine.
const FAILED: Duration = Duration::from_secs(15);

/// How the child comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed(Way),
    /// By itself, in one of the hundred calls.
    Exit,
}

const ENDS: [End; 4] = {
    let [one, two, three] = Way::ALL;
    [End::Killed(one), End::Killed(two), End::Killed(three), End::Exit]
};

pub(super) fn run(settings: &Settings) -> Report {
    let kills = settings.scaled(KILLS, ENDS.len());
    let mut random = settings.random();
    let mut report = Report::new("kills");
    let bench = ready(builder(&settings.program("bench_child")));
    let tally = Tally::default();
    let told = tally.clone();
    bench.process().signals().call_ended.connect(move |end| told.note(end.call, Heard::Signal));
    let usual = usual_time(&bench, &tally, &mut random, &mut report);

    let mut progress = Progress::new("kills", kills);
    let (mut delays, mut words) = (Times::default(), HashMap::<&'static str, usize>::new());
    for number in 0..kills {
        let end = ENDS[number % ENDS.len()];
        let round = Round { bench: &bench, tally: &tally, end, number };
        round.run(&mut random, usual, &mut delays, &mut words, &mut report);
        bench.process().start().expect("the next run begins");
        bench.process().wait_ready(LONG).expect("the next run gets ready");
        progress.at(number + 1);
    }

    let calls = kills * CALLS;
    let word = |word: &str| count(words.get(word).copied().unwrap_or_default());
    report.figure("kills (SIGKILL, SIGSEGV, SIGSTOP then SIGKILL, exit by itself)", count(kills));
    report.figure("calls in flight", count(calls));
    report.figure("of these returned before / ended with the child", {
        format!("{} / {}", word("returned"), word("exited"))
    });
    let wrong = tally.wrong();
    report.goal("calls without exactly one outcome", wrong.len(), "0", wrong.is_empty());
    wrong.into_iter().for_each(|wrong| report.broken(wrong));
    let (p50, p99) = (delays.percentile(0.5), delays.percentile(0.99));
    report.figure("process gone to last outcome, median", milliseconds(p50));
    let goal = format!("at most {} ms", P99.as_millis());
    report.goal("process gone to last outcome, p99", milliseconds(p99), &goal, p99 <= P99);
    let longest = delays.longest();
    let goal = format!("at most {} s", LATEST.as_secs());
    let kept = longest <= LATEST;
    report.goal("process gone to last outcome, longest", milliseconds(longest), &goal, kept);
    if longest > FAILED {
        report.broken(format!("an outcome came {longest:?} after the process was gone"));
    }
    report
}

/// How long a hundred calls take where nobody is killed.
fn usual_time(
    bench: &BenchControl,
    tally: &Tally,
    random: &mut fastrand::Rng,
    report: &mut Report,
) -> Duration {
    let mut times = Times::default();
    for _ in 0..3 {
        let begun = Instant::now();
        let batch = Batch::submit(bench, tally, random, None);
        for ending in batch.endings() {
            if ending.word != "returned" {
                report.broken(format!("nobody was killed, and a call ended as {}", ending.word));
            }
        }
        times.add(begun.elapsed());
    }
    times.percentile(0.5)
}

struct Round<'a> {
    bench: &'a BenchControl,
    tally: &'a Tally,
    end: End,
    number: usize,
}

impl Round<'_> {
    fn run(
        &self,
        random: &mut fastrand::Rng,
        usual: Duration,
        delays: &mut Times,
        words: &mut HashMap<&'static str, usize>,
        report: &mut Report,
    ) {
        let Self { bench, tally, end, number } = *self;
        let finished = bench.process().signals().finished.receiver();
        let witness = Witness::of(bench.process().pid().expect("it runs"));
        let watch = witness.watch();
        // Into the submission, while the calls run, and sometimes when all has ended.
        let moment = random_time(random, usual.mul_f64(1.1));
        let mut dice = random.fork();
        let killer = thread::spawn(move || {
            thread::sleep(moment);
            if let End::Killed(way) = end {
                way.kill(&witness, &mut dice);
            }
        });
        let exit_at = (end == End::Exit).then(|| random.usize(..CALLS));
        let batch = Batch::submit(bench, tally, random, exit_at);
        let ids = batch.ids.clone();
        let endings = batch.endings();
        killer.join().expect("the killer does not panic");
        let gone = watch.join().expect("the witness does not panic");

        if finished.recv_timeout(LONG).is_none() {
            report.broken(format!("kill {number}, {end:?}: no `finished` within {LONG:?}"));
        }
        // `finished` is the last signal of a run, so nothing of these calls is under way any more.
        for ending in endings {
            *words.entry(ending.word).or_default() += 1;
            if !["returned", "exited"].contains(&ending.word) {
                report.broken(format!("kill {number}, {end:?}: a call ended as {}", ending.word));
            }
        }
        let Some(gone) = gone else {
            return report.broken(format!("kill {number}, {end:?}: the child lives on"));
        };
        match tally.last_of(&ids) {
            Some(last) => delays.add(last.saturating_duration_since(gone)),
            None => report.broken(format!("kill {number}, {end:?}: no outcome at all")),
        }
    }
}

/// Where an outcome was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Caller,
    Signal,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    by_caller: usize,
    by_signal: usize,
    last: Option<Instant>,
}

/// All outcomes so far, by the number of the call. Clones are the same tally.
#[derive(Debug, Clone, Default)]
struct Tally {
    seen: Arc<(Mutex<HashMap<u64, Seen>>, Condvar)>,
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Seen>> {
        self.seen.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call was submitted: from now on it is missed.
    fn expect(&self, call: u64) {
        self.lock().entry(call).or_default();
    }

    fn note(&self, call: u64, heard: Heard) {
        let now = Instant::now();
        let mut seen = self.lock();
        let entry = seen.entry(call).or_default();
        match heard {
            Heard::Caller => entry.by_caller += 1,
            Heard::Signal => entry.by_signal += 1,
        }
        entry.last = entry.last.max(Some(now));
        drop(seen);
        self.seen.1.notify_all();
    }

    /// When the last of these was heard.
    fn last_of(&self, calls: &[u64]) -> Option<Instant> {
        let seen = self.lock();
        calls.iter().filter_map(|call| seen.get(call)?.last).max()
    }

    /// Waits until each of these was told by the signal, or long enough.
    fn wait_for_signals(&self, calls: &[u64]) {
        let deadline = Instant::now() + LONG;
        let mut seen = self.lock();
        let told = |seen: &HashMap<u64, Seen>| {
            calls.iter().all(|call| seen.get(call).is_some_and(|seen| seen.by_signal > 0))
        };
        while !told(&seen) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.seen.1.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// What was not heard exactly once at each place.
    fn wrong(&self) -> Vec<String> {
        let seen = self.lock();
        let wrong = seen.iter().filter(|(_, seen)| (seen.by_caller, seen.by_signal) != (1, 1));
        let said = wrong.map(|(call, seen)| {
            let Seen { by_caller, by_signal, .. } = seen;
            format!("call {call}: {by_caller} outcomes at its caller, {by_signal} by `call_ended`")
        });
        said.collect()
    }
}

/// How one call ended for its caller.
struct Ending {
    word: &'static str,
}

/// A hundred calls in flight and those who wait for them.
struct Batch {
    ids: Vec<u64>,
    tally: Tally,
    waiters: [JoinHandle<Vec<Ending>>; 2],
    done: mpsc::Receiver<Ending>,
    continued: usize,
}

type Wait = Box<dyn FnOnce() -> Ending + Send>;

impl Batch {
    fn submit(
        bench: &BenchControl,
        tally: &Tally,
        random: &mut fastrand::Rng,
        exit_at: Option<usize>,
    ) -> Self {
        let [(first, waits), (second, awaits)] = [mpsc::channel::<Wait>(), mpsc::channel()];
        // Each waits for its calls in the order submitted, which is the order in which they end.
        let waiter = |waits: mpsc::Receiver<Wait>| {
            thread::spawn(move || waits.into_iter().map(|wait| wait()).collect())
        };
        let waiters = [waiter(waits), waiter(awaits)];
        let (sender, done) = mpsc::channel();
        let mut listener =
            Listener { tally, wait: first, await_: second, done: sender, ids: vec![] };
        let (empty_at, largest_at) = (random.usize(..CALLS), random.usize(..CALLS));
        for number in 0..CALLS {
            let length = match number {
                _ if number == largest_at => LARGEST,
                _ if number == empty_at => 0,
                // As likely between 1 and 2 KiB as between 1 and 2 MiB.
                _ => (LARGEST as f64).powf(random.f64()) as usize,
            };
            let fits = move |blob: &Blob| blob.0.len() == length;
            match random.usize(..4) {
                _ if exit_at == Some(number) => {
                    listener.listen(bench.exit_with(7), |()| false, number);
                }
                0 => {
                    let sum = number as i32 + 1;
                    let call = bench.add_two(number as i32, 1);
                    listener.listen(call, move |it| *it == sum, number);
                }
                1 => listener.listen(bench.make_bytes(length), fits, number),
                _ => listener.listen(bench.echo(Blob::numbered(length)), fits, number),
            }
        }
        let continued = CALLS - 2 * (CALLS / 4);
        Self { ids: listener.ids, tally: tally.clone(), waiters, done, continued }
    }

    /// Waits for all outcomes.
    fn endings(self) -> Vec<Ending> {
        let mut endings = Vec::new();
        for waiter in self.waiters {
            endings.extend(waiter.join().expect("a waiter does not panic"));
        }
        // One whose closure was dropped unheard ends the channel early, and is found by the tally.
        let continued = (0..self.continued).map_while(|_| self.done.recv_timeout(LONG).ok());
        endings.extend(continued);
        self.tally.wait_for_signals(&self.ids);
        endings
    }
}

/// Hands each call to one of the ways to hear of its end.
struct Listener<'a> {
    tally: &'a Tally,
    wait: mpsc::Sender<Wait>,
    await_: mpsc::Sender<Wait>,
    done: mpsc::Sender<Ending>,
    ids: Vec<u64>,
}

impl Listener<'_> {
    fn listen<T: Send + 'static, E: Send + 'static>(
        &mut self,
        mut call: Call<T, E>,
        right: impl Fn(&T) -> bool + Send + 'static,
        number: usize,
    ) {
        let (id, tally) = (call.id(), self.tally.clone());
        tally.expect(id);
        self.ids.push(id);
        let ending = move |outcome: Result<T, CallError<E>>| {
            tally.note(id, Heard::Caller);
            Ending { word: word(&outcome, right) }
        };
        match number % 4 {
            0 => {
                let wait: Wait = Box::new(move || match call.wait_timeout(LONG) {
                    Some(outcome) => ending(outcome),
                    None => Ending { word: "nothing" },
                });
                self.wait.send(wait).expect("the waiter is there");
            }
            1 => {
                let wait: Wait = Box::new(move || ending(block_on(call)));
                self.await_.send(wait).expect("the waiter is there");
            }
            _ => {
                let done = self.done.clone();
                call.on_done(move |outcome| done.send(ending(outcome)).unwrap_or_default());
            }
        }
    }
}

fn word<T, E>(outcome: &Result<T, CallError<E>>, right: impl Fn(&T) -> bool) -> &'static str {
    match outcome {
        Ok(value) if right(value) => "returned",
        Ok(_) => "a wrong result",
        Err(CallError::Exited(_)) => "exited",
        Err(CallError::Stopped) => "stopped",
        Err(CallError::Cancelled) => "cancelled",
        Err(CallError::Encode(_)) => "could not encode",
        Err(CallError::Decode(_)) => "could not decode",
        Err(CallError::InboxOverflow) => "inbox overflow",
        Err(_) => "something else",
    }
}
