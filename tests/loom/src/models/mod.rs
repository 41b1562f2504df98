//! One file per promise.

pub mod cancels;
pub mod credit;
pub mod end;
pub mod grant;
pub mod inbox;

use loom::model::Builder;

/// Runs a model in every interleaving with at most `preemptions` preemptions.
fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
