//! The options of one child, as its builder leaves them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::child::registry::{self, Registration};
use crate::controller::flow_control::bound::InboxBound;
use crate::controller::model::restart_policy::RestartPolicy;
use crate::controller::report::escalation::Escalation;
use crate::controller::report::exit::ExitReport;
use crate::controller::signals::inbox::InboxHandle;
use crate::controller::state::config::ConfigBytes;
use crate::limits::PING_INTERVAL;
use crate::testing::Script;
use crate::transport::Transport;
use crate::wire::at_exit::AtExit;
use crate::wire::child_limits::ChildLimits;
use crate::wire::fault::FaultPlan;
use crate::wire::outgoing::Bounds;

/// What runs as the child.
#[derive(Debug, Clone)]
pub(crate) enum Program {
    /// This binary, started again.
    Own { key: String },
    /// Another binary.
    Path(OsString),
    /// A thread of this process.
    Thread(Registration),
    /// A thread of this process that plays a script.
    Script(Script),
}

impl Program {
    /// Whether the child is no process of its own.
    pub(crate) fn is_on_thread(&self) -> bool {
        matches!(self, Self::Thread(_) | Self::Script(_))
    }

    /// Whether the child runs this very code, so that its interface need not be compared.
    pub(crate) fn is_same_code(&self) -> bool {
        match self {
            Self::Own { key } => registry::is_same_code(key),
            Self::Path(_) => false,
            Self::Thread(_) | Self::Script(_) => true,
        }
    }
}

/// Where a child's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// To the controller's own. Where that is blocked, a child that goes on writing waits too.
    ///
    /// A stdout that is a terminal or a file is the child's as well. One that is a pipe or a socket is
    /// written by the controller, as stderr always is: a command that prints does not fail when its reader is
    /// gone, and what is printed then goes nowhere. What a child prints after its controller has ended goes
    /// nowhere either.
    Inherit,
    /// Nowhere. The last lines of stderr stand in the exit report all the same.
    Null,
    /// To whoever is connected to [`ProcessSignals::stdout_line`](crate::ProcessSignals::stdout_line) or
    /// [`stderr_line`](crate::ProcessSignals::stderr_line): connect before `start`.
    ///
    /// A program that is no Rust program may write whole blocks instead of lines when it writes into a pipe.
    /// What descendants of the child write comes along, and so does what a test harness writes where the
    /// child is a test binary. A child on a thread has no output of its own.
    Captured,
}

pub(crate) type AfterExit = Box<dyn Fn(&ExitReport) + Send + Sync>;

/// The options of one child.
pub(crate) struct Spec {
    pub(crate) program: Program,
    /// None until it is known, see [`Core::set_config`].
    pub(crate) config: Mutex<Option<Arc<ConfigBytes>>>,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
    pub(crate) clear_environment: bool,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) transport: Transport,
    pub(crate) faults: Option<FaultPlan>,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
    pub(crate) start_deadline: Duration,
    pub(crate) stop_grace: Duration,
    pub(crate) at_exit: AtExit,
    pub(crate) queue: Bounds,
    pub(crate) inbox_bound: InboxBound,
    pub(crate) inbox: InboxHandle,
    pub(crate) after_exit: Option<AfterExit>,
    pub(crate) vigilance: Vigilance,
    pub(crate) restart: RestartPolicy,
    /// Accepted writes of properties are made again with every start.
    pub(crate) reapply_properties: bool,
    /// A child whose interface cannot be compared as a whole is refused.
    pub(crate) compare_strictly: bool,
    pub(crate) limits: Option<ChildLimits>,
    pub(crate) thread_stack: Option<usize>,
}

/// The options of one child.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vigilance {
    pub(crate) ping_interval: Duration,
    pub(crate) on_unresponsive: Escalation,
    pub(crate) on_timeout: Escalation,
}

impl Default for Vigilance {
    fn default() -> Self {
        Self {
            ping_interval: PING_INTERVAL,
            on_unresponsive: Escalation::Tell,
            on_timeout: Escalation::Cancel,
        }
    }
}
