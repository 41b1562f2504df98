//! Handles the watcher's reports about a run's process. When the process is gone, the events lane
//! is ended on this side; if the reader does not reach its end in time, the run is ended without
//! it.

use std::sync::Arc;
use std::time::Instant;
use std::{io, thread};

use crate::controller::report::failure::RunFailure;
use crate::controller::run::finish;
use crate::controller::state::Shared;
use crate::controller::state::run::{Run, Step};
use crate::controller::state::watched_run::WatchedRun;
use crate::process::stop::Rung;
use crate::process::watch::Watched;
use crate::process::{ProcessEnd, Unkillable, sys};
use crate::sync::{lock, wait_timeout};
use crate::trace::{event, ms};

impl Watched for WatchedRun {
    fn ended(self: Arc<Self>, end: ProcessEnd) {
        if !self.is_current() {
            return;
        }
        let Self { shared, run } = &*self;
        {
            let mut known = lock(&run.known);
            if known.ended.is_some() {
                return;
            }
            known.ended = Some(end);
        }
        event!(DEBUG, "mpcore::run", in run.span.id(), "process gone", end = end.to_string());
        // Sending the marker could block on a lane that a broken child has filled.
        let for_thread = (Arc::clone(shared), Arc::clone(run));
        let body = move || {
            let (shared, run) = for_thread;
            announce_end(&shared, &run);
        };
        if thread::Builder::new().name("mp-end".into()).spawn(body).is_err() {
            // The run's thread still gets its message, and ends.
            run.send_step(Step::Ended);
            let end = lock(&run.known).events_end.clone();
            end.filter(|end| !end.may_block()).into_iter().for_each(|end| run.mark_end(end));
            finish(shared, run);
        }
    }

    fn climbed(self: Arc<Self>, rung: Rung) {
        if !self.is_current() {
            return;
        }
        let Self { run, .. } = &*self;
        match rung {
            Rung::Terminate => {
                lock(&run.known).terminated = true;
                event!(WARN, "mpcore::stop", in run.span.id(), "terminating");
            }
            Rung::Kill => {
                lock(&run.known).killed = true;
                event!(WARN, "mpcore::stop", in run.span.id(), "killing");
            }
            // Reported by `given_up`.
            Rung::GiveUp => {}
        }
    }

    fn given_up(self: Arc<Self>, why: Unkillable) {
        let pid = self.shared.life().pid.unwrap_or_default();
        event!(
            ERROR, "mpcore::stop", in self.run.span.id(), "given up",
            pid = pid, why = why.to_string(),
        );
        self.cut_off(ProcessEnd::LinkLost, |because| RunFailure::Unkillable {
            pid,
            why,
            because: because.map(Box::new),
        });
    }

    fn unwatchable(self: Arc<Self>, why: &io::Error) {
        event!(
            ERROR, "mpcore::stop", in self.run.span.id(), "unwatchable",
            why = why.to_string(),
        );
        let why = format!("its end could not be observed, so it was killed: {why}");
        self.cut_off(ProcessEnd::Unknown, |_| RunFailure::Resources(why));
    }

    fn start_deadline_passed(self: Arc<Self>) {
        let Self { shared, run } = &*self;
        if self.is_current() {
            let tracer = shared.life().pid.and_then(sys::tracer_of);
            event!(
                WARN, "mpcore::run", in run.span.id(), "start deadline passed",
                deadline_ms = ms(shared.options.start_deadline), tracer = tracer,
            );
            let mut known = lock(&run.known);
            known.start_deadline_passed = true;
            // Any other known reason is more specific.
            let open = known.failure.is_none() && known.bye.is_none() && known.asked.is_none();
            known.tracer = tracer.filter(|_| open);
        }
    }
}

impl WatchedRun {
    /// Called when the watcher no longer waits for the process.
    fn cut_off(
        self: Arc<Self>,
        end: ProcessEnd,
        failure: impl FnOnce(Option<RunFailure>) -> RunFailure,
    ) {
        if !self.is_current() {
            return;
        }
        let Self { shared, run } = &*self;
        {
            let mut known = lock(&run.known);
            if known.ended.is_some() {
                return;
            }
            let deadline = shared.options.start_deadline;
            let held = |tracer| RunFailure::HeldByTracer { tracer, deadline };
            let before = known.failure.take().or_else(|| known.tracer.take().map(held));
            known.failure = Some(failure(before));
        }
        Arc::clone(&self).ended(end);
    }
}

/// Sends the run's thread the message that the process is gone, and ends the run itself if that
/// takes too long.
fn announce_end(shared: &Arc<Shared>, run: &Arc<Run>) {
    run.send_step(Step::Ended);
    let deadline = Instant::now() + run.patience().drain;
    let end = lock(&run.known).events_end.clone();
    if let Some(end) = end {
        run.mark_end(end);
    }
    let mut life = shared.life();
    while life.run.as_ref().is_some_and(|current| Arc::ptr_eq(current, run)) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        life = wait_timeout(shared.life_changed(), life, left);
    }
    drop(life);
    finish(shared, run);
}
