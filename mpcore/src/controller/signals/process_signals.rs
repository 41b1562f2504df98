//! The signals that every child has: its life cycle, whether it answers, its output, and the
//! progress and end of its commands.

use crate::controller::report::escalation::Unresponsive;
use crate::controller::report::exit::{ExitReport, ProcessState};
use crate::controller::report::failure::RunFailure;
use crate::controller::report::notifications::{
    LinesDropped, Progress, RestartGivenUp, Restarting,
};
use crate::controller::report::outcome::CallEnd;
use crate::controller::signals::signal::Signal;
use crate::wire::messages::stop_reason::StopReason;

/// The signals of a child's life cycle.
///
/// One run is `started` → `ready` → … → `failed`? → `finished`. `finished` is always the last and
/// comes exactly once, even if the child is killed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ProcessSignals {
    /// The process exists; the argument is its process id.
    pub started: Signal<(u32,)>,
    /// The constructor and `postrun_init` have succeeded.
    pub ready: Signal<()>,
    /// The run ended, or is about to end, other than as requested.
    pub failed: Signal<(RunFailure,)>,
    /// The run has ended. No other signal of this run follows.
    pub finished: Signal<(ExitReport,)>,
    /// After `finished`: the child is about to be restarted by its
    /// [`RestartPolicy`](crate::RestartPolicy). The restart may still be called off, for example by
    /// `stop`.
    pub restarting: Signal<(Restarting,)>,
    /// After `finished`: the child is not restarted, although its policy asks for it.
    pub gave_up: Signal<(RestartGivenUp,)>,
    /// The state has changed.
    pub state_changed: Signal<(ProcessState,)>,
    /// The properties' values became, or are no longer, [those of a child that has
    /// ended](crate::Process::is_stale). Emitted after the last value of a run, and after the first
    /// values of the next run.
    pub stale_changed: Signal<(bool,)>,
    /// The child was asked to end, with the reason; emitted together with the state
    /// [`Stopping`](ProcessState::Stopping).
    pub stopping: Signal<(StopReason,)>,
    /// The child does not answer pings; see
    /// [`ControlBuilder::ping_interval`](crate::ControlBuilder::ping_interval).
    /// [`ControlBuilder::on_unresponsive`](crate::ControlBuilder::on_unresponsive) decides what happens then.
    pub unresponsive: Signal<(Unresponsive,)>,
    /// The child answers again. Not emitted if the child ends before it answers.
    pub responsive: Signal<()>,
    /// A running command reports its progress. Of each command, only the newest waiting value is
    /// delivered.
    pub progress: Signal<(Progress,)>,
    /// A line on stdout of a child whose stdout is [`Captured`](crate::OutputMode::Captured), without
    /// its line ending. Bytes that are not UTF-8 are replaced; a line longer than 64 KiB is cut and
    /// marked. The lines of one stream come in order and all before [`finished`](Self::finished),
    /// including a last line without a line ending.
    ///
    /// If a child prints faster than the inbox's thread handles lines, lines beyond 16 MiB are
    /// dropped: they neither fill the memory nor block the child.
    /// [`lines_dropped`](Self::lines_dropped) reports it.
    pub stdout_line: Signal<(String,)>,
    /// The same for stderr.
    pub stderr_line: Signal<(String,)>,
    /// Lines are missing at this point of the stream.
    pub lines_dropped: Signal<(LinesDropped,)>,
    /// A command has ended, in any way, and its named signal or `exception_raised` was emitted.
    /// Emitted once for every command that was submitted while a handler was connected.
    pub call_ended: Signal<(CallEnd,)>,
}
