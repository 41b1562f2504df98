//! The state that the handles, calls and threads of one child share, over all its runs.
//!
//! [`Shared`] is the whole: the life cycle, the queue and table of calls, the control lane, the
//! mirrors, the inbox. It is also what credit depends on ([`Allowance`]), and counts the threads
//! that wait for the child or still have something to post. [`run`] is the state of one run,
//! [`options`], [`program`] and [`config`] are what the builder sets, [`posting`] puts notices into
//! the inbox, [`captured`] and [`streams`] hold the child's output, [`encoder`] the jobs of the
//! encoder thread, [`held`] the descriptors of a run. [`launcher`] is the seam to where children
//! come from, [`watched_run`] what the watcher holds, and [`reporting`] marks the threads that
//! report an end. Every thread of the controller touches this room; what they do with it is decided
//! in the rooms above.
//!
//! Locks are always taken in this order: the run's `finished`, `life`, the run's `known`,
//! `traffic`, `control`, the inbox's. Each is held briefly. User code runs under none of them but
//! the first, which a thread that acts on the run holds meanwhile, and which the end of the run
//! takes; notices [enqueued](crate::controller::state::posting::enqueue) under the others wake the
//! inbox's thread after the locks are released.

pub(crate) mod captured;
pub(crate) mod config;
pub(crate) mod encoder;
pub(crate) mod held;
pub(crate) mod launcher;
pub(crate) mod options;
pub(crate) mod posting;
pub(crate) mod program;
pub(crate) mod reporting;
pub(crate) mod run;
pub(crate) mod streams;
pub(crate) mod watched_run;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Instant;

use crate::controller::flow_control::allowance::Allowance;
use crate::controller::flow_control::bound::Fill;
use crate::controller::flow_control::control_lane::ControlLane;
use crate::controller::model::requests::Traffic;
use crate::controller::model::restart_policy::Supervisor;
use crate::controller::report::exit::{ExitReport, ProcessState};
use crate::controller::report::notifications::Restarting;
use crate::controller::signals::mirror::Mirror;
use crate::controller::signals::notice::ChildInbox;
use crate::controller::signals::process_signals::ProcessSignals;
use crate::controller::signals::sinks::Sinks;
use crate::controller::state::captured::Captured;
use crate::controller::state::config::ConfigBytes;
use crate::controller::state::encoder::EncoderThread;
use crate::controller::state::launcher::Launcher;
use crate::controller::state::options::Options;
use crate::controller::state::program::Program;
use crate::controller::state::run::Run;
use crate::debugging;
use crate::panics::unwind::caught;
use crate::sync::atomic::AtomicUsize;
use crate::sync::lock;
use crate::trace::event;
use crate::wire::interface::description::{Delivery, InterfaceTable};
use crate::wire::messages::stop_reason::StopReason;

/// The request to finish, from `finish` until the child is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Finish {
    /// Distinguishes it from later requests, to which an alarm of this one does not apply.
    pub(crate) number: u64,
    /// When it becomes a stop; `None` means never.
    pub(crate) until: Option<Instant>,
}

/// The state of a child's life cycle.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) state: ProcessState,
    /// The number of runs so far.
    pub(crate) generation: u32,
    /// The current run, from `start` until its end.
    pub(crate) run: Option<Arc<Run>>,
    pub(crate) pid: Option<u32>,
    /// The report of the last run.
    pub(crate) report: Option<Arc<ExitReport>>,
    /// The current run has been ready.
    pub(crate) ready: bool,
    /// Whether to start again when the current run has ended.
    pub(crate) restart: bool,
    /// Whether `start` requested that, while the end of the run was being reported.
    pub(crate) start: bool,
    /// Set while the child is to run the queued commands and then stop.
    pub(crate) finish: Option<Finish>,
    /// The mirrors hold the values of a run that has ended.
    pub(crate) stale: bool,
    /// Why the current run, or the last one, was asked to end.
    pub(crate) reason: Option<StopReason>,
    /// The next run, which begins automatically when its time has come.
    pub(crate) restarting: Option<Restarting>,
    pub(crate) supervisor: Supervisor,
    /// The number of threads that still have to post something that belongs before the run's last
    /// signal.
    pub(crate) posting: usize,
    /// The last signals of a run are being posted; the next run must not begin before that is done.
    pub(crate) being_told: bool,
    /// The runs of which a thread still holds a descriptor.
    pub(crate) holding: Vec<u32>,
    /// The number of runs that have ended except for their `after_exit` hook.
    pub(crate) hooks: usize,
    /// The last control was dropped, so this child is never started again.
    pub(crate) released: bool,
}

/// See the [module](self).
pub(crate) struct Shared {
    pub(crate) program: Program,
    pub(crate) launcher: Arc<dyn Launcher>,
    /// `None` until it is set, see
    /// [`Core::set_config`](crate::controller::control::Core::set_config).
    pub(crate) config: Mutex<Option<Arc<ConfigBytes>>>,
    pub(crate) options: Options,
    pub(crate) table: Arc<InterfaceTable>,
    pub(crate) sinks: Sinks,
    pub(crate) signals: ProcessSignals,
    pub(crate) mirrors: Vec<Arc<Mirror>>,
    pub(crate) inbox: ChildInbox,
    pub(crate) captured: Captured,
    pub(crate) encoder: EncoderThread,
    name: Mutex<String>,
    life: Mutex<Life>,
    life_changed: Condvar,
    traffic: Mutex<Traffic>,
    control: Mutex<ControlLane>,
    /// The number of threads that wait for this child.
    waiters: AtomicUsize,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.life().state;
        f.debug_struct("Shared").field("name", &self.name()).field("state", &state).finish()
    }
}

impl Shared {
    pub(crate) fn new(
        program: Program,
        launcher: Arc<dyn Launcher>,
        config: Option<Arc<ConfigBytes>>,
        options: Options,
        name: String,
        table: Arc<InterfaceTable>,
        sinks: Sinks,
    ) -> Arc<Self> {
        let mirrors = table.properties.iter().map(|row| Arc::new(Mirror::new(row.initial.clone())));
        let life = Life {
            state: ProcessState::Created,
            generation: 0,
            run: None,
            pid: None,
            report: None,
            ready: false,
            restart: false,
            start: false,
            finish: None,
            stale: false,
            reason: None,
            restarting: None,
            supervisor: Supervisor::new(options.restart),
            posting: 0,
            being_told: false,
            holding: Vec::new(),
            hooks: 0,
            released: false,
        };
        let traffic = Traffic::new(options.queue, options.ping_interval);
        Arc::new(Self {
            mirrors: mirrors.collect(),
            program,
            launcher,
            config: Mutex::new(config),
            options,
            table,
            sinks,
            signals: ProcessSignals::default(),
            inbox: ChildInbox::default(),
            captured: Captured::default(),
            encoder: EncoderThread::default(),
            name: Mutex::new(name),
            life: Mutex::new(life),
            life_changed: Condvar::new(),
            traffic: Mutex::new(traffic),
            control: Mutex::default(),
            waiters: AtomicUsize::new(0),
        })
    }

    pub(crate) fn name(&self) -> String {
        lock(&self.name).clone()
    }

    pub(crate) fn set_name(&self, name: String) {
        *lock(&self.name) = name;
    }

    pub(crate) fn life(&self) -> MutexGuard<'_, Life> {
        lock(&self.life)
    }

    pub(crate) fn life_changed(&self) -> &Condvar {
        &self.life_changed
    }

    pub(crate) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        lock(&self.traffic)
    }

    pub(crate) fn control(&self) -> MutexGuard<'_, ControlLane> {
        lock(&self.control)
    }

    /// Returns whether the controller's deadlines are suspended: the child is debugged, or runs
    /// under a tool.
    pub(crate) fn is_patient(&self) -> bool {
        !self.program.is_on_thread()
            && (debugging::is_for(&self.name()) || debugging::run_under().is_some())
    }

    /// Returns whether only the newest waiting event of this kind is delivered.
    pub(crate) fn is_latest(&self, event: u16) -> bool {
        let row = self.table.events.get(usize::from(event));
        row.is_some_and(|row| row.delivery == Delivery::Latest)
    }

    /// Returns the span of the current run.
    pub(crate) fn run_span(&self) -> Option<tracing::Id> {
        let run = self.life().run.clone();
        run.and_then(|run| run.span.id())
    }

    pub(crate) fn command_name(&self, command: u16) -> Option<&'static str> {
        self.table.commands.get(usize::from(command)).map(|row| row.name)
    }

    /// A thread that takes a call out of the table holds the returned guard until it has reported
    /// the outcome. The outcome belongs before the run's last signal, so the run does not end
    /// meanwhile.
    pub(crate) fn begin_posting(self: &Arc<Self>, life: &mut Life) -> Posting {
        life.posting += 1;
        Posting(Arc::clone(self))
    }

    // ---- waiting

    /// While the guard lives, a full inbox does not keep the child from answering.
    pub(crate) fn begin_wait(self: &Arc<Self>) -> WaiterGuard {
        self.enter_wait();
        WaiterGuard(Arc::clone(self))
    }
}

impl Allowance for Shared {
    fn fill(&self) -> Fill {
        self.inbox.fill(self.options.inbox_bound)
    }

    fn waiters(&self) -> &AtomicUsize {
        &self.waiters
    }

    fn is_stopping(&self) -> bool {
        self.life().state == ProcessState::Stopping
    }

    fn is_withheld(&self) -> bool {
        self.control().is_withheld()
    }

    fn give(&self) {
        self.control().grant();
        event!(DEBUG, "mpcore::flow", in self.run_span(), "credit granted");
    }

    fn give_up_waiting(&self) {
        event!(WARN, "mpcore::flow", in self.run_span(), "inbox over its hard limit");
        let everybody = self.traffic().pending.give_up_waiting();
        for one in everybody {
            let _ = caught(|| one.tell());
        }
    }
}

/// See [`Shared::begin_posting`].
#[must_use]
#[derive(Debug)]
pub(crate) struct Posting(Arc<Shared>);

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.life().posting -= 1;
        self.0.life_changed.notify_all();
    }
}

/// See [`Shared::begin_wait`].
#[derive(Debug)]
pub(crate) struct WaiterGuard(Arc<Shared>);

impl Drop for WaiterGuard {
    fn drop(&mut self) {
        self.0.leave_wait();
    }
}
