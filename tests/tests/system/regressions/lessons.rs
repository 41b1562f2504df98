//! Mistakes of other libraries that no other test file covers. The whole list is `docs/lessons.md`:
//! every test that it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use mpcore::{CallError, ProcessState};
use system_tests::bench::{builder, ready};
use system_tests::controller_program::ControllerProgram;
use system_tests::transport::transport;
use system_tests::{BenchControl, Blob, LONG, in_own_process, outcome, processes, programs, until};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

fn pid(bench: &BenchControl) -> u32 {
    bench.process().pid().unwrap()
}

/// A channel whose end is also held by another process is not closed when its own process dies.
#[test]
fn a_stranger_that_holds_the_lane_does_not_delay_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("wrapper");
    let sign = folder.path().join("sign");
    // In a session of its own, so that killing the group does not end it; it keeps stdin, the lane.
    let script = format!(
        "#!/bin/sh\nexec 3<&0\nsetsid sh -c 'echo $$ > {}; exec sleep 600' <&3 2>/dev/null &\n\
         exec {CHILD} \"$@\"\n",
        sign.display()
    );
    programs::script(&program, &script);
    let bench = ready(builder(&program.to_string_lossy()));
    until("the stranger is there", || fs::read_to_string(&sign).is_ok_and(|it| !it.is_empty()));
    let stranger: u32 = fs::read_to_string(&sign).unwrap().trim().parse().unwrap();
    let running = bench.ignore_everything(600_000);
    until("it runs", || bench.begun() == 1);
    processes::kill(pid(&bench));
    assert!(matches!(outcome(running), Err(CallError::Exited(_))));
    let _ = bench.process().join(LONG);
    assert_eq!(bench.process().state(), ProcessState::Crashed);
    assert!(!processes::has_ended(stranger), "it held the lane all the time");
    processes::kill(stranger);
    bench.process().start().unwrap();
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}

/// A send without credit blocks its sender, even a user interface; and a child may lie about its
/// credit.
#[test]
fn a_child_that_lies_about_what_it_read_blocks_no_thread() {
    let bench = ready(builder(CHILD).transport(mpcore::Transport::default()));
    let folder = tempfile::tempdir().unwrap();
    let sign = folder.path().join("sign");
    let swindle = bench.swindle(sign.to_string_lossy().into_owned(), 60_000);
    let calls: Vec<_> = (0..300).map(|_| bench.echo(Blob::numbered(50_000))).collect();
    fs::write(&sign, "").unwrap();
    let Err(CallError::Exited(report)) = outcome(swindle) else { panic!("it was found") };
    let Some(mpcore::RunFailure::Broken(why)) = &report.failure else { panic!("{report}") };
    // On a busy machine it may claim more than has been sent so far.
    let found = ["reads nothing", "reported as consumed"];
    assert!(found.iter().any(|it| why.contains(it)), "{why}");
    for call in calls {
        assert!(matches!(outcome(call), Err(CallError::Exited(_))));
    }
    assert_eq!(report.state, ProcessState::Crashed);
}

/// Regression: a lane without a reader swallowed what was sent, and its child lived on unnoticed.
#[test]
fn closing_the_requests_lane_is_a_protocol_violation() {
    let bench = ready(builder(CHILD).transport(mpcore::Transport::default()).stop_grace(LONG));
    let mut deaf = bench.deafen(600_000);
    until("it is found, with what is sent to it", || {
        drop(bench.add_two(1, 2));
        deaf.try_outcome().is_some()
    });
    let Some(Err(CallError::Exited(report))) = deaf.try_outcome() else {
        panic!("the call did not end with the child")
    };
    let Some(mpcore::RunFailure::Broken(why)) = &report.failure else { panic!("{report}") };
    assert!(why.contains("closed a lane"), "{why}");
}

/// Regression: a child that hangs in the middle of a send holds its lock; it outlived its
/// controller.
#[test]
fn a_child_that_hangs_in_a_send_does_not_outlive_its_controller() {
    let mut controller = ControllerProgram::start(env!("CARGO_BIN_EXE_hung_child"), &[]);
    let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
    controller.line("there");
    controller.signal(rustix::process::Signal::KILL);
    controller.end();
    processes::until_ended(&[child, grandchild]);
}

/// A signal whose handler does not restart system calls makes reads and writes fail half-way.
#[test]
fn interrupted_system_calls_cost_nothing() {
    let mut program = ControllerProgram::start(env!("CARGO_BIN_EXE_interrupted"), &["2000"]);
    println!("{}", program.line("calls"));
    assert_eq!(program.line("ended"), "exit code 0");
    assert_eq!(program.end(), 0);
}

/// At the limit of open files, ipc-channel's receive panics.
#[test]
fn running_out_of_descriptors_is_a_typed_failure() {
    // The last child's start fails at a different step each time.
    for limit in 70..=80 {
        let program = env!("CARGO_BIN_EXE_few_descriptors");
        let mut program = ControllerProgram::start(program, &[&limit.to_string()]);
        let children: u32 = program.number("children");
        let refused = program.line("refused");
        println!("{limit}: {children} children, then: {refused}");
        assert!(children >= 3, "{children}");
        assert!(refused.starts_with("true"), "{refused}");
        assert_eq!(program.line("the others work"), "true");
        assert_eq!(program.line("again"), "Ok(3)");
        assert_eq!(program.end(), 0);
    }
}

/// Returns the targets of a process's descriptors, such as `socket:[123]`, without the three
/// standard ones.
fn descriptors(pid: u32) -> BTreeSet<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let entries = entries.filter(|entry| {
        let number = entry.file_name().to_string_lossy().parse::<u32>();
        number.is_ok_and(|number| number > 2)
    });
    let targets = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.map(|target| target.to_string_lossy().into_owned()).collect()
}

/// Accepted sockets have no close-on-exec flag in ipc-channel: a child started meanwhile inherits
/// them.
#[test]
fn no_child_inherits_descriptors_of_others() {
    in_own_process(
        "regressions::lessons::no_child_inherits_descriptors_of_others",
        compare_the_descriptors_of_twelve_children,
    );
}

fn compare_the_descriptors_of_twelve_children() {
    // What this process inherited itself, such as a test runner's pipe, is passed on as usual.
    let given = descriptors(std::process::id());
    let over_ipc_channel = transport() == mpcore::Transport::IpcChannel;
    // A declared limit of ipc-channel: what it accepts is inherited by children started at that
    // moment.
    let start =
        |_| if over_ipc_channel { ready(builder(CHILD)) } else { builder(CHILD).spawn().unwrap() };
    let benches: Vec<_> = (0..12).map(start).collect();
    for bench in &benches {
        bench.process().wait_ready(LONG).unwrap();
    }
    let own = descriptors(std::process::id());
    let of_child = |bench| &descriptors(pid(bench)) - &given;
    let of_children: Vec<_> = benches.iter().map(of_child).collect();
    // Each side of ipc-channel's lanes keeps a sender of the lane it reads.
    let shared_ends = if over_ipc_channel { 2 } else { 0 };
    for (index, one) in of_children.iter().enumerate() {
        // Those that every process has, such as the kernel's event descriptors, have no identity of
        // their own.
        let identified = |it: &&String| it.contains(":[") && !it.starts_with("anon_inode");
        let shared: Vec<_> = one.intersection(&own).filter(identified).collect();
        assert_eq!(shared.len(), shared_ends, "child {index} has the controller's {shared:?}");
        for (other, them) in of_children.iter().enumerate().skip(index + 1) {
            let shared: Vec<_> = one.intersection(them).filter(identified).collect();
            assert!(shared.is_empty(), "children {index} and {other} share {shared:?}");
        }
    }
    // And the child's own processes inherit no descriptor of the framework.
    let grandchild = outcome(benches[0].start_grandchild()).unwrap();
    until("it has executed its program", || {
        fs::read_to_string(format!("/proc/{grandchild}/comm")).is_ok_and(|it| it == "sleep\n")
    });
    // It may still be loading its libraries.
    until("it has only inherited descriptors", || descriptors(grandchild).is_subset(&given));
}

/// A folder for temporary files whose path is too long for a socket: ipc-channel cuts it silently.
#[test]
fn an_unusual_tmpdir_works_or_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(120));
    let unusual = folder.path().join("with spaces, 'quotes' and µ");
    let missing = folder.path().join("missing");
    for existing in [&long, &unusual] {
        fs::create_dir(existing).unwrap();
    }
    let said = |folder: &Path, transport: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_one_call"));
        command.env("TMPDIR", folder).env_remove("TRANSPORT");
        if let Some(transport) = transport {
            command.env("TRANSPORT", transport);
        }
        let mut program = ControllerProgram::start_command(&mut command);
        let said = program.line("");
        assert_eq!(program.end(), 0);
        said
    };
    for folder in [&long, &unusual, &missing] {
        assert_eq!(said(folder, None), "sum 3", "{}", folder.display());
    }
    let ipc = Some("ipc-channel");
    assert_eq!(said(&unusual, ipc), "sum 3");
    let error = said(&long, ipc);
    assert!(error.contains("TMPDIR") && error.contains("too long"), "{error}");
    let error = said(&missing, ipc);
    assert!(error.starts_with("error") && error.contains("No such file"), "{error}");
    for folder in [&long, &unusual] {
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "nothing is left behind");
    }
}

/// A region that a child could truncate would end the controller with SIGBUS.
#[test]
fn no_memory_is_shared_with_a_child() {
    in_own_process("regressions::lessons::no_memory_is_shared_with_a_child", || {
        let bench = ready(builder(CHILD).transport(transport()));
        let blob = Blob::numbered(20 << 20);
        assert_eq!(outcome(bench.echo(blob.clone())), Ok(blob));
        for pid in [pid(&bench), std::process::id()] {
            let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
            let shared: Vec<_> = maps
                .lines()
                .filter(|line| line.split_whitespace().nth(1).is_some_and(|it| it.ends_with('s')))
                .collect();
            assert!(shared.is_empty(), "{shared:#?}");
        }
    });
}

/// Returns the test functions of a file.
fn tests_in(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let (mut tests, mut is_test) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim_start) {
        let name = line.strip_prefix("fn ").and_then(|it| it.split_once('('));
        if let Some((name, _)) = name.filter(|_| is_test) {
            tests.insert(name.to_owned());
        }
        // Other attributes may follow.
        is_test = line == "#[test]" || (is_test && line.starts_with("#["));
    }
    tests
}

/// `docs/lessons.md` names tests; a renamed one would otherwise go unnoticed.
#[test]
fn the_list_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let list = fs::read_to_string(root.join("docs/lessons.md")).unwrap();
    let mut count = 0;
    for (line, text) in list.lines().enumerate().filter(|(_, text)| text.starts_with("| ")) {
        let last = text.trim_end_matches(" |").rsplit_once(" | ").unwrap().1;
        for name in last.split('`').skip(1).step_by(2) {
            let (file, test) = name.rsplit_once("::").unwrap();
            let file = match file.split_once(": ") {
                None => {
                    let module = root.join("tests/tests/system").join(file.replace("::", "/"));
                    module.with_extension("rs")
                }
                Some((krate, module)) => {
                    let module = root.join(krate).join("src").join(module.replace("::", "/"));
                    let file = module.with_extension("rs");
                    if file.exists() { file } else { module.join("mod.rs") }
                }
            };
            let line = line + 1;
            assert!(tests_in(&file).contains(test), "line {line}: no test `{name}`");
            count += 1;
        }
    }
    assert!(count > 60, "{count} tests are named");
}
