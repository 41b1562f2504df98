//! The possible surroundings of a controller, for the trial `neighbours`: the description that the
//! trial passes to `bin/fixed_life.rs`, and the neighbours that live in the controller's own
//! process or in the options of its child.
//!
//! Each is present from [`Surroundings::enter`] to [`Present::leave`], unless it is permanent; if
//! it did not take effect, or an unrelated process was killed, that is a finding.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use mpcore::{OutputMode, ProcessState, RunFailure};
use rustix::process::{Resource, Rlimit, WaitOptions, getrlimit, setrlimit, waitpid};
use serde::{Deserialize, Serialize};

use crate::children::bench::{self, ready};
use crate::harness::controller_program::ControllerProgram;
use crate::{BenchControl, LONG, processes};

/// The environment variable with the description.
const VARIABLE: &str = "SURROUNDINGS";

/// One neighbour in one round.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Surroundings {
    /// Names a neighbour in the controller's process; any other name means one outside.
    pub neighbour: String,
    /// Counts the rounds: a neighbour that comes in several sizes derives its size from this.
    pub round: usize,
    /// Whether everything has to work meanwhile; otherwise, every failure has to be reported.
    pub works: bool,
    /// Whether each end's status is learned; otherwise, it may be unknown.
    pub statuses: bool,
    /// The file for its lines: its standard streams may be unusable.
    pub told: PathBuf,
    /// A folder for files created meanwhile.
    pub folder: PathBuf,
    /// Where the test programs are.
    pub programs: PathBuf,
}

/// Removes the neighbour; the error says what was wrong.
type Leave = Box<dyn FnOnce() -> Result<(), String>>;

/// A neighbour that is present.
#[must_use]
pub struct Present {
    leave: Option<Leave>,
    /// An unrelated process.
    innocent: Child,
}

impl std::fmt::Debug for Present {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Present").field("innocent", &self.innocent).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// Parses the surroundings of this process.
    ///
    /// # Panics
    /// If they are invalid.
    #[must_use]
    pub fn of_this_process() -> Option<Self> {
        let text = env::var(VARIABLE).ok()?;
        Some(serde_json::from_str(&text).expect("surroundings"))
    }

    /// Formats them for an environment variable.
    ///
    /// # Panics
    /// If a path is not UTF-8.
    #[must_use]
    pub fn variable(&self) -> (&'static str, String) {
        (VARIABLE, serde_json::to_string(self).expect("every path is UTF-8"))
    }

    /// A builder for a child whose output is visible, in these surroundings.
    #[must_use]
    pub fn around(
        &self,
        builder: mpcore::ControlBuilder<BenchControl>,
    ) -> mpcore::ControlBuilder<BenchControl> {
        let builder = builder
            .stdout(OutputMode::Inherit)
            .stderr(OutputMode::Inherit)
            .stop_grace(std::time::Duration::from_secs(5));
        match self.neighbour.as_str() {
            "directory missing" => builder.current_dir(self.folder.join("missing")),
            "directory is a file" => builder.current_dir(self.folder.join("file")),
            "odd words" => {
                let odd = OsStr::from_bytes(b"\xff \n'\"$*\x1b[2J");
                let folder = self.folder.join(odd);
                fs::create_dir_all(&folder).expect("a folder can be made");
                let builder = builder.name("odd \n\u{1b}[2J child").arg("").arg("--").arg(odd);
                builder.env_clear().env("ODD", odd).current_dir(folder)
            }
            "a NUL" => builder.arg("a\0b"),
            _ => builder,
        }
    }

    /// Whether the neighbour is an oddity of the child, which is permanent.
    #[must_use]
    pub fn is_of_one_child(&self) -> bool {
        self.neighbour == "a NUL"
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).to_string_lossy().into_owned()
    }

    /// Makes the neighbour present.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn enter(&self, bystander: Option<&BenchControl>) -> Present {
        let mut innocent = Command::new("sleep");
        innocent.arg("600").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let innocent = innocent.spawn().expect("there is `sleep`");
        let leave =
            match self.neighbour.as_str() {
                "another reaper" => Some(reap_everything()),
                "closed" => self.close_standard_streams(),
                "few descriptors" => {
                    let open = processes::descriptors(std::process::id()) as u64;
                    Some(limit(Resource::Nofile, open - 4 + self.round as u64 % 20))
                }
                "few threads" => Some(limit(Resource::Nproc, 2 + self.round as u64 % 14)),
                "a handler that waits" => bystander.map(hold_a_handler),
                "held by a tracer" => Some(self.hold_another_child("hold")),
                "its tracer does not wait" => Some(self.hold_another_child("linger")),
                "a start that hangs" => Some(self.hang_another_start()),
                "directory missing" => {
                    Some(self.later(|folder| fs::create_dir(folder.join("missing"))))
                }
                "directory is a file" => {
                    fs::write(self.folder.join("file"), "").expect("a file can be written");
                    Some(self.later(|folder| {
                        fs::remove_file(folder.join("file"))?;
                        fs::create_dir(folder.join("file"))
                    }))
                }
                "the terminal" => {
                    // Makes the terminal stop background processes that print.
                    let set = Command::new("stty").arg("tostop").status();
                    assert!(set.expect("there is `stty`").success(), "this is a terminal");
                    None
                }
                "no /proc" => Some(self.later(|_| {
                    match Command::new("umount").arg("/proc").status()?.success() {
                        true => Ok(()),
                        false => Err(std::io::Error::other("`/proc` does not come back")),
                    }
                })),
                _ => None,
            };
        Present { leave, innocent }
    }

    /// Returns what removes a neighbour in the folder.
    fn later(&self, undo: impl FnOnce(&Path) -> std::io::Result<()> + 'static) -> Leave {
        let folder = self.folder.clone();
        Box::new(move || undo(&folder).map_err(|error| error.to_string()))
    }

    fn close_standard_streams(&self) -> Option<Leave> {
        for number in [[0, 1, 2].as_slice(), &[2], &[0, 1], &[1, 2]][self.round % 4] {
            nix::unistd::close(*number).expect("it was open");
        }
        None
    }

    /// Another child is killed while it is held.
    fn hold_another_child(&self, how: &str) -> Leave {
        let held = ready(bench::builder(&self.program("bench_child")));
        let pid = held.process().pid().expect("it runs");
        let mut tracer =
            ControllerProgram::start(&self.program("tracer"), &[&pid.to_string(), how]);
        tracer.line("attached");
        let mut running = held.work(600_000);
        held.process().kill();
        let traced = how == "hold";
        Box::new(move || {
            let ended = held.process().join(LONG);
            let outcome = running.try_outcome().is_some();
            let report = held.process().exit_report();
            let given_up = matches!(
                report.and_then(|report| report.failure.clone()),
                Some(RunFailure::Unkillable { why: mpcore::Unkillable::Traced { .. }, .. })
            );
            let state = held.process().state();
            let right = if traced { ProcessState::Crashed } else { ProcessState::Finished };
            drop(tracer);
            crate::until("it is reaped", || processes::is_gone(pid));
            match ended.is_ok() && outcome && given_up == traced && state == right {
                true => Ok(()),
                false => Err(format!("the held child: {ended:?}, {state}, outcome {outcome}")),
            }
        })
    }

    /// Another child is started, and the system hangs in that start.
    fn hang_another_start(&self) -> Leave {
        let program = self.folder.join("scanned");
        crate::harness::programs::copy(Path::new(&self.program("bench_child")), &program);
        let file = program.to_string_lossy().into_owned();
        let mut scanner = ControllerProgram::start(&self.program("scanner"), &[&file]);
        assert_eq!(scanner.line("scans"), "true", "root may do this");
        let hung = bench::builder(&file).start_deadline(LONG).spawn().expect("it can be tried");
        Box::new(move || {
            let state = hung.process().state();
            hung.process().kill();
            let ended = hung.process().join(LONG);
            drop(scanner);
            let _ = fs::remove_file(program);
            match (state, ended) {
                (ProcessState::Starting, Ok(mpcore::ProcessEnd::NeverRan)) => Ok(()),
                (state, ended) => Err(format!("the hung start: {state}, then {ended:?}")),
            }
        })
    }
}

impl Present {
    /// Removes the neighbour, unless it is permanent.
    ///
    /// # Errors
    /// What was wrong.
    pub fn leave(mut self) -> Result<(), String> {
        // It waits for delayed effects before the innocent process is checked.
        let left = self.leave.take().map_or(Ok(()), |leave| leave());
        let alive = !processes::has_ended(self.innocent.id());
        let _ = self.innocent.kill();
        // A foreign reaper may have reaped it.
        let _ = self.innocent.wait();
        crate::until("it is reaped", || processes::is_gone(self.innocent.id()));
        match alive {
            true => left,
            false => Err("an innocent process was killed".to_owned()),
        }
    }
}

/// Reaps every child, as some libraries do.
fn reap_everything() -> Leave {
    let over = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&over);
    let reaper: JoinHandle<()> = thread::spawn(move || {
        while !ended.load(Ordering::SeqCst) {
            if waitpid(None, WaitOptions::empty()).is_err() {
                thread::sleep(std::time::Duration::from_millis(1));
            }
        }
    });
    Box::new(move || {
        over.store(true, Ordering::SeqCst);
        // Starts a process for it to reap, so that it notices its end.
        let mut started = Vec::new();
        while !reaper.is_finished() {
            started.extend(Command::new("true").spawn());
            thread::sleep(std::time::Duration::from_millis(1));
        }
        // The reaper did not reach the last ones, which may still run.
        started.iter_mut().for_each(|it| drop(it.wait()));
        while matches!(waitpid(None, WaitOptions::NOHANG), Ok(Some(_))) {}
        reaper.join().map_err(|_| "the reaper panicked".to_owned())
    })
}

/// Lowers a limit of this process until the neighbour leaves.
fn limit(resource: Resource, current: u64) -> Leave {
    let before = getrlimit(resource);
    let lower = Rlimit { current: Some(current), maximum: before.maximum };
    setrlimit(resource, lower).expect("it can be less");
    Box::new(move || setrlimit(resource, before).map_err(|error| error.to_string()))
}

/// A handler of another child blocks the thread that they share.
fn hold_a_handler(bystander: &BenchControl) -> Leave {
    let (go, wait) = mpsc::channel::<()>();
    let (held, holds) = mpsc::channel();
    let wait = std::sync::Mutex::new(wait);
    bystander.signals().tick.connect(move |_| {
        let _ = held.send(());
        let _ = wait.lock().expect("no handler panics").recv();
    });
    drop(bystander.flood(1));
    holds.recv_timeout(LONG).expect("the handler is called");
    Box::new(move || {
        drop(go);
        Ok(())
    })
}
