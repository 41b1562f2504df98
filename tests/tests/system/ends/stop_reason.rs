//! The reason for a child's stop: its running command, its `cleanup`, and the controller can read
//! it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use mpcore::{ControlBuilder, StopReason};
use system_tests::{LONG, outcome, until};

#[mpcore::process(config = String)]
trait Doubter {
    /// Runs until it is asked to end, and returns the reason.
    fn why(&mut self) -> String;

    /// How many commands have begun.
    #[property]
    fn begun(&self) -> u32;
}

#[derive(mpcore::Child)]
#[child(Doubter)]
struct DoubterProcess {
    cx: DoubterContext,
    config: String,
}

impl Doubter for DoubterProcess {
    fn why(&mut self) -> String {
        assert_eq!(self.cx.stop_reason(), None);
        self.cx.begun.set(1);
        while !self.cx.cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.cx.stop_reason().map_or("cancelled".into(), |reason| reason.to_string())
    }

    fn cleanup(&mut self) {
        let reason = self.cx.stop_reason().map(|reason| reason.to_string()).unwrap_or_default();
        fs::write(&self.config, reason).unwrap();
    }
}

/// Ends a child in every way, and compares the reasons on both sides.
fn check_place(place: fn() -> ControlBuilder<DoubterControl>) {
    type ProcessEnd = fn(DoubterControl) -> mpcore::Process;
    let long = "x".repeat(10_000);
    assert_eq!(StopReason::Because(long.clone()).to_string(), long);
    let ends: [(ProcessEnd, StopReason); 6] = [
        (
            |doubter| {
                doubter.process().stop();
                doubter.process().clone()
            },
            StopReason::Asked,
        ),
        (
            |doubter| {
                doubter.process().stop_with("the sample is gone");
                // The first reason counts.
                doubter.process().stop_with("never mind");
                doubter.process().clone()
            },
            StopReason::Because("the sample is gone".into()),
        ),
        (
            |doubter| {
                doubter.process().stop_with("x".repeat(10_000));
                doubter.process().clone()
            },
            StopReason::Because("x".repeat(1024)),
        ),
        (
            |doubter| {
                doubter.process().finish_within(Duration::from_millis(20));
                doubter.process().clone()
            },
            StopReason::FinishTimeOver,
        ),
        (
            |doubter| {
                doubter.process().restart().unwrap();
                doubter.process().clone()
            },
            StopReason::Restart,
        ),
        (|doubter| doubter.process().clone(), StopReason::Released),
    ];
    for (end, reason) in ends {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cleanup");
        let config = file.to_string_lossy().into_owned();
        let doubter = place().config(config).spawn().unwrap();
        let signals = doubter.process().signals().clone();
        let (stopping, finished) = (signals.stopping.receiver(), signals.finished.receiver());
        let why = doubter.why();
        until("it has begun", || doubter.begun() == 1);
        let process = end(doubter);
        assert_eq!(outcome(why), Ok(reason.to_string()));
        assert_eq!(stopping.recv_timeout(LONG), Ok((reason.clone(),)));
        let report = finished.recv_timeout(LONG).unwrap().0;
        assert_eq!(report.reason, Some(reason.clone()));
        assert_eq!(said(&file), reason.to_string());
        if let StopReason::Because(text) = &reason {
            assert!(report.to_string().ends_with(&format!("exit code 0 ({text})")), "{report}");
        }
        process.stop();
    }
}

/// Returns the reason that `cleanup` has written.
fn said(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("cleanup has written nothing: {error}"))
}

#[test]
fn every_end_has_its_reason_on_both_sides() {
    check_place(|| {
        DoubterControl::builder().child::<DoubterProcess>().stdout(mpcore::OutputMode::Null)
    });
    check_place(|| DoubterControl::builder().in_process::<DoubterProcess>());
}

#[test]
fn an_unrequested_end_has_the_childs_own_reason_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cleanup");
    let builder = || {
        let config = file.to_string_lossy().into_owned();
        DoubterControl::builder()
            .child::<DoubterProcess>()
            .stdout(mpcore::OutputMode::Null)
            .config(config)
    };
    let doubter = builder().spawn().unwrap();
    doubter.process().wait_ready(LONG).unwrap();
    system_tests::processes::signal(
        doubter.process().pid().unwrap(),
        rustix::process::Signal::TERM,
    );
    doubter.process().join(LONG).unwrap();
    assert_eq!(doubter.process().exit_report().unwrap().reason, Some(StopReason::Signal));
    assert_eq!(said(&file), "a signal from outside");
    doubter.process().start().unwrap();
    doubter.process().wait_ready(LONG).unwrap();
    system_tests::processes::kill(doubter.process().pid().unwrap());
    doubter.process().join(LONG).unwrap();
    assert_eq!(doubter.process().exit_report().unwrap().reason, None);
}
