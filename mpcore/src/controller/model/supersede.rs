//! Which waiting writes of a property the next one supersedes. Pure.
//!
//! A slider that is dragged writes sixty times a second, and only the value at which it stands counts. So a
//! write takes the place of those of its property that still wait, but stands where it was queued itself. It
//! must not change what a command in between has seen: `set_power(2); calibrate(); set_power(5)` runs all
//! three. Hence the writes that may be superseded are those behind the newest command of another kind.
//!
//! What has been sent is not superseded, and a lane takes many small commands. So such a write is not sent
//! before the child has done what it has: the next one finds it here. Nothing else waits for it, since a
//! command behind it makes it an ordinary one.

use std::collections::BTreeMap;

/// What a command is to the writes around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No write: those on its two sides have nothing to do with each other.
    Command,
    /// Writes this property; only the newest counts.
    Write(u16),
    /// Writes a property of which each write is to run.
    EveryWrite,
}

/// The writes that were queued since the newest command of another kind. Some may no longer wait.
#[derive(Debug, Default)]
pub(crate) struct WaitingWrites {
    by_property: BTreeMap<u16, Vec<u64>>,
}

impl WaitingWrites {
    /// A command is queued.
    pub(crate) fn queued(&mut self, call: u64, kind: Kind) {
        match kind {
            Kind::Command => self.by_property.clear(),
            Kind::Write(property) => self.by_property.entry(property).or_default().push(call),
            Kind::EveryWrite => {}
        }
    }

    /// The property that a queued call writes, if it may supersede others.
    pub(crate) fn property_of(&self, call: u64) -> Option<u16> {
        let mut properties = self.by_property.iter();
        properties.find(|(_, calls)| calls.contains(&call)).map(|(property, _)| *property)
    }

    /// Writes of this property that were queued before `call`, oldest first.
    pub(crate) fn before(&self, property: u16, call: u64) -> &[u64] {
        let calls = self.by_property.get(&property).map_or(&[][..], Vec::as_slice);
        &calls[..calls.partition_point(|older| *older < call)]
    }

    /// The value of this write is ready: those before it are superseded, or under way.
    pub(crate) fn forget_before(&mut self, property: u16, call: u64) {
        if let Some(calls) = self.by_property.get_mut(&property) {
            calls.retain(|older| *older >= call);
        }
    }

    /// This write will not be sent.
    pub(crate) fn forget(&mut self, call: u64) {
        for calls in self.by_property.values_mut() {
            calls.retain(|other| *other != call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_between_two_writes_keeps_them_apart() {
        let mut writes = WaitingWrites::default();
        writes.queued(1, Kind::Write(0));
        writes.queued(2, Kind::Write(1));
        writes.queued(3, Kind::EveryWrite);
        writes.queued(4, Kind::Write(0));
        assert_eq!(writes.before(0, 5), [1, 4]);
        assert_eq!(writes.before(0, 4), [1]);
        assert_eq!(writes.before(2, 5), []);
        assert_eq!((writes.property_of(2), writes.property_of(3)), (Some(1), None));
        writes.queued(5, Kind::Command);
        writes.queued(6, Kind::Write(0));
        assert_eq!(writes.before(0, 7), [6]);
        assert_eq!(writes.before(1, 7), []);
    }

    #[test]
    fn what_is_forgotten_is_not_superseded() {
        let mut writes = WaitingWrites::default();
        (1..=4).for_each(|call| writes.queued(call, Kind::Write(0)));
        writes.forget(2);
        writes.forget_before(0, 3);
        assert_eq!(writes.before(0, 9), [3, 4]);
        writes.forget_before(0, 9);
        assert_eq!(writes.before(0, 9), []);
    }
}
