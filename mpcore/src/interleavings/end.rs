//! A run ends once, nothing is reported after its end, and each call is taken out of the table once
//! and has an outcome.

use std::sync::Arc;
use std::time::Duration;

use loom::thread;

use super::check;
use crate::controller::model::finished::Finished;
use crate::controller::model::limit::Limit;
use crate::controller::model::pending::{CallReply, Entry, SharedThen};
use crate::controller::model::repeat::Repeat;
use crate::controller::model::requests::{Gate, GoOver, Traffic};
use crate::controller::model::supersede::Kind;
use crate::controller::report::exit::{CleanupStatus, ExitReport, ProcessState};
use crate::controller::report::outcome::Outcome;
use crate::process::ProcessEnd;
use crate::sync::{Mutex, lock};
use crate::wire::packets::outgoing::{QueueBound, QueuedPayload};
use crate::wire::packets::packet::Bytes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// By the reader.
    Read,
    Finished,
}

/// What the threads of one run share.
struct Run {
    finished: Finished,
    traffic: Mutex<Traffic>,
    told: Mutex<Vec<Told>>,
}

impl Run {
    /// A run with calls that wait to be sent, and a receiver for the outcome of each.
    fn new(calls: u64) -> (Arc<Self>, Vec<oneshot::Receiver<CallReply>>) {
        let mut traffic =
            Traffic::new(QueueBound { entries: 10, bytes: 1 << 20 }, Duration::from_secs(1));
        let receivers = (0..calls).map(|_| {
            let (entry, receiver) = entry();
            let call = traffic.next_call();
            assert!(
                traffic
                    .submit(call, Kind::Command, entry, QueuedPayload::Ready(Vec::new()))
                    .is_ok()
            );
            receiver
        });
        let receivers = receivers.collect();
        let run = Self {
            finished: Finished::default(),
            traffic: Mutex::new(traffic),
            told: Mutex::new(Vec::new()),
        };
        (Arc::new(run), receivers)
    }

    /// The child has reported an outcome.
    fn read(&self, call: u64) {
        let Some(_going) = self.finished.hold() else { return };
        let entry = lock(&self.traffic).pending.remove(call);
        if let Some(entry) = entry {
            resolve(entry, Outcome::Returned(Bytes::default()));
            lock(&self.told).push(Told::Read);
        }
    }

    fn cancel(&self, call: u64) {
        let waiting = lock(&self.traffic).cancel_waiting(call);
        if let Some(entry) = waiting {
            resolve(entry, Outcome::Cancelled);
        }
    }

    fn stop(&self) {
        let waiting = lock(&self.traffic).stop();
        waiting.into_iter().for_each(|(_, entry)| resolve(entry, Outcome::Stopped));
    }

    fn finish(&self) {
        if !self.finished.end() {
            return;
        }
        let lost = {
            let mut traffic = lock(&self.traffic);
            traffic.gate = Gate::Ended(report());
            traffic.end(GoOver::Nothing)
        };
        lost.into_iter().for_each(|(_, entry)| resolve(entry, Outcome::Exited(report())));
        lock(&self.told).push(Told::Finished);
    }
}

/// The report of a run whose only process was killed.
fn report() -> Arc<ExitReport> {
    Arc::new(ExitReport {
        name: String::new(),
        generation: 1,
        pid: None,
        state: ProcessState::Crashed,
        end: ProcessEnd::Unknown,
        status: None,
        reason: None,
        killed: true,
        cleanup: CleanupStatus::Unknown,
        cleanup_panic: None,
        failure: None,
        commands_lost: 0,
        commands_stopped: 0,
        stderr: Vec::new(),
        lines_dropped: 0,
    })
}

fn entry() -> (Entry, oneshot::Receiver<CallReply>) {
    let (reply, receiver) = oneshot::channel();
    (
        Entry {
            command: 0,
            reply,
            then: SharedThen::new(Mutex::default()),
            limit: Limit::default(),
            repeat: Repeat::never(),
        },
        receiver,
    )
}

fn resolve(entry: Entry, outcome: Outcome) {
    assert!(entry.reply.send(CallReply::Outcome(Arc::new(outcome))).is_ok());
}

fn spawn(run: &Arc<Run>, act: impl FnOnce(&Run) + Send + 'static) -> thread::JoinHandle<()> {
    let run = Arc::clone(run);
    thread::spawn(move || act(&run))
}

/// The reader and the watcher's thread end the run, while an outcome is read.
pub fn a_run_ends_once_and_is_silent_afterwards() {
    check(3, || {
        let (run, receivers) = Run::new(2);
        let watcher = spawn(&run, Run::finish);
        let late = spawn(&run, |run| run.read(2));
        run.read(1);
        run.finish();
        watcher.join().unwrap();
        late.join().unwrap();
        let told = lock(&run.told).clone();
        assert_eq!(told.last(), Some(&Told::Finished), "{told:?}");
        assert_eq!(told.iter().filter(|told| **told == Told::Finished).count(), 1, "{told:?}");
        for receiver in receivers {
            assert!(matches!(receiver.try_recv(), Ok(CallReply::Outcome(_))));
        }
    });
}

/// Every thread that may end a call does so at once.
pub fn a_call_is_taken_out_once() {
    check(2, || {
        let (run, receivers) = Run::new(1);
        let others = [
            spawn(&run, |run| run.cancel(1)),
            spawn(&run, |run| {
                run.stop();
                run.finish();
            }),
        ];
        run.read(1);
        for other in others {
            other.join().unwrap();
        }
        for receiver in receivers {
            assert!(matches!(receiver.try_recv(), Ok(CallReply::Outcome(_))));
        }
        assert_eq!(lock(&run.traffic).pending.len(), 0);
    });
}

/// A call that is submitted while the run ends has an outcome too.
pub fn a_call_at_the_moment_of_the_end_has_an_outcome() {
    check(3, || {
        let (run, _) = Run::new(0);
        let end = spawn(&run, Run::finish);
        let (entry, receiver) = entry();
        let refused = {
            let mut traffic = lock(&run.traffic);
            let call = traffic.next_call();
            traffic.submit(call, Kind::Command, entry, QueuedPayload::Ready(Vec::new())).err()
        };
        if let Some((entry, outcome)) = refused {
            resolve(entry, outcome);
        }
        end.join().unwrap();
        assert!(matches!(receiver.try_recv(), Ok(CallReply::Outcome(_))));
    });
}
