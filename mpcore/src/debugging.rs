//! Debuggers, and tools such as valgrind, enabled by two environment variables.
#![doc = include_str!("../docs/debugging.md")]

use std::ffi::OsString;
use std::{env, thread};

use crate::child::startup::command_line::CommandLine;
use crate::limits::DEBUGGER_LOOK;
use crate::process::sys;

/// Selects the children that wait for a debugger.
const DEBUG: &str = "MPCORE_DEBUG";

/// The command that children run under.
const RUN_UNDER: &str = "MPCORE_RUN_UNDER";

/// Returns whether the child with this name is to be debugged.
pub(crate) fn is_for(name: &str) -> bool {
    env::var(DEBUG).is_ok_and(|value| names(&value, name))
}

fn names(value: &str, name: &str) -> bool {
    value == "all" || value == name.replace('\0', "")
}

/// Returns whether this process is a child that is to be debugged.
pub(crate) fn is_for_this_child() -> bool {
    match CommandLine::of_this_process() {
        CommandLine::Child { name, .. } => is_for(&name.to_string_lossy()),
        CommandLine::Other(_) => false,
    }
}

/// Returns a variable that a child must find in its environment, whatever else it inherits.
pub(crate) fn variable() -> Option<(&'static str, OsString)> {
    env::var_os(DEBUG).map(|value| (DEBUG, value))
}

/// Returns the command that children run under, and its arguments.
pub(crate) fn run_under() -> Option<(String, Vec<String>)> {
    let value = env::var(RUN_UNDER).ok()?;
    let mut words = value.split_whitespace().map(str::to_owned);
    Some((words.next()?, words.collect()))
}

/// Prints how to attach to a child that waits.
#[allow(clippy::print_stderr)]
pub(crate) fn tell_how_to_attach(name: &str, pid: u32) {
    eprintln!(
        "mpcore: child `{}` waits for a debugger: attach to process {pid}, for example with `rust-gdb -p {pid}`",
        name.escape_debug()
    );
}

/// In a child: waits until it is traced, or `over` returns true.
pub(crate) fn wait_for_debugger(over: impl Fn() -> bool) {
    sys::let_any_process_trace();
    while !over() && sys::tracer_of(std::process::id()).is_none() {
        thread::sleep(DEBUGGER_LOOK.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_child_or_all_are_meant() {
        for (value, name, meant) in [
            ("all", "camera", true),
            ("camera", "camera", true),
            ("camera", "stage", false),
            ("", "stage", false),
        ] {
            assert_eq!(names(value, name), meant, "{value} {name}");
        }
    }
}
