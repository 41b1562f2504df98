//! The protocol that controller and child share. No threads, no IO.
//!
//! The path of a call: its arguments become bytes ([`codec`]), the bytes become an item in an
//! [`outgoing`] queue, and items become packets ([`packet`]) as the lane's [`credit`] allows.
//! Before the first call both sides agree on the interface ([`handshake`], [`fingerprint`],
//! [`shape`]).
//!
//! `controller` and `child` both import this module and never each other.

pub(crate) mod at_exit;
mod checked;
pub(crate) mod child_limits;
pub(crate) mod codec;
pub(crate) mod credit;
pub(crate) mod decoder;
mod described;
pub(crate) mod fault;
pub(crate) mod fingerprint;
pub(crate) mod handshake;
pub(crate) mod interface;
pub(crate) mod keyed;
pub(crate) mod memory;
pub(crate) mod outgoing;
pub(crate) mod packet;
mod refusal;
mod reordered;
pub(crate) mod report;
pub(crate) mod result;
pub(crate) mod same;
pub(crate) mod sandbox;
mod serializer;
mod shape;
pub(crate) mod stop_reason;
mod structure;
mod tag;
