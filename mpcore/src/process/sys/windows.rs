//! Windows: no signals, no groups; a process is ended by its handle.

use std::process::{Command, Stdio};

pub(crate) fn signal_name(_signal: i32) -> Option<&'static str> {
    None
}

/// A group of its own, so that Ctrl-C of the console stays with the controller.
pub(crate) fn own_group(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// Ends the process and what it started, with the system's own tool: on a thread of its own, since
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

/// Nothing: there are no groups.
pub(crate) fn end_descendants(_controller: u32) {}

/// There are no signals: as much of a crash as there is.
pub(crate) fn segfault() -> ! {
    std::process::abort()
}

/// The same.
pub(crate) fn kill_self() -> ! {
    std::process::abort()
}

/// There are no signals: only this thread stands still.
pub(crate) fn freeze() {
    loop {
        std::thread::park();
    }
}

/// Nothing: the caller exits.
pub(crate) fn end_own_group() {}

/// There are as many handles as memory holds.
pub(crate) fn room_for_descriptors(_count: usize) -> std::io::Result<()> {
    Ok(())
}

/// Nothing: reading the bootstrap pipe to its end is enough.
pub(crate) fn stdin_to_null() {}

/// Nothing: whoever starts a process has its handle.
pub(crate) fn let_children_be_waited_for() {}

/// There are no stop signals.
pub(crate) fn on_stop_signal(_stop: impl Fn() + Send + 'static) {}
