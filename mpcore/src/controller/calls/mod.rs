//! One command, from the stub to its outcome.
//!
//! The start of a call's path: the caller's thread encodes the arguments and [`submit`]s them;
//! large arguments move to the encoder thread ([`encode`]). [`call`] is the handle that the caller
//! gets. The end is here too: `Shared::resolve` in [`submit`] sends the outcome to the handle and
//! posts it to the inbox, on whichever thread has taken the entry out of the table (mostly the
//! reader).
//!
//! Handlers and continuations do not run here but in `delivery`; the table and the queue themselves
//! are in `model::requests`.

pub(crate) mod call;
pub(crate) mod encode;
pub(crate) mod submit;
pub(crate) mod traced;
