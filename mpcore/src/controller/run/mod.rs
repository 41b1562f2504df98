//! One run of a child, from the spawn to its last signal.
//!
//! Each run has a thread that spawns the child, shakes hands, and then reads the events lane; it
//! never waits for the inbox. [`begin`](mod@begin) is what is visible of a start immediately,
//! [`command`] and [`launch`] lead to the lanes, [`read`] is the long middle, [`end`] the end, and
//! [`next`] decides what follows. [`guard`] ends the run however its thread is left. [`watched`]
//! and [`watchdog`] are what the watcher's thread and its alarms do with a run. This file has the
//! thread itself, and what follows a run: the next one, its alarm, and the user's `after_exit`.
//!
//! Only the watcher reports that the process is gone. A short-lived thread then ends the events lane
//! on this side: it shuts the socket down for reading, or sends an end marker through ipc-channel.
//! What the reader still gets drains the lane. If the reader does not reach the end in time, that
//! thread ends the run instead; the first to come ends it, once.
//!
//! On a call's path, [`read`] takes the outcome from the lane and resolves the call. No user code
//! runs on a run's thread except for the comparison of interfaces, wakers, and `after_exit`.

pub(crate) mod begin;
mod command;
mod end;
mod guard;
pub(crate) mod launch;
pub(crate) mod next;
mod read;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod rehearsal;
pub(crate) mod watchdog;
mod watched;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use crate::controller::report::exit::ExitReport;
use crate::controller::report::failure::RunFailure;
use crate::controller::report::notifications::{RestartGivenUp, Restarting};
use crate::controller::run::begin::begin_run;
use crate::controller::run::guard::EndGuard;
use crate::controller::run::next::Next;
use crate::controller::run::read::Unreadable;
use crate::controller::signals::inbox::Wake;
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::controller::state::launcher::{Launch, Launched, NotLaunched};
use crate::controller::state::posting::enqueue;
use crate::controller::state::reporting::EndsHere;
use crate::controller::state::run::{Run, Step, wait_for_end};
use crate::controller::state::watched_run::WatchedRun;
use crate::panics::unwind::caught;
use crate::process::watch::{self, Watched};
use crate::sync::lock;
use crate::trace::event;

/// Starts the run's thread.
pub(crate) fn begin(shared: &Arc<Shared>, run: &Arc<Run>) {
    run.span.open(|| shared.name(), run.generation);
    let for_thread = (Arc::clone(shared), Arc::clone(run));
    let body = move || {
        let (shared, run) = for_thread;
        live(&shared, &run);
    };
    // The system cuts the name at 15 characters.
    let name = format!("mp-{}", shared.name().replace('\0', ""));
    if let Err(error) = thread::Builder::new().name(name).spawn(body) {
        lock(&run.known).failure = Some(RunFailure::Resources(error.to_string()));
        finish(shared, run);
    }
}

/// The body of the run's thread: launches the child and reads its lane. Leaving it ends the run.
fn live(shared: &Arc<Shared>, run: &Arc<Run>) {
    let Some(steps) = lock(&run.received).take() else {
        return;
    };
    event!(
        INFO, "mpcore::run", in run.span.id(), "starting",
        on_thread = shared.program.is_on_thread(),
    );
    let guard = EndGuard { shared, run, steps, finish };
    // For the lane that this thread reads; dropped before the run's end is reported, because `join`
    // also waits for that.
    let _held = run.held();
    let steps = &guard.steps;
    let owner: Arc<dyn Watched> = Arc::new(WatchedRun::new(shared, run));
    match shared.launcher.launch(&Launch { shared, run, owner, steps }) {
        Ok(Launched { lanes, nonce }) => {
            let events = read::open(shared, run, lanes, nonce);
            match read::read(shared, run, events) {
                Ok(()) => {}
                Err(Unreadable::Closed) => help_along(run, steps, "it closed its lane"),
                Err(Unreadable::NoMemory(why)) => {
                    run.fail(RunFailure::Resources(why));
                    wait_for_end(steps);
                }
                Err(Unreadable::Broken(why)) => {
                    run.declare_broken(&why);
                    wait_for_end(steps);
                }
            }
        }
        Err(NotLaunched::Closed(otherwise)) => help_along(run, steps, otherwise),
        Err(NotLaunched::NoChild(failure)) => {
            lock(&run.known).failure.get_or_insert(failure);
        }
        Err(NotLaunched::Refused(failure)) => {
            run.fail(failure);
            wait_for_end(steps);
        }
        Err(NotLaunched::Ended) => {}
    }
}

/// A child that has closed its lane is about to end; if it does not, it is killed.
fn help_along(run: &Run, steps: &mpsc::Receiver<Step>, otherwise: &str) {
    event!(DEBUG, "mpcore::run", in run.span.id(), "lane closed");
    match steps.recv_timeout(run.patience().closed_lane) {
        Ok(Step::Ended) => return,
        Ok(Step::Greeted { .. }) | Err(_) => {}
    }
    let said_goodbye = lock(&run.known).bye.is_some();
    if said_goodbye {
        watch::kill(run.key);
    } else {
        run.declare_broken(otherwise);
    }
    wait_for_end(steps);
}

/// Ends the run, begins what follows, and calls the user's hook. Only the first caller does it.
pub(crate) fn finish(shared: &Arc<Shared>, run: &Arc<Run>) {
    let _here = EndsHere::new();
    let Some((next, report)) = end::end(shared, run) else { return };
    end::trace(run, &report, next);
    follow(next, shared, &report);
    if let Some(after_exit) = &shared.options.after_exit {
        let _ = caught(|| after_exit(&report));
    }
    shared.life().hooks -= 1;
    shared.life_changed().notify_all();
}

/// Called when the last signals of the run have been posted: begins the next run, or announces when
/// it begins or that it never does. What has been called off meanwhile is not announced.
fn follow(next: Next, shared: &Arc<Shared>, report: &Arc<ExitReport>) {
    let mut begun = None;
    let mut wake = Wake::none();
    {
        let mut life = shared.life();
        life.being_told = false;
        if let Next::GiveUp(reason) = next {
            let report = Arc::clone(report);
            wake = enqueue(shared, Notice::GaveUp(Box::new(RestartGivenUp { reason, report })));
        }
        if life.restart {
            life.supervisor.by_hand();
            let (run, starting) = begin_run(shared, &mut life);
            (begun, wake) = (Some(run), wake.and(starting));
        } else if let Some(next) = life.restarting.clone() {
            set_alarm(shared, &next);
            wake = enqueue(shared, Notice::Restarting(Box::new(next)));
        }
    }
    shared.life_changed().notify_all();
    wake.wake();
    if let Some(run) = begun {
        begin(shared, &run);
    }
}

/// Schedules the next run.
fn set_alarm(shared: &Arc<Shared>, next: &Restarting) {
    let (waiting, generation) = (Arc::downgrade(shared), next.report.generation);
    // The delay is bounded, see `model::restart_policy`.
    watch::alarm(Instant::now() + next.delay, move || {
        if let Some(shared) = waiting.upgrade() {
            begin_next(&shared, generation);
        }
    });
}

/// Begins the next run after its delay, unless it was called off.
fn begin_next(shared: &Arc<Shared>, generation: u32) {
    let (run, wake): (Arc<Run>, Wake) = {
        let mut life = shared.life();
        if life.restarting.as_ref().is_none_or(|next| next.report.generation != generation) {
            return;
        }
        begin_run(shared, &mut life)
    };
    shared.life_changed().notify_all();
    wake.wake();
    begin(shared, &run);
}
