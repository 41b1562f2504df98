//! What differs between operating systems, under the same names everywhere.

mod copy;
pub(crate) mod limits;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod portable;
#[cfg(unix)]
mod stdio;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

pub(crate) use copy::{is_copy, this_is_the_original};
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    Exits, Process, end_of_this_process, knock_at, let_any_process_trace, name_process,
    own_program, resume_when_parent_dies, socket_buffer, tracer_of,
};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{
    Exits, Process, let_any_process_trace, name_process, own_program, resume_when_parent_dies,
    socket_buffer, tracer_of,
};
#[cfg(unix)]
pub(crate) use stdio::{
    above, is_broken, null, pipe, pipe_of, piped, stdout_may_break, to_null, write_to_stdout,
};
#[cfg(unix)]
pub(crate) use terminal::ignore_stops_by_the_terminal;
#[cfg(unix)]
pub(crate) use unix::{
    ControllerEnd, block_no_signal, end_descendants, end_own_group, freeze, kill_group, kill_self,
    own_group, poll_readable, room_for_descriptors, segfault, signal_name, stack_of_process,
    status, stdin_to_null, terminate, watch_surroundings,
};
#[cfg(windows)]
pub(crate) use windows::{
    ControllerEnd, block_no_signal, end_descendants, end_own_group, freeze,
    ignore_stops_by_the_terminal, is_broken, kill_group, kill_self, null, own_group, pipe_of,
    piped, room_for_descriptors, segfault, signal_name, stack_of_process, status, stdin_to_null,
    stdout_may_break, terminate, to_null, watch_surroundings, write_to_stdout,
};

/// Whether [`own_program`] is the very code that runs here, also where its file has been replaced meanwhile.
pub(crate) const OWN_PROGRAM_IS_THIS_CODE: bool = cfg!(target_os = "linux");

/// Ends the wait of an [`Exits`].
pub(crate) type Waker = std::sync::Arc<dyn Fn() + Send + Sync>;
