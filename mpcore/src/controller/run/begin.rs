//! The part of a start that other threads must see immediately, and the guard by which `join` waits
//! for a run's descriptors.

use std::sync::Arc;
use std::time::Instant;

use crate::controller::report::exit::ProcessState;
use crate::controller::signals::inbox::Wake;
use crate::controller::signals::notice::Notice;
use crate::controller::state::held::Held;
use crate::controller::state::posting::{enqueue, enqueue_change};
use crate::controller::state::run::Run;
use crate::controller::state::{Life, Shared};

/// Begins a run in the shared state, so that other threads see it immediately.
pub(crate) fn begin_run(shared: &Arc<Shared>, life: &mut Life) -> (Arc<Run>, Wake) {
    let run = Arc::new(Run::new(life.generation + 1, shared.launcher.patience()));
    life.generation += 1;
    life.state = ProcessState::Starting;
    life.pid = None;
    (life.restart, life.start) = (false, false);
    life.restarting = None;
    life.reason = None;
    life.supervisor.begun(Instant::now());
    life.ready = false;
    life.run = Some(Arc::clone(&run));
    life.holding.push(run.generation());
    run.hold(held(shared, run.generation()));
    let reapplied = {
        let mut traffic = shared.traffic();
        let reapplied = traffic.begin_run(|command| shared.limit(command, None));
        if life.finish.is_some() {
            traffic.finish();
        }
        reapplied
    };
    shared.control().reset();
    shared.inbox.begin_run(&shared.mirrors);
    let mut wake = enqueue(shared, Notice::State(ProcessState::Starting));
    // When this run becomes visible, no value of the previous run is visible any more, except those
    // to be reapplied.
    for (property, row) in (0..).zip(&shared.table.properties) {
        let change = enqueue_change(shared, property, |mirror| {
            if reapplied.contains(&property) {
                mirror.keep(&row.initial);
                return false;
            }
            mirror.begin(&row.initial)
        });
        wake = wake.and(change);
    }
    (run, wake)
}

/// Kept beside the descriptors of this run: `join` waits until it is dropped.
fn held(shared: &Arc<Shared>, generation: u32) -> Held {
    let shared = Arc::downgrade(shared);
    Held::new(move || {
        if let Some(shared) = shared.upgrade() {
            shared.life().holding.retain(|held| *held != generation);
            shared.life_changed().notify_all();
        }
    })
}
