//! The end that first does what is queued.
//!
//! [`finish`] closes the gate for new commands and notes the wish in the child's life. The thread that takes
//! the last command out of the table, or finds none there, asks for an ordinary stop. A time is an alarm of
//! the watcher's. A run that crashes meanwhile is followed by another one only if something goes over to it,
//! and the wish stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::controller::report::exit::State;
use crate::controller::signals::inbox::Wake;
use crate::controller::signals::notice::Notice;
use crate::controller::state::Finish;
use crate::controller::state::Shared;
use crate::controller::state::posting::enqueue;
use crate::controller::state::run::Ask;
use crate::controller::stopping::AfterEnd;
use crate::controller::stopping::request_if;
use crate::process::watch;
use crate::wire::messages::stop_reason::StopReason;

/// Lets the child do what is queued, at most for `within`, and then stop. Never blocks.
pub(crate) fn finish(shared: &Arc<Shared>, within: Option<Duration>) {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // A time beyond the clock's end never comes.
    let until = within.and_then(|within| Instant::now().checked_add(within));
    let mut wake = Wake::none();
    let wish = {
        let mut life = shared.life();
        // No run follows for a control that is gone.
        let follows = !life.released && (life.restart || life.restarting.is_some());
        let works = life.state.is_alive() && life.state != State::Stopping;
        if !works && !follows {
            return;
        }
        shared.traffic().finish();
        let number =
            life.finish.map_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed), |it| it.number);
        let before = life.finish.and_then(|it| it.until);
        let wish = Finish { number, until: before.into_iter().chain(until).min() };
        life.finish = Some(wish);
        if life.state == State::Running {
            life.state = State::Finishing;
            wake = enqueue(shared, Notice::State(State::Finishing));
        }
        wish
    };
    wake.wake();
    shared.life_changed().notify_all();
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

/// Stops a child that is to finish and has nothing left to do.
pub(crate) fn stop_if_done(shared: &Arc<Shared>) {
    request_if(shared, Ask::Stop, AfterEnd::Rest, StopReason::Finished, |life, traffic| {
        life.finish.is_some() && traffic.is_done()
    });
}

/// The time of this wish is over.
fn stop_late(shared: &Arc<Shared>, number: u64) {
    request_if(shared, Ask::Stop, AfterEnd::Rest, StopReason::FinishTimeOver, |life, _| {
        life.finish.is_some_and(|finish| finish.number == number)
    });
}
