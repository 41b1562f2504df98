//! Spawns the process of a child, and follows what it writes. Also the nonce of a run, and the
//! child's first record.

use std::process::{ChildStdin, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::controller::flow_control::backlog::Offered;
use crate::controller::report::failure::{RunFailure, SpawnError};
use crate::controller::run::command::{Prepared, command, spawn_failure};
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::controller::state::launcher::{Launch, NotLaunched};
use crate::controller::state::options::OutputMode;
use crate::controller::state::posting::{post, post_line};
use crate::controller::state::program::Program;
use crate::controller::state::run::Run;
use crate::debugging;
use crate::process::output::Sink;
use crate::process::spawn::{Abandoned, Spawned, Spawning};
use crate::process::stream::OutputStream;
use crate::process::watch::{self, Subject};
use crate::sync::lock;
use crate::trace::event;
use crate::wire::messages::handshake::{Bootstrap, Nonce};
use crate::wire::packets::packet::PROTOCOL;

/// Returns a number that only the child of this run knows.
pub(super) fn nonce() -> Result<Nonce, NotLaunched> {
    let mut nonce = Nonce::default();
    getrandom::fill(&mut nonce).map_err(|error| NotLaunched::resources(&error))?;
    Ok(nonce)
}

/// Spawns the child with this stdin, announces it, and has it watched. Returns the controller's end
/// of its stdin, if that is a pipe.
pub(super) fn spawn(launch: &Launch<'_>, stdin: Stdio) -> Result<Option<ChildStdin>, NotLaunched> {
    let Launch { shared, run, .. } = launch;
    run.output
        .prepare(shared.options.stdout, shared.options.stderr)
        .map_err(|error| NotLaunched::resources(&error))?;
    let Prepared { command, program, stdout, stderr } =
        command(shared, stdin).map_err(NotLaunched::NoChild)?;
    let spawning = Spawning::new(watch::bury);
    launch.watch(Subject::ToCome(Arc::clone(&spawning)));
    let spawned = spawning.order(command).map_err(|error| NotLaunched::resources(&error));
    let spawned = spawned.and_then(|()| match spawning.wait() {
        Ok(Ok(spawned)) => Ok(spawned),
        Ok(Err(error)) => Err(NotLaunched::NoChild(spawn_failure(shared, &program, &error))),
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
    let follow = |stream, pipe, output| {
        let is_captured = output == OutputMode::Captured;
        let sink = is_captured.then(|| captured(shared, run.output.dropped(), stream));
        run.output.follow(stream, pipe, output, sink, run.held())
    };
    let options = &shared.options;
    let stdout = stdout.map(|pipe| (OutputStream::Stdout, pipe, options.stdout));
    let stderr = stderr.map(|pipe| (OutputStream::Stderr, pipe, options.stderr));
    let mut pipes_followed = stdout.into_iter().chain(stderr);
    let followed =
        pipes_followed.try_for_each(|(stream, pipe, output)| follow(stream, pipe, output));
    watch::arrived(run.key, process);
    if let Err(error) = followed {
        return Err(NotLaunched::Refused(RunFailure::Resources(format!("its output: {error}"))));
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
fn not_in_time(shared: &Shared, run: &Run, program: String) -> NotLaunched {
    if !lock(&run.known).start_deadline_passed {
        return NotLaunched::Ended;
    }
    let why = SpawnError::Timeout(shared.options.start_deadline);
    NotLaunched::NoChild(RunFailure::Spawn { program, why })
}

/// Returns the child's first record.
pub(super) fn bootstrap(
    launch: &Launch<'_>,
    nonce: Nonce,
    attempt: u32,
    endpoint: String,
    window: u32,
) -> Bootstrap {
    let Launch { shared, run, .. } = launch;
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
        window,
        faults: shared.options.faults.clone(),
        limits: shared.options.limits.clone().filter(|_| attempt == 1).map(Box::new),
    }
}
