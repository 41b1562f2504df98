//! What keeps a child going, or notices that it does not: policies that take events and the time and say
//! what to do, without threads.
//!
//! It stands beside the controller, which asks and carries out; nothing here knows of processes, lanes or
//! locks.

pub(crate) mod restart;
