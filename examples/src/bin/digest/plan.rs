//! Decides what the demo does next. It acts on nothing: the processes are in `controller`.

/// The events that decide anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Event {
    /// The progress of the command, from 0 to 1.
    Progress(f64),
    /// The command has ended with a result.
    Result,
    /// The command has ended without a result.
    NoResult,
    /// The run of the child has ended.
    Ended,
    /// Ctrl-C.
    Interrupt,
}

/// The action that follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Act {
    Nothing,
    /// Kill the child, whose command is in the middle of its work.
    KillBusy,
    /// Kill the child, whose command was done before its middle.
    KillIdle,
    /// Start the child again and repeat the command.
    StartAgain,
    /// Cancel the command.
    Cancel,
    /// Show the result and end the demo.
    Finish,
    /// Report why there is no result.
    Fail,
    /// Report that Ctrl-C cancelled the demo.
    EndCancelled,
    /// Ctrl-C once more: end without waiting for the child.
    GiveUp,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// The child works and will be killed.
    First,
    /// It was killed; its end is on the way.
    Killed,
    /// The second child works and may finish.
    Second,
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Plan {
    stage: Stage,
    interrupted: bool,
}

impl Plan {
    pub(crate) fn new() -> Self {
        Self { stage: Stage::First, interrupted: false }
    }

    pub(crate) fn next(&mut self, event: Event) -> Act {
        use Stage::{First, Killed, Second};
        match (event, self.stage) {
            (Event::Interrupt, _) if self.interrupted => Act::GiveUp,
            (Event::Interrupt, stage) => {
                self.interrupted = true;
                // The end of a killed child also ends its command.
                if stage == Killed { Act::Nothing } else { Act::Cancel }
            }
            (Event::Result | Event::NoResult | Event::Ended, _) if self.interrupted => {
                Act::EndCancelled
            }
            // At 1 the result is on its way, and the middle has passed.
            (Event::Progress(fraction), First)
                if (0.5..1.0).contains(&fraction) && !self.interrupted =>
            {
                self.stage = Killed;
                Act::KillBusy
            }
            (Event::Result, First) => {
                self.stage = Killed;
                Act::KillIdle
            }
            (Event::Ended, Killed) => {
                self.stage = Second;
                Act::StartAgain
            }
            (Event::Result, Second) => Act::Finish,
            (Event::NoResult, First | Second) => Act::Fail,
            _ => Act::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(steps: &[(Event, Act)]) {
        let mut plan = Plan::new();
        for (event, expected) in steps {
            assert_eq!(plan.next(*event), *expected, "{event:?} in {steps:?}");
        }
    }

    #[test]
    fn the_child_is_killed_once_and_the_next_one_finishes() {
        use Act::*;
        use Event::*;
        // In the middle.
        check(&[
            (Progress(0.0), Nothing),
            (Progress(0.4), Nothing),
            (Progress(0.6), KillBusy),
            (Progress(0.7), Nothing), // was on its way
            (NoResult, Nothing),
            (Ended, StartAgain),
            (Progress(0.6), Nothing),
            (Progress(1.0), Nothing),
            (Result, Finish),
        ]);
        // The result was on its way when the kill came.
        check(&[(Progress(0.9), KillBusy), (Result, Nothing), (Ended, StartAgain)]);
        // The folder is so small that there is no middle.
        check(&[
            (Progress(0.0), Nothing),
            (Progress(1.0), Nothing),
            (Result, KillIdle),
            (Ended, StartAgain),
            (Result, Finish),
        ]);
    }

    #[test]
    fn a_failure_ends_the_demo() {
        use Act::*;
        use Event::*;
        check(&[(NoResult, Fail)]);
        check(&[(Result, KillIdle), (Ended, StartAgain), (NoResult, Fail)]);
    }

    #[test]
    fn ctrl_c_ends_the_demo_at_every_stage() {
        use Act::*;
        use Event::*;
        check(&[(Interrupt, Cancel), (Progress(0.6), Nothing), (NoResult, EndCancelled)]);
        check(&[(Interrupt, Cancel), (Result, EndCancelled)]);
        check(&[(Progress(0.6), KillBusy), (Interrupt, Nothing), (NoResult, EndCancelled)]);
        check(&[(Result, KillIdle), (Interrupt, Nothing), (Ended, EndCancelled)]);
        check(&[(Result, KillIdle), (Ended, StartAgain), (Interrupt, Cancel)]);
        check(&[(Interrupt, Cancel), (Interrupt, GiveUp)]);
    }
}
