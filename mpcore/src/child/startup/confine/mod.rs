//! The first action of a child: it gives up everything that it must not have.
//!
//! Called by [`init`](crate::child::init) on the main thread, after the first record was read:
//! before the child connects, before a config is decoded, and before there is another thread, so
//! that all threads inherit per-thread limits. A failure is recorded: the child still shakes hands,
//! and reports it to the controller instead of constructing anything. Limits that a running thread
//! would escape, or that leave the framework too few files, are refused.

use std::io;
use std::sync::OnceLock;
use std::time::Duration;

use crate::limits::{CHILD_OPENS_FILES, CPU_TIME_GRACE};
use crate::process::sys::limits as sys;
use crate::wire::messages::child_limits::ChildLimits;
use crate::wire::messages::report::InitFailure;
use crate::wire::messages::sandbox::{Sandbox, SandboxEnforcement};

#[cfg(all(target_os = "linux", feature = "sandbox"))]
mod landlocked;

/// A process is confined once, before there is anything else that could hold the result.
static REFUSED: OnceLock<Refusal> = OnceLock::new();

/// The limit that could not be set, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    what: &'static str,
    message: String,
}

/// What else runs in this process besides the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beside {
    Nothing,
    /// The threads of a test harness, which do not belong to the child.
    Harness,
}

/// Sets the limits of this process.
pub(crate) fn confine(limits: Option<&ChildLimits>, beside: Beside) {
    if let Some(limits) = limits
        && let Err(refusal) = alone(limits, beside).and_then(|()| set(limits))
    {
        let _ = REFUSED.set(refusal);
    }
}

/// Checks that no other thread runs: per-thread limits apply only to future threads, so a thread
/// that already runs would escape them.
fn alone(limits: &ChildLimits, beside: Beside) -> Result<(), Refusal> {
    let strict = |sandbox: &Sandbox| sandbox.enforcement == SandboxEnforcement::Strict;
    let what = if limits.sandbox.as_ref().is_some_and(strict) {
        "sandbox"
    } else if limits.no_new_privileges {
        "no new privileges"
    } else {
        return Ok(());
    };
    if beside == Beside::Harness {
        return Ok(());
    }
    let refuse = |message| Err(Refusal { what, message });
    match sys::threads() {
        Ok(1) => Ok(()),
        Ok(threads) => refuse(too_early(threads)),
        // If the system has no such limit, the next step reports that.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(error) => refuse(format!("its threads cannot be counted in /proc/self/task: {error}")),
    }
}

fn too_early(threads: usize) -> String {
    format!(
        "{threads} threads are already running when `init` is called, and the limit would not \
         apply to all of them; call `mpcore::init()` or `child_main` before anything starts a thread"
    )
}

/// Returns why this process must not serve.
pub(crate) fn refused() -> Option<InitFailure> {
    let Refusal { what, message } = REFUSED.get()?.clone();
    Some(InitFailure::Limits { what: what.to_owned(), message })
}

/// Sets the limits in this order: those that need rights before those that remove rights, and those
/// that open files before the limit on open files.
fn set(limits: &ChildLimits) -> Result<(), Refusal> {
    if let Some(level) = limits.nice {
        named("nice level", sys::set_nice_level(level))?;
    }
    if limits.no_new_privileges {
        named("no new privileges", sys::allow_no_new_privileges())?;
    }
    // Counted now, because the directory with this information may be out of reach afterwards.
    let open = sys::open_files();
    if let Some(sandbox) = &limits.sandbox {
        enter(sandbox).map_err(|message| Refusal { what: "sandbox", message })?;
    }
    if let Some(files) = limits.open_files {
        if let Ok((open, given)) = open {
            enough(files, open, given)
                .map_err(|message| Refusal { what: "open files", message })?;
        }
        named("open files", sys::limit_open_files(files))?;
    }
    if let Some(bytes) = limits.memory {
        named("memory", sys::limit_memory(bytes))?;
    }
    if let Some(time) = limits.cpu_time {
        named("CPU time", sys::limit_cpu_time(whole_seconds(time), CPU_TIME_GRACE.as_secs()))?;
    }
    Ok(())
}

/// Names the limit in an error of the system.
fn named(what: &'static str, result: io::Result<()>) -> Result<(), Refusal> {
    result.map_err(|error| Refusal { what, message: error.to_string() })
}

/// Checks that the framework can still open the files that it needs.
fn enough(files: u64, open: u64, given: Option<u64>) -> Result<(), String> {
    let need = open + CHILD_OPENS_FILES;
    match given {
        Some(given) if given < need => Err(format!(
            "the controller may open {given} files itself, and the child needs {need}; raise `ulimit -n`"
        )),
        _ if files < need => Err(format!(
            "{open} files are open already, and the framework opens up to {CHILD_OPENS_FILES} more; \
             allow at least {need} instead of {files}"
        )),
        _ => Ok(()),
    }
}

/// Rounds up to whole seconds.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

#[cfg(all(target_os = "linux", feature = "sandbox"))]
fn enter(sandbox: &Sandbox) -> Result<(), String> {
    landlocked::enter(sandbox)
}

#[cfg(not(all(target_os = "linux", feature = "sandbox")))]
fn enter(_sandbox: &Sandbox) -> Result<(), String> {
    Err("this child was built without sandbox support; build it with mpcore's feature `sandbox`"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up() {
        let cases = [(1, 1), (999, 1), (1000, 1), (1001, 2), (60_000, 60)];
        for (milliseconds, seconds) in cases {
            assert_eq!(whole_seconds(Duration::from_millis(milliseconds)), seconds);
        }
        assert_eq!(whole_seconds(Duration::MAX), u64::MAX);
    }

    #[cfg(not(feature = "sandbox"))]
    #[test]
    fn a_child_that_was_built_without_sandbox_refuses_one() {
        let refused = enter(&Sandbox::default()).unwrap_err();
        assert!(refused.contains("feature `sandbox`"), "{refused}");
    }

    #[test]
    fn a_program_with_many_open_files_needs_more() {
        assert_eq!(enough(24, 5, None), Ok(()));
        assert_eq!(enough(24, 5, Some(24)), Ok(()));
        let error = enough(24, 40, Some(1000)).unwrap_err();
        assert!(error.contains("40 files are open") && error.contains("at least 55"), "{error}");
        let error = enough(1000, 40, Some(50)).unwrap_err();
        assert!(error.contains("50 files itself") && error.contains("ulimit"), "{error}");
    }
}
