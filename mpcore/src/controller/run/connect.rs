//! From nothing to a set of lanes: on a thread of this process, or to a process that is spawned and
//! shakes hands, over [`sockets`] that it inherits or at an [`endpoint`] of ipc-channel.

mod endpoint;
#[cfg(target_os = "linux")]
mod sockets;

use std::process::{ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use super::command::{Prepared, command, spawn_failure};
use super::{Run, Step};
use crate::child::registry::{self, Place};
use crate::controller::builder::Program;
use crate::controller::exit::Failure;
use crate::controller::inbox::{Notice, enqueue_change, post};
use crate::controller::outcome::{Exception, ExceptionKind};
use crate::controller::shared::Shared;
use crate::debugging;
use crate::limits::{THREAD_STACK, THREAD_STACK_MAX};
use crate::process::spawn::{Abandoned, Spawning};
use crate::process::watch::{self, Subject, Watched};
use crate::process::{End, ExitStatus, sys};
use crate::sync::lock;
use crate::transport::{ChildLanes, ControllerLanes, Transport, memory, window};
use crate::unwind::caught;
use crate::wire::fingerprint::{Mismatch, not_compared};
use crate::wire::handshake::{Bootstrap, Introduction, Nonce};
use crate::wire::interface::Facts;
use crate::wire::packet::PROTOCOL;

/// What a program that panics ends with.
const PANICKED: i32 = 101;

/// Why a run has no lanes.
pub(super) enum NotConnected {
    /// There never was a process.
    NoProcess(Failure),
    /// There is one, and it must go.
    Refused(Failure),
    /// It has closed its end, and so is about to end.
    #[cfg(target_os = "linux")]
    Closed,
    /// It has ended.
    Ended,
}

/// Starts a child on a thread.
pub(super) fn to_thread(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    serve: impl FnOnce(ChildLanes, registry::Run) -> i32 + Send + 'static,
) -> Result<(ControllerLanes, Nonce), NotConnected> {
    prepare(shared)?;
    let (lanes, child_lanes) = memory::pair();
    let nonce = Nonce::default();
    let initial = shared.table.initial_values();
    take_initial_values(shared, run, &initial);
    let given = registry::Run {
        generation: run.generation,
        window: window(),
        nonce,
        initial,
        place: Place::Thread,
        faults: shared.spec.faults.clone(),
        controller: None,
    };
    let told = (Arc::clone(shared), Arc::clone(run));
    let body = move || {
        let code = caught(|| serve(child_lanes, given)).unwrap_or(PANICKED);
        let (shared, run) = told;
        watch::forget(run.key);
        shared.ended(run.generation, End::Status(ExitStatus::from_code(code)));
    };
    // Before it is watched, and so before it can end.
    post(shared, Notice::Started(std::process::id()));
    watched(shared, run, Subject::Thread);
    let name = format!("child-{}", shared.name().replace('\0', ""));
    if let Err(error) = thread::Builder::new().name(name).stack_size(stack(shared)).spawn(body) {
        watch::forget(run.key);
        return Err(resources(&error));
    }
    Ok((lanes, nonce))
}

/// As much as a process would have, so that what runs in one runs on a thread as well.
fn stack(shared: &Shared) -> usize {
    let unasked = || {
        let of_process = sys::stack_of_process().and_then(|bytes| usize::try_from(bytes).ok());
        of_process.unwrap_or(THREAD_STACK).min(THREAD_STACK_MAX)
    };
    shared.spec.thread_stack.unwrap_or_else(unasked)
}

/// Starts a child process and shakes hands with it.
pub(super) fn to_process(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    steps: &mpsc::Receiver<Step>,
) -> Result<(ControllerLanes, Nonce), NotConnected> {
    prepare(shared)?;
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).map_err(|error| resources(&error))?;
    let lanes = match shared.spec.transport {
        #[cfg(target_os = "linux")]
        Transport::Sockets => sockets::connect(shared, run, nonce)?,
        Transport::IpcChannel => endpoint::connect(shared, run, nonce, steps)?,
    };
    Ok((lanes, nonce))
}

/// The threads that a child needs beside its own: one that is missing is this start's failure, and tried
/// again by the next one.
fn prepare(shared: &Shared) -> Result<(), NotConnected> {
    watch::prepare().map_err(|error| resources(&error))?;
    shared.spec.inbox.prepare().map_err(|error| resources(&error))
}

fn resources(error: &dyn std::fmt::Display) -> NotConnected {
    NotConnected::NoProcess(Failure::Resources(error.to_string()))
}

/// Has the run watched, from before there is a process: its start deadline and a kill hold for the spawn too.
fn watched(shared: &Arc<Shared>, run: &Run, subject: Subject) {
    let owner = Arc::clone(shared) as Arc<dyn Watched>;
    let deadline = Some(shared.spec.start_deadline).filter(|_| !shared.is_patient());
    watch::watch(run.key, owner, run.generation, subject, deadline);
    run.watched();
}

/// Spawns the child with this stdin, tells of it, and has it watched; returns the controller's end of its
/// stdin, if that is a pipe.
fn spawn(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    stdin: Stdio,
) -> Result<Option<ChildStdin>, NotConnected> {
    run.output.prepare(shared).map_err(|error| resources(&error))?;
    let Prepared { command, program, stdout, stderr } =
        command(shared, stdin).map_err(NotConnected::NoProcess)?;
    let spawning = Arc::<Spawning>::default();
    watched(shared, run, Subject::ToCome(Arc::clone(&spawning)));
    let spawned = spawning.order(command).map_err(|error| resources(&error));
    let spawned = spawned.and_then(|()| match spawning.wait() {
        Ok(Ok(spawned)) => Ok(spawned),
        Ok(Err(error)) => Err(NotConnected::NoProcess(spawn_failure(shared, &program, &error))),
        Err(Abandoned) => Err(not_in_time(shared, run, program)),
    });
    let spawned = spawned.inspect_err(|_| watch::forget(run.key))?;
    let pid = spawned.process.id();
    shared.life().pid = Some(pid);
    post(shared, Notice::Started(pid));
    let (stdout, stderr) = (stdout.or(spawned.stdout), stderr.or(spawned.stderr));
    let followed = run.output.follow(shared, run.held(), stdout, stderr);
    watch::arrived(run.key, spawned.process);
    if let Err(error) = followed {
        return Err(NotConnected::Refused(Failure::Resources(format!("its output: {error}"))));
    }
    if debugging::is_for(&shared.name()) {
        debugging::tell_how_to_attach(&shared.name(), pid);
    }
    if !shared.spec.program.is_same_code() {
        // While the child does the same. The user's code runs, on this thread, which has nothing to read yet.
        shared.table.facts();
    }
    Ok(spawned.stdin)
}

/// The wait for the spawn was ended: by the start deadline, or since the child is not wanted any more.
fn not_in_time(shared: &Shared, run: &Run, program: String) -> NotConnected {
    if !lock(&run.known).start_deadline_passed {
        return NotConnected::Ended;
    }
    NotConnected::NoProcess(Failure::Spawn {
        program,
        message: format!("the system has not started it within {:?}", shared.spec.start_deadline),
        advice: "see what holds the file back: a virus scanner, a network drive, FUSE",
    })
}

/// What the child is told first.
fn bootstrap(
    shared: &Shared,
    run: &Run,
    nonce: Nonce,
    attempt: u32,
    endpoint: String,
) -> Bootstrap {
    let child = match &shared.spec.program {
        Program::Own { key } => key.clone(),
        _ => String::new(),
    };
    Bootstrap {
        protocol: PROTOCOL,
        attempt,
        endpoint,
        nonce,
        child,
        generation: run.generation,
        controller: std::process::id(),
        window: window(),
        faults: shared.spec.faults.clone(),
        limits: shared.spec.limits.clone().filter(|_| attempt == 1).map(Box::new),
    }
}

/// Compares what a child says of itself with what is expected of it.
fn recognise(
    shared: &Arc<Shared>,
    run: &Run,
    introduction: &Introduction,
) -> Result<(), NotConnected> {
    if !shared.spec.program.is_same_code() {
        let Some(theirs) = &introduction.facts else {
            let lie = "it does not say what its interface is".to_owned();
            return Err(NotConnected::Refused(Failure::Broken(lie)));
        };
        compare(shared, theirs)?;
    }
    let (properties, values) = (shared.mirrors.len(), introduction.initial.len());
    if values != properties {
        let lie = format!("{values} initial values for {properties} properties");
        return Err(NotConnected::Refused(Failure::Broken(lie)));
    }
    take_initial_values(shared, run, &introduction.initial);
    Ok(())
}

/// Compares a child's interface with the controller's.
fn compare(shared: &Arc<Shared>, theirs: &Facts) -> Result<(), NotConnected> {
    let ours = shared.table.facts();
    let mismatch = |mismatch| Err(NotConnected::Refused(Failure::Mismatch(mismatch)));
    if let Some(found) = Mismatch::between(ours, theirs) {
        return mismatch(found);
    }
    let unseen = not_compared(ours, theirs);
    if unseen.is_empty() {
        return Ok(());
    }
    if shared.spec.compare_strictly {
        return mismatch(Mismatch::strictly(ours, theirs, &unseen));
    }
    if shared.table.is_told_first() {
        let exception = Exception {
            process: shared.name(),
            pid: shared.life().pid,
            command: None,
            call: None,
            kind: ExceptionKind::NotCompared,
            message: format!(
                "a part of `{}` could not be compared with the child's: {}; a difference there goes unnoticed, \
                 so build both programs from one version",
                shared.table.interface,
                unseen.join("; ")
            ),
            backtrace: String::new(),
        };
        post(shared, Notice::Exception(Box::new(exception)));
    }
    Ok(())
}

/// A child that speaks another protocol.
fn other_protocol(child: u32) -> NotConnected {
    NotConnected::Refused(match child {
        PROTOCOL => Failure::Broken(format!("it refuses protocol {PROTOCOL}, which is its own")),
        _ => Failure::Protocol { child, controller: PROTOCOL },
    })
}

/// Every run begins with the properties' initial values; a run that is over sets none.
fn take_initial_values(shared: &Arc<Shared>, run: &Run, initial: &[Vec<u8>]) {
    let Some(_going) = run.finished.hold() else { return };
    for (index, bytes) in initial.iter().enumerate() {
        enqueue_change(shared, index as u16, |mirror| mirror.set(bytes)).wake();
    }
    if std::mem::take(&mut shared.life().stale) {
        post(shared, Notice::Stale(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::handshake::{builder, introductions};
    use crate::interface::Control as _;
    use crate::wire::codec::decode;

    #[test]
    fn a_wrong_number_of_initial_values_is_refused() {
        let control = builder().build().unwrap();
        let shared = control.__core().process().shared();
        let run = Run::new(1);
        let right: Introduction = decode(&introductions()[0]).unwrap();
        assert!(recognise(shared, &run, &right).is_ok());
        let (mut fewer, mut more) = (right.clone(), right);
        fewer.initial.pop();
        more.initial.push(vec![0]);
        for (introduction, count) in [(fewer, 1), (more, 3)] {
            let Err(NotConnected::Refused(Failure::Broken(why))) =
                recognise(shared, &run, &introduction)
            else {
                panic!("{count} are accepted")
            };
            assert_eq!(why, format!("{count} initial values for 2 properties"));
        }
    }
}
