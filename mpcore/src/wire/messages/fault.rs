//! Which faults to inject into a child, and when: the plan that [`testing`](crate::testing) passes
//! to it.
//!
//! Pure: [`FaultPlan::due`] returns the faults that are planned for a moment. The child's runtime
//! reports the moments and injects the faults (`child::link::faults`).

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A fault that is injected into a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Fault {
    /// The process exits with this code, without a goodbye.
    Exit(i32),
    /// The process aborts.
    Abort,
    /// The process ends with SIGSEGV; on systems without signals it aborts.
    Segfault,
    /// The process ends with SIGKILL, just as the system ends a process that takes too much memory;
    /// on systems without signals it aborts.
    Kill,
    /// A panic. In the user's code it is a panic of that code; at a message it is a panic of the
    /// runtime, in the thread that sends the message, and ends the child.
    Panic,
    /// The thread that reaches the moment blocks for ever. In the user's code that is the thread
    /// that runs the commands; at a message nothing more can be sent either.
    Hang,
    /// The whole process is stopped (SIGSTOP); on systems without signals the same as
    /// [`Fault::Hang`].
    Freeze,
    /// The child closes the lane on which it sends everything.
    CloseLane,
    /// The child sends bytes that are not a message.
    Garbage,
    /// The child announces a value of 2^64 - 1 bytes.
    HugeLength,
    /// The child sends a message that ends before its content does.
    Truncate,
    /// The child no longer reads anything: no command, and no request to stop.
    StopReading,
    /// The child claims to have read data that was never sent.
    FalseCredit,
    /// The child sends more than it was allowed to.
    Overdraw,
    /// The child sends a result for a call that was not made.
    UnaskedOutcome,
}

impl Fault {
    /// One of each kind; [`Fault::Exit`] with code 7.
    pub const ALL: &'static [Self] = &[
        Self::Exit(7),
        Self::Abort,
        Self::Segfault,
        Self::Kill,
        Self::Panic,
        Self::Hang,
        Self::Freeze,
        Self::CloseLane,
        Self::Garbage,
        Self::HugeLength,
        Self::Truncate,
        Self::StopReading,
        Self::FalseCredit,
        Self::Overdraw,
        Self::UnaskedOutcome,
    ];

    /// Returns whether the fault affects the whole process, so that a child on a thread cannot have
    /// it.
    ///
    /// ```
    /// use mpcore::testing::Fault;
    ///
    /// assert!(Fault::Abort.needs_process());
    /// assert!(!Fault::Panic.needs_process());
    /// ```
    #[must_use]
    pub const fn needs_process(self) -> bool {
        matches!(self, Self::Exit(_) | Self::Abort | Self::Segfault | Self::Kill | Self::Freeze)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exit(code) => return write!(f, "exit with code {code}"),
            Self::Abort => "abort",
            Self::Segfault => "segmentation fault",
            Self::Kill => "SIGKILL",
            Self::Panic => "panic",
            Self::Hang => "hang",
            Self::Freeze => "SIGSTOP",
            Self::CloseLane => "close the lane",
            Self::Garbage => "send garbage",
            Self::HugeLength => "send a huge length",
            Self::Truncate => "send a truncated message",
            Self::StopReading => "stop reading",
            Self::FalseCredit => "claim to have read what was not sent",
            Self::Overdraw => "send more than allowed",
            Self::UnaskedOutcome => "send an unrequested result",
        })
    }
}

/// A moment in the life of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Moment {
    /// Before the constructor is called; a panic counts as the constructor's.
    Constructor,
    /// Before `postrun_init` is called; a panic counts as its own.
    PostrunInit,
    /// At the start of the n-th command that the child runs, counted from 1.
    Command(u64),
    /// Before `cleanup` is called.
    Cleanup,
    /// Before the n-th message that the child sends, counted from 1 and from the end of the handshake.
    ///
    /// A result, an event, a change of a property, `ready` and the goodbye are one message each
    /// while the controller keeps up; if a child sends a lot, several of them go as one message.
    BeforeMessage(u64),
    /// After that message.
    AfterMessage(u64),
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constructor => f.write_str("in the constructor"),
            Self::PostrunInit => f.write_str("in `postrun_init`"),
            Self::Command(number) => write!(f, "in command {number}"),
            Self::Cleanup => f.write_str("in `cleanup`"),
            Self::BeforeMessage(number) => write!(f, "before message {number}"),
            Self::AfterMessage(number) => write!(f, "after message {number}"),
        }
    }
}

/// Which faults a child has, and when.
///
/// The child injects them itself, at the named moments, so an application sees what it would see if
/// they really happened. The child announces an injected fault on its stderr, so it appears in the
/// [`ExitReport`](crate::ExitReport).
///
/// ```
/// use mpcore::testing::{Fault, FaultPlan, Moment};
///
/// let plan = FaultPlan::new()
///     .at(Moment::Command(2), Fault::Abort) // in the second command
///     .only_in_run(1); // and none after a restart
/// assert_eq!(plan.faults(), [(Moment::Command(2), Fault::Abort)]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultPlan {
    faults: Vec<(Moment, Fault)>,
    run: Option<u32>,
    sign: Option<PathBuf>,
}

impl FaultPlan {
    /// Creates a plan without faults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault. Several at one moment happen in the order in which they were added.
    #[must_use]
    pub fn at(mut self, moment: Moment, fault: Fault) -> Self {
        self.faults.push((moment, fault));
        self
    }

    /// Limits the faults to this run, 1 being the first; by default they happen in every run.
    #[must_use]
    pub fn only_in_run(mut self, generation: u32) -> Self {
        self.run = Some(generation);
        self
    }

    /// Makes the child create this empty file just before a fault happens, for a test that has to
    /// know that a child which no longer sends anything has got this far.
    #[must_use]
    pub fn sign(mut self, file: impl Into<PathBuf>) -> Self {
        self.sign = Some(file.into());
        self
    }

    /// Returns the faults, in the order in which they were added.
    #[must_use]
    pub fn faults(&self) -> &[(Moment, Fault)] {
        &self.faults
    }

    /// Returns the faults for this moment of this run, in order.
    pub(crate) fn due(&self, generation: u32, moment: Moment) -> impl Iterator<Item = Fault> + '_ {
        let in_this_run = self.run.is_none_or(|run| run == generation);
        let due = self.faults.iter().filter(move |(at, _)| in_this_run && *at == moment);
        due.map(|(_, fault)| *fault)
    }

    /// Returns the file that announces a fault.
    pub(crate) fn sign_file(&self) -> Option<&Path> {
        self.sign.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(plan: &FaultPlan, generation: u32, moment: Moment) -> Vec<Fault> {
        plan.due(generation, moment).collect()
    }

    #[test]
    fn faults_are_due_at_their_moment_in_their_order() {
        let plan = FaultPlan::new()
            .at(Moment::Command(2), Fault::Garbage)
            .at(Moment::Constructor, Fault::Panic)
            .at(Moment::Command(2), Fault::Hang);
        assert_eq!(due(&plan, 1, Moment::Command(2)), [Fault::Garbage, Fault::Hang]);
        assert_eq!(due(&plan, 7, Moment::Constructor), [Fault::Panic]);
        for moment in [Moment::Command(1), Moment::Cleanup, Moment::BeforeMessage(2)] {
            assert_eq!(due(&plan, 1, moment), []);
        }
    }

    #[test]
    fn a_plan_for_one_run_leaves_the_others_alone() {
        let plan = FaultPlan::new().at(Moment::Cleanup, Fault::Kill).only_in_run(2);
        assert_eq!(due(&plan, 1, Moment::Cleanup), []);
        assert_eq!(due(&plan, 2, Moment::Cleanup), [Fault::Kill]);
        assert_eq!(due(&plan, 3, Moment::Cleanup), []);
    }

    #[test]
    fn a_plan_travels() {
        let mut plan = FaultPlan::new().only_in_run(3).sign("/tmp/struck");
        for (number, fault) in Fault::ALL.iter().copied().enumerate() {
            plan = plan.at(Moment::AfterMessage(number as u64), fault);
        }
        let bytes = postcard::to_stdvec(&plan).unwrap();
        assert_eq!(postcard::from_bytes::<FaultPlan>(&bytes).unwrap(), plan);
    }

    #[test]
    fn each_fault_is_listed_once() {
        let mut texts: Vec<_> = Fault::ALL.iter().map(ToString::to_string).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Fault::ALL.len());
    }
}
