//! How outcomes, ends and reasons are called in the trace. Never what the user's code has said: no
//! values, no texts of its errors and panics, no line of its output.

use crate::controller::report::escalation::Ignored;
use crate::controller::report::exit::Failure;
use crate::controller::report::notifications::GiveUpReason;
use crate::controller::report::outcome::Outcome;

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
        Outcome::TimedOut(_) => "timed out",
        Outcome::QueueFull => "queue full",
        Outcome::Resources(_) => "no resources",
        Outcome::Encode(_) => "not encoded",
        Outcome::Decode(_) => "not decoded",
        Outcome::Lost => "lost",
        Outcome::ForkedCopy => "forked copy",
    }
}

pub(crate) fn failure(failure: &Failure) -> &'static str {
    match failure {
        Failure::Spawn { .. } => "not spawned",
        Failure::Resources(_) => "no resources",
        Failure::EndedBeforeReady { .. } => "ended before ready",
        Failure::StartDeadline { .. } => "start deadline",
        Failure::HeldByTracer { .. } => "held by a debugger",
        Failure::Mismatch(_) => "mismatch",
        Failure::Protocol { .. } => "other protocol",
        Failure::Limits { .. } => "limits",
        Failure::Config(_) => "config",
        Failure::Constructor(_) => "constructor",
        Failure::ConstructorPanicked(_) => "constructor panicked",
        Failure::PostrunInit(_) => "postrun_init",
        Failure::PostrunInitPanicked(_) => "postrun_init panicked",
        Failure::Crashed { .. } => "crashed",
        Failure::EndUnknown { .. } => "end unknown",
        Failure::Unkillable { .. } => "unkillable",
        Failure::Broken(_) => "broken",
        Failure::KilledFor { .. } => "killed for a command",
        Failure::Unresponsive { .. } => "unresponsive",
    }
}

/// The text of a failure that consists of mpcore's own words.
pub(crate) fn detail(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Spawn { .. }
        | Failure::Resources(_)
        | Failure::StartDeadline { .. }
        | Failure::HeldByTracer { .. }
        | Failure::Mismatch(_)
        | Failure::Protocol { .. }
        | Failure::Limits { .. }
        | Failure::Crashed { .. }
        | Failure::Broken(_)
        | Failure::KilledFor { .. }
        | Failure::Unresponsive { .. } => Some(failure.to_string()),
        Failure::EndedBeforeReady { status, .. } => Some(status.to_string()),
        Failure::Unkillable { why, .. } => Some(why.to_string()),
        _ => None,
    }
}

pub(crate) fn gave_up(reason: GiveUpReason) -> &'static str {
    match reason {
        GiveUpReason::TooManyRestarts { .. } => "too many restarts",
        GiveUpReason::Hopeless => "hopeless",
    }
}

pub(crate) fn ignored(ignored: Ignored) -> &'static str {
    match ignored {
        Ignored::Cancel { .. } => "cancel",
        Ignored::Deadline { .. } => "deadline",
    }
}
