//! The processes that a child has started: which of them end with the child.

use std::thread;
use std::time::{Duration, Instant};

use nix::unistd::{Pid, getsid};
use rustix::process::Signal;
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{outcome, processes, until};

use super::{CHILD, ProcessEnd, joined};

#[test]
fn grandchildren_end_with_the_child_however_it_ends() {
    let ends: [(&str, ProcessEnd); 5] = [
        ("stop", |bench| bench.process().stop()),
        ("kill", |bench| bench.process().kill()),
        ("exit", |bench| drop(bench.exit_with(0))),
        ("kill -9", |bench| processes::kill(bench.process().pid().unwrap())),
        ("SIGTERM", |bench| processes::signal(bench.process().pid().unwrap(), Signal::TERM)),
    ];
    for (name, end) in ends {
        let bench = ready(builder(CHILD));
        let grandchildren: Vec<_> =
            (0..3).map(|_| outcome(bench.start_grandchild()).unwrap()).collect();
        assert!(grandchildren.iter().all(|pid| !processes::has_ended(*pid)), "{name}");
        end(&bench);
        joined(&bench);
        processes::until_ended(&grandchildren);
    }
}

/// Regression: they were not reached by the signal to the child's group.
#[test]
#[cfg(target_os = "linux")]
fn grandchildren_in_their_own_group_end_with_a_stopped_child() {
    let ends: [(&str, ProcessEnd); 4] = [
        ("stop", |bench| bench.process().stop()),
        ("kill", |bench| bench.process().kill()),
        ("SIGTERM", |bench| processes::signal(bench.process().pid().unwrap(), Signal::TERM)),
        ("a stop that is not heeded", |bench| {
            bench.ignore_everything(600_000);
            until_begun(bench, 1);
            bench.process().stop();
        }),
    ];
    for (name, end) in ends {
        let bench = ready(builder(CHILD).stop_grace(Duration::from_millis(100)));
        let job = outcome(bench.start_job()).unwrap();
        let group = outcome(bench.start_grandchild()).unwrap();
        let runaway = outcome(bench.start_runaway()).unwrap();
        let pid = Pid::from_raw(i32::try_from(runaway).unwrap());
        // Before that its session is 0 if the leader is outside of the namespace, which rustix
        // considers impossible.
        until("it has a session of its own", || getsid(Some(pid)) == Ok(pid));
        end(&bench);
        joined(&bench);
        processes::until_ended(&[job[0], job[1], group]);
        assert!(!processes::has_ended(runaway), "{name}: a session of its own is a declared limit");
        processes::kill(runaway);
    }
}

/// Regression: a supervisor in the child saw its job end before its own kill came, and started
/// another one.
#[test]
#[cfg(target_os = "linux")]
fn restarted_jobs_end_with_a_killed_child() {
    let mark = format!("SUPERVISED_BY={}", std::process::id());
    let (name, value) = mark.split_once('=').unwrap();
    for _ in 0..10 {
        let bench = ready(builder(CHILD));
        outcome(bench.supervise_jobs(20, (name.into(), value.into()))).unwrap();
        bench.process().kill();
        joined(&bench);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes::marked(&mark).is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    let left = processes::marked(&mark);
    left.iter().for_each(|pid| processes::kill_if_there(*pid));
    assert!(left.is_empty(), "{} of 200 jobs live on", left.len());
}

/// A declared limit: they have no parent any more by the time the end is known.
#[test]
#[cfg(target_os = "linux")]
fn grandchildren_in_their_own_group_outlive_a_crash() {
    let ends: [ProcessEnd; 2] =
        [|bench| drop(bench.exit_with(0)), |bench| processes::kill(bench.process().pid().unwrap())];
    for end in ends {
        let bench = ready(builder(CHILD));
        let job = outcome(bench.start_job()).unwrap();
        end(&bench);
        joined(&bench);
        let live = job.iter().all(|pid| !processes::has_ended(*pid));
        job.into_iter().for_each(processes::kill_if_there);
        assert!(live, "the limit no longer exists: change the documentation");
    }
}
