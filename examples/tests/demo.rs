//! The demo as its user runs it: the real binary, on odd, small and large folders, killed,
//! interrupted and called wrongly.

#![cfg(target_os = "linux")] // coreutils, signals and /proc

#[allow(dead_code, reason = "used by the tests of the digest")]
mod odd_folder;
mod runs;

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use examples::digest::{FolderDigest, FolderError, digest_folder};
use odd_folder::{LOCKED, OddFolder, UNREADABLE, another_user, coreutils, coreutils_by};
use runs::{Ended, Run};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

const DEMO: &str = env!("CARGO_BIN_EXE_digest");

/// Inherited by everything that a demo starts, so that the test can find it.
const MARK: &str = "DEMO_UNDER_TEST";

#[test]
fn a_thousand_odd_files_are_digested_despite_a_killed_child() {
    let odd = OddFolder::new();
    let demo = Demo::of(Command::new(DEMO), &odd.folder);
    let ended = demo.end();
    assert_killed_and_restarted(&ended);
    let digest = digest_of(&odd.folder);
    assert_eq!(digest.sha256, coreutils(&odd.folder));
    assert_eq!(ended.stdout.lines().last().unwrap(), digest.to_string());
    if odd.is_all_readable() {
        assert_eq!((digest.files.len(), digest.unreadable.len()), (1000, 0));
        compare_as_another_user(&odd);
    } else {
        assert_names_the_unreadable(&ended);
    }
}

/// Covers what root's demo never encounters.
fn compare_as_another_user(odd: &OddFolder) {
    let Some(command) = odd.as_another_user(Path::new(DEMO)) else { return };
    let ended = Demo::of(command, &odd.folder).end();
    assert_killed_and_restarted(&ended);
    let digest = coreutils_by(another_user().unwrap(), &odd.folder);
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.starts_with(&format!("digest {digest} files 998 bytes ")), "{last}");
    assert_names_the_unreadable(&ended);
}

#[track_caller]
fn assert_names_the_unreadable(ended: &Ended) {
    let named: Vec<_> =
        ended.stdout.lines().filter(|line| line.starts_with("unreadable: ")).collect();
    let expected = [LOCKED, UNREADABLE]
        .map(|name| format!("unreadable: ./{name}: Permission denied (os error 13)"));
    assert_eq!(named, expected);
    assert!(ended.stdout.ends_with(" unreadable 2\n"), "{ended:?}");
}

/// So much to read that the kill cannot come too late, and that there is time to delete a file that
/// the next child has found but not yet read.
#[test]
fn the_child_is_killed_mid_work_and_the_next_misses_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let (large, vanishes) = (folder.path().join("large"), folder.path().join("vanishes"));
    sparse_file(&large, 2 << 30);
    fs::write(&vanishes, "").unwrap();
    let mut demo = Demo::of(Command::new(DEMO), folder.path());
    let next = loop {
        let line = demo.run.line().expect("no other child was started");
        if line.ends_with(", again from the beginning") {
            break number(&line);
        }
    };
    wait_until_open(next, &large);
    fs::remove_file(&vanishes).unwrap();

    let ended = demo.end();
    assert_killed_and_restarted(&ended);
    assert!(ended.stdout.contains(" % of the bytes, in the middle of its work; "), "{ended:?}");
    // The first call has ended, and did not wait for another child.
    let told = |line: &&str| line.starts_with("  the call ended  ");
    let told: Vec<_> = ended.stdout.lines().filter(told).collect();
    assert_eq!(told.len(), 2, "{ended:?}");
    let crash = "the child crashed: killed by signal 9 (SIGKILL); 1 command ended with it";
    assert!(told[0].ends_with(crash), "{ended:?}");

    let digest = coreutils(folder.path());
    let end = format!(
        "\nunreadable: ./vanishes: vanished before it was read\n\
         digest {digest} files 1 bytes {} unreadable 1\n",
        2_u64 << 30
    );
    assert!(ended.stdout.ends_with(&end), "{ended:?}");
}

/// At any speed, its progress is never between one half and one.
#[test]
fn a_folder_without_a_middle_is_digested_twice() {
    for content in [None, Some("content")] {
        let folder = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            fs::write(folder.path().join("file"), content).unwrap();
        }
        let ended = Demo::of(Command::new(DEMO), folder.path()).end();
        assert_killed_and_restarted(&ended);
        assert!(ended.stdout.contains(", idle: "), "{ended:?}");
        let results = ended.stdout.matches("  the call ended    with its result\n").count();
        assert_eq!(results, 2, "{ended:?}");
        let digest = digest_of(folder.path());
        assert_eq!(ended.stdout.lines().last().unwrap(), digest.to_string());
    }
}

#[test]
fn a_long_list_of_unreadable_files_is_cut() {
    let odd = OddFolder::new();
    for number in 0..20 {
        let path = odd.folder.join(format!("{UNREADABLE} {number:02}"));
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    }
    let command = match odd.is_all_readable() {
        true => odd.as_another_user(Path::new(DEMO)),
        false => Some(Command::new(DEMO)),
    };
    let Some(command) = command else { return };
    let ended = Demo::of(command, &odd.folder).end();
    let named = ended.stdout.lines().filter(|line| line.starts_with("unreadable: ./"));
    assert_eq!(named.count(), 10, "{ended:?}");
    assert!(ended.stdout.contains("\nunreadable: and 12 more\n"), "{ended:?}");
}

/// Ctrl-C reaches every process in the foreground. The child ignores it; the controller cancels.
#[test]
fn ctrl_c_cancels_and_leaves_no_process() {
    let folder = tempfile::tempdir().unwrap();
    let endless = folder.path().join("a tebibyte");
    sparse_file(&endless, 1 << 40);
    let mut demo = Demo::of(Command::new(DEMO), folder.path());
    let line = demo.run.line().expect("the demo said nothing");
    let child = number(&line);
    wait_until_open(child, &endless);

    kill_process(Pid::from_raw(child).unwrap(), Signal::INT).unwrap();
    kill_process_group(demo.group(), Signal::INT).unwrap();
    let ended = demo.end();
    assert_eq!(ended.status.code(), Some(130), "{ended:?}");
    assert!(ended.stderr.contains("cancelled"), "{ended:?}");
    assert!(ended.stdout.contains("  the call ended    the command was cancelled\n"), "{ended:?}");
    assert!(!ended.stdout.contains("crashed"), "{ended:?}");
}

#[test]
fn user_errors_are_reported() {
    let run = |words: &[&str]| {
        let mut command = Command::new(DEMO);
        command.args(words);
        Demo::start(command).end()
    };
    let ended = run(&["--path", "/does/not/exist"]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    for told in ["/does/not/exist", "No such file or directory"] {
        assert!(ended.stderr.contains(told), "{ended:?}");
    }
    let ended = run(&["--pth", "."]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.stderr.contains("--help"), "{ended:?}");
    let ended = run(&["--help"]);
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains("--path DIR"), "{ended:?}");
}

/// A running demo.
struct Demo {
    run: Run,
    mark: String,
}

impl Demo {
    fn of(mut command: Command, folder: &Path) -> Self {
        command.arg("--path").arg(folder);
        Self::start(command)
    }

    fn start(mut command: Command) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{MARK}={}-{number}.", std::process::id());
        let (name, value) = mark.split_once('=').unwrap();
        command.env(name, value).process_group(0);
        Self { run: Run::start(command), mark }
    }

    fn group(&self) -> Pid {
        Pid::from_child(&self.run.child)
    }

    /// Waits for its end, and asserts that none of its processes is left at that moment.
    fn end(mut self) -> Ended {
        self.run.wait();
        let left = marked(&self.mark);
        let ended = self.run.end();
        assert_eq!(left, [] as [PathBuf; 0], "{ended:?}");
        ended
    }
}

/// All processes whose environment has the mark.
fn marked(mark: &str) -> Vec<PathBuf> {
    let has_mark = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
    };
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    processes.filter(has_mark).collect()
}

/// Checks the output of a demo that was not interrupted: each part once, in this order.
#[track_caller]
fn assert_killed_and_restarted(ended: &Ended) {
    let Ended { status, stdout, stderr } = ended;
    assert!(status.success(), "{status}, {stderr}\n{stdout}");
    assert_eq!(stderr, "");
    let story = [
        "child ",
        "\nkill -9 ",
        "\n  exception_raised  Digest-1: the child crashed: killed by signal 9 (SIGKILL)\n",
        "\n  failed            the child crashed: killed by signal 9 (SIGKILL)\n",
        "\n  finished          child `Digest-1` (pid ",
        ", again from the beginning\n",
        "\n  the call ended    with its result\n",
        "\ndigest ",
    ];
    let mut after = 0;
    for part in story {
        let Some(at) = stdout[after..].find(part) else {
            panic!("{part:?} is missing, or not in its place, in:\n{stdout}");
        };
        after += at + part.len() - 1; // the next one may begin with the line's end
    }
    assert_eq!(stdout.matches("\nkill -9 ").count(), 1, "{stdout}");
}

fn digest_of(folder: &Path) -> FolderDigest {
    digest_folder(folder, |_| Ok::<(), FolderError>(())).unwrap()
}

/// Returns the pid in the line about a child's start.
fn number(line: &str) -> i32 {
    let number = line.strip_prefix("child ").and_then(|line| line.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("no number in {line:?}"))
}

/// Creates a large sparse file, which takes no disk space.
fn sparse_file(path: &Path, size: u64) {
    File::create(path).unwrap().set_len(size).unwrap();
}

/// Waits until the process has the file open.
fn wait_until_open(process: i32, file: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let file = fs::canonicalize(file).unwrap();
    let descriptors = PathBuf::from(format!("/proc/{process}/fd"));
    let is_open = || {
        let mut descriptors = fs::read_dir(&descriptors).into_iter().flatten().flatten();
        descriptors.any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target == file))
    };
    while !is_open() {
        assert!(Instant::now() < deadline, "{process} never opened {}", file.display());
        thread::sleep(Duration::from_millis(5));
    }
}
