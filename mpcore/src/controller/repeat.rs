//! What is sent again to the next run: idempotent commands that a crash took, and writes of properties.
//!
//! Pure. A command that is neither keeps nothing of its arguments.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wire::outgoing::Payload;

/// Encoded arguments that are kept beside the queue.
pub(crate) type KeptArgs = Arc<Vec<u8>>;

/// Why a command's arguments are kept, and what has become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// They are not kept.
    Once,
    Idempotent {
        /// A crash has taken it before.
        again: bool,
    },
    /// It writes this property, and may have to do so again.
    Write(u16),
    /// Such a write, made again. Nobody has called it.
    Reapplied(u16),
}

/// What stands in a pending command for the case of a crash.
#[derive(Debug)]
pub(crate) struct Repeat {
    kind: Kind,
    args: Option<KeptArgs>,
    /// Somebody wants its end.
    cancelled: bool,
}

impl Repeat {
    fn new(kind: Kind) -> Self {
        Self { kind, args: None, cancelled: false }
    }

    /// An ordinary command: whatever takes it, it is not run again.
    pub(crate) fn once() -> Self {
        Self::new(Kind::Once)
    }

    pub(crate) fn idempotent() -> Self {
        Self::new(Kind::Idempotent { again: false })
    }

    pub(crate) fn write(property: u16) -> Self {
        Self::new(Kind::Write(property))
    }

    fn reapplied(property: u16, args: KeptArgs) -> Self {
        Self { args: Some(args), ..Self::new(Kind::Reapplied(property)) }
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        matches!(self.kind, Kind::Idempotent { .. })
    }

    /// Whether it is a write that the runtime makes again by itself.
    pub(crate) fn is_reapplied(&self) -> bool {
        matches!(self.kind, Kind::Reapplied(_))
    }

    /// The arguments on their way into the queue.
    pub(crate) fn keep(&mut self, args: Vec<u8>) -> Payload {
        match self.kind {
            Kind::Once => Payload::Ready(args),
            _ => Payload::Shared(Arc::clone(self.args.insert(Arc::new(args)))),
        }
    }

    pub(crate) fn cancel(&mut self) {
        self.cancelled = true;
    }

    /// A crash has taken the command after it was sent: what is to be sent again, if anything. Once.
    pub(crate) fn again(&mut self) -> Option<Payload> {
        let first = self.kind == Kind::Idempotent { again: false } && !self.cancelled;
        let args = self.args.clone().filter(|_| first)?;
        self.kind = Kind::Idempotent { again: true };
        Some(Payload::Shared(args))
    }
}

/// A write that a child has accepted.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// The number of the call that made it; it keeps it when it is made again.
    pub(crate) call: u64,
    pub(crate) command: u16,
    property: u16,
    args: KeptArgs,
}

impl Write {
    /// What is entered for the write when it is made again.
    pub(crate) fn repeat(&self) -> Repeat {
        Repeat::reapplied(self.property, Arc::clone(&self.args))
    }

    pub(crate) fn payload(&self) -> Payload {
        Payload::Shared(Arc::clone(&self.args))
    }
}

/// The last accepted write of each property.
///
/// Commands run one at a time in the order of their numbers, so every accepted write has a lower number
/// than whatever has no outcome yet: the writes go before it under the numbers that they had.
#[derive(Debug, Default)]
pub(crate) struct AcceptedWrites {
    by_property: BTreeMap<u16, Write>,
}

impl AcceptedWrites {
    /// A command has returned: if it is a write, it is the one to be made again.
    pub(crate) fn returned(&mut self, call: u64, command: u16, repeat: &Repeat) {
        let (Kind::Write(property) | Kind::Reapplied(property)) = repeat.kind else { return };
        if let Some(args) = repeat.args.clone() {
            self.by_property.insert(property, Write { call, command, property, args });
        }
    }

    /// All of them, oldest first.
    pub(crate) fn in_order(&self) -> Vec<Write> {
        let mut writes: Vec<_> = self.by_property.values().cloned().collect();
        writes.sort_unstable_by_key(|write| write.call);
        writes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(payload: Option<&Payload>) -> Option<&[u8]> {
        payload.and_then(Payload::ready)
    }

    #[test]
    fn only_an_idempotent_command_is_sent_again_and_only_once() {
        let mut repeat = Repeat::idempotent();
        assert_eq!(bytes(Some(&repeat.keep(vec![7]))), Some(&[7][..]));
        assert_eq!(bytes(repeat.again().as_ref()), Some(&[7][..]));
        assert!(repeat.again().is_none(), "the second crash takes it");
        for mut other in [Repeat::once(), Repeat::write(3)] {
            other.keep(vec![7]);
            assert!(other.again().is_none(), "{other:?}");
        }
    }

    #[test]
    fn what_was_cancelled_is_not_sent_again() {
        let mut repeat = Repeat::idempotent();
        repeat.keep(vec![7]);
        repeat.cancel();
        assert!(repeat.again().is_none());
    }

    #[test]
    fn the_last_accepted_write_of_each_property_is_kept_in_the_order_of_the_calls() {
        let mut writes = AcceptedWrites::default();
        let mut returned = |call, mut repeat: Repeat, args: &[u8]| {
            repeat.keep(args.to_vec());
            writes.returned(call, 5, &repeat);
        };
        returned(1, Repeat::write(1), &[1]);
        returned(2, Repeat::write(0), &[2]);
        returned(3, Repeat::once(), &[3]);
        returned(4, Repeat::write(1), &[4]);
        let kept = writes.in_order();
        let kept: Vec<_> = kept.iter().map(|it| (it.call, it.property, it.args[0])).collect();
        assert_eq!(kept, [(2, 0, 2), (4, 1, 4)]);
        // Made again, it stays the one.
        let again = writes.in_order().remove(0);
        assert!(again.repeat().is_reapplied());
        writes.returned(again.call, again.command, &again.repeat());
        assert_eq!(writes.in_order().len(), 2);
    }
}
