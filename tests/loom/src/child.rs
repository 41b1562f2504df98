//! Of the child's side.

#[path = "../../../mpcore/src/child/cancels.rs"]
pub(crate) mod cancels;
