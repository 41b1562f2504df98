//! A child emits a hundred thousand events and then ends in order: all of them arrive, in order,
//! before `finished`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use mpcore::ProcessState;
use rustix::process::Signal;

use super::Settings;
use super::report::{Report, count};
use crate::children::bench::{builder, ready};
use crate::harness::patience::{LONG, until};
use crate::{BenchControl, processes};

const EVENTS: usize = 100_000;

/// An orderly end; returns the handle if it must not be dropped yet.
type ProcessEnd = fn(BenchControl) -> Option<BenchControl>;

const ENDS: [(&str, When, ProcessEnd); 5] = [
    ("asked to stop meanwhile", When::Meanwhile, |bench| {
        bench.process().stop();
        Some(bench)
    }),
    ("SIGTERM meanwhile", When::Meanwhile, |bench| {
        processes::signal(bench.process().pid().expect("it runs"), Signal::TERM);
        Some(bench)
    }),
    ("last handle dropped meanwhile", When::Meanwhile, |bench| {
        drop(bench);
        None
    }),
    ("restarted meanwhile", When::Meanwhile, |bench| {
        bench.process().restart().expect("it can be restarted");
        Some(bench)
    }),
    ("asked to stop when the command has returned", When::Afterwards, |bench| {
        bench.process().stop();
        Some(bench)
    }),
];

/// When the end is requested: during the flood, or when all events have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Meanwhile,
    Afterwards,
}

pub(super) fn run(settings: &Settings) -> Report {
    let events = u32::try_from(settings.scaled(EVENTS, 1000)).unwrap_or(u32::MAX);
    let mut random = settings.random();
    let mut report = Report::new("events");
    for (name, when, end) in ENDS {
        let moment = match when {
            When::Meanwhile => random.u32(1..events / 2),
            When::Afterwards => events,
        };
        let (in_order, any, state) = received(settings, events, moment, end);
        let all = (in_order, any) == (events, events);
        let value = count(in_order as usize);
        let goal = format!("{} in order before `finished`", count(events as usize));
        report.goal(&format!("events received, {name}"), value, &goal, all);
        if !all {
            report.broken(format!("{name}: {in_order} of {any} in order, of {events}"));
        }
        if state != ProcessState::Finished {
            report.broken(format!("{name}: the child is {state}"));
        }
    }
    report
}

/// Returns how many events were received in order, and how many in total, when `finished` came.
fn received(
    settings: &Settings,
    events: u32,
    moment: u32,
    end: ProcessEnd,
) -> (u32, u32, ProcessState) {
    let bench = ready(builder(&settings.program("bench_child")).stop_grace(LONG));
    let (in_order, any) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let counted = (Arc::clone(&in_order), Arc::clone(&any));
    bench.signals().tick.connect(move |number| {
        let (in_order, any) = &counted;
        any.fetch_add(1, Ordering::SeqCst);
        // An event out of order stops the count.
        let next = number.wrapping_add(1);
        let _ = in_order.compare_exchange(*number, next, Ordering::SeqCst, Ordering::SeqCst);
    });
    let seen = (Arc::clone(&in_order), Arc::clone(&any));
    let (sender, finished) = mpsc::channel();
    bench.process().signals().finished.connect(move |report| {
        let (in_order, any) = &seen;
        let seen = (in_order.load(Ordering::SeqCst), any.load(Ordering::SeqCst), report.state);
        sender.send(seen).unwrap_or_default();
    });
    bench.flood(events);
    until("the flood is there", || in_order.load(Ordering::SeqCst) >= moment);
    let _kept = end(bench);
    finished.recv_timeout(LONG).expect("it ends")
}
