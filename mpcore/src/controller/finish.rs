//! Finishing: the end that first runs the queued commands.
//!
//! [`finish`] closes the gate for new commands and records the request in the child's life. The
//! thread that takes the last command out of the table, or finds the table empty, requests an
//! ordinary stop. A request made before the child is ready shows as `Finishing` only once it is.
//! A time limit is an alarm of the watcher. If the run crashes meanwhile, another run follows only
//! if commands carry over to it, and the request stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::controller::report::exit::ProcessState;
use crate::controller::signals::inbox::Wake;
use crate::controller::signals::notice::Notice;
use crate::controller::state::posting::enqueue;
use crate::controller::state::run::EndRequest;
use crate::controller::state::{Finish, Shared};
use crate::controller::stopping::{AfterEnd, request_if};
use crate::process::watch;
use crate::trace::{event, ms};
use crate::wire::messages::stop_reason::StopReason;

/// Lets the child run the queued commands, for at most `within`, and then stop. Never blocks.
pub(crate) fn finish(shared: &Arc<Shared>, within: Option<Duration>) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // A time beyond the clock's range never comes.
    let until = within.and_then(|within| Instant::now().checked_add(within));
    let mut wake = Wake::none();
    let wish = {
        let mut life = shared.life();
        // No run follows if the last control was dropped.
        let follows = !life.released && (life.restart || life.restarting.is_some());
        let works = life.state.is_alive() && life.state != ProcessState::Stopping;
        if !works && !follows {
            return;
        }
        shared.traffic().finish();
        let number =
            life.finish.map_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed), |it| it.number);
        let before = life.finish.and_then(|it| it.until);
        let wish = Finish { number, until: before.into_iter().chain(until).min() };
        life.finish = Some(wish);
        if life.state == ProcessState::Running {
            life.state = ProcessState::Finishing;
            wake = enqueue(shared, Notice::State(ProcessState::Finishing));
        }
        wish
    };
    wake.wake();
    shared.life_changed().notify_all();
    event!(
        INFO, "mpcore::stop", in shared.run_span(), "finish requested", within_ms = within.map(ms),
    );
    if let Some(until) = until {
        let shared = Arc::downgrade(shared);
        watch::alarm(until, move || {
            if let Some(shared) = shared.upgrade() {
                stop_late(&shared, wish.number);
            }
        });
    }
    stop_if_done(shared);
}

/// Stops a child that is to finish and has nothing left to run.
pub(crate) fn stop_if_done(shared: &Arc<Shared>) {
    request_if(shared, EndRequest::Stop, AfterEnd::Rest, StopReason::Finished, |life, traffic| {
        life.finish.is_some() && traffic.is_done()
    });
}

/// Stops the child because the time of this request is over.
fn stop_late(shared: &Arc<Shared>, number: u64) {
    request_if(shared, EndRequest::Stop, AfterEnd::Rest, StopReason::FinishTimeOver, |life, _| {
        life.finish.is_some_and(|finish| finish.number == number)
    });
}
