//! The messages that both sides exchange before the first command, and their reports.

use std::sync::OnceLock;

use serde::Serialize;

use crate::child::interface::Interface;
use crate::controller::report::failure::RunFailure;
use crate::fuzzing::child::{Fuzzed, FuzzedControl};
use crate::wire::interface::description::InterfaceTable;
use crate::wire::interface::fingerprint::{InterfaceMismatch, not_compared};
use crate::wire::messages::child_limits::ChildLimits;
use crate::wire::messages::fault::{Fault, FaultPlan, Moment};
use crate::wire::messages::handshake::{Bootstrap, Introduction, Record, Welcome};
use crate::wire::messages::report::{
    Bye, ControlState, InExecution, InitFailure, PanicReport, Pong,
};
use crate::wire::messages::stop_reason::StopReason;
use crate::wire::packets::packet::PROTOCOL;
use crate::wire::value::codec::{decode, encode};

/// The interface of the children here.
pub(super) fn table() -> &'static InterfaceTable {
    static TABLE: OnceLock<InterfaceTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let describe = <dyn Fuzzed as Interface>::__describe;
        InterfaceTable::new(<dyn Fuzzed as Interface>::NAME, describe)
    })
}

fn encoded<T: Serialize>(values: &[T]) -> Vec<Vec<u8>> {
    values.iter().map(encode).collect()
}

pub(super) fn record(mut data: &[u8]) {
    // Reads all records, as a child does.
    while Record::read(&mut data).is_ok() {}
}

pub(super) fn records() -> Vec<Vec<u8>> {
    let plan = FaultPlan::new().at(Moment::Command(2), Fault::Exit(3));
    let bootstrap = Bootstrap {
        protocol: PROTOCOL,
        attempt: 1,
        endpoint: "/tmp/.tmpAbCdEf/socket".into(),
        nonce: [7; 16],
        child: "laser::LaserProcess".into(),
        generation: 3,
        controller: 4711,
        window: 141_994,
        faults: Some(plan),
        limits: Some(Box::new(ChildLimits::new().memory(1 << 30).open_files(64))),
    };
    let mut both = Vec::new();
    let connect = Record::Connect(bootstrap);
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for (record, into) in [(&connect, &mut first), (&Record::Accepted(1), &mut last)] {
        // Writing to a vector of bytes cannot fail.
        let _ = record.write(into);
    }
    both.extend_from_slice(&first);
    both.extend_from_slice(&last);
    vec![first, last, both]
}

pub(super) fn introduction(data: &[u8]) {
    let Ok(introduction) = decode::<Introduction>(data) else { return };
    let Some(facts) = &introduction.facts else { return };
    match InterfaceMismatch::between(table().facts(), facts) {
        Some(it) => assert!(it.to_string().len() < 200_000, "the message stays short"),
        None => assert!(not_compared(table().facts(), facts).len() < 100, "and so does this list"),
    }
}

/// A child with the same interface, and one with an older interface.
pub(crate) fn introductions() -> Vec<Vec<u8>> {
    let same = Introduction {
        nonce: [0; 16],
        pid: 4711,
        facts: Some(table().facts_to_send()),
        initial: table().initial_values(),
    };
    let mut older = same.clone();
    if let Some(facts) = &mut older.facts {
        facts.items.pop();
        facts.items.reverse();
        // A type with other fields: its text shows which.
        facts.shapes.iter_mut().for_each(|shape| {
            shape.text = shape.text.replacen("u32", "i32", 1);
            shape.hash = shape.hash.wrapping_add(1);
        });
    }
    let own = Introduction { facts: None, ..same.clone() };
    encoded(&[same, older, own])
}

pub(super) fn welcome(data: &[u8]) {
    let _ = decode::<Welcome>(data);
}

pub(super) fn welcomes() -> Vec<Vec<u8>> {
    let welcome = Welcome {
        nonce: [0; 16],
        name: "Fuzzed-1".into(),
        grace: 3000,
        at_exit: crate::ExitPolicy::Finish(std::time::Duration::from_secs(1)),
        config: config(),
    };
    encoded(&[welcome])
}

/// The config of the children here.
pub(super) fn config() -> Vec<u8> {
    let config =
        std::collections::BTreeMap::from([("one".to_owned(), crate::fuzzing::zoo::Tree::grown())]);
    [vec![0], encode(&config)].concat()
}

pub(super) fn control_state(data: &[u8]) {
    let _ = decode::<ControlState>(data);
}

pub(super) fn control_states() -> Vec<Vec<u8>> {
    encoded(&[
        ControlState { stop: Some(StopReason::because("off")), ..ControlState::default() },
        ControlState { cancelled: vec![1, 2, 1 << 40], ping: 3, ..ControlState::default() },
        ControlState {
            deadlines: vec![(7, 50), (8, 0)],
            ping: u32::MAX,
            ..ControlState::default()
        },
    ])
}

pub(super) fn pong(data: &[u8]) {
    let _ = decode::<Pong>(data);
}

pub(super) fn pongs() -> Vec<Vec<u8>> {
    let executing = Some(InExecution { call: 7, milliseconds: 1500 });
    encoded(&[Pong { ping: 1, executing: None }, Pong { ping: u32::MAX, executing }])
}

pub(super) fn bye(data: &[u8]) {
    let _ = decode::<Bye>(data);
}

fn panicked() -> PanicReport {
    PanicReport {
        message: "the lamp fell down".into(),
        location: "lamp.rs:1:2".into(),
        backtrace: "0: main".repeat(20),
    }
}

pub(crate) fn byes() -> Vec<Vec<u8>> {
    encoded(&[
        Bye { reason: StopReason::Asked, cleaned_up: true, cleanup_panic: None },
        Bye { reason: StopReason::InitFailed, cleaned_up: false, cleanup_panic: Some(panicked()) },
    ])
}

pub(super) fn panic_report(data: &[u8]) {
    if let Ok(report) = decode::<PanicReport>(data) {
        let _ = report.to_string();
    }
}

pub(super) fn panic_reports() -> Vec<Vec<u8>> {
    encoded(&[panicked()])
}

pub(super) fn init_failure(data: &[u8]) {
    if let Ok(failure) = decode::<InitFailure>(data) {
        let _ = RunFailure::from(failure).to_string();
    }
}

pub(crate) fn init_failures() -> Vec<Vec<u8>> {
    encoded(&[
        InitFailure::Config("no config".into()),
        InitFailure::Constructor(crate::Error::new("no lamp").context("no laser")),
        InitFailure::ConstructorPanicked(panicked()),
        InitFailure::PostrunInit(crate::Error::new("no power")),
        InitFailure::PostrunInitPanicked(panicked()),
    ])
}

/// Returns the builder of a control of the interface here; its program is never run.
pub(crate) fn builder() -> crate::ControlBuilder<FuzzedControl> {
    FuzzedControl::builder().program("nobody").config(std::collections::BTreeMap::new())
}

/// Checks that valid inputs are valid.
#[cfg(test)]
pub(super) fn check_seeds() {
    fn all<T: serde::de::DeserializeOwned>(seeds: Vec<Vec<u8>>) {
        for seed in seeds {
            decode::<T>(&seed).unwrap();
        }
    }
    all::<Introduction>(introductions());
    all::<Welcome>(welcomes());
    all::<ControlState>(control_states());
    all::<Bye>(byes());
    all::<PanicReport>(panic_reports());
    all::<InitFailure>(init_failures());
    assert!(records().iter().all(|seed| Record::read(&mut seed.as_slice()).is_ok()));
}
