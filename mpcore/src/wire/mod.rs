//! The protocol that controller and child share. No threads; the only I/O is the first record, on a
//! stream that the caller passes.
//!
//! The path of a call: its arguments become bytes ([`value`]), the bytes become an item in an
//! outgoing queue, and items become packets as the lane's credit allows ([`packets`]). Before the
//! first call both sides introduce themselves ([`messages`], which also has their later requests
//! and reports) and agree on the interface ([`interface`], [`shape`]).
//!
//! `controller` and `child` both import this module. Of each other they import only what
//! ARCHITECTURE lists: how a child introduces itself, and the traits of an interface.

pub(crate) mod interface;
pub(crate) mod messages;
pub(crate) mod packets;
mod shape;
pub(crate) mod value;
