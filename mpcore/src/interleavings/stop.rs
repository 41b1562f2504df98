//! No thread waits for ever for a request to end that has arrived.

use std::sync::{Arc, mpsc};

use loom::thread;

use super::check;
use crate::child::link::Link;
use crate::child::link::stop::StopRequests;
use crate::transport::LaneEnd;
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::kinds::ItemKind;
use crate::wire::packets::packet::ItemHead;

/// The end of a lane that no model reads.
struct Unread;

impl LaneEnd for Unread {
    fn end(&self, _: u32) {}
}

/// A thread begins to wait at the moment of a stop request.
pub fn a_wait_for_the_end_sees_a_stop() {
    check(3, || {
        let stop = Arc::new(StopRequests::new(1, Arc::new(Unread), Arc::default()));
        let waiting = {
            let stop = Arc::clone(&stop);
            thread::spawn(move || stop.wait_until(|| stop.stopping()))
        };
        stop.request(StopReason::Asked);
        waiting.join().unwrap();
        assert_eq!(stop.reason(), Some(StopReason::Asked));
    });
}

/// A command begins to wait while it is cancelled and the child is asked to stop.
pub fn a_wait_of_a_command_sees_its_cancel_and_a_stop() {
    check(2, || {
        let (events, _events) = mpsc::channel::<Vec<u8>>();
        let link = Link::new(1, 96 << 10, Arc::new(events), Arc::new(Unread), None);
        assert!(link.command.begin(&ItemHead::new(ItemKind::Call, 0, 1)));
        let waiting = {
            let command = Arc::clone(&link.command);
            thread::spawn(move || command.wait_for_end())
        };
        let stopping = {
            let stop = Arc::clone(&link.stop);
            thread::spawn(move || stop.request(StopReason::Asked))
        };
        link.command.cancel(&[1]);
        waiting.join().unwrap();
        stopping.join().unwrap();
    });
}
