//! Runs every example with a window as a user would, but offscreen and so that it quits by itself,
//! and checks that none is forgotten.

#[path = "../../tests/runs/mod.rs"]
#[allow(dead_code, reason = "used by other tests")]
mod runs;

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::path::Path;
use std::process::Command;

use runs::Run;

/// The examples, each with the lines it prints.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("addition_qml", &["the sum is 42\n"]),
    (
        "laser_qml",
        &[
            "the sum is 42\n",
            "the child confirms 2.5 W\n",
            "Laser-1.set_power: refused: more than 5 W\n",
            "5 values, 5 on the way\n",
            " finished: exit code 0\n",
        ],
    ),
    ("properties_qml", &["greeting: Hello World 3!, volume: 10\n"]),
    (
        "two_children_qml",
        &[
            "child `left` (pid ",
            ") was killed: killed by signal 9 (SIGKILL)",
            "right has counted to 2\n",
        ],
    ),
];

/// Tested elsewhere.
const OTHERS: &[&str] = &["readme_qml", "workbench"];

#[test]
fn every_example_prints_what_it_promises_and_quits() {
    for (name, said) in EXAMPLES {
        let program = Path::new(env!("CARGO_BIN_EXE_workbench"));
        let mut command = Command::new(program.with_file_name(format!("{name}{EXE_SUFFIX}")));
        command.arg("--once");
        command.env("QT_QPA_PLATFORM", "offscreen").env("QT_QUICK_BACKEND", "software");
        // QML's `console` goes to stderr, even if that is not a terminal.
        command.env("QT_LOGGING_RULES", "*.info=true").env("QT_FORCE_STDERR_LOGGING", "1");
        command.env_remove("QT_MESSAGE_PATTERN");
        let ended = Run::start(command).end();
        assert!(ended.status.success(), "{name}: {ended:?}");
        for line in *said {
            assert!(ended.stderr.contains(line), "{name} did not say {line:?}:\n{}", ended.stderr);
        }
        // An error in the document is reported with its location.
        assert!(!ended.stderr.contains(".qml:"), "{name}: {}", ended.stderr);
        for mistake in ["TypeError", "ReferenceError", "Binding loop", "Unable to assign"] {
            assert!(!ended.stderr.contains(mistake), "{name}: {}", ended.stderr);
        }
    }
}

#[test]
fn no_example_is_forgotten() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> =
        entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let known = EXAMPLES.iter().map(|(name, _)| name).chain(OTHERS);
    let mut known: Vec<_> = known.map(|name| (*name).to_owned()).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}
