//! Another user, at umask 000: cannot connect to a child or its controller, cannot signal them, and
//! cannot read what passes between them.
//!
//! The same user without the nonce is covered by `bad_input.rs`: the messages of a stranger at an
//! endpoint are rejected, and do not block the right child.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use system_tests::controller_program::ControllerProgram;
use system_tests::{processes, programs, skip, until};

const CONTROLLER: &str = env!("CARGO_BIN_EXE_controller");
const STRANGER: &str = env!("CARGO_BIN_EXE_stranger");

/// `nobody`.
const NOBODY: u32 = 65534;

/// The transport between controller and child.
#[derive(Debug, Clone, Copy)]
enum Lanes {
    /// The builder's default.
    Default,
    /// With a named endpoint.
    IpcChannel,
}

impl Lanes {
    const ALL: [Lanes; 2] = [Lanes::Default, Lanes::IpcChannel];

    /// The argument of `bin/controller.rs`.
    fn argument(self) -> &'static str {
        match self {
            Lanes::Default => "default",
            Lanes::IpcChannel => "ipc-channel",
        }
    }
}

/// Returns whether this test can become another user; only root can.
fn can_become_another(test: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        let command = format!("sudo -E cargo test -p system-tests --test system {test}");
        skip(test, "only root can become another user", &command);
    }
    root
}

/// A folder that every user can enter and write to, like the usual one for temporary files.
fn open_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// A program that tries every access, where `nobody` can run it.
struct Stranger {
    program: PathBuf,
    _folder: tempfile::TempDir,
}

/// Its output.
#[derive(Debug)]
struct Attempts {
    succeeded: Vec<String>,
    refused: Vec<String>,
}

impl Stranger {
    fn new() -> Self {
        let folder = open_folder();
        let program = folder.path().join("stranger");
        programs::copy(Path::new(STRANGER), &program);
        Self { program, _folder: folder }
    }

    fn tries(&self, targets: &[String]) -> Attempts {
        // A session of its own: within a session, the system allows SIGCONT from every user.
        let mut command = Command::new("setsid");
        command.arg("--wait").arg(&self.program);
        // As root, this gives up the other groups too.
        command.args(targets).uid(NOBODY).gid(NOBODY).current_dir("/");
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
        let all = |word: &str| {
            let lines = told.lines().filter_map(|line| line.strip_prefix(word));
            lines.map(|line| line.trim().to_owned()).collect::<Vec<_>>()
        };
        let (succeeded, refused) = (all("SUCCEEDED:"), all("refused:"));
        let count = succeeded.len() + refused.len();
        assert_eq!(all("attempts"), [count.to_string()], "it came to its end");
        Attempts { succeeded, refused }
    }
}

/// Returns everything in a folder, recursively.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            all.extend(entries(&entry.path()));
        }
        all.push(entry.path());
    }
    all
}

/// Returns the names of these processes' sockets, as the system lists them.
fn named_sockets(pids: &[u32]) -> Vec<String> {
    let mut numbers = Vec::new();
    for pid in pids {
        for entry in fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten() {
            let to = fs::read_link(entry.path()).unwrap_or_default();
            let to = to.to_string_lossy().into_owned();
            let number = to.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            numbers.extend(number.map(str::to_owned));
        }
    }
    let sockets = fs::read_to_string("/proc/net/unix").unwrap();
    let mut names = Vec::new();
    for line in sockets.lines() {
        let mut words = line.split_whitespace().skip(6);
        if let (Some(number), Some(name)) = (words.next(), words.next())
            && numbers.iter().any(|own| own == number)
        {
            names.push(match name.strip_prefix('@') {
                Some(name) => format!("abstract:{name}"),
                None => format!("socket:{name}"),
            });
        }
    }
    names
}

/// Checks that another user cannot access a controller at this moment, at umask 000.
fn check(moment: &str, lanes: Lanes) {
    let (temporary, elsewhere) = (open_folder(), tempfile::tempdir().unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$@\"", "sh", CONTROLLER, moment, "wait"]);
    command.arg(elsewhere.path().join("cleanup")).args(["20000", lanes.argument()]);
    command.env("TMPDIR", temporary.path());
    let mut controller = ControllerProgram::start_command(&mut command);
    let child = controller.number("child");
    // A program that is not a child does not notice the loss of its controller.
    let _at_last = (moment == "unconnected").then(|| Killed(child));
    controller.line("there");
    let mark = temporary.path().to_string_lossy();
    // A process that has just executed another program has no environment for a moment.
    until("the child is seen", || processes::marked(&mark).contains(&child));
    let pids = processes::marked(&mark);
    assert!(pids.contains(&controller.pid()), "{pids:?}");

    let mut targets: Vec<_> = pids.iter().map(|pid| format!("pid:{pid}")).collect();
    let sockets = named_sockets(&pids);
    let made = entries(temporary.path());
    println!("{moment}, {lanes:?}: {} processes, {made:?}, {sockets:?}", pids.len());
    targets.extend(sockets);
    for path in &made {
        let metadata = fs::symlink_metadata(path).unwrap();
        let kind = if metadata.is_dir() { "folder" } else { "socket" };
        targets.push(format!("{kind}:{}", path.display()));
    }
    let Attempts { succeeded, refused } = Stranger::new().tries(&targets);
    assert!(succeeded.is_empty(), "{moment}, {lanes:?}: {succeeded:#?}");
    assert!(refused.len() >= 70 * pids.len(), "{refused:#?}");
    let alive = |pid: &u32| !processes::has_ended(*pid);
    assert!(pids.iter().all(alive), "{moment}: they go on");
    assert_eq!(entries(temporary.path()), made, "{moment}: nothing was taken or put there");
}

/// A process that must not outlive the test.
struct Killed(u32);

impl Drop for Killed {
    fn drop(&mut self) {
        // While the controller lives, no other process reaps it.
        if !processes::has_ended(self.0) {
            processes::kill(self.0);
        }
    }
}

#[test]
fn another_user_cannot_get_at_a_running_child() {
    if can_become_another("another_user_cannot_get_at_a_running_child") {
        for lanes in Lanes::ALL {
            check("idle", lanes);
            check("working", lanes);
        }
    }
}

#[test]
fn another_user_cannot_get_at_a_child_that_starts() {
    if can_become_another("another_user_cannot_get_at_a_child_that_starts") {
        for lanes in Lanes::ALL {
            check("unconnected", lanes);
        }
    }
}

/// Without this test the refusals above would prove nothing.
#[test]
fn the_stranger_can_access_its_own_processes() {
    if !can_become_another("the_stranger_can_access_its_own_processes") {
        return;
    }
    let folder = open_folder();
    let path = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    let mut own = Command::new("sleep");
    own.arg("600").stdin(Stdio::null()).uid(NOBODY).gid(NOBODY).current_dir("/");
    let mut own = own.spawn().unwrap();
    // A child inherits none of this from its parent; it depends on the program it executes.
    until("it is `sleep`", || {
        let name = fs::read_to_string(format!("/proc/{}/comm", own.id())).unwrap_or_default();
        name.trim() == "sleep"
    });
    let name = path.to_string_lossy();
    let targets = [format!("folder:{}", folder.path().display()), format!("socket:{name}")];
    let Attempts { succeeded, .. } = Stranger::new().tries(&targets);
    for what in ["list", "make a file", "connect"] {
        assert!(succeeded.iter().any(|line| line.starts_with(what)), "{what}: {succeeded:#?}");
    }
    let Attempts { succeeded, .. } = Stranger::new().tries(&[format!("pid:{}", own.id())]);
    own.wait().unwrap();
    assert!(succeeded.iter().any(|line| line.starts_with("signal 9")), "{succeeded:#?}");
}
