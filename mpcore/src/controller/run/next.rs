//! What follows the end of a run: the decision, and what it means for the gate, for commands
//! without an outcome, and for `Life::restarting`. `run` carries it out.
//!
//! The [`Supervisor`](crate::controller::model::restart_policy::Supervisor) decides. The end of a
//! run asks it under the lock of `life`, reports the decision after the run's last signal, and sets
//! an alarm. The alarm rings on the watcher's thread and only starts the thread of the next run.
//! Until then `Life::restarting` represents that run: the code that takes it out has begun the run,
//! or called it off. Commands wait meanwhile, as before the first start.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::controller::model::requests::{Gate, GoOver};
use crate::controller::model::restart_policy::{RunEnd, Verdict};
use crate::controller::report::exit::ExitReport;
use crate::controller::report::notifications::{GiveUpReason, Restarting};
use crate::controller::state::Life;

/// What follows the end of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Next {
    Rest,
    /// A manual restart.
    AtOnce,
    Later {
        attempt: u32,
        delay: Duration,
    },
    GiveUp(GiveUpReason),
}

impl Next {
    /// Returns what follows a run with this end.
    pub(crate) fn after(life: &mut Life, end: RunEnd) -> Self {
        if life.released {
            (life.restart, life.start) = (false, false);
            return Self::Rest;
        }
        if life.restart {
            return Self::AtOnce;
        }
        match life.supervisor.ended(Instant::now(), end) {
            Verdict::Rest => Self::Rest,
            Verdict::Restart { attempt, delay } => Self::Later { attempt, delay },
            Verdict::GiveUp(reason) => Self::GiveUp(reason),
        }
    }

    /// Returns which commands without an outcome carry over to the next run; `ready` is whether the
    /// ended run had been ready.
    pub(crate) fn go_over(self, ready: bool) -> GoOver {
        match self {
            Self::Later { .. } if ready => GoOver::Idempotent,
            Self::Later { .. } => GoOver::Everything,
            // A manual restart: earlier commands were stopped.
            Self::AtOnce => GoOver::Since,
            Self::Rest | Self::GiveUp(_) => GoOver::Nothing,
        }
    }

    /// For a child that is to finish and has `left` commands to run: if there are none, no run
    /// begins.
    pub(crate) fn if_any_left(self, left: usize) -> Self {
        match self {
            Self::Later { .. } if left == 0 => Self::Rest,
            next => next,
        }
    }

    /// Returns whether another run is to come.
    pub(crate) fn is_run(self) -> bool {
        matches!(self, Self::AtOnce | Self::Later { .. })
    }

    /// Returns whether commands are accepted from now on.
    pub(crate) fn gate(self, report: &Arc<ExitReport>, finishes: bool) -> Gate {
        match self {
            Self::AtOnce | Self::Later { .. } if finishes => Gate::Finishing,
            Self::AtOnce | Self::Later { .. } => Gate::Open,
            Self::Rest | Self::GiveUp(_) => Gate::Ended(Arc::clone(report)),
        }
    }

    /// Returns the payload of the signal `restarting`, if a restart follows after a delay.
    pub(crate) fn restarting(self, report: &Arc<ExitReport>) -> Option<Restarting> {
        let Self::Later { attempt, delay } = self else { return None };
        Some(Restarting { attempt, delay, report: Arc::clone(report) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ExitStatus;
    use crate::ProcessState;
    use crate::RestartPolicy;
    use crate::controller::report::failure::RunFailure;

    #[mpcore::process]
    trait Idle {
        fn answer(&mut self) -> i32;
    }

    #[derive(mpcore::Child)]
    #[child(Idle)]
    struct IdleProcess {}

    impl Idle for IdleProcess {
        fn answer(&mut self) -> i32 {
            42
        }
    }

    const LONG: Duration = Duration::from_secs(40);

    fn idle(policy: RestartPolicy) -> IdleControl {
        let builder = IdleControl::builder().in_process::<IdleProcess>().restart(policy);
        let idle = builder.spawn().unwrap();
        idle.process().wait_ready(LONG).unwrap();
        idle
    }

    fn hang(idle: &IdleControl) {
        let run = idle.process().shared().life().run.clone().unwrap();
        run.make_way();
        run.kill_for(None, Some(RunFailure::Broken("it hangs".into())));
        idle.process().join(LONG).unwrap();
    }

    #[test]
    fn a_child_killed_for_a_restart_restarts_under_every_policy() {
        let idle = idle(RestartPolicy::never());
        let restarting = idle.process().signals().restarting.receiver();
        hang(&idle);
        let next = restarting.recv_timeout(LONG).unwrap().0;
        assert_eq!((next.attempt, next.report.generation), (1, 1));
        assert_eq!(next.report.failure, Some(RunFailure::Broken("it hangs".into())));
        assert_eq!(next.report.status.map(ExitStatus::code), Some(-9));
        assert_eq!(idle.answer().wait(), Ok(42));
        assert_eq!(
            (idle.process().generation(), idle.process().state()),
            (2, ProcessState::Running)
        );
    }

    #[test]
    fn the_intensity_limits_hung_children_and_a_stop_overrides_it() {
        let idle = idle(RestartPolicy::never().intensity(1, LONG));
        let gave_up = idle.process().signals().gave_up.receiver();
        hang(&idle);
        idle.process().wait_ready(LONG).unwrap();
        hang(&idle);
        let end = gave_up.recv_timeout(LONG).unwrap().0;
        assert_eq!(end.reason, GiveUpReason::TooManyRestarts { restarts: 1, within: LONG });
        idle.process().start().unwrap();
        idle.process().stop();
        hang(&idle);
        assert!(!idle.process().restart_pending());
    }
}
