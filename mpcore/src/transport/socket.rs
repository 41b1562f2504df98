//! Lanes through the runtime's own packet sockets, and how a started child inherits them. Linux.
//!
//! There is a socket pair per lane: the child finds its end of the requests lane as its stdin, and
//! those of the two others arrive with the first record, and where there are pidfds one of the
//! controller. (One pair for both directions is slower by a tenth.) They have no names, so no other
//! process can connect, and no file is left behind.
//!
//! A child's introduction is the first item of its events lane, sent without credit and read within
//! a budget, nonce first. A child of another protocol version sends its number instead.
//!
//! The child is not trusted. A receive has a buffer of fixed size and accepts no descriptors (the
//! kernel drops them); an overlong packet is an error; a send never waits, and fails if there is no
//! room although there was credit. The controller ends its own reader by shutting the lane down, no
//! matter who still holds the other end.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::sync::Arc;

use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType, recv, recvmsg, send,
    sendmsg, shutdown, socketpair, sockopt,
};

use crate::chaos;
use crate::limits::{INTRODUCTION_BYTES, INTRODUCTION_ROOM};
use crate::process::sys;
use crate::transport::{
    ChildLanes, ControllerLanes, LaneEnd, LaneReceiveError, LaneReceiver, LaneSender, SendError,
};
use crate::wire::messages::handshake::{
    Introduction, Nonce, RECORD_BYTES, mismatch_packet, parse_mismatch_packet,
};
use crate::wire::packets::credit::{charge, longest_packet};
use crate::wire::packets::kinds::{ItemKind, Lane, PacketKind};
use crate::wire::packets::outgoing::{NextPacket, Outgoing, QueueBound, QueuedPayload, SendTurn};
use crate::wire::packets::packet::{Assembler, Head, ItemHead, PacketError};
use crate::wire::value::codec::decode_within;

/// Descriptors that come with the first record: two lanes, and one that reports the controller's
/// end.
const HANDED: usize = 3;

/// What a sender does when there is no room for its packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoRoom {
    /// Fail: in the controller, which never waits for a child.
    Refuse,
    /// Wait: in the child, because its controller always reads.
    Wait,
}

struct SocketSender {
    socket: OwnedFd,
    no_room: NoRoom,
}

impl LaneSender for SocketSender {
    fn send(&self, packet: &[u8]) -> Result<(), SendError> {
        let flags = match self.no_room {
            NoRoom::Refuse => SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
            NoRoom::Wait => SendFlags::NOSIGNAL,
        };
        if sys::is_copy() {
            return Ok(()); // the lane belongs to the original process
        }
        chaos::delay();
        loop {
            match send(&self.socket, packet, flags) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::NOBUFS) => return Err(SendError::Full),
                Err(_) => return Err(SendError::Closed),
            }
        }
    }
}

impl Drop for SocketSender {
    fn drop(&mut self) {
        if sys::is_copy() {
            return;
        }
        // The other end must see that, although the reader of this process still holds the socket.
        let _ = shutdown(&self.socket, Shutdown::Write);
    }
}

struct SocketReceiver {
    socket: Arc<OwnedFd>,
    longest: usize,
}

impl LaneReceiver for SocketReceiver {
    fn receive(&mut self, packet: &mut Vec<u8>) -> Result<(), LaneReceiveError> {
        let mut reset = false;
        chaos::delay();
        loop {
            if sys::is_copy() {
                return Err(LaneReceiveError::Closed); // packets are for the original
            }
            packet.clear();
            // One byte more, so that an overlong packet is detected even if the kernel cuts it.
            let room = packet.try_reserve_exact(self.longest + 1);
            room.map_err(|error| LaneReceiveError::Broken(error.to_string()))?;
            match recv(&self.socket, spare_capacity(packet), RecvFlags::TRUNC) {
                // An empty packet cannot come from this runtime either.
                Ok((_, 0)) => return Err(LaneReceiveError::Closed),
                Ok((_, length)) if length > self.longest => {
                    return Err(LaneReceiveError::Broken(format!("a packet of {length} bytes")));
                }
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                // A peer that ends without having read everything resets the connection, which is
                // reported once; packets that it has sent before can still be read.
                Err(Errno::CONNRESET) if !reset => reset = true,
                Err(Errno::CONNRESET) => return Err(LaneReceiveError::Closed),
                Err(error) => return Err(LaneReceiveError::Broken(error.to_string())),
            }
        }
    }
}

/// Ends the wait in a receive, after everything that has arrived before.
struct SocketEnd(Arc<OwnedFd>);

impl LaneEnd for SocketEnd {
    fn end(&self, _generation: u32) {
        if sys::is_copy() {
            return; // the original still reads there
        }
        let _ = shutdown(&self.0, Shutdown::Read);
    }

    fn may_block(&self) -> bool {
        false
    }
}

/// The controller's ends, before the child has introduced itself, and the ends that the child gets
/// with its first record.
pub(crate) struct Offer {
    expected: Expected,
    handed: [OwnedFd; 2],
}

impl Offer {
    /// Creates the sockets; the second value becomes the child's stdin.
    pub(crate) fn new() -> io::Result<(Self, OwnedFd)> {
        let (requests, stdin) = pair()?;
        let (events, events_of_child) = pair()?;
        let (control, control_of_child) = pair()?;
        // These are never read, so nothing may wait in them: descriptors in flight count against
        // the limit of all processes of this user, and queued data counts against the kernel's
        // memory.
        for unread in [&requests, &control] {
            shutdown(unread, Shutdown::Read)?;
        }
        let expected = Expected { requests, events: Arc::new(events), control };
        Ok((Self { expected, handed: [events_of_child, control_of_child] }, stdin))
    }

    /// Puts the first record where the child will find it, together with the descriptor that
    /// reports the controller's end.
    pub(crate) fn send(self, record: &[u8], controller: Option<&OwnedFd>) -> io::Result<Expected> {
        // A child of an older version accepts two descriptors, so the third one must be the one
        // that it can do without.
        let handed = self.handed.iter().chain(controller).map(AsFd::as_fd).collect::<Vec<_>>();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDED))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&handed));
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        sendmsg(&self.expected.requests, &[IoSlice::new(record)], &mut ancillary, flags)?;
        Ok(self.expected)
    }
}

/// The first message of a child.
pub(crate) enum Said {
    Introduction(Introduction),
    /// The child speaks this protocol, so communication with it is impossible.
    OtherProtocol(u32),
}

/// The lanes of a child that has not introduced itself yet.
pub(crate) struct Expected {
    requests: OwnedFd,
    events: Arc<OwnedFd>,
    control: OwnedFd,
}

impl Expected {
    /// Returns a handle that ends the wait for the introduction, and later the reader's wait.
    pub(crate) fn end(&self) -> Arc<dyn LaneEnd> {
        Arc::new(SocketEnd(Arc::clone(&self.events)))
    }

    /// Waits until the child has introduced itself. The watcher ends the wait with
    /// [`Expected::end`].
    ///
    /// The nonce comes first: a peer that does not know it is not read any further. Decoding may
    /// take no more memory than an honest introduction of that length.
    pub(crate) fn introduction(
        &self,
        generation: u32,
        window: u32,
        nonce: Nonce,
    ) -> Result<Said, LaneReceiveError> {
        let broken = |error: &dyn std::fmt::Display| LaneReceiveError::Broken(error.to_string());
        let mut receiver = self.receiver(window);
        let (mut packet, mut assembler) = (Vec::new(), Assembler::default());
        let (mut introduction, mut length) = (None, 0);
        while introduction.is_none() {
            receiver.receive(&mut packet)?;
            if let Some(protocol) = parse_mismatch_packet(&packet).filter(|_| length == 0) {
                return Ok(Said::OtherProtocol(protocol));
            }
            // The peer has not proved yet that it is the child: it gets little memory.
            length += packet.len();
            if length > INTRODUCTION_BYTES {
                return Err(broken(&"the introduction is too long"));
            }
            let (head, body) =
                Head::parse(&packet, generation, Lane::Events).map_err(|error| broken(&error))?;
            let take =
                |item: ItemHead, payload: crate::wire::packets::packet::ReceivedPayload<'_>| {
                    if item.kind != ItemKind::Introduction || introduction.is_some() {
                        return Err(PacketError::Misplaced("an item before the introduction"));
                    }
                    introduction = Some(payload.into_bytes());
                    Ok(())
                };
            match head.kind {
                PacketKind::Items | PacketKind::Part => {
                    assembler.take(head.kind, body, take).map_err(|error| broken(&error))?;
                }
                _ => return Err(broken(&"a packet before the introduction")),
            }
            // As soon as it can be compared, not only when the whole introduction is here.
            let begun = introduction.as_ref().map_or(assembler.begun(), |it| it.as_slice());
            if begun.first_chunk().is_some_and(|said: &Nonce| *said != nonce) {
                return Err(broken(&"the nonce is wrong"));
            }
        }
        let bytes = introduction.unwrap_or_default();
        let budget = bytes.as_slice().len().saturating_mul(2).saturating_add(INTRODUCTION_ROOM);
        let said = decode_within(bytes.as_slice(), budget).map_err(|error| broken(&error))?;
        Ok(Said::Introduction(said))
    }

    fn receiver(&self, window: u32) -> SocketReceiver {
        SocketReceiver { socket: Arc::clone(&self.events), longest: longest_packet(window) }
    }

    /// Returns the lanes of a child that was recognised.
    pub(crate) fn into_lanes(self, window: u32) -> ControllerLanes {
        let events = self.receiver(window);
        let events_end = self.end();
        let sender = |socket| Arc::new(SocketSender { socket, no_room: NoRoom::Refuse });
        ControllerLanes {
            requests: sender(self.requests),
            control: sender(self.control),
            events: Box::new(events),
            events_end,
            window,
        }
    }
}

fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    let make = || Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?);
    crate::process::sys::above(make, |(one, other)| vec![one.as_raw_fd(), other.as_raw_fd()])
}

/// The socket that a child finds as its stdin.
pub(crate) struct Inherited(OwnedFd);

impl Inherited {
    /// Takes the controller's socket, if stdin is one; from then on the child's stdin is empty.
    pub(crate) fn take() -> Option<Self> {
        let stdin = io::stdin();
        if sockopt::socket_type(&stdin) != Ok(SocketType::SEQPACKET) {
            return None;
        }
        let socket = rustix::io::fcntl_dupfd_cloexec(&stdin, 3).ok()?;
        crate::process::sys::stdin_to_null();
        Some(Self(socket))
    }

    /// Wraps a socket that is not stdin.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Receives the first record, and the lanes that come with it.
    pub(crate) fn receive(self) -> io::Result<(Vec<u8>, Accepted)> {
        let mut record = vec![0; RECORD_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(HANDED))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut vectors = [IoSliceMut::new(&mut record)];
        let received = loop {
            match recvmsg(&self.0, &mut vectors, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                received => break received?,
            }
        };
        record.truncate(received.bytes);
        let mut lanes = Vec::with_capacity(HANDED);
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                lanes.extend(descriptors);
            }
        }
        let mut handed = lanes.into_iter();
        let (Some(events), Some(control)) = (handed.next(), handed.next()) else {
            return Err(io::Error::other("the lanes are missing"));
        };
        let controller = handed.next();
        Ok((record, Accepted { requests: Arc::new(self.0), events, control, controller }))
    }
}

/// A child's sockets.
pub(crate) struct Accepted {
    requests: Arc<OwnedFd>,
    events: OwnedFd,
    control: OwnedFd,
    controller: Option<OwnedFd>,
}

impl Accepted {
    /// Takes the descriptor that reports the controller's end.
    pub(crate) fn take_controller(&mut self) -> Option<OwnedFd> {
        self.controller.take()
    }

    /// Returns the child's end of the events lane, for writing arbitrary bytes to it.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn into_events(self) -> OwnedFd {
        self.events
    }

    /// Reports this child's protocol to a controller of another version.
    pub(crate) fn send_mismatch(&self) {
        // There is room, because it is the first packet.
        let _ = send(&self.events, &mismatch_packet(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }

    /// Sends the child's introduction; the controller's first item shows whether it was accepted.
    pub(crate) fn introduce(
        self,
        introduction: &Introduction,
        generation: u32,
        window: u32,
    ) -> io::Result<ChildLanes> {
        let events = SocketSender { socket: self.events, no_room: NoRoom::Wait };
        let payload = postcard::to_stdvec(introduction).map_err(io::Error::other)?;
        // The controller reads it in any case, so no credit is needed.
        let mut queue = Outgoing::new(window, QueueBound { entries: 1, bytes: payload.len() });
        queue.push(
            ItemHead::new(ItemKind::Introduction, 0, 0),
            None,
            QueuedPayload::Ready(payload),
        );
        let head = Head::new(PacketKind::Items, generation);
        let (mut packet, mut sent) = (Vec::new(), 0);
        while matches!(queue.next_packet(head, &mut packet, |_| SendTurn::Now), NextPacket::Packet)
        {
            events.send(&packet).map_err(io::Error::other)?;
            sent += charge(packet.len());
            queue.report(sent).map_err(io::Error::other)?;
        }
        let longest = longest_packet(window);
        let receiver = |socket| Box::new(SocketReceiver { socket, longest });
        Ok(ChildLanes {
            requests: receiver(Arc::clone(&self.requests)),
            requests_end: Arc::new(SocketEnd(self.requests)),
            control: receiver(Arc::new(self.control)),
            events: Arc::new(events),
        })
    }
}
