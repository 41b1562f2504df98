//! Lanes: one-way byte channels between the two sides.
//!
//! A lane's ends are two small traits, so the runtime does not know whether packets go through
//! ipc-channel ([`ipc`]) or stay in the process ([`memory`]). Whoever sends has credit for it
//! (`wire::credit`), so a send does not block.

pub(crate) mod ipc;
pub(crate) mod memory;

use std::sync::Arc;

/// The other end is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the lane is closed")]
pub(crate) struct Closed;

/// Why nothing was received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReceiveError {
    /// Every sender is gone.
    #[error("the lane is closed")]
    Closed,
    /// What arrived is no packet.
    #[error("the lane is broken: {0}")]
    Broken(String),
}

/// The sending end; dropping the last clone closes the lane.
pub(crate) trait LaneSender: Send + Sync {
    /// Sends one packet, not longer than `wire::credit` allows.
    fn send(&self, packet: &[u8]) -> Result<(), Closed>;
}

/// The receiving end.
pub(crate) trait LaneReceiver: Send {
    /// Waits for the next packet. A `Wake` packet, sent by whoever holds a sender, ends the wait.
    fn receive(&mut self) -> Result<Vec<u8>, ReceiveError>;
}

/// A sender that several may hold.
pub(crate) type Sender = Arc<dyn LaneSender>;

/// A receiver, whatever carries it.
pub(crate) type Receiver = Box<dyn LaneReceiver>;

/// The child's ends of its lanes.
pub(crate) struct ChildLanes {
    pub(crate) requests: Receiver,
    /// Wakes the thread that waits in `requests`.
    pub(crate) requests_wake: Sender,
    pub(crate) control: Receiver,
    pub(crate) events: Sender,
}

/// The controller's ends.
pub(crate) struct ControllerLanes {
    pub(crate) requests: Sender,
    pub(crate) control: Sender,
    pub(crate) events: Receiver,
    /// For the end marker.
    pub(crate) events_wake: Sender,
}
