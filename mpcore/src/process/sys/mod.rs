//! What differs between operating systems, under the same names everywhere.

pub(crate) mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(unix)]
mod stdio;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub(crate) use linux::{
    Exits, Process, knock_at, own_program, resume_when_parent_dies, socket_buffer,
};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{Exits, Process, own_program, resume_when_parent_dies, socket_buffer};
#[cfg(unix)]
pub(crate) use stdio::{
    above, is_broken, null, pipe, pipe_of, piped, stdout_may_break, to_null, write_to_stdout,
};
#[cfg(unix)]
pub(crate) use unix::{
    end_descendants, end_own_group, freeze, kill_group, kill_self, on_stop_signal, own_group,
    poll_readable, room_for_descriptors, segfault, signal_name, status, stdin_to_null, terminate,
};
#[cfg(windows)]
pub(crate) use windows::{
    end_descendants, end_own_group, freeze, is_broken, kill_group, kill_self, null, on_stop_signal,
    own_group, pipe_of, piped, room_for_descriptors, segfault, signal_name, status, stdin_to_null,
    stdout_may_break, terminate, to_null, write_to_stdout,
};

/// Whether [`own_program`] is the very code that runs here, also where its file has been replaced meanwhile.
pub(crate) const OWN_PROGRAM_IS_THIS_CODE: bool = cfg!(target_os = "linux");

/// Ends the wait of an [`Exits`].
pub(crate) type Waker = std::sync::Arc<dyn Fn() + Send + Sync>;
