//! Ends the run however its thread is left.

use std::sync::{Arc, mpsc};
use std::thread;

use crate::controller::state::Shared;
use crate::controller::state::run::{Run, Step, wait_for_end};
use crate::sync::lock;

/// Ends the run when it is dropped. If that is due to a panic, which would be a bug in mpcore, the
/// child is declared broken, so that it is killed and its commands have their outcomes.
pub(crate) struct EndGuard<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) run: &'a Arc<Run>,
    pub(crate) steps: mpsc::Receiver<Step>,
    pub(crate) finish: fn(&Arc<Shared>, &Arc<Run>),
}

impl Drop for EndGuard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.run.declare_broken("what it sent made its reader panic");
            let watched = lock(&self.run.known).watched;
            if watched {
                wait_for_end(&self.steps);
            }
        }
        (self.finish)(self.shared, self.run);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::CallError;
    use crate::ProcessState;
    use crate::RunFailure;
    use crate::controller::control::Control as _;
    use crate::controller::run::begin::begin_run;
    use crate::controller::run::finish;
    use crate::controller::run::launch::thread::LeftBehind;
    use crate::controller::run::read;
    use crate::controller::state::watched_run::WatchedRun;
    use crate::fixtures::adder::{AdderControl, Sum};
    use crate::process::watch::{self, Subject, Watched};
    use crate::transport::{LaneReceiveError, LaneReceiver, memory, window};
    use crate::wire::messages::handshake::Nonce;

    const LONG: Duration = Duration::from_secs(60);

    struct Panicking;

    impl LaneReceiver for Panicking {
        fn receive(&mut self, _: &mut Vec<u8>) -> Result<(), LaneReceiveError> {
            std::panic::resume_unwind(Box::new("on purpose"))
        }
    }

    /// Regression: a reader that panicked left its child alive and its calls without an outcome
    /// forever.
    #[test]
    fn a_reader_that_panics_ends_its_run() {
        let control = AdderControl::builder().in_process::<Sum>().build().unwrap();
        let mut call = control.add(1, 2);
        let shared = Arc::clone(control.__core().process().shared());
        let (run, wake) = begin_run(&shared, &mut shared.life());
        wake.wake();
        let owner: Arc<dyn Watched> = Arc::new(WatchedRun::new(&shared, &run));
        watch::prepare().unwrap();
        let left_behind = Box::new(LeftBehind(Arc::clone(&owner)));
        watch::watch(run.key, owner, Subject::Elsewhere(left_behind), None);
        run.watched();
        let (mut lanes, _child) = memory::pair(window());
        lanes.events = Box::new(Panicking);
        let reader = {
            let (shared, run) = (Arc::clone(&shared), Arc::clone(&run));
            thread::spawn(move || {
                let steps = lock(&run.received).take().unwrap();
                let _end = EndGuard { shared: &shared, run: &run, steps, finish };
                let events = read::open(&shared, &run, lanes, Nonce::default());
                let _ = read::read(&shared, &run, events);
            })
        };
        assert!(reader.join().is_err());
        let outcome = call.wait_timeout(LONG);
        let Err(CallError::Exited(report)) = outcome else { panic!("{outcome:?}") };
        assert!(matches!(report.failure, Some(RunFailure::Broken(_))), "{report:?}");
        assert!(report.killed);
        assert_eq!(control.process().state(), ProcessState::Failed, "it never was ready");
    }
}
