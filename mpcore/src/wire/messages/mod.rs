//! What the runtime of each side says to the other: handshake, requests, reports and stop reasons,
//! and the options that travel with them (limits, sandbox, exit policy, planned faults).

pub(crate) mod at_exit;
pub(crate) mod child_limits;
pub(crate) mod fault;
pub(crate) mod handshake;
pub(crate) mod report;
pub(crate) mod sandbox;
pub(crate) mod stop_reason;
