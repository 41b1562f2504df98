//! Creates programs for a test that can be executed immediately.
//!
//! Another process writes them. While this one has a file open for writing, every process that a
//! test on another thread is starting has it open too, until it executes its own program; and a
//! file that is open for writing cannot be executed ("Text file busy").

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes a shell script that can be executed.
///
/// # Panics
/// If it cannot be written.
#[track_caller]
pub fn script(path: &Path, text: &str) {
    let mut writer = Command::new("sh");
    writer.args(["-c", "cat > \"$0\" && chmod 755 \"$0\""]).arg(path).stdin(Stdio::piped());
    let mut writer = writer.spawn().expect("there is a shell");
    // Dropped at the end of the statement, which closes the script's input.
    writer.stdin.take().expect("stdin is piped").write_all(text.as_bytes()).expect("it is read");
    assert!(writer.wait().expect("the shell ends").success(), "{} was not written", path.display());
}

/// Copies a program, so that another user can execute it.
///
/// # Panics
/// If it cannot be copied.
#[track_caller]
pub fn copy(from: &Path, to: &Path) {
    let mut install = Command::new("install");
    let installed = install.args(["-m", "755"]).arg(from).arg(to).status();
    assert!(installed.expect("there is `install`").success(), "{} was not copied", from.display());
}
