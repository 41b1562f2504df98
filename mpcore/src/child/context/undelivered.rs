//! Reports to the controller what the child could not send on its own initiative.

use crate::child::link::events_lane::EventsLane;
use crate::wire::messages::report::{Undelivered, What};
use crate::wire::packets::kinds::ItemKind;
use crate::wire::packets::packet::ItemHead;
use crate::wire::value::codec::{EncodeError, encode};

/// Reports that a property keeps its old value because of this error.
pub(crate) fn property(events: &EventsLane, index: u16, error: &EncodeError) {
    send(events, What::Property, index, error);
}

/// Reports that an event, or a command's signal emitted without a call, was not sent.
pub(crate) fn event(events: &EventsLane, head: ItemHead, error: &EncodeError) {
    let what = if head.kind == ItemKind::Event { What::Event } else { What::Signal };
    send(events, what, head.method, error);
}

fn send(events: &EventsLane, what: What, index: u16, error: &EncodeError) {
    let report = Undelivered { what, message: error.to_string() };
    let _ = events.send(ItemHead::new(ItemKind::Undelivered, index, 0), None, encode(&report));
}
