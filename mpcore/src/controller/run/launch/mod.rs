//! The launchers: each starts children in its own way, and shakes hands with them.
//!
//! A child is a [thread](thread) of this process, or a process that inherits [`sockets`] or
//! connects to an [`endpoint`] of ipc-channel; both spawn it in the same way ([`spawn`]). What a
//! child says of itself is compared in [`introduction`]. Runs on the run's thread, before it reads.
//! No call is on its way yet: commands wait in the queue until the lanes are open. [`launcher`]
//! chooses among them; the tests add another one, `Far`.

mod endpoint;
mod introduction;
#[cfg(target_os = "linux")]
mod sockets;
mod spawn;
pub(crate) mod thread;

use std::sync::Arc;

use crate::controller::signals::relief;
use crate::controller::state::Shared;
use crate::controller::state::launcher::{Launcher, NotLaunched};
use crate::controller::state::program::Program;
use crate::process::watch;
use crate::transport::Transport;

/// Returns the launcher for a program.
pub(crate) fn launcher(program: &Program, transport: Transport) -> Arc<dyn Launcher> {
    match (program, transport) {
        (Program::Thread(child), _) => Arc::new(thread::OnThread(Arc::clone(child))),
        #[cfg(target_os = "linux")]
        (Program::Own { .. } | Program::Path(_), Transport::Sockets) => {
            Arc::new(sockets::OverSockets)
        }
        (Program::Own { .. } | Program::Path(_), Transport::IpcChannel) => {
            Arc::new(endpoint::OverIpcChannel)
        }
    }
}

/// Prepares the threads that a child needs apart from its own. If one cannot be started, this start
/// fails, and the next one tries again.
fn prepare(shared: &Shared) -> Result<(), NotLaunched> {
    watch::prepare().map_err(|error| NotLaunched::resources(&error))?;
    relief::prepare_for(&shared.options.inbox).map_err(|error| NotLaunched::resources(&error))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::CallError;
    use crate::child::startup::assignment::{Assignment, Place};
    use crate::child::startup::registry::Registration;
    use crate::controller::report::exit::ProcessState;
    use crate::controller::run::launch::introduction::take_initial_values;
    use crate::controller::signals::notice::Notice;
    use crate::controller::state::launcher::{Launch, Launched};
    use crate::controller::state::posting::post;
    use crate::controller::state::run::Patience;
    use crate::fixtures::interface::{SampleProcess, builder};
    use crate::fixtures::zoo::Tree;
    use crate::process::watch::{Elsewhere, Subject};
    use crate::process::{ExitStatus, ProcessEnd};
    use crate::sync::lock;
    use crate::transport::memory;
    use crate::wire::messages::handshake::Nonce;

    const LONG: Duration = Duration::from_secs(60);

    /// A launcher from outside of this room, as one for another computer would be: the end of its
    /// children is reported by the other side, and its lanes have a window of their own.
    #[derive(Debug, Default)]
    struct Far {
        /// The other side never answers.
        is_cut_off: bool,
        requests: Arc<Mutex<Vec<&'static str>>>,
    }

    const FAR_WINDOW: u32 = 20 << 10;
    const FAR_PID: u32 = 4_000_000_000;

    /// Passes requests on to the other side.
    struct OtherSide(Arc<Mutex<Vec<&'static str>>>);

    impl Elsewhere for OtherSide {
        fn terminate(&mut self) {
            lock(&self.0).push("terminate");
        }

        /// Has no effect: nothing gets through to the other side.
        fn kill(&mut self) {
            lock(&self.0).push("kill");
        }
    }

    impl Launcher for Far {
        fn launch(&self, launch: &Launch<'_>) -> Result<Launched, NotLaunched> {
            let Launch { shared, run, owner, .. } = launch;
            prepare(shared)?;
            let (lanes, child_lanes) = memory::pair(FAR_WINDOW);
            let initial = shared.table.initial_values();
            take_initial_values(shared, run, &initial);
            let given = Assignment {
                generation: run.generation,
                window: FAR_WINDOW,
                nonce: Nonce::default(),
                initial,
                place: Place::Thread,
                faults: None,
                controller: None,
            };
            post(shared, Notice::Started(FAR_PID));
            let owner = Arc::clone(owner);
            let other_side = OtherSide(Arc::clone(&self.requests));
            launch.watch(Subject::Elsewhere(Box::new(other_side)));
            let (key, is_cut_off) = (run.key, self.is_cut_off);
            thread::spawn(move || {
                if is_cut_off {
                    return std::mem::forget(child_lanes);
                }
                let code = (Registration::of::<SampleProcess>().serve)(child_lanes, given);
                watch::forget(key);
                owner.ended(ProcessEnd::Status(ExitStatus::from_code(code)));
            });
            Ok(Launched { lanes, nonce: Nonce::default() })
        }

        fn patience(&self) -> Patience {
            Patience { drain: LONG, closed_lane: LONG }
        }
    }

    #[test]
    fn another_launcher_joins_without_a_change_elsewhere() {
        let far = Arc::new(Far::default());
        let control = builder().launcher(Arc::clone(&far) as _).build().unwrap();
        let started = control.process().signals().started.receiver();
        control.process().start().unwrap();
        // Each way it takes several times its window.
        let rows = vec![Some([u64::MAX; 4]); 3000];
        let mut large = control.grow(Tree::deep(20), rows);
        assert_eq!(control.add(1, 2).wait_timeout(LONG), Ok(3));
        assert!(large.wait_timeout(LONG).is_ok());
        assert_eq!(started.recv_timeout(LONG), Ok((FAR_PID,)));
        control.process().restart().unwrap();
        assert_eq!(control.add(3, 4).wait_timeout(LONG), Ok(7));
        assert_eq!(started.recv_timeout(LONG), Ok((FAR_PID,)));
        control.process().stop();
        assert_eq!(control.process().join(LONG).unwrap().code(), Some(0));
        let report = control.process().exit_report().unwrap();
        assert_eq!((report.state, report.killed), (ProcessState::Finished, false), "{report:?}");
        assert!(lock(&far.requests).is_empty());
    }

    #[test]
    fn a_child_behind_a_lost_link_ends_with_the_last_rung() {
        let far = Arc::new(Far { is_cut_off: true, ..Far::default() });
        let control = builder()
            .launcher(Arc::clone(&far) as _)
            .stop_grace(Duration::from_millis(10))
            .spawn()
            .unwrap();
        let mut call = control.add(1, 2);
        control.process().stop();
        assert_eq!(control.process().join(LONG).unwrap(), ProcessEnd::LinkLost);
        assert_eq!(*lock(&far.requests), ["terminate", "kill"]);
        let outcome = call.wait_timeout(LONG);
        assert!(matches!(outcome, Err(CallError::Stopped)), "{outcome:?}");
    }
}
