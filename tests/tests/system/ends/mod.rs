//! How children end, by themselves or by request, and how they start again.

mod controller_death;
mod death;
mod exit_policy;
mod finish;
mod handles;
mod hang;
mod joined;
mod process_handle;
mod restart;
mod stop;
mod stop_reason;
