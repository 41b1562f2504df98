//! How outcomes, ends, reasons and errors are called in the trace. Never what the user's code has
//! said: no values, no texts of its errors and panics, no line of its output.

use crate::controller::report::error::StartError;
use crate::controller::report::escalation::IgnoredRequest;
use crate::controller::report::failure::RunFailure;
use crate::controller::report::notifications::GiveUpReason;
use crate::controller::report::outcome::Outcome;

/// Returns [`CallError::kind`](crate::CallError::kind) of an outcome that is an error.
pub(crate) fn outcome(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Returned(_) => "returned",
        Outcome::Raised(_) => "raised",
        Outcome::Panicked(_) => "panicked",
        Outcome::Exited(_) => "exited",
        Outcome::Stopped => "stopped",
        Outcome::Finishing => "finishing",
        Outcome::Cancelled => "cancelled",
        Outcome::Superseded => "superseded",
        Outcome::TimedOut(_) => "timed_out",
        Outcome::QueueFull => "queue_full",
        Outcome::Resources(_) => "resources",
        Outcome::Encode(_) => "encode",
        Outcome::Decode(_) => "decode",
        Outcome::Lost => "lost",
        Outcome::ForkedCopy => "forked_copy",
    }
}

/// The text of a failure that consists of mpcore's own words.
pub(crate) fn detail(failure: &RunFailure) -> Option<String> {
    match failure {
        RunFailure::Spawn { .. }
        | RunFailure::Resources(_)
        | RunFailure::StartDeadline { .. }
        | RunFailure::HeldByTracer { .. }
        | RunFailure::Mismatch(_)
        | RunFailure::Protocol { .. }
        | RunFailure::Limits { .. }
        | RunFailure::Crashed { .. }
        | RunFailure::Broken(_)
        | RunFailure::KilledFor { .. }
        | RunFailure::Unresponsive { .. } => Some(failure.to_string()),
        RunFailure::EndedBeforeReady { status, .. } => Some(status.to_string()),
        RunFailure::Unkillable { why, .. } => Some(why.to_string()),
        _ => None,
    }
}

/// The text of an error of `start`, without what the user's code has said.
pub(crate) fn start_error(error: &StartError) -> String {
    match error {
        // May be the text of a `Serialize` of the user.
        StartError::Config(_) => "the config could not be encoded".to_owned(),
        error => error.to_string(),
    }
}

pub(crate) fn gave_up(reason: GiveUpReason) -> &'static str {
    match reason {
        GiveUpReason::TooManyRestarts { .. } => "too many restarts",
        GiveUpReason::Hopeless => "hopeless",
    }
}

pub(crate) fn ignored(ignored: IgnoredRequest) -> &'static str {
    match ignored {
        IgnoredRequest::Cancel { .. } => "cancel",
        IgnoredRequest::Deadline { .. } => "deadline",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::controller::report::outcome::CallError;
    use crate::wire::messages::report::PanicReport;

    #[test]
    fn outcomes_have_the_words_of_the_errors_they_become() {
        let (text, after) = (String::new, Duration::ZERO);
        let report = || PanicReport { message: text(), location: text(), backtrace: text() };
        let pairs: [(Outcome, CallError<()>); 13] = [
            (Outcome::Raised(Default::default()), CallError::Raised(())),
            (Outcome::Panicked(report()), CallError::Panicked(report())),
            (Outcome::Stopped, CallError::Stopped),
            (Outcome::Finishing, CallError::Finishing),
            (Outcome::Cancelled, CallError::Cancelled),
            (Outcome::Superseded, CallError::Superseded),
            (Outcome::TimedOut(after), CallError::TimedOut { after }),
            (Outcome::QueueFull, CallError::QueueFull),
            (Outcome::Resources(text()), CallError::Resources(text())),
            (Outcome::Encode(text()), CallError::Encode(text())),
            (Outcome::Decode(text()), CallError::Decode(text())),
            (Outcome::Lost, CallError::Lost),
            (Outcome::ForkedCopy, CallError::ForkedCopy),
        ];
        for (ended, error) in &pairs {
            assert_eq!(outcome(ended), error.kind());
        }
    }
}
