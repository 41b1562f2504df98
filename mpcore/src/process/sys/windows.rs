//! Windows: no signals, and no groups that could be killed; a process and its descendants are ended
//! with the system's own tool. What other systems do with signals, terminals and standard streams
//! does nothing here, has a substitute, or is left to the standard library.

use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};

/// Gives the child its own group, so that Ctrl-C in the console reaches only the controller.
pub(crate) fn own_group(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Does nothing: the first argument is always the program's path.
pub(crate) fn set_argv0(_command: &mut Command, _name: &OsStr) {}

/// Returns whether the system is out of memory.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

/// Exit status of a process that ends with an access violation.
pub(crate) const SEGMENTATION_FAULT: i32 = 0xC000_0005_u32.cast_signed();

/// Ends the process and its descendants with the system's own tool: on a separate thread, because
/// that takes long, and without a console window.
pub(super) fn kill_tree(process: u32) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    let body = move || {
        let mut command = Command::new("taskkill");
        command.args(["/T", "/F", "/PID", &process.to_string()]).creation_flags(CREATE_NO_WINDOW);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let _ = command.status();
    };
    let _ = std::thread::Builder::new().name("mp-kill".into()).spawn(body);
}

/// Does nothing: there are no groups.
pub(crate) fn end_descendants(_controller: u32) {}

/// There are no signals: aborts instead.
pub(crate) fn segfault() -> ! {
    std::process::abort()
}

/// Aborts as well.
pub(crate) fn kill_self() -> ! {
    std::process::abort()
}

/// There are no signals: blocks only this thread.
pub(crate) fn freeze() {
    loop {
        std::thread::park();
    }
}

/// Does nothing: the caller exits.
pub(crate) fn end_own_group() {}

/// The number of handles is limited only by memory.
pub(crate) fn room_for_descriptors(_count: usize) -> std::io::Result<()> {
    Ok(())
}

/// Does nothing: reading the bootstrap pipe to its end is enough.
pub(crate) fn stdin_to_null() {}

/// Does nothing: the parent has a handle of each process that it starts.
pub(crate) fn let_children_be_waited_for() {}
/// Does nothing: there are no signals.
pub(crate) fn block_no_signal() {}

/// Does nothing: there are no signals.
pub(crate) fn ignore_stops_by_the_terminal() {}

/// Unknown here: the size is in the program's file.
pub(crate) fn stack_of_process() -> Option<u64> {
    None
}

/// Not available here: the child notices the closed lanes.
pub(crate) type ControllerEnd = std::convert::Infallible;

/// Returns a stream for a child; the standard library creates the pipe.
pub(crate) fn piped() -> std::io::Result<(Stdio, Option<std::os::windows::io::OwnedHandle>)> {
    Ok((Stdio::piped(), None))
}

/// Not checked here: a child inherits stdout in any case.
pub(crate) fn stdout_may_break() -> bool {
    false
}

/// Writes all bytes to this process's stdout. Bytes that cannot be written are dropped.
pub(crate) fn write_to_stdout(bytes: &[u8]) {
    let _ = std::io::Write::write_all(&mut std::io::stdout(), bytes);
}

/// Unknown here.
pub(crate) fn pipe_of(_: crate::process::stream::OutputStream) -> Option<(u64, u64)> {
    None
}

/// Unknown here.
pub(crate) fn is_broken(_: crate::process::stream::OutputStream) -> bool {
    false
}

/// Does nothing: no stream is reported as broken.
pub(crate) fn to_null(_: crate::process::stream::OutputStream) {}

/// Returns a stream for a child whose output is discarded.
pub(crate) fn null() -> std::io::Result<Stdio> {
    Ok(Stdio::null())
}

/// Does nothing: there are no stop signals.
pub(crate) fn watch_surroundings(
    _controller: Option<ControllerEnd>,
    _stop: impl Fn() + Send + 'static,
    _lost: impl FnOnce() + Send + 'static,
) -> std::io::Result<()> {
    Ok(())
}
