//! How long the running command may run, and how long it has been running.
//!
//! Pure: takes the time as an argument. The time counts from the start of execution, which the
//! child knows best. A deadline that is set after the call was submitted may arrive before its
//! command, or while it runs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::wire::messages::report::InExecution;

#[derive(Debug)]
struct Running {
    call: u64,
    begun: Instant,
    /// Milliseconds; 0 means no limit.
    allowed: u32,
    /// Its overrun was reported.
    over: bool,
}

impl Running {
    fn deadline(&self) -> Option<Instant> {
        let allowed = Duration::from_millis(self.allowed.into());
        // A deadline beyond the clock's range is none.
        if self.allowed == 0 { None } else { self.begun.checked_add(allowed) }
    }
}

/// A command that is over its deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overrun {
    pub(crate) call: u64,
    /// The milliseconds that it had.
    pub(crate) allowed: u32,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    running: Option<Running>,
    /// Deadlines that have arrived before their commands.
    early: BTreeMap<u64, u32>,
}

impl Deadlines {
    /// Begins a command. Numbers rise. `allowed` is the time in the command's head, in
    /// milliseconds.
    pub(crate) fn begin(&mut self, call: u64, allowed: u32, now: Instant) {
        if !self.early.is_empty() {
            self.early = self.early.split_off(&call);
        }
        let allowed = self.early.remove(&call).unwrap_or(allowed);
        self.running = Some(Running { call, begun: now, allowed, over: false });
    }

    /// Ends the running command.
    pub(crate) fn end(&mut self) {
        self.running = None;
    }

    /// Gives a command another deadline; `begun` is the newest command that has begun.
    pub(crate) fn allow(&mut self, call: u64, allowed: u32, begun: u64) {
        match &mut self.running {
            Some(running) if running.call == call => running.allowed = allowed,
            // A command that has begun and does not run has ended.
            _ if call <= begun => {}
            _ => drop(self.early.insert(call, allowed)),
        }
    }

    /// Returns when [`due`](Self::due) has something to report.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.running.as_ref().filter(|running| !running.over).and_then(Running::deadline)
    }

    /// Returns the overrun of the running command, once.
    pub(crate) fn due(&mut self, now: Instant) -> Option<Overrun> {
        let running = self.running.as_mut().filter(|running| !running.over)?;
        running.deadline().filter(|at| *at <= now)?;
        running.over = true;
        Some(Overrun { call: running.call, allowed: running.allowed })
    }

    /// Returns the deadline of a command while it runs.
    pub(crate) fn of(&self, call: u64) -> Option<Instant> {
        self.running.as_ref().filter(|running| running.call == call).and_then(Running::deadline)
    }

    /// Returns the running command, and how long it has been running.
    pub(crate) fn in_execution(&self, now: Instant) -> Option<InExecution> {
        self.running.as_ref().map(|running| {
            let run = now.saturating_duration_since(running.begun);
            InExecution { call: running.call, milliseconds: run.as_millis() as u64 }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn it_counts_from_the_start_of_execution() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        assert_eq!((deadlines.next(), deadlines.due(start)), (None, None));
        deadlines.begin(1, 50, start + 1000 * MS);
        assert_eq!(deadlines.next(), Some(start + 1050 * MS));
        assert_eq!(deadlines.due(start + 1049 * MS), None);
        assert_eq!(deadlines.due(start + 1050 * MS), Some(Overrun { call: 1, allowed: 50 }));
        assert_eq!((deadlines.next(), deadlines.due(start + 2000 * MS)), (None, None), "once");
    }

    #[test]
    fn one_that_comes_early_waits_for_its_command() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        deadlines.allow(1, 70, 0);
        deadlines.allow(2, 80, 0);
        deadlines.begin(2, 50, start);
        assert_eq!(deadlines.next(), Some(start + 80 * MS));
        deadlines.end();
        assert!(deadlines.early.is_empty(), "what is below has ended");
        deadlines.allow(2, 1, 2);
        assert!(deadlines.early.is_empty());
    }

    #[test]
    fn one_that_comes_late_counts_from_the_start_all_the_same() {
        let start = Instant::now();
        let mut deadlines = Deadlines::default();
        deadlines.begin(1, 0, start);
        assert_eq!(deadlines.next(), None);
        deadlines.allow(1, 10, 1);
        assert_eq!(deadlines.next(), Some(start + 10 * MS));
        deadlines.allow(1, 0, 1);
        assert_eq!(deadlines.due(start + 20 * MS), None, "it was taken back");
    }

    #[derive(Debug, Clone)]
    enum Step {
        Begin(u32),
        End,
        Allow(u64, u32),
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u32..60).prop_map(Step::Begin),
            Just(Step::End),
            (0u64..6, 0u32..60).prop_map(|(ahead, allowed)| Step::Allow(ahead, allowed)),
            (0u64..40).prop_map(Step::Pass),
        ]
    }

    proptest! {
        /// If `due` is called whenever `next` says so, every overrun is reported when it happens,
        /// once, and nothing else is reported.
        #[test]
        fn every_overrun_is_reported_once(steps in prop::collection::vec(step(), 0..100)) {
            let start = Instant::now();
            let (mut now, mut newest) = (start, 0u64);
            let mut deadlines = Deadlines::default();
            // The model: call, start, allowed, reported.
            let mut running: Option<(u64, Instant, u32, bool)> = None;
            let mut wished: BTreeMap<u64, u32> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Begin(allowed) => {
                        newest += 1;
                        deadlines.begin(newest, allowed, now);
                        let allowed = wished.get(&newest).copied().unwrap_or(allowed);
                        running = Some((newest, now, allowed, false));
                    }
                    Step::End => {
                        deadlines.end();
                        running = None;
                    }
                    Step::Allow(ahead, allowed) => {
                        let call = newest + ahead;
                        deadlines.allow(call, allowed, newest);
                        if let Some(running) = running.as_mut().filter(|it| it.0 == call) {
                            running.2 = allowed;
                        } else if ahead > 0 {
                            wished.insert(call, allowed);
                        }
                    }
                    Step::Pass(milliseconds) => {
                        let end = now + Duration::from_millis(milliseconds);
                        if deadlines.next().is_some_and(|at| at > now && at <= end) {
                            prop_assert_eq!(deadlines.due(deadlines.next().unwrap() - MS), None);
                        }
                        now = end;
                    }
                }
                let over = running.as_mut().filter(|(_, begun, allowed, told)| {
                    !told && *allowed > 0 && *begun + *allowed * MS <= now
                });
                let expected = over.map(|(call, _, allowed, told)| {
                    *told = true;
                    Overrun { call: *call, allowed: *allowed }
                });
                prop_assert_eq!(deadlines.due(now), expected);
                prop_assert_eq!(deadlines.due(now), None);
                prop_assert!(deadlines.next().is_none_or(|at| at > now));
            }
        }
    }
}
