//! The lanes of a run, and the kinds of packets and items as two tables: number, lane, and whether
//! a packet uses credit, or when an item may come.
//!
//! Parsing refuses a packet on a lane that its row does not name. The readers of the lanes
//! (`controller::model::order`, `child::serve`) refuse items of another lane or out of their phase.
//! A test compares `docs/protocol.md` with the rows.

/// A one-way lane of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// controller → child, read by the child's main thread.
    Requests,
    /// controller → child, read by the child's control thread.
    Control,
    /// child → controller.
    Events,
}

/// When an item may come. A run goes `Handshake`, `Start`, `Running`, `End`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// First of all on its lane.
    Handshake,
    /// Once, as the outcome of the child's start.
    Start,
    /// After a start that has succeeded.
    Running,
    /// At any time between the handshake and the end.
    UntilEnd,
    /// Last of all on its lane.
    End,
}

/// Makes an enum of a table whose rows are `name = number, value of the first column, value of the
/// second;`.
macro_rules! kinds {
    (
        $(#[$about:meta])*
        $name:ident { $first:ident: $First:ty, $second:ident: $Second:ty }
        $($(#[$doc:meta])* $kind:ident = $number:literal, $one:expr, $two:expr;)+
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum $name {
            $($(#[$doc])* $kind = $number,)+
        }

        impl $name {
            pub(crate) fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$kind),)+
                    _ => None,
                }
            }

            pub(crate) const fn number(self) -> u8 {
                self as u8
            }

            pub(crate) const fn $first(self) -> $First {
                match self {
                    $(Self::$kind => $one,)+
                }
            }

            pub(crate) const fn $second(self) -> $Second {
                match self {
                    $(Self::$kind => $two,)+
                }
            }
        }
    };
}

kinds! {
    /// The contents of a packet's body.
    PacketKind { lanes: &'static [Lane], uses_credit: bool }

    /// Whole items.
    Items = 0, &[Lane::Requests, Lane::Events], true;
    /// A piece of one item.
    Part = 1, &[Lane::Requests, Lane::Events], true;
    /// Empty: only the credit totals in the head count.
    Credit = 2, &[Lane::Events], false;
    /// Empty: sent by the reader's own process, so that the reader checks its flags. In the child
    /// because it has to stop, in the controller because the watcher reports that the process is
    /// gone.
    End = 4, &[Lane::Requests, Lane::Events], false;
    /// A [`ControlState`](crate::wire::messages::report::ControlState).
    Control = 5, &[Lane::Control], true;
    /// A [`Pong`](crate::wire::messages::report::Pong): one per ping.
    Pong = 6, &[Lane::Events], false;
}

kinds! {
    /// The kind of an item.
    ItemKind { lane: Lane, phase: Phase }

    /// A [`Welcome`](crate::wire::messages::handshake::Welcome).
    Welcome = 1, Lane::Requests, Phase::Handshake;
    /// Run a command; payload: its arguments.
    Call = 2, Lane::Requests, Phase::Running;
    /// Only on packet sockets: an
    /// [`Introduction`](crate::wire::messages::handshake::Introduction).
    Introduction = 3, Lane::Events, Phase::Handshake;
    /// A command's outcome; payload: the result.
    Returned = 16, Lane::Events, Phase::Running;
    /// The command's own error.
    Raised = 17, Lane::Events, Phase::Running;
    /// A [`PanicReport`](crate::wire::messages::report::PanicReport).
    Panicked = 18, Lane::Events, Phase::Running;
    /// At any time, because a call may be cancelled before its turn.
    Cancelled = 19, Lane::Events, Phase::UntilEnd;
    /// Not run, because the child stops.
    Stopped = 20, Lane::Events, Phase::Running;
    /// The arguments could not be decoded; payload: a text.
    Undecodable = 21, Lane::Events, Phase::Running;
    /// The result could not be encoded; payload: a text.
    Unencodable = 22, Lane::Events, Phase::Running;
    /// The command ended because its deadline passed; the head's `deadline` is the time it had.
    TimedOut = 23, Lane::Events, Phase::Running;
    /// A property's new value.
    Property = 32, Lane::Events, Phase::UntilEnd;
    /// An event.
    Event = 33, Lane::Events, Phase::UntilEnd;
    /// A command's signal that the child emits itself.
    Signal = 34, Lane::Events, Phase::UntilEnd;
    /// Progress of the running command; payload: an `f64` from 0 to 1.
    Progress = 35, Lane::Events, Phase::UntilEnd;
    /// The running command's deadline has passed, and it has not ended; the head's `deadline` is
    /// the time it had.
    Overrun = 36, Lane::Events, Phase::Running;
    /// A property's value or an event that could not be encoded; payload: an
    /// [`Undelivered`](crate::wire::messages::report::Undelivered).
    Undelivered = 37, Lane::Events, Phase::UntilEnd;
    /// The constructor and `postrun_init` have succeeded.
    Ready = 48, Lane::Events, Phase::Start;
    /// The constructor or `postrun_init` failed; payload: an
    /// [`InitFailure`](crate::wire::messages::report::InitFailure).
    InitFailed = 49, Lane::Events, Phase::Start;
    /// The last item of an orderly end; payload: a [`Bye`](crate::wire::messages::report::Bye).
    Bye = 50, Lane::Events, Phase::End;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_parsed_to_its_own_kind_or_to_none() {
        let packets = (0..=u8::MAX).filter_map(|it| Some((it, PacketKind::from_number(it)?)));
        let packets: Vec<_> =
            packets.inspect(|(it, kind)| assert_eq!(*it, kind.number())).collect();
        let items = (0..=u8::MAX).filter_map(|it| Some((it, ItemKind::from_number(it)?)));
        let items: Vec<_> = items.inspect(|(it, kind)| assert_eq!(*it, kind.number())).collect();
        assert_eq!((packets.len(), items.len()), (6, 20));
    }

    #[test]
    fn only_what_the_controller_answers_for_needs_no_credit() {
        let all = (0..=u8::MAX).filter_map(PacketKind::from_number);
        let free: Vec<_> = all.filter(|kind| !kind.uses_credit()).collect();
        assert_eq!(free, [PacketKind::Credit, PacketKind::End, PacketKind::Pong]);
    }
}
