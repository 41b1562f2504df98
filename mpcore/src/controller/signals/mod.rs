//! Signals and the inbox.

pub(crate) mod inbox;
pub(crate) mod local;
pub(crate) mod mailbox;
pub(crate) mod mirror;
pub(crate) mod notice;
pub(crate) mod process_signals;
pub(crate) mod relief;
pub(crate) mod ring;
pub(crate) mod signal;
pub(crate) mod sinks;
