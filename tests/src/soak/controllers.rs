//! Kills the controller two hundred times, at random moments: a second and the grace later neither
//! its child nor a process that the child has started is alive, and no temporary file is left.
//!
//! Descendants are found by a mark in their environment, including those of a controller that was
//! killed before it could print their pids.

use std::collections::HashMap;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::report::{Report, Times, count, milliseconds};
use super::way::Way;
use super::witness::Witness;
use super::{Progress, Settings, random_time};
use crate::harness::controller_program::ControllerProgram;
use crate::harness::processes;

const KILLS: usize = 200;
const GRACE: Duration = Duration::from_millis(300);
/// The promise: the grace and a second.
const LATEST: Duration = Duration::from_millis(1300);
/// A slow machine does not explain more than this.
const FAILED: Duration = Duration::from_secs(20);

/// When the controller is killed.
struct Moment {
    name: &'static str,
    /// What `bin/controller.rs` does before it prints `there`; `None`: it is killed earlier, during
    /// its start.
    reached_by: Option<&'static str>,
    /// The longest delay of the kill after that.
    then: Duration,
    hears: Hears,
}

/// Whether controller, child and grandchild react to SIGTERM and SIGHUP.
#[derive(PartialEq)]
enum Hears {
    Everything,
    Nothing,
}

const MOMENTS: [Moment; 12] = [
    moment("idle", "idle"),
    moment("busy in a command that can be cancelled", "working"),
    moment("busy in a command that ignores everything", "busy"),
    Moment { then: GRACE, ..moment("100 calls in flight, 0 to 8 MiB each", "calls") },
    moment("sending 256 MiB", "argument"),
    moment("receiving 256 MiB", "result"),
    Moment { name: "starting", reached_by: None, ..moment("", "") },
    Moment { then: LATEST, ..moment("stopping", "stopping") },
    moment("child stopped", "stopped"),
    moment("child stopped in a command", "stopped in a command"),
    Moment { hears: Hears::Nothing, ..moment("all ignore SIGTERM, idle", "idle") },
    Moment { hears: Hears::Nothing, ..moment("all ignore SIGTERM, busy", "busy") },
];

const fn moment(name: &'static str, reached_by: &'static str) -> Moment {
    let then = Duration::from_millis(50);
    Moment { name, reached_by: Some(reached_by), then, hears: Hears::Everything }
}

pub(super) fn run(settings: &Settings) -> Report {
    let kills = settings.scaled(KILLS, MOMENTS.len());
    let mut random = settings.random();
    let mut report = Report::new("controllers");
    let usual_start = usual_start(settings);
    let mut progress = Progress::new("controllers", kills);
    let mut ends = Times::default();
    let mut left = HashMap::<&'static str, usize>::new();
    for number in 0..kills {
        let moment = &MOMENTS[number % MOMENTS.len()];
        // Each way at every moment, and all of them even in a short soak.
        let way = Way::ALL[(number + number / MOMENTS.len()) % Way::ALL.len()];
        let round = Round::new(settings, moment);
        let most = if moment.reached_by.is_some() { moment.then } else { usual_start.mul_f64(1.2) };
        let (took, files) = round.run(way, random_time(&mut random, most), &mut random);
        if took > FAILED {
            report.broken(format!("kill {number}, {way:?}, {}: something lives on", moment.name));
        }
        ends.add(took);
        if files > 0 {
            *left.entry(moment.name).or_default() += files;
        }
        progress.at(number + 1);
    }
    let text = "controllers killed (SIGKILL, SIGSEGV, SIGSTOP then SIGKILL), grace 300 ms";
    report.figure(text, count(kills));
    report.figure("moments", MOMENTS.map(|moment| moment.name).join("; "));
    let late = ends.over(LATEST);
    let text = "child or grandchild alive 1.3 s later";
    report.goal(text, count(late), "0", late == 0);
    report.figure("controller gone to all gone, median", milliseconds(ends.percentile(0.5)));
    let longest = ends.longest();
    let text = "controller gone to all gone, longest";
    report.goal(text, milliseconds(longest), "at most 1.3 s", longest <= LATEST);
    let files = left.values().sum::<usize>();
    let text = match left.is_empty() {
        true => count(files),
        false => format!("{} ({})", count(files), list(&left)),
    };
    report.goal("temporary files and folders left behind", text, "0", files == 0);
    if files > 0 {
        report.broken(format!("{files} temporary files and folders were left behind"));
    }
    report
}

/// Kills a process that may have ended meanwhile.
fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

fn list(left: &HashMap<&'static str, usize>) -> String {
    let mut left: Vec<_> =
        left.iter().map(|(moment, files)| format!("{moment}: {files}")).collect();
    left.sort_unstable();
    left.join(", ")
}

/// How long a controller takes until its child is ready.
fn usual_start(settings: &Settings) -> Duration {
    let mut times = Times::default();
    for _ in 0..3 {
        let begun = Instant::now();
        let mut round = Round::new(settings, &MOMENTS[0]);
        round.controller.line("child");
        times.add(begun.elapsed());
        round.run(Way::Kill, Duration::ZERO, &mut fastrand::Rng::with_seed(0));
    }
    times.percentile(0.5)
}

/// One controller that is killed.
struct Round {
    moment: &'static Moment,
    controller: ControllerProgram,
    /// The controller's folder for temporary files; its path is the mark.
    folder: tempfile::TempDir,
    _elsewhere: tempfile::TempDir,
}

impl Round {
    fn new(settings: &Settings, moment: &'static Moment) -> Self {
        let folder = || tempfile::tempdir().expect("a folder can be made");
        let (folder, elsewhere) = (folder(), folder());
        let mut command = Command::new("env");
        command.arg(match moment.hears {
            Hears::Everything => "--default-signal",
            Hears::Nothing => "--ignore-signal=TERM,HUP",
        });
        command.arg(settings.program("controller")).arg(moment.reached_by.unwrap_or("idle"));
        command.arg("wait").arg(elsewhere.path().join("cleanup"));
        command.arg(GRACE.as_millis().to_string()).env("TMPDIR", folder.path());
        let controller = ControllerProgram::start_command(&mut command);
        Self { moment, controller, folder, _elsewhere: elsewhere }
    }

    /// Kills the controller this long after the moment; returns how long its descendants live on,
    /// and how many temporary files stay.
    fn run(mut self, way: Way, then: Duration, random: &mut fastrand::Rng) -> (Duration, usize) {
        let witness = Witness::of(self.controller.pid());
        let watch = witness.watch();
        if self.moment.reached_by.is_some() {
            self.controller.line("there");
        }
        thread::sleep(then);
        way.kill(&witness, random);
        self.controller.end();
        let gone = watch.join().expect("the witness does not panic").expect("it was killed");
        let mark = self.folder.path().to_string_lossy();
        let mut seen_none = None;
        let took = loop {
            let alive = processes::marked(&mark);
            let took = gone.elapsed();
            match seen_none {
                // Twice, since a process has no environment while it is executing another program.
                Some(took) if alive.is_empty() => break took,
                _ => seen_none = alive.is_empty().then_some(took),
            }
            if took > FAILED {
                alive.into_iter().for_each(kill);
                break took;
            }
            thread::sleep(Duration::from_millis(3));
        };
        (took, std::fs::read_dir(self.folder.path()).map_or(0, Iterator::count))
    }
}
