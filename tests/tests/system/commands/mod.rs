//! Commands: how they are submitted, what ends them, and which child runs them. `in_process` repeats
//! the basics of all topics on a thread.

mod calls;
mod cancel;
mod context;
mod deadlines;
mod in_process;
mod keys;
mod nested;
mod waiting_forbidden;
