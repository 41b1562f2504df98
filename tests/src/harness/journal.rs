//! Records what handlers have seen, in order, and waits for it; records the lifecycle signals of a
//! child.

use std::fmt::Display;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use mpcore::Process;

use crate::harness::patience::LONG;

/// A list of lines that handlers add to and a test waits for. Clones are the same list.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    shared: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Journal {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line.
    pub fn note(&self, line: impl Display) {
        self.lock().push(line.to_string());
        self.shared.1.notify_all();
    }

    /// The lines so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Returns how many lines begin with this text.
    #[must_use]
    pub fn count(&self, beginning: &str) -> usize {
        self.lock().iter().filter(|line| line.starts_with(beginning)).count()
    }

    /// Waits until `enough` accepts the lines, and returns them.
    #[track_caller]
    pub fn until(&self, what: &str, mut enough: impl FnMut(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + LONG;
        let mut lines = self.lock();
        while !enough(&lines) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let lines = lines.clone();
                panic!("{what}: not within {LONG:?}; so far {lines:#?}");
            }
            let waited = self.shared.1.wait_timeout(lines, left);
            lines = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        lines.clone()
    }

    /// Waits for a line that begins with this text, and returns all lines.
    #[track_caller]
    pub fn until_line(&self, beginning: &str) -> Vec<String> {
        self.until_lines(beginning, 1)
    }

    /// Waits for `count` lines that begin with this text, and returns all lines.
    #[track_caller]
    pub fn until_lines(&self, beginning: &str, count: usize) -> Vec<String> {
        self.until(&format!("{count} × `{beginning}`"), |lines| {
            lines.iter().filter(|line| line.starts_with(beginning)).count() >= count
        })
    }

    /// Records every lifecycle signal of the child: `started`, `ready`, `failed`, `finished STATE`,
    /// `state STATE`.
    pub fn follow(&self, process: &Process) {
        let signals = process.signals();
        let journal = self.clone();
        signals.started.connect(move |_| journal.note("started"));
        let journal = self.clone();
        signals.ready.connect(move || journal.note("ready"));
        let journal = self.clone();
        signals.failed.connect(move |_| journal.note("failed"));
        let journal = self.clone();
        signals.finished.connect(move |report| journal.note(format!("finished {}", report.state)));
        let journal = self.clone();
        signals.state_changed.connect(move |state| journal.note(format!("state {state}")));
    }
}
