//! Catching panics of user code.

#[path = "../../../mpcore/src/panics/unwind.rs"]
pub(crate) mod unwind;
