//! Standard streams as found in the field: closed, broken, a pipe, a terminal, a file; also in
//! `cleanup`.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use system_tests::until;

const PRINTING: &str = env!("CARGO_BIN_EXE_printing");

/// A run of `printing`.
struct Printing {
    folder: tempfile::TempDir,
    command: Command,
}

impl Printing {
    fn new(mode: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(PRINTING);
        command.arg(folder.path().join("report")).args(mode).stdin(Stdio::null());
        Self { folder, command }
    }

    fn report(&self) -> String {
        fs::read_to_string(self.folder.path().join("report")).unwrap_or_default()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Waits for its end, which must come.
#[track_caller]
fn ended(mut program: Child) {
    until("the program ends", || program.try_wait().unwrap().is_some());
    let status = program.wait().unwrap();
    assert!(status.success(), "{status}");
}

/// Regression: every command with a `println!` panicked once the reader of the application's stdout
/// was gone.
#[test]
fn commands_print_on_after_the_reader_of_stdout_is_gone() {
    let mut printing = Printing::new(&["reader-gone"]);
    let command = printing.command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = command.stderr(Stdio::null()).spawn().unwrap();
    let mut stdout = BufReader::new(program.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "first\n");
    drop(stdout);
    drop(program.stdin.take());
    ended(program);
    assert_eq!(printing.report(), "first Ok(()), then 0 failed");
}

#[test]
fn the_output_of_a_child_reaches_a_pipe_whole_and_in_order() {
    let mut printing = Printing::new(&["count", "3000"]);
    let program = printing.command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.ends_with("of cleanup")).collect();
    let expected: Vec<_> = (0..3000).map(|it| it.to_string()).chain(["the last".into()]).collect();
    assert!(lines == expected, "{} lines, the last is {:?}", lines.len(), lines.last());
    assert_eq!(text.lines().count(), expected.len() + 100, "and what cleanup prints");
}

#[test]
fn a_terminal_stays_one_for_the_child() {
    let terminal = rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR).unwrap();
    rustix::pty::grantpt(&terminal).unwrap();
    rustix::pty::unlockpt(&terminal).unwrap();
    let name = rustix::pty::ptsname(&terminal, Vec::new()).unwrap().into_string().unwrap();
    let ours = File::options().read(true).write(true).open(&name).unwrap();
    let mut printing = Printing::new(&["look"]);
    let program = printing.command.stdout(ours).stderr(Stdio::null()).spawn().unwrap();
    // The output must be read; reading fails once the last process has closed the terminal.
    let drained = thread::spawn(move || File::from(terminal).read_to_end(&mut Vec::new()));
    ended(program);
    assert_eq!(printing.report(), format!("Ok(true) {name}"));
    drop(printing);
    let _ = drained.join();
}

#[test]
fn a_file_is_written_by_the_child_itself() {
    let mut printing = Printing::new(&["look"]);
    let path = printing.path("stdout");
    let file = File::create(&path).unwrap();
    ended(printing.command.stdout(file).stderr(Stdio::null()).spawn().unwrap());
    assert_eq!(printing.report(), format!("Ok(false) {}", path.display()));
    assert!(fs::read_to_string(&path).unwrap().contains("stdout of cleanup"));
}

/// Regression: a `println!` in `cleanup` panicked there, since the pipe had no reader any more.
#[test]
fn cleanup_prints_although_its_controller_is_gone() {
    for stdout in [Stdio::piped(), Stdio::null()] {
        let folder = tempfile::tempdir().unwrap();
        let cleaned_up = folder.path().join("cleaned-up");
        let mut printing = Printing::new(&["die", cleaned_up.to_str().unwrap()]);
        let command = printing.command.stdout(stdout).stderr(Stdio::piped());
        let mut program = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(program.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        program.kill().unwrap();
        program.wait().unwrap();
        until("cleanup has ended", || is_done(&cleaned_up));
    }
}

fn is_done(file: &Path) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == "done")
}

#[track_caller]
fn works_with_closed(descriptors: &str, when: &str, output: &str) {
    let mut printing = Printing::new(&["closed", descriptors, when, output]);
    let program = printing.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    ended(program);
    let report = printing.report();
    let fine = ["Ok(()) Ok(300000) Ok(())", "Ok(Status("];
    let children = if when == "between" { 2 } else { 1 };
    let lines: Vec<_> = report.lines().collect();
    let expected = |(index, line): (usize, &&str)| line.starts_with(fine[index % 2]);
    let right = lines.len() == 2 * children && lines.iter().enumerate().all(expected);
    assert!(right, "{descriptors} {when} {output}: {report}");
}

/// Regression: the first line on stderr went into a lane, and the child was treated as broken.
#[test]
fn closed_standard_descriptors_take_no_lane() {
    for descriptors in ["0,1,2", "2", "1,2", "0", "0,2"] {
        for output in ["inherit", "captured", "null"] {
            works_with_closed(descriptors, "before", output);
        }
        works_with_closed(descriptors, "between", "inherit");
    }
}
