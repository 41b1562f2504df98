//! A process that is a child and has children of its own: what its two sides must know of each
//! other.
//!
//! An orderly child stops its own children before its goodbye. Its controller gives it a grace for
//! that, so theirs have to be shorter: by default they get a grace that fits, and an explicit one
//! that does not fit is reported when the child that has it is started.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::limits::{NESTED_MARGIN, STOP_GRACE, TERMINATE_GRACE};

/// How long the controller of this process waits for its end.
static GRACE: OnceLock<Duration> = OnceLock::new();

/// Stops the children of this process, so that they have ended by the given time.
static STOP: OnceLock<fn(Option<Instant>)> = OnceLock::new();

/// Records that this process is a child with this grace.
pub(crate) fn has_grace(grace: Duration) {
    let _ = GRACE.set(grace);
}

/// Returns the grace of this process, if it is a child.
pub(crate) fn grace() -> Option<Duration> {
    GRACE.get().copied()
}

/// Returns the grace of a child that was given none.
pub(crate) fn default_grace() -> Duration {
    grace().map_or(STOP_GRACE, |own| own.saturating_sub(NESTED_MARGIN).min(STOP_GRACE))
}

/// Returns the grace of this process, if the grace of a child of its own does not fit into it.
pub(crate) fn too_short_for(grace_of_child: Duration) -> Option<Duration> {
    grace().filter(|own| grace_of_child > own.saturating_sub(NESTED_MARGIN))
}

/// Records that this process has children, and how to stop them.
pub(crate) fn stops_with(stop: fn(Option<Instant>)) {
    let _ = STOP.set(stop);
}

/// Stops the children of this process, if it has any, and waits for their ends. `killed_at` is the
/// time at which this process itself is killed.
pub(crate) fn stop_children(killed_at: Option<Instant>) {
    if let Some(stop) = STOP.get() {
        stop(killed_at.map(|at| at.checked_sub(NESTED_MARGIN).unwrap_or(at)));
    }
}

/// Returns what is left of a grace so that the kill, which follows after a pause, comes at `end`.
pub(crate) fn fitting(grace: Duration, end: Option<Instant>, now: Instant) -> Duration {
    let Some(end) = end else { return grace };
    end.saturating_duration_since(now).saturating_sub(TERMINATE_GRACE).min(grace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_is_cut_to_what_is_left() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        for (grace, end, left) in
            [(3, None, 3), (3, Some(9), 3), (3, Some(3), 2), (3, Some(1), 0), (3, Some(0), 0)]
        {
            let end = end.map(|end| now + seconds(end));
            assert_eq!(fitting(seconds(grace), end, now), seconds(left), "{grace} {end:?}");
        }
    }
}
