//! One run of a child, from the spawn to its last signal.
//!
//! Each run has a thread that spawns, shakes hands, and then reads the events lane; it never waits
//! for the inbox. The watcher alone says that the process is gone. It then sends an end marker down
//! the events lane: reading up to it is the drain. Should the marker not be reached in time, whoever
//! sent it ends the run instead; the first to come ends it, once.
//!
//! [`connect`] begins it, [`read`] is its long middle, [`end`] its end.

mod command;
mod connect;
mod end;
mod finished;
mod guard;
mod held;
mod order;
mod output;
mod read;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod rehearsal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::registry;
use crate::controller::builder::Program;
use crate::controller::escalation::Blame;
use crate::controller::exit::Failure;
use crate::controller::run::connect::NotConnected;
use crate::controller::run::finished::{Busy, Finished};
use crate::controller::run::guard::EndGuard;
pub(crate) use crate::controller::run::held::Held;
use crate::controller::run::output::Streams;
use crate::controller::run::read::Unreadable;
use crate::controller::shared::Shared;
use crate::limits::CLOSED_LANE_PATIENCE;
use crate::process::End;
use crate::process::watch::{self, WatchKey};
use crate::sync::lock;
use crate::transport::LaneEnd;
use crate::transport::ipc::Greeting;
use crate::wire::report::Bye;

/// What is wrong with a program that lives on without the socket that is its stdin.
#[cfg(target_os = "linux")]
const NEVER_SAID_WHO: &str = "it has closed the socket that is its stdin before it said who it is; is \
     `mpcore::init()` or `mpcore::child_main` the first line of its `main`?";

/// What was asked of a run, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ask {
    Stop,
    Terminate,
    Kill,
}

/// What is known of a run so far.
#[derive(Default)]
struct Known {
    /// The watcher knows the run, so it can be asked.
    watched: bool,
    asked: Option<(Ask, Duration)>,
    /// A stop request has gone out, or SIGTERM was asked for: it may be cleaning up.
    asked_to_stop: bool,
    /// SIGTERM was sent.
    terminated: bool,
    /// The last rung of the ladder was climbed.
    killed: bool,
    start_deadline_passed: bool,
    /// What traced the process then.
    tracer: Option<u32>,
    /// The child has said who it is.
    introduced: bool,
    ready: bool,
    /// It was ended so that the next run can begin.
    replaced: bool,
    bye: Option<Bye>,
    failure: Option<Failure>,
    /// The command for which it was killed.
    blame: Option<Blame>,
    /// The watcher has spoken: there is no process any more, or it is waited for no longer.
    ended: Option<End>,
    /// For the end marker.
    events_end: Option<Arc<dyn LaneEnd>>,
}

/// Something a starting run waits for.
enum Step {
    Greeted { attempt: u32, greeting: Result<Greeting, String> },
    Ended,
}

/// See the [module](self).
pub(crate) struct Run {
    generation: u32,
    key: WatchKey,
    known: Mutex<Known>,
    steps: Mutex<mpsc::Sender<Step>>,
    /// Taken by the run's thread.
    received: Mutex<Option<mpsc::Receiver<Step>>>,
    finished: Finished,
    /// A lane to the child was full although there was credit.
    jammed: AtomicBool,
    /// A lane to the child is closed.
    closed_a_lane: AtomicBool,
    output: Streams,
    /// Until its end.
    held: Mutex<Option<Held>>,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Run {
    pub(crate) fn new(generation: u32) -> Self {
        let (steps, received) = mpsc::channel();
        Self {
            generation,
            key: watch::key(),
            known: Mutex::default(),
            steps: Mutex::new(steps),
            received: Mutex::new(Some(received)),
            finished: Finished::default(),
            jammed: AtomicBool::new(false),
            closed_a_lane: AtomicBool::new(false),
            output: Streams::default(),
            held: Mutex::default(),
        }
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// What is to be kept beside each descriptor of the run.
    pub(crate) fn hold(&self, held: Held) {
        *lock(&self.held) = Some(held);
    }

    fn held(&self) -> Option<Held> {
        lock(&self.held).clone()
    }

    /// Passes a wish on to the watcher, or keeps it until the watcher knows the run.
    pub(crate) fn ask(&self, ask: Ask, grace: Duration) {
        let watched = {
            let mut known = lock(&self.known);
            known.asked_to_stop |= ask != Ask::Kill;
            if known.asked.is_none_or(|(before, _)| before < ask) {
                known.asked = Some((ask, grace));
            }
            known.watched
        };
        if watched {
            self.order(ask, grace);
        }
    }

    fn order(&self, ask: Ask, grace: Duration) {
        match ask {
            Ask::Stop => watch::stop(self.key, grace),
            Ask::Terminate => watch::terminate(self.key),
            Ask::Kill => watch::kill(self.key),
        }
    }

    /// The watcher knows the run from now on.
    fn watched(&self) {
        let asked = {
            let mut known = lock(&self.known);
            known.watched = true;
            known.asked
        };
        if let Some((ask, grace)) = asked {
            self.order(ask, grace);
        }
    }

    /// Ends a child that does not keep to the protocol.
    pub(crate) fn declare_broken(&self, why: &str) {
        self.fail(Failure::Broken(why.to_owned()));
    }

    /// Ends a run for a reason of the controller's.
    fn fail(&self, failure: Failure) {
        lock(&self.known).failure.get_or_insert(failure);
        watch::kill(self.key);
    }

    /// Kills the run, for a command that is to end as if it had heeded what it was asked; no failure:
    /// its end was asked for anyway.
    pub(crate) fn kill_for(&self, blame: Option<Blame>, failure: Option<Failure>) {
        {
            let mut known = lock(&self.known);
            if known.failure.is_none() {
                known.failure = failure;
            }
            known.blame = known.blame.or(blame);
        }
        watch::kill(self.key);
    }

    /// Its end, which is to be brought about now, is for the next run to begin: as after a crash, with the
    /// policy's delays and intensity, but also where the policy is never to restart.
    pub(crate) fn make_way(&self) {
        lock(&self.known).replaced = true;
    }

    /// Acts unless the run is over; it does not end meanwhile. Does not wait for who else acts on it.
    pub(crate) fn try_while_it_lasts(&self, act: impl FnOnce()) -> Result<(), Busy> {
        if let Some(_going) = self.finished.try_hold()? {
            act();
        }
        Ok(())
    }

    /// How the reader's wait is ended when there is no process any more.
    fn ends_with(&self, end: Arc<dyn LaneEnd>) {
        let ended = {
            let mut known = lock(&self.known);
            known.events_end = Some(Arc::clone(&end));
            known.ended.is_some()
        };
        if ended {
            // It has ended meanwhile, and whoever tells found no lane to end.
            self.mark_end(end);
        }
    }

    /// Ends the reader's wait. In a thread of its own: it could block for ever, and nobody would end the
    /// run.
    fn mark_end(&self, end: Arc<dyn LaneEnd>) {
        let (generation, held) = (self.generation, self.held());
        if !end.may_block() {
            return end.end(generation);
        }
        let body = move || {
            end.end(generation);
            drop(end);
            drop(held);
        };
        let _ = thread::Builder::new().name("mp-marker".into()).spawn(body);
    }

    /// The child has closed a lane that it is to read. It is about to end, or else is made to.
    fn has_closed_a_lane(self: &Arc<Self>) {
        if self.closed_a_lane.swap(true, Ordering::SeqCst) {
            return;
        }
        let run = Arc::downgrade(self);
        watch::alarm(Instant::now() + CLOSED_LANE_PATIENCE, move || {
            let Some(run) = run.upgrade() else { return };
            let known = lock(&run.known);
            let goes_anyway = known.ended.is_some() || known.bye.is_some() || known.asked.is_some();
            drop(known);
            if !goes_anyway {
                run.declare_broken("it has closed a lane that it is to read");
            }
        });
    }

    /// The child takes nothing, although it has reported to. Takes no lock of a child's.
    fn declare_jammed(&self) {
        self.jammed.store(true, Ordering::SeqCst);
        watch::kill(self.key);
    }

    fn send_step(&self, step: Step) {
        let _ = lock(&self.steps).send(step);
    }
}

/// Starts the run's thread.
pub(crate) fn begin(shared: &Arc<Shared>, run: &Arc<Run>) {
    let for_thread = (Arc::clone(shared), Arc::clone(run));
    let body = move || {
        let (shared, run) = for_thread;
        live(&shared, &run);
    };
    // The system cuts the name at 15 characters.
    let name = format!("mp-{}", shared.name().replace('\0', ""));
    if let Err(error) = thread::Builder::new().name(name).spawn(body) {
        lock(&run.known).failure = Some(Failure::Resources(error.to_string()));
        end::finish(shared, run);
    }
}

fn live(shared: &Arc<Shared>, run: &Arc<Run>) {
    let Some(steps) = lock(&run.received).take() else {
        return;
    };
    let guard = EndGuard { shared, run, steps };
    // For what this thread reads; let go before the run's end is told, for which `join` waits as well.
    let _held = run.held();
    let steps = &guard.steps;
    let connected = match &shared.spec.program {
        Program::Thread(child) => connect::to_thread(shared, run, child.serve),
        Program::Script(script) => {
            let (script, table) = (script.clone(), Arc::clone(&shared.table));
            let serve = move |lanes, run: registry::Run| script.play(&table, lanes, &run);
            connect::to_thread(shared, run, serve)
        }
        _ => connect::to_process(shared, run, steps),
    };
    match connected {
        Ok((lanes, nonce)) => {
            let events = read::open(shared, run, lanes, nonce);
            match read::read(shared, run, events) {
                Ok(()) => {}
                Err(Unreadable::Closed) => help_along(run, steps, "it has closed its lane"),
                Err(Unreadable::NoMemory(why)) => {
                    run.fail(Failure::Resources(why));
                    wait_for_end(steps);
                }
                Err(Unreadable::Broken(why)) => {
                    run.declare_broken(&why);
                    wait_for_end(steps);
                }
            }
        }
        #[cfg(target_os = "linux")]
        Err(NotConnected::Closed) => help_along(run, steps, NEVER_SAID_WHO),
        Err(NotConnected::NoProcess(failure)) => {
            lock(&run.known).failure.get_or_insert(failure);
        }
        Err(NotConnected::Refused(failure)) => {
            run.fail(failure);
            wait_for_end(steps);
        }
        Err(NotConnected::Ended) => {}
    }
}

/// A child that has closed its lane is about to end, or else is made to.
fn help_along(run: &Run, steps: &mpsc::Receiver<Step>, otherwise: &str) {
    match steps.recv_timeout(CLOSED_LANE_PATIENCE) {
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

/// Waits for the watcher's word; the ladder has a last rung, so it comes.
fn wait_for_end(steps: &mpsc::Receiver<Step>) {
    while !matches!(steps.recv(), Ok(Step::Ended) | Err(_)) {}
}
