//! The controller: one thread, one stream of events, one child. It carries out what `plan` decides:
//! starts, kills, cancels.

use std::error::Error;
use std::ffi::OsString;
use std::io;
use std::sync::mpsc::{self, Sender};

use examples::digest::{FolderSummary, path_text};
use examples::digest_process::{DigestConfig, DigestControl, DigestProcess, SystemText};
use mpcore::{CallError, Exception, ExitReport, RunFailure};

use crate::arguments::Arguments;
use crate::plan::{Act, Event, Plan};
use crate::screen::Screen;

/// How many of the unreadable files are listed by name.
const NAMED: usize = 10;

/// What reaches this thread, in the order in which it happened.
enum Seen {
    /// The child's process exists; its pid.
    Started(u32),
    /// The command reported its progress.
    Progress(f64),
    /// The command's outcome; every command has exactly one.
    Outcome(Result<FolderSummary, CallError<mpcore::Error>>),
    /// A failure outside of an outcome.
    Exception(Exception),
    /// Why the run of the child ends.
    Failed(RunFailure),
    /// The child's run has ended.
    Finished(ExitReport),
    /// Ctrl-C.
    Interrupt,
}

/// How the demo ended, if without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Cancelled,
}

pub(crate) fn run(arguments: &Arguments) -> Result<End, Box<dyn Error>> {
    let without = arguments.without.iter().cloned().map(SystemText).collect();
    let config = DigestConfig { without };
    let control = DigestControl::new::<DigestProcess>(config)?;
    let (tell, seen) = mpsc::channel();
    connect(&control, &tell);
    let interrupt = tell.clone();
    // Before the start: from here on there is work that Ctrl-C must cancel. The child itself
    // ignores Ctrl-C.
    ctrlc::set_handler(move || send(&interrupt, Seen::Interrupt))?;

    let folder = arguments.folder.as_os_str().to_owned();
    let (plan, screen) = (Plan::new(), Screen::new());
    let mut demo = Demo { folder, control, tell, plan, screen };
    demo.start()?;
    loop {
        if let Some(end) = demo.see(seen.recv()?)? {
            return Ok(end);
        }
    }
}

/// Handlers run on a thread of mpcore's here, so they only forward.
fn connect(control: &DigestControl, tell: &Sender<Seen>) {
    let (process, signals) = (control.process().signals(), control.signals());
    let to = tell.clone();
    process.started.connect(move |pid| send(&to, Seen::Started(*pid)));
    let to = tell.clone();
    process.progress.connect(move |progress| send(&to, Seen::Progress(progress.fraction)));
    let to = tell.clone();
    signals.exception_raised.connect(move |it| send(&to, Seen::Exception(it.clone())));
    let to = tell.clone();
    process.failed.connect(move |failure| send(&to, Seen::Failed(failure.clone())));
    let to = tell.clone();
    process.finished.connect(move |report| send(&to, Seen::Finished(report.clone())));
}

fn send(to: &Sender<Seen>, seen: Seen) {
    let _ = to.send(seen); // the receiver is gone at the very end
}

struct Demo {
    folder: OsString,
    control: DigestControl,
    tell: Sender<Seen>,
    plan: Plan,
    screen: Screen,
}

impl Demo {
    fn start(&self) -> Result<(), mpcore::StartError> {
        self.screen.progress(0.0, String::new());
        self.control.process().start()?;
        let to = self.tell.clone();
        let digest = self.control.digest(SystemText(self.folder.clone()));
        digest.on_done(move |outcome| send(&to, Seen::Outcome(outcome)));
        Ok(())
    }

    /// Shows the event and carries out what the plan decides.
    fn see(&mut self, seen: Seen) -> Result<Option<End>, Box<dyn Error>> {
        self.show(&seen)?;
        let event = match &seen {
            Seen::Progress(fraction) => Event::Progress(*fraction),
            Seen::Outcome(Ok(_)) => Event::Result,
            Seen::Outcome(Err(_)) => Event::NoResult,
            Seen::Finished(_) => Event::Ended,
            Seen::Interrupt => Event::Interrupt,
            Seen::Started(_) | Seen::Exception(_) | Seen::Failed(_) => return Ok(None),
        };
        let act = self.plan.next(event);
        match (act, seen) {
            (Act::KillBusy, Seen::Progress(fraction)) => {
                let percent = fraction * 100.0;
                self.kill(&format!("at {percent:.0} % of the bytes, in the middle of its work"))?;
            }
            (Act::KillIdle, _) => self.kill("idle: the folder is too small to have a middle")?,
            (Act::StartAgain, _) => self.start()?,
            (Act::Cancel, _) => self.control.process().cancel_all(),
            (Act::Finish, Seen::Outcome(Ok(digest))) => {
                self.show_digest(&digest)?;
                return Ok(Some(End::Done));
            }
            (Act::Fail, Seen::Outcome(Err(error))) => {
                self.screen.clear();
                return Err(match error {
                    CallError::Raised(error) => error.into(), // with its causes
                    error => error.into(),
                });
            }
            (Act::EndCancelled, _) => {
                self.screen.clear();
                return Ok(Some(End::Cancelled));
            }
            (Act::GiveUp, _) => {
                self.screen.clear();
                self.control.process().kill();
                return Ok(Some(End::Cancelled));
            }
            _ => {}
        }
        Ok(None)
    }

    fn show(&self, seen: &Seen) -> io::Result<()> {
        let say = |what: &str, it: &dyn std::fmt::Display| {
            self.screen.say(format_args!("  {what:<17} {it}"))
        };
        match seen {
            Seen::Started(pid) => {
                let folder = path_text(self.folder.as_encoded_bytes());
                let again = match self.control.process().generation() {
                    1 => "",
                    _ => ", again from the beginning",
                };
                self.screen.say(format_args!("child {pid} digests {folder}{again}"))
            }
            Seen::Progress(fraction) => {
                self.show_progress(*fraction);
                Ok(())
            }
            Seen::Outcome(Ok(_)) => say("the call ended", &"with its result"),
            Seen::Outcome(Err(error)) => say("the call ended", error),
            Seen::Exception(exception) => say("exception_raised", exception),
            Seen::Failed(failure) => say("failed", failure),
            Seen::Finished(report) => say("finished", report),
            Seen::Interrupt => Ok(()),
        }
    }

    /// The rest is in the mirrors: the child sets its properties before it reports its progress, so
    /// they are at least as new.
    fn show_progress(&self, fraction: f64) {
        let file = self.control.current_file();
        let (done, total) = (self.control.files_done(), self.control.files_total());
        let files = match fraction {
            0.0 => format!("{total} files found"),
            _ => format!("{done} of {total} files"),
        };
        let speed = self.control.mb_per_second();
        self.screen.progress(fraction, format!("{speed:>5.0} MB/s, {files}: {file}"));
    }

    /// As another program would do it: mpcore learns of it when the process is gone.
    fn kill(&self, when: &str) -> io::Result<()> {
        // Without a pid the child has just ended by itself, which will be reported.
        let Some(pid) = self.control.process().pid() else { return Ok(()) };
        self.screen.say(format_args!("kill -9 {pid}, {when}; the controller sees:"))?;
        kill_from_outside(pid)
    }

    fn show_digest(&self, digest: &FolderSummary) -> io::Result<()> {
        self.screen.clear();
        let megabytes_per_second = self.control.mb_per_second();
        self.screen.say(format_args!("everything was read, at {megabytes_per_second:.0} MB/s"))?;
        for entry in digest.unreadable.iter().take(NAMED) {
            self.screen.say(format_args!("unreadable: {entry}"))?;
        }
        if let Some(more @ 1..) = digest.unreadable.len().checked_sub(NAMED) {
            self.screen.say(format_args!("unreadable: and {more} more"))?;
        }
        self.screen.say(digest)
    }
}

/// `kill -9`
#[cfg(unix)]
fn kill_from_outside(pid: u32) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process(pid, Signal::KILL)?)
}

#[cfg(not(unix))]
fn kill_from_outside(pid: u32) -> io::Result<()> {
    let mut kill = std::process::Command::new("taskkill");
    kill.args(["/F", "/PID", &pid.to_string()]).stdout(std::process::Stdio::null());
    kill.status().map(drop)
}
