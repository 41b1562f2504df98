//! Tests the fuzzer itself: it finds the planted faults, and finds none in mpcore's decoders in a
//! short run. The long run is part of `cargo xtask soak`. libFuzzer has the same targets.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use system_tests::fuzz::{FAULTY, targets};

fn fuzz(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fuzz")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The trial of `cargo xtask soak`, far below a fiftieth: this build is not optimised.
#[test]
fn every_decoder_survives_a_short_fuzz() {
    let output = fuzz(&["--trial", "--scale", "0.00003", "--seed", "7"]);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines.len(), 2 * targets().len(), "{out}");
    for (lines, target) in lines.chunks(2).zip(targets()) {
        assert!(lines[0].starts_with(&format!("{target} 300 0 ")), "{out}");
        assert!(lines[1].starts_with(&format!("| {target} | 300 inputs in ")), "{out}");
        assert!(lines[1].ends_with(" | no finding | kept |"), "{out}");
    }
}

#[test]
fn failures_are_found_even_if_they_end_the_process() {
    let said = |target: &str| match target {
        "faulty-panic" | "faulty-guarded-panic" => "it panicked",
        "faulty-overflow" | "faulty-memory" => "signal: 6",
        "faulty-slow" => "it took ",
        "faulty-endless" => "it does not end",
        "faulty-exit" => "exit status: 0",
        other => panic!("nothing is known of `{other}`"),
    };
    let mut numbers = Vec::new();
    for (target, _) in FAULTY {
        // An endless input is waited for twice.
        let patience = if *target == "faulty-endless" { "3" } else { "120" };
        let output = fuzz(&[target, "--inputs", "100000", "--patience", patience]);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(1), "{target}: {out}{err}");
        let line = err.lines().last().unwrap();
        assert!(line.starts_with(target) && line.contains(said(target)), "{line}");
        numbers.push(out.split(' ').nth(1).unwrap().to_owned());
    }
    // The same input for each of them.
    numbers.dedup();
    assert_eq!(numbers.len(), 1, "{numbers:?}");
}

#[test]
fn libfuzzer_has_a_target_for_each() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let files = fs::read_dir(folder.join("targets")).unwrap();
    let mut there: Vec<_> = files
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let mut expected: Vec<_> = targets().into_iter().map(str::to_owned).collect();
    there.sort();
    expected.sort();
    assert_eq!(there, expected);
    for name in expected {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
        let file = fs::read_to_string(folder.join(format!("targets/{name}.rs"))).unwrap();
        assert!(file.contains(&format!("\"{name}\"")), "{file}");
    }
}

#[test]
fn an_unknown_decoder_is_an_error() {
    for arguments in [&["missing"][..], &["zoo", "--fast", "1"], &["zoo", "--inputs"], &[]] {
        assert_eq!(fuzz(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
