//! A cancel meets the command it names and no other, and every command has one outcome.

use std::sync::Arc;

use loom::thread;

use super::check;
use crate::child::cancels::Cancels;

/// A cancel that comes before, while or after its command runs is answered, or seen, or too late; the
/// next command hears nothing of it.
pub fn a_cancel_meets_no_other_command() {
    check(3, || {
        let cancels = Arc::new(Cancels::default());
        let control = {
            let cancels = Arc::clone(&cancels);
            thread::spawn(move || cancels.cancel(&[1]))
        };
        let began = cancels.begin(1);
        if began {
            let seen = cancels.is_cancelled();
            assert!(!seen || cancels.running() == 1);
            cancels.end();
        }
        assert!(cancels.begin(2));
        assert!(!cancels.is_cancelled(), "cancelled for another");
        assert!(!cancels.end());
        let answered = control.join().unwrap();
        assert_eq!(answered.len(), usize::from(!began), "answered, or run");
    });
}

/// The child ends while a cancel is on its way: its command is answered as stopped, or as cancelled.
pub fn a_command_that_is_skipped_is_answered_once() {
    check(3, || {
        let cancels = Arc::new(Cancels::default());
        let control = {
            let cancels = Arc::clone(&cancels);
            thread::spawn(move || cancels.cancel(&[2, 3]))
        };
        assert!(cancels.begin(1));
        cancels.end();
        let stopped = [2, 3].map(|call| cancels.skip(call));
        let answered = control.join().unwrap();
        for (call, stopped) in [(2, stopped[0]), (3, stopped[1])] {
            let cancelled = answered.contains(&call);
            assert!(stopped != cancelled, "call {call}: stopped {stopped}, cancelled {cancelled}");
        }
    });
}

/// A thread that a command has left behind tells of that command, whenever it does.
pub fn that_one_has_met_its_cancel_is_told_of_no_other() {
    check(3, || {
        let cancels = Arc::new(Cancels::default());
        assert!(cancels.begin(1));
        let worker = {
            let cancels = Arc::clone(&cancels);
            // `CallContext::check_cancelled` of the first command.
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
        cancels.end();
        assert!(cancels.begin(2));
        assert!(!cancels.end(), "met by another");
        assert!(cancels.begin(3));
        cancels.meet(3);
        assert!(cancels.end(), "forgotten for another");
        worker.join().unwrap();
        control.join().unwrap();
    });
}
