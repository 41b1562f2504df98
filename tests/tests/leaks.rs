//! Two hundred children one after the other leave nothing behind, and as many that are killed while they
//! start.

use std::process::Command;

use system_tests::controller_program::ControllerProgram;

/// One line of `many_rounds`: what it counts, by name.
fn counts(line: &str) -> Vec<(String, usize)> {
    let pairs = line.split_whitespace().filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, count)| (name.to_owned(), count.parse().unwrap())).collect()
}

#[test]
fn two_hundred_rounds_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_many_rounds"));
    let mut program =
        ControllerProgram::start_command(command.arg("200").env("TMPDIR", folder.path()));
    let before = program.line("before");
    let after = program.line("after");
    println!("before: {before}\nafter:  {after}");
    assert_eq!(counts(&before), counts(&after));
    // As documented: at most ten per child.
    let each: usize = program.line("descriptors per child").parse().unwrap();
    println!("{each} descriptors per child in the controller");
    assert!((1..=10).contains(&each), "{each}");
    assert_eq!(program.end(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
