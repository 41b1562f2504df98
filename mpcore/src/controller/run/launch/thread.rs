//! Launches a child on a thread of this process, with the stack of a process. It cannot be killed:
//! it is left behind and ignored.

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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::CallError;
    use crate::controller::control::Control as _;
    use crate::controller::run::begin::begin_run;
    use crate::controller::state::watched_run::WatchedRun;
    use crate::fixtures::adder::{AdderControl, Sum};
    use crate::sync::lock;
    use crate::transport::ChildLanes;
    use crate::wire::interface::description::InterfaceTable;

    const LONG: Duration = Duration::from_secs(60);

    /// A child whose runtime panics.
    #[derive(Debug)]
    struct Unwinding;

    impl ThreadChild for Unwinding {
        fn serve(&self, _: &InterfaceTable, _: ChildLanes, _: Assignment) -> i32 {
            std::panic::resume_unwind(Box::new("on purpose"))
        }
    }

    /// A panic of the runtime is a bug in mpcore; its run still ends.
    #[test]
    fn a_child_on_a_thread_that_panics_has_ended() {
        let control = AdderControl::builder().in_process::<Sum>().build().unwrap();
        let mut call = control.add(1, 2);
        let shared = Arc::clone(control.__core().process().shared());
        let (run, wake) = begin_run(&shared, &mut shared.life());
        wake.wake();
        let owner: Arc<dyn Watched> = Arc::new(WatchedRun::new(&shared, &run));
        let steps = lock(&run.received).take().unwrap();
        let launch = Launch { shared: &shared, run: &run, owner, steps: &steps };
        assert!(OnThread(Arc::new(Unwinding)).launch(&launch).is_ok());
        let outcome = call.wait_timeout(LONG);
        let Err(CallError::Exited(report)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(report.status.map(ExitStatus::code), Some(101));
    }
}
