//! What a child, in a sandbox or not, or a program in its place cannot do to its controller, to
//! other children, or to a terminal; and what a sandbox does not prevent.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use mpcore::{
    CallError, ChildLimits, ExceptionKind, ReadyError, RunFailure, Sandbox, SandboxEnforcement,
    Transport,
};
use system_tests::confined::{ConfinedConfig, ConfinedControl};
use system_tests::{BenchConfig, BenchControl, LONG, bench, outcome, skip};

const CONFINED: &str = env!("CARGO_BIN_EXE_confined_child");
const EARLY: &str = env!("CARGO_BIN_EXE_early_thread");
const BENCH: &str = env!("CARGO_BIN_EXE_bench_child");
const ODD: &str = env!("CARGO_BIN_EXE_odd_child");

/// Runs the skipped tests.
const COMMAND: &str = "cargo test -p system-tests --test system security";

const ESCAPE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}";

fn spawn(program: &str, limits: ChildLimits) -> Result<ConfinedControl, RunFailure> {
    let builder = ConfinedControl::builder().program(program).config(ConfinedConfig::default());
    let child = builder.stderr(mpcore::OutputMode::Null).limits(limits).spawn().unwrap();
    match child.process().wait_ready(LONG) {
        Ok(()) => Ok(child),
        Err(ReadyError::Failed(failure)) => Err(failure),
        Err(error) => panic!("{error}"),
    }
}

/// Returns a child in this sandbox if the kernel has Landlock.
fn sandboxed(test: &str, sandbox: Sandbox) -> Option<ConfinedControl> {
    match spawn(CONFINED, ChildLimits::new().sandbox(sandbox)) {
        Ok(child) => Some(child),
        Err(failure) => {
            assert!(!has_landlock(), "{failure}");
            skip(test, &failure.to_string(), COMMAND);
            None
        }
    }
}

/// Whether the simplest sandbox works, so that no other may be refused.
fn has_landlock() -> bool {
    spawn(CONFINED, ChildLimits::new().sandbox(Sandbox::new().all_tcp())).is_ok()
}

fn is_denied(result: &Result<(), CallError<mpcore::Error>>) -> bool {
    let text = result.as_ref().map_or_else(ToString::to_string, |()| String::new());
    text.contains("ermission denied") || text.contains("not permitted")
}

/// Returns the relevant part of the kernel's version.
fn kernel() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|it| it.trim().parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

// ---- limits that count per thread

/// Regression: a thread from before `init` could read any file.
#[test]
fn a_strict_sandbox_refuses_a_child_with_an_early_thread() {
    for limits in [
        ChildLimits::new().sandbox(Sandbox::new()),
        ChildLimits::new().no_new_privileges(),
        ChildLimits::new().no_new_privileges().sandbox(Sandbox::new()),
    ] {
        let failure = spawn(EARLY, limits).unwrap_err();
        let RunFailure::Limits { message, .. } = &failure else { panic!("{failure:?}") };
        assert!(
            message.starts_with("2 threads are already running when `init` is called"),
            "{message}"
        );
        assert!(message.contains("before anything starts a thread"), "{message}");
    }
}

#[test]
fn a_best_effort_starts_with_an_early_thread() {
    let sandbox = Sandbox::new().enforcement(SandboxEnforcement::BestEffort);
    let child = spawn(EARLY, ChildLimits::new().sandbox(sandbox)).unwrap();
    assert!(outcome(child.read_early("/etc/passwd".into())).is_ok(), "as documented");
    let without = spawn(EARLY, ChildLimits::new().open_files(100)).unwrap();
    assert!(outcome(without.read_early("/etc/passwd".into())).is_ok());
}

// ---- what a sandbox prevents, and what it does not

#[test]
fn a_sandboxed_child_signals_neither_its_controller_nor_others() {
    let test = "a_sandboxed_child_signals_neither_its_controller_nor_others";
    let Some(child) = sandboxed(test, Sandbox::new()) else { return };
    let name = format!("mpcore-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    if kernel() < (6, 12) {
        skip(test, "scopes came with Linux 6.12", COMMAND);
        return;
    }
    let signalled = outcome(child.signal(std::process::id()));
    assert!(is_denied(&signalled), "{signalled:?}");
    assert!(outcome(child.signal(child.process().pid().unwrap())).is_ok(), "itself it may");
    let connected = outcome(child.connect_abstract(name.clone()));
    assert!(is_denied(&connected), "{connected:?}");
    // Both are possible without a sandbox.
    let free = spawn(CONFINED, ChildLimits::new()).unwrap();
    outcome(free.signal(std::process::id())).unwrap();
    outcome(free.connect_abstract(name)).unwrap();
}

#[test]
fn a_sandboxed_child_uses_only_the_ports_it_was_given() {
    let test = "a_sandboxed_child_uses_only_the_ports_it_was_given";
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [given, other] = listeners.each_ref().map(|it| it.local_addr().unwrap().port());
    let sandbox = Sandbox::new().connect_tcp([given]).bind_tcp([0]);
    let Some(child) = sandboxed(test, sandbox) else { return };
    if kernel() < (6, 7) {
        skip(test, "rules for TCP came with Linux 6.7", COMMAND);
        return;
    }
    outcome(child.connect_tcp(given)).unwrap();
    outcome(child.bind_tcp(0)).unwrap();
    let connected = outcome(child.connect_tcp(other));
    assert!(is_denied(&connected), "{connected:?}");
    let bound = outcome(child.bind_tcp(given));
    assert!(is_denied(&bound), "{bound:?}");
    let Some(none) = sandboxed(test, Sandbox::new()) else { return };
    assert!(is_denied(&outcome(none.connect_tcp(given))));
    let Some(all) = sandboxed(test, Sandbox::new().all_tcp()) else { return };
    outcome(all.connect_tcp(other)).unwrap();
}

/// The documentation says so; the test detects when that is no longer true.
#[test]
fn a_sandbox_leaves_metadata_to_be_changed() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let test = "a_sandbox_leaves_metadata_to_be_changed";
    let Some(child) = sandboxed(test, Sandbox::new()) else { return };
    let path = file.path().to_string_lossy().into_owned();
    assert!(outcome(child.read(path.clone())).is_err());
    outcome(child.change_mode(path)).unwrap();
    assert_eq!(file.as_file().metadata().unwrap().permissions().mode() & 0o777, 0o400);
}

// ---- what a program in the child's place cannot do

fn failure_of(how: &str) -> RunFailure {
    let builder = BenchControl::builder().program(ODD).config(BenchConfig::default());
    let bench = builder.transport(Transport::Sockets).arg(how).spawn().unwrap();
    match bench.process().wait_ready(LONG) {
        Err(ReadyError::Failed(failure)) => failure,
        other => panic!("{how}: {other:?}"),
    }
}

/// Regression: a stranger could send up to 64 MiB for as long as it liked.
#[test]
fn a_stranger_is_refused_at_the_first_piece_it_sends() {
    let failure = failure_of("introduce a stranger at length");
    assert!(matches!(&failure, RunFailure::Broken(why) if why.contains("nonce")), "{failure:?}");
}

/// Descriptors in flight count for all processes of a user. Regression: no other child could be
/// started.
#[test]
fn descriptors_cannot_be_parked_in_unread_lanes() {
    let failure = failure_of("park descriptors");
    let RunFailure::EndedBeforeReady { status, .. } = &failure else { panic!("{failure:?}") };
    assert_eq!(status.code(), 43, "43: both lanes refuse them");
}

// ---- texts of a child inside our texts

fn shows_no_escape(what: &str, text: &str) {
    assert!(text.contains("\\u{1b}[2J"), "{what}: it is there, and shown: {text:?}");
    let acts = |it: char| it.is_control() && it != '\n' && it != '\t';
    assert!(!text.contains(acts), "{what}: {text:?}");
}

#[test]
fn escape_sequences_of_a_child_do_not_act_in_our_texts() {
    let bench = bench::ready(bench::builder(BENCH));
    let (exceptions, seen) = std::sync::mpsc::channel();
    bench.signals().exception_raised.connect(move |it| exceptions.send(it.clone()).unwrap());
    let error = outcome(bench.panic_with(ESCAPE.into())).unwrap_err();
    let CallError::Panicked(report) = &error else { panic!("{error:?}") };
    assert_eq!(report.message, ESCAPE, "the data is as it was sent");
    shows_no_escape("a call's error", &error.to_string());
    shows_no_escape("a panic report", &report.to_string());
    let exception = seen.recv_timeout(LONG).unwrap();
    assert_eq!(exception.kind, ExceptionKind::Panicked);
    shows_no_escape("an exception", &exception.to_string());
    let error = mpcore::Error::new(ESCAPE);
    shows_no_escape("an error", &format!("{error:#}"));

    // Its output before it ends, and the message of its end.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("says");
    write_program(&program, &format!("#!/bin/sh\nprintf '%s\\n' '{ESCAPE}' >&2\nexit 7\n"));
    let builder = bench::builder(&program.to_string_lossy());
    let said = builder.spawn().unwrap();
    let Err(ReadyError::Failed(failure)) = said.process().wait_ready(LONG) else { panic!("no") };
    shows_no_escape("a failure", &failure.to_string());
    let report = said.process().exit_report().unwrap();
    shows_no_escape("a report", &report.to_string());
    assert!(report.stderr.iter().any(|line| line == ESCAPE), "the data is as it was sent");
}

/// Written by another program: a file that this process has open for writing may be busy in another
/// test's child.
fn write_program(path: &Path, text: &str) {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"]).arg(path).arg(text);
    assert!(shell.status().unwrap().success());
}
