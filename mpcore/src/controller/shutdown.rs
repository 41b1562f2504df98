//! The end of the program: children finish or are stopped, their ends are waited for, and their
//! last signals delivered. Also the list of the started children, and how a child ends its own.

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use crate::controller::finish;
use crate::controller::report::wait_error::WaitError;
use crate::controller::signals::relief::background_inbox;
use crate::controller::state::Shared;
use crate::controller::state::reporting::tells_here;
use crate::controller::state::run::EndRequest;
use crate::controller::stopping::{AfterEnd, request};
use crate::limits::{FLUSH_DEADLINE, SHUTDOWN_DEADLINE, TERMINATE_GRACE};
use crate::process::{output, sys};
use crate::sync::lock;
use crate::this_process::nested;
use crate::this_process::wait_policy::wait_forbidden;
use crate::trace::event;
use crate::wire::messages::at_exit::ExitPolicy;
use crate::wire::messages::stop_reason::StopReason;

/// The children to be ended with the program.
static STARTED: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// Registers a started child, to end it with the program.
pub(crate) fn register(shared: &Arc<Shared>) {
    nested::stops_with(end_nested);
    let mut started = lock(&STARTED);
    started.retain(|weak| {
        weak.strong_count() > 0 && !std::ptr::eq(weak.as_ptr(), &raw const **shared)
    });
    started.push(Arc::downgrade(shared));
}

/// Ends every child of this process by its [exit policy](ExitPolicy) and waits for their ends, all
/// under one deadline. Also waits until the background inbox has delivered their last signals,
/// including handlers that block its threads, and, for two seconds at most, until the children's
/// last output has been passed on.
///
/// May also be called in a handler or in an `after_exit` hook: it then waits for everything that
/// ends without the calling thread.
///
/// [`#[mpcore::main]`](crate::main) calls it when `main` returns, with as much time as the children
/// have. In a forked copy of this process it does nothing, because the children belong to the
/// original.
///
/// # Errors
/// [`WaitError::Timeout`] if that was not done in time: a child that has not ended continues to end.
/// Give it as long as the children's exit policy and grace take. [`WaitError::Forbidden`] if this
/// thread [must not wait](crate::forbid_waiting_on_this_thread): no child was asked to end.
pub fn shutdown(timeout: Duration) -> Result<(), WaitError> {
    if sys::is_copy() {
        return Ok(());
    }
    if wait_forbidden() {
        return Err(WaitError::Forbidden);
    }
    let children = end_children();
    let done = wait_for(children, Instant::now().checked_add(timeout));
    if done { Ok(()) } else { Err(WaitError::Timeout(timeout)) }
}

/// Does the same, with as much time as the children themselves have, see [`time_to_end`]. Returns
/// whether everything was done.
pub(crate) fn end_of_program() -> bool {
    if sys::is_copy() {
        return true;
    }
    let children = end_children();
    let times = children.iter().map(|child| time_to_end(child));
    // Without children only the inbox is waited for.
    let longest = times.reduce(|a, b| Some(a?.max(b?))).unwrap_or(Some(Duration::ZERO));
    let deadline = longest
        .and_then(|longest| Instant::now().checked_add(longest.checked_add(SHUTDOWN_DEADLINE)?));
    wait_for(children, deadline)
}

/// Asks every child to end by its policy. A child that is already finishing continues.
fn end_children() -> Vec<Arc<Shared>> {
    let children = children();
    event!(INFO, "mpcore::stop", in None, "shutdown", children = children.len() as u64);
    for child in &children {
        if child.life().finish.is_some() {
            continue;
        }
        match child.options.at_exit {
            ExitPolicy::Stop => {
                request(child, EndRequest::Stop, AfterEnd::Rest, StopReason::Shutdown);
            }
            ExitPolicy::Finish(within) => finish::finish(child, Some(within)),
        }
    }
    children
}

/// Returns the children that were started and still exist.
fn children() -> Vec<Arc<Shared>> {
    let started = lock(&STARTED).clone();
    started.iter().filter_map(Weak::upgrade).collect()
}

/// Returns how long a child that was asked to end may take: the rest of its time to finish, its
/// grace, and the second after SIGTERM. `None` means without limit, as in a debugger.
fn time_to_end(child: &Shared) -> Option<Duration> {
    if child.is_patient() {
        return None;
    }
    let finish = child.life().finish;
    let left = match finish {
        Some(finish) => finish.until?.saturating_duration_since(Instant::now()),
        None => Duration::ZERO,
    };
    left.checked_add(child.options.stop_grace)?.checked_add(TERMINATE_GRACE)
}

/// Waits for the children's ends and their last signals and output. `None` as the deadline means
/// forever.
fn wait_for(children: Vec<Arc<Shared>>, deadline: Option<Instant>) -> bool {
    let mut all = true;
    for child in children {
        let left =
            deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
        all &= child.wait_idle(left);
    }
    // In a handler of that inbox, or in a hook, the rest is delivered after it returns.
    let heard = all && (tells_here() || background_inbox().wait_empty(deadline));
    // Even if a child is late, the output of the others is available.
    flush_output(deadline);
    heard
}

/// Passes on the last output of the children to this program's own stdout and stderr before it
/// ends, because it often says what went wrong. A blocked stream is waited for only briefly, and is
/// not a failure of a child.
fn flush_output(deadline: Option<Instant>) {
    let at_most = Instant::now() + FLUSH_DEADLINE;
    output::flush(deadline.map_or(at_most, |at| at.min(at_most)));
}

/// Ends this child's own children by their policies, and waits for their ends, last signals and
/// output. They are killed at `end` at the latest, when this child is killed itself, so finishing
/// has only the time before that.
fn end_nested(end: Option<Instant>) {
    // A child that ends by itself is not killed: it takes the time that a stop would have given it.
    let own = || Instant::now().checked_add(nested::grace()?);
    let end = end.or_else(own);
    let children = children();
    for child in &children {
        let finishes = match child.options.at_exit {
            ExitPolicy::Finish(within) => Some(within),
            ExitPolicy::Stop => child.life().finish.is_some().then_some(Duration::MAX),
        };
        if let Some(within) = finishes {
            let ladder = child.options.stop_grace.saturating_add(TERMINATE_GRACE);
            let left =
                end.map(|end| end.saturating_duration_since(Instant::now()).saturating_sub(ladder));
            finish::finish(child, Some(left.map_or(within, |left| left.min(within))));
            continue;
        }
        request(child, EndRequest::Stop, AfterEnd::Rest, StopReason::Shutdown);
        let run = child.life().run.clone();
        if let Some(run) = run.filter(|_| !child.is_patient()) {
            run.ask(
                EndRequest::Stop,
                nested::fitting(child.options.stop_grace, end, Instant::now()),
            );
        }
    }
    for child in children {
        child.wait_idle(Duration::MAX); // each has its own ladder
    }
    background_inbox().wait_empty(end);
    flush_output(end);
}

/// Ends the children when `main` ends; used by `#[mpcore::main]`.
#[derive(Debug, Default)]
pub struct ShutdownGuard {
    _private: (),
}

impl ShutdownGuard {
    /// Creates a guard, which has to be dropped last in `main`.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the children and waits as long as they may take; returns whether all of them have
    /// ended.
    #[must_use]
    pub fn end_children() -> bool {
        end_of_program()
    }
}

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        end_of_program();
    }
}
