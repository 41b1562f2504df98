//! What is sent again to the next run: idempotent commands that a crash interrupted, and writes of
//! properties.
//!
//! Pure. Only these commands keep a copy of their arguments.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::wire::packets::outgoing::QueuedPayload;

/// Encoded arguments that are kept beside the queue.
pub(crate) type KeptArgs = Arc<Vec<u8>>;

/// Whether a command is sent again after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rerun {
    Never,
    Once,
    /// It has already been sent again.
    Used,
}

/// How a command relates to a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writes {
    /// Nothing that matters after a crash.
    Nothing,
    /// It writes this property; once accepted, the write is repeated in later runs.
    Property(u16),
    /// It is a repeated write, so no caller submitted it.
    Again(u16),
}

/// What a pending command keeps for the case of a crash.
#[derive(Debug)]
pub(crate) struct Repeat {
    rerun: Rerun,
    writes: Writes,
    args: Option<KeptArgs>,
}

impl Repeat {
    /// Creates the entry of an ordinary command: it is never sent again.
    pub(crate) fn never() -> Self {
        Self { rerun: Rerun::Never, writes: Writes::Nothing, args: None }
    }

    /// Allows one repetition after a crash.
    pub(crate) fn idempotent(mut self) -> Self {
        self.rerun = Rerun::Once;
        self
    }

    /// Makes an accepted write of this property repeat.
    pub(crate) fn writes(mut self, property: u16) -> Self {
        self.writes = Writes::Property(property);
        self
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.rerun != Rerun::Never
    }

    /// Returns whether it is a write that the runtime repeats by itself.
    pub(crate) fn is_reapplied(&self) -> bool {
        self.reapplied().is_some()
    }

    /// Returns the property of such a write.
    pub(crate) fn reapplied(&self) -> Option<u16> {
        match self.writes {
            Writes::Again(property) => Some(property),
            Writes::Nothing | Writes::Property(_) => None,
        }
    }

    /// Converts the arguments for the queue, keeping a copy if needed.
    pub(crate) fn keep(&mut self, args: Vec<u8>) -> QueuedPayload {
        if self.rerun == Rerun::Never && self.writes == Writes::Nothing {
            return QueuedPayload::Ready(args);
        }
        QueuedPayload::Shared(Arc::clone(self.args.insert(Arc::new(args))))
    }

    /// Notes a cancel: the command is not sent again after a crash.
    pub(crate) fn cancel(&mut self) {
        self.rerun = Rerun::Never;
    }

    /// Called when a crash has interrupted the command after it was sent. Returns what to send
    /// again, if anything; at most once.
    pub(crate) fn again(&mut self) -> Option<QueuedPayload> {
        let args = self.args.clone().filter(|_| self.rerun == Rerun::Once)?;
        self.rerun = Rerun::Used;
        Some(QueuedPayload::Shared(args))
    }
}

/// A write that a child has accepted.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// The number of the call that made it; a repeated write keeps this number.
    pub(crate) call: u64,
    pub(crate) command: u16,
    property: u16,
    args: KeptArgs,
}

impl Write {
    /// Returns the entry to use when the write is repeated.
    pub(crate) fn repeat(&self) -> Repeat {
        Repeat {
            rerun: Rerun::Never,
            writes: Writes::Again(self.property),
            args: Some(Arc::clone(&self.args)),
        }
    }

    pub(crate) fn payload(&self) -> QueuedPayload {
        QueuedPayload::Shared(Arc::clone(&self.args))
    }
}

/// The last accepted write of each property.
///
/// Commands run one at a time in the order of their numbers, so every accepted write has a lower
/// number than any call without an outcome: the writes go before these, under their old numbers.
#[derive(Debug, Default)]
pub(crate) struct AcceptedWrites {
    by_property: BTreeMap<u16, Write>,
}

impl AcceptedWrites {
    /// Records a returned command: if it is a write, it is now the one to repeat.
    pub(crate) fn returned(&mut self, call: u64, command: u16, repeat: &Repeat) {
        let (Writes::Property(property) | Writes::Again(property)) = repeat.writes else { return };
        if let Some(args) = repeat.args.clone() {
            self.by_property.insert(property, Write { call, command, property, args });
        }
    }

    /// Returns all of them, oldest first.
    pub(crate) fn in_order(&self) -> Vec<Write> {
        let mut writes: Vec<_> = self.by_property.values().cloned().collect();
        writes.sort_unstable_by_key(|write| write.call);
        writes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(payload: Option<&QueuedPayload>) -> Option<&[u8]> {
        payload.and_then(QueuedPayload::ready)
    }

    #[test]
    fn only_an_idempotent_command_is_sent_again_and_only_once() {
        let mut repeat = Repeat::never().idempotent();
        assert_eq!(bytes(Some(&repeat.keep(vec![7]))), Some(&[7][..]));
        assert_eq!(bytes(repeat.again().as_ref()), Some(&[7][..]));
        assert!(repeat.again().is_none(), "the second crash takes it");
        for mut other in [Repeat::never(), Repeat::never().writes(3)] {
            other.keep(vec![7]);
            assert!(other.again().is_none(), "{other:?}");
        }
    }

    #[test]
    fn what_was_cancelled_is_not_sent_again() {
        let mut repeat = Repeat::never().idempotent();
        repeat.keep(vec![7]);
        repeat.cancel();
        assert!(repeat.again().is_none());
    }

    #[test]
    fn each_propertys_last_accepted_write_is_kept_in_call_order() {
        let mut writes = AcceptedWrites::default();
        let mut returned = |call, mut repeat: Repeat, args: &[u8]| {
            repeat.keep(args.to_vec());
            writes.returned(call, 5, &repeat);
        };
        returned(1, Repeat::never().writes(1), &[1]);
        returned(2, Repeat::never().writes(0), &[2]);
        returned(3, Repeat::never(), &[3]);
        returned(4, Repeat::never().idempotent().writes(1), &[4]);
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
