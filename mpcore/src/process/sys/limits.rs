//! Limits, priority and privileges that a process reduces for itself, and how many open files and
//! threads it has. No limit is raised above the one that the process was given.

use std::io;

#[cfg(unix)]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[cfg(not(target_os = "linux"))]
fn not_supported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no such limit")
}

/// At `soft` the process is notified, at `hard` it is ended.
#[cfg(unix)]
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let given = getrlimit(resource).maximum;
    let at_most = |wanted: u64| Some(given.map_or(wanted, |given| wanted.min(given)));
    Ok(setrlimit(resource, Rlimit { current: at_most(soft), maximum: at_most(hard) })?)
}

/// Limits the bytes of private data.
#[cfg(target_os = "linux")]
pub(crate) fn limit_memory(bytes: u64) -> io::Result<()> {
    lower(Resource::Data, bytes, bytes)
}

/// Limits the CPU time: SIGXCPU after this many seconds, SIGKILL `grace` later.
#[cfg(unix)]
pub(crate) fn limit_cpu_time(seconds: u64, grace: u64) -> io::Result<()> {
    lower(Resource::Cpu, seconds, seconds.saturating_add(grace))
}

#[cfg(unix)]
pub(crate) fn limit_open_files(files: u64) -> io::Result<()> {
    lower(Resource::Nofile, files, files)
}

/// Returns how many files are open, and how many may be.
#[cfg(unix)]
pub(crate) fn open_files() -> io::Result<(u64, Option<u64>)> {
    let entries = std::fs::read_dir("/dev/fd")?.count() as u64;
    // The folder itself was open while it was read.
    Ok((entries.saturating_sub(1), getrlimit(Resource::Nofile).maximum))
}

#[cfg(unix)]
pub(crate) fn set_nice_level(level: i32) -> io::Result<()> {
    Ok(rustix::process::setpriority_process(None, level)?)
}

#[cfg(target_os = "linux")]
pub(crate) fn allow_no_new_privileges() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn limit_memory(_bytes: u64) -> io::Result<()> {
    Err(not_supported())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn allow_no_new_privileges() -> io::Result<()> {
    Err(not_supported())
}

#[cfg(not(unix))]
pub(crate) fn limit_cpu_time(_seconds: u64, _grace: u64) -> io::Result<()> {
    Err(not_supported())
}

#[cfg(not(unix))]
pub(crate) fn limit_open_files(_files: u64) -> io::Result<()> {
    Err(not_supported())
}

#[cfg(not(unix))]
pub(crate) fn open_files() -> io::Result<(u64, Option<u64>)> {
    Err(not_supported())
}

#[cfg(not(unix))]
pub(crate) fn set_nice_level(_level: i32) -> io::Result<()> {
    Err(not_supported())
}

/// Returns how many threads this process has.
#[cfg(target_os = "linux")]
pub(crate) fn threads() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn threads() -> io::Result<usize> {
    Err(not_supported())
}
