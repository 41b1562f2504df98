//! How far a script was played, and what failed: written by the child's thread, read by the test's
//! thread.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::sync::{lock, wait_timeout};
use crate::testing::script::Step;

/// How a run differed from the script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptFailure {
    /// The script waits at this step, or has not been played up to it.
    #[error("the script has only reached {step} (at {at})")]
    Unfinished {
        /// The step, as it was written.
        step: String,
        /// Its location in the source.
        at: String,
    },
    /// An unexpected command came.
    #[error("unexpected command `{command}`: the script is at {step} (at {at})")]
    Unexpected {
        /// The command.
        command: String,
        /// The step, or the end of the run.
        step: String,
        /// Its location in the source.
        at: String,
    },
    /// The code that checks the arguments panicked, or they could not be decoded.
    #[error("`{command}` came with unexpected arguments (at {at}): {message}")]
    Arguments {
        /// The command.
        command: String,
        /// The panic or decoding error.
        message: String,
        /// The step's location in the source.
        at: String,
    },
    /// A `run` step panicked.
    #[error("a step of the script panicked (at {at}): {message}")]
    Panicked {
        /// The panic.
        message: String,
        /// The step's location in the source.
        at: String,
    },
    /// The child was started more often than the script has runs.
    #[error(
        "the child was started for run {run}, but the script has no such run; add `.next_run()`"
    )]
    NoSuchRun {
        /// 1 for the first.
        run: u32,
    },
}

/// How far a script was played, and what failed first.
#[derive(Debug, Default)]
struct State {
    /// The last run that was played or is being played, counted from 0, and how many of its steps.
    run: usize,
    played: usize,
    failure: Option<ScriptFailure>,
}

impl State {
    /// Returns the step that comes next; `None` if all were played.
    fn next<'a>(&self, runs: &'a [Vec<Step>]) -> Option<&'a Step> {
        let now = runs.get(self.run).into_iter().flatten().skip(self.played);
        let later = runs.iter().skip(self.run + 1).flatten();
        now.chain(later).next()
    }
}

/// The state that the two threads share.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

impl Log {
    /// Records that this many steps of this run, counted from 0, were played.
    pub(super) fn played(&self, run: usize, steps: usize) {
        let mut state = lock(&self.state);
        (state.run, state.played) = (run, steps);
        drop(state);
        self.changed.notify_all();
    }

    /// Records a failure; only the first one counts.
    pub(super) fn fail(&self, failure: ScriptFailure) {
        lock(&self.state).failure.get_or_insert(failure);
        self.changed.notify_all();
    }

    pub(super) fn verdict(&self, runs: &[Vec<Step>]) -> Result<(), ScriptFailure> {
        let state = lock(&self.state);
        match (&state.failure, state.next(runs)) {
            (Some(failure), _) => Err(failure.clone()),
            (None, Some(step)) => {
                Err(ScriptFailure::Unfinished { step: step.to_string(), at: step.at.to_string() })
            }
            (None, None) => Ok(()),
        }
    }

    /// Waits for the end of the script or for a failure.
    pub(super) fn wait(&self, runs: &[Vec<Step>], timeout: Duration) {
        let deadline = Instant::now().checked_add(timeout);
        let mut state = lock(&self.state);
        while state.failure.is_none() && state.next(runs).is_some() {
            let left = deadline.map_or(timeout, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return;
            }
            state = wait_timeout(&self.changed, state, left);
        }
    }
}
