//! Ctrl-C in a terminal, with the controller in the foreground: the controller decides what to do,
//! and the child lives on. A controller that does not handle it dies, and its child ends with it.
//!
//! The terminal is a pseudo-terminal, so that the system itself sends SIGINT to the foreground
//! group.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::report::{Report, Times, count, milliseconds};
use super::{Progress, Settings, random_time};
use crate::harness::controller_program::ControllerProgram;
use crate::harness::patience::LONG;
use crate::harness::processes;
use crate::harness::terminal::terminal;

const ROUNDS: usize = 200;

/// What the child does meanwhile, and how `bin/controller.rs` handles SIGINT.
const CASES: [(&str, &str, &str); 4] = [
    ("idle, handled", "idle", "interrupt"),
    ("busy, handled", "working", "interrupt"),
    ("idle, not handled", "idle", "wait"),
    ("busy, not handled", "working", "wait"),
];

pub(super) fn run(settings: &Settings) -> Report {
    let rounds = settings.scaled(ROUNDS, CASES.len());
    let mut random = settings.random();
    let mut report = Report::new("interrupt");
    let mut progress = Progress::new("interrupt", rounds);
    let (mut lived, mut ended) = (0, 0);
    let mut ends = Times::default();
    for number in 0..rounds {
        let (name, moment, ending) = CASES[number % CASES.len()];
        let round = Round::new(settings, moment, ending);
        std::thread::sleep(random_time(&mut random, Duration::from_millis(20)));
        let checked = match ending {
            "interrupt" => round.check_that_the_controller_decides().map(|()| lived += 1),
            _ => round.check_that_all_end().map(|took| {
                ended += 1;
                ends.add(took);
            }),
        };
        if let Err(why) = checked {
            report.broken(format!("round {number}, {name}: {why}"));
        }
        progress.at(number + 1);
    }
    let handled = (0..rounds).filter(|number| CASES[number % CASES.len()].2 == "interrupt").count();
    let text = "Ctrl-C handled by the controller, idle and busy: child lived and worked on";
    let value = format!("{} of {}", count(lived), count(handled));
    report.goal(text, value, "all", lived == handled);
    let others = rounds - handled;
    let text = "Ctrl-C not handled, idle and busy: controller, child and grandchild ended";
    report.goal(text, format!("{} of {}", count(ended), count(others)), "all", ended == others);
    let text = "not handled: controller seen gone to all seen gone, looked at every 2 ms, longest";
    report.figure(text, milliseconds(ends.longest()));
    report
}

/// One controller in the foreground of a terminal of its own.
struct Round {
    terminal: OwnedFd,
    controller: ControllerProgram,
    child: u32,
    grandchild: u32,
    _folder: tempfile::TempDir,
}

impl Round {
    fn new(settings: &Settings, moment: &str, ending: &str) -> Self {
        let (terminal, name) = terminal();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let mut command = ControllerProgram::command("sh");
        command.arg("-c").arg(format!("exec setsid --ctty \"$@\" < '{name}'")).arg("sh");
        command.arg(settings.program("controller")).args([moment, ending]);
        command.arg(folder.path().join("cleanup"));
        let mut controller = ControllerProgram::start_command(&mut command);
        let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
        controller.line("there");
        Self { terminal, controller, child, grandchild, _folder: folder }
    }

    /// Presses the key, so that the system chooses the receivers of the signal.
    fn press_ctrl_c(&self) {
        rustix::io::write(&self.terminal, &[3]).expect("the terminal takes a key");
    }

    fn check_that_the_controller_decides(mut self) -> Result<(), String> {
        self.press_ctrl_c();
        let state = self.controller.line("interrupted");
        let child = processes::state(self.child);
        if state != "running" || processes::has_ended(self.child) {
            return Err(format!("the child is {state}, its process {child:?}"));
        }
        let next = self.controller.line("next");
        if next != "Ok(3)" || processes::has_ended(self.grandchild) {
            return Err(format!("the next call ended as {next}"));
        }
        self.press_ctrl_c();
        let state = self.controller.line("ended");
        let code = self.controller.end();
        match (state.as_str(), code) {
            ("finished", 0) => Ok(()),
            _ => Err(format!("at the second one the child is {state}, the exit code {code}")),
        }
    }

    fn check_that_all_end(mut self) -> Result<Duration, String> {
        self.press_ctrl_c();
        let code = self.controller.end();
        if code != -Signal::INT.as_raw() {
            return Err(format!("the controller ended with {code}"));
        }
        let gone = Instant::now();
        while !(processes::has_ended(self.child) && processes::has_ended(self.grandchild)) {
            if gone.elapsed() > LONG {
                return Err("child or grandchild lives on".to_owned());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(gone.elapsed())
    }
}
