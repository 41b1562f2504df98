//! The soak: the promises under fire for minutes, each trial a file of its own.
//!
//! A trial runs real processes, prints how far it is to stderr, and returns a [`Report`]: rows of figures
//! with the goal beside them, and the promises that were broken. A goal of speed that is missed is told
//! and no failure, since the machine has its share in it. `bin/soak.rs` runs one trial by its name;
//! `cargo xtask soak` runs them all and writes `docs/soak.md`; `tests/soak.rs` runs the same code at a
//! fiftieth.

mod batch;
mod controllers;
mod events;
mod flood;
mod interrupt;
mod kills;
#[cfg(target_os = "linux")]
mod neighbours;
mod report;
mod rounds;
#[cfg(target_os = "linux")]
pub mod system_calls;
mod tally;
mod way;
mod witness;

use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use report::{Report, Verdict};

/// Everything that can be soaked in this program.
pub const TRIALS: &[Trial] = &[
    Trial { name: "kills", run: kills::run },
    Trial { name: "controllers", run: controllers::run },
    Trial { name: "events", run: events::run },
    Trial { name: "rounds", run: rounds::run },
    Trial { name: "flood", run: flood::run },
    Trial { name: "interrupt", run: interrupt::run },
    #[cfg(target_os = "linux")]
    Trial { name: "neighbours", run: neighbours::run },
    #[cfg(target_os = "linux")]
    Trial { name: "system_calls", run: system_calls::run },
];

/// One of them.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// Its name on the command line.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&Settings) -> Report,
}

/// How much, and with which dice.
#[derive(Debug, Clone)]
pub struct Settings {
    /// 1 is the full size.
    pub scale: f64,
    /// Of the random choices: the same seed makes the same ones, though the system's timing differs.
    pub seed: u64,
    /// Where the test programs are.
    pub programs: PathBuf,
}

impl Settings {
    /// So many at full size, at least `least` at any.
    fn scaled(&self, full: usize, least: usize) -> usize {
        ((full as f64 * self.scale).round() as usize).max(least)
    }

    /// The same for a time.
    fn scaled_time(&self, full: Duration, least: Duration) -> Duration {
        full.mul_f64(self.scale).max(least)
    }

    fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }

    /// The path of one of the test programs.
    fn program(&self, name: &str) -> String {
        Path::new(&self.programs).join(name).to_string_lossy().into_owned()
    }
}

/// What a program that has ended wrote to this file of a panic.
fn panic_in(mut stderr: File) -> Option<String> {
    let mut text = String::new();
    let _ = stderr.rewind().and_then(|()| stderr.read_to_string(&mut text));
    let panic: String = text[text.find("panicked at")?..].chars().take(300).collect();
    Some(format!("a panic: {panic}"))
}

/// Up to `most`, evenly.
fn random_time(random: &mut fastrand::Rng, most: Duration) -> Duration {
    most.mul_f64(random.f64())
}

/// Tells from time to time how far a trial is.
struct Progress {
    trial: &'static str,
    total: usize,
    next: Instant,
}

impl Progress {
    const EVERY: Duration = Duration::from_secs(10);

    fn new(trial: &'static str, total: usize) -> Self {
        Self { trial, total, next: Instant::now() + Self::EVERY }
    }

    fn at(&mut self, done: usize) {
        if Instant::now() >= self.next {
            self.next = Instant::now() + Self::EVERY;
            // Nobody may be looking on.
            let _ = writeln!(std::io::stderr(), "{}: {done} of {}", self.trial, self.total);
        }
    }
}
