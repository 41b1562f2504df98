//! What is to be spawned, and why that did not work.

use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::child::{init, registry};
use crate::controller::builder::{Output, Program};
use crate::controller::exit::Failure;
use crate::controller::shared::Shared;
use crate::process::sys::{self, OwnProgram};
use crate::wire::handshake::MARK;

/// The command, and the program's name for people.
pub(super) fn command(shared: &Shared, stdin: Stdio) -> Result<(Command, String), Failure> {
    let spec = &shared.spec;
    let resources = |error: Error| Failure::Resources(error.to_string());
    let (mut command, program) = match &spec.program {
        Program::Path(path) => {
            let mut command = Command::new(path);
            command.arg(MARK).args(&spec.arguments);
            (command, path.to_string_lossy().into_owned())
        }
        Program::Own { .. } | Program::Thread(_) | Program::Script(_) => {
            let own = sys::own_program().map_err(resources)?;
            let OwnProgram { path, argv0, leading } = own;
            let mut command = Command::new(&path);
            #[cfg(unix)]
            if let Some(argv0) = &argv0 {
                use std::os::unix::process::CommandExt as _;
                command.arg0(argv0);
            }
            command.args(leading);
            match registry::test_arguments().filter(|_| !init::in_main()) {
                // libtest does not read what follows its `--`.
                Some(test) => command.args(test).args(&spec.arguments).arg(MARK),
                None => command.arg(MARK).args(&spec.arguments),
            };
            let shown = argv0.unwrap_or_else(|| path.into_os_string());
            (command, shown.to_string_lossy().into_owned())
        }
    };
    if let Some((message, advice)) = odd_input(shared) {
        return Err(Failure::Spawn { program, message, advice });
    }
    if spec.clear_environment {
        command.env_clear();
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
    command.stdin(stdin).stderr(Stdio::piped());
    command.stdout(match spec.stdout {
        Output::Inherit => Stdio::inherit(),
        Output::Null => Stdio::null(),
        Output::Captured => Stdio::piped(),
    });
    sys::own_group(&mut command);
    Ok((command, program))
}

/// What was given to the builder and no program can be started with. The system would say the same without the
/// name.
fn odd_input(shared: &Shared) -> Option<(String, &'static str)> {
    let spec = &shared.spec;
    let nul = |text: &OsStr| text.as_encoded_bytes().contains(&0);
    if let Program::Path(path) = &spec.program
        && nul(path.as_os_str())
    {
        return Some((format!("the path {path:?} contains a NUL"), NO_NUL));
    }
    if let Some(argument) = spec.arguments.iter().find(|it| nul(it)) {
        return Some((format!("the argument {argument:?} contains a NUL"), NO_NUL));
    }
    for (name, value) in &spec.environment {
        let odd_name = name.is_empty() || name.as_encoded_bytes().contains(&b'=');
        if odd_name {
            let message = format!("{name:?} cannot be the name of a variable");
            return Some((message, "pass the name and the value of a variable apart, without `=`"));
        }
        if nul(name) || value.as_deref().is_some_and(nul) {
            return Some((format!("the variable {name:?} contains a NUL"), NO_NUL));
        }
    }
    None
}

/// The system does not say which file it has not found. The folder is looked at only then: it could be one that
/// does not answer.
fn odd_folder(folder: &Path) -> Option<String> {
    match folder.metadata() {
        Ok(it) if it.is_dir() => None,
        Ok(_) => Some(format!("the working directory {folder:?} is no directory")),
        Err(error) => Some(format!("the working directory {folder:?}: {error}")),
    }
}

const NO_NUL: &str = "leave it out: the system takes it for the end";

/// What the system's refusal means.
pub(super) fn spawn_failure(shared: &Shared, program: &str, error: &Error) -> Failure {
    if is_shortage(error) {
        return Failure::Resources(format!("`{program}` could not be started: {error}"));
    }
    let odd_folder = shared.spec.working_directory.as_deref().and_then(odd_folder);
    let (message, advice) = match error.kind() {
        _ if odd_folder.is_some() => {
            (odd_folder.unwrap_or_default(), "see `builder().current_dir(..)`")
        }
        ErrorKind::NotFound if lacks_proc(shared) => (
            "`/proc/self/exe`, by which a program starts itself, is missing".to_owned(),
            "mount `/proc`, or start the child by `builder().program(..)`",
        ),
        ErrorKind::NotFound => {
            (error.to_string(), "give the program's full path, or put it on PATH")
        }
        ErrorKind::PermissionDenied => (error.to_string(), "make the file executable (`chmod +x`)"),
        _ => (error.to_string(), "check that the program runs by hand"),
    };
    Failure::Spawn { program: program.to_owned(), message, advice }
}

fn lacks_proc(shared: &Shared) -> bool {
    cfg!(target_os = "linux")
        && matches!(shared.spec.program, Program::Own { .. })
        && !Path::new("/proc/self/exe").exists()
}

/// No process, thread, descriptor or memory is to be had.
fn is_shortage(error: &Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let errno = Errno::from_io_error(error);
        let shortages = [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE];
        errno.is_some_and(|errno| shortages.contains(&errno))
    }
    #[cfg(not(unix))]
    {
        error.kind() == ErrorKind::OutOfMemory
    }
}
