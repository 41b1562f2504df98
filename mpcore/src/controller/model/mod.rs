//! Decisions without threads.

pub(crate) mod finished;
pub(crate) mod health;
pub(crate) mod limit;
pub(crate) mod order;
pub(crate) mod pending;
pub(crate) mod repeat;
pub(crate) mod requests;
pub(crate) mod restart_policy;
pub(crate) mod supersede;
