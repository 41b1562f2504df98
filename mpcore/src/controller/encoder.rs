//! Encoding of large arguments: off the caller's thread, which must not stand still for a 64 MiB image.
//!
//! The thread is started with the first large argument of a child and ends with its control. The
//! entry keeps its place in the queue meanwhile, so the order of the calls stays.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::thread;

use super::finish;
use super::outcome::Outcome;
use super::shared::Shared;
use crate::limits::VALUE_BYTES;
use crate::process::sys;
use crate::unwind::discard;
use crate::wire::codec::{Deferred, Encoder};

/// Arguments that have moved away from their caller.
pub(crate) struct EncodeJob {
    pub(crate) call: u64,
    pub(crate) parts: Vec<Deferred>,
}

/// The thread's queue; `None` if it could not be started.
#[derive(Debug, Default)]
pub(crate) struct EncoderThread(OnceLock<Option<mpsc::Sender<EncodeJob>>>);

impl Shared {
    /// Hands arguments to the encoder thread.
    pub(crate) fn encode(self: &Arc<Self>, job: EncodeJob) {
        if sys::is_copy() {
            return; // its call has its outcome
        }
        let thread = self.encoder.0.get_or_init(|| {
            let (sender, jobs) = mpsc::channel::<EncodeJob>();
            let shared = Arc::downgrade(self);
            let body = move || {
                for job in jobs {
                    let Some(shared) = shared.upgrade() else { return };
                    shared.encode_here(job);
                }
            };
            let started = thread::Builder::new().name("mp-encode".into()).spawn(body);
            started.is_ok().then_some(sender)
        });
        match thread {
            Some(jobs) => {
                if let Err(mpsc::SendError(job)) = jobs.send(job) {
                    self.encode_here(job);
                }
            }
            None => self.encode_here(job),
        }
    }

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
