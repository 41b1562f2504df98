//! Models of what several threads of the runtime touch: the real sources of mpcore, with loom's locks and
//! atomics in the place of the standard library's, run through every interleaving that matters.
//!
//! `child`, `controller` and `wire` list files of mpcore, which take their locks and atomics from
//! `crate::sync`; here that is loom's. What they need of their surroundings and no model looks at is made
//! up. There is one file per promise under [`models`], and it says what may not happen. Two or three
//! preemptions per run keep each of them to seconds, and suffice for every race that was ever put in on
//! purpose.

// The sources bring unit tests of their own, which are for mpcore and its locks: here, nothing is a unit test.
#![cfg(not(test))]
// Only a part of each source is modelled.
#![allow(dead_code)]
#![forbid(unsafe_code)]

/// No model has chaos: loom has every interleaving.
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
mod sync;
mod transport;
#[path = "../../../mpcore/src/unwind.rs"]
mod unwind;
mod wire;
