//! Credit and bounds: how much a child may send, and how much may wait for it or from it.
//!
//! On a call's path this is between the lanes and the inbox: with every packet the reader thread
//! asks [`allowance`] whether the child may have credit for more, and books it in [`grant`];
//! [`bound`] is the limit of the inbox, [`backlog`] that of captured lines. [`control_lane`] sends
//! stop, cancel, deadlines, pings and credit to the child; callers, the reader, the inbox's thread
//! and the watcher use it under its lock.
//!
//! No threads, and nothing here blocks. User code is reached only through
//! `Allowance::give_up_waiting`, which runs executors' wakers. `interleavings` explores the
//! interleavings of [`allowance`] and [`grant`].

pub(crate) mod allowance;
pub(crate) mod backlog;
pub(crate) mod bound;
pub(crate) mod control_lane;
pub(crate) mod grant;
