//! Sources of the child's side.

#[path = "../../../mpcore/src/child/cancels.rs"]
pub(crate) mod cancels;
#[path = "../../../mpcore/src/child/deadlines.rs"]
pub(crate) mod deadlines;
