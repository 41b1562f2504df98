//! The layout of packets on a lane.
//!
//! A packet is a [`Head`] and a body, little endian, and never longer than ipc-channel sends in one
//! piece. The body of an `Items` packet is a sequence of items, each an [`ItemHead`] and its
//! payload. An item that does not fit one packet is cut into `Part` packets, which follow each
//! other on their lane without another item between them; an [`Assembler`] joins them. [`PROTOCOL`]
//! is the version of this layout.
//!
//! Everything that arrives is untrusted: parsing returns a [`PacketError`], and allocates only for
//! bytes that have actually arrived.

use crate::limits;
use crate::wire::packets::kinds::{ItemKind, Lane, PacketKind};

/// Version of this layout; the handshake refuses any other.
pub(crate) const PROTOCOL: u32 = 5;

/// Size of a [`Head`] in bytes.
pub(crate) const HEAD: usize = 22;

/// Size of an [`ItemHead`] in bytes.
pub(crate) const ITEM_HEAD: usize = 28;

/// Bytes before the data of a `Part` packet: the item's length and the offset of this part.
const PART_HEAD: usize = 16;

// The length of an item is stored in 32 bits.
const _: () = assert!(limits::VALUE_BYTES + ITEM_HEAD <= u32::MAX as usize);

/// The start of every packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: PacketKind,
    /// The run that the packet belongs to.
    pub(crate) generation: u32,
    /// Total charge consumed on the lane in the opposite direction: of the requests lane (on the
    /// events lane), or of the events lane (on the two other lanes).
    pub(crate) consumed: u64,
    /// On the events lane: the same for the control lane.
    pub(crate) consumed_control: u64,
}

/// The start of every item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ItemHead {
    pub(crate) kind: ItemKind,
    /// For a call or its outcome: [`CallFlags`].
    pub(crate) flags: CallFlags,
    /// Index of the command, property or event.
    pub(crate) method: u16,
    /// The call that the item belongs to, or 0.
    pub(crate) call: u64,
    /// How many events, property changes and signals the sender had sent before. No receiver uses it
    /// yet: a reply that overtakes them on a separate lane would have to wait for them.
    pub(crate) events_before: u64,
    /// For a call: how many milliseconds it may run, counted from its start, or 0.
    pub(crate) deadline: u32,
}

/// Properties of a call, apart from its arguments, or of its result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CallFlags(u8);

impl CallFlags {
    /// Once the command runs, a cancellation does not reach it.
    pub(crate) const OUTLIVES_CANCEL: Self = Self(1);
    /// A missed deadline is reported, but does not end the command.
    pub(crate) const OUTLIVES_DEADLINE: Self = Self(2);
    /// For an outcome: the command was not begun.
    pub(crate) const NOT_BEGUN: Self = Self(4);

    pub(crate) fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub(crate) fn with(self, flag: Self) -> Self {
        Self(self.0 | flag.0)
    }
}

impl ItemHead {
    pub(crate) fn new(kind: ItemKind, method: u16, call: u64) -> Self {
        let flags = CallFlags::default();
        Self { kind, flags, method, call, events_before: 0, deadline: 0 }
    }
}

/// Why a packet is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    /// Shorter than its own header, or than a length in it requires.
    #[error("a packet of {length} bytes ends before its {part} does")]
    Truncated {
        /// The packet's length.
        length: usize,
        /// The part that is cut.
        part: &'static str,
    },
    /// A different layout version.
    #[error("a packet of version {0}, {PROTOCOL} was expected")]
    Version(u8),
    /// An undefined number.
    #[error("unknown {1} kind {0}")]
    Kind(u8, &'static str),
    /// A different run of the child.
    #[error("a packet of generation {0} in generation {1}")]
    Generation(u32, u32),
    /// A part that does not continue the previous one.
    #[error("part at {offset} of an item of {total} bytes, {expected} was expected")]
    Part {
        /// Where the part starts.
        offset: u64,
        /// The item's length.
        total: u64,
        /// The offset that would have continued the item.
        expected: u64,
    },
    /// A value over the bound.
    #[error("an item of {0} bytes, {max} are allowed", max = limits::VALUE_BYTES)]
    TooLarge(u64),
    /// Not enough memory for the part of an item that has arrived.
    #[error("there is no memory for an item of {0} bytes")]
    Memory(u64),
    /// A packet that does not belong on its lane.
    #[error("a packet of kind {0:?} does not belong on the lane {1:?}")]
    OtherLane(PacketKind, Lane),
    /// An item where none may be.
    #[error("{0} does not belong on this lane")]
    Misplaced(&'static str),
    /// An item of another lane, or of another phase of the run.
    #[error("an item of kind {0:?} out of its order")]
    OutOfOrder(ItemKind),
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

impl Head {
    pub(crate) fn new(kind: PacketKind, generation: u32) -> Self {
        Self { kind, generation, consumed: 0, consumed_control: 0 }
    }

    /// Returns a packet that consists of only a head.
    pub(crate) fn packet(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD);
        self.write(&mut out);
        out
    }

    /// Appends the head to an empty buffer.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.push(PROTOCOL as u8);
        out.push(self.kind.number());
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.consumed.to_le_bytes());
        out.extend_from_slice(&self.consumed_control.to_le_bytes());
    }

    /// Parses a packet of this run and lane into its head and body.
    pub(crate) fn parse(
        packet: &[u8],
        generation: u32,
        lane: Lane,
    ) -> Result<(Self, &[u8]), PacketError> {
        if packet.len() < HEAD {
            return Err(PacketError::Truncated { length: packet.len(), part: "head" });
        }
        if u32::from(packet[0]) != PROTOCOL {
            return Err(PacketError::Version(packet[0]));
        }
        let kind = PacketKind::from_number(packet[1]);
        let head = Self {
            kind: kind.ok_or(PacketError::Kind(packet[1], "packet"))?,
            generation: u32::from_le_bytes(array(packet, 2)),
            consumed: u64::from_le_bytes(array(packet, 6)),
            consumed_control: u64::from_le_bytes(array(packet, 14)),
        };
        if head.generation != generation {
            return Err(PacketError::Generation(head.generation, generation));
        }
        if !head.kind.lanes().contains(&lane) {
            return Err(PacketError::OtherLane(head.kind, lane));
        }
        Ok((head, &packet[HEAD..]))
    }
}

impl ItemHead {
    /// Encodes the head of an item with a payload of `length` bytes.
    pub(crate) fn bytes(self, length: usize) -> [u8; ITEM_HEAD] {
        let mut out = [0; ITEM_HEAD];
        out[0] = self.kind.number();
        out[1] = self.flags.0;
        out[2..4].copy_from_slice(&self.method.to_le_bytes());
        out[4..8].copy_from_slice(&(length as u32).to_le_bytes());
        out[8..16].copy_from_slice(&self.call.to_le_bytes());
        out[16..24].copy_from_slice(&self.events_before.to_le_bytes());
        out[24..28].copy_from_slice(&self.deadline.to_le_bytes());
        out
    }

    /// Splits `body` into the head of its first item, that item's payload, and the rest of the
    /// body.
    fn split(body: &[u8]) -> Result<(Self, &[u8], &[u8]), PacketError> {
        let truncated = |part| PacketError::Truncated { length: body.len(), part };
        if body.len() < ITEM_HEAD {
            return Err(truncated("item head"));
        }
        let head = Self {
            kind: ItemKind::from_number(body[0]).ok_or(PacketError::Kind(body[0], "item"))?,
            flags: CallFlags(body[1]),
            method: u16::from_le_bytes(array(body, 2)),
            call: u64::from_le_bytes(array(body, 8)),
            events_before: u64::from_le_bytes(array(body, 16)),
            deadline: u32::from_le_bytes(array(body, 24)),
        };
        let length = u32::from_le_bytes(array(body, 4)) as usize;
        let rest = &body[ITEM_HEAD..];
        if rest.len() < length {
            return Err(truncated("item"));
        }
        let (payload, rest) = rest.split_at(length);
        Ok((head, payload, rest))
    }
}

/// Writes the start of a `Part` packet's body.
pub(crate) fn write_part_head(out: &mut Vec<u8>, total: u64, offset: u64) {
    out.extend_from_slice(&total.to_le_bytes());
    out.extend_from_slice(&offset.to_le_bytes());
}

/// Reassembles the items of a lane.
///
/// Parts of different items do not mix, so at most one item is half received. It takes up no more
/// memory than its first part announced, and every part carries some of its data, so no item goes
/// on for ever.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    parts: Vec<u8>,
    total: u64,
}

impl Assembler {
    /// Calls `each` for every item that the packet completes, in order.
    pub(crate) fn take<E: From<PacketError>>(
        &mut self,
        kind: PacketKind,
        body: &[u8],
        mut each: impl FnMut(ItemHead, ReceivedPayload<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if kind == PacketKind::Part {
            if self.add_part(body)? {
                let whole = std::mem::take(&mut self.parts);
                self.total = 0;
                let (head, _, rest) = ItemHead::split(&whole)?;
                if !rest.is_empty() {
                    return Err(PacketError::Misplaced("a second item in parts").into());
                }
                each(head, ReceivedPayload::Whole(whole))?;
            }
            return Ok(());
        }
        if self.total != 0 {
            return Err(PacketError::Misplaced("an item between two parts").into());
        }
        let mut rest = body;
        while !rest.is_empty() {
            let (head, payload, next) = ItemHead::split(rest)?;
            each(head, ReceivedPayload::Borrowed(payload))?;
            rest = next;
        }
        Ok(())
    }

    /// Returns the part of an incomplete item's payload that has arrived.
    pub(crate) fn begun(&self) -> &[u8] {
        self.parts.get(ITEM_HEAD..).unwrap_or_default()
    }

    /// Adds a part. Returns whether it was the last one.
    fn add_part(&mut self, body: &[u8]) -> Result<bool, PacketError> {
        if body.len() <= PART_HEAD {
            return Err(PacketError::Truncated { length: body.len(), part: "part" });
        }
        let total = u64::from_le_bytes(array(body, 0));
        let offset = u64::from_le_bytes(array(body, 8));
        let data = &body[PART_HEAD..];
        if total > (limits::VALUE_BYTES + ITEM_HEAD) as u64 {
            return Err(PacketError::TooLarge(total));
        }
        if total < ITEM_HEAD as u64 {
            return Err(PacketError::Truncated { length: body.len(), part: "item head" });
        }
        let expected = self.parts.len() as u64;
        let continues = self.total == 0 || total == self.total;
        if !continues || offset != expected || data.len() as u64 > total - offset {
            return Err(PacketError::Part { offset, total, expected });
        }
        self.total = total;
        // Grows with the data that has arrived, not with the announced length, and never beyond
        // that length.
        let length = self.parts.len() + data.len();
        if length > self.parts.capacity() {
            let room = (2 * length).min(total as usize);
            let more = room - self.parts.len();
            self.parts.try_reserve_exact(more).map_err(|_| PacketError::Memory(total))?;
        }
        self.parts.extend_from_slice(data);
        Ok(self.parts.len() as u64 == total)
    }
}

/// The payload of an item, borrowed from its packet or, if it came in parts, owned.
#[derive(Debug)]
pub(crate) enum ReceivedPayload<'a> {
    Borrowed(&'a [u8]),
    /// The item with its head.
    Whole(Vec<u8>),
}

impl ReceivedPayload<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            Self::Whole(item) => &item[ITEM_HEAD..],
        }
    }

    /// Converts the payload into owned bytes: small ones are copied, large ones are moved.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Borrowed(bytes) => Bytes { item: bytes.to_vec(), start: 0 },
            Self::Whole(item) => Bytes { item, start: ITEM_HEAD },
        }
    }
}

/// Owned bytes, possibly preceded by the head of the item they came in.
#[derive(Debug, Default)]
pub(crate) struct Bytes {
    item: Vec<u8>,
    start: usize,
}

impl Bytes {
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.item[self.start..]
    }

    pub(crate) fn len(&self) -> usize {
        self.item.len() - self.start
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(kind: PacketKind, bodies: &[&[u8]]) -> Result<Vec<(u64, Vec<u8>)>, PacketError> {
        let mut assembler = Assembler::default();
        let mut out = Vec::new();
        for body in bodies {
            assembler.take(kind, body, |head, payload| {
                out.push((head.call, payload.into_bytes().as_slice().to_vec()));
                Ok::<(), PacketError>(())
            })?;
        }
        Ok(out)
    }

    #[test]
    fn head_and_items_survive_the_way() {
        let head =
            Head { kind: PacketKind::Items, generation: 7, consumed: 8, consumed_control: 9 };
        let mut packet = head.packet();
        let item = ItemHead {
            kind: ItemKind::Returned,
            flags: CallFlags::OUTLIVES_DEADLINE,
            method: 3,
            call: 11,
            events_before: 5,
            deadline: 100,
        };
        packet.extend_from_slice(&item.bytes(2));
        packet.extend_from_slice(b"ok");
        let (parsed, body) = Head::parse(&packet, 7, Lane::Events).unwrap();
        assert_eq!(parsed, head);
        let (parsed, payload, rest) = ItemHead::split(body).unwrap();
        assert_eq!((parsed, payload, rest), (item, &b"ok"[..], &b""[..]));
        assert_eq!(Head::parse(&packet, 8, Lane::Events), Err(PacketError::Generation(7, 8)));
        let elsewhere = PacketError::OtherLane(PacketKind::Items, Lane::Control);
        assert_eq!(Head::parse(&packet, 7, Lane::Control), Err(elsewhere));
    }

    #[test]
    fn parts_that_lie_are_refused() {
        let part = |total: u64, offset: u64, data: &[u8]| {
            let mut body = Vec::new();
            write_part_head(&mut body, total, offset);
            body.extend_from_slice(data);
            body
        };
        let refused = |bodies: &[&[u8]]| items(PacketKind::Part, bodies).unwrap_err();
        let huge = part(u64::MAX, 0, b"x");
        assert_eq!(refused(&[&huge]), PacketError::TooLarge(u64::MAX));
        let gap = part(100, 5, b"x");
        assert!(matches!(refused(&[&gap]), PacketError::Part { expected: 0, .. }));
        let (first, grown) = (part(100, 0, b"x"), part(200, 1, b"y"));
        assert!(matches!(refused(&[&first, &grown]), PacketError::Part { .. }));
        let over = part(33, 0, &[0; 34]);
        assert!(matches!(refused(&[&over]), PacketError::Part { .. }));
        let small = part(ITEM_HEAD as u64 - 1, 0, b"x");
        assert!(matches!(refused(&[&small]), PacketError::Truncated { .. }));
        let empty = part(100, 0, b"");
        assert!(matches!(refused(&[&empty]), PacketError::Truncated { .. }));
        assert!(matches!(refused(&[&first, &part(100, 1, b"")]), PacketError::Truncated { .. }));
        assert!(matches!(refused(&[&first, &first]), PacketError::Part { expected: 1, .. }));
        // More data behind the item than the item's length says.
        let mut body = ItemHead::new(ItemKind::Event, 0, 0).bytes(1).to_vec();
        body.extend_from_slice(&[7, 8]);
        let behind = part(body.len() as u64, 0, &body);
        assert!(matches!(refused(&[&behind]), PacketError::Misplaced(_)));
    }

    #[test]
    fn a_half_received_item_takes_only_the_memory_of_what_arrived() {
        let total = limits::VALUE_BYTES + ITEM_HEAD;
        let mut assembler = Assembler::default();
        let mut take = |offset: usize, data: &[u8]| {
            let mut body = Vec::new();
            write_part_head(&mut body, total as u64, offset as u64);
            body.extend_from_slice(data);
            let nothing =
                |_, _: ReceivedPayload<'_>| -> Result<(), PacketError> { panic!("not whole yet") };
            assembler.take(PacketKind::Part, &body, nothing).unwrap();
            assembler.parts.capacity()
        };
        assert!(take(0, &[16]) < 100);
        let block = vec![0; 1 << 20];
        let mut offset = 1;
        while offset < 5 << 20 {
            assert!(take(offset, &block) <= 3 * (offset + block.len()));
            offset += block.len();
        }
        // No item may come between two parts, nor may the first part of another item.
        let mut other = Vec::new();
        write_part_head(&mut other, 40, 0);
        other.push(1);
        let nothing = |_, _: ReceivedPayload<'_>| Ok::<(), PacketError>(());
        assert!(assembler.take(PacketKind::Part, &other, nothing).is_err());
        assert!(assembler.take(PacketKind::Items, &[], nothing).is_err());
    }

    proptest! {
        /// Parsing ends without a panic for any bytes.
        #[test]
        fn garbage_is_an_error_or_nothing(packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8)) {
            let mut assembler = Assembler::default();
            for packet in &packets {
                if let Ok((head, body)) = Head::parse(packet, 0, Lane::Events) {
                    let _ = assembler.take(head.kind, body, |_, payload| {
                        let _ = payload.into_bytes();
                        Ok::<(), PacketError>(())
                    });
                }
                let _ = assembler.take(PacketKind::Items, packet, |_, _| Ok::<(), PacketError>(()));
                let _ = assembler.take(PacketKind::Part, packet, |_, _| Ok::<(), PacketError>(()));
            }
        }
    }
}
