//! The signals of a child's life.

use crate::controller::report::escalation::Unresponsive;
use crate::controller::report::exit::{ExitReport, Failure, State};
use crate::controller::report::notifications::{GaveUp, LinesDropped, Progress, Restarting};
use crate::controller::report::outcome::CallEnd;
use crate::controller::signals::signal::Signal;
use crate::wire::messages::stop_reason::StopReason;

/// The signals of a child's life.
///
/// One run is `started` → `ready` → … → `failed`? → `finished`, which is the last one and comes
/// exactly once, also when the child is killed.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ProcessSignals {
    /// The process exists; its number.
    pub started: Signal<(u32,)>,
    /// Constructor and `postrun_init` have succeeded.
    pub ready: Signal<()>,
    /// The run ended, or is about to end, other than as asked.
    pub failed: Signal<(Failure,)>,
    /// The run has ended. Nothing of it comes after this.
    pub finished: Signal<(ExitReport,)>,
    /// After `finished`: the child is about to be started again, by its
    /// [`RestartPolicy`](crate::RestartPolicy). It may still be called off, by `stop` for example.
    pub restarting: Signal<(Restarting,)>,
    /// After `finished`: the child is not started again, although its policy would have it.
    pub gave_up: Signal<(GaveUp,)>,
    /// The state has changed.
    pub state_changed: Signal<(State,)>,
    /// The properties' values are [those of a child that has ended](crate::Process::is_stale), or no longer. Comes after
    /// the last value of a run, and after the first ones of the next.
    pub stale_changed: Signal<(bool,)>,
    /// The child was asked to end, and why; comes with the state [`Stopping`](State::Stopping).
    pub stopping: Signal<(StopReason,)>,
    /// The child does not answer while something is asked of it; see
    /// [`Builder::ping_interval`](crate::Builder::ping_interval). What happens then says
    /// [`Builder::on_unresponsive`](crate::Builder::on_unresponsive).
    pub unresponsive: Signal<(Unresponsive,)>,
    /// It answers again. A child that ends before it answers does not tell this.
    pub responsive: Signal<()>,
    /// A running command tells how far it is. Only the newest waiting value of each is delivered.
    pub progress: Signal<(Progress,)>,
    /// A line on stdout of a child whose stdout is [`Captured`](crate::Output::Captured), without its end.
    /// What is not UTF-8 is replaced, what is longer than 64 KiB is cut, with a mark. The lines of one
    /// stream come in order, and all of them before [`finished`](Self::finished), a last one without an end
    /// too.
    ///
    /// Lines of a child that prints faster than the inbox's thread handles them are dropped beyond 16 MiB:
    /// they neither fill the memory nor make the child wait. [`lines_dropped`](Self::lines_dropped) tells.
    pub stdout_line: Signal<(String,)>,
    /// The same of stderr.
    pub stderr_line: Signal<(String,)>,
    /// Lines are missing here, between the one before and the one after.
    pub lines_dropped: Signal<(LinesDropped,)>,
    /// A command has ended, in whatever way, and its named signal or `exception_raised` was told. Once
    /// for every command that was submitted while somebody was connected.
    pub call_ended: Signal<(CallEnd,)>,
}
