//! What users receive: errors, outcomes, exit reports and payloads of signals.
//!
//! The end of a call's path: the thread that resolves a call (usually the reader) creates an
//! encoded [`outcome`], and the thread that uses it decodes it; the exceptions are beside it.
//! [`exit`] is the report of a run's end, [`failure`] why it did not end as requested, [`error`]
//! holds the errors of the builder, `start`, `wait_ready` and `join`, [`script_error`] those of a
//! script, [`wait_error`] why any wait ended. [`escalation`] and [`notifications`] are payloads of
//! signals, [`traced`] the words for all of these in the trace.
//!
//! Plain data, shared by any thread: no threads, no locks, no I/O. This is the lowest floor of
//! `controller`; it imports no other room of it.

pub(crate) mod error;
pub(crate) mod escalation;
pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod notifications;
pub(crate) mod outcome;
pub(crate) mod script_error;
pub(crate) mod traced;
pub(crate) mod wait_error;
