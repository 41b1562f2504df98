//! What one run of a child is given, and where it runs.

use crate::process::sys::ControllerEnd;
use crate::wire::messages::fault::FaultPlan;
use crate::wire::messages::handshake::Nonce;

/// What one run is given.
pub(crate) struct Assignment {
    pub(crate) generation: u32,
    pub(crate) window: u32,
    pub(crate) nonce: Nonce,
    pub(crate) initial: Vec<Vec<u8>>,
    pub(crate) place: Place,
    pub(crate) faults: Option<FaultPlan>,
    /// What tells of the end of the controller's process, beside the lanes.
    pub(crate) controller: Option<ControllerEnd>,
}

/// Where a child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a process of its own, started by the one with this number.
    Process {
        controller: u32,
    },
    Thread,
}
