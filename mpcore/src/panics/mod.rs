//! Panics: catching those of user code, the process's panic hook, and the user's part of a
//! backtrace.

pub(crate) mod frames;
pub(crate) mod hook;
pub(crate) mod unwind;
