//! What waits to be sent on a lane: a bounded queue that knows its credit.
//!
//! Pure: [`Outgoing::next_packet`] says what to send now, somebody else sends it. Whatever has queued
//! goes as one packet; an entry with a key replaces the waiting one of the same key, in its place;
//! an item too long for a packet is cut into parts.

use std::sync::Arc;

use super::credit::{FalseReport, Window, charge, longest_packet};
use super::keyed::{Key, KeyedQueue};
use super::packet::{Head, ITEM_HEAD, ItemHead, ItemKind, PacketKind, write_part_head};

/// A payload that is ready, or one that somebody is still encoding.
#[derive(Debug)]
pub(crate) enum Payload {
    Ready(Vec<u8>),
    /// Ready, and kept by somebody who may send it again.
    Shared(Arc<Vec<u8>>),
    Encoding,
}

impl Payload {
    /// The bytes; none while they are not known.
    pub(crate) fn ready(&self) -> Option<&[u8]> {
        match self {
            Self::Ready(bytes) => Some(bytes),
            Self::Shared(bytes) => Some(bytes),
            Self::Encoding => None,
        }
    }

    /// What it counts; what is not known yet counts when it is.
    fn bytes(&self) -> usize {
        self.ready().map_or(0, <[u8]>::len)
    }
}

#[derive(Debug)]
struct Entry {
    head: ItemHead,
    payload: Payload,
    /// Not to be sent; it only keeps its place until its turn comes.
    forgotten: bool,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Send what is in the buffer.
    Packet,
    /// Nothing waits.
    Empty,
    /// Something waits for credit, or to be encoded.
    Wait,
}

/// Bounds of an [`Outgoing`] queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) entries: usize,
    pub(crate) bytes: usize,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Outgoing {
    entries: KeyedQueue<Entry>,
    bytes: usize,
    /// Entries that only keep their place.
    forgotten: usize,
    bounds: Bounds,
    window: Window,
    longest: usize,
    /// How much of the entry at the front has been sent in parts.
    sent: usize,
    /// Nothing but a welcome is sent.
    held: bool,
}

impl Outgoing {
    pub(crate) fn new(window: u32, bounds: Bounds) -> Self {
        Self {
            entries: KeyedQueue::default(),
            bytes: 0,
            forgotten: 0,
            bounds,
            window: Window::new(window),
            longest: longest_packet(window),
            sent: 0,
            held: false,
        }
    }

    /// Begins the next run: a fresh lane, with what is queued.
    pub(crate) fn reset_lane(&mut self, window: u32) {
        self.window = Window::new(window);
        self.longest = longest_packet(window);
        self.sent = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether an entry of `length` bytes may still be queued.
    pub(crate) fn has_room(&self, length: usize) -> bool {
        self.entries.len() - self.forgotten < self.bounds.entries
            && self.bytes + length <= self.bounds.bytes
    }

    /// Queues an entry, whatever the bounds say: see [`Outgoing::has_room`].
    pub(crate) fn push(&mut self, head: ItemHead, key: Option<Key>, payload: Payload) {
        self.bytes += payload.bytes();
        if let Some(waiting) = key.and_then(|key| self.entries.waiting(key)) {
            self.bytes -= waiting.payload.bytes();
            waiting.payload = payload;
        } else {
            self.entries.push(key, Entry { head, payload, forgotten: false });
        }
    }

    /// Queues an entry that goes before all others.
    pub(crate) fn push_front(&mut self, head: ItemHead, payload: Payload) {
        debug_assert!(self.sent == 0, "nothing goes between two parts");
        self.bytes += payload.bytes();
        self.entries.push_front(Entry { head, payload, forgotten: false });
    }

    /// Sends nothing but a welcome until [`release`](Self::release).
    pub(crate) fn hold(&mut self) {
        self.held = true;
    }

    pub(crate) fn release(&mut self) {
        self.held = false;
    }

    /// The receiver's newest credit total.
    pub(crate) fn report(&mut self, total: u64) -> Result<(), FalseReport> {
        self.window.report(total)
    }

    /// The payload of a call that was queued as [`Payload::Encoding`] is ready. Returns `false` if the
    /// queue would exceed its bound; the call's entry then waits to be found unwanted.
    pub(crate) fn encoded(&mut self, call: u64, payload: Payload) -> bool {
        if self.bytes + payload.bytes() > self.bounds.bytes {
            return false;
        }
        // Calls are queued by rising numbers; one that is gone was ended meanwhile.
        if let Some(entry) = self.entries.search_mut(|entry| entry.head.call.cmp(&call))
            && !entry.forgotten
        {
            self.bytes += payload.bytes();
            entry.payload = payload;
        }
        true
    }

    fn pop(&mut self) {
        if let Some(entry) = self.entries.pop() {
            self.bytes -= entry.payload.bytes();
            self.forgotten -= usize::from(entry.forgotten);
            self.sent = 0;
        }
    }

    /// Forgets everything that waits.
    pub(crate) fn clear(&mut self) {
        self.take();
    }

    /// Takes out everything that has not been sent as a whole, in its order.
    pub(crate) fn take(&mut self) -> Vec<(ItemHead, Payload)> {
        let mut entries = std::mem::take(&mut self.entries);
        self.bytes = 0;
        self.forgotten = 0;
        self.sent = 0;
        let entries = std::iter::from_fn(|| entries.pop());
        entries.filter(|entry| !entry.forgotten).map(|entry| (entry.head, entry.payload)).collect()
    }

    /// A call that [waits](Self::waits) is not to be sent: what it takes up is free at once.
    pub(crate) fn forget(&mut self, call: u64) {
        if let Some(entry) = self.entries.search_mut(|entry| entry.head.call.cmp(&call))
            && !entry.forgotten
        {
            self.bytes -= entry.payload.bytes();
            entry.payload = Payload::Ready(Vec::new());
            entry.forgotten = true;
            self.forgotten += 1;
        }
    }

    /// Whether an entry with this key would only replace one that waits.
    pub(crate) fn has_waiting(&self, key: Key) -> bool {
        self.entries.has_waiting(key)
    }

    /// Gives a call that [waits](Self::waits) another deadline; `false` if it does not.
    pub(crate) fn set_deadline(&mut self, call: u64, milliseconds: u32) -> bool {
        if !self.waits(call) {
            return false;
        }
        if let Some(entry) = self.entries.search_mut(|entry| entry.head.call.cmp(&call)) {
            entry.head.deadline = milliseconds;
        }
        true
    }

    /// Whether nothing of this call has been sent yet. Calls are queued by rising numbers.
    pub(crate) fn waits(&self, call: u64) -> bool {
        self.entries.front().is_some_and(|front| {
            front.head.call < call || (front.head.call == call && self.sent == 0)
        })
    }

    /// Fills `out` with the next packet, if there is one that may go.
    ///
    /// `head` is the packet's head apart from its kind; `wanted` says whether an entry is still worth
    /// sending: a cancelled call is not.
    pub(crate) fn next_packet(
        &mut self,
        head: Head,
        out: &mut Vec<u8>,
        mut wanted: impl FnMut(&ItemHead) -> bool,
    ) -> Next {
        out.clear();
        let room = self.longest - super::packet::HEAD;
        while let Some(entry) = self.entries.front_mut() {
            if self.sent == 0 && (entry.forgotten || !wanted(&entry.head)) {
                self.pop();
                continue;
            }
            if self.held && entry.head.kind != ItemKind::Welcome {
                match out.is_empty() {
                    true => return Next::Wait,
                    false => break,
                }
            }
            let payload = match entry.payload.ready() {
                Some(payload) => payload,
                None if out.is_empty() => return Next::Wait,
                None => break,
            };
            if ITEM_HEAD + payload.len() > room {
                if !out.is_empty() {
                    break;
                }
                return self.next_part(head, out);
            }
            let filled = out.len().saturating_sub(super::packet::HEAD);
            if filled + ITEM_HEAD + payload.len() > room {
                break;
            }
            let length = out.len().max(super::packet::HEAD) + ITEM_HEAD + payload.len();
            if !self.window.fits(charge(length)) {
                if out.is_empty() {
                    return Next::Wait;
                }
                break;
            }
            if out.is_empty() {
                Head { kind: PacketKind::Items, ..head }.write(out);
            }
            out.extend_from_slice(&entry.head.bytes(payload.len()));
            out.extend_from_slice(payload);
            self.pop();
        }
        if out.is_empty() {
            return Next::Empty;
        }
        self.window.send(charge(out.len()));
        Next::Packet
    }

    fn next_part(&mut self, head: Head, out: &mut Vec<u8>) -> Next {
        if !self.window.fits(charge(self.longest)) {
            return Next::Wait;
        }
        if self.sent == 0 {
            // A newer value must not replace one of which a part is on its way.
            self.entries.fix_front();
        }
        let front = self.entries.front();
        let Some((item, payload)) =
            front.and_then(|entry| Some((&entry.head, entry.payload.ready()?)))
        else {
            return Next::Empty;
        };
        Head { kind: PacketKind::Part, ..head }.write(out);
        let total = ITEM_HEAD + payload.len();
        write_part_head(out, total as u64, self.sent as u64);
        if self.sent == 0 {
            out.extend_from_slice(&item.bytes(payload.len()));
            self.sent = ITEM_HEAD;
        }
        let start = self.sent - ITEM_HEAD;
        let end = payload.len().min(start + (self.longest - out.len()));
        out.extend_from_slice(&payload[start..end]);
        self.sent = ITEM_HEAD + end;
        if self.sent == total {
            self.pop();
        }
        self.window.send(charge(out.len()));
        Next::Packet
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::packet::{Assembler, ItemKind, PacketError};
    use super::*;

    const BOUNDS: Bounds = Bounds { entries: 100, bytes: 1 << 20 };

    fn item(call: u64) -> ItemHead {
        ItemHead::new(ItemKind::Call, 0, call)
    }

    fn head() -> Head {
        Head::new(PacketKind::Items, 1)
    }

    /// Sends everything, reporting credit at once; returns call ids and payloads as received.
    fn drain(queue: &mut Outgoing) -> Vec<(u64, Vec<u8>)> {
        let (mut out, mut received, mut assembler) = (Vec::new(), Vec::new(), Assembler::default());
        let mut total = 0;
        loop {
            match queue.next_packet(head(), &mut out, |_| true) {
                Next::Packet => {
                    assert!(out.len() <= queue.longest);
                    let (head, body) = Head::parse(&out, 1).unwrap();
                    let take = |head: ItemHead, payload: super::super::packet::Payload<'_>| {
                        received.push((head.call, payload.bytes().to_vec()));
                        Ok::<(), PacketError>(())
                    };
                    assembler.take(head.kind, body, take).unwrap();
                    total += charge(out.len());
                    queue.report(total).unwrap();
                }
                Next::Empty => return received,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_has_queued_goes_as_one_packet() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        for call in 1..=3 {
            queue.push(item(call), None, Payload::Ready(vec![call as u8]));
        }
        let mut out = Vec::new();
        assert!(matches!(queue.next_packet(head(), &mut out, |_| true), Next::Packet));
        assert!(queue.is_empty());
        assert!(matches!(queue.next_packet(head(), &mut out, |_| true), Next::Empty));
    }

    #[test]
    fn a_keyed_entry_keeps_its_place_and_takes_the_newest_value() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), Some(Key::Property(4)), Payload::Ready(vec![1]));
        queue.push(item(2), None, Payload::Ready(vec![2]));
        queue.push(item(3), Some(Key::Property(4)), Payload::Ready(vec![9]));
        assert_eq!(drain(&mut queue), [(1, vec![9]), (2, vec![2])]);
        queue.push(item(4), Some(Key::Property(4)), Payload::Ready(vec![7]));
        assert_eq!(drain(&mut queue), [(4, vec![7])]);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn an_unwanted_entry_is_skipped_and_the_welcome_goes_first() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), None, Payload::Ready(vec![1]));
        queue.push(item(2), Some(Key::Event(1)), Payload::Ready(vec![2]));
        queue.push_front(item(0), Payload::Ready(vec![0]));
        queue.push(item(5), Some(Key::Event(1)), Payload::Ready(vec![3]));
        let mut out = Vec::new();
        let next = queue.next_packet(head(), &mut out, |head| head.call != 1);
        assert!(matches!(next, Next::Packet));
        let (_, body) = Head::parse(&out, 1).unwrap();
        let mut calls = Vec::new();
        let take = |head: ItemHead, payload: super::super::packet::Payload<'_>| {
            calls.push((head.call, payload.bytes().to_vec()));
            Ok::<(), PacketError>(())
        };
        Assembler::default().take(PacketKind::Items, body, take).unwrap();
        assert_eq!(calls, [(0, vec![0]), (2, vec![3])]);
    }

    #[test]
    fn a_value_that_is_half_sent_is_not_replaced() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), Some(Key::Property(0)), Payload::Ready(vec![1; 100_000]));
        let mut out = Vec::new();
        assert!(matches!(queue.next_packet(head(), &mut out, |_| true), Next::Packet));
        queue.push(item(2), Some(Key::Property(0)), Payload::Ready(vec![2; 10]));
        queue.push(item(3), Some(Key::Property(0)), Payload::Ready(vec![3; 20]));
        let (_, first) = Head::parse(&out, 1).unwrap();
        let mut assembler = Assembler::default();
        let nothing = |_, _: super::super::packet::Payload<'_>| -> Result<(), PacketError> {
            panic!("not whole yet")
        };
        assembler.take(PacketKind::Part, first, nothing).unwrap();
        let mut received = Vec::new();
        queue.window = Window::new(1 << 20);
        while matches!(queue.next_packet(head(), &mut out, |_| true), Next::Packet) {
            let (head, body) = Head::parse(&out, 1).unwrap();
            let take = |head: ItemHead, payload: super::super::packet::Payload<'_>| {
                received.push((head.call, payload.bytes().to_vec()));
                Ok::<(), PacketError>(())
            };
            assembler.take(head.kind, body, take).unwrap();
        }
        assert_eq!(received, [(1, vec![1; 100_000]), (2, vec![3; 20])]);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_forgotten_call_takes_no_room() {
        let mut queue = Outgoing::new(96 << 10, Bounds { entries: 2, bytes: 100 });
        for call in 1..=20 {
            assert!(queue.has_room(60), "{call}");
            queue.push(item(call), None, Payload::Ready(vec![0; 60]));
            queue.forget(call);
            queue.forget(call);
        }
        queue.push(item(21), None, Payload::Ready(vec![7]));
        assert_eq!(drain(&mut queue), [(21, vec![7])]);
        assert_eq!((queue.bytes, queue.forgotten), (0, 0));
    }

    #[test]
    fn a_held_queue_sends_the_welcome_alone_and_what_is_taken_out_is_whole() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), None, Payload::Shared(Arc::new(vec![1])));
        queue.push(item(2), None, Payload::Ready(vec![2]));
        queue.push(item(3), None, Payload::Encoding);
        queue.push_front(ItemHead::new(ItemKind::Welcome, 0, 0), Payload::Ready(vec![0]));
        queue.hold();
        let mut out = Vec::new();
        assert!(matches!(queue.next_packet(head(), &mut out, |_| true), Next::Packet));
        assert!(matches!(queue.next_packet(head(), &mut out, |_| true), Next::Wait));
        queue.forget(2);
        let taken: Vec<_> =
            queue.take().into_iter().map(|(head, payload)| (head.call, payload.bytes())).collect();
        assert_eq!(taken, [(1, 1), (3, 0)]);
        assert_eq!((queue.bytes, queue.forgotten, queue.is_empty()), (0, 0, true));
        queue.push(item(1), None, Payload::Shared(Arc::new(vec![1; 200_000])));
        queue.release();
        assert_eq!(drain(&mut queue), [(1, vec![1; 200_000])]);
    }

    #[test]
    fn an_entry_that_is_being_encoded_keeps_its_place() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), None, Payload::Ready(vec![1]));
        queue.push(item(2), None, Payload::Encoding);
        queue.push(item(3), None, Payload::Ready(vec![3]));
        let mut out = Vec::new();
        assert!(matches!(queue.next_packet(head(), &mut out, |_| true), Next::Packet));
        assert!(matches!(queue.next_packet(head(), &mut out, |_| true), Next::Wait));
        assert!(!queue.encoded(2, Payload::Ready(vec![0; BOUNDS.bytes + 1])), "over the bound");
        assert!(queue.encoded(2, Payload::Ready(vec![2])));
        queue.window = Window::new(96 << 10);
        assert_eq!(drain(&mut queue), [(2, vec![2]), (3, vec![3])]);
    }

    proptest! {
        /// Items of any length arrive whole and in order, through windows of any size.
        #[test]
        fn items_arrive_whole_and_in_order(
            lengths in prop::collection::vec(0usize..200_000, 0..12),
            window in prop_oneof![Just(8u32 << 10), Just(96 << 10), Just(141_994)],
        ) {
            let mut queue = Outgoing::new(window, BOUNDS);
            let sent: Vec<_> = lengths.iter().enumerate().map(|(index, length)| {
                (index as u64, (0..*length).map(|byte| (byte ^ index) as u8).collect::<Vec<_>>())
            }).collect();
            for (call, payload) in &sent {
                queue.push(item(*call), None, Payload::Ready(payload.clone()));
            }
            prop_assert_eq!(drain(&mut queue), sent);
            prop_assert_eq!(queue.bytes, 0);
        }
    }
}
