//! A fuzzer without instrumentation: random mutations of valid inputs, and noise, for each of
//! mpcore's decoders, and for targets that misbehave on purpose, which test the fuzzer.
//!
//! Deterministic: an input is a function of a seed and a number, so a finding can be reproduced,
//! and a run may begin anywhere. Each target runs in a process of its own, the [`worker`], whose
//! memory is limited; it reports its progress to the process that [`supervise`]s it. If the worker
//! dies or stops reporting, it is started again from where it was, and then reports each number
//! before it goes on, so that the input is known whatever it causes.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use mpcore::__fuzz::{Mutation, TARGETS, mutate, seeds};
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

/// The memory that a worker may use; an input that needs more is a finding.
const MEMORY: u64 = 2 << 30;

/// An input that takes more processor time is a finding.
const SLOW: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 1 });

/// The number of inputs between two reports of a worker.
const STRIDE: u64 = 4096;

/// The longest noise.
const NOISE: u64 = 400;

/// How to run a target.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The maximum number of inputs.
    pub inputs: u64,
    /// The maximum time.
    pub time: Duration,
    /// Another seed gives other inputs.
    pub seed: u64,
    /// A worker that does not report for this long hangs.
    pub patience: Duration,
}

/// How far a target got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Inputs that were read to the end.
    pub inputs: u64,
    /// How long that took.
    pub time: Duration,
}

/// An input with a result that must not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its number with this seed.
    pub number: u64,
    /// The input.
    pub input: Vec<u8>,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "input {}: {}: ", self.number, self.what)?;
        self.input.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A function to be fuzzed.
type Run = fn(&[u8]);

/// The names of all decoders.
#[must_use]
pub fn targets() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

/// Targets that misbehave, each in one way, at one input, to test the fuzzer.
pub const FAULTY: &[(&str, Run)] = &[
    ("faulty-panic", |input| assert!(!is_it(input), "found")),
    ("faulty-guarded-panic", |input| {
        let _ = catch_unwind(|| assert!(!is_it(input), "found behind a guard"));
    }),
    ("faulty-overflow", |input| {
        if is_it(input) {
            dig(input);
        }
    }),
    ("faulty-memory", |input| {
        if is_it(input) {
            std::hint::black_box(Vec::<u8>::with_capacity(MEMORY as usize));
        }
    }),
    ("faulty-slow", |input| {
        let begun = processor_time();
        while is_it(input) && processor_time() - begun <= SLOW {
            std::hint::black_box(input);
        }
    }),
    ("faulty-endless", |input| {
        while is_it(input) {
            thread::park();
        }
    }),
    ("faulty-exit", |input| {
        if is_it(input) {
            std::process::exit(0);
        }
    }),
];

/// True for about one in several hundred inputs.
fn is_it(input: &[u8]) -> bool {
    input.iter().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)) == 77
}

/// Overflows the stack.
#[allow(unconditional_recursion)]
fn dig(input: &[u8]) -> u8 {
    let here = [1u8; 512];
    std::hint::black_box(&here);
    dig(std::hint::black_box(input)).wrapping_add(here[0])
}

/// Returns the function of a decoder or of a faulty target.
fn find(target: &str) -> Option<Run> {
    let decoders = TARGETS.iter().map(|target| (target.name, target.run));
    decoders.chain(FAULTY.iter().copied()).find(|(name, _)| *name == target).map(|(_, run)| run)
}

/// The inputs of a target.
struct Inputs {
    seeds: Vec<Vec<u8>>,
    seed: u64,
}

impl Inputs {
    fn of(target: &str, seed: u64) -> Self {
        let mut seeds = seeds(target);
        if seeds.is_empty() {
            seeds.push(b"a faulty target takes anything".to_vec());
        }
        Self { seeds, seed }
    }

    /// Returns the valid inputs first, then their mutations.
    fn get(&self, number: u64) -> Vec<u8> {
        if let Some(seed) = usize::try_from(number).ok().and_then(|number| self.seeds.get(number)) {
            return seed.clone();
        }
        let mut dice = Dice::new(self.seed, number);
        if dice.below(16) == 0 {
            let length = dice.below(NOISE);
            return (0..length).map(|_| dice.next() as u8).collect();
        }
        let mut input = self.seeds[dice.below(self.seeds.len() as u64) as usize].clone();
        for _ in 0..=dice.below(6) {
            mutate(&mut input, &dice.mutation(), &self.seeds);
        }
        input
    }
}

/// SplitMix64: small, and good enough for this.
struct Dice(u64);

impl Dice {
    fn new(seed: u64, number: u64) -> Self {
        let mut dice = Self(seed ^ number.wrapping_mul(0xD134_2543_DE82_EF95));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn mutation(&mut self) -> Mutation {
        let (at, number) = (self.next() as u32, self.next());
        let (small, byte) = (number as u16, (number >> 16) as u8);
        match self.below(10) {
            0 | 1 => Mutation::Flip { at, bit: byte % 8 },
            2 | 3 => Mutation::Set { at, byte },
            4 => Mutation::Cut { at, length: small },
            5 => Mutation::Repeat { at, length: small, times: byte % 60 },
            6 => Mutation::Splice { at, other: self.next() as u32, from: self.next() as u32 },
            7 => Mutation::Huge { at, which: byte },
            8 => {
                let count = 1 + self.below(8);
                Mutation::Insert { at, bytes: (0..count).map(|_| self.next() as u8).collect() }
            }
            _ => Mutation::End { at },
        }
    }
}

/// How often a worker reports where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// After each few thousand inputs.
    Seldom,
    /// Before each input.
    Always,
}

impl Telling {
    /// The form used on a worker's command line.
    #[must_use]
    pub fn of(word: &str) -> Self {
        if word == "always" { Self::Always } else { Self::Seldom }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Seldom => "seldom",
            Self::Always => "always",
        }
    }
}

/// Marks the command line of a worker.
const MARK: &str = "--worker";

/// Returns `None` if these arguments are not a worker's; otherwise works, and returns the exit
/// code.
#[must_use]
pub fn worker(arguments: &[String]) -> Option<i32> {
    let [mark, target, seed, first, beyond, telling] = arguments else { return None };
    if mark != MARK {
        return None;
    }
    let number = |text: &String| text.parse().ok();
    let (seed, first, beyond) = (number(seed)?, number(first)?, number(beyond)?);
    Some(work(target, seed, first..beyond, Telling::of(telling)))
}

/// Runs a target over these inputs in this process and reports its progress on stdout: `at N`
/// before an input or after many, `found N WHAT`, `done`.
fn work(target: &str, seed: u64, numbers: std::ops::Range<u64>, telling: Telling) -> i32 {
    static PANICKED: AtomicBool = AtomicBool::new(false);
    let Some(run) = find(target) else { return 2 };
    limit_memory();
    // Also counts a panic that a guard has caught.
    panic::set_hook(Box::new(|info| {
        PANICKED.store(true, Ordering::SeqCst);
        let _ = writeln!(io::stderr(), "{info}");
    }));
    let inputs = Inputs::of(target, seed);
    let mut out = io::stdout().lock();
    let mut tell = |text: fmt::Arguments<'_>| {
        // If the supervisor is gone, this process ends soon too.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    };
    for number in numbers {
        if telling == Telling::Always || number % STRIDE == 0 {
            tell(format_args!("at {number}"));
        }
        let input = inputs.get(number);
        let begun = processor_time();
        let _ = catch_unwind(AssertUnwindSafe(|| run(&input)));
        let took = processor_time().saturating_sub(begun);
        if PANICKED.load(Ordering::SeqCst) {
            tell(format_args!("found {number} it panicked"));
            return 1;
        }
        if took > SLOW {
            tell(format_args!("found {number} it took {took:?}"));
            return 1;
        }
    }
    tell(format_args!("done"));
    0
}

/// The time of this process, so that other programs on a busy machine do not count.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

fn limit_memory() {
    let mut limit = getrlimit(Resource::As);
    limit.current = Some(MEMORY);
    // If this is not allowed, excessive memory is not detected.
    let _ = setrlimit(Resource::As, limit);
}

/// How a worker has ended, and the last number it reported.
enum Ended {
    Done,
    OutOfTime(u64),
    Found(u64, String),
    Died(u64, String),
}

/// Runs a target in a worker process, which `program` becomes; see [`worker`].
///
/// # Errors
/// If no worker can be started. A [`Finding`] is not an error of this function.
pub fn supervise(
    program: &Path,
    target: &str,
    plan: Plan,
) -> io::Result<Result<Passed, Box<Finding>>> {
    let begun = Instant::now();
    let finding = |number: u64, what: String| {
        let input = Inputs::of(target, plan.seed).get(number);
        Ok(Err(Box::new(Finding { number, input, what })))
    };
    let inputs = match watch(program, target, plan, 0, Telling::Seldom, begun)? {
        Ended::Done => plan.inputs,
        Ended::OutOfTime(reached) => reached,
        Ended::Found(number, what) => return finding(number, what),
        Ended::Died(since, what) => {
            let again = Plan { inputs: plan.inputs.min(since + STRIDE), ..plan };
            return match watch(program, target, again, since, Telling::Always, Instant::now())? {
                Ended::Found(number, what) | Ended::Died(number, what) => finding(number, what),
                Ended::Done | Ended::OutOfTime(_) => finding(
                    since,
                    format!("{what}, or one of the {STRIDE} after it: not once more"),
                ),
            };
        }
    };
    Ok(Ok(Passed { inputs, time: begun.elapsed() }))
}

/// Runs one worker and reads its reports, until it has ended, its time is over, or no report comes.
fn watch(
    program: &Path,
    target: &str,
    plan: Plan,
    first: u64,
    telling: Telling,
    begun: Instant,
) -> io::Result<Ended> {
    let Plan { inputs, seed, time, patience } = plan;
    let numbers = [seed, first, inputs].map(|number| number.to_string());
    let mut worker = Command::new(program)
        .args([MARK, target])
        .args(numbers)
        .arg(telling.word())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    // A thread of its own reads, so that the wait for a line can have a timeout.
    let (sender, lines) = mpsc::channel();
    let stdout = worker.stdout.take().ok_or_else(|| io::Error::other("no pipe"))?;
    let reader = thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut at = first;
    let ended = loop {
        match lines.recv_timeout(patience) {
            Ok(line) => match line.split(' ').collect::<Vec<_>>()[..] {
                ["at", number] => {
                    at = number.parse().unwrap_or(at);
                    if begun.elapsed() >= time && telling == Telling::Seldom {
                        break Ended::OutOfTime(at);
                    }
                }
                ["found", number, ref what @ ..] => {
                    break Ended::Found(number.parse().unwrap_or(at), what.join(" "));
                }
                ["done"] => break Ended::Done,
                _ => {}
            },
            Err(RecvTimeoutError::Timeout) => break Ended::Died(at, "it does not end".into()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = worker.wait()?;
                break Ended::Died(at, format!("the process ended: {status}"));
            }
        }
    };
    // Killed in every case: it may have run out of time, or hang.
    let _ = worker.kill();
    worker.wait()?;
    drop(lines);
    let _ = reader.join();
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_a_function_of_seed_and_number() {
        let (first, again, other) =
            (Inputs::of("zoo", 1), Inputs::of("zoo", 1), Inputs::of("zoo", 2));
        for number in [0, 1, 100, 1 << 40] {
            assert_eq!(first.get(number), again.get(number), "{number}");
        }
        assert_eq!(first.get(0), seeds("zoo")[0]);
        assert!((100..120).any(|number| first.get(number) != other.get(number)));
    }
}
