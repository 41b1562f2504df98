//! The workbench as `cargo xtask demo` runs it without a display: the real binary, driving itself;
//! its picture, its errors and its arguments.

#![cfg(target_os = "linux")] // offscreen without being told, /proc

#[path = "../../tests/runs/mod.rs"]
mod runs;

mod picture;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use examples::digest::{FolderDigest, FolderError, digest_folder};
use picture::Picture;
use runs::{Ended, Run};

const WORKBENCH: &str = env!("CARGO_BIN_EXE_workbench");

/// Inherited by everything that a workbench starts, so that the test can find it.
const MARK: &str = "WORKBENCH_UNDER_TEST";

#[test]
fn self_drive_ends_like_the_console_demo_and_saves_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files");
    fs::create_dir(&files).unwrap();
    for number in 0..200 {
        fs::write(files.join(format!("file {number}")), vec![b'x'; number * 1000]).unwrap();
    }
    let shot = folder.path().join("a shot.png");
    let ended = run(&[&"--path", &files, &"--shot", &shot]);
    assert_told(&ended, &files);
    let told = |line: &str| ended.stdout.lines().any(|it| it == line);
    assert!(told("20 + 22 = 42"), "{ended:?}");
    assert!(told("a sample every 40 ms, the child says"), "{ended:?}");
    assert!(told(&format!("picture {}", shot.display())), "{ended:?}");
    assert!(ended.stdout.contains("calculator.panic panicked: "), "{ended:?}");

    let picture = Picture::read(&shot);
    assert_eq!(picture.size(), (1200, 760));
    picture.check().unwrap();
    for incomplete in picture.incomplete() {
        incomplete.check().unwrap_err();
    }
}

/// The picture in the README is replaced by hand.
#[test]
fn the_picture_in_the_readme_is_one_of_the_workbench() {
    let picture =
        Picture::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/workbench.png")));
    assert_eq!(picture.size(), (1200, 760));
    picture.check().unwrap();
}

/// Twice in a row, since the second child starts over; and the folder is too small to have a
/// middle.
#[test]
fn a_small_folder_without_a_picture() {
    for content in [None, Some("content")] {
        let folder = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            fs::write(folder.path().join("file"), content).unwrap();
        }
        let ended = run(&[&"--path", &folder.path()]);
        assert_told(&ended, folder.path());
        assert!(ended.stdout.contains(", idle: "), "{ended:?}");
        assert!(!ended.stdout.contains("picture"), "{ended:?}");
    }
}

/// So much to read that the kill cannot come too late.
#[test]
fn the_child_is_killed_in_the_middle_of_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let large = fs::File::create(folder.path().join("large")).unwrap();
    large.set_len(1 << 30).unwrap(); // takes no place
    let ended = run(&[&"--path", &folder.path()]);
    assert_told(&ended, folder.path());
    assert!(ended.stdout.contains(" % of the bytes, in the middle of its work\n"), "{ended:?}");
    let call = "\nthe call ended: child `digest` (pid ";
    assert_eq!(ended.stdout.matches(call).count(), 1, "{ended:?}");
}

#[test]
fn errors_are_reported_and_fail_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let ended = run(&[&"--path", &missing]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("error: could not enter the folder "), "{ended:?}");
    assert!(!ended.stdout.contains("\ndigest "), "{ended:?}");

    let ended = run(&[&"--path", &folder.path(), &"--shot", &missing.join("x.png")]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("error: could not write the picture "), "{ended:?}");
    assert!(!ended.stdout.contains("\ndigest "), "{ended:?}");
}

#[test]
fn arguments_are_explained() {
    let ended = run(&[&"--help"]);
    assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.contains("--shot FILE.png"), "{ended:?}");
    let ended = run(&[&"--pth", &"."]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    assert!(ended.stderr.contains("--help"), "{ended:?}");
}

/// The self-drive did not kill this one.
#[test]
fn an_unexpected_child_death_is_reported_and_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let large = fs::File::create(folder.path().join("large")).unwrap();
    large.set_len(1 << 38).unwrap(); // never read to its middle
    let mut workbench = Workbench::start(&[&"--path", &folder.path()]);
    let pid = loop {
        let line = workbench.run.line().expect("it says which child digests");
        let words: Vec<_> = line.split(' ').collect();
        if let ["child", pid, "digests", ..] = words[..] {
            break pid.to_owned();
        }
    };
    // The shell's builtin: the program `kill` is not installed everywhere.
    let kill = Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status();
    assert!(kill.unwrap().success());
    let ended = workbench.end();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let told = format!("error: child `digest` (pid {pid})");
    assert!(ended.stderr.contains(&told) && ended.stderr.contains("SIGKILL"), "{ended:?}");
    assert!(!ended.stdout.contains("kill -9"), "{ended:?}");
}

/// Runs a workbench without a display. Asserts that no process is left afterwards.
fn run(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Ended {
    Workbench::start(arguments).end()
}

/// A running workbench.
struct Workbench {
    run: Run,
    mark: String,
}

impl Workbench {
    fn start(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{MARK}={}-{number}.", std::process::id());
        let (name, value) = mark.split_once('=').unwrap();
        let mut command = Command::new(WORKBENCH);
        command.args(arguments).env(name, value);
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "QT_QUICK_BACKEND"] {
            command.env_remove(name);
        }
        Self { run: Run::start(command), mark }
    }

    fn end(mut self) -> Ended {
        self.run.wait();
        let left = marked(&self.mark);
        let ended = self.run.end();
        assert_eq!(left, [] as [PathBuf; 0], "{ended:?}");
        // QML reports an error in a document like this.
        assert!(!ended.stderr.contains(".qml"), "{ended:?}");
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

/// Checks the output of a successful self-drive: each part once, in this order, with the digest
/// that the library computes.
#[track_caller]
fn assert_told(ended: &Ended, folder: &Path) {
    let Ended { status, stdout, stderr } = ended;
    assert!(status.success(), "{status}, {stderr}\n{stdout}");
    let folder_text = folder.display();
    let story = [
        format!("\nchild {{}} digests {folder_text}\n"),
        "\nkill -9 {}, ".into(),
        " was killed: killed by signal 9 (SIGKILL)".into(),
        format!(" digests {folder_text}, again from the beginning\n"),
        "\n  idle, the plot moves ".into(),
        "\n  digesting, killed, restarted ".into(),
        "\ndigest ".into(),
    ];
    let mut after = 0;
    for part in story.iter().flat_map(|part| part.split("{}")) {
        let Some(at) = stdout[after..].find(part) else {
            panic!("{part:?} is missing, or not in its place, in:\n{stdout}");
        };
        after += at + part.len() - 1; // the next one may begin with the line's end
    }
    assert_eq!(stdout.matches("\nkill -9 ").count(), 1, "{stdout}");
    for (name, at_least) in [("idle, the plot moves", 20), ("digesting, killed, restarted", 20)] {
        let line = stdout.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap();
        let numbers: Vec<f64> = line.split_whitespace().map(|it| it.parse().unwrap()).collect();
        let [p99, max, times] = numbers[..] else { panic!("{line}") };
        assert!(0.0 <= p99 && p99 <= max && times >= f64::from(at_least), "{line}");
    }
    assert_eq!(stdout.lines().last().unwrap(), digest_of(folder).to_string());
}

fn digest_of(folder: &Path) -> FolderDigest {
    digest_folder(folder, |_| Ok::<(), FolderError>(())).unwrap()
}
