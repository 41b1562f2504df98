//! Reports to the controller what the child could not send on its own initiative.

use crate::child::link::Link;
use crate::wire::messages::report::{Undelivered, What};
use crate::wire::packets::packet::{ItemHead, ItemKind};
use crate::wire::value::codec::{EncodeError, encode};

/// Reports that a property keeps its old value because of this error.
pub(crate) fn property(link: &Link, index: u16, error: &EncodeError) {
    send(link, What::Property, index, error);
}

/// Reports that an event, or a command's signal emitted without a call, was not sent.
pub(crate) fn event(link: &Link, head: ItemHead, error: &EncodeError) {
    let what = if head.kind == ItemKind::Event { What::Event } else { What::Signal };
    send(link, what, head.method, error);
}

fn send(link: &Link, what: What, index: u16, error: &EncodeError) {
    let report = Undelivered { what, message: error.to_string() };
    let _ = link.send(ItemHead::new(ItemKind::Undelivered, index, 0), None, encode(&report));
}
