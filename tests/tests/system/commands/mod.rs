//! Commands: how they are submitted, what ends them, and which child runs them.

mod calls;
mod cancel;
mod context;
mod deadlines;
mod in_process;
mod keys;
mod nested;
mod waiting_forbidden;
