//! Models of the state that several threads of the runtime share, run through every relevant
//! interleaving: one file per promise, which says what must not happen.
//!
//! They are compiled only by the package in `tests/loom`, which compiles the whole crate with
//! `cfg(mpcore_loom)`: then [`sync`](crate::sync) has loom's locks and atomics. Two or three
//! preemptions per run keep each model to seconds, and detect every race that was ever introduced
//! on purpose.

pub mod cancels;
pub mod credit;
pub mod end;
pub mod grant;
pub mod inbox;
pub mod stop;

use loom::model::Builder;

/// Runs a model in every interleaving with at most `preemptions` preemptions.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
