//! However a run's thread is left, its run ends.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use super::{Run, Step, end, wait_for_end};
use crate::controller::shared::Shared;
use crate::sync::lock;

/// Ends the run when it is dropped. Where that is because of a panic, which would be a mistake of ours, the
/// child is declared broken, so that it goes and its commands have their outcomes.
pub(super) struct EndGuard<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) run: &'a Arc<Run>,
    pub(super) steps: mpsc::Receiver<Step>,
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
        end::finish(self.shared, self.run);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::controller::process::begin_run;
    use crate::controller::run::read;
    use crate::interface::Control as _;
    use crate::process::watch::{self, Watched};
    use crate::transport::{LaneReceiver, ReceiveError, memory};
    use crate::wire::handshake::Nonce;
    use crate::{CallError, Failure, State};

    #[mpmacros::process(crate = "crate")]
    pub(super) trait Adder {
        fn add(&mut self, a: i32, b: i32) -> i32;
    }

    #[derive(mpmacros::Child)]
    #[child(Adder, crate = "crate")]
    struct Sum {}

    impl Adder for Sum {
        fn add(&mut self, a: i32, b: i32) -> i32 {
            a + b
        }
    }

    struct Panicking;

    impl LaneReceiver for Panicking {
        fn receive(&mut self, _: &mut Vec<u8>) -> Result<(), ReceiveError> {
            std::panic::resume_unwind(Box::new("on purpose"))
        }
    }

    /// A reader that panicked left its child alive and its calls without an outcome, for ever.
    #[test]
    fn a_reader_that_panics_ends_its_run() {
        let control = AdderControl::builder().in_process::<Sum>().build().unwrap();
        let mut call = control.add(1, 2);
        let shared = Arc::clone(control.__core().process().shared());
        let (run, wake) = begin_run(&shared, &mut shared.life());
        wake.wake();
        let owner = Arc::clone(&shared) as Arc<dyn Watched>;
        watch::prepare().unwrap();
        watch::watch(run.key, owner, run.generation, None, None);
        run.watched();
        run.tail.end();
        let (mut lanes, _child) = memory::pair();
        lanes.events = Box::new(Panicking);
        let reader = {
            let (shared, run) = (Arc::clone(&shared), Arc::clone(&run));
            thread::spawn(move || {
                let steps = lock(&run.received).take().unwrap();
                let _end = EndGuard { shared: &shared, run: &run, steps };
                let events = read::open(&shared, &run, lanes, Nonce::default());
                let _ = read::read(&shared, &run, events);
            })
        };
        assert!(reader.join().is_err());
        let outcome = call.wait_timeout(Duration::from_secs(60)).expect("the call has an outcome");
        let Err(CallError::Exited(report)) = outcome else { panic!("{outcome:?}") };
        assert!(matches!(report.failure, Some(Failure::Broken(_))), "{report:?}");
        assert!(report.killed);
        assert_eq!(control.process().state(), State::Failed, "it never was ready");
    }
}
