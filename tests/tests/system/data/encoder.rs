//! The thread that encodes large arguments: it starts with the first of them and ends with the run;
//! if it is refused, only that call fails.
#![cfg(target_os = "linux")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use system_tests::bench::{builder, ready};
use system_tests::{BenchControl, Blob, LONG, in_own_process, is_root, outcome, until};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");
const THREADS_REFUSED: &str = env!("CARGO_BIN_EXE_threads_refused");

/// A user without other processes.
const STRANGER: u32 = 64_321;

fn encoder_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "mp-encode").count()
}

#[track_caller]
fn echoes(bench: &BenchControl) {
    let blob = Blob::numbered(300_000);
    assert_eq!(outcome(bench.echo(blob.clone())), Ok(blob));
}

/// Regression: each control that had ever sent more than 64 KiB kept a thread until it was dropped.
#[test]
fn the_encoder_thread_ends_with_the_run_and_comes_back() {
    in_own_process(
        "data::encoder::the_encoder_thread_ends_with_the_run_and_comes_back",
        use_encoder_threads,
    );
}

fn use_encoder_threads() {
    const BENCHES: usize = 3;
    let benches: Vec<_> = (0..BENCHES).map(|_| ready(builder(CHILD))).collect();
    for _ in 0..2 {
        benches.iter().for_each(echoes);
        assert_eq!(encoder_threads(), BENCHES);
        benches.iter().for_each(|it| it.process().stop());
        benches.iter().for_each(|it| assert!(it.process().join(LONG).is_ok()));
        until("the threads end", || encoder_threads() == 0);
        benches.iter().for_each(|it| it.process().start().unwrap());
    }
    drop(benches);
    let waiting = builder(CHILD).build().unwrap();
    let call = waiting.echo(Blob::numbered(300_000));
    until("the thread of a child that is not started ends", || encoder_threads() == 0);
    waiting.process().start().unwrap();
    assert_eq!(outcome(call).map(|it| it.0.len()), Ok(300_000));
}

/// Regression: the caller encoded instead of the thread, however large the arguments were.
#[test]
fn a_refused_thread_fails_only_that_call() {
    if !is_root("a_refused_thread_fails_only_that_call") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let program = folder.path().join("threads_refused");
    // Copied by another program: a file that this process has open for writing may be busy in
    // another test's child.
    assert!(Command::new("cp").arg(THREADS_REFUSED).arg(&program).status().unwrap().success());
    let mut command = Command::new(&program);
    let output = command.uid(STRANGER).gid(STRANGER).current_dir("/").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = told.lines().collect();
    let [refused, small, again] = lines[..] else { panic!("{told}") };
    assert!(refused.starts_with("Resources("), "{refused}");
    assert!(refused.contains("check the limits on threads"), "{refused}");
    assert_eq!((small, again), ("small Ok(3)", "again true"));
}
