//! One run of a child: its state, and what can be requested of it. Also the steps that a starting
//! run waits for, how long a run waits, and how the reader's wait is ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::controller::model::finished::{Busy, Finished};
use crate::controller::model::limit::Blame;
use crate::controller::report::failure::RunFailure;
use crate::controller::state::held::Held;
use crate::controller::state::streams::Streams;
use crate::limits::{CLOSED_LANE_PATIENCE, DRAIN_DEADLINE};
use crate::process::ProcessEnd;
use crate::process::watch::{self, WatchKey};
use crate::sync::lock;
use crate::trace::{RunSpan, event};
use crate::transport::LaneEnd;
use crate::transport::ipc::Greeting;
use crate::wire::messages::report::Bye;

/// A requested end of a run, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EndRequest {
    Stop,
    Terminate,
    Kill,
}

impl EndRequest {
    /// Returns its name in the trace.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
            Self::Kill => "kill",
        }
    }
}

/// The state of a run so far.
#[derive(Default)]
pub(crate) struct RunKnowledge {
    /// Whether the watcher has the run, so requests can be passed on.
    pub(crate) watched: bool,
    pub(crate) asked: Option<(EndRequest, Duration)>,
    /// A stop request was sent, or SIGTERM was requested, so it may be cleaning up.
    pub(crate) asked_to_stop: bool,
    /// SIGTERM was sent.
    pub(crate) terminated: bool,
    /// The last rung of the stop ladder was reached.
    pub(crate) killed: bool,
    pub(crate) start_deadline_passed: bool,
    /// The process that traced the child at that moment.
    pub(crate) tracer: Option<u32>,
    /// The child has introduced itself.
    pub(crate) introduced: bool,
    pub(crate) ready: bool,
    /// The run was ended so that the next one can begin.
    pub(crate) replaced: bool,
    pub(crate) bye: Option<Bye>,
    pub(crate) failure: Option<RunFailure>,
    /// The command for which it was killed.
    pub(crate) blame: Option<Blame>,
    /// Set by the watcher: the process is gone, or is no longer waited for.
    pub(crate) ended: Option<ProcessEnd>,
    /// Sends the end marker.
    pub(crate) events_end: Option<Arc<dyn LaneEnd>>,
}

/// An event that a starting run waits for.
pub(crate) enum Step {
    Greeted { attempt: u32, greeting: Result<Greeting, String> },
    Ended,
}

/// How long a run waits for what is on its way to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// From the child's end to the end marker behind its last item.
    pub(crate) drain: Duration,
    /// From a closed lane to the child's end.
    pub(crate) closed_lane: Duration,
}

impl Patience {
    /// What is on its way is in the kernel's buffers.
    pub(crate) const OF_ONE_SYSTEM: Self =
        Self { drain: DRAIN_DEADLINE, closed_lane: CLOSED_LANE_PATIENCE };
}

/// See the [module](self).
pub(crate) struct Run {
    pub(crate) generation: u32,
    pub(crate) key: WatchKey,
    pub(crate) known: Mutex<RunKnowledge>,
    pub(crate) steps: Mutex<mpsc::Sender<Step>>,
    /// Taken by the run's thread.
    pub(crate) received: Mutex<Option<mpsc::Receiver<Step>>>,
    pub(crate) finished: Finished,
    /// A lane to the child was full although there was credit.
    pub(crate) jammed: AtomicBool,
    /// A lane to the child is closed.
    pub(crate) closed_a_lane: AtomicBool,
    pub(crate) output: Streams,
    /// Dropped when the run ends.
    pub(crate) held: Mutex<Option<Held>>,
    pub(crate) span: RunSpan,
    patience: Patience,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run").field("generation", &self.generation).finish_non_exhaustive()
    }
}

impl Run {
    pub(crate) fn new(generation: u32, patience: Patience) -> Self {
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
            span: RunSpan::default(),
            patience,
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Sets the guard to keep beside each descriptor of the run.
    pub(crate) fn hold(&self, held: Held) {
        *lock(&self.held) = Some(held);
    }

    pub(crate) fn held(&self) -> Option<Held> {
        lock(&self.held).clone()
    }

    /// Passes a request on to the watcher, or keeps it until the watcher has the run.
    pub(crate) fn ask(&self, ask: EndRequest, grace: Duration) {
        let watched = {
            let mut known = lock(&self.known);
            known.asked_to_stop |= ask != EndRequest::Kill;
            if known.asked.is_none_or(|(before, _)| before < ask) {
                known.asked = Some((ask, grace));
            }
            known.watched
        };
        if watched {
            self.order(ask, grace);
        }
    }

    pub(crate) fn order(&self, ask: EndRequest, grace: Duration) {
        match ask {
            EndRequest::Stop => watch::stop(self.key, grace),
            EndRequest::Terminate => watch::terminate(self.key),
            EndRequest::Kill => watch::kill(self.key),
        }
    }

    /// Called when the watcher has the run.
    pub(crate) fn watched(&self) {
        let asked = {
            let mut known = lock(&self.known);
            known.watched = true;
            known.asked
        };
        if let Some((ask, grace)) = asked {
            self.order(ask, grace);
        }
    }

    /// Ends a child that violates the protocol.
    pub(crate) fn declare_broken(&self, why: &str) {
        event!(ERROR, "mpcore::run", in self.span.id(), "protocol violated", detail = why.to_owned());
        self.fail(RunFailure::Broken(why.to_owned()));
    }

    /// Ends the run for a reason on the controller's side.
    pub(crate) fn fail(&self, failure: RunFailure) {
        lock(&self.known).failure.get_or_insert(failure);
        watch::kill(self.key);
    }

    /// Kills the run for a command, which then ends as if it had obeyed. `failure` is `None` if the
    /// end of the run was requested anyway.
    pub(crate) fn kill_for(&self, blame: Option<Blame>, failure: Option<RunFailure>) {
        {
            let mut known = lock(&self.known);
            if known.failure.is_none() {
                known.failure = failure;
            }
            known.blame = known.blame.or(blame);
        }
        watch::kill(self.key);
    }

    /// Marks the run, which is about to be ended, as making room for the next one. A restart
    /// follows as after a crash, with the policy's delays and intensity, even if the policy is
    /// never to restart.
    pub(crate) fn make_way(&self) {
        lock(&self.known).replaced = true;
    }

    /// Calls `act` unless the run is over; the run does not end meanwhile. Does not wait if another
    /// thread is handling the run.
    pub(crate) fn try_while_it_lasts(&self, act: impl FnOnce()) -> Result<(), Busy> {
        if let Some(_going) = self.finished.try_hold()? {
            act();
        }
        Ok(())
    }

    /// Sets how to end the reader's wait when the process is gone.
    pub(crate) fn ends_with(&self, end: Arc<dyn LaneEnd>) {
        let ended = {
            let mut known = lock(&self.known);
            known.events_end = Some(Arc::clone(&end));
            known.ended.is_some()
        };
        if ended {
            // The process has ended meanwhile, and the thread that reported it found no lane to
            // end.
            self.mark_end(end);
        }
    }

    /// Ends the reader's wait. If that may block, it happens on a separate thread: blocked forever,
    /// it would keep the run from ending.
    pub(crate) fn mark_end(&self, end: Arc<dyn LaneEnd>) {
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

    /// The child has closed a lane that it has to read. It is about to end; if it does not, it is
    /// killed.
    pub(crate) fn has_closed_a_lane(self: &Arc<Self>) {
        if self.closed_a_lane.swap(true, Ordering::SeqCst) {
            return;
        }
        let run = Arc::downgrade(self);
        watch::alarm(Instant::now() + self.patience.closed_lane, move || {
            let Some(run) = run.upgrade() else { return };
            let known = lock(&run.known);
            let goes_anyway = known.ended.is_some() || known.bye.is_some() || known.asked.is_some();
            drop(known);
            if !goes_anyway {
                run.declare_broken("it closed a lane that it has to read");
            }
        });
    }

    /// The child reads nothing, although it reported that it did. Takes no lock of a child.
    pub(crate) fn declare_jammed(&self) {
        self.jammed.store(true, Ordering::SeqCst);
        watch::kill(self.key);
    }

    pub(crate) fn send_step(&self, step: Step) {
        let _ = lock(&self.steps).send(step);
    }
}

/// Waits until the watcher reports the end. It always comes, because the stop ladder has a last
/// rung.
pub(crate) fn wait_for_end(steps: &mpsc::Receiver<Step>) {
    while !matches!(steps.recv(), Ok(Step::Ended) | Err(_)) {}
}
