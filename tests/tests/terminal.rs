//! A child in the background of its controller's terminal is not stopped by it.

use std::os::fd::OwnedFd;
use std::process::Command;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use system_tests::controller_program::ControllerProgram;

/// A terminal, and the path by which it is opened.
fn terminal() -> (OwnedFd, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    (terminal, name)
}

#[test]
fn a_command_that_touches_the_terminal_does_not_stop_its_child() {
    let (_terminal, name) = terminal();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec setsid --ctty \"$0\" < '{name}'"));
    command.arg(env!("CARGO_BIN_EXE_in_terminal"));
    // The program's stdin becomes the terminal, its stdout is ours.
    let mut program = ControllerProgram::start_command(&mut command);
    for (word, expected) in [
        ("tostop", "true"),
        ("print", "true"),
        // EIO.
        ("read", "Ok(Some(5))"),
        ("set", "Some(true)"),
        ("prints", "Some(true)"),
        ("reads", "Some(false)"),
        // One that has undone all this stands still, and its command is cancelled.
        ("child", "true"),
        ("defiant", "Err(true)"),
        ("stopped", "Ok(Some(0))"),
        ("helper", "true"),
    ] {
        assert_eq!(program.line(word), expected, "{word}");
    }
    assert_eq!(program.end(), 0);
}
