//! A child in the background of its controller's terminal is not stopped by the terminal; and a
//! terminal that hangs up.

use std::process::Command;

use rustix::process::Signal;
use system_tests::controller_program::ControllerProgram;
use system_tests::processes;
use system_tests::terminal::terminal;

/// Starts the foreground process of a new terminal, which is its stdin; its output comes here.
fn in_terminal(name: &str, prefix: &[&str], argument: Option<&str>) -> ControllerProgram {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec setsid --ctty \"$@\" < '{name}'")).arg("sh");
    command.args(prefix).arg(env!("CARGO_BIN_EXE_in_terminal")).args(argument);
    ControllerProgram::start_command(&mut command)
}

#[test]
fn a_command_that_touches_the_terminal_does_not_stop_its_child() {
    let (_terminal, name) = terminal();
    // The program's stdin becomes the terminal, its stdout is a pipe to this test.
    let mut program = in_terminal(&name, &[], None);
    for (word, expected) in [
        ("tostop", "true"),
        ("print", "true"),
        // EIO.
        ("read", "Ok(Some(5))"),
        ("set", "Some(true)"),
        ("prints", "Some(true)"),
        ("reads", "Some(false)"),
        // A program that has undone all this is stopped, and its command is cancelled.
        ("child", "true"),
        ("defiant", "Err(true)"),
        ("stopped", "Ok(Some(0))"),
        ("helper", "ended"),
    ] {
        assert_eq!(program.line(word), expected, "{word}");
    }
    assert_eq!(program.end(), 0);
}

/// The system sends SIGHUP to the controller, which owns the terminal, and not to the child in the
/// background.
#[test]
fn a_terminal_that_hangs_up_ends_a_controller_and_its_child() {
    let (terminal, name) = terminal();
    let mut program = in_terminal(&name, &["env", "--default-signal=HUP"], Some("hang-up"));
    assert_eq!(program.line("printed"), "true");
    let child = program.number("child");
    drop(terminal);
    assert_eq!(program.end(), -Signal::HUP.as_raw(), "it does nothing about the signal");
    processes::until_ended(&[child]);
}

#[test]
fn a_hangup_leaves_a_surviving_controller_its_child() {
    let (terminal, name) = terminal();
    let mut program = in_terminal(&name, &["env", "--ignore-signal=HUP"], Some("hang-up"));
    assert_eq!(program.line("printed"), "true");
    let child = program.number("child");
    drop(terminal);
    assert_eq!(program.line("state"), "running");
    // EIO or ENXIO: there is no terminal.
    let read = program.line("reads");
    assert!(["Ok(Some(5))", "Ok(Some(6))"].contains(&read.as_str()), "{read}");
    let ticks = || processes::cpu_ticks(child) + processes::cpu_ticks(program.pid());
    let before = ticks();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let spent = ticks() - before;
    assert!(spent < 10, "{spent} ticks: nothing spins");
    assert_eq!(program.line("runs"), "Some(true)");
    assert_eq!(program.line("stopped"), "Ok(Some(0))");
    assert_eq!(program.end(), 0);
    assert!(processes::has_ended(child));
}
