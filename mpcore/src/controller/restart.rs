//! Supervision at work: what follows the end of a run, and what stands for the next until it begins.
//!
//! The [`Supervisor`](crate::supervise::restart::Supervisor) decides. The end of a run asks it under the
//! lock of `life`, tells what it says after the run's last signal, and sets an alarm, which rings on the
//! watcher's thread and only starts the thread of the next run. Until then `Life::restarting` stands for
//! that run: whoever takes it out has begun the run, or called it off. Commands wait meanwhile, as they do
//! before the first start.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exit::ExitReport;
use super::inbox::{Notice, Wake, enqueue};
use super::pending::Entry;
use super::process::begin_run;
use super::run::{self, Run};
use super::shared::{Life, Shared};
use super::traffic::{Gate, GoOver};
use crate::process::watch;
use crate::supervise::restart::{GiveUpReason, RunEnd, Verdict};

/// A child that has ended is about to be started again.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Restarting {
    /// Counts the restarts since the last run that lasted, from 1.
    pub attempt: u32,
    /// How long after its end.
    pub delay: Duration,
    /// How it has ended.
    pub report: Arc<ExitReport>,
}

impl fmt::Display for Restarting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempt, delay, report } = self;
        write!(f, "child `{}` is started again in {delay:?} (attempt {attempt})", report.name)
    }
}

/// A child that has ended is not started again, although its policy would have it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct GaveUp {
    /// Why.
    pub reason: GiveUpReason,
    /// How it has ended the last time.
    pub report: Arc<ExitReport>,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; it is given up: {}", self.report, self.reason)
    }
}

/// What follows the end of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    Rest,
    /// A restart by hand.
    AtOnce,
    Later {
        attempt: u32,
        delay: Duration,
    },
    GiveUp(GiveUpReason),
}

impl Next {
    pub(super) fn after(life: &mut Life, end: RunEnd) -> Self {
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

    /// What of the commands without an outcome goes over to the next run; `ready`: the one that has ended
    /// had been ready.
    pub(super) fn go_over(self, ready: bool) -> GoOver {
        match self {
            Self::Later { .. } if ready => GoOver::Idempotent,
            Self::Later { .. } => GoOver::Everything,
            // By hand: what was there before was stopped.
            Self::AtOnce => GoOver::Since,
            Self::Rest | Self::GiveUp(_) => GoOver::Nothing,
        }
    }

    /// Of a child that is to finish, and has `left` commands to do: no run begins for none.
    pub(super) fn if_any_left(self, left: usize) -> Self {
        match self {
            Self::Later { .. } if left == 0 => Self::Rest,
            next => next,
        }
    }

    /// Whether another run is to come.
    pub(super) fn is_run(self) -> bool {
        matches!(self, Self::AtOnce | Self::Later { .. })
    }

    /// Whether commands are taken from now on.
    pub(super) fn gate(self, report: &Arc<ExitReport>, finishes: bool) -> Gate {
        match self {
            Self::AtOnce | Self::Later { .. } if finishes => Gate::Finishing,
            Self::AtOnce | Self::Later { .. } => Gate::Open,
            Self::Rest | Self::GiveUp(_) => Gate::Ended(Arc::clone(report)),
        }
    }

    pub(super) fn restarting(self, report: &Arc<ExitReport>) -> Option<Restarting> {
        let Self::Later { attempt, delay } = self else { return None };
        Some(Restarting { attempt, delay, report: Arc::clone(report) })
    }

    /// The last signals of the run have been posted: begins the next, or says when it begins, or that it
    /// never does. What has been called off meanwhile is not told.
    pub(super) fn follow(self, shared: &Arc<Shared>, report: &Arc<ExitReport>) {
        let mut begun = None;
        let mut wake = Wake::none();
        {
            let mut life = shared.life();
            life.finishing = false;
            if let Self::GiveUp(reason) = self {
                let report = Arc::clone(report);
                wake = enqueue(shared, Notice::GaveUp(Box::new(GaveUp { reason, report })));
            }
            if life.restart {
                life.supervisor.by_hand();
                let (run, starting) = begin_run(shared, &mut life);
                (begun, wake) = (Some(run), wake.and(starting));
            } else if let Some(next) = life.restarting.clone() {
                set_alarm(shared, &next);
                wake = enqueue(shared, Notice::Restarting(Box::new(next)));
            }
        }
        shared.life_changed().notify_all();
        wake.wake();
        if let Some(run) = begun {
            run::begin(shared, &run);
        }
    }
}

fn set_alarm(shared: &Arc<Shared>, next: &Restarting) {
    let (waiting, generation) = (Arc::downgrade(shared), next.report.generation);
    // The delay is bounded, see `supervise`.
    watch::alarm(Instant::now() + next.delay, move || {
        if let Some(shared) = waiting.upgrade() {
            begin_next(&shared, generation);
        }
    });
}

/// The time has come to start again after this run, unless somebody has thought better of it.
fn begin_next(shared: &Arc<Shared>, generation: u32) {
    let (run, wake): (Arc<Run>, Wake) = {
        let mut life = shared.life();
        if life.restarting.as_ref().is_none_or(|next| next.report.generation != generation) {
            return;
        }
        begin_run(shared, &mut life)
    };
    shared.life_changed().notify_all();
    wake.wake();
    run::begin(shared, &run);
}

/// No run is to follow the one that has ended; what waits for it is to end as stopped.
pub(super) fn call_off(shared: &Shared, life: &mut Life) -> Vec<(u64, Entry)> {
    let by_hand = std::mem::take(&mut life.restart);
    life.start = false;
    life.finish = None;
    if life.restarting.take().is_none() && !by_hand {
        return Vec::new();
    }
    let mut traffic = shared.traffic();
    if let Some(report) = &life.report {
        traffic.gate = Gate::Ended(Arc::clone(report));
    }
    traffic.end(GoOver::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::exit::Failure;
    use crate::{ExitStatus, RestartPolicy, State};

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
        run.kill_for(None, Some(Failure::Broken("it hangs".into())));
        idle.process().join(LONG).unwrap().expect("it ends");
    }

    #[test]
    fn a_child_killed_for_a_restart_restarts_under_every_policy() {
        let idle = idle(RestartPolicy::never());
        let restarting = idle.process().signals().restarting.receiver();
        hang(&idle);
        let next = restarting.recv_timeout(LONG).unwrap().0;
        assert_eq!((next.attempt, next.report.generation), (1, 1));
        assert_eq!(next.report.failure, Some(Failure::Broken("it hangs".into())));
        assert_eq!(next.report.status.map(ExitStatus::code), Some(-9));
        assert_eq!(idle.answer().wait(), Ok(42));
        assert_eq!((idle.process().generation(), idle.process().state()), (2, State::Running));
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
