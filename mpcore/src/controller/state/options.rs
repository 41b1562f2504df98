//! The options of one child, as set by its builder, with their defaults; and where a child's output
//! goes.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::controller::model::restart_policy::RestartPolicy;
use crate::controller::report::escalation::Escalation;
use crate::controller::report::exit::ExitReport;
use crate::controller::signals::inbox::InboxHandle;
use crate::controller::signals::relief::background_inbox;
use crate::limits;
use crate::this_process::{inherited, nested};
use crate::transport::Transport;
use crate::wire::messages::at_exit::ExitPolicy;
use crate::wire::messages::child_limits::ChildLimits;
use crate::wire::messages::fault::FaultPlan;
use crate::wire::packets::outgoing::QueueBound;

/// Where a child's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputMode {
    /// To the controller's own stream. If that is blocked, a child that keeps writing waits too.
    ///
    /// If the controller's stdout is a terminal or a file, the child writes to it directly. If it
    /// is a pipe or a socket, the controller passes the output on, as it always does for stderr: a
    /// command that prints does not fail when the reader is gone; its output is then discarded.
    /// Output after the end of the controller is discarded too.
    Inherit,
    /// Discarded. The exit report still contains the last lines of stderr.
    Null,
    /// To the handlers of [`ProcessSignals::stdout_line`](crate::ProcessSignals::stdout_line) or
    /// [`stderr_line`](crate::ProcessSignals::stderr_line): connect them before `start`.
    ///
    /// A program that is not written in Rust may write whole blocks instead of lines to a pipe. The
    /// output of the child's descendants is included, and so is the output of the test harness if
    /// the child is a test binary. A child on a thread has no output of its own.
    Captured,
}

/// The hook that runs after the end of every run.
pub(crate) type AfterExit = Box<dyn Fn(&ExitReport) + Send + Sync>;

/// Everything that a builder sets before the start, apart from the child itself, its name and its
/// config. A new option is a field and its default here, and a method of the builder.
pub(crate) struct Options {
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, Option<OsString>)>,
    pub(crate) clear_environment: bool,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) transport: Transport,
    pub(crate) faults: Option<FaultPlan>,
    pub(crate) stdout: OutputMode,
    pub(crate) stderr: OutputMode,
    pub(crate) start_deadline: Duration,
    pub(crate) stop_grace: Duration,
    pub(crate) at_exit: ExitPolicy,
    pub(crate) queue: QueueBound,
    pub(crate) inbox_bound: QueueBound,
    pub(crate) inbox: InboxHandle,
    pub(crate) after_exit: Option<AfterExit>,
    pub(crate) ping_interval: Duration,
    pub(crate) on_unresponsive: Escalation,
    pub(crate) on_timeout: Escalation,
    pub(crate) restart: RestartPolicy,
    /// Whether accepted writes of properties are repeated with every start.
    pub(crate) reapply_properties: bool,
    /// Whether a child whose interface cannot be compared completely is refused.
    pub(crate) compare_strictly: bool,
    pub(crate) limits: Option<ChildLimits>,
    /// For a child on a thread.
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
            stdout: OutputMode::Inherit,
            stderr: OutputMode::Inherit,
            start_deadline: limits::START_DEADLINE,
            stop_grace: nested::default_grace(),
            at_exit: inherited::at_exit(),
            queue: QueueBound { entries: limits::QUEUE_COMMANDS, bytes: limits::QUEUE_BYTES },
            inbox_bound: QueueBound {
                entries: limits::DEFAULT_INBOX_ENTRIES.get(),
                bytes: limits::DEFAULT_INBOX_BYTES.get(),
            },
            inbox: background_inbox(),
            after_exit: None,
            ping_interval: limits::PING_INTERVAL,
            on_unresponsive: Escalation::Report,
            on_timeout: Escalation::Cancel,
            restart: RestartPolicy::never(),
            reapply_properties: false,
            compare_strictly: false,
            limits: None,
            thread_stack: None,
        }
    }
}
