//! Edge cases of endings, bounds, deadlines, wake-ups and large properties: each of these was a
//! bug.

use std::time::{Duration, Instant};

use mpcore::{CleanupStatus, ExitStatus, Inbox, ProcessEnd, ProcessState, QueueBound};

use system_tests::LONG;
use system_tests::transport::transport;

/// A child whose start, commands and end can be prolonged.
#[mpcore::process(config = bool)]
trait Edge {
    fn add(&mut self, a: i32, b: i32) -> i32;

    /// Waits for a stop request, and then aborts.
    fn abort_when_stopping(&mut self);

    /// Sets `block` to values of these lengths, one after another.
    fn set_blocks(&mut self, lengths: Vec<u32>);

    /// Whether `postrun_init`, or the command that waits for a stop, is running.
    #[property]
    fn busy(&self) -> bool;

    /// All bytes of a value are the same.
    #[property]
    fn block(&self) -> Vec<u8>;
}

#[derive(mpcore::Child)]
#[child(Edge)]
struct EdgeProcess {
    cx: EdgeContext,
    /// Whether `postrun_init` runs until it is cancelled.
    config: bool,
}

impl Edge for EdgeProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        if !self.config {
            return Ok(());
        }
        self.cx.busy.set(true);
        loop {
            self.cx.check_cancelled()?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn add(&mut self, a: i32, b: i32) -> i32 {
        a + b
    }

    fn abort_when_stopping(&mut self) {
        self.cx.busy.set(true);
        while self.cx.running() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::process::abort();
    }

    fn set_blocks(&mut self, lengths: Vec<u32>) {
        for (number, length) in lengths.into_iter().enumerate() {
            self.cx.block.set(vec![number as u8; length as usize]);
        }
    }
}

fn until(what: &str, mut there: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !there() {
        assert!(Instant::now() < deadline, "not within {LONG:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Regression: it was reported as a failure of `postrun_init`.
#[test]
fn a_stop_during_postrun_init_ends_as_requested() {
    let edge = EdgeControl::spawn::<EdgeProcess>(true).unwrap();
    until("postrun_init runs", || edge.busy());
    edge.process().stop();
    assert_eq!(edge.process().join(LONG), Ok(ProcessEnd::Status(ExitStatus::from_code(0))));
    let report = edge.process().exit_report().unwrap();
    assert_eq!(
        (report.state, &report.failure, report.killed),
        (ProcessState::Finished, &None, false)
    );
    assert_eq!(report.cleanup, CleanupStatus::Ran);
}

/// Regression: it was reported as an orderly end.
#[test]
fn a_crash_while_it_stops_is_a_crash() {
    let edge = EdgeControl::spawn::<EdgeProcess>(false).unwrap();
    edge.process().wait_ready(LONG).unwrap();
    let failed = edge.process().signals().failed.receiver();
    edge.abort_when_stopping();
    until("the command runs", || edge.busy());
    edge.process().stop();
    edge.process().join(LONG).unwrap();
    let report = edge.process().exit_report().unwrap();
    assert_eq!((report.state, report.killed), (ProcessState::Crashed, false), "{report}");
    assert_eq!(report.status, Some(ExitStatus::from_code(-6)));
    assert!(failed.recv_timeout(LONG).is_ok());
}

/// Regression: the reader's thread died with the panic, and calls hung.
#[test]
fn an_inbox_whose_wake_panics_stops_no_call() {
    let inbox = Inbox::new(|| panic!("the loop is gone, on purpose"));
    let edge = EdgeControl::builder()
        .child::<EdgeProcess>()
        .transport(transport())
        .config(false)
        .inbox(&inbox)
        .spawn()
        .unwrap();
    assert_eq!(edge.add(1, 2).wait_timeout(LONG), Ok(3));
    edge.process().stop();
    assert_eq!(edge.process().join(LONG), Ok(ProcessEnd::Status(ExitStatus::from_code(0))));
}

/// Regression: the sum overflowed and killed the watcher's thread, and no end of a child was
/// reported any more.
#[test]
fn endless_deadlines_are_harmless() {
    let endless = EdgeControl::builder()
        .child::<EdgeProcess>()
        .transport(transport())
        .config(false)
        .start_deadline(Duration::MAX)
        .stop_grace(Duration::MAX)
        .spawn()
        .unwrap();
    let other = EdgeControl::spawn::<EdgeProcess>(false).unwrap();
    endless.process().wait_ready(Duration::MAX).unwrap();
    assert_eq!(endless.add(1, 2).wait_timeout(Duration::MAX), Ok(3));
    endless.process().stop();
    assert_eq!(
        endless.process().join(Duration::MAX),
        Ok(ProcessEnd::Status(ExitStatus::from_code(0)))
    );
    other.process().kill();
    assert_eq!(other.process().join(LONG), Ok(ProcessEnd::Status(ExitStatus::from_code(-9))));
}

/// Regression: a cancelled command kept its room until its turn came.
#[test]
fn cancelled_commands_leave_their_room_to_others() {
    let edge = EdgeControl::builder()
        .child::<EdgeProcess>()
        .transport(transport())
        .config(false)
        .queue_bound(QueueBound { entries: 10, bytes: 1 << 20 })
        .build()
        .unwrap();
    for _ in 0..100 {
        edge.add(1, 1).cancel();
    }
    let calls: Vec<_> = (0..10).map(|number| edge.add(number, 1)).collect();
    edge.process().start().unwrap();
    for (number, mut call) in (0..).zip(calls) {
        assert_eq!(call.wait_timeout(LONG), Ok(number + 1));
    }
}

/// Regression: a newer value replaced one that was half sent: mixed bytes, or a child killed for a
/// broken lane.
#[test]
fn a_large_property_that_changes_while_it_is_sent_arrives_whole() {
    let inbox = Inbox::new(|| {});
    let edge = EdgeControl::builder()
        .child::<EdgeProcess>()
        .transport(transport())
        .config(false)
        .inbox(&inbox)
        .inbox_bound(QueueBound { entries: 1, bytes: 10 })
        .spawn()
        .unwrap();
    edge.process().wait_ready(LONG).unwrap();
    edge.set_blocks((0..60).map(|number| 600_000 - number * 8_000).collect());
    let mut last = 0;
    until("the last value is there", || {
        inbox.drain(Duration::from_millis(2));
        let block = edge.block();
        if let Some(first) = block.first() {
            assert!(block.iter().all(|byte| byte == first), "mixed");
            assert!(*first >= last, "an older value after a newer one");
            last = *first;
        }
        last == 59
    });
    assert_eq!(edge.process().state(), ProcessState::Running);
}
