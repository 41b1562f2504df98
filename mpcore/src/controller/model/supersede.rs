//! Which waiting writes of a property the next write supersedes. Pure.
//!
//! A slider that is dragged writes sixty times a second, and only its last position counts. So a
//! write replaces the waiting writes of its property, but keeps its own place in the queue. It must
//! not change what a command in between sees: `set_power(2); calibrate(); set_power(5)` runs all
//! three. Hence only writes behind the newest command of another kind may be superseded.
//!
//! A sent write is not superseded, and a lane holds many small commands. So such a write is not
//! sent until the child has finished everything it has: until then the next write finds it here.
//! This delays nothing else, because a command queued behind the write makes it an ordinary one.

use std::collections::BTreeMap;

/// How a command relates to the writes around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Not a write: separates the writes before it from those after it.
    Command,
    /// Writes this property; only the newest counts.
    Write(u16),
    /// Writes a property for which every write has to run.
    EveryWrite,
}

/// The writes that were queued since the newest command of another kind. Some may no longer be
/// waiting.
#[derive(Debug, Default)]
pub(crate) struct WaitingWrites {
    by_property: BTreeMap<u16, Vec<u64>>,
}

impl WaitingWrites {
    /// Records that a command was queued.
    pub(crate) fn queued(&mut self, call: u64, kind: Kind) {
        match kind {
            Kind::Command => self.by_property.clear(),
            Kind::Write(property) => self.by_property.entry(property).or_default().push(call),
            Kind::EveryWrite => {}
        }
    }

    /// Returns the property that a queued call writes, if it may supersede others.
    pub(crate) fn property_of(&self, call: u64) -> Option<u16> {
        let mut properties = self.by_property.iter();
        properties.find(|(_, calls)| calls.contains(&call)).map(|(property, _)| *property)
    }

    /// Returns the writes of this property that were queued before `call`, oldest first.
    pub(crate) fn before(&self, property: u16, call: u64) -> &[u64] {
        let calls = self.by_property.get(&property).map_or(&[][..], Vec::as_slice);
        &calls[..calls.partition_point(|older| *older < call)]
    }

    /// Called when the value of this write is ready: those before it are superseded, or under way.
    pub(crate) fn forget_before(&mut self, property: u16, call: u64) {
        if let Some(calls) = self.by_property.get_mut(&property) {
            calls.retain(|older| *older >= call);
        }
    }

    /// Called when this write will not be sent.
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
