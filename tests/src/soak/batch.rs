//! A hundred calls in flight, most with random payloads, and every way to observe their outcomes.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use mpcore::{Call, CallError, CallId, WaitError};

use super::tally::{Heard, Tally};
use crate::harness::patience::{LONG, block_on};
use crate::{BenchControl, Blob};

/// The number of calls.
pub(super) const CALLS: usize = 100;

const LARGEST: usize = 8 << 20;

/// The work that one call requests.
pub(super) enum Work {
    /// Adds one.
    Sum(i32),
    /// Returns a result of this size.
    Make(usize),
    /// Sends an argument that is returned.
    Echo(Blob),
    /// Makes the child exit by itself.
    Exit,
}

impl Work {
    /// Payloads from empty to 8 MiB, including both.
    pub(super) fn random_hundred(random: &mut fastrand::Rng) -> Vec<Self> {
        let mut works = vec![Self::Echo(Blob::default()), Self::Echo(Blob::numbered(LARGEST))];
        while works.len() < CALLS {
            // Logarithmic: as likely between 1 and 2 KiB as between 1 and 2 MiB.
            let length = (LARGEST as f64).powf(random.f64()) as usize;
            works.push(match random.u8(..4) {
                0 => Self::Sum(random.i32(..i32::MAX)),
                1 => Self::Make(length),
                _ => Self::Echo(Blob::numbered(length)),
            });
        }
        random.shuffle(&mut works);
        works
    }
}

fn has(length: usize) -> impl Fn(&Blob) -> bool {
    move |blob| blob.0.len() == length
}

/// How one call ended for its caller.
pub(super) struct Ending {
    /// `returned`, `exited`, or something that must not happen.
    pub(super) word: &'static str,
}

/// Calls in flight and their waiters.
pub(super) struct Batch {
    ids: Vec<CallId>,
    tally: Tally,
    waiters: [JoinHandle<Vec<Ending>>; 2],
    done: mpsc::Receiver<Ending>,
    continued: usize,
}

/// Waits for the outcome of one call.
type Wait = Box<dyn FnOnce() -> Ending + Send>;

impl Batch {
    /// Submits all calls, and begins to wait for their outcomes in all ways.
    pub(super) fn submit(bench: &BenchControl, tally: &Tally, works: Vec<Work>) -> Self {
        let [(first, waits), (second, awaits)] = [mpsc::channel::<Wait>(), mpsc::channel()];
        // Each waits for its calls in the order submitted, which is the order in which they end.
        let waiter = |waits: mpsc::Receiver<Wait>| {
            thread::spawn(move || waits.into_iter().map(|wait| wait()).collect())
        };
        let waiters = [waiter(waits), waiter(awaits)];
        let (sender, done) = mpsc::channel();
        let mut listener = Listener {
            tally,
            wait: first,
            await_: second,
            done: sender,
            ids: vec![],
            continued: 0,
        };
        for work in works {
            match work {
                Work::Sum(number) => {
                    listener.listen(bench.add_two(number, 1), move |sum| *sum == number + 1);
                }
                Work::Make(length) => listener.listen(bench.make_bytes(length), has(length)),
                Work::Echo(blob) => {
                    let length = blob.0.len();
                    listener.listen(bench.echo(blob), has(length));
                }
                Work::Exit => listener.listen(bench.exit_with(7), |()| false),
            }
        }
        let Listener { ids, continued, .. } = listener;
        Self { ids, tally: tally.clone(), waiters, done, continued }
    }

    /// The ids of the calls.
    pub(super) fn ids(&self) -> &[CallId] {
        &self.ids
    }

    /// Waits for all outcomes.
    pub(super) fn endings(self) -> Vec<Ending> {
        let mut endings = Vec::new();
        for waiter in self.waiters {
            endings.extend(waiter.join().expect("a waiter does not panic"));
        }
        // A call whose closure was dropped without being called ends the channel early; the tally
        // detects it.
        let continued = (0..self.continued).map_while(|_| self.done.recv_timeout(LONG).ok());
        endings.extend(continued);
        self.tally.wait_for_signals(&self.ids);
        endings
    }
}

/// Hands each call to one of the ways to observe its outcome.
struct Listener<'a> {
    tally: &'a Tally,
    wait: mpsc::Sender<Wait>,
    await_: mpsc::Sender<Wait>,
    done: mpsc::Sender<Ending>,
    ids: Vec<CallId>,
    continued: usize,
}

impl Listener<'_> {
    fn listen<T: Send + 'static, E: Send + 'static>(
        &mut self,
        mut call: Call<T, E>,
        right: impl Fn(&T) -> bool + Send + 'static,
    ) {
        let (id, tally) = (call.id(), self.tally.clone());
        tally.expect(id);
        self.ids.push(id);
        let ending = move |outcome: Result<T, CallError<E>>| {
            tally.note(id, Heard::Caller);
            Ending { word: word(&outcome, right) }
        };
        match self.ids.len() % 4 {
            0 => {
                let wait: Wait = Box::new(move || match call.wait_timeout(LONG) {
                    Err(CallError::Wait(WaitError::Timeout(_))) => Ending { word: "nothing" },
                    outcome => ending(outcome),
                });
                self.wait.send(wait).expect("the waiter is there");
            }
            1 => {
                let wait: Wait = Box::new(move || ending(block_on(call)));
                self.await_.send(wait).expect("the waiter is there");
            }
            _ => {
                self.continued += 1;
                let done = self.done.clone();
                call.on_done(move |outcome| done.send(ending(outcome)).unwrap_or_default());
            }
        }
    }
}

/// Names an outcome as in [`Ending::word`].
fn word<T, E>(outcome: &Result<T, CallError<E>>, right: impl Fn(&T) -> bool) -> &'static str {
    match outcome {
        Ok(value) if right(value) => "returned",
        Ok(_) => "a wrong result",
        Err(CallError::Exited(_)) => "exited",
        Err(CallError::Stopped) => "stopped",
        Err(CallError::Cancelled) => "cancelled",
        Err(CallError::Encode(_)) => "could not encode",
        Err(CallError::Decode(_)) => "could not decode",
        Err(CallError::Wait(WaitError::InboxOverflow)) => "inbox overflow",
        Err(_) => "something else",
    }
}
