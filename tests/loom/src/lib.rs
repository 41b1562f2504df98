//! Models of the state that several threads of the runtime share: the real sources of mpcore, with
//! loom's locks and atomics in place of the standard library's, run through every relevant
//! interleaving.
//!
//! `child`, `controller` and `wire` include files of mpcore, which take their locks and atomics
//! from `crate::sync`; here that is loom's. Items that they need but no model covers are stubs.
//! There is one file per promise under [`models`], which says what must not happen. Two or three
//! preemptions per run keep each model to seconds, and detect every race that was ever introduced
//! on purpose.

// The included sources contain unit tests, which are for mpcore and its locks: here, nothing is a
// unit test.
#![cfg(not(test))]
// Only a part of each source is used.
#![allow(dead_code)]
#![forbid(unsafe_code)]

/// No model has chaos: loom tries every interleaving.
mod chaos {
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Knob<T>(T);

    impl<T: Copy> Knob<T> {
        pub(crate) const fn new(_: &str, value: T, _: &[T]) -> Self {
            Self(value)
        }

        pub(crate) fn get(&self) -> T {
            self.0
        }
    }
}
mod child;
mod controller;
#[path = "../../../mpcore/src/limits.rs"]
#[allow(unreachable_pub)]
mod limits;
pub mod models;
mod panics;
mod sync;
mod transport;
mod wire;
