//! What both sides of one process share, without importing each other: a child may be a controller
//! too.
//!
//! [`inherited`]: what a running command hands down to the calls it makes, and a child to its own
//! children. [`nested`]: the grace of a child that has children of its own, and how it stops them.
//! [`wait_policy`]: threads that must not wait.

pub(crate) mod inherited;
pub(crate) mod nested;
pub(crate) mod wait_policy;
