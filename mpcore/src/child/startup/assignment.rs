//! The input of one run of a child, and where it runs.

use crate::process::sys::ControllerEnd;
use crate::wire::messages::fault::FaultPlan;
use crate::wire::messages::handshake::Nonce;

/// The input of one run.
pub(crate) struct Assignment {
    pub(crate) generation: u32,
    pub(crate) window: u32,
    pub(crate) nonce: Nonce,
    pub(crate) initial: Vec<Vec<u8>>,
    pub(crate) place: Place,
    pub(crate) faults: Option<FaultPlan>,
    /// Reports the end of the controller's process, in addition to the lanes.
    pub(crate) controller: Option<ControllerEnd>,
}

/// Where a child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In its own process, started by the process with this id.
    Process {
        controller: u32,
    },
    Thread,
}
