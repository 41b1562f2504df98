//! The soak: tests the promises under load for minutes, each trial in a file of its own.
//!
//! A trial runs real processes, prints its progress to stderr, and returns a [`Report`]: rows of
//! figures with their goals, and the promises that were broken. A missed speed goal is reported but
//! is not a failure, since it also depends on the machine. `bin/soak.rs` runs one trial by its
//! name; `cargo xtask soak` runs them all and writes `docs/soak.md`; `tests/system/load/soak.rs`
//! runs the same code at a fiftieth of the size. This file has the list of the trials, their
//! settings, and their progress.

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

/// All trials of this program.
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

/// One trial.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// Its name on the command line.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&Settings) -> Report,
}

/// The size and the seed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// 1 is the full size.
    pub scale: f64,
    /// Seeds the random choices: the same seed makes the same ones, though the system's timing
    /// differs.
    pub seed: u64,
    /// Where the test programs are.
    pub programs: PathBuf,
}

impl Settings {
    /// Scales a number that is `full` at full size, to at least `least`.
    fn scaled(&self, full: usize, least: usize) -> usize {
        ((full as f64 * self.scale).round() as usize).max(least)
    }

    /// Scales a time in the same way.
    fn scaled_time(&self, full: Duration, least: Duration) -> Duration {
        full.mul_f64(self.scale).max(least)
    }

    fn random(&self) -> fastrand::Rng {
        fastrand::Rng::with_seed(self.seed)
    }

    /// Returns the path of one of the test programs.
    fn program(&self, name: &str) -> String {
        Path::new(&self.programs).join(name).to_string_lossy().into_owned()
    }
}

/// Returns the panic in the stderr of a program that has ended.
fn panic_in(mut stderr: File) -> Option<String> {
    let mut text = String::new();
    let _ = stderr.rewind().and_then(|()| stderr.read_to_string(&mut text));
    let panic: String = text[text.find("panicked at")?..].chars().take(300).collect();
    Some(format!("a panic: {panic}"))
}

/// Returns a uniformly distributed time up to `most`.
fn random_time(random: &mut fastrand::Rng, most: Duration) -> Duration {
    most.mul_f64(random.f64())
}

/// Prints the progress of a trial from time to time.
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
            // Stderr may be closed.
            let _ = writeln!(std::io::stderr(), "{}: {done} of {}", self.trial, self.total);
        }
    }
}
