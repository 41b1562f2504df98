//! A fuzzer without instrumentation: valid inputs, spoiled by dice, into each of mpcore's decoders.
//!
//! Deterministic: an input is a function of a seed and a number, so what was found is found again, and a run
//! may begin anywhere. Each target runs in a process of its own, the [`worker`], whose memory is limited;
//! the one that [`supervise`]s it hears how far it is. If the worker dies, or is not heard any
//! more, it is started once more from where it was, and then tells each number before it goes on, so that
//! the input is known whatever it has led to.

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

/// A worker may use this much; what needs more is found.
const MEMORY: u64 = 2 << 30;

/// An input that takes longer is found.
const SLOW: Duration = Duration::from_secs(1);

/// Inputs between two words of a worker.
const STRIDE: u64 = 4096;

/// The longest noise.
const NOISE: u64 = 400;

/// What is to be done with a target.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// At most so many inputs.
    pub inputs: u64,
    /// No longer than this.
    pub time: Duration,
    /// Another one, other inputs.
    pub seed: u64,
    /// A worker that is not heard for so long hangs.
    pub patience: Duration,
}

/// How far a target has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Inputs that were read to the end.
    pub inputs: u64,
    /// How long that took.
    pub time: Duration,
}

/// An input that led to something it must not lead to.
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

/// A function that is fed.
type Run = fn(&[u8]);

/// The names of all decoders.
#[must_use]
pub fn targets() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

/// Targets that misbehave, each in one way, at one input: what is to be found.
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
        if is_it(input) {
            thread::sleep(SLOW + Duration::from_millis(100));
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

/// One in some hundred.
fn is_it(input: &[u8]) -> bool {
    input.iter().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)) == 77
}

#[allow(unconditional_recursion)]
fn dig(input: &[u8]) -> u8 {
    let here = [1u8; 512];
    std::hint::black_box(&here);
    dig(std::hint::black_box(input)).wrapping_add(here[0])
}

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

    /// The valid ones first, then what becomes of them.
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

/// SplitMix64: small, and good enough for dice.
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

/// How often a worker tells where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// After each few thousand inputs.
    Seldom,
    /// Before each input.
    Always,
}

impl Telling {
    /// As a worker is told it.
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

/// What a worker is told on its command line, behind the mark.
const MARK: &str = "--worker";

/// Whether these arguments make a process a worker; then it works, and the exit code is returned.
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

/// Runs a target over these inputs in this process and tells on stdout how far it is: `at N` before an
/// input or after many, `found N WHAT`, `done`.
fn work(target: &str, seed: u64, numbers: std::ops::Range<u64>, telling: Telling) -> i32 {
    static PANICKED: AtomicBool = AtomicBool::new(false);
    let Some(run) = find(target) else { return 2 };
    limit_memory();
    // Also of a panic that a guard has caught.
    panic::set_hook(Box::new(|info| {
        PANICKED.store(true, Ordering::SeqCst);
        let _ = writeln!(io::stderr(), "{info}");
    }));
    let inputs = Inputs::of(target, seed);
    let mut out = io::stdout().lock();
    let mut tell = |text: fmt::Arguments<'_>| {
        // Whoever does not listen any more is gone, and so is this process soon.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    };
    for number in numbers {
        if telling == Telling::Always || number % STRIDE == 0 {
            tell(format_args!("at {number}"));
        }
        let input = inputs.get(number);
        let timed = || {
            let begun = Instant::now();
            let _ = catch_unwind(AssertUnwindSafe(|| run(&input)));
            begun.elapsed()
        };
        let mut took = timed();
        // On a busy machine anything may take long once.
        for _ in 0..2 {
            if took > SLOW {
                took = took.min(timed());
            }
        }
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

fn limit_memory() {
    let mut limit = getrlimit(Resource::As);
    limit.current = Some(MEMORY);
    // Where that is not allowed, memory is not what is found.
    let _ = setrlimit(Resource::As, limit);
}

/// How a worker has ended, and the last number it told.
enum Ended {
    Done,
    OutOfTime(u64),
    Found(u64, String),
    Died(u64, String),
}

/// Runs a target in a worker that `program` becomes, see [`worker`].
///
/// # Errors
/// If no worker can be started. A [`Finding`] is no error of this function's.
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
            Err(RecvTimeoutError::Timeout) => break Ended::Died(at, "it comes to no end".into()),
            Err(RecvTimeoutError::Disconnected) => {
                let status = worker.wait()?;
                break Ended::Died(at, format!("the process ended: {status}"));
            }
        }
    };
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
