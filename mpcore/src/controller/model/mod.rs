//! Decisions without threads: what happens to calls, health, restarts and limits.
//!
//! On a call's path this is the first shared room: the caller's thread enters the call into
//! [`requests`], which holds the [`pending`] table and the queue of the requests lane, and the
//! thread that removes the entry resolves it. [`supersede`], [`repeat`] and [`limit`] are the rules
//! for single commands; [`order`], [`health`] and [`finished`] judge the child and its run;
//! [`restart_policy`] decides what follows a run's end.
//!
//! Callers, the reader and the watcher use this room, mostly under the locks of `state`. It starts
//! no threads, does no I/O, calls no user code and takes the time as an argument. [`requests`] has
//! two exceptions: it sends packets itself as far as there is credit, which never blocks, and
//! `begin_watch` reads the clock. [`finished`] is itself a lock.

pub(crate) mod finished;
pub(crate) mod health;
pub(crate) mod limit;
pub(crate) mod order;
pub(crate) mod pending;
pub(crate) mod repeat;
pub(crate) mod requests;
pub(crate) mod restart_policy;
pub(crate) mod supersede;
