//! Credit and bounds.

pub(crate) mod allowance;
pub(crate) mod backlog;
pub(crate) mod bound;
pub(crate) mod control_lane;
pub(crate) mod grant;
