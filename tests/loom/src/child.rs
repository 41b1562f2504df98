//! Sources of the child's side.

#[path = "../../../mpcore/src/child/link/cancels.rs"]
pub(crate) mod cancels;
#[path = "../../../mpcore/src/child/link/deadlines.rs"]
pub(crate) mod deadlines;
