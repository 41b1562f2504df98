//! The user interface and its child are different programs of different packages, and the user
//! interface's package depends only on mpqt and the interface. A missing program is reported.

#[path = "../../../../tests/runs/mod.rs"]
#[allow(dead_code, reason = "used by other tests")]
mod runs;

use std::env::consts::EXE_SUFFIX;
use std::path::Path;
use std::process::Command;

use runs::{Ended, Run};

const UI: &str = env!("CARGO_BIN_EXE_apart-ui");
const MANIFEST: &str = include_str!("../Cargo.toml");

#[test]
fn it_depends_only_on_mpqt_and_the_interface() {
    let mut needed = Vec::new();
    let mut counts = false;
    for line in MANIFEST.lines() {
        if line.starts_with('[') {
            // Dependencies of these tests do not belong to the user interface.
            counts = line.contains("dependencies") && line != "[dev-dependencies]";
            // `[dependencies.mpcore]` would be a dependency too, but this test cannot parse it.
            assert!(!counts || line == "[dependencies]", "{line}");
        } else if counts && !line.trim().is_empty() {
            needed.push(line.split(['.', ' ', '=']).next().unwrap());
        }
    }
    assert_eq!(needed, ["apart-interface", "mpqt"]);
}

#[test]
fn the_child_is_another_program() {
    build_the_child();
    let ended = run(Path::new(UI));
    let said = &ended.stderr;
    assert!(ended.status.success(), "{said}");
    assert!(said.contains("4 words, the longest is “brown”; 4 so far"), "{said}");
}

#[test]
fn a_missing_program_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join(format!("apart-ui{EXE_SUFFIX}"));
    // Copied by another process: a file that any process holds open for writing cannot be executed.
    assert!(Command::new("cp").arg(UI).arg(&alone).status().unwrap().success());
    let ended = run(&alone);
    let said = &ended.stderr;
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("apart-word-counter"), "{said}");
}

/// Cargo builds what this package needs for its tests, which does not include the program.
fn build_the_child() {
    let folder = Path::new(UI).parent().unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    // For the whole workspace, so that shared dependencies are reused as already built.
    cargo.args(["build", "--quiet", "--workspace", "--bin", "apart-word-counter", "--target-dir"]);
    cargo.arg(folder.parent().unwrap()).current_dir(env!("CARGO_MANIFEST_DIR"));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    assert!(folder.join(format!("apart-word-counter{EXE_SUFFIX}")).exists());
}

fn run(program: &Path) -> Ended {
    let mut command = Command::new(program);
    command.arg("--once");
    command.env("QT_QPA_PLATFORM", "offscreen").env("QT_QUICK_BACKEND", "software");
    // QML's `console` goes to stderr, even if that is not a terminal.
    command.env("QT_LOGGING_RULES", "*.info=true").env("QT_FORCE_STDERR_LOGGING", "1");
    command.env_remove("QT_MESSAGE_PATTERN");
    Run::start(command).end()
}
