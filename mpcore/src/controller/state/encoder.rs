//! Jobs of the encoder thread, which encodes large arguments so that a 64 MiB image does not block
//! the caller.
//!
//! The thread is started with the first large argument of a run and ends with the run. If it is
//! needed while no run is alive, it ends when nothing is left to encode. The entry keeps its place
//! in the queue meanwhile, so the order of the calls stays the same.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex};

use crate::sync::lock;
use crate::wire::value::codec::Deferred;

/// Arguments that have moved away from their caller.
pub(crate) struct EncodeJob {
    pub(crate) call: u64,
    pub(crate) parts: Vec<Deferred>,
}

/// The encoder thread of one child, and its jobs.
#[derive(Debug, Default)]
pub(crate) struct EncoderThread(pub(crate) Arc<Encoding>);

/// The jobs, and what wakes the thread when they change.
#[derive(Debug, Default)]
pub(crate) struct Encoding {
    pub(crate) jobs: Mutex<Jobs>,
    pub(crate) changed: Condvar,
}

/// The jobs that wait, and whether there is a thread for them.
#[derive(Default)]
pub(crate) struct Jobs {
    pub(crate) waiting: VecDeque<EncodeJob>,
    /// There is a thread, and it checks here before it ends.
    pub(crate) thread: bool,
    /// The number of runs that have ended.
    pub(crate) runs_over: u64,
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

impl EncoderThread {
    /// The run has ended: the thread ends when nothing is left to encode.
    pub(crate) fn end_run(&self) {
        lock(&self.0.jobs).runs_over += 1;
        self.0.changed.notify_all();
    }
}

impl Drop for EncoderThread {
    fn drop(&mut self) {
        self.end_run();
    }
}
