//! The name of a child's process, also for the child itself, and the signals that it blocks, as the
//! system shows them.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use system_tests::controller_program::ControllerProgram;
use system_tests::{BenchConfig, BenchControl, BenchProcess, bench, outcome, processes, until};

const PRINTING: &str = env!("CARGO_BIN_EXE_printing");
const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

fn of(pid: u32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap()
}

#[test]
fn a_process_carries_the_name_of_its_child() {
    let own = || {
        let builder = BenchControl::builder().child::<BenchProcess>();
        builder.config(BenchConfig::default()).stdout(mpcore::OutputMode::Null)
    };
    for (name, short) in [
        ("camera", "camera"),
        ("the stage on the left", "the stage on th"),
        ("Messgerät zwölf", "Messgerät zwö"),
    ] {
        for builder in [bench::builder(CHILD), own()] {
            let bench = bench::ready(builder.name(name).arg("--port").arg("COM3"));
            let pid = bench.process().pid().unwrap();
            assert_eq!(of(pid, "comm").trim_end_matches('\n'), short);
            let line = of(pid, "cmdline");
            assert!(line.contains(name), "{line:?}");
            assert_eq!(outcome(bench.surroundings()).unwrap().arguments, ["--port", "COM3"]);
        }
    }
}

fn blocked(pid: u32) -> u64 {
    let status = of(pid, "status");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap()
}

#[test]
fn signals_that_a_controller_blocks_are_not_blocked_in_a_child() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut command = Command::new("env");
    command.args(["--block-signal=TERM", "--block-signal=HUP", "--block-signal=USR1"]);
    command.args([env!("CARGO_BIN_EXE_controller"), "idle", "wait"]).arg(&log);
    let mut controller = ControllerProgram::start_command(&mut command);
    let (child, grandchild) = (controller.number("child"), controller.number("grandchild"));
    controller.line("there");
    assert_ne!(blocked(controller.pid()), 0, "the controller blocks some");
    assert_eq!((blocked(child), blocked(grandchild)), (0, 0));
    processes::signal(child, Signal::TERM);
    processes::until_ended(&[child, grandchild]);
    until("it has cleaned up", || {
        fs::read_to_string(&log).is_ok_and(|it| it == format!("{child}\n"))
    });
}

/// A program that acts by its name, like `busybox`, is the same program as a child.
#[test]
fn a_child_is_called_by_the_name_of_its_controller() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let mut command = Command::new(PRINTING);
    command.arg0("an odd name").arg(&report).arg("called").stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    assert_eq!(fs::read_to_string(report).unwrap(), "an odd name");
}
