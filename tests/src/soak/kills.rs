//! Kills the child a thousand times at random moments, with a hundred calls in flight each time:
//! each call ends once, and soon.
//!
//! Outcomes are counted in two ways: where the caller waits (`wait_timeout`, a future, `on_done`),
//! and by the signal `call_ended`. A separate witness records when the process was gone.

use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::batch::{Batch, CALLS, Work};
use super::report::{Report, Times, count, milliseconds};
use super::tally::{Heard, Tally};
use super::way::Way;
use super::witness::Witness;
use super::{Progress, Settings, random_time};
use crate::BenchControl;
use crate::children::bench::builder;
use crate::harness::patience::LONG;

const KILLS: usize = 1000;

/// The goals: later outcomes are reported.
const P99: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_secs(1);
/// A slow machine does not explain more than this.
const FAILED: Duration = Duration::from_secs(15);

/// How the child ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Killed(Way),
    /// Exits by itself, in one of the hundred calls.
    Exit,
}

const ENDS: [End; 4] = {
    let [one, two, three] = Way::ALL;
    [End::Killed(one), End::Killed(two), End::Killed(three), End::Exit]
};

/// When the end comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// While the calls of a ready child are in flight.
    Running,
    /// The same, but possibly before all are submitted.
    Submitting,
    /// While calls wait for a child to get ready.
    Starting,
}

pub(super) fn run(settings: &Settings) -> Report {
    let kills = settings.scaled(KILLS, 5 * ENDS.len());
    let mut random = settings.random();
    let mut soak = Soak::new(settings);
    let usual = soak.usual_times(&mut random);
    let mut progress = Progress::new("kills", kills);
    for number in 0..kills {
        let end = ENDS[number % ENDS.len()];
        // Every end at every moment: the numbers have no common divisor.
        let moment = match number % 5 {
            3 => Moment::Submitting,
            4 => Moment::Starting,
            _ => Moment::Running,
        };
        soak.round(number, end, moment, &usual, &mut random);
        progress.at(number + 1);
    }
    soak.report(kills)
}

/// How long things take without a kill.
struct Usual {
    start: Duration,
    calls: Duration,
}

/// The child, and the results so far.
struct Soak {
    bench: BenchControl,
    tally: Tally,
    /// For each `finished`, how many ends of calls were reported before.
    finished: mpsc::Receiver<usize>,
    started: mpcore::Receiver<(u32,)>,
    submitted: usize,
    delays: Times,
    words: HashMap<&'static str, usize>,
    starting: usize,
    report: Report,
}

impl Soak {
    fn new(settings: &Settings) -> Self {
        let bench = builder(&settings.program("bench_child")).build().expect("it can be tried");
        let tally = Tally::default();
        let signals = bench.process().signals();
        let told = tally.clone();
        signals.call_ended.connect(move |end| told.note(end.call, Heard::Signal));
        let (sender, finished) = mpsc::channel();
        let so_far = tally.clone();
        signals.finished.connect(move |_| sender.send(so_far.told()).unwrap_or_default());
        let started = signals.started.receiver();
        Self {
            bench,
            tally,
            finished,
            started,
            submitted: 0,
            delays: Times::default(),
            words: HashMap::new(),
            starting: 0,
            report: Report::new("kills"),
        }
    }

    fn submit(&mut self, works: Vec<Work>) -> Batch {
        self.submitted += works.len();
        Batch::submit(&self.bench, &self.tally, works)
    }

    /// Starts the child; returns its pid.
    fn start(&self) -> u32 {
        self.bench.process().start().expect("the next run begins");
        self.started.recv_timeout(LONG).expect("there is a process").0
    }

    fn usual_times(&mut self, random: &mut fastrand::Rng) -> Usual {
        let (mut starts, mut batches) = (Times::default(), Times::default());
        for _ in 0..3 {
            let begun = Instant::now();
            self.start();
            self.bench.process().wait_ready(LONG).expect("the child gets ready");
            starts.add(begun.elapsed());
            let works = Work::random_hundred(random);
            let begun = Instant::now();
            for ending in self.submit(works).endings() {
                if ending.word != "returned" {
                    let why = format!("a call ended without a kill as {}", ending.word);
                    self.report.broken(why);
                }
            }
            batches.add(begun.elapsed());
            self.bench.process().stop();
            self.finished.recv_timeout(LONG).expect("it stops");
        }
        Usual { start: starts.percentile(0.5), calls: batches.percentile(0.5) }
    }

    fn round(
        &mut self,
        number: usize,
        end: End,
        moment: Moment,
        usual: &Usual,
        random: &mut fastrand::Rng,
    ) {
        let what = format!("kill {number}, {end:?}, {moment:?}");
        let mut works = Work::random_hundred(random);
        if end == End::Exit {
            works[random.usize(..CALLS)] = Work::Exit;
        }
        let witness = Witness::of(self.start());
        let most = match moment {
            Moment::Running | Moment::Submitting => {
                self.bench.process().wait_ready(LONG).expect("the child gets ready");
                // Sometimes after everything has ended.
                usual.calls.mul_f64(1.1)
            }
            Moment::Starting => {
                self.starting += 1;
                usual.start
            }
        };
        let (then, mut dice) = (random_time(random, most), random.fork());
        let watch = witness.watch();
        let (submitted, go) = mpsc::channel();
        let killer = thread::spawn(move || {
            if moment != Moment::Submitting {
                go.recv().expect("all are submitted");
            }
            thread::sleep(then);
            if let End::Killed(way) = end {
                way.kill(&witness, &mut dice);
            }
        });
        let batch = self.submit(works);
        // A receiver that begins earlier has stopped listening.
        let _ = submitted.send(());
        let ids = batch.ids().to_vec();
        let endings = batch.endings();
        killer.join().expect("the killer does not panic");
        let gone = watch.join().expect("the witness does not panic");

        // A call submitted after the end of a run does not belong to it.
        let all_of_this_run = moment != Moment::Submitting && end != End::Exit;
        match self.finished.recv_timeout(LONG) {
            Ok(told) if all_of_this_run && told != self.submitted => {
                let late = self.submitted - told.min(self.submitted);
                self.report
                    .broken(format!("{what}: {late} outcomes were reported after `finished`"));
            }
            Ok(_) => {}
            Err(_) => self.report.broken(format!("{what}: no `finished` within {LONG:?}")),
        }
        let in_flight = endings.iter().any(|ending| ending.word == "exited");
        for ending in endings {
            *self.words.entry(ending.word).or_default() += 1;
            if !["returned", "exited"].contains(&ending.word) {
                self.report.broken(format!("{what}: a call ended as {}", ending.word));
            }
        }
        match (gone, self.tally.last_of(&ids)) {
            // If all calls had ended before, there is nothing to measure.
            (Some(gone), Some(last)) if in_flight => {
                self.delays.add(last.saturating_duration_since(gone));
            }
            (Some(_), Some(_)) => {}
            (None, _) => self.report.broken(format!("{what}: the child lives on")),
            (_, None) => self.report.broken(format!("{what}: no outcome at all")),
        }
    }

    fn report(self, kills: usize) -> Report {
        let Self { tally, delays, words, starting, mut report, .. } = self;
        let word = |word: &str| count(words.get(word).copied().unwrap_or_default());
        let text = "kills (SIGKILL, SIGSEGV, SIGSTOP then SIGKILL, exit by itself)";
        report.figure(text, count(kills));
        report.figure("of these of a child that was starting", count(starting));
        report.figure("calls in flight", count(kills * CALLS));
        let value = format!("{} / {}", word("returned"), word("exited"));
        report.figure("of these returned before / ended with the child", value);
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
}
