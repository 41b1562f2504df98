//! Encoding of large arguments on its own thread, so that a 64 MiB image does not block the caller.
//! The first job starts the thread, which ends with the run. If a job fails, its call ends with
//! that error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::{io, thread};

use crate::controller::finish;
use crate::controller::report::outcome::Outcome;
use crate::controller::state::Shared;
use crate::controller::state::encoder::{EncodeJob, Encoding};
use crate::limits::VALUE_BYTES;
use crate::panics::unwind::discard;
use crate::process::sys;
use crate::sync::{lock, wait};
use crate::wire::value::codec::Encoder;

impl Shared {
    /// Passes arguments to the encoder thread.
    pub(crate) fn encode(self: &Arc<Self>, job: EncodeJob) {
        if sys::is_copy() {
            return; // its call already has its outcome
        }
        let encoding = &self.encoder.0;
        let refused = {
            let mut jobs = lock(&encoding.jobs);
            let call = job.call;
            jobs.waiting.push_back(job);
            match jobs.thread {
                true => None,
                false => match start(self, encoding) {
                    Ok(()) => {
                        jobs.thread = true;
                        None
                    }
                    // This is the last job and the only one: a thread leaves none behind when it
                    // ends.
                    Err(error) => jobs.waiting.pop_back().map(|job| (call, job, error)),
                },
            }
        };
        match refused {
            None => encoding.changed.notify_all(),
            // The caller does not encode in place of the thread, because it must not wait.
            Some((call, job, error)) => {
                drop(job);
                self.encoded(call, Err(Outcome::Resources(refusal(&error))));
            }
        }
    }

    /// Encodes the arguments of one call, on the encoder thread.
    fn encode_here(self: &Arc<Self>, job: EncodeJob) {
        let EncodeJob { call, parts } = job;
        let encode = AssertUnwindSafe(|| {
            let mut encoder = Encoder::new(VALUE_BYTES);
            parts.into_iter().try_for_each(|part| part(&mut encoder))?;
            Ok(encoder.into_bytes())
        });
        let payload = match catch_unwind(encode) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => {
                let error: crate::EncodeError = error;
                Err(Outcome::Encode(error.to_string()))
            }
            Err(panic) => {
                discard(panic);
                Err(Outcome::Encode("the argument's `Serialize` panicked".into()))
            }
        };
        self.encoded(call, payload);
    }

    /// Puts encoded arguments into the queue, and ends the calls that end with that.
    fn encoded(self: &Arc<Self>, call: u64, payload: Result<Vec<u8>, Outcome>) {
        let _posting = self.begin_posting(&mut self.life());
        let (ended, done) = {
            let mut traffic = self.traffic();
            (traffic.encoded(call, payload), traffic.is_done())
        };
        for (call, entry, outcome) in ended {
            self.resolve(call, entry, outcome);
        }
        if done {
            finish::stop_if_done(self);
        }
    }
}

fn refusal(error: &io::Error) -> String {
    format!("the thread that encodes large arguments could not be started: {error}")
}

/// Starts the encoder thread.
fn start(shared: &Arc<Shared>, encoding: &Arc<Encoding>) -> io::Result<()> {
    let (shared, encoding) = (Arc::downgrade(shared), Arc::clone(encoding));
    let body = move || {
        while let Some(job) = next_job(&shared, &encoding) {
            // The control was dropped, and its calls with it.
            let Some(shared) = Weak::upgrade(&shared) else { continue };
            shared.encode_here(job);
        }
    };
    thread::Builder::new().name("mp-encode".into()).spawn(body).map(drop)
}

/// Waits for the next job while a run is alive.
fn next_job(shared: &Weak<Shared>, encoding: &Encoding) -> Option<EncodeJob> {
    let mut jobs = lock(&encoding.jobs);
    loop {
        if let Some(job) = jobs.waiting.pop_front() {
            return Some(job);
        }
        let runs_over = jobs.runs_over;
        drop(jobs);
        let alive = shared.upgrade().is_some_and(|shared| shared.life().state.is_alive());
        jobs = lock(&encoding.jobs);
        if !jobs.waiting.is_empty() || jobs.runs_over != runs_over {
            continue; // the run may be another one by now
        }
        if !alive {
            jobs.thread = false;
            return None;
        }
        jobs = wait(&encoding.changed, jobs);
    }
}
