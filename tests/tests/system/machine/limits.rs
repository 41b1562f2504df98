//! Resource limits and the sandbox of a child: each is in effect before user code runs and does
//! what the documentation says, and one that cannot be set is reported.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mpcore::{
    CallError, ChildLimits, ControlBuilder, ExitReport, LimitsError, ProcessState, ReadyError,
    RunFailure, Sandbox, SandboxEnforcement, StartError, Transport,
};
use system_tests::confined::{ConfinedConfig, ConfinedControl, ConfinedProcess, Witness};
use system_tests::transport::transport;
use system_tests::{Blob, LONG, in_own_process, outcome, programs, skip, until};

const CHILD: &str = env!("CARGO_BIN_EXE_confined_child");

fn builder(program: &str) -> ControlBuilder<ConfinedControl> {
    let quiet = mpcore::OutputMode::Null;
    let builder = ConfinedControl::builder().program(program).stdout(quiet).stderr(quiet);
    // A backtrace is longer than the stderr lines that are kept.
    let builder = builder.env("RUST_BACKTRACE", "0");
    builder.config(ConfinedConfig::default()).transport(transport())
}

fn ready(limits: ChildLimits) -> ConfinedControl {
    let child = builder(CHILD).limits(limits).spawn().unwrap();
    child.process().wait_ready(LONG).unwrap();
    child
}

fn status_line(child: &ConfinedControl, name: &str) -> String {
    let pid = child.process().pid().unwrap();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', '\t', ' ']).to_owned()
}

/// Returns the end of a child in the middle of a command.
#[track_caller]
fn crash<T: std::fmt::Debug>(child: &ConfinedControl, call: mpcore::Call<T>) -> Arc<ExitReport> {
    let Err(CallError::Exited(report)) = outcome(call) else { panic!("it outlived its limit") };
    let _ = child.process().join(LONG);
    assert_eq!(report.state, ProcessState::Crashed, "{report}");
    println!("{report}; stderr: {:?}", report.stderr);
    report
}

/// Starts a child that cannot set its limits; returns which one failed, and why.
#[track_caller]
fn refusal(builder: ControlBuilder<ConfinedControl>) -> (String, String) {
    let child = builder.spawn().unwrap();
    let queued = child.fill(1);
    let ready = child.process().wait_ready(LONG);
    let Err(ReadyError::Failed(failure)) = ready else { panic!("it must not serve: {ready:?}") };
    let Err(CallError::Exited(report)) = outcome(queued) else { panic!("it was run") };
    assert_eq!(report.state, ProcessState::Failed);
    assert_eq!(report.failure, Some(failure.clone()));
    assert_eq!(report.status.map(mpcore::ExitStatus::code), Some(1), "it ended in order");
    println!("{failure}");
    let RunFailure::Limits { what, message } = failure else { panic!("{failure:?}") };
    (what, message)
}

// ---- all together

#[test]
fn limits_are_there_before_the_config_is_decoded() {
    let limits = ChildLimits::new()
        .memory(256 << 20)
        .cpu_time(Duration::from_millis(99_500))
        .open_files(50)
        .nice(7)
        .no_new_privileges();
    for transport in [Transport::default(), Transport::IpcChannel] {
        let child = builder(CHILD).transport(transport).limits(limits.clone()).spawn().unwrap();
        let seen = outcome(child.seen_by_config()).unwrap();
        assert_eq!(seen, (Some(256 << 20), Some(100), Some(50), 7), "{transport:?}");
        assert_eq!(status_line(&child, "NoNewPrivs"), "1");
    }
    // None of that applies to the controller.
    let own = Witness::now();
    let child = builder(CHILD).spawn().unwrap();
    let seen = outcome(child.seen_by_config()).unwrap();
    assert_eq!(seen, (own.memory, own.cpu_time, own.open_files, own.nice));
    assert_eq!(status_line(&child, "NoNewPrivs"), "0");
}

#[test]
fn limits_hold_for_the_next_run_too() {
    let child = ready(ChildLimits::new().open_files(40));
    child.process().restart().unwrap();
    until("the next run has begun", || child.process().generation() == 2);
    assert_eq!(outcome(child.seen_by_config()).unwrap().2, Some(40));
}

// ---- memory

#[test]
fn a_child_over_its_memory_limit_ends_and_its_stderr_says_why() {
    let child = ready(ChildLimits::new().memory(64 << 20));
    assert_eq!(outcome(child.fill(16)), Ok(16));
    let report = crash(&child, child.fill(1024));
    assert_eq!(report.status.and_then(mpcore::ExitStatus::signal), Some(6));
    assert!(report.to_string().contains("SIGABRT"), "{report}");
    let wanted = format!("memory allocation of {} bytes failed", 1024 << 20);
    assert!(report.stderr.iter().any(|line| line.contains(&wanted)), "{:?}", report.stderr);
}

#[test]
fn a_child_with_the_least_allowed_memory_works() {
    for transport in [Transport::default(), Transport::IpcChannel] {
        let least = ChildLimits::new().memory(16 << 20);
        let child = builder(CHILD).transport(transport).limits(least).spawn().unwrap();
        assert_eq!(outcome(child.echo(Blob::numbered(1 << 20))), Ok(Blob::numbered(1 << 20)));
        child.process().stop();
        child.process().join(LONG).unwrap();
        assert_eq!(child.process().exit_report().unwrap().cleanup, mpcore::CleanupStatus::Ran);
    }
}

// ---- CPU time

#[test]
fn a_child_that_has_used_up_its_cpu_time_ends_by_sigxcpu() {
    let child = ready(ChildLimits::new().cpu_time(Duration::from_secs(1)));
    let report = crash(&child, child.compute());
    assert!(report.to_string().contains("SIGXCPU"), "{report}");
    assert!(!report.killed, "not by us");
}

#[test]
fn a_child_that_ignores_sigxcpu_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("stubborn");
    programs::script(&program, &format!("#!/bin/sh\ntrap '' XCPU\nexec {CHILD} \"$@\"\n"));
    let limits = ChildLimits::new().cpu_time(Duration::from_secs(1));
    let child = builder(&program.to_string_lossy()).limits(limits).spawn().unwrap();
    let report = crash(&child, child.compute());
    assert!(report.to_string().contains("SIGKILL"), "{report}");
}

// ---- open files

#[test]
fn a_child_at_its_open_file_limit_still_works() {
    in_own_process(
        "machine::limits::a_child_at_its_open_file_limit_still_works",
        serve_with_few_open_files,
    );
}

fn serve_with_few_open_files() {
    // A test runner passes on a pipe of its own.
    let given = fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 4;
    for transport in [Transport::default(), Transport::IpcChannel] {
        let folder = tempfile::tempdir().unwrap();
        let sign = folder.path().join("sign");
        let few = ChildLimits::new().open_files(24 + given);
        let child = builder(CHILD).transport(transport).limits(few).spawn().unwrap();
        let (opened, why) = outcome(child.open(1000)).unwrap();
        println!("{transport:?}: {opened} files, then: {why}");
        assert!((4..20 + given as usize).contains(&opened), "{opened}");
        assert!(why.contains("Too many open files"), "{why}");
        let large = Blob::numbered(8 << 20);
        assert_eq!(outcome(child.echo(large.clone())), Ok(large));
        outcome(child.leave_a_sign(sign.to_string_lossy().into_owned())).unwrap();
        child.process().stop();
        child.process().join(LONG).unwrap();
        let report = child.process().exit_report().unwrap();
        assert_eq!(
            (report.cleanup, &report.cleanup_panic),
            (mpcore::CleanupStatus::Ran, &None),
            "{report}"
        );
        assert_eq!(fs::read_to_string(sign).unwrap(), "cleaned up");
    }
}

#[test]
fn a_program_that_inherits_many_files_reports_how_many_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("hoarder");
    // A shell's descriptors have numbers of one digit.
    let open: String = (3..10).map(|number| format!("exec {number}</dev/null\n")).collect();
    programs::script(&program, &format!("#!/bin/sh\n{open}exec {CHILD} \"$@\"\n"));
    let program = program.to_string_lossy();
    let (what, why) = refusal(builder(&program).limits(ChildLimits::new().open_files(24)));
    assert_eq!(what, "open files");
    assert!(why.contains("are open already") && why.contains("allow at least "), "{why}");
    let child = builder(&program).limits(ChildLimits::new().open_files(200)).spawn().unwrap();
    assert_eq!(outcome(child.fill(1)), Ok(1));
}

// ---- nice level and privileges

#[test]
fn the_nice_level_is_the_childs_and_its_threads() {
    let child = ready(ChildLimits::new().nice(11));
    let pid = child.process().pid().unwrap();
    let threads: Vec<_> = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten().collect();
    assert!(threads.len() > 1, "it has threads");
    for thread in threads {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        assert_eq!(fields[16], "11", "{stat}");
    }
}

#[test]
fn a_nice_level_without_its_privilege_is_a_typed_failure() {
    if !rustix::process::geteuid().is_root() {
        let (what, why) = refusal(builder(CHILD).limits(ChildLimits::new().nice(-5)));
        assert_eq!(what, "nice level");
        assert!(why.contains("ermi"), "{why}");
        return;
    }
    // A privileged user has to give up its privileges first.
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("modest");
    let without = "setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice --";
    programs::script(&program, &format!("#!/bin/sh\nexec {without} '{CHILD}' \"$@\"\n"));
    let builder = builder(&program.to_string_lossy());
    let (what, why) = refusal(builder.limits(ChildLimits::new().nice(-5)));
    assert_eq!(what, "nice level");
    assert!(why.contains("ermi"), "{why}");
}

// ---- refused before there is a child

#[test]
fn limits_that_cannot_work_are_refused_before_the_start() {
    let refused = |limits| match builder(CHILD).limits(limits).spawn() {
        Err(StartError::Limits(error)) => error,
        other => panic!("{other:?}"),
    };
    let error = refused(ChildLimits::new().open_files(5));
    assert_eq!(error, LimitsError::OpenFiles { asked: 5, need: 24 });
    assert!(matches!(refused(ChildLimits::new().memory(1)), LimitsError::Memory { .. }));
    assert_eq!(refused(ChildLimits::new().cpu_time(Duration::ZERO)), LimitsError::CpuTime);
    assert_eq!(refused(ChildLimits::new().nice(20)), LimitsError::Nice(20));
    let many = (0..1000).map(|number| format!("/a/long/path/to/one/of/many/files/{number}"));
    let error = refused(ChildLimits::new().sandbox(Sandbox::new().read_only(many)));
    assert!(matches!(error, LimitsError::TooManyPaths { .. }), "{error}");
    let in_process = ConfinedControl::builder()
        .in_process::<ConfinedProcess>()
        .config(ConfinedConfig::default())
        .limits(ChildLimits::new())
        .build();
    assert!(matches!(in_process, Err(StartError::Limits(LimitsError::InProcess))));
}

// ---- access to files

/// Two folders with a file in each, only one of which the sandbox allows.
struct Folders {
    _folder: tempfile::TempDir,
    inside: String,
    outside: String,
}

impl Folders {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("file"), name).unwrap();
            path.to_string_lossy().into_owned()
        };
        let (inside, outside) = (make("inside"), make("outside"));
        Self { _folder: folder, inside, outside }
    }
}

/// The paths that `cat` needs.
fn system() -> impl Iterator<Item = &'static str> {
    let folders = ["/usr", "/bin", "/lib", "/lib64", "/etc"];
    folders.into_iter().filter(|path| Path::new(path).exists())
}

/// Returns a child in this sandbox; `None` if the kernel has none: the test is then skipped, after
/// a check of the refusal.
#[track_caller]
fn sandboxed(test: &str, sandbox: Sandbox) -> Option<ConfinedControl> {
    let child = builder(CHILD).limits(ChildLimits::new().sandbox(sandbox)).spawn().unwrap();
    match child.process().wait_ready(LONG) {
        Ok(()) => Some(child),
        Err(ReadyError::Failed(failure)) => {
            let text = failure.to_string();
            assert!(
                matches!(&failure, RunFailure::Limits { what, .. } if what == "sandbox"),
                "{text}"
            );
            assert!(text.contains("Linux 6.2") && text.contains("BestEffort"), "{text}");
            let command = format!("cargo test -p system-tests --test system {test}");
            skip(test, "this kernel has no Landlock (Linux 6.2)", &command);
            None
        }
        Err(other) => panic!("{other}"),
    }
}

fn denied(result: Result<impl std::fmt::Debug, CallError<mpcore::Error>>) {
    match result {
        Err(CallError::Raised(error)) if error.to_string().contains("ermission denied") => {}
        other => panic!("not denied: {other:?}"),
    }
}

#[test]
fn a_sandbox_keeps_a_child_and_its_grandchildren_to_its_folders() {
    let Folders { inside, outside, _folder } = &Folders::new();
    let sandbox = Sandbox::new().read_only(system()).read_write([inside]);
    let Some(child) =
        sandboxed("a_sandbox_keeps_a_child_and_its_grandchildren_to_its_folders", sandbox)
    else {
        return;
    };
    let file = |folder: &str| format!("{folder}/file");

    assert_eq!(outcome(child.read(file(inside))).unwrap(), "inside");
    outcome(child.write(format!("{inside}/new"), "text".into())).unwrap();
    outcome(child.write(file(inside), "overwritten".into())).unwrap();
    assert_eq!(outcome(child.read_by_grandchild(file(inside))).unwrap(), "overwritten");

    denied(outcome(child.read(file(outside))));
    denied(outcome(child.write(file(outside), String::new())));
    denied(outcome(child.write(format!("{outside}/new"), String::new())));
    denied(outcome(child.write("/usr/new".into(), String::new())));
    std::os::unix::fs::symlink(file(outside), format!("{inside}/link")).unwrap();
    denied(outcome(child.read(format!("{inside}/link"))));
    let said = outcome(child.read_by_grandchild(file(outside))).unwrap();
    assert!(said.contains("Permission denied"), "{said}");
    assert_eq!(fs::read_to_string(file(outside)).unwrap(), "outside", "not even emptied");

    // The framework needs no files.
    let large = Blob::numbered(8 << 20);
    assert_eq!(outcome(child.echo(large.clone())), Ok(large));
    assert_eq!(status_line(&child, "NoNewPrivs"), "1");
    outcome(child.leave_a_sign(format!("{inside}/sign"))).unwrap();
    child.process().stop();
    child.process().join(LONG).unwrap();
    assert_eq!(fs::read_to_string(format!("{inside}/sign")).unwrap(), "cleaned up");
}

#[test]
fn a_single_file_can_be_allowed() {
    let Folders { inside, outside, _folder } = &Folders::new();
    let (read, written) = (format!("{inside}/file"), format!("{outside}/file"));
    let Some(child) = sandboxed(
        "a_single_file_can_be_allowed",
        Sandbox::new().read_only([&read]).read_write([&written]),
    ) else {
        return;
    };
    assert_eq!(outcome(child.read(read.clone())).unwrap(), "inside");
    denied(outcome(child.write(read, String::new())));
    outcome(child.write(written.clone(), "changed".into())).unwrap();
    assert_eq!(fs::read_to_string(written).unwrap(), "changed");
    denied(outcome(child.write(format!("{outside}/new"), String::new())));
}

#[test]
fn an_empty_sandbox_allows_nothing_over_either_transport() {
    if sandboxed("an_empty_sandbox_allows_nothing_over_either_transport", Sandbox::new()).is_none()
    {
        return;
    }
    for transport in [Transport::default(), Transport::IpcChannel] {
        let limits = ChildLimits::new().sandbox(Sandbox::new()).open_files(24);
        let child = builder(CHILD).transport(transport).limits(limits).spawn().unwrap();
        denied(outcome(child.read("/etc/passwd".into())));
        outcome(child.write("/dev/null".into(), "text".into())).unwrap();
        assert_eq!(outcome(child.echo(Blob::numbered(1 << 20))), Ok(Blob::numbered(1 << 20)));
        child.process().stop();
        child.process().join(LONG).unwrap();
        assert_eq!(child.process().state(), ProcessState::Finished, "{transport:?}");
    }
}

#[test]
fn a_sandbox_of_a_missing_path_is_a_typed_failure() {
    for enforcement in [SandboxEnforcement::Strict, SandboxEnforcement::BestEffort] {
        let sandbox = Sandbox::new().read_only(["/nowhere/at/all"]).enforcement(enforcement);
        let limits = ChildLimits::new().sandbox(sandbox);
        let (what, why) = refusal(builder(CHILD).limits(limits));
        assert_eq!(what, "sandbox");
        // Or the missing sandbox, if the kernel has none.
        assert!(why.contains("/nowhere/at/all") || why.contains("Linux 6.2"), "{why}");
    }
}

#[test]
fn a_best_effort_starts_on_every_kernel() {
    let sandbox = Sandbox::new().read_only(system()).enforcement(SandboxEnforcement::BestEffort);
    let child = ready(ChildLimits::new().sandbox(sandbox));
    assert_eq!(outcome(child.fill(1)), Ok(1));
}
