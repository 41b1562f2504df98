//! What both sides must agree on: the description of an interface and its comparison.

pub(crate) mod description;
pub(crate) mod fingerprint;
pub(crate) mod result;
pub(crate) mod same;
