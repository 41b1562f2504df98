//! Named signals, properties and events, and the threads on which handlers run.

mod relief;
mod signals;
mod time_line;
