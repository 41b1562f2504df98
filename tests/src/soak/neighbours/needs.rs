//! What a neighbour requires of the machine.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::Settings;
use crate::harness::controller_program::ControllerProgram;

/// Returns why this machine cannot provide the neighbour; `None` if it can.
pub(super) type Need = fn(&Settings) -> Option<String>;

/// The known loaders.
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];

/// Returns the loader of this machine.
pub(super) fn loader() -> Option<&'static str> {
    LOADERS.into_iter().find(|it| Path::new(it).exists())
}

fn succeeds(words: &[&str]) -> bool {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Returns what the machine lacks, unless it is there.
fn unless(there: bool, lacks: &str) -> Option<String> {
    (!there).then(|| lacks.to_owned())
}

/// Returns that this program is missing; `None` if it is installed.
fn has(program: &str) -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let there = env::split_paths(&path).any(|folder| folder.join(program).is_file());
    unless(there, &format!("`{program}` is not installed"))
}

pub(super) const ROOT: Need =
    |_| unless(rustix::process::geteuid().is_root(), "only root can make it");
pub(super) const IGNORES_SIGNALS: Need =
    |_| unless(succeeds(&["env", "--ignore-signal=CHLD", "true"]), "`env` knows no signals");
pub(super) const TERMINAL: Need = |_| has("stty").or_else(|| has("setsid"));
pub(super) const LOADER: Need = |_| unless(loader().is_some(), "no loader of glibc is known here");
pub(super) const SETPRIV: Need = |_| has("setpriv");
pub(super) const UNSHARE: Need =
    |_| unless(succeeds(&["unshare", "--mount", "--pid", "--fork", "true"]), "no namespaces");
/// A tracer must be able to attach to a process that is not its child.
pub(super) const TRACING: Need = |settings| {
    let mut sleep = Command::new("sleep");
    let Ok(mut process) = sleep.arg("60").spawn() else { return has("sleep") };
    let pid = process.id().to_string();
    let mut tracer = ControllerProgram::start(&settings.program("tracer"), &[&pid, "linger"]);
    let attached = tracer.says("attached");
    drop(tracer);
    let _ = process.kill();
    let _ = process.wait();
    unless(attached, "tracing is not allowed")
};
pub(super) const FANOTIFY: Need = |settings| {
    let file = tempfile::NamedTempFile::new().ok()?;
    let path = file.path().to_string_lossy().into_owned();
    let mut scanner = ControllerProgram::start(&settings.program("scanner"), &[&path]);
    unless(scanner.line("scans") == "true", "fanotify is not to be had")
};
