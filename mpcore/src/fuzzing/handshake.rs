//! Targets that decode messages: the handshake, control, and reports.

use crate::controller::report::failure::RunFailure;
use crate::fixtures::interface::table;
use crate::wire::interface::fingerprint::{InterfaceMismatch, not_compared};
use crate::wire::messages::handshake::{Introduction, Record, Welcome};
use crate::wire::messages::report::{Bye, ControlState, InitFailure, PanicReport, Pong};
use crate::wire::value::codec::decode;

pub(super) fn record(mut data: &[u8]) {
    // Reads all records, as a child does.
    while Record::read(&mut data).is_ok() {}
}

pub(super) fn introduction(data: &[u8]) {
    let Ok(introduction) = decode::<Introduction>(data) else { return };
    let Some(facts) = &introduction.facts else { return };
    match InterfaceMismatch::between(table().facts(), facts) {
        Some(it) => assert!(it.to_string().len() < 200_000, "the message stays short"),
        None => assert!(not_compared(table().facts(), facts).len() < 100, "and so does this list"),
    }
}

pub(super) fn welcome(data: &[u8]) {
    let _ = decode::<Welcome>(data);
}

pub(super) fn control_state(data: &[u8]) {
    let _ = decode::<ControlState>(data);
}

pub(super) fn pong(data: &[u8]) {
    let _ = decode::<Pong>(data);
}

pub(super) fn bye(data: &[u8]) {
    let _ = decode::<Bye>(data);
}

pub(super) fn panic_report(data: &[u8]) {
    if let Ok(report) = decode::<PanicReport>(data) {
        let _ = report.to_string();
    }
}

pub(super) fn init_failure(data: &[u8]) {
    if let Ok(failure) = decode::<InitFailure>(data) {
        let _ = RunFailure::from(failure).to_string();
    }
}
