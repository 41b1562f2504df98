//! A child floods its controller with events at full speed while the user interface thread is busy:
//! the memory of both stays bounded, and in the end everything is delivered.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use mpcore::Inbox;

use super::report::{Report, count};
use super::{Progress, Settings};
use crate::children::bench::builder;
use crate::harness::patience::LONG;
use crate::harness::processes;

const FLOOD: Duration = Duration::from_secs(30);

/// How long the busy thread is blocked per turn, and how long it then drains the inbox.
const BUSY: Duration = Duration::from_millis(200);
const BUDGET: Duration = Duration::from_millis(2);

/// What waits on each side is 64 MiB by default, as counted there; the lists and their growth come
/// on top.
const GOAL_MIB: u64 = 256;
const FAILED_MIB: u64 = 512;

const SIZES: [(&str, usize); 2] = [("4 bytes each", 4), ("16 KiB each", 16 << 10)];

pub(super) fn run(settings: &Settings) -> Report {
    let mut report = Report::new("flood");
    let time = settings.scaled_time(FLOOD, Duration::from_secs(2));
    report.figure("seconds of flood, twice", format!("{:.0}", time.as_secs_f64()));
    report.figure("the busy thread", "200 ms of work, then 2 ms for the inbox, and so on");
    for (name, length) in SIZES {
        let flood = flood(settings, time, length, &mut report);
        let Flood { emitted, meanwhile, received, controller_mib, child_mib } = flood;
        let text = format!("events of {name}, received while the thread was busy");
        report.figure(&text, count(meanwhile as usize));
        let complete = emitted == Some(received);
        let value = match emitted {
            Some(emitted) => format!("{} / {}", count(emitted as usize), count(received as usize)),
            None => format!("unknown / {}", count(received as usize)),
        };
        report.goal(
            &format!("events of {name}, emitted / received in order"),
            value,
            "all",
            complete,
        );
        if !complete {
            report.broken(format!("{name}: {emitted:?} emitted, {received} received in order"));
        }
        for (who, mib) in [("controller", controller_mib), ("child", child_mib)] {
            let text = format!("peak memory of the {who}, {name}");
            let goal = format!("at most {GOAL_MIB} MiB");
            report.goal(&text, format!("{mib} MiB"), &goal, mib <= GOAL_MIB);
            if mib > FAILED_MIB {
                report.broken(format!("{who}, {name}: {mib} MiB at the peak"));
            }
        }
    }
    report
}

/// The result of one flood.
struct Flood {
    /// As returned by its command.
    emitted: Option<u32>,
    /// Received while the thread was busy.
    meanwhile: u32,
    /// Received in order and without a gap.
    received: u32,
    /// The controller's is the peak of this process since its start, and so the largest of all
    /// floods so far.
    controller_mib: u64,
    child_mib: u64,
}

fn flood(settings: &Settings, time: Duration, length: usize, report: &mut Report) -> Flood {
    let (sender, wakes) = mpsc::channel();
    let inbox = Inbox::new(move || sender.send(()).unwrap_or_default());
    let bench = builder(&settings.program("bench_child")).inbox(&inbox).spawn();
    let bench = bench.expect("the bench starts");
    bench.process().wait_ready(LONG).expect("the bench gets ready");
    let pid = bench.process().pid().expect("it runs");
    let (received, emitted) = (Rc::new(Cell::new(0_u32)), Rc::new(Cell::new(None)));
    let counted = Rc::clone(&received);
    bench.signals().block.connect_local(&inbox, move |blob| {
        let number = blob.0.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
        // An event out of order, or a gap, stops the count.
        if number == Some(counted.get()) && blob.0.len() == length {
            counted.set(counted.get() + 1);
        }
    });
    let (sender, done) = mpsc::channel();
    let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    // No thread waits for it: that would lift the inbox's bound.
    bench.flood_for(milliseconds, length).on_done(move |it| sender.send(it).unwrap_or_default());

    let mut progress = Progress::new("flood", usize::try_from(time.as_secs()).unwrap_or_default());
    let begun = Instant::now();
    while begun.elapsed() < time {
        let turn = Instant::now();
        while turn.elapsed() < BUSY {
            std::hint::spin_loop();
        }
        inbox.drain(BUDGET);
        progress.at(usize::try_from(begun.elapsed().as_secs()).unwrap_or_default());
    }
    let meanwhile = received.get();
    // The thread is no longer busy.
    let deadline = Instant::now() + LONG + time;
    while emitted.get().is_none() && Instant::now() < deadline {
        let _ = wakes.recv_timeout(Duration::from_millis(50));
        inbox.drain(Duration::from_millis(50));
        match done.try_recv() {
            Ok(Ok(count)) => emitted.set(Some(count)),
            Ok(Err(error)) => {
                report.broken(format!("the flood ended otherwise: {error}"));
                break;
            }
            Err(_) => {}
        }
    }
    Flood {
        emitted: emitted.get(),
        meanwhile,
        received: received.get(),
        controller_mib: processes::peak_mib(std::process::id()),
        child_mib: processes::peak_mib(pid),
    }
}
