//! Panics: catching those of user code, and the hook that reports them.

pub(crate) mod frames;
pub(crate) mod hook;
pub(crate) mod unwind;
