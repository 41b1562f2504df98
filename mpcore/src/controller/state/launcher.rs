//! Where a child comes from: what a start gives to a launcher, and what it expects of it.
//!
//! `run/launch` has the launchers of this crate. For another one, implement [`Launcher`]: packets,
//! credit, calls, signals and the end of a run do not depend on where the child is. Two questions
//! are still answered by the [program](crate::controller::state::program) and not by the launcher:
//! whether a kill can be reported as failed, and whether a debugger can hold the child.

use std::fmt;
use std::sync::{Arc, mpsc};

use crate::controller::report::failure::RunFailure;
use crate::controller::state::Shared;
use crate::controller::state::run::{Patience, Run, Step};
use crate::process::watch::{self, Subject, Watched};
use crate::transport::ControllerLanes;
use crate::wire::messages::handshake::Nonce;

/// Starts children of one kind.
pub(crate) trait Launcher: fmt::Debug + Send + Sync {
    /// Starts the child and shakes hands with it. Runs on the run's thread, and may wait.
    ///
    /// It passes the run to the watcher ([`Launch::watch`]) before there is anything that could end,
    /// posts `started` (and sets `life.pid`, for a process of this system) before the watcher can
    /// report an end, and calls [`watch::forget`] if it fails after that. The end of a process is
    /// reported by the watcher. The end of another subject is reported by the launcher, with
    /// [`watch::forget`] and [`Watched::ended`].
    fn launch(&self, launch: &Launch<'_>) -> Result<Launched, NotLaunched>;

    /// How long a run waits for what is on its way to arrive.
    fn patience(&self) -> Patience {
        Patience::OF_ONE_SYSTEM
    }
}

/// A start.
pub(crate) struct Launch<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) run: &'a Arc<Run>,
    /// Receives the watcher's reports.
    pub(crate) owner: Arc<dyn Watched>,
    pub(crate) steps: &'a mpsc::Receiver<Step>,
}

impl Launch<'_> {
    /// Passes the run to the watcher, even before there is a process: its start deadline and a kill
    /// apply to the spawn too.
    pub(crate) fn watch(&self, subject: Subject) {
        let Self { shared, run, owner, .. } = self;
        let deadline = Some(shared.options.start_deadline).filter(|_| !shared.is_patient());
        watch::watch(run.key, Arc::clone(owner), subject, deadline);
        run.watched();
    }
}

/// A child that was recognised.
pub(crate) struct Launched {
    pub(crate) lanes: ControllerLanes,
    /// The first item that it is sent repeats this, so that it knows its controller.
    pub(crate) nonce: Nonce,
}

/// Why a run has no lanes.
#[derive(Debug)]
pub(crate) enum NotLaunched {
    /// There never was a child.
    NoChild(RunFailure),
    /// There is a child, and it must be killed.
    Refused(RunFailure),
    /// The child has closed its end, so it is about to end. If it does not, this is what it did.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    Closed(&'static str),
    /// The child has ended.
    Ended,
}

impl NotLaunched {
    /// The system refused what a start needs.
    pub(crate) fn resources(error: &dyn fmt::Display) -> Self {
        Self::NoChild(RunFailure::Resources(error.to_string()))
    }
}
