//! Why a child ends: the reasons, with their names in the trace and their texts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::STOP_REASON_BYTES;

/// Why a child was asked to end, or ended in order.
///
/// The child reads it in [`ChildContext::stop_reason`](crate::ChildContext::stop_reason), the
/// controller in [`ExitReport::reason`](crate::ExitReport::reason) and in the signal
/// [`stopping`](crate::ProcessSignals::stopping).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum StopReason {
    /// `stop`, `terminate` or `kill` was called.
    Asked,
    /// [`Process::stop_with`](crate::Process::stop_with) was called with this text.
    Because(String),
    /// After [`Process::finish`](crate::Process::finish): everything that was queued is done.
    Finished,
    /// The time to finish passed before everything that was queued was done.
    FinishTimeOver,
    /// The last control was dropped.
    Released,
    /// The program of the controller ends.
    Shutdown,
    /// [`Process::restart`](crate::Process::restart) was called.
    Restart,
    /// A signal from outside, SIGTERM or SIGHUP.
    Signal,
    /// The controller is gone. Only the child itself sees this reason.
    ControllerLost,
    /// The child never became ready.
    InitFailed,
}

impl StopReason {
    /// Returns the reason's name in the trace, without the text of [`Because`](Self::Because).
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Because(_) => "because",
            Self::Finished => "finished",
            Self::FinishTimeOver => "finish time over",
            Self::Released => "released",
            Self::Shutdown => "shutdown",
            Self::Restart => "restart",
            Self::Signal => "signal",
            Self::ControllerLost => "controller lost",
            Self::InitFailed => "init failed",
        }
    }

    /// Creates a reason with a user's text, cut so that it fits one packet.
    pub(crate) fn because(text: impl Into<String>) -> Self {
        let mut text = text.into();
        let mut length = text.len().min(STOP_REASON_BYTES);
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        text.truncate(length);
        Self::Because(text)
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "it was asked to end",
            Self::Because(text) => text,
            Self::Finished => "all queued commands are done",
            Self::FinishTimeOver => "the time to finish has passed",
            Self::Released => "its last control was dropped",
            Self::Shutdown => "the program ends",
            Self::Restart => "it is restarted",
            Self::Signal => "a signal from outside",
            Self::ControllerLost => "its controller is gone",
            Self::InitFailed => "it did not become ready",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_two_letters() {
        let reason = StopReason::because("ä".repeat(STOP_REASON_BYTES));
        assert_eq!(reason.to_string(), "ä".repeat(STOP_REASON_BYTES / 2));
        assert_eq!(StopReason::because("off").to_string(), "off");
    }
}
