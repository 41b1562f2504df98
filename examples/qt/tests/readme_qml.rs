//! The README's program with a window does what the README says, without a display.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

#[test]
fn the_window_of_the_readme_shows_its_sum() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_readme_qml"));
    command.env("QT_QPA_PLATFORM", "offscreen").env("QT_QUICK_BACKEND", "software");
    // QML's `console` goes to stderr, even if that is not a terminal.
    command.env("QT_LOGGING_RULES", "*.info=true").env("QT_FORCE_STDERR_LOGGING", "1");
    command.env_remove("QT_MESSAGE_PATTERN");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut window = command.spawn().unwrap();
    let stderr = BufReader::new(window.stderr.take().unwrap());
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    // Qt reports about its environment first.
    let mut said: Vec<String> = Vec::new();
    while !said.last().is_some_and(|line| line.starts_with("qml: ")) {
        match lines.recv_timeout(Duration::from_secs(120)) {
            Ok(line) => said.push(line),
            Err(_) => break,
        }
    }
    // It is a window, and would only end when the user closes it.
    window.kill().unwrap();
    window.wait().unwrap();
    assert_eq!(said.last().map(String::as_str), Some("qml: 3"), "{said:#?}");
    assert!(
        !said.iter().any(|line| line.contains(".qml:")),
        "a mistake in the document: {said:#?}"
    );
}
