//! What is to be spawned, and why that did not work.

use std::ffi::OsStr;
use std::process::{ChildStderr, ChildStdout, Command, Stdio};

use crate::child::command_line::around;
use crate::child::{init, registry};
use crate::controller::builder::{Output, Program};
use crate::controller::exit::Failure;
use crate::controller::shared::Shared;
use crate::debugging;
use crate::process::sys;

/// What is to be spawned.
pub(super) struct Prepared {
    pub(super) command: Command,
    /// The program's name for people.
    pub(super) program: String,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

/// The command, and the controller's ends of its pipes where the standard library does not make them.
pub(super) fn command(shared: &Shared, stdin: Stdio) -> std::io::Result<Prepared> {
    let spec = &shared.spec;
    let name = shared.name();
    let (before, _) = around(&name, false);
    let under = debugging::run_under();
    let (mut command, program) = match &spec.program {
        Program::Path(path) => {
            let mut command = new_command(path, under.as_ref());
            command.args(before).args(&spec.arguments);
            (command, path.to_string_lossy().into_owned())
        }
        Program::Own { .. } | Program::Thread(_) | Program::Script(_) => {
            let (path, argv0) = match under {
                None => sys::own_program()?,
                // What leads to this program here would lead to the other command there.
                Some(_) => (std::env::current_exe()?, None),
            };
            let mut command = new_command(path.as_os_str(), under.as_ref());
            #[cfg(unix)]
            if let Some(argv0) = &argv0 {
                use std::os::unix::process::CommandExt as _;
                command.arg0(argv0);
            }
            match registry::test_arguments().filter(|_| !init::in_main()) {
                Some(test) => {
                    let (before, behind) = around(&name, true);
                    command.args(test).args(before).args(&spec.arguments).args(behind)
                }
                None => command.args(before).args(&spec.arguments),
            };
            let shown = argv0.unwrap_or_else(|| path.into_os_string());
            (command, shown.to_string_lossy().into_owned())
        }
    };
    let program = under.map_or(program, |(first, _)| first);
    if spec.clear_environment {
        command.env_clear();
        command.envs(debugging::variable());
    }
    for (name, value) in &spec.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = &spec.working_directory {
        command.current_dir(folder);
    }
    let (theirs, stderr) = sys::piped()?;
    command.stdin(stdin).stderr(theirs);
    let (theirs, stdout) = match spec.stdout {
        Output::Captured => sys::piped()?,
        // Through the controller, like stderr: a command that prints must not fail when whoever read it is
        // gone.
        Output::Inherit if sys::stdout_may_break() => sys::piped()?,
        Output::Inherit => (Stdio::inherit(), None),
        Output::Null => (sys::null()?, None),
    };
    command.stdout(theirs);
    sys::own_group(&mut command);
    let (stdout, stderr) = (stdout.map(ChildStdout::from), stderr.map(ChildStderr::from));
    Ok(Prepared { command, program, stdout, stderr })
}

fn new_command(program: &OsStr, under: Option<&(String, Vec<String>)>) -> Command {
    let Some((first, rest)) = under else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

/// What the system's refusal means.
pub(super) fn spawn_failure(program: &str, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let advice = match error.kind() {
        ErrorKind::NotFound => {
            "give the program's full path, or put it on PATH, and check the working directory"
        }
        ErrorKind::PermissionDenied => "make the file executable (`chmod +x`)",
        _ => "check that the program runs by hand",
    };
    Failure::Spawn { program: program.to_owned(), message: error.to_string(), advice }
}
