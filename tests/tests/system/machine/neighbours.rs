//! Resources that a library does not own: SIGCHLD, other code that waits for or traces its
//! processes, loaders, reparented processes, pidfds that the system refuses, how long the system
//! takes to start a program, and stalls of the controller itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mpcore::{ExitStatus, ProcessEnd, ProcessState, RunFailure, SpawnError};
use system_tests::controller_program::ControllerProgram;
use system_tests::neighbour::{NeighbourControl, NeighbourProcess};
use system_tests::transport::transport;
use system_tests::{
    LONG, has_program, in_own_process, is_root, outcome, processes, programs, skip, until,
};

const SURROUNDED: &str = env!("CARGO_BIN_EXE_surrounded");
const TRACER: &str = env!("CARGO_BIN_EXE_tracer");
const CHILD: &str = env!("CARGO_BIN_EXE_neighbour_child");

/// Runs the skipped tests.
const COMMAND: &str = "cargo test -p system-tests --test system neighbours";

fn builder() -> mpcore::ControlBuilder<NeighbourControl> {
    NeighbourControl::builder().child::<NeighbourProcess>().transport(transport())
}

fn ready(builder: mpcore::ControlBuilder<NeighbourControl>) -> NeighbourControl {
    let control = builder.spawn().unwrap();
    control.process().wait_ready(LONG).unwrap();
    control
}

/// SIGCHLD is ignored, as a program may inherit it from its parent.
fn where_sigchld_is_ignored(mode: &str) -> Option<ControllerProgram> {
    let supported = Command::new("env").args(["--ignore-signal=CHLD", "true"]).output();
    if !supported.is_ok_and(|it| it.status.success()) {
        skip(mode, "`env` knows no `--ignore-signal`", COMMAND);
        return None;
    }
    Some(ControllerProgram::start("env", &["--ignore-signal=CHLD", SURROUNDED, mode]))
}

/// Checks the output of `surrounded` where the exit status of each child is unknown; the report of
/// a crash contains `why`.
fn check_unknown_ends(mut program: ControllerProgram, why: &str) {
    for name in ["stop", "terminate"] {
        let expected = "finished, exit status unknown, cleanup ran, 0 exceptions, none";
        assert_eq!(program.line(&format!("{name}:")), expected);
    }
    for name in ["kill", "killed in a command"] {
        let expected = "finished, exit status unknown, cleanup skipped, 0 exceptions, none";
        assert_eq!(program.line(&format!("{name}:")), expected);
    }
    let crash = program.line("exit:");
    let begin =
        "crashed, exit status unknown, cleanup skipped, 1 exceptions, the child ended by itself";
    assert!(crash.starts_with(begin) && crash.contains(why), "{crash}");
    assert_eq!(program.end(), 0);
}

/// Regression: each was reported as a crash, "the end of the process could not be learned", and
/// `join` returned that there was none.
#[test]
fn ends_are_reported_as_requested_where_sigchld_is_ignored() {
    let Some(program) = where_sigchld_is_ignored("ends") else { return };
    check_unknown_ends(program, "SIGCHLD is ignored in this program");
}

/// The same where a library waits for every child.
#[test]
fn ends_are_reported_as_requested_where_others_reap() {
    // Sometimes the watcher is first: then the status is known.
    let mut program = ControllerProgram::start(SURROUNDED, &["reaped"]);
    for (name, orderly, cleanup) in [
        ("stop", true, "ran"),
        ("terminate", true, "ran"),
        ("kill", true, "skipped"),
        ("killed in a command", true, "skipped"),
        ("exit", false, "skipped"),
    ] {
        let line = program.line(&format!("{name}:"));
        let told = format!("cleanup {cleanup}, {} exceptions", u8::from(!orderly));
        assert!(line.contains(&told), "{name}: {line}");
        assert!(line.starts_with(if orderly { "finished," } else { "crashed," }), "{name}: {line}");
        assert_eq!(line.ends_with(", none"), orderly, "{name}: {line}");
    }
    assert_eq!(program.end(), 0);
}

/// Regression: `Command::status()` failed in every child there.
#[test]
fn commands_wait_for_programs_where_sigchld_is_ignored() {
    let Some(mut program) = where_sigchld_is_ignored("commands") else { return };
    assert_eq!(program.line("waited"), "Some(0) Some(7)");
    assert_eq!(program.end(), 0);
}

/// Regression: the controller stalls while its child ends and another process gets its pid: that
/// one was killed.
#[test]
fn a_reused_pid_is_not_killed() {
    const NAME: &str = "a_reused_pid_is_not_killed";
    if !is_root(NAME) || !has_program(NAME, "unshare") {
        return;
    }
    let script = format!(
        "set -e; out=$(mktemp)
         env --ignore-signal=CHLD {SURROUNDED} number > $out & controller=$!
         until grep -q child $out; do sleep 0.01; done
         child=$(sed -n 's/^child //p' $out)
         kill -STOP $controller
         threads=$(ls /proc/$controller/task | wc -l)
         until [ $(cat /proc/$controller/task/*/stat | grep -c ' T ') = $threads ]; do sleep 0.01; done
         kill -KILL $child; while [ -e /proc/$child ]; do sleep 0.01; done
         innocent=0; tries=0
         while [ $innocent != $child ] && [ $tries -lt 100 ]; do
           echo $((child - 1)) > /proc/sys/kernel/ns_last_pid
           setsid sleep 1000 & innocent=$!; tries=$((tries + 1))
         done
         echo same $([ $innocent = $child ] && echo yes || echo no)
         until [ $(cut -d ' ' -f 5 /proc/$innocent/stat) = $innocent ]; do sleep 0.01; done
         kill -CONT $controller; wait $controller
         cat $out; rm $out
         if [ -e /proc/$innocent ]; then echo innocent alive; else echo innocent killed; fi"
    );
    let arguments = ["--pid", "--fork", "--mount-proc", "sh", "-c", &script];
    let mut program = ControllerProgram::start("unshare", &arguments);
    assert_eq!(program.line("same"), "yes", "the pid is in use again");
    assert_eq!(program.line("ended"), "exit status unknown");
    assert_eq!(program.line("innocent"), "alive");
}

/// Starts a tracer, which is killed at the end of the test.
fn trace(pid: u32, how: &str) -> ControllerProgram {
    let mut tracer = ControllerProgram::start(TRACER, &[&pid.to_string(), how]);
    tracer.line("attached");
    tracer
}

/// Regression: a tracer of a child's first thread that did not wait for it stopped the watcher: no
/// end of a child was reported, no kill was sent, no deadline fired.
#[test]
fn a_traced_child_that_has_ended_holds_up_no_other() {
    let (traced, other) = (ready(builder()), ready(builder()));
    let pid = traced.process().pid().unwrap();
    let tracer = trace(pid, "linger");
    let running = traced.nap(600_000);
    processes::kill(pid);
    assert!(outcome(running).is_err());
    let killed = ProcessEnd::Status(ExitStatus::from_code(-9));
    assert_eq!(traced.process().join(LONG), Ok(killed), "reported, although it cannot be reaped");
    assert_eq!(processes::state(pid), Some('Z'));
    other.process().kill();
    assert_eq!(other.process().join(LONG), Ok(killed));
    let folder = tempfile::tempdir().unwrap();
    let late = script(folder.path(), "late", "exec sleep 600");
    let late = NeighbourControl::builder().program(late).config(());
    let late = late.start_deadline(Duration::from_millis(100)).spawn().unwrap();
    assert!(outcome(late.add(1, 2)).is_err(), "a start deadline comes");
    traced.process().start().unwrap();
    assert_eq!(outcome(traced.add(1, 2)), Ok(3), "the next run begins");
    drop(tracer);
    until("it is reaped once it is let go", || processes::is_gone(pid));
}

/// Regression: it kept its calls, its control and the shutdown waiting forever.
#[test]
fn a_child_that_its_tracer_holds_is_given_up_after_a_kill() {
    let held = ready(builder());
    let pid = held.process().pid().unwrap();
    let tracer = trace(pid, "hold");
    let (running, queued) = (held.nap(600_000), held.add(1, 2));
    let failed = held.process().signals().failed.receiver();
    held.process().kill();
    assert!(outcome(running).is_err() && outcome(queued).is_err());
    assert_eq!(held.process().join(LONG), Ok(ProcessEnd::LinkLost));
    let Ok((RunFailure::Unkillable { pid: number, why, because: None },)) =
        failed.recv_timeout(LONG)
    else {
        panic!("{:?}", held.process().exit_report())
    };
    assert_eq!((number, why), (pid, mpcore::Unkillable::Traced { tracer: tracer.pid() }));
    assert_eq!(held.process().state(), ProcessState::Crashed);
    assert!(!processes::has_ended(pid));
    held.process().start().unwrap();
    assert_eq!(outcome(held.add(1, 2)), Ok(3), "another run begins");
    drop(tracer);
    until("it is reaped when it ends", || processes::is_gone(pid));
}

fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let program = folder.join(name);
    programs::script(&program, &format!("#!/bin/sh\n{text}\n"));
    program
}

/// Regression: the child could not get ready while its controller stalled, and was killed for that.
#[test]
fn a_start_deadline_stands_still_with_its_controller() {
    let folder = tempfile::tempdir().unwrap();
    let go = folder.path().join("go");
    let wait = format!("until [ -e {} ]; do sleep 0.01; done", go.display());
    let text = format!("echo begun\n{wait}\nexec {CHILD} \"$@\"");
    let program = script(folder.path(), "slow", &text);
    let deadline = Duration::from_secs(4);
    let arguments = [program.to_str().unwrap(), &deadline.as_millis().to_string()];
    let mut controller = ControllerProgram::start(env!("CARGO_BIN_EXE_slow_start"), &arguments);
    controller.line("begun");
    processes::freeze(controller.pid());
    // Longer than the deadline, which is what this test is about.
    std::thread::sleep(deadline + Duration::from_secs(1));
    fs::write(&go, "").unwrap();
    processes::thaw(controller.pid());
    assert_eq!(controller.line("outcome"), "Ok(3)");
}

/// Starts of programs that the system delays, like a virus scanner or a network drive.
#[test]
fn a_start_that_hangs_holds_up_no_other_and_can_be_killed() {
    const NAME: &str = "a_start_that_hangs_holds_up_no_other_and_can_be_killed";
    if is_root(NAME) {
        in_own_process(
            "machine::neighbours::a_start_that_hangs_holds_up_no_other_and_can_be_killed",
            || start_programs_that_are_delayed(NAME),
        );
    }
}

fn start_programs_that_are_delayed(test: &str) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("child");
    programs::copy(Path::new(CHILD), &program);
    let arguments = [program.to_str().unwrap()];
    let mut scanner = ControllerProgram::start(env!("CARGO_BIN_EXE_scanner"), &arguments);
    if scanner.line("scans") != "true" {
        return skip(test, "fanotify is not to be had", COMMAND);
    }

    let by_program = || NeighbourControl::builder().program(&program).config(());
    let late = by_program().start_deadline(Duration::from_secs(2)).spawn().unwrap();
    let unwanted = by_program().start_deadline(LONG).spawn().unwrap();
    let other = ready(builder());
    assert_eq!(outcome(other.add(1, 2)), Ok(3), "another child starts");
    assert_eq!(unwanted.process().state(), ProcessState::Starting);
    unwanted.process().kill();
    assert_eq!(unwanted.process().join(LONG), Ok(ProcessEnd::NeverRan));
    assert_eq!(unwanted.process().state(), ProcessState::Finished);
    assert!(outcome(late.add(1, 2)).is_err(), "the start deadline holds for the spawn");
    let report = late.process().exit_report().unwrap();
    let Some(RunFailure::Spawn { why, .. }) = &report.failure else { panic!("{report}") };
    assert_eq!(why, &SpawnError::Timeout(Duration::from_secs(2)));
    assert_eq!(outcome(ready(builder()).add(1, 2)), Ok(3));

    // Now both starts complete, although both children were given up.
    drop(scanner);
    let own = [other.process().pid()];
    until("the late processes are killed and reaped", || {
        processes::children(std::process::id()).iter().all(|pid| own.contains(&Some(*pid)))
    });
    late.process().start().unwrap();
    assert_eq!(outcome(late.add(1, 2)), Ok(3));
}

/// Regression: `/proc/self/exe` is the loader then, which was started as the child.
#[test]
fn a_program_that_was_started_through_its_loader_has_children() {
    const NAME: &str = "a_program_that_was_started_through_its_loader_has_children";
    let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
    let Some(loader) = loaders.into_iter().find(|it| Path::new(it).exists()) else {
        return skip(NAME, "no loader of glibc is known here", COMMAND);
    };
    let (folder, name) = SURROUNDED.rsplit_once('/').unwrap();
    let mut command = Command::new(loader);
    // Relative to a folder, as typed in a shell.
    command.args(["--inhibit-cache", &format!("./{name}"), "ends"]).current_dir(folder);
    let mut program = ControllerProgram::start_command(&mut command);
    let orderly = "finished, exit code 0, cleanup ran, 0 exceptions, none";
    assert_eq!(program.line("stop:"), orderly);
    assert!(program.line("exit:").starts_with("crashed, exit code 3"));
    assert_eq!(program.end(), 0);
}

/// A child can create processes that become its controller's children. Regression: they stayed
/// zombies for the controller's life.
#[test]
fn processes_a_child_reparents_to_its_controller_are_reaped() {
    const NAME: &str = "processes_a_child_reparents_to_its_controller_are_reaped";
    let number = match std::env::consts::ARCH {
        "x86_64" => 56,
        "aarch64" => 220,
        _ => return skip(NAME, "the number of `clone` is not known here", COMMAND),
    };
    if !has_program(NAME, "perl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made");
    let text = format!(
        "exec perl -e 'for (1..5) {{ my $pid = syscall({number}, 0x8000 | 17, 0, 0, 0, 0);
           if ($pid == 0) {{ sleep 600; exit }}
           open(F, q(>>), q({})); print F qq($pid\\n); close F }}
         exec @ARGV' {CHILD} \"$@\"",
        file.display()
    );
    let program = script(folder.path(), "cloning", &text);
    let made = || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let pids: Vec<u32> = text.lines().map(|line| line.parse().unwrap()).collect();
        pids
    };
    for end in ["stop", "kill", "exit"] {
        let _ = fs::remove_file(&file);
        let control = ready(NeighbourControl::builder().program(&program).config(()));
        assert_eq!(made().len(), 5);
        // Threads of other tests end, and hand their children over meanwhile.
        until("they are this process's", || {
            let children = processes::children(std::process::id());
            made().iter().all(|pid| children.contains(pid))
        });
        match end {
            "stop" => control.process().stop(),
            "kill" => control.process().kill(),
            _ => drop(control.exit_with(0)),
        }
        control.process().join(LONG).unwrap();
        until(end, || made().iter().all(|pid| processes::is_gone(*pid)));
    }
}

/// Checks the output of `surrounded` in ordinary surroundings.
fn check_known_ends(mut program: ControllerProgram, what: &str) {
    for name in ["stop", "terminate"] {
        let expected = "finished, exit code 0, cleanup ran, 0 exceptions, none";
        assert_eq!(program.line(&format!("{name}:")), expected, "{what}");
    }
    for name in ["kill", "killed in a command"] {
        let killed = "killed by signal 9 (SIGKILL), cleanup skipped, 0 exceptions, none";
        assert_eq!(program.line(&format!("{name}:")), format!("finished, {killed}"), "{what}");
    }
    assert!(program.line("exit:").starts_with("crashed, exit code 3"), "{what}");
    assert_eq!(program.end(), 0);
}

/// Regression: no child started under valgrind 3.19, and the advice was about the file.
#[test]
fn children_start_and_end_where_pidfds_are_refused() {
    const NAME: &str = "children_start_and_end_where_pidfds_are_refused";
    if !has_program(NAME, "strace") {
        return;
    }
    for error in ["ENOSYS", "EPERM"] {
        let inject = format!("inject=pidfd_open:error={error}");
        let arguments = ["-f", "-qq", "-o", "/dev/null", "-e", &inject, SURROUNDED, "ends"];
        check_known_ends(ControllerProgram::start("strace", &arguments), error);
    }
}

/// Linux 5.3 has pidfds but cannot wait for them; some sandboxes refuse that too.
#[test]
#[cfg(target_os = "linux")]
fn children_start_and_end_where_pidfds_cannot_be_waited_for() {
    const NAME: &str = "children_start_and_end_where_pidfds_cannot_be_waited_for";
    if let Err(why) = system_tests::soak::system_calls::can_run() {
        return skip(NAME, &format!("seccomp is refused here: {why}"), COMMAND);
    }
    for errno in [libc::EINVAL, libc::ENOSYS] {
        let number = libc::SYS_waitid;
        let refused = intercept::Refused { number, first_argument: Some(libc::P_PIDFD), errno };
        let mut command = Command::new(SURROUNDED);
        command.arg("ends");
        let start = |command| intercept::refuse(command, &[refused]);
        check_known_ends(ControllerProgram::start_by(command, start), &errno.to_string());
    }
}
