//! One life beside one neighbour: how the program is started, and what it reports and leaves
//! behind.

use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use intercept::Refused;
use rustix::process::Signal;

use super::super::{Settings, panic_in};
use super::needs::loader;
use super::table::{Neighbour, Promise};
use crate::harness::surroundings::Surroundings;
use crate::harness::terminal::terminal as new_terminal;
use crate::{processes, programs};

/// Longer than a life takes to end, including all its deadlines.
const PATIENCE: Duration = Duration::from_secs(240);
/// Processes that it has started are gone sooner after its end.
const LINGER: Duration = Duration::from_secs(40);

/// Set in the environment of every process that a life starts.
const MARK: &str = "MPCORE_SOAK_NEIGHBOUR";

/// A user without other processes: the limit on threads counts all threads of a user.
const STRANGER: &str = "65529";

/// How the program is started.
#[derive(Clone, Copy)]
pub(super) enum Around {
    Nothing,
    /// Through this command.
    Words(&'static [&'static str]),
    /// With these system calls refused.
    Refused(&'static [Refused]),
    Given(Given),
    /// In the foreground of a terminal.
    Terminal,
    Loader,
    /// As an unprivileged user.
    Stranger,
    /// Stopped and continued repeatedly.
    Frozen,
}

/// What a program starts with.
#[derive(Clone, Copy)]
pub(super) enum Given {
    PipeWithoutReader,
    NoEnvironment,
    DeletedFolder,
}

/// The result of a life.
pub(super) struct Life {
    /// What must never happen.
    pub(super) findings: Vec<String>,
    /// The number of descriptors and threads at the end.
    pub(super) left: Option<(isize, isize)>,
}

/// Runs one life; `usual`: what is left where there is no neighbour.
pub(super) fn live(
    settings: &Settings,
    neighbour: &Neighbour,
    round: usize,
    usual: Option<(isize, isize)>,
) -> Life {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let places = Places::new(settings, neighbour, folder.path());
    let surroundings = Surroundings {
        neighbour: neighbour.name.to_owned(),
        round,
        works: matches!(neighbour.promise, Promise::Works),
        statuses: neighbour.statuses,
        told: places.told.clone(),
        folder: places.made.clone(),
        programs: places.programs.clone(),
    };
    let expected = usual.map(|(descriptors, threads)| {
        let more = (neighbour.more)(round);
        (descriptors + more.0, threads + more.1)
    });
    let stderr = tempfile::tempfile().expect("a file can be made");
    let mark = format!("{}-{round}-{}", std::process::id(), fastrand::u64(..));
    let (mut command, terminal) = command(neighbour, &places, expected);
    command.env(surroundings.variable().0, surroundings.variable().1);
    command.env(MARK, &mark).env("TMPDIR", &places.temporary).stdin(Stdio::null());
    command.stderr(stderr.try_clone().expect("a descriptor is left"));
    let mut life = Life { findings: Vec::new(), left: None };
    let mut program = match neighbour.around {
        Around::Refused(refused) => intercept::refuse(command, refused),
        _ => command.spawn(),
    }
    .expect("the program can be started");
    if !wait(&mut program, neighbour, &mut life) {
        for pid in processes::marked(&format!("{MARK}={mark}")) {
            processes::kill_if_there(pid);
        }
    }
    let status = program.wait().expect("it can be waited for");
    drop(terminal);

    let told = fs::read_to_string(&places.told).unwrap_or_default();
    let lines: Vec<_> = told.lines().collect();
    life.findings
        .extend(lines.iter().filter_map(|it| it.strip_prefix("finding ")).map(str::to_owned));
    if !status.success() || lines.last().is_none_or(|line| *line != "end") {
        let last = lines.last().copied().unwrap_or("nothing");
        life.findings.push(format!("the controller ended with {status}, after `{last}`"));
    }
    life.findings.extend(panic_in(stderr));
    if let Promise::Refuses(why) = neighbour.promise
        && !lines.iter().any(|line| line.starts_with("start: ") && line.contains(why))
    {
        life.findings.push(format!("the first start does not say `{why}`: {lines:?}"));
    }
    life.left = lines.iter().find_map(|line| line.strip_prefix("left ")).and_then(numbers);
    let threads = lines.iter().find_map(|line| line.strip_prefix("threads ")).unwrap_or_default();
    // A loaded machine may be as slow to start a program as one that hangs: then another thread
    // does it.
    let spawning = threads.matches("mp-spawn").count() as isize;
    let calm = |left: (isize, isize)| (left.0, left.1 - (spawning - 1));
    if let Some(expected) = expected
        && life.left != Some(expected)
        && life.left.map(calm) != Some(expected)
        && life.findings.is_empty()
    {
        let left = life.left.unwrap_or_default();
        life.findings.push(format!("left {left:?} in place of {expected:?}: {threads}"));
    }
    let since = Instant::now();
    while !processes::marked(&format!("{MARK}={mark}")).is_empty() {
        if since.elapsed() > LINGER {
            let left = processes::marked(&format!("{MARK}={mark}"));
            life.findings.push(format!("processes live on: {left:?}"));
            left.into_iter().for_each(processes::kill_if_there);
            break;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let files = fs::read_dir(&places.temporary).map_or(0, Iterator::count);
    if files > 0 {
        life.findings.push(format!("{files} temporary files and folders are left"));
    }
    life
}

/// Returns whether it ends in time.
fn wait(program: &mut Child, neighbour: &Neighbour, life: &mut Life) -> bool {
    let since = Instant::now();
    let frozen = matches!(neighbour.around, Around::Frozen);
    while program.try_wait().expect("it can be waited for").is_none() {
        if since.elapsed() > PATIENCE {
            life.findings.push(format!("it has not ended within {PATIENCE:?}"));
            return false;
        }
        if frozen {
            // It is this process's child, so its pid is not reused until it is reaped here.
            processes::signal(program.id(), Signal::STOP);
            thread::sleep(Duration::from_millis(20));
            processes::signal(program.id(), Signal::CONT);
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(2));
    }
    true
}

/// `10 descriptors, 5 threads`.
fn numbers(left: &str) -> Option<(isize, isize)> {
    let (descriptors, threads) = left.split_once(", ")?;
    let number = |text: &str| text.split(' ').next()?.parse().ok();
    Some((number(descriptors)?, number(threads)?))
}

/// The paths of one life.
struct Places {
    programs: PathBuf,
    told: PathBuf,
    made: PathBuf,
    temporary: PathBuf,
    /// Exists when the program begins, and no longer when its life does.
    passing: PathBuf,
}

impl Places {
    fn new(settings: &Settings, neighbour: &Neighbour, folder: &Path) -> Self {
        let place = |name: &str| {
            let place = folder.join(name);
            fs::create_dir(&place).expect("a folder can be made");
            fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).expect("it is ours");
            place
        };
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("it is ours");
        let (made, temporary, passing) = (place("made"), place("temporary"), place("passing"));
        let programs = match neighbour.around {
            Around::Stranger => {
                let copies = place("programs");
                for name in ["fixed_life", "bench_child"] {
                    programs::copy(&settings.programs.join(name), &copies.join(name));
                }
                copies
            }
            _ => settings.programs.clone(),
        };
        Self { programs, told: made.join("told"), made, temporary, passing }
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }
}

/// The command to start, with a terminal if it runs in one.
fn command(
    neighbour: &Neighbour,
    places: &Places,
    expected: Option<(isize, isize)>,
) -> (Command, Option<OwnedFd>) {
    let program = places.program("fixed_life");
    let mut terminal = None;
    let mut words: Vec<String> = Vec::new();
    let mut add = |more: &[&str]| words.extend(more.iter().map(|&it| it.to_owned()));
    // The wrapper comes first, since it executes the rest of the command line.
    match neighbour.around {
        Around::Words(before) => add(before),
        Around::Loader => add(&[loader().expect("it is needed"), "--inhibit-cache"]),
        Around::Stranger => {
            add(&["setpriv", "--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"]);
        }
        Around::Given(Given::DeletedFolder) => {
            add(&["sh", "-c", "cd \"$0\" && rmdir \"$0\" && exec \"$@\""]);
            add(&[&places.passing.to_string_lossy()]);
        }
        Around::Terminal => {
            let (master, name) = new_terminal();
            terminal = Some(master);
            add(&[
                "sh",
                "-c",
                &format!("exec setsid --wait --ctty \"$@\" < '{name}' > '{name}'"),
                "sh",
            ]);
        }
        Around::Nothing | Around::Refused(_) | Around::Given(_) | Around::Frozen => {}
    }
    words.push(program.to_string_lossy().into_owned());
    let own = matches!(neighbour.around, Around::Loader);
    let child = if own {
        "own".into()
    } else {
        places.program("bench_child").to_string_lossy().into_owned()
    };
    words.extend([child, if neighbour.beside { "beside" } else { "first" }.to_owned()]);
    words.extend(
        expected
            .map(|(descriptors, threads)| format!("{descriptors} descriptors, {threads} threads")),
    );
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let stdout = match neighbour.around {
        Around::Given(Given::PipeWithoutReader) => {
            let (reader, writer) = io::pipe().expect("a pipe can be made");
            drop(reader);
            Stdio::from(writer)
        }
        _ => Stdio::from(File::create(places.made.join("stdout")).expect("a file can be made")),
    };
    command.stdout(stdout);
    if matches!(neighbour.around, Around::Given(Given::NoEnvironment)) {
        command.env_clear();
    }
    (command, terminal)
}
