//! A child on a thread of this process.

use std::sync::Arc;
use std::thread;

use crate::child::startup::assignment::{Assignment, Place};
use crate::controller::run::launch::introduction::take_initial_values;
use crate::controller::run::launch::prepare;
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::controller::state::launcher::{Launch, Launched, Launcher, NotLaunched};
use crate::controller::state::posting::post;
use crate::controller::state::program::ThreadChild;
use crate::limits::{THREAD_STACK, THREAD_STACK_MAX};
use crate::panics::unwind::caught;
use crate::process::watch::{self, Elsewhere, Subject, Watched};
use crate::process::{ExitStatus, ProcessEnd, sys};
use crate::transport::{memory, window};
use crate::wire::messages::handshake::Nonce;

/// SIGKILL, as an exit status reports it.
const KILLED: ExitStatus = ExitStatus::from_code(-9);

/// The exit code of a program that panics.
const PANICKED: i32 = 101;

/// Runs the child on a thread.
#[derive(Debug)]
pub(crate) struct OnThread(pub(in crate::controller::run) Arc<dyn ThreadChild>);

impl Launcher for OnThread {
    fn launch(&self, launch: &Launch<'_>) -> Result<Launched, NotLaunched> {
        let Launch { shared, run, owner, .. } = launch;
        prepare(shared)?;
        let window = window();
        let (lanes, child_lanes) = memory::pair(window);
        let nonce = Nonce::default();
        let initial = shared.table.initial_values();
        take_initial_values(shared, run, &initial);
        let given = Assignment {
            generation: run.generation,
            window,
            nonce,
            initial,
            place: Place::Thread,
            faults: shared.options.faults.clone(),
            controller: None,
        };
        let (key, ended) = (run.key, Arc::clone(owner));
        let (child, table) = (Arc::clone(&self.0), Arc::clone(&shared.table));
        let body = move || {
            let code = caught(|| child.serve(&table, child_lanes, given)).unwrap_or(PANICKED);
            watch::forget(key);
            ended.ended(ProcessEnd::Status(ExitStatus::from_code(code)));
        };
        // Before the child is watched, and so before it can end.
        post(shared, Notice::Started(std::process::id()));
        launch.watch(Subject::Elsewhere(Box::new(LeftBehind(Arc::clone(owner)))));
        let name = format!("child-{}", shared.name().replace('\0', ""));
        let thread = thread::Builder::new().name(name).stack_size(stack(shared));
        if let Err(error) = thread.spawn(body) {
            watch::forget(run.key);
            return Err(NotLaunched::resources(&error));
        }
        Ok(Launched { lanes, nonce })
    }
}

/// A thread that cannot be signalled: it gets its requests through its lanes alone.
pub(crate) struct LeftBehind(pub(in crate::controller::run) Arc<dyn Watched>);

impl Elsewhere for LeftBehind {
    fn terminate(&mut self) {}

    /// The thread goes on and is ignored, as if it had been killed.
    fn kill(&mut self) {
        Arc::clone(&self.0).ended(ProcessEnd::Status(KILLED));
    }
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
