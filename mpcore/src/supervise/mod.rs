//! Policies that keep a child running, or detect that it is not: they take events and the time and
//! decide what to do, without threads.
//!
//! The controller asks them and carries out their decisions; nothing here knows of processes, lanes
//! or locks.

pub(crate) mod restart;
