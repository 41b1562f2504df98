//! Signals, and the inbox in which they wait for the thread that runs their handlers.
//!
//! The last part of a call's path: the reader thread posts a [`notice`] to the child's [`mailbox`],
//! the [`ring`] of the [`inbox`] wakes the thread that drains it, and that thread delivers each
//! notice to a [`signal`] through the [`sinks`]. The reader also updates a property's [`mirror`],
//! which any thread reads. [`local`] has the handlers that stay on the inbox's thread, [`stream`]
//! the signal as an asynchronous stream, [`relief`] the threads that drain for children without
//! their own inbox, [`process_signals`] the signals of a child's life cycle.
//!
//! Posting never blocks, and no user code runs on the posting thread except the inbox's `wake`. An
//! inbox knows its children only as [`Recipient`](inbox::Recipient)s: how a notice is delivered is
//! decided above, in `delivery`.

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
pub(crate) mod stream;
