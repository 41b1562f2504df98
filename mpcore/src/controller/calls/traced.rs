//! The span of a call, from its submission to its outcome, and the events in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use tracing::{Level, Span};

use crate::controller::model::pending::SharedThen;
use crate::controller::report::traced;
use crate::controller::state::Shared;
use crate::sync::lock;
use crate::trace::{self, emit, event, ms};

/// A call that is traced. Held by the thread that submits it, and until its outcome beside what
/// happens with that.
pub(crate) struct TracedCall {
    span: Span,
    command: Option<&'static str>,
    begun: Instant,
    number: AtomicU64,
    /// The outcome may come before the submitting thread has traced the submission.
    is_told: AtomicBool,
}

impl TracedCall {
    /// Opens the span, if a subscriber wants it, and leaves with the call what closes it.
    pub(crate) fn begin(shared: &Shared, command: u16, then: &SharedThen) -> Option<Arc<Self>> {
        let name = shared.command_name(command);
        let span = trace::span(Level::DEBUG, || {
            tracing::debug_span!(
                target: "mpcore::call", "call",
                process = shared.name(), command = name, call = tracing::field::Empty,
            )
        })?;
        let traced = Arc::new(Self {
            span,
            command: name,
            begun: Instant::now(),
            number: AtomicU64::new(0),
            is_told: AtomicBool::new(false),
        });
        let until_its_outcome = Arc::clone(&traced);
        lock(then).traced = Some(Box::new(move |outcome| {
            let this = until_its_outcome;
            this.submitted();
            event!(
                DEBUG, "mpcore::call", in this.span.id(), "call ended",
                call = this.number(), command = this.command, outcome = traced::outcome(outcome),
                took_ms = ms(this.begun.elapsed()),
            );
            // Closes the span, which runs code of the subscriber.
            emit(move || drop(this));
        }));
        Some(traced)
    }

    /// The call has its number; a lock is held.
    pub(crate) fn has_number(&self, call: u64) {
        self.number.store(call, Ordering::SeqCst);
    }

    fn number(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    /// The call was not accepted: there is no submission to trace.
    pub(crate) fn refused(self: &Arc<Self>) {
        if !self.is_told.swap(true, Ordering::SeqCst) {
            self.record_number();
        }
    }

    fn record_number(self: &Arc<Self>) {
        let this = Arc::clone(self);
        emit(move || {
            this.span.record("call", this.number());
        });
    }

    /// Traces the submission, once.
    pub(crate) fn submitted(self: &Arc<Self>) {
        if self.is_told.swap(true, Ordering::SeqCst) {
            return;
        }
        self.record_number();
        event!(
            DEBUG, "mpcore::call", in self.span.id(), "submitted",
            call = self.number(), command = self.command,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::control::Control as _;

    #[mpmacros::process(crate = "crate")]
    trait Idle {
        fn answer(&mut self) -> i32;
    }

    #[derive(mpmacros::Child)]
    #[child(Idle, crate = "crate")]
    struct IdleProcess {}

    impl Idle for IdleProcess {
        fn answer(&mut self) -> i32 {
            42
        }
    }

    #[test]
    fn without_a_subscriber_a_call_has_no_span() {
        let control = IdleControl::builder().in_process::<IdleProcess>().build().unwrap();
        let shared = control.__core().process().shared();
        let then = SharedThen::default();
        assert!(TracedCall::begin(shared, 0, &then).is_none());
        assert!(lock(&then).traced.is_none());
    }
}
