//! A child that ends by itself is restarted by its policy: which signals come, what happens to
//! commands and properties, and how a manual `start`, `stop` or `restart` overrides the policy.

mod between_runs;
mod by_hand;
mod commands;
mod policies;
mod properties;
mod runs;

use std::path::PathBuf;
use std::time::Duration;

use mpcore::{Backoff, CallError, ControlBuilder, RestartPolicy};
use system_tests::phoenix::{PhoenixConfig, PhoenixControl, runs};
use system_tests::transport::transport;
use system_tests::{Journal, LONG, processes, until};

const CHILD: &str = env!("CARGO_BIN_EXE_phoenix_child");

/// Restarts soon, and without a limit.
fn soon() -> RestartPolicy {
    let delay = Duration::from_millis(10);
    RestartPolicy::on_crash().backoff(Backoff::constant(delay)).intensity(10_000, LONG)
}

/// The next run would begin only after the end of the test.
fn late(policy: RestartPolicy) -> RestartPolicy {
    policy.backoff(Backoff::constant(100 * LONG))
}

fn builder() -> ControlBuilder<PhoenixControl> {
    let quiet = mpcore::OutputMode::Null;
    let builder = PhoenixControl::builder().program(CHILD).stdout(quiet).stderr(quiet);
    builder.config(PhoenixConfig::default()).transport(transport())
}

#[track_caller]
fn ready(builder: ControlBuilder<PhoenixControl>) -> PhoenixControl {
    let phoenix = builder.spawn().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    phoenix
}

#[track_caller]
fn kill(phoenix: &PhoenixControl) {
    processes::kill(phoenix.process().pid().expect("there is a process"));
}

/// Kills the child, and returns during the long delay before the next run.
#[track_caller]
fn kill_and_wait(phoenix: &PhoenixControl) {
    kill(phoenix);
    phoenix.process().join(LONG).unwrap();
    assert!(phoenix.process().restart_pending());
}

#[track_caller]
fn until_run(phoenix: &PhoenixControl, generation: u32) {
    until("the next run", || phoenix.process().generation() == generation);
    phoenix.process().wait_ready(LONG).unwrap();
}

/// A folder with a log of the executed commands.
struct Logged {
    folder: tempfile::TempDir,
}

impl Logged {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> PhoenixConfig {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        PhoenixConfig {
            log: text(self.path("log")),
            bad_start: Some(text(self.path("bad_start"))),
            grows_timid: false,
        }
    }

    fn runs(&self) -> Vec<String> {
        runs(&self.path("log"))
    }

    /// Makes starts fail from now on.
    fn spoil_starts(&self, how: &str) {
        std::fs::write(self.path("bad_start"), how).unwrap();
    }

    fn mend_starts(&self) {
        std::fs::remove_file(self.path("bad_start")).unwrap();
    }
}

/// Records all lifecycle signals of the child, including restarts.
fn follow(phoenix: &PhoenixControl) -> Journal {
    let journal = Journal::new();
    journal.follow(phoenix.process());
    let note = journal.clone();
    phoenix.process().signals().restarting.connect(move |next| {
        note.note(format!("restarting {} in {:?}", next.attempt, next.delay));
    });
    let note = journal.clone();
    phoenix.process().signals().gave_up.connect(move |end| {
        note.note(format!("gave up: {}", end.reason));
    });
    journal
}

/// Whether the call ended with this run.
fn exited<T, E>(outcome: &Result<T, CallError<E>>, generation: u32) -> bool {
    matches!(outcome, Err(CallError::Exited(report)) if report.generation == generation)
}
