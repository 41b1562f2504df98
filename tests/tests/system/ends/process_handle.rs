//! What a `Process`, an outcome and an exception report about themselves: names, states, ends and
//! backtraces.

use std::sync::mpsc;
use std::time::Duration;

use mpcore::{CallError, ExceptionKind, Never, ProcessState};
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{LONG, outcome, processes};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

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
