//! What the child could not send on its own initiative, and the controller is to know.

use crate::child::link::Link;
use crate::wire::messages::report::{Undelivered, What};
use crate::wire::packets::packet::{ItemHead, ItemKind};
use crate::wire::value::codec::EncodeError;

/// A property keeps its old value, for this error.
pub(super) fn property(link: &Link, index: u16, error: &EncodeError) {
    send(link, What::Property, index, error);
}

/// An event, or a command's signal that the child emits by itself, was not sent.
pub(super) fn event(link: &Link, head: ItemHead, error: &EncodeError) {
    let what = if head.kind == ItemKind::Event { What::Event } else { What::Signal };
    send(link, what, head.method, error);
}

fn send(link: &Link, what: What, index: u16, error: &EncodeError) {
    let report = Undelivered { what, message: error.to_string() };
    let payload =
        postcard::to_stdvec(&report).expect("a report of the framework's own can be encoded");
    let _ = link.send(ItemHead::new(ItemKind::Undelivered, index, 0), None, payload);
}
