//! The data that waits to be sent on a lane: a bounded queue ([`QueueBound`]) that knows its
//! credit.
//!
//! Pure: [`Outgoing::next_packet`] decides what to send now; the caller sends it. Queued items go
//! together, as many as fit into a packet. An entry that is still being encoded, or whose turn
//! comes later, keeps its place and holds back those behind it. A value with a key replaces the
//! waiting one of the same key if it [overtakes nothing](crate::wire::packets::keyed); an item too
//! long for a packet is cut into parts. Calls that wait can still be changed or forgotten, and go
//! over to the next run. A held queue sends only the welcome.

use std::sync::Arc;

use crate::limits::{PACKET_BYTES, PACKET_ITEMS};
use crate::wire::packets::credit::{FalseReport, Window, charge, longest_packet};
use crate::wire::packets::keyed::{Key, KeyedQueue, Put, Room};
use crate::wire::packets::kinds::{ItemKind, PacketKind};
use crate::wire::packets::packet::{Head, ITEM_HEAD, ItemHead, write_part_head};

/// A payload that is ready, or one that is still being encoded.
#[derive(Debug)]
pub(crate) enum QueuedPayload {
    Ready(Vec<u8>),
    /// Ready, and kept by an owner that may send it again.
    Shared(Arc<Vec<u8>>),
    Encoding,
}

impl QueuedPayload {
    /// Returns the bytes, or `None` while they are not known.
    pub(crate) fn ready(&self) -> Option<&[u8]> {
        match self {
            Self::Ready(bytes) => Some(bytes),
            Self::Shared(bytes) => Some(bytes),
            Self::Encoding => None,
        }
    }

    /// Returns the number of bytes that count towards the bound; an unknown payload counts once it
    /// is known.
    fn bytes(&self) -> usize {
        self.ready().map_or(0, <[u8]>::len)
    }
}

#[derive(Debug)]
struct Entry {
    head: ItemHead,
    payload: QueuedPayload,
}

impl Entry {
    /// Calls are queued by ascending numbers.
    fn call(&self) -> u64 {
        self.head.call
    }
}

/// When an entry that has reached the front is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SendTurn {
    Now,
    /// Not yet, and nothing behind it either.
    Later,
    /// It need not be sent any more, for example a cancelled call.
    Never,
}

/// What the caller does next.
#[derive(Debug)]
pub(crate) enum NextPacket {
    /// Send the contents of the buffer.
    Packet,
    /// Nothing waits.
    Empty,
    /// An entry waits for credit, or to be encoded.
    Wait,
}

/// How much a queue may hold; whichever limit is reached first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueBound {
    /// The number of commands or signals.
    pub entries: usize,
    /// The number of encoded bytes.
    pub bytes: usize,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Outgoing {
    entries: KeyedQueue<Entry>,
    bytes: usize,
    bounds: QueueBound,
    window: Window,
    longest: usize,
    /// How much of the entry at the front has been sent in parts.
    sent: usize,
    /// Only a welcome is sent.
    held: bool,
}

/// Returns the length of the longest packet that such a lane carries.
fn longest(window: u32) -> usize {
    longest_packet(window).min(PACKET_BYTES.get())
}

impl Outgoing {
    pub(crate) fn new(window: u32, bounds: QueueBound) -> Self {
        Self {
            entries: KeyedQueue::default(),
            bytes: 0,
            bounds,
            window: Window::new(window),
            longest: longest(window),
            sent: 0,
            held: false,
        }
    }

    /// Begins the next run: a fresh lane, with the queued entries.
    pub(crate) fn reset_lane(&mut self, window: u32) {
        self.window = Window::new(window);
        self.longest = longest(window);
        self.sent = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns whether an entry of `length` bytes may still be queued.
    pub(crate) fn has_room(&self, length: usize) -> bool {
        self.entries.len() < self.bounds.entries && self.bytes + length <= self.bounds.bytes
    }

    /// Returns whether there is room for an entry of `length` bytes once these waiting calls are
    /// [forgotten](Self::forget).
    pub(crate) fn has_room_instead_of(&mut self, calls: &[u64], length: usize) -> bool {
        let (mut entries, mut bytes) = (0, 0);
        for call in calls {
            if let Some(entry) = self.entries.ranked(*call, Entry::call) {
                entries += 1;
                bytes += entry.payload.bytes();
            }
        }
        self.entries.len() - entries < self.bounds.entries
            && self.bytes - bytes + length <= self.bounds.bytes
    }

    /// Queues an entry regardless of the bounds: see [`Outgoing::has_room`]. One with a key that
    /// finds no room takes the place of the waiting entry with its key.
    pub(crate) fn push(&mut self, head: ItemHead, key: Option<Key>, payload: QueuedPayload) {
        let length = payload.bytes();
        let room = if self.has_room(length) { Room::Left } else { Room::Full };
        self.bytes += length;
        let entry = Entry { head, payload };
        match key {
            None => self.entries.push(entry),
            Some(key) => {
                if let Put::Replaced(older) = self.entries.put(key, room, |_| {}, || Some(entry)) {
                    self.bytes -= older.payload.bytes();
                }
            }
        }
    }

    /// Queues an entry before all others.
    pub(crate) fn push_front(&mut self, head: ItemHead, payload: QueuedPayload) {
        debug_assert!(self.sent == 0, "nothing may come between two parts");
        self.bytes += payload.bytes();
        self.entries.push_front(Entry { head, payload });
    }

    /// Sends only a welcome until [`release`](Self::release).
    pub(crate) fn hold(&mut self) {
        self.held = true;
    }

    pub(crate) fn release(&mut self) {
        self.held = false;
    }

    /// Records the receiver's newest credit total.
    pub(crate) fn report(&mut self, total: u64) -> Result<(), FalseReport> {
        self.window.report(total)
    }

    /// Sets the payload of a call that was queued as [`QueuedPayload::Encoding`], regardless of the
    /// bounds.
    pub(crate) fn encoded(&mut self, call: u64, payload: QueuedPayload) {
        // A call that is no longer queued has ended meanwhile.
        if let Some(entry) = self.entries.ranked(call, Entry::call) {
            self.bytes += payload.bytes();
            entry.payload = payload;
        }
    }

    fn pop(&mut self) {
        if let Some(entry) = self.entries.pop() {
            self.bytes -= entry.payload.bytes();
            self.sent = 0;
        }
    }

    /// Forgets everything that waits.
    pub(crate) fn clear(&mut self) {
        self.take();
    }

    /// Takes out, in order, everything that has not been sent completely.
    pub(crate) fn take(&mut self) -> Vec<(ItemHead, QueuedPayload)> {
        let mut entries = std::mem::take(&mut self.entries);
        self.bytes = 0;
        self.sent = 0;
        let entries = std::iter::from_fn(|| entries.pop());
        entries.map(|entry| (entry.head, entry.payload)).collect()
    }

    /// Drops a call that [waits](Self::waits) and need not be sent: its room is free immediately.
    pub(crate) fn forget(&mut self, call: u64) {
        if let Some(entry) = self.entries.take_ranked(call, Entry::call) {
            self.bytes -= entry.payload.bytes();
        }
    }

    /// Returns whether a value with this key needs no room, because it can take the place of a
    /// waiting one.
    pub(crate) fn has_waiting(&self, key: Key) -> bool {
        self.entries.has_waiting(key)
    }

    /// Gives a call that [waits](Self::waits) another deadline. Returns `false` if it does not
    /// wait.
    pub(crate) fn set_deadline(&mut self, call: u64, milliseconds: u32) -> bool {
        if !self.waits(call) {
            return false;
        }
        if let Some(entry) = self.entries.ranked(call, Entry::call) {
            entry.head.deadline = milliseconds;
        }
        true
    }

    /// Returns whether nothing of this call has been sent yet. Calls are queued by ascending
    /// numbers.
    pub(crate) fn waits(&self, call: u64) -> bool {
        self.entries.front().is_some_and(|front| {
            front.head.call < call || (front.head.call == call && self.sent == 0)
        })
    }

    /// Fills `out` with the next packet, if one may be sent.
    ///
    /// `head` is the packet's head apart from its kind; `turn` decides when an entry is sent.
    pub(crate) fn next_packet(
        &mut self,
        head: Head,
        out: &mut Vec<u8>,
        mut turn: impl FnMut(&ItemHead) -> SendTurn,
    ) -> NextPacket {
        out.clear();
        let room = self.longest - crate::wire::packets::packet::HEAD;
        let mut items = 0;
        // One packet takes as many items as fit; an item that fits no packet goes alone, in parts.
        while let Some(entry) = self.entries.front_mut() {
            // An item of which a part was sent must be finished: the receiver waits for the rest.
            let turn = if self.sent == 0 { turn(&entry.head) } else { SendTurn::Now };
            if turn == SendTurn::Never {
                self.pop();
                continue;
            }
            if turn == SendTurn::Later || (self.held && entry.head.kind != ItemKind::Welcome) {
                match out.is_empty() {
                    true => return NextPacket::Wait,
                    // What has been collected goes out now instead of waiting for this item.
                    false => break,
                }
            }
            let payload = match entry.payload.ready() {
                Some(payload) => payload,
                None if out.is_empty() => return NextPacket::Wait,
                None => break,
            };
            if ITEM_HEAD + payload.len() > room {
                if !out.is_empty() {
                    break;
                }
                return self.next_part(head, out);
            }
            let filled = out.len().saturating_sub(crate::wire::packets::packet::HEAD);
            if filled + ITEM_HEAD + payload.len() > room || items >= PACKET_ITEMS.get() {
                break;
            }
            let length =
                out.len().max(crate::wire::packets::packet::HEAD) + ITEM_HEAD + payload.len();
            if !self.window.fits(charge(length)) {
                if out.is_empty() {
                    return NextPacket::Wait;
                }
                break;
            }
            if out.is_empty() {
                Head { kind: PacketKind::Items, ..head }.write(out);
            }
            out.extend_from_slice(&entry.head.bytes(payload.len()));
            out.extend_from_slice(payload);
            items += 1;
            self.pop();
        }
        if out.is_empty() {
            return NextPacket::Empty;
        }
        self.window.send(charge(out.len()));
        NextPacket::Packet
    }

    /// Fills `out` with the next part of an item that does not fit one packet.
    fn next_part(&mut self, head: Head, out: &mut Vec<u8>) -> NextPacket {
        if !self.window.fits(charge(self.longest)) {
            return NextPacket::Wait;
        }
        if self.sent == 0 {
            // A newer value must not replace one that has already been sent in part.
            self.entries.fix_front();
        }
        let front = self.entries.front();
        let Some((item, payload)) =
            front.and_then(|entry| Some((&entry.head, entry.payload.ready()?)))
        else {
            return NextPacket::Empty;
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
        NextPacket::Packet
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::packets::kinds::ItemKind;
    use crate::wire::packets::kinds::Lane;
    use crate::wire::packets::packet::{Assembler, PacketError};

    const BOUNDS: QueueBound = QueueBound { entries: 100, bytes: 1 << 20 };

    fn item(call: u64) -> ItemHead {
        ItemHead::new(ItemKind::Call, 0, call)
    }

    fn head() -> Head {
        Head::new(PacketKind::Items, 1)
    }

    /// Sends everything, reporting credit immediately; returns call ids and payloads as received.
    fn drain(queue: &mut Outgoing) -> Vec<(u64, Vec<u8>)> {
        let (mut out, mut received, mut assembler) = (Vec::new(), Vec::new(), Assembler::default());
        let mut total = 0;
        loop {
            match queue.next_packet(head(), &mut out, |_| SendTurn::Now) {
                NextPacket::Packet => {
                    assert!(out.len() <= queue.longest);
                    let (head, body) = Head::parse(&out, 1, Lane::Requests).unwrap();
                    let take =
                        |head: ItemHead, payload: crate::wire::packets::packet::ReceivedPayload<'_>| {
                            received.push((head.call, payload.bytes().to_vec()));
                            Ok::<(), PacketError>(())
                        };
                    assembler.take(head.kind, body, take).unwrap();
                    total += charge(out.len());
                    queue.report(total).unwrap();
                }
                NextPacket::Empty => return received,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_has_queued_goes_as_one_packet() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        for call in 1..=3 {
            queue.push(item(call), None, QueuedPayload::Ready(vec![call as u8]));
        }
        let mut out = Vec::new();
        assert!(matches!(
            queue.next_packet(head(), &mut out, |_| SendTurn::Now),
            NextPacket::Packet
        ));
        assert!(queue.is_empty());
        assert!(matches!(
            queue.next_packet(head(), &mut out, |_| SendTurn::Now),
            NextPacket::Empty
        ));
    }

    #[test]
    fn a_value_replaces_its_predecessor_but_does_not_overtake() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), Some(Key::Property(4)), QueuedPayload::Ready(vec![1; 10]));
        queue.push(item(2), Some(Key::Property(4)), QueuedPayload::Ready(vec![2]));
        queue.push(item(3), None, QueuedPayload::Ready(vec![3]));
        queue.push(item(4), Some(Key::Property(4)), QueuedPayload::Ready(vec![4; 20]));
        queue.push(item(5), Some(Key::Property(4)), QueuedPayload::Ready(vec![5]));
        assert_eq!(queue.bytes, 3);
        assert_eq!(drain(&mut queue), [(2, vec![2]), (3, vec![3]), (5, vec![5])]);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_value_without_room_takes_that_of_its_predecessor() {
        let bounds =
            [QueueBound { entries: 2, bytes: 100 }, QueueBound { entries: 100, bytes: 20 }];
        for bounds in bounds {
            let mut queue = Outgoing::new(96 << 10, bounds);
            queue.push(item(1), Some(Key::Property(4)), QueuedPayload::Ready(vec![1; 10]));
            queue.push(item(2), None, QueuedPayload::Ready(vec![2; 10]));
            assert!(!queue.has_room(1) && queue.has_waiting(Key::Property(4)));
            queue.push(item(3), Some(Key::Property(4)), QueuedPayload::Ready(vec![3; 10]));
            assert_eq!((queue.entries.len(), queue.bytes), (2, 20));
            assert_eq!(drain(&mut queue), [(2, vec![2; 10]), (3, vec![3; 10])]);
        }
    }

    #[test]
    fn room_is_found_in_the_place_of_other_calls() {
        let mut queue = Outgoing::new(96 << 10, QueueBound { entries: 3, bytes: 100 });
        for call in 1..=3 {
            queue.push(item(call), None, QueuedPayload::Ready(vec![0; 30]));
        }
        assert!(!queue.has_room_instead_of(&[], 1));
        assert!(queue.has_room_instead_of(&[2], 40));
        assert!(!queue.has_room_instead_of(&[2], 41));
        assert!(queue.has_room_instead_of(&[1, 3, 7], 70));
    }

    #[test]
    fn an_unwanted_entry_is_skipped_and_the_welcome_goes_first() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), None, QueuedPayload::Ready(vec![1]));
        queue.push(item(2), Some(Key::Event(1)), QueuedPayload::Ready(vec![2]));
        queue.push_front(item(0), QueuedPayload::Ready(vec![0]));
        queue.push(item(5), Some(Key::Event(1)), QueuedPayload::Ready(vec![3; 3]));
        let mut out = Vec::new();
        let next = queue.next_packet(head(), &mut out, |head| match head.call {
            1 => SendTurn::Never,
            _ => SendTurn::Now,
        });
        assert!(matches!(next, NextPacket::Packet));
        let (_, body) = Head::parse(&out, 1, Lane::Requests).unwrap();
        let mut calls = Vec::new();
        let take = |head: ItemHead, payload: crate::wire::packets::packet::ReceivedPayload<'_>| {
            calls.push((head.call, payload.bytes().to_vec()));
            Ok::<(), PacketError>(())
        };
        Assembler::default().take(PacketKind::Items, body, take).unwrap();
        assert_eq!(calls, [(0, vec![0]), (5, vec![3; 3])]);
    }

    #[test]
    fn nothing_overtakes_an_entry_whose_turn_is_later() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        for call in 1..=3 {
            queue.push(item(call), None, QueuedPayload::Ready(vec![call as u8]));
        }
        let mut out = Vec::new();
        let second_later = |head: &ItemHead| match head.call {
            2 => SendTurn::Later,
            _ => SendTurn::Now,
        };
        assert!(matches!(queue.next_packet(head(), &mut out, second_later), NextPacket::Packet));
        assert!(matches!(queue.next_packet(head(), &mut out, second_later), NextPacket::Wait));
        queue.window = Window::new(96 << 10);
        assert_eq!(drain(&mut queue), [(2, vec![2]), (3, vec![3])]);
    }

    #[test]
    fn a_value_that_is_half_sent_is_not_replaced() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), Some(Key::Property(0)), QueuedPayload::Ready(vec![1; 100_000]));
        let mut out = Vec::new();
        assert!(matches!(
            queue.next_packet(head(), &mut out, |_| SendTurn::Now),
            NextPacket::Packet
        ));
        queue.push(item(2), Some(Key::Property(0)), QueuedPayload::Ready(vec![2; 10]));
        queue.push(item(3), Some(Key::Property(0)), QueuedPayload::Ready(vec![3; 20]));
        let (_, first) = Head::parse(&out, 1, Lane::Requests).unwrap();
        let mut assembler = Assembler::default();
        let nothing = |_,
                       _: crate::wire::packets::packet::ReceivedPayload<'_>|
         -> Result<(), PacketError> { panic!("not whole yet") };
        assembler.take(PacketKind::Part, first, nothing).unwrap();
        let mut received = Vec::new();
        queue.window = Window::new(1 << 20);
        while matches!(queue.next_packet(head(), &mut out, |_| SendTurn::Now), NextPacket::Packet) {
            let (head, body) = Head::parse(&out, 1, Lane::Requests).unwrap();
            let take =
                |head: ItemHead, payload: crate::wire::packets::packet::ReceivedPayload<'_>| {
                    received.push((head.call, payload.bytes().to_vec()));
                    Ok::<(), PacketError>(())
                };
            assembler.take(head.kind, body, take).unwrap();
        }
        assert_eq!(received, [(1, vec![1; 100_000]), (3, vec![3; 20])]);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_forgotten_call_takes_no_room() {
        let mut queue = Outgoing::new(96 << 10, QueueBound { entries: 2, bytes: 100 });
        for call in 1..=20 {
            assert!(queue.has_room(60), "{call}");
            queue.push(item(call), None, QueuedPayload::Ready(vec![0; 60]));
            queue.forget(call);
            queue.forget(call);
        }
        queue.push(item(21), None, QueuedPayload::Ready(vec![7]));
        assert_eq!(drain(&mut queue), [(21, vec![7])]);
        assert_eq!(queue.bytes, 0);
    }

    #[test]
    fn a_held_queue_sends_only_the_welcome_and_taken_items_whole() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), None, QueuedPayload::Shared(Arc::new(vec![1])));
        queue.push(item(2), None, QueuedPayload::Ready(vec![2]));
        queue.push(item(3), None, QueuedPayload::Encoding);
        queue.push_front(ItemHead::new(ItemKind::Welcome, 0, 0), QueuedPayload::Ready(vec![0]));
        queue.hold();
        let mut out = Vec::new();
        assert!(matches!(
            queue.next_packet(head(), &mut out, |_| SendTurn::Now),
            NextPacket::Packet
        ));
        assert!(matches!(queue.next_packet(head(), &mut out, |_| SendTurn::Now), NextPacket::Wait));
        queue.forget(2);
        let taken: Vec<_> =
            queue.take().into_iter().map(|(head, payload)| (head.call, payload.bytes())).collect();
        assert_eq!(taken, [(1, 1), (3, 0)]);
        assert_eq!((queue.bytes, queue.is_empty()), (0, true));
        queue.push(item(1), None, QueuedPayload::Shared(Arc::new(vec![1; 200_000])));
        queue.release();
        assert_eq!(drain(&mut queue), [(1, vec![1; 200_000])]);
    }

    #[test]
    fn an_entry_that_is_being_encoded_keeps_its_place() {
        let mut queue = Outgoing::new(96 << 10, BOUNDS);
        queue.push(item(1), None, QueuedPayload::Ready(vec![1]));
        queue.push(item(2), None, QueuedPayload::Encoding);
        queue.push(item(3), None, QueuedPayload::Ready(vec![3]));
        let mut out = Vec::new();
        assert!(matches!(
            queue.next_packet(head(), &mut out, |_| SendTurn::Now),
            NextPacket::Packet
        ));
        assert!(matches!(queue.next_packet(head(), &mut out, |_| SendTurn::Now), NextPacket::Wait));
        assert!(!queue.has_room_instead_of(&[2], BOUNDS.bytes + 1), "over the bound");
        queue.encoded(2, QueuedPayload::Ready(vec![2]));
        queue.window = Window::new(96 << 10);
        assert_eq!(drain(&mut queue), [(2, vec![2]), (3, vec![3])]);
    }

    #[derive(Debug, Clone, Copy)]
    enum Step {
        /// Queues an item of this length, if there is room.
        Queue(Option<Key>, usize),
        Send,
        /// Everything that was sent has been read.
        Report,
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = prop_oneof![
            2 => Just(None),
            6 => (0..3u16).prop_map(|index| Some(Key::Property(index))),
        ];
        let length = prop_oneof![8 => 0usize..200, 1 => 9_000usize..20_000];
        prop_oneof![
            8 => (key, length).prop_map(|(key, length)| Step::Queue(key, length)),
            2 => Just(Step::Send),
            1 => Just(Step::Report),
        ]
    }

    proptest! {
        /// Whatever is queued, with or without credit: values arrive in the order sent and within
        /// the bounds; only values of which a newer one arrives are missing, and a value whose key
        /// already waits never has to wait for room.
        #[test]
        fn values_arrive_in_the_order_sent(steps in prop::collection::vec(step(), 0..100)) {
            const LARGEST: usize = 20_000;
            let bounds = QueueBound { entries: 12, bytes: 40_000 };
            let mut queue = Outgoing::new(8 << 10, bounds);
            let (mut sent, mut received) = (Vec::new(), Vec::new());
            let (mut out, mut assembler, mut total) = (Vec::new(), Assembler::default(), 0);
            for step in steps.into_iter().chain([Step::Report, Step::Send].repeat(200)) {
                match step {
                    Step::Queue(key, length) => {
                        let waits = key.is_some_and(|key| queue.has_waiting(key));
                        if waits || queue.has_room(length) {
                            let call = sent.len() as u64;
                            let payload = QueuedPayload::Ready(vec![call as u8; length]);
                            queue.push(item(call), key, payload);
                            sent.push((key, length));
                        }
                    }
                    Step::Send => {
                        let next = queue.next_packet(head(), &mut out, |_| SendTurn::Now);
                        if matches!(next, NextPacket::Packet) {
                            let (head, body) = Head::parse(&out, 1, Lane::Requests).unwrap();
                            let take = |head: ItemHead, payload: crate::wire::packets::packet::ReceivedPayload<'_>| {
                                received.push((head.call as usize, payload.bytes().to_vec()));
                                Ok::<(), PacketError>(())
                            };
                            assembler.take(head.kind, body, take).unwrap();
                            total += charge(out.len());
                        }
                    }
                    Step::Report => queue.report(total).unwrap(),
                }
                prop_assert!(queue.entries.len() <= bounds.entries);
                prop_assert!(queue.bytes <= bounds.bytes + 3 * LARGEST, "one per key");
            }
            prop_assert!(queue.is_empty() && queue.bytes == 0);
            prop_assert!(received.is_sorted_by(|one, next| one.0 < next.0));
            for (call, payload) in &received {
                prop_assert_eq!(payload, &vec![*call as u8; sent[*call].1]);
            }
            for (call, (key, _)) in sent.iter().enumerate() {
                let arrives = received.iter().any(|(other, _)| *other == call);
                let newer = sent[call + 1..].iter().any(|(other, _)| other == key);
                prop_assert!(arrives || (key.is_some() && newer), "{call} is lost");
            }
        }

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
                queue.push(item(*call), None, QueuedPayload::Ready(payload.clone()));
            }
            prop_assert_eq!(drain(&mut queue), sent);
            prop_assert_eq!(queue.bytes, 0);
        }
    }
}
