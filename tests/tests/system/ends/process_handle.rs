//! What a `Process`, an outcome and an exception report about themselves: names, states, ends and
//! backtraces. Also the waits between restarts, and a shutdown of several children at once.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{Backoff, CallError, ExceptionKind, Never, ProcessState, RestartPolicy};
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{LONG, in_own_process, outcome, processes, until};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");
const PRINTING: &str = env!("CARGO_BIN_EXE_printing");

#[test]
fn a_process_shows_its_name_its_state_and_its_end() {
    let bench = builder(CHILD).name("Bench-A").build().unwrap();
    let shown = || bench.process().to_string();
    assert_eq!(shown(), "<Process(Bench-A, created)>");
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    assert_eq!(shown(), "<Process(Bench-A, running)>");
    assert_eq!(format!("{:?}", bench.process()), shown());
    bench.process().set_name("Bench-B");
    assert_eq!(shown(), "<Process(Bench-B, running)>");
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    assert_eq!(shown(), "<Process(Bench-B, finished[exit code 0])>");
    bench.process().start().unwrap();
    // A child that is killed before there is a process has no status.
    bench.process().wait_ready(LONG).unwrap();
    bench.process().kill();
    bench.process().join(LONG).unwrap();
    assert_eq!(shown(), "<Process(Bench-B, finished[killed by signal 9 (SIGKILL)])>");
}

#[test]
fn a_new_name_is_visible_immediately_and_in_later_reports() {
    let bench = ready(builder(CHILD).name("before"));
    let (told, exceptions) = mpsc::channel();
    bench.signals().exception_raised.connect(move |it| told.send(it.process.clone()).unwrap());
    let _ = outcome(bench.fail());
    assert_eq!(exceptions.recv_timeout(LONG).unwrap(), "before");
    bench.process().set_name("after");
    assert_eq!(bench.process().name(), "after");
    let _ = outcome(bench.fail());
    assert_eq!(exceptions.recv_timeout(LONG).unwrap(), "after");
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    assert_eq!(bench.process().exit_report().unwrap().name, "after");
}

/// Ctrl-Z, or a debugger: the process exists, and goes on later.
#[cfg(target_os = "linux")]
#[test]
fn a_paused_child_is_alive() {
    let bench = ready(builder(CHILD));
    let pid = bench.process().pid().unwrap();
    processes::freeze(pid);
    assert!(bench.process().is_alive());
    assert_eq!(bench.process().state(), ProcessState::Running);
    let call = bench.add_two(1, 2);
    processes::thaw(pid);
    assert_eq!(outcome(call), Ok(3));
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    assert!(!bench.process().is_alive());
}

#[test]
fn requested_ends_are_distinguished_from_failures() {
    let asked: [CallError<Never>; 3] =
        [CallError::Stopped, CallError::Cancelled, CallError::Superseded];
    assert!(asked.iter().all(CallError::is_ended_on_request), "{asked:?}");
    let failed: [CallError<String>; 6] = [
        CallError::Raised(String::new()),
        CallError::QueueFull,
        CallError::Encode(String::new()),
        CallError::Decode(String::new()),
        CallError::TimedOut { after: Duration::ZERO },
        CallError::Lost,
    ];
    assert!(!failed.iter().any(CallError::is_ended_on_request), "{failed:?}");
    let bench = ready(builder(CHILD));
    let (running, waiting) = (bench.work(60_000), bench.add_two(1, 2));
    until_begun(&bench, 1);
    bench.process().cancel_all();
    assert!(outcome(running).unwrap_err().is_ended_on_request());
    assert!(outcome(waiting).unwrap_err().is_ended_on_request());
    assert!(!outcome(bench.fail()).unwrap_err().is_ended_on_request());
    let running = bench.work(60_000);
    bench.process().kill();
    assert!(!outcome(running).unwrap_err().is_ended_on_request(), "it was lost with the child");
}

#[test]
fn an_exception_carries_the_backtrace_of_a_panic() {
    for (wanted, backtrace) in [("1", true), ("0", false)] {
        let bench =
            ready(builder(CHILD).env("RUST_BACKTRACE", wanted).env_remove("RUST_LIB_BACKTRACE"));
        let (told, exceptions) = mpsc::channel();
        bench.signals().exception_raised.connect(move |it| told.send(it.clone()).unwrap());
        let error = outcome(bench.panic_with("on purpose".into())).unwrap_err();
        let CallError::Panicked(report) = error else { panic!("{error:?}") };
        let exception = exceptions.recv_timeout(LONG).unwrap();
        assert_eq!(exception.kind, ExceptionKind::Panicked);
        assert_eq!(exception.backtrace, report.backtrace);
        assert_eq!(exception.backtrace.contains("panic_with"), backtrace, "{exception:?}");
    }
}

/// Each wait is the previous one times the factor.
#[test]
fn waits_between_restarts_grow_by_the_factor() {
    let policy = RestartPolicy::on_crash().backoff(Backoff {
        first: Duration::from_millis(3),
        longest: LONG,
        factor: 4,
    });
    let bench = builder(CHILD).restart(policy).build().unwrap();
    let (told, delays) = mpsc::channel();
    bench.process().signals().restarting.connect(move |it| told.send(it.delay).unwrap());
    bench.process().start().unwrap();
    for expected in [3, 12, 48] {
        bench.process().wait_ready(LONG).unwrap();
        processes::kill(bench.process().pid().unwrap());
        assert_eq!(delays.recv_timeout(LONG), Ok(Duration::from_millis(expected)));
        until("it is back", || bench.process().state() == ProcessState::Running);
    }
}

#[test]
fn a_signal_that_ends_a_child_is_named() {
    for (signal, name) in [
        (rustix::process::Signal::USR1, "killed by signal 10 (SIGUSR1)"),
        (rustix::process::Signal::USR2, "killed by signal 12 (SIGUSR2)"),
        (rustix::process::Signal::VTALARM, "killed by signal 26 (SIGVTALRM)"),
    ] {
        let bench = ready(builder(CHILD));
        processes::signal(bench.process().pid().unwrap(), signal);
        let status = bench.process().join(LONG).unwrap();
        assert_eq!(status.to_string(), name);
    }
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

/// A child whose cleanup waits for the others' cleanup to begin.
mod meeting {
    use super::{Duration, Instant, LONG, fs, thread};

    #[mpcore::process(config = (String, u32, u32))]
    pub(super) trait Guest {}

    #[derive(mpcore::Child)]
    #[child(Guest)]
    pub(super) struct GuestProcess {
        /// The folder to meet in, the number of this child, and how many children there are.
        config: (String, u32, u32),
    }

    impl Guest for GuestProcess {
        fn cleanup(&mut self) {
            let (folder, number, all) = &self.config;
            fs::write(format!("{folder}/{number}"), "").expect("it is there");
            let deadline = Instant::now() + LONG;
            let here = |number: u32| fs::exists(format!("{folder}/{number}")).unwrap_or(false);
            while !(0..*all).all(here) {
                assert!(Instant::now() < deadline, "the others do not come");
                thread::sleep(Duration::from_millis(2));
            }
        }
    }
}

/// Otherwise it would take the sum of all graces.
#[test]
fn shutdown_stops_all_children_at_once() {
    use meeting::{GuestControl, GuestProcess};
    // It ends all children of its process.
    in_own_process("ends::process_handle::shutdown_stops_all_children_at_once", || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_string_lossy().into_owned();
        let guests = [0, 1, 2].map(|number| {
            let builder = GuestControl::builder().child::<GuestProcess>().stop_grace(LONG * 3);
            let guest = builder.config((path.clone(), number, 3)).spawn().unwrap();
            guest.process().wait_ready(LONG).unwrap();
            guest
        });
        assert_eq!(mpcore::shutdown(LONG * 3), Ok(()));
        for guest in guests {
            let report = guest.process().exit_report().unwrap();
            assert!(report.cleanup_panic.is_none() && !report.killed, "{report}");
        }
    });
}
