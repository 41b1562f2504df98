//! Differences between operating systems, under the same names wherever a system supports what they
//! do. Also whether this program can start itself again as it is.

mod copy;
pub(crate) mod limits;
#[cfg(target_os = "linux")]
mod linux;
mod own_program;
#[cfg(unix)]
mod poll;
#[cfg(not(target_os = "linux"))]
mod portable;
pub(crate) mod signal_name;
#[cfg(unix)]
mod stdio;
#[cfg(unix)]
mod terminal;
#[cfg(unix)]
mod unix;
mod wait;
#[cfg(unix)]
mod waiting;
#[cfg(windows)]
mod windows;

pub(crate) use copy::{is_copy, this_is_the_original};
#[cfg(target_os = "linux")]
pub(crate) use linux::{
    Exits, Process, end_of_this_process, held_by, ignores_sigchld, knock_at, let_any_process_trace,
    name_process, own_program, resume_when_parent_dies, socket_buffer, tracer_of,
};
pub(crate) use own_program::OwnProgram;
#[cfg(unix)]
pub(crate) use poll::poll_readable;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::{
    Exits, Process, held_by, ignores_sigchld, let_any_process_trace, name_process, own_program,
    resume_when_parent_dies, socket_buffer, tracer_of,
};
#[cfg(target_os = "linux")]
pub(crate) use stdio::above;
#[cfg(unix)]
pub(crate) use stdio::{
    is_broken, null, pipe, pipe_of, piped, stdout_may_break, to_null, write_to_stdout,
};
#[cfg(unix)]
pub(crate) use terminal::ignore_stops_by_the_terminal;
#[cfg(unix)]
pub(crate) use unix::{
    ControllerEnd, SEGMENTATION_FAULT, block_no_signal, end_descendants, end_own_group, freeze,
    is_shortage, kill_self, let_children_be_waited_for, own_group, room_for_descriptors, segfault,
    set_argv0, stack_of_process, stdin_to_null, watch_surroundings,
};
pub(crate) use wait::{Wait, Waker};
#[cfg(windows)]
pub(crate) use windows::{
    ControllerEnd, SEGMENTATION_FAULT, block_no_signal, end_descendants, end_own_group, freeze,
    ignore_stops_by_the_terminal, is_broken, is_shortage, kill_self, let_children_be_waited_for,
    null, own_group, pipe_of, piped, room_for_descriptors, segfault, set_argv0, stack_of_process,
    stdin_to_null, stdout_may_break, to_null, watch_surroundings, write_to_stdout,
};

/// Returns whether [`own_program`](fn@own_program) is the code that runs here, even if its file has been replaced
/// meanwhile.
pub(crate) fn own_program_is_this_code() -> bool {
    #[cfg(target_os = "linux")]
    let is_this_code = linux::loader::arguments().is_none();
    #[cfg(not(target_os = "linux"))]
    let is_this_code = false;
    is_this_code
}

/// Returns whether [`own_program`](fn@own_program) is a path in `/proc`, and `/proc` is not there.
pub(crate) fn own_program_needs_proc() -> bool {
    cfg!(target_os = "linux") && !std::path::Path::new("/proc/self/exe").exists()
}
