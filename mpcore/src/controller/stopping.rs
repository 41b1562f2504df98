//! Requesting the end of a run: the common part of `stop`, `terminate`, `kill` and `restart`. Also
//! ends and reports the commands that will not run.

use std::sync::Arc;
use std::time::Duration;

use crate::controller::model::pending::Entry;
use crate::controller::model::requests::{Gate, GoOver, Traffic};
use crate::controller::report::exit::ProcessState;
use crate::controller::report::outcome::{Exception, ExceptionKind, Outcome};
use crate::controller::signals::inbox::Wake;
use crate::controller::signals::notice::Notice;
use crate::controller::state::posting::{enqueue, post};
use crate::controller::state::run::EndRequest;
use crate::controller::state::{Life, Shared};
use crate::process::sys;
use crate::trace::{event, ms};
use crate::wire::messages::stop_reason::StopReason;

/// What happens after the run has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterEnd {
    Rest,
    StartAgain,
}

/// Stops, terminates or kills the current run; returns whether there is one.
pub(crate) fn request(
    shared: &Arc<Shared>,
    ask: EndRequest,
    after: AfterEnd,
    reason: StopReason,
) -> bool {
    request_if(shared, ask, after, reason, |_, _| true)
}

/// Does the same if `holds` returns `true` at that moment.
pub(crate) fn request_if(
    shared: &Arc<Shared>,
    ask: EndRequest,
    after: AfterEnd,
    reason: StopReason,
    holds: impl FnOnce(&Life, &Traffic) -> bool,
) -> bool {
    if sys::is_copy() {
        return false;
    }
    let mut wake = Wake::none();
    let why = reason.name();
    let (run, waiting, _posting) = {
        let mut life = shared.life();
        if !holds(&life, &shared.traffic()) {
            return false;
        }
        let Some(run) = life.run.clone().filter(|_| life.state.is_alive()) else {
            let called_off = life.restarting.is_some() && after == AfterEnd::Rest;
            let waiting = match after {
                AfterEnd::Rest => call_off(shared, &mut life),
                AfterEnd::StartAgain => {
                    (life.restart, life.start) = (false, false);
                    Vec::new()
                }
            };
            drop(life);
            shared.life_changed().notify_all();
            if called_off {
                event!(
                    INFO, "mpcore::restart", in None, "restart called off",
                    process = shared.name(), reason = why,
                );
            }
            not_run(shared, waiting, &reason);
            return false;
        };
        let again = after == AfterEnd::StartAgain && !life.released;
        life.restart = again;
        life.finish = None;
        if life.state != ProcessState::Stopping {
            life.state = ProcessState::Stopping;
            life.reason = Some(reason.clone());
            wake = enqueue(shared, Notice::State(ProcessState::Stopping));
            wake = wake.and(enqueue(shared, Notice::Stopping(Box::new(reason.clone()))));
        }
        // The outcomes below belong before the run's last signal.
        let posting = shared.begin_posting(&mut life);
        let mut traffic = shared.traffic();
        let waiting = if again { traffic.stop_for_next() } else { traffic.stop() };
        drop(traffic);
        let mut control = shared.control();
        // A killed child must not begin to clean up. A child on a thread cannot be killed, so it
        // may.
        if ask != EndRequest::Kill || shared.program.is_on_thread() {
            control.stop(reason);
        }
        // The inbox's bound must not hold back what a stopping child still has to send.
        control.grant();
        (run, waiting, posting)
    };
    wake.wake();
    shared.keep_watch();
    shared.life_changed().notify_all();
    let grace = if shared.is_patient() { Duration::MAX } else { shared.options.stop_grace };
    event!(
        INFO, "mpcore::stop", in run.span.id(), "stop requested",
        how = ask.name(), reason = why, grace_ms = ms(grace), queued = waiting.len() as u64,
    );
    run.ask(ask, grace);
    for (call, entry) in waiting {
        shared.resolve(call, entry, Outcome::Stopped);
    }
    true
}

/// Ends commands that waited for a run that does not come, each as stopped, and reports them once.
pub(crate) fn not_run(shared: &Arc<Shared>, waiting: Vec<(u64, Entry)>, reason: &StopReason) {
    let commands = waiting.iter().filter(|(_, entry)| !entry.repeat.is_reapplied()).count();
    for (call, entry) in waiting {
        shared.resolve(call, entry, Outcome::Stopped);
    }
    tell_not_run(shared, commands, Some(reason), None);
}

/// Reports, once, that commands were dropped before they ran because of an end.
pub(crate) fn tell_not_run(
    shared: &Arc<Shared>,
    commands: usize,
    reason: Option<&StopReason>,
    pid: Option<u32>,
) {
    if commands == 0 {
        return;
    }
    event!(
        WARN, "mpcore::call", in None, "not run",
        process = shared.name(), commands = commands as u64, reason = reason.map(StopReason::name),
    );
    let number =
        if commands == 1 { "1 command was".into() } else { format!("{commands} commands were") };
    let why = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    let exception = Exception {
        process: shared.name(),
        pid,
        command: None,
        call: None,
        kind: ExceptionKind::NotRun { commands },
        message: format!("{number} not run, because the child was to end{why}"),
        backtrace: String::new(),
    };
    post(shared, Notice::Exception(Box::new(exception)));
}

/// Calls off the run that was to follow the last one. The returned commands waited for it and have
/// to end as stopped.
fn call_off(shared: &Shared, life: &mut Life) -> Vec<(u64, Entry)> {
    let by_hand = std::mem::take(&mut life.restart);
    life.start = false;
    life.finish = None;
    if life.restarting.take().is_none() && !by_hand {
        return Vec::new();
    }
    let mut traffic = shared.traffic();
    if let Some(report) = &life.report {
        traffic.gate = Gate::Ended(Arc::clone(report));
    }
    traffic.end(GoOver::Nothing)
}
