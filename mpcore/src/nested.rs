//! A process that is a child, and has children of its own: what the two sides in it must know of each other.
//!
//! An orderly child stops its own children before its goodbye. Its controller gives it a grace for that, so theirs
//! have to be shorter: without a grace of their own they get what fits, and one that does not fit is reported when
//! the child that has it is started.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::limits::{NESTED_MARGIN, STOP_GRACE, TERMINATE_GRACE};

/// How long the controller of this process waits for its end.
static GRACE: OnceLock<Duration> = OnceLock::new();

/// Stops the children of this process, so that they have ended at that time.
static STOP: OnceLock<fn(Option<Instant>)> = OnceLock::new();

/// This process is a child with this grace.
pub(crate) fn has_grace(grace: Duration) {
    let _ = GRACE.set(grace);
}

/// The grace of this process, if it is a child.
pub(crate) fn grace() -> Option<Duration> {
    GRACE.get().copied()
}

/// The grace of a child to which none was given.
pub(crate) fn default_grace() -> Duration {
    grace().map_or(STOP_GRACE, |own| own.saturating_sub(NESTED_MARGIN).min(STOP_GRACE))
}

/// The grace of this process, if that of a child of its own does not fit.
pub(crate) fn too_short_for(grace_of_child: Duration) -> Option<Duration> {
    grace().filter(|own| grace_of_child > own.saturating_sub(NESTED_MARGIN))
}

/// This process has children, which are stopped like this.
pub(crate) fn stops_with(stop: fn(Option<Instant>)) {
    let _ = STOP.set(stop);
}

/// Stops the children of this process, if it has any, and waits for their ends. `killed_at`: when this process itself
/// is killed.
pub(crate) fn stop_children(killed_at: Option<Instant>) {
    if let Some(stop) = STOP.get() {
        stop(killed_at.map(|at| at.checked_sub(NESTED_MARGIN).unwrap_or(at)));
    }
}

/// What is left of a grace if the kill, which follows it after a while, is to come at `end`.
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
