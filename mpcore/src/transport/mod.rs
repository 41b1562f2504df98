//! Lanes: one-way connections between the two sides, which carry packets.
//!
//! The ends of a lane are small traits, so the runtime does not know whether packets go through its
//! own packet sockets ([`socket`], the default on Linux), through ipc-channel ([`ipc`],
//! everywhere), or stay in the process ([`memory`]); the user chooses a [`Transport`]. A sender has
//! credit for its packets (`wire::packets::credit`), so a send does not block; [`window`] is how
//! much the buffers of this system allow. What another transport must do is in `tests`, which run
//! on all of them.

pub(crate) mod ipc;
pub(crate) mod memory;
#[cfg(target_os = "linux")]
pub(crate) mod socket;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use crate::limits::{WINDOW_FALLBACK, WINDOW_MAX, WINDOW_MIN};

/// How packets travel between a controller and the process of its child.
///
/// Both transports carry the same packets and keep the same promises, with one exception:
/// ipc-channel trusts the length in its own header, so a child that forges one can block its reader
/// in the controller, or end the controller. Use packet sockets for a child that may do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// Packet sockets that the child inherits: they have no name, so no other process can connect,
    /// and nothing that arrives on them can block, crash or flood the controller. The default on
    /// Linux, and available only there.
    #[cfg(target_os = "linux")]
    Sockets,
    /// ipc-channel: the default on other systems. On Linux the child finds its controller by the
    /// path of a socket in the folder for temporary files, which no other user may enter, not even
    /// a child that has changed to another user.
    IpcChannel,
}

impl Default for Transport {
    fn default() -> Self {
        #[cfg(target_os = "linux")]
        return Self::Sockets;
        #[cfg(not(target_os = "linux"))]
        return Self::IpcChannel;
    }
}

/// Why a packet was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendError {
    /// The other end is gone.
    #[error("the lane is closed")]
    Closed,
    /// There is no room although there was credit: the receiver has lied about what it has read.
    #[error("the lane is full")]
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Full,
}

/// Why nothing was received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LaneReceiveError {
    /// Every sender is gone.
    #[error("the lane is closed")]
    Closed,
    /// The received data is not a packet.
    #[error("the lane is broken: {0}")]
    Broken(String),
}

/// The sending end; dropping the last clone closes the lane, once everything before has been read.
pub(crate) trait LaneSender: Send + Sync {
    /// Sends one packet, not longer than `wire::packets::credit` allows, which arrives whole and
    /// after those before it.
    ///
    /// A lane has room for a window of packets, whether they are read or not: as long as the sender
    /// has credit, a send neither waits nor finds the lane full. A transport whose own buffer is
    /// smaller keeps the rest. Fails if the other end is gone.
    fn send(&self, packet: &[u8]) -> Result<(), SendError>;
}

/// The receiving end.
pub(crate) trait LaneReceiver: Send {
    /// Waits for the next packet and stores it in `packet`, replacing its contents.
    fn receive(&mut self, packet: &mut Vec<u8>) -> Result<(), LaneReceiveError>;
}

/// Ends the wait of the reader of a lane in this process, once everything before has been read:
/// with an `End` packet, or by closing the lane.
pub(crate) trait LaneEnd: Send + Sync {
    /// Marks the end of the lane. May be called any number of times.
    fn end(&self, generation: u32);

    /// Returns whether [`end`](Self::end) may wait for the other side.
    fn may_block(&self) -> bool {
        true
    }
}

/// A sender that can be shared.
pub(crate) type SharedSender = Arc<dyn LaneSender>;

/// A receiver of any transport.
pub(crate) type BoxedReceiver = Box<dyn LaneReceiver>;

/// The child's ends of its lanes.
pub(crate) struct ChildLanes {
    pub(crate) requests: BoxedReceiver,
    /// Wakes the thread that waits in `requests`.
    pub(crate) requests_end: Arc<dyn LaneEnd>,
    pub(crate) control: BoxedReceiver,
    pub(crate) events: SharedSender,
}

/// The controller's ends.
pub(crate) struct ControllerLanes {
    pub(crate) requests: SharedSender,
    pub(crate) control: SharedSender,
    pub(crate) events: BoxedReceiver,
    /// For the end marker.
    pub(crate) events_end: Arc<dyn LaneEnd>,
    /// The credit that each lane has: as many bytes are on their way at most, counted with
    /// [`charge`](crate::wire::packets::credit::charge), so that no send finds a lane full.
    pub(crate) window: u32,
}

/// Returns the credit window that this system's socket buffers allow: at most two thirds of one,
/// and small enough that a packet never exceeds what ipc-channel sends in one piece.
pub(crate) fn window() -> u32 {
    static WINDOW: OnceLock<u32> = OnceLock::new();
    *WINDOW.get_or_init(|| {
        let buffer = crate::process::sys::socket_buffer();
        buffer.map_or(WINDOW_FALLBACK.min(WINDOW_MAX.get()), |bytes| {
            (bytes / 3 * 2).clamp(WINDOW_MIN, WINDOW_MAX.get())
        })
    })
}
