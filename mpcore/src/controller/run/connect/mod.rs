//! Opens the lanes to a child: on a thread of this process, or to a process that is spawned and
//! shakes hands, over [`sockets`] that it inherits or at an [`endpoint`] of ipc-channel.
//!
//! Runs on the run's thread, before it reads. No call is on its way yet: commands wait in the queue
//! until the lanes are open.

mod endpoint;
#[cfg(target_os = "linux")]
mod sockets;

use std::process::{ChildStdin, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use crate::child::startup::assignment::{Assignment, Place};
use crate::controller::flow_control::backlog::Offered;
use crate::controller::report::failure::{RunFailure, SpawnError};
use crate::controller::report::outcome::{Exception, ExceptionKind};
use crate::controller::run::command::{Prepared, command, spawn_failure};
use crate::controller::signals::notice::Notice;
use crate::controller::signals::relief;
use crate::controller::state::Shared;
use crate::controller::state::options::OutputMode;
use crate::controller::state::posting::{enqueue_change, post, post_line};
use crate::controller::state::program::Program;
use crate::controller::state::run::{Run, Step};
use crate::debugging;
use crate::limits::{THREAD_STACK, THREAD_STACK_MAX};
use crate::panics::unwind::caught;
use crate::process::output::{Pipe, Sink};
use crate::process::spawn::{Abandoned, Spawned, Spawning};
use crate::process::stream::OutputStream;
use crate::process::watch::{self, Subject, Watched};
use crate::process::{ExitStatus, ProcessEnd, sys};
use crate::sync::lock;
use crate::trace::event;
use crate::transport::{ChildLanes, ControllerLanes, Transport, memory, window};
use crate::wire::interface::description::Facts;
use crate::wire::interface::fingerprint::{InterfaceMismatch, not_compared};
use crate::wire::messages::handshake::{Bootstrap, Introduction, Nonce};
use crate::wire::packets::packet::PROTOCOL;

/// The exit code of a program that panics.
const PANICKED: i32 = 101;

/// Why a run has no lanes.
pub(crate) enum NotConnected {
    /// There never was a process.
    NoProcess(RunFailure),
    /// There is a process, and it must be killed.
    Refused(RunFailure),
    /// The process has closed its end, so it is about to end.
    #[cfg(target_os = "linux")]
    Closed,
    /// The process has ended.
    Ended,
}

/// Starts a child on a thread.
pub(crate) fn to_thread(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    owner: Arc<dyn Watched>,
    serve: impl FnOnce(ChildLanes, Assignment) -> i32 + Send + 'static,
) -> Result<(ControllerLanes, Nonce), NotConnected> {
    prepare(shared)?;
    let (lanes, child_lanes) = memory::pair();
    let nonce = Nonce::default();
    let initial = shared.table.initial_values();
    take_initial_values(shared, run, &initial);
    let given = Assignment {
        generation: run.generation,
        window: window(),
        nonce,
        initial,
        place: Place::Thread,
        faults: shared.options.faults.clone(),
        controller: None,
    };
    let (key, ended) = (run.key, Arc::clone(&owner));
    let body = move || {
        let code = caught(|| serve(child_lanes, given)).unwrap_or(PANICKED);
        watch::forget(key);
        ended.ended(ProcessEnd::Status(ExitStatus::from_code(code)));
    };
    // Before the child is watched, and so before it can end.
    post(shared, Notice::Started(std::process::id()));
    watched(shared, run, owner, Subject::Thread);
    let name = format!("child-{}", shared.name().replace('\0', ""));
    if let Err(error) = thread::Builder::new().name(name).stack_size(stack(shared)).spawn(body) {
        watch::forget(run.key);
        return Err(resources(&error));
    }
    Ok((lanes, nonce))
}

/// Returns the stack size that a process would have, so that code that runs in a process also runs
/// on a thread.
fn stack(shared: &Shared) -> usize {
    let unasked = || {
        let of_process = sys::stack_of_process().and_then(|bytes| usize::try_from(bytes).ok());
        of_process.unwrap_or(THREAD_STACK).min(THREAD_STACK_MAX)
    };
    shared.options.thread_stack.unwrap_or_else(unasked)
}

/// Starts a child process and shakes hands with it.
pub(crate) fn to_process(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    owner: Arc<dyn Watched>,
    steps: &mpsc::Receiver<Step>,
) -> Result<(ControllerLanes, Nonce), NotConnected> {
    prepare(shared)?;
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).map_err(|error| resources(&error))?;
    let lanes = match shared.options.transport {
        #[cfg(target_os = "linux")]
        Transport::Sockets => sockets::connect(shared, run, owner, nonce)?,
        Transport::IpcChannel => endpoint::connect(shared, run, owner, nonce, steps)?,
    };
    Ok((lanes, nonce))
}

/// Prepares the threads that a child needs apart from its own. If one cannot be started, this start
/// fails, and the next one tries again.
fn prepare(shared: &Shared) -> Result<(), NotConnected> {
    watch::prepare().map_err(|error| resources(&error))?;
    relief::prepare_for(&shared.options.inbox).map_err(|error| resources(&error))
}

fn resources(error: &dyn std::fmt::Display) -> NotConnected {
    NotConnected::NoProcess(RunFailure::Resources(error.to_string()))
}

/// Has the run watched before there is a process: its start deadline and a kill apply to the spawn
/// too.
fn watched(shared: &Shared, run: &Run, owner: Arc<dyn Watched>, subject: Subject) {
    let deadline = Some(shared.options.start_deadline).filter(|_| !shared.is_patient());
    watch::watch(run.key, owner, subject, deadline);
    run.watched();
}

/// Spawns the child with this stdin, announces it, and has it watched. Returns the controller's end
/// of its stdin, if that is a pipe.
fn spawn(
    shared: &Arc<Shared>,
    run: &Arc<Run>,
    owner: Arc<dyn Watched>,
    stdin: Stdio,
) -> Result<Option<ChildStdin>, NotConnected> {
    run.output
        .prepare(shared.options.stdout, shared.options.stderr)
        .map_err(|error| resources(&error))?;
    let Prepared { command, program, stdout, stderr } =
        command(shared, stdin).map_err(NotConnected::NoProcess)?;
    let spawning = Spawning::new(watch::bury);
    watched(shared, run, owner, Subject::ToCome(Arc::clone(&spawning)));
    let spawned = spawning.order(command).map_err(|error| resources(&error));
    let spawned = spawned.and_then(|()| match spawning.wait() {
        Ok(Ok(spawned)) => Ok(spawned),
        Ok(Err(error)) => Err(NotConnected::NoProcess(spawn_failure(shared, &program, &error))),
        Err(Abandoned) => Err(not_in_time(shared, run, program)),
    });
    let spawned = spawned.inspect_err(|_| watch::forget(run.key))?;
    let Spawned { process, pipes } = spawned;
    // Announced before it is watched as a process, so that its `started` comes before its end.
    let pid = process.id();
    shared.life().pid = Some(pid);
    run.span.has_process(pid);
    event!(DEBUG, "mpcore::run", in run.span.id(), "spawned", pid = pid);
    post(shared, Notice::Started(pid));
    let (stdout, stderr) = (stdout.or(pipes.stdout), stderr.or(pipes.stderr));
    let follow = |pipe, output, stream| {
        let is_captured = output == OutputMode::Captured;
        let sink = is_captured.then(|| captured(shared, run.output.dropped(), stream));
        run.output.follow(pipe, output, sink, run.held())
    };
    let options = &shared.options;
    let stdout = stdout.map(|pipe| (Pipe::Stdout(pipe), options.stdout, OutputStream::Stdout));
    let stderr = stderr.map(|pipe| (Pipe::Stderr(pipe), options.stderr, OutputStream::Stderr));
    let mut pipes_followed = stdout.into_iter().chain(stderr);
    let followed =
        pipes_followed.try_for_each(|(pipe, output, stream)| follow(pipe, output, stream));
    watch::arrived(run.key, process);
    if let Err(error) = followed {
        return Err(NotConnected::Refused(RunFailure::Resources(format!("its output: {error}"))));
    }
    if debugging::is_for(&shared.name()) {
        debugging::tell_how_to_attach(&shared.name(), pid);
    }
    if !shared.program.is_same_code() {
        // The child does the same meanwhile. This runs user code, on this thread, which has nothing
        // to read yet.
        shared.table.facts();
    }
    Ok(pipes.stdin)
}

/// Returns the sink of a stream's captured lines.
fn captured(shared: &Arc<Shared>, dropped: Arc<AtomicU64>, stream: OutputStream) -> Sink {
    let shared = Arc::clone(shared);
    Box::new(move |line| {
        let signals = &shared.signals;
        let signal = match stream {
            OutputStream::Stdout => &signals.stdout_line,
            OutputStream::Stderr => &signals.stderr_line,
        };
        // A line need not wait if no handler is connected.
        if signal.is_connected() && post_line(&shared, stream, line) == Offered::Dropped {
            dropped.fetch_add(1, Ordering::SeqCst);
        }
    })
}

/// The wait for the spawn was ended, by the start deadline or because the child is no longer
/// wanted.
fn not_in_time(shared: &Shared, run: &Run, program: String) -> NotConnected {
    if !lock(&run.known).start_deadline_passed {
        return NotConnected::Ended;
    }
    let why = SpawnError::Timeout(shared.options.start_deadline);
    NotConnected::NoProcess(RunFailure::Spawn { program, why })
}

/// Returns the child's first record.
fn bootstrap(
    shared: &Shared,
    run: &Run,
    nonce: Nonce,
    attempt: u32,
    endpoint: String,
) -> Bootstrap {
    let child = match &shared.program {
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
        faults: shared.options.faults.clone(),
        limits: shared.options.limits.clone().filter(|_| attempt == 1).map(Box::new),
    }
}

/// Compares the child's introduction with what is expected.
fn recognise(
    shared: &Arc<Shared>,
    run: &Run,
    introduction: &Introduction,
) -> Result<(), NotConnected> {
    if !shared.program.is_same_code() {
        let Some(theirs) = &introduction.facts else {
            let lie = "its introduction does not describe its interface".to_owned();
            return Err(NotConnected::Refused(RunFailure::Broken(lie)));
        };
        compare(shared, theirs)?;
    }
    let (properties, values) = (shared.mirrors.len(), introduction.initial.len());
    if values != properties {
        let lie = format!("{values} initial values for {properties} properties");
        return Err(NotConnected::Refused(RunFailure::Broken(lie)));
    }
    take_initial_values(shared, run, &introduction.initial);
    event!(
        DEBUG, "mpcore::run", in run.span.id(), "introduced",
        pid = introduction.pid, properties = properties as u64,
    );
    Ok(())
}

/// Compares a child's interface with the controller's.
fn compare(shared: &Arc<Shared>, theirs: &Facts) -> Result<(), NotConnected> {
    let ours = shared.table.facts();
    let mismatch = |mismatch| Err(NotConnected::Refused(RunFailure::Mismatch(mismatch)));
    if let Some(found) = InterfaceMismatch::between(ours, theirs) {
        return mismatch(found);
    }
    let unseen = not_compared(ours, theirs);
    if unseen.is_empty() {
        return Ok(());
    }
    if shared.options.compare_strictly {
        return mismatch(InterfaceMismatch::strictly(ours, theirs, &unseen));
    }
    if shared.table.is_told_first() {
        event!(
            WARN, "mpcore::run", in shared.run_span(), "interface not compared",
            interface = shared.table.interface.clone(), parts = unseen.len() as u64,
        );
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

/// Returns the failure for a child with another protocol.
fn other_protocol(child: u32) -> NotConnected {
    NotConnected::Refused(match child {
        PROTOCOL => RunFailure::Broken(format!("it refuses protocol {PROTOCOL}, which is its own")),
        _ => RunFailure::Protocol { child, controller: PROTOCOL },
    })
}

/// Sets the properties' initial values, with which every run begins. A run that is over sets none.
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
    use crate::controller::control::Control as _;
    use crate::fuzzing::handshake::{builder, introductions};
    use crate::wire::value::codec::decode;

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
            let Err(NotConnected::Refused(RunFailure::Broken(why))) =
                recognise(shared, &run, &introduction)
            else {
                panic!("{count} are accepted")
            };
            assert_eq!(why, format!("{count} initial values for 2 properties"));
        }
    }
}
