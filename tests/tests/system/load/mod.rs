//! Overload, and the soak's trials in small.

mod pressure;
mod soak;
