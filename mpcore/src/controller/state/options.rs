//! The options of one child, as its builder leaves them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::controller::flow_control::bound::InboxBound;
use crate::controller::model::restart_policy::RestartPolicy;
use crate::controller::report::escalation::Escalation;
use crate::controller::report::exit::ExitReport;
use crate::controller::signals::inbox::InboxHandle;
use crate::controller::signals::relief::background_inbox;
use crate::transport::Transport;
use crate::wire::messages::at_exit::AtExit;
use crate::wire::messages::child_limits::ChildLimits;
use crate::wire::messages::fault::FaultPlan;
use crate::wire::packets::outgoing::Bounds;
use crate::{inherited, limits, nested};

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

/// Everything that a builder sets before the start, beside the child itself, its name and its config: a new option is
/// a field and its default here, and a method of the builder.
pub(crate) struct Options {
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
    pub(crate) ping_interval: Duration,
    pub(crate) on_unresponsive: Escalation,
    pub(crate) on_timeout: Escalation,
    pub(crate) restart: RestartPolicy,
    /// Accepted writes of properties are made again with every start.
    pub(crate) reapply_properties: bool,
    /// A child whose interface cannot be compared as a whole is refused.
    pub(crate) compare_strictly: bool,
    pub(crate) limits: Option<ChildLimits>,
    /// Of a child on a thread.
    pub(crate) thread_stack: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            arguments: Vec::new(),
            environment: Vec::new(),
            clear_environment: false,
            working_directory: None,
            transport: Transport::default(),
            faults: None,
            stdout: Output::Inherit,
            stderr: Output::Inherit,
            start_deadline: limits::START_DEADLINE,
            stop_grace: nested::default_grace(),
            at_exit: inherited::at_exit(),
            queue: Bounds { entries: limits::QUEUE_COMMANDS, bytes: limits::QUEUE_BYTES },
            inbox_bound: InboxBound {
                entries: limits::DEFAULT_INBOX_ENTRIES.get(),
                bytes: limits::DEFAULT_INBOX_BYTES.get(),
            },
            inbox: background_inbox(),
            after_exit: None,
            ping_interval: limits::PING_INTERVAL,
            on_unresponsive: Escalation::Tell,
            on_timeout: Escalation::Cancel,
            restart: RestartPolicy::never(),
            reapply_properties: false,
            compare_strictly: false,
            limits: None,
            thread_stack: None,
        }
    }
}
