//! Resources and rights that are missing at a start, in a command or at an end: a shortage of
//! descriptors, threads or memory is reported and not remembered, an impossible option is a typed failure,
//! ends and deadlines still work, and a child that cannot be killed is given up.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use mpcore::{CallError, ProcessState, RunFailure};
use system_tests::bench::{builder, ready};
use system_tests::controller_program::ControllerProgram;
use system_tests::{BenchControl, has_program, is_root, outcome, processes, programs};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");
const SHORTAGES: &str = env!("CARGO_BIN_EXE_shortages");

/// Checks the first attempt, which may fail with a type; all later ones must work.
fn check(mut program: ControllerProgram, what: &str) -> String {
    let first = program.line("first");
    let typed =
        ["works", "resources:", "ended:", "refused:"].iter().any(|it| first.starts_with(it));
    assert!(typed, "{what}: {first}");
    assert_eq!(program.line("again"), "works", "{what}, after: {first}");
    assert_eq!(program.line("fresh"), "works", "{what}, after: {first}");
    assert_eq!(program.line("told"), "true", "{what}, after: {first}");
    assert_eq!(program.end(), 0, "{what}");
    first
}

/// Regression: every start failed from then on, or succeeded with a permanently broken stderr.
#[test]
fn too_few_descriptors_at_the_first_start_are_not_remembered() {
    let mut refused = 0;
    for limit in 3..30 {
        let program = ControllerProgram::start(SHORTAGES, &["files", &limit.to_string()]);
        let first = check(program, &format!("{limit} descriptors"));
        refused += usize::from(first != "works");
    }
    assert!(refused > 5, "{refused} of the limits were met");
}

/// Users without other processes: the limit on threads counts all threads of a user, so each test
/// has its own.
const STRANGERS: [&str; 5] = ["65530", "65531", "65532", "65533", "65528"];

/// Returns a copy that another user can run.
fn for_strangers(program: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("program");
    programs::copy(Path::new(program), &copy);
    (folder, copy)
}

fn as_stranger(number: usize, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    let user = STRANGERS[number];
    let user = ["--reuid", user, "--regid", user, "--clear-groups"];
    command.args(user).arg(program).current_dir("/");
    command
}

#[test]
fn too_few_threads_at_the_first_start_are_not_remembered() {
    const NAME: &str = "too_few_threads_at_the_first_start_are_not_remembered";
    if !is_root(NAME) || !has_program(NAME, "setpriv") {
        return;
    }
    let (_folder, program) = for_strangers(SHORTAGES);
    let mut refused = 0;
    for limit in 2..14 {
        let mut command = as_stranger(0, program.to_str().unwrap());
        let program =
            ControllerProgram::start_command(command.args(["threads", &limit.to_string()]));
        let first = check(program, &format!("{limit} threads"));
        refused += usize::from(first != "works");
    }
    assert!(refused > 5, "{refused} of the limits were met");
}

/// Regression: it was a panic of ipc-channel's, and advice about the limits on open files.
#[test]
fn a_folder_that_cannot_hold_an_endpoint_is_named() {
    const NAME: &str = "a_folder_that_cannot_hold_an_endpoint_is_named";
    if !is_root(NAME) || !has_program(NAME, "setpriv") {
        return;
    }
    let (folder, program) = for_strangers(SHORTAGES);
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    // One folder is not writable; in the other, nothing can be created that its owner may enter.
    for (temporary, umask) in [(folder.path(), "022"), (&open, "777")] {
        let text = format!("umask {umask}; exec {} files 1000", program.display());
        let mut command = as_stranger(1, "sh");
        command.args(["-c", &text]).env("TMPDIR", temporary).env("TRANSPORT", "ipc-channel");
        let mut program = ControllerProgram::start_command(&mut command);
        let first = program.line("first");
        assert!(first.contains("cannot be used") && first.contains("set TMPDIR"), "{first}");
        // It tries again; killed in the middle of that it would leave files.
        assert_eq!(program.end(), 0);
    }
    assert_eq!(fs::read_dir(&open).unwrap().count(), 0, "nothing is left behind");
}

/// Regression: no end was reported any more, and kills had no effect.
#[test]
fn ends_are_reported_with_a_limit_below_the_open_files() {
    let mut program = ControllerProgram::start(env!("CARGO_BIN_EXE_lowered_limit"), &[]);
    for name in ["works", "stopped", "killed", "from outside"] {
        assert_eq!(program.line(name), "true", "{name}");
    }
    assert_eq!(program.end(), 0);
}

/// Regression: whatever was missing, the program was reported missing.
#[test]
fn an_impossible_start_option_is_named() {
    let failure = |builder: mpcore::ControlBuilder<BenchControl>| {
        let bench = builder.spawn().unwrap();
        let Err(CallError::Exited(report)) = outcome(bench.add_two(1, 2)) else {
            panic!("it was started")
        };
        assert_eq!(report.state, ProcessState::Failed);
        let Some(RunFailure::Spawn { why, .. }) = &report.failure else { panic!("{report}") };
        why.to_string()
    };
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let message = failure(builder(CHILD).current_dir(&missing));
    assert!(message.contains("working directory") && message.contains("missing"), "{message}");
    let message = failure(builder(CHILD).current_dir(CHILD));
    assert!(message.contains("is not a directory"), "{message}");
    assert!(failure(builder(CHILD).arg("a\0b")).contains(r#"argument "a\0b" contains a NUL"#));
    assert!(failure(builder(CHILD).env("A", "b\0c")).contains(r#"variable "A" contains a NUL"#));
    for name in ["", "A=B"] {
        let message = failure(builder(CHILD).env(name, "c"));
        let named = format!("{name:?} cannot be the name of a variable");
        assert!(message.starts_with(&named), "{message}");
    }
    assert!(failure(builder("a\0b")).contains("contains a NUL"));
    // Regression: the advice was to run the program by hand, which works.
    let message = failure(builder(CHILD).env("LONG", "x".repeat(4 << 20)));
    assert!(message.contains("pass the data in the child's config"), "{message}");
    assert_eq!(outcome(ready(builder(CHILD).env("A", "b=c")).add_two(1, 2)), Ok(3));
}

/// Regression: SIGKILL was assumed to work always: the child kept its calls and its control
/// forever.
#[test]
fn a_child_that_has_become_another_user_is_given_up() {
    const NAME: &str = "a_child_that_has_become_another_user_is_given_up";
    if !is_root(NAME) || !has_program(NAME, "setpriv") {
        return;
    }
    let (folder, controller) = for_strangers(env!("CARGO_BIN_EXE_given_up"));
    let file = |name: &str| folder.path().join(name);
    programs::copy(Path::new(CHILD), &file("child"));
    programs::copy(Path::new("/usr/bin/setpriv"), &file("become-root"));
    fs::set_permissions(file("become-root"), fs::Permissions::from_mode(0o4755)).unwrap();
    let become_root = file("become-root").display().to_string();
    let script = format!(
        "#!/bin/sh\nexec {become_root} --reuid 0 --regid 0 --clear-groups {} \"$@\"\n",
        file("child").display()
    );
    programs::script(&file("as-root"), &script);
    let mut command = as_stranger(2, controller.to_str().unwrap());
    let mut program = ControllerProgram::start_command(command.arg(file("as-root")));
    let child = program.number("child");
    assert_eq!(program.line("ended"), "it was not seen to end, crashed, cleanup unknown");
    let failure = program.line("failure");
    assert!(failure.contains("this process is not permitted to kill it"), "{failure}");
    assert_eq!(program.line("pending"), "0");
    assert_eq!(program.line("next"), "Ok(3)");
    // Its lanes are closed, so it ends by itself.
    processes::until_ended(&[child]);
    assert_eq!(program.end(), 0);
}

/// A shortage is not a fault of the program's file.
#[test]
fn a_shortage_of_processes_is_reported_as_such() {
    const NAME: &str = "a_shortage_of_processes_is_reported_as_such";
    if !is_root(NAME) || !has_program(NAME, "setpriv") {
        return;
    }
    let (_folder, program) = for_strangers(SHORTAGES);
    let mut said = Vec::new();
    for limit in 5..14 {
        let mut command = as_stranger(3, program.to_str().unwrap());
        let mut program =
            ControllerProgram::start_command(command.args(["threads", &limit.to_string()]));
        said.push(program.line("first"));
        program.end();
    }
    assert!(said.iter().all(|it| !it.contains("by hand")), "{said:#?}");
    let in_the_child = said.iter().any(|it| it.contains("it could not start its threads"));
    assert!(in_the_child, "the child reports what it lacks: {said:#?}");
}

/// Regression: the alarm was lost because it could not be set: the command ran on without a limit.
#[test]
fn a_deadline_is_enforced_although_its_thread_was_refused() {
    const NAME: &str = "a_deadline_is_enforced_although_its_thread_was_refused";
    if !is_root(NAME) || !has_program(NAME, "setpriv") {
        return;
    }
    let (_folder, program) = for_strangers(env!("CARGO_BIN_EXE_squeezed"));
    let mut command = as_stranger(4, program.to_str().unwrap());
    let mut program = ControllerProgram::start_command(&mut command);
    assert_eq!(program.line("ended"), "Err(TimedOut { after: 200ms })");
    assert_eq!(program.end(), 0);
}

/// The size of what a child sends is the child's choice, and the controller may lack the memory for
/// it. Regression: the first failed allocation ended the controller.
#[test]
fn a_controller_without_memory_for_a_value_goes_on() {
    // An element is one byte when encoded, and eight when decoded.
    let cases = [
        ("a result that fits once", "not decoded"),
        ("a row that fits once", "not decoded"),
        ("a result", "no resources"),
        ("a property that fits once", "no resources"),
        ("an event", "no resources"),
    ];
    for (case, end) in cases {
        let mut command = Command::new(env!("CARGO_BIN_EXE_limited_memory"));
        // An arena per thread would reserve an unknown amount of address space.
        let command = command.arg(case).env("MALLOC_ARENA_MAX", "1");
        let mut program = ControllerProgram::start_command(command);
        let ended = program.line("ended");
        println!("{case}: {ended}");
        assert!(ended.starts_with(end) && ended.contains("no memory"), "{case}: {ended}");
        assert_eq!(program.line("other child"), "Ok([1, 1, 1])", "{case}");
        assert_eq!(program.end(), 0, "{case}");
    }
}
