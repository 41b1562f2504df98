//! A cancel or a deadline affects only its own command, and every command has one outcome.

use std::sync::Arc;
use std::time::{Duration, Instant};

use loom::thread;

use super::check;
use crate::child::link::cancels::{Cancels, Cause};
use crate::child::link::deadlines::Deadlines;
use crate::wire::packets::packet::CallFlags;

fn begin(cancels: &Cancels<()>, call: u64) -> bool {
    cancels.begin(call, CallFlags::default(), |_| {})
}

/// Ends the command; returns whether it had observed `Cancelled`.
fn end(cancels: &Cancels<()>) -> bool {
    cancels.end(|_| {}).met
}

/// A cancel that comes before, while or after its command runs is answered, or observed, or too
/// late; it does not affect the next command.
pub fn a_cancel_meets_no_other_command() {
    check(3, || {
        let cancels = Arc::new(Cancels::<()>::default());
        let control = {
            let cancels = Arc::clone(&cancels);
            thread::spawn(move || cancels.cancel(&[1]))
        };
        let began = begin(&cancels, 1);
        if began {
            let seen = cancels.is_cancelled();
            assert!(!seen || cancels.running() == 1);
            end(&cancels);
        }
        assert!(begin(&cancels, 2));
        assert!(!cancels.is_cancelled(), "cancelled for another");
        assert!(!end(&cancels));
        let answered = control.join().unwrap();
        assert_eq!(answered.len(), usize::from(!began), "answered, or run");
    });
}

/// The child ends while a cancel is in transit: its command is answered as stopped, or as
/// cancelled.
pub fn a_command_that_is_skipped_is_answered_once() {
    check(3, || {
        let cancels = Arc::new(Cancels::<()>::default());
        let control = {
            let cancels = Arc::clone(&cancels);
            thread::spawn(move || cancels.cancel(&[2, 3]))
        };
        assert!(begin(&cancels, 1));
        end(&cancels);
        let stopped = [2, 3].map(|call| cancels.skip(call));
        let answered = control.join().unwrap();
        for (call, stopped) in [(2, stopped[0]), (3, stopped[1])] {
            let cancelled = answered.contains(&call);
            assert!(stopped != cancelled, "call {call}: stopped {stopped}, cancelled {cancelled}");
        }
    });
}

/// A thread left behind by a command observes the cancel of that command only, whenever it checks.
pub fn meeting_one_cancel_meets_no_other() {
    check(3, || {
        let cancels = Arc::new(Cancels::<()>::default());
        assert!(begin(&cancels, 1));
        let worker = {
            let cancels = Arc::clone(&cancels);
            // Like `CallContext::check_cancelled` of the first command.
            thread::spawn(move || {
                if cancels.running() != 1 || cancels.is_cancelled() {
                    cancels.meet(1);
                }
            })
        };
        let control = {
            let cancels = Arc::clone(&cancels);
            thread::spawn(move || drop(cancels.cancel(&[1])))
        };
        end(&cancels);
        assert!(begin(&cancels, 2));
        assert!(!end(&cancels), "met by another");
        assert!(begin(&cancels, 3));
        cancels.meet(3);
        assert!(end(&cancels), "forgotten for another");
        worker.join().unwrap();
        control.join().unwrap();
    });
}

/// A command's deadline passes, and it is cancelled, while it ends: the reason is one that existed
/// by then, and the next command, which has no deadline, gets neither.
pub fn a_deadline_ends_no_other_command() {
    check(3, || {
        let cancels = Arc::new(Cancels::<Deadlines>::default());
        let (begun, allowed) = (Instant::now(), 50);
        let start = |call, allowed| {
            cancels.begin(call, CallFlags::default(), |it| it.times.begin(call, allowed, begun))
        };
        assert!(start(1, allowed));
        let watch = {
            let cancels = Arc::clone(&cancels);
            thread::spawn(move || {
                let mut record = cancels.record();
                // Whether the first or the second command runs by now, this is after the first
                // one's deadline.
                if let Some(overrun) = record.times.due(begun + Duration::from_secs(1)) {
                    assert_eq!((overrun.call, overrun.allowed), (1, allowed));
                    cancels.overran(&mut record, overrun.allowed);
                }
            })
        };
        let control = {
            let cancels = Arc::clone(&cancels);
            thread::spawn(move || assert!(cancels.cancel(&[1]).is_empty(), "it has begun"))
        };
        let seen = cancels.is_cancelled();
        let cause = cancels.end(|it| it.times.end()).cause;
        assert!(!seen || cause.is_some(), "it was to end for nothing");
        assert!([None, Some(Cause::Cancelled), Some(Cause::TimedOut(allowed))].contains(&cause));
        assert!(start(2, 0));
        assert!(!cancels.is_cancelled(), "ended for another");
        assert_eq!(cancels.end(|it| it.times.end()).cause, None, "for another's reason");
        watch.join().unwrap();
        control.join().unwrap();
    });
}
