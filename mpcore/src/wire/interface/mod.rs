//! What both sides must agree on: the description of an interface and its comparison. Also what
//! generated code needs to know of a type: whether it is a `Result`, and whether two values are
//! equal.

pub(crate) mod description;
pub(crate) mod fingerprint;
pub(crate) mod result;
pub(crate) mod same;
