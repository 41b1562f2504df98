//! One time line: coalesced values overtake nothing, the newest write counts, and a restart shows
//! no value that the user has not seen before.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use mpcore::{Backoff, CallEnd, CallError, Inbox, QueueBound, RestartPolicy};
use system_tests::{Journal, LONG, outcome, until};

/// A telescope that can be pointed and reports what it sees.
#[mpcore::process]
trait Telescope {
    /// Takes a picture, row by row: `busy` changes before and after the rows, `phase` shows the
    /// progress.
    #[signal(name = "pictured")]
    fn picture(&mut self, rows: u32) -> u32;

    /// Sets `view` this many times to this many bytes, then creates this file.
    fn look_around(&mut self, times: u32, length: usize, sign: PathBuf);

    /// Waits until this file exists.
    fn wait_for(&mut self, sign: PathBuf);

    /// Writes `calibrate` to the log.
    fn calibrate(&mut self);

    /// Returns what the setters and `calibrate` have logged, in order.
    fn log(&mut self) -> Vec<String>;

    /// Ends the process.
    fn crash(&mut self);

    /// Whether a picture is being taken.
    #[property]
    fn busy(&self) -> bool;

    /// The progress of the picture.
    #[property]
    fn phase(&self) -> String;

    /// The current image.
    #[property]
    fn view(&self) -> Vec<u8>;

    /// Refused above 90.
    #[property(write, default = 10)]
    fn angle(&self) -> u32;

    /// Slow to set.
    #[property(write)]
    fn focus(&self) -> u32;

    /// May be large.
    #[property(write)]
    fn target(&self) -> String;

    /// Every write counts.
    #[property(write, every)]
    fn step(&self) -> i32;

    /// A row of the picture.
    #[event]
    fn row(&self, number: u32);

    /// The direction while it moves.
    #[event(latest)]
    fn moving(&self, angle: u32);
}

#[derive(mpcore::Child)]
#[child(Telescope)]
struct TelescopeProcess {
    cx: TelescopeContext,
    #[child(default)]
    log: Vec<String>,
}

impl Telescope for TelescopeProcess {
    fn postrun_init(&mut self) -> mpcore::Result<()> {
        // A value that the device reports before any request.
        self.cx.angle.set(45);
        Ok(())
    }

    fn picture(&mut self, rows: u32) -> u32 {
        self.cx.busy.set(true);
        self.cx.phase.set("reading".into());
        for row in 0..rows {
            self.cx.row.emit(row);
            self.cx.moving.emit(row);
        }
        self.cx.phase.set("done".into());
        self.cx.busy.set(false);
        rows
    }

    fn look_around(&mut self, times: u32, length: usize, sign: PathBuf) {
        for time in 0..times {
            let mut view = vec![0; length];
            view[..4].copy_from_slice(&time.to_le_bytes());
            self.cx.view.set(view);
        }
        go(&sign);
    }

    fn wait_for(&mut self, sign: PathBuf) {
        while !sign.exists() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn calibrate(&mut self) {
        self.log.push("calibrate".into());
    }

    fn log(&mut self) -> Vec<String> {
        self.log.clone()
    }

    fn crash(&mut self) {
        std::process::abort();
    }

    fn set_angle(&mut self, angle: u32) -> Result<u32, mpcore::Refused> {
        self.log.push(format!("angle {angle}"));
        if angle > 90 {
            return Err("it would look into the ground".into());
        }
        Ok(angle)
    }

    fn set_focus(&mut self, focus: u32) -> Result<u32, mpcore::Refused> {
        thread::sleep(Duration::from_millis(20));
        self.log.push(format!("focus {focus}"));
        Ok(focus)
    }

    fn set_target(&mut self, target: String) -> Result<String, mpcore::Refused> {
        self.log.push(format!("target {}", target.len()));
        Ok(target)
    }

    fn set_step(&mut self, step: i32) -> Result<i32, mpcore::Refused> {
        self.log.push(format!("step {step}"));
        Ok(step)
    }
}

fn builder() -> mpcore::ControlBuilder<TelescopeControl> {
    let quiet = mpcore::OutputMode::Null;
    TelescopeControl::builder().child::<TelescopeProcess>().stdout(quiet).stderr(quiet)
}

fn ready(builder: mpcore::ControlBuilder<TelescopeControl>) -> TelescopeControl {
    let telescope = builder.spawn().unwrap();
    telescope.process().wait_ready(LONG).unwrap();
    telescope
}

/// A telescope that is busy, so that submitted commands wait until it is released.
struct Held {
    telescope: TelescopeControl,
    _folder: tempfile::TempDir,
    sign: PathBuf,
}

impl Held {
    fn new() -> Self {
        let telescope = ready(builder());
        let folder = tempfile::tempdir().unwrap();
        let sign = folder.path().join("go");
        telescope.wait_for(sign.clone());
        Self { telescope, _folder: folder, sign }
    }

    /// Releases it; returns what has run.
    fn let_go(&self) -> Vec<String> {
        let log = self.telescope.log();
        go(&self.sign);
        outcome(log).unwrap()
    }
}

/// Creates this file, for which a command or a test waits.
fn go(sign: &Path) {
    fs::write(sign, "").unwrap();
}

// ---- what a child sends

/// Regression: `busy(false)` arrived before the rows it follows.
#[test]
fn a_property_does_not_overtake_the_events_before_it() {
    // The inbox is not drained until the command has ended, as in a window that is briefly busy.
    let inbox = Inbox::new(|| {});
    let telescope = ready(builder().inbox(&inbox));
    while inbox.drain(LONG).more {}
    let journal = Journal::new();
    let signals = telescope.signals();
    let note = journal.clone();
    signals.busy_changed.connect(move |busy| note.note(format!("busy {busy}")));
    let note = journal.clone();
    signals.phase_changed.connect(move |phase| note.note(format!("phase {phase}")));
    let note = journal.clone();
    signals.row.connect(move |row| note.note(format!("row {row}")));
    let note = journal.clone();
    signals.moving.connect(move |angle| note.note(format!("moving {angle}")));
    let note = journal.clone();
    signals.pictured.connect(move |rows| note.note(format!("pictured {rows}")));
    assert_eq!(outcome(telescope.picture(3)), Ok(3));
    until("the result has arrived", || {
        inbox.drain(LONG);
        journal.count("pictured") == 1
    });
    let expected = [
        "busy false",
        "phase ",
        "busy true",
        "phase reading",
        "row 0",
        "moving 0",
        "row 1",
        "moving 1",
        "row 2",
        "moving 2",
        "phase done",
        "busy false",
        "pictured 3",
    ];
    assert_eq!(journal.lines(), expected);
}

/// More than the bound of the child's queue, if it were not coalesced there.
#[test]
fn a_property_waits_once_for_a_controller_that_reads_nothing() {
    let inbox = Inbox::new(|| {});
    let telescope = ready(builder().inbox(&inbox).inbox_bound(QueueBound { entries: 1, bytes: 1 }));
    let journal = Journal::new();
    let note = journal.clone();
    let first =
        move |view: &Vec<u8>| view.get(..4).map(|it| u32::from_le_bytes(it.try_into().unwrap()));
    telescope.signals().view_changed.connect(move |view| note.note(format!("{:?}", first(view))));
    let folder = tempfile::tempdir().unwrap();
    let sign = folder.path().join("looked");
    telescope.look_around(2000, 64 << 10, sign.clone());
    until("the child has set it 2000 times", || sign.exists());
    until("the last value has arrived", || {
        inbox.drain(LONG);
        journal.lines().last().is_some_and(|last| last == "Some(1999)")
    });
    let heard = journal.lines().len();
    assert!(heard < 500, "{heard} of 2000 were kept");
}

// ---- what a controller writes

#[test]
fn only_the_newest_of_the_waiting_writes_of_a_property_runs() {
    let held = Held::new();
    let telescope = &held.telescope;
    let ended = telescope.process().signals().call_ended.receiver();
    let raised = telescope.signals().exception_raised.receiver();
    let calls: Vec<_> = (1..=60).map(|angle| telescope.set_angle(angle)).collect();
    assert_eq!(telescope.process().pending_commands(), 2);
    let numbers: Vec<_> = calls.iter().map(mpcore::Call::id).collect();
    assert_eq!(held.let_go(), ["angle 60"]);
    assert_eq!(telescope.angle(), 60);
    let (last, older) = numbers.split_last().unwrap();
    for (call, number) in calls.into_iter().zip(1..) {
        let expected = if number == 60 { Ok(60) } else { Err(CallError::Superseded) };
        assert_eq!(outcome(call), expected);
    }
    for number in older {
        let CallEnd { call, command, result, .. } = ended.recv_timeout(LONG).unwrap().0;
        assert_eq!((call, command), (*number, "set_angle"));
        let error = result.unwrap_err();
        assert!(error.is_ended_on_request());
        assert_eq!(error.to_string(), "the write was superseded by a newer one before it was sent");
    }
    assert_eq!(ended.recv_timeout(LONG).unwrap().0.command, "wait_for");
    assert_eq!(ended.recv_timeout(LONG).unwrap().0.call, *last);
    assert!(raised.try_recv().is_none(), "that is no exception");
}

#[test]
fn a_command_between_two_writes_sees_the_first() {
    let held = Held::new();
    let telescope = &held.telescope;
    telescope.set_angle(1);
    telescope.set_angle(2);
    telescope.calibrate();
    telescope.set_angle(4);
    telescope.set_angle(5);
    assert_eq!(held.let_go(), ["angle 2", "calibrate", "angle 5"]);
}

#[test]
fn a_write_keeps_its_place_among_those_of_other_properties() {
    let held = Held::new();
    let telescope = &held.telescope;
    telescope.set_angle(1);
    telescope.set_step(1);
    telescope.set_target("Vega".into());
    telescope.set_step(-1);
    telescope.set_angle(2);
    assert_eq!(held.let_go(), ["step 1", "target 4", "step -1", "angle 2"]);
}

#[test]
fn a_large_write_supersedes_and_is_superseded() {
    let held = Held::new();
    let telescope = &held.telescope;
    let large = |length| "*".repeat(length);
    let calls = [
        telescope.set_target("small".into()),
        telescope.set_target(large(300_000)),
        telescope.set_target(large(200_000)),
    ];
    let between = telescope.set_angle(1);
    let last = telescope.set_target(large(100_000));
    until("it is encoded", || telescope.process().pending_commands() == 3);
    assert_eq!(held.let_go(), ["angle 1", "target 100000"]);
    for call in calls {
        assert_eq!(outcome(call), Err(CallError::Superseded));
    }
    assert_eq!((outcome(between), outcome(last)), (Ok(1), Ok(large(100_000))));
}

#[test]
fn a_wait_for_a_superseded_write_ends_immediately() {
    let held = Held::new();
    let telescope = held.telescope.clone();
    let waiting = thread::spawn(move || telescope.blocking().set_angle(1));
    until("it waits", || held.telescope.process().pending_commands() == 2);
    let newer = held.telescope.set_angle(2);
    assert_eq!(waiting.join().unwrap(), Err(CallError::Superseded));
    let superseded = held.telescope.set_focus(1);
    let newest = held.telescope.set_focus(2);
    superseded.cancel();
    assert_eq!(outcome(superseded), Err(CallError::Superseded));
    assert_eq!(held.let_go(), ["angle 2", "focus 2"]);
    assert_eq!((outcome(newer), outcome(newest)), (Ok(2), Ok(2)));
}

#[test]
fn writes_that_wait_for_a_start_and_for_room_are_superseded() {
    let telescope = builder().queue_bound(QueueBound { entries: 2, bytes: 1000 }).build().unwrap();
    let first = telescope.set_angle(1);
    telescope.set_step(7);
    let second = telescope.set_angle(2);
    let refused = telescope.set_target("Vega".into());
    assert_eq!(outcome(refused), Err(CallError::QueueFull));
    let third = telescope.set_angle(3);
    assert_eq!(outcome(first), Err(CallError::Superseded));
    assert_eq!(outcome(second), Err(CallError::Superseded));
    telescope.process().start().unwrap();
    assert_eq!(outcome(third), Ok(3));
    assert_eq!(outcome(telescope.log()).unwrap(), ["step 7", "angle 3"]);
}

/// Regression: sixty writes within one second were confirmed for five more seconds.
#[test]
fn a_drag_over_a_slow_setter_ends_soon_with_its_last_value() {
    let telescope = ready(builder());
    for focus in 1..=200 {
        telescope.set_focus(focus);
        thread::sleep(Duration::from_millis(2));
    }
    let log = outcome(telescope.log()).unwrap();
    assert_eq!(log.last().unwrap(), "focus 200");
    assert_eq!(telescope.focus(), 200);
    assert!(log.len() < 100, "{} of 200 have run", log.len());
}

// ---- across a restart

/// A telescope that is restarted after a crash, with its accepted writes.
fn phoenix() -> TelescopeControl {
    let policy = RestartPolicy::on_crash().backoff(Backoff::constant(Duration::from_millis(1)));
    ready(builder().restart(policy).reapply_properties())
}

/// Records the values of the angle that arrive.
fn angles(telescope: &TelescopeControl) -> Journal {
    let journal = Journal::new();
    let note = journal.clone();
    telescope.signals().angle_changed.connect(move |angle| note.note(format!("angle {angle}")));
    journal
}

/// Regression: the slider went from 80 over 10 and 45 to 80.
#[test]
fn a_replayed_write_does_not_flicker() {
    let telescope = phoenix();
    outcome(telescope.set_angle(80)).unwrap();
    let journal = angles(&telescope);
    journal.until_line("angle 80");
    for run in 2..=4 {
        telescope.crash();
        until("it is started again", || telescope.process().generation() == run);
        // The child itself sets 45 when it starts.
        assert_eq!(telescope.angle(), 80);
        assert_eq!(outcome(telescope.log()).unwrap(), ["angle 80"]);
        assert_eq!(telescope.angle(), 80);
    }
    outcome(telescope.set_angle(81)).unwrap();
    assert_eq!(journal.until_line("angle 81"), ["angle 80", "angle 81"]);
}
