//! A run without a child: handles packets as if a child had sent them. For tests and fuzzers.
//!
//! Everything is real (the table of calls, the credit, the mirrors, the inbox, the end of the run)
//! except the process and the lanes, which lead nowhere. The caller's thread is the reader. The
//! tests show which packets break a child, and which are odd but harmless.

use std::sync::Arc;

use crate::controller::run::begin::begin_run;
use crate::controller::run::finish;
use crate::controller::run::read::{Incoming, open, take_packet};
use crate::controller::state::Shared;
use crate::controller::state::run::Run;
use crate::process::{ExitStatus, ProcessEnd};
use crate::sync::lock;
use crate::transport::{ChildLanes, memory, window};
use crate::wire::messages::handshake::Nonce;

/// See the [module](self).
pub(crate) struct Rehearsal {
    shared: Arc<Shared>,
    run: Arc<Run>,
    incoming: Incoming,
    /// The child's ends, kept so that the controller's ends are not closed.
    _lanes: ChildLanes,
}

impl Rehearsal {
    /// Begins a run of a child that has just been recognised.
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        let (run, wake) = begin_run(shared, &mut shared.life());
        wake.wake();
        let (lanes, child) = memory::pair(window());
        drop(open(shared, &run, lanes, Nonce::default()));
        Self { shared: Arc::clone(shared), run, incoming: Incoming::default(), _lanes: child }
    }

    /// Reads a packet. Returns whether to go on, or why the child is broken.
    pub(crate) fn packet(&mut self, packet: &[u8]) -> Result<bool, String> {
        let Self { shared, run, incoming, .. } = self;
        take_packet(shared, run, incoming, packet).map_err(|broken| {
            let why = broken.to_string();
            run.declare_broken(&why);
            why
        })
    }

    /// Ends the child with exit code 0.
    pub(crate) fn end(self) {
        lock(&self.run.known).ended = Some(ProcessEnd::Status(ExitStatus::from_code(0)));
        finish(&self.shared, &self.run);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::CallError;
    use crate::Inbox;
    use crate::ProcessState;
    use crate::QueueBound;
    use crate::RunFailure;
    use crate::controller::control::Control as _;
    use crate::fixtures::interface::builder;
    use crate::fixtures::messages::{byes, init_failures};
    use crate::fixtures::packets::{item, packet};
    use crate::limits::{PANIC_TEXT_BYTES, REPORT_BYTES, VALUE_BYTES};
    use crate::wire::packets::kinds::{ItemKind, PacketKind};
    use crate::wire::packets::packet::{Head, ITEM_HEAD, ItemHead, write_part_head};

    /// Returns the packets of items that a child sends.
    fn told(items: &[Vec<u8>]) -> Vec<Vec<u8>> {
        items.iter().map(|item| packet(PacketKind::Items, item)).collect()
    }

    fn ready() -> Vec<u8> {
        item(ItemKind::Ready, 0, 0, &[])
    }

    fn bye() -> Vec<u8> {
        item(ItemKind::Bye, 0, 0, &byes()[0])
    }

    fn part(total: u64, offset: u64, data: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        write_part_head(&mut body, total, offset);
        body.extend_from_slice(data);
        packet(PacketKind::Part, &body)
    }

    fn with_credit(consumed: u64, consumed_control: u64) -> Vec<u8> {
        Head { consumed, consumed_control, ..Head::new(PacketKind::Credit, 1) }.packet()
    }

    /// Checks that the last packet is found to be a violation and reported, and that the current
    /// call and the run still end.
    #[track_caller]
    fn broken(packets: &[Vec<u8>], phrase: &str) {
        let inbox = Inbox::new(|| {});
        let control = builder().inbox(&inbox).build().unwrap();
        let finished = control.process().signals().finished.receiver();
        let mut rehearsal = Rehearsal::begin(control.__core().process().shared());
        let mut call = control.add(1, 2); // number 1
        let (last, before) = packets.split_last().unwrap();
        for (number, packet) in before.iter().enumerate() {
            assert_eq!(rehearsal.packet(packet), Ok(true), "{phrase}: packet {number}");
        }
        let why = rehearsal.packet(last).expect_err(phrase);
        assert!(why.contains(phrase), "`{why}` does not say `{phrase}`");
        rehearsal.end();
        while inbox.drain(Duration::from_secs(1)).more {}
        let report = finished.try_recv().expect("the run has ended").0;
        assert_eq!(report.failure, Some(RunFailure::Broken(why)));
        assert!(call.try_outcome().is_some(), "{phrase}: the call has its outcome");
    }

    /// Regression: the child answered in advance, and its next commands were never run.
    #[test]
    fn a_child_that_answers_what_it_has_not_been_sent_is_broken() {
        let control = builder().build().unwrap();
        let mut rehearsal = Rehearsal::begin(control.__core().process().shared());
        assert_eq!(rehearsal.packet(&told(&[ready()])[0]), Ok(true));
        // More than there is credit for, each small enough to be encoded at once.
        let rows = vec![Some([u64::MAX; 4]); 900];
        let calls: Vec<_> =
            (0..20).map(|_| control.grow(crate::fixtures::zoo::Tree::Leaf, rows.clone())).collect();
        let last = calls.last().unwrap().id().get();
        let advance = told(&[item(ItemKind::Returned, 1, last, &[])]);
        let why = rehearsal.packet(&advance[0]).unwrap_err();
        assert!(why.contains("has not been sent"), "{why}");
        rehearsal.end();
    }

    #[test]
    fn a_child_that_lies_is_broken() {
        let returned = |method, call| item(ItemKind::Returned, method, call, &[6]);
        let progress = |fraction: f64| item(ItemKind::Progress, 0, 1, &fraction.to_le_bytes());
        let long = vec![0; REPORT_BYTES + 1];
        // Outcomes.
        broken(&told(&[ready(), returned(0, 0)]), "none pending");
        broken(&told(&[ready(), returned(0, 2)]), "none pending");
        broken(&told(&[ready(), returned(0, u64::MAX)]), "none pending");
        broken(&told(&[ready(), returned(0, 1), returned(0, 1)]), "none pending");
        broken(&told(&[ready(), returned(1, 1)]), "another command");
        broken(&told(&[ready(), returned(u16::MAX, 1)]), "another command");
        broken(&told(&[returned(0, 1)]), "not ready");
        broken(&told(&[ready(), item(ItemKind::Panicked, 0, 1, &[7])]), "PanicReport");
        broken(&told(&[ready(), item(ItemKind::Panicked, 0, 1, &long)]), "oversized report");
        // Notices.
        broken(&told(&[item(ItemKind::Property, 2, 0, &[])]), "unknown property");
        broken(&told(&[item(ItemKind::Event, 2, 0, &[])]), "unknown item of the interface");
        broken(&told(&[item(ItemKind::Signal, 100, 0, &[])]), "unknown item of the interface");
        broken(&told(&[progress(f64::NAN)]), "between 0 and 1");
        broken(&told(&[progress(f64::INFINITY)]), "between 0 and 1");
        broken(&told(&[progress(-0.1)]), "between 0 and 1");
        broken(&told(&[item(ItemKind::Progress, 0, 1, &[0; 9])]), "wrong length");
        // Its life.
        let failed = || item(ItemKind::InitFailed, 0, 0, &init_failures()[0]);
        broken(&told(&[ready(), ready()]), "second report");
        broken(&told(&[ready(), failed()]), "second report");
        broken(&told(&[bye(), bye()]), "after the last one");
        broken(&told(&[bye(), item(ItemKind::Property, 0, 0, &[0; 8])]), "after the last one");
        broken(&told(&[item(ItemKind::InitFailed, 0, 0, &[9])]), "InitFailure");
        broken(&told(&[item(ItemKind::InitFailed, 0, 0, &long)]), "oversized report");
        broken(&told(&[item(ItemKind::Bye, 0, 0, &[0, 1, 0, 0])]), "left over");
        // What belongs on other lanes.
        broken(&told(&[item(ItemKind::Welcome, 0, 0, &[])]), "another lane");
        broken(&told(&[item(ItemKind::Call, 0, 1, &[])]), "another lane");
        broken(&told(&[item(ItemKind::Introduction, 0, 0, &[])]), "second introduction");
        broken(&[packet(PacketKind::Control, &[0, 0])], "does not belong on the lane Events");
        broken(&[packet(PacketKind::End, &[])], "end marker");
        // Packets.
        broken(&[Vec::new()], "ends before its head");
        broken(&[Head::new(PacketKind::Items, 2).packet()], "generation 2");
        broken(&[packet(PacketKind::Items, &[0; ITEM_HEAD - 1])], "ends before its item head");
        broken(&[packet(PacketKind::Items, &[0; ITEM_HEAD])], "unknown item kind 0");
        let announced = ItemHead::new(ItemKind::Event, 0, 0).bytes(2);
        broken(&[packet(PacketKind::Items, &announced)], "ends before its item");
        // Parts.
        broken(&[part(100, 0, &[33]), packet(PacketKind::Items, &ready())], "between two parts");
        broken(&[part(100, 0, &[33]), part(100, 0, &[33])], "1 was expected");
        broken(&[part(100, 0, &[33]), part(99, 1, &[33])], "1 was expected");
        broken(&[part(100, 0, &[])], "ends before its part");
        broken(&[part(u64::MAX, 0, &[33])], "are allowed");
        broken(&[part((VALUE_BYTES + ITEM_HEAD + 1) as u64, 0, &[33])], "are allowed");
        // Credit.
        broken(&[with_credit(u64::MAX, 0)], "reported as consumed");
        broken(&[with_credit(0, u64::MAX)], "reported as consumed");
        broken(&[packet(PacketKind::Credit, &[0])], "with content");
    }

    #[test]
    fn sending_without_credit_is_a_protocol_violation() {
        let inbox = Inbox::new(|| {});
        let control = builder()
            .inbox(&inbox)
            .inbox_bound(QueueBound { entries: 10, bytes: 1000 })
            .build()
            .unwrap();
        let mut rehearsal = Rehearsal::begin(control.__core().process().shared());
        let flood = packet(PacketKind::Items, &item(ItemKind::Signal, 2, 0, &[0; 10_000]));
        let why = (0..1000)
            .find_map(|_| rehearsal.packet(&flood).err())
            .expect("the inbox is not drained");
        assert!(why.contains("with credit for"), "{why}");
        rehearsal.end();
    }

    #[test]
    fn what_is_odd_but_harmless_changes_nothing() {
        let inbox = Inbox::new(|| {});
        let control = builder().inbox(&inbox).build().unwrap();
        let heard = control.process().signals().progress.receiver();
        let mut rehearsal = Rehearsal::begin(control.__core().process().shared());
        let mut call = control.add(1, 2);
        let half = 0.5f64.to_le_bytes();
        let items = [
            ready(),
            item(ItemKind::Returned, 0, 1, &[0, 6]),
            // For a command that has just ended, and for one that never existed.
            item(ItemKind::Progress, 0, 1, &half),
            item(ItemKind::Progress, 0, 77, &half),
            bye(),
        ];
        for packet in told(&items) {
            assert_eq!(rehearsal.packet(&packet), Ok(true));
        }
        assert_eq!(rehearsal.packet(&with_credit(0, 0)), Ok(true));
        let mut left = control.add(1, 2);
        rehearsal.end();
        while inbox.drain(Duration::from_secs(1)).more {}
        assert_eq!(call.try_outcome(), Some(Ok(3)));
        assert_eq!(left.try_outcome(), Some(Err(CallError::Stopped)));
        assert_eq!(heard.try_recv(), None);
        assert_eq!(control.process().state(), ProcessState::Finished);
    }

    #[test]
    fn a_text_of_any_length_is_cut() {
        let inbox = Inbox::new(|| {});
        let control = builder().inbox(&inbox).build().unwrap();
        let mut rehearsal = Rehearsal::begin(control.__core().process().shared());
        let mut call = control.add(1, 2);
        let garbage = vec![0xFF; PANIC_TEXT_BYTES + 1000];
        for packet in told(&[ready(), item(ItemKind::Undecodable, 0, 1, &garbage)]) {
            assert_eq!(rehearsal.packet(&packet), Ok(true));
        }
        let Some(Err(CallError::Decode(text))) = call.try_outcome() else { panic!("an outcome") };
        assert!(text.len() <= 3 * PANIC_TEXT_BYTES, "{}", text.len());
        rehearsal.end();
    }
}
