//! The command to spawn, what is wrong with the input for it, and the reasons for a failed spawn.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::child::startup::command_line::around;
use crate::child::startup::{registry, started_as};
use crate::controller::report::failure::{RunFailure, SpawnError};
use crate::controller::state::Shared;
use crate::controller::state::options::OutputMode;
use crate::controller::state::program::Program;
use crate::debugging;
use crate::process::sys::{self, OwnProgram};

/// A command that is ready to be spawned.
pub(crate) struct Prepared {
    pub(crate) command: Command,
    /// The program's name to show to people.
    pub(crate) program: String,
    pub(crate) stdout: Option<File>,
    pub(crate) stderr: Option<File>,
}

/// Returns the command, and the controller's ends of its pipes where the standard library does not
/// create them.
pub(crate) fn command(shared: &Shared, stdin: Stdio) -> Result<Prepared, RunFailure> {
    let options = &shared.options;
    let resources = |error: Error| RunFailure::Resources(error.to_string());
    let name = shared.name();
    let (before, _) = around(&name, false);
    let under = debugging::run_under();
    let (mut command, program) = match &shared.program {
        Program::Path(path) => {
            let mut command = new_command(path, under.as_ref());
            command.args(before).args(&options.arguments);
            (command, path.to_string_lossy().into_owned())
        }
        Program::Own { .. } | Program::Thread(_) => {
            let own = match under {
                None => sys::own_program().map_err(resources)?,
                // Under a tool, the path that leads to this program would lead to the tool.
                Some(_) => {
                    let path = std::env::current_exe().map_err(resources)?;
                    OwnProgram { path, argv0: None, leading: Vec::new() }
                }
            };
            let OwnProgram { path, argv0, leading } = own;
            let mut command = new_command(path.as_os_str(), under.as_ref());
            if let Some(argv0) = &argv0 {
                sys::set_argv0(&mut command, argv0);
            }
            command.args(leading);
            match registry::test_arguments().filter(|_| !started_as::in_main()) {
                Some(test) => {
                    let (before, behind) = around(&name, true);
                    command.args(test).args(before).args(&options.arguments).args(behind)
                }
                None => command.args(before).args(&options.arguments),
            };
            let shown = argv0.unwrap_or_else(|| path.into_os_string());
            (command, shown.to_string_lossy().into_owned())
        }
    };
    let program = under.map_or(program, |(first, _)| first);
    if let Some(why) = odd_input(shared) {
        return Err(RunFailure::Spawn { program, why: SpawnError::InvalidInput(why) });
    }
    if options.clear_environment {
        command.env_clear();
        command.envs(debugging::variable());
    }
    for (name, value) in &options.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(folder) = &options.working_directory {
        command.current_dir(folder);
    }
    let (theirs, stderr) = sys::piped().map_err(resources)?;
    command.stdin(stdin).stderr(theirs);
    let (theirs, stdout) = match options.stdout {
        OutputMode::Captured => sys::piped().map_err(resources)?,
        // Goes through the controller, like stderr: a command that prints must not fail when its
        // reader is gone.
        OutputMode::Inherit if sys::stdout_may_break() => sys::piped().map_err(resources)?,
        OutputMode::Inherit => (Stdio::inherit(), None),
        OutputMode::Null => (sys::null().map_err(resources)?, None),
    };
    command.stdout(theirs);
    sys::own_group(&mut command);
    let (stdout, stderr) = (stdout.map(File::from), stderr.map(File::from));
    Ok(Prepared { command, program, stdout, stderr })
}

/// Returns the command of a program, or of the tool under which the program runs.
fn new_command(program: &OsStr, under: Option<&(String, Vec<String>)>) -> Command {
    let Some((first, rest)) = under else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(rest).arg(program);
    command
}

/// Returns what is wrong with the builder's input if no program can be started with it. The system
/// would report the same without the name.
fn odd_input(shared: &Shared) -> Option<String> {
    let options = &shared.options;
    let nul = |text: &OsStr| text.as_encoded_bytes().contains(&0);
    let no_nul = |what: String| {
        Some(format!(
            "{what} contains a NUL; remove it: the system treats it as the end of the text"
        ))
    };
    if let Program::Path(path) = &shared.program
        && nul(path.as_os_str())
    {
        return no_nul(format!("the path {path:?}"));
    }
    if let Some(argument) = options.arguments.iter().find(|it| nul(it)) {
        return no_nul(format!("the argument {argument:?}"));
    }
    for (name, value) in &options.environment {
        let odd_name = name.is_empty() || name.as_encoded_bytes().contains(&b'=');
        if odd_name {
            return Some(format!(
                "{name:?} cannot be the name of a variable; pass the variable's name and value \
                 separately, without `=`"
            ));
        }
        if nul(name) || value.as_deref().is_some_and(nul) {
            return no_nul(format!("the variable {name:?}"));
        }
    }
    None
}

/// Returns what is wrong with the working directory, because the system does not report which file
/// it has not found. Checked only after a failure: the directory could be on a drive that does not
/// answer.
fn odd_folder(folder: &Path) -> Option<String> {
    match folder.metadata() {
        Ok(it) if it.is_dir() => None,
        Ok(_) => Some(format!("the working directory {folder:?} is not a directory")),
        Err(error) => Some(format!("the working directory {folder:?}: {error}")),
    }
}

/// Translates the system's refusal into a failure.
pub(crate) fn spawn_failure(shared: &Shared, program: &str, error: &Error) -> RunFailure {
    if sys::is_shortage(error) {
        return RunFailure::Resources(format!("`{program}` could not be started: {error}"));
    }
    let odd_folder = shared.options.working_directory.as_deref().and_then(odd_folder);
    let why = match odd_folder {
        Some(folder) => SpawnError::WorkingDirectory(folder),
        None if error.kind() == ErrorKind::NotFound
            && is_own(shared)
            && sys::own_program_needs_proc() =>
        {
            SpawnError::NoProc
        }
        None => SpawnError::System { error: error.into() },
    };
    RunFailure::Spawn { program: program.to_owned(), why }
}

fn is_own(shared: &Shared) -> bool {
    matches!(shared.program, Program::Own { .. })
}
