//! `start` and `restart` by hand: after every kind of end, while the child is stopping, and when a
//! start is refused.

use std::time::Duration;

use mpcore::{ProcessState, StartError};
use system_tests::bench::{builder, ready, until_begun};
use system_tests::{Journal, LONG, outcome, processes, until};

use super::{CHILD, Logged, ProcessEnd, joined};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_running_child_is_not_started_twice() {
    let bench = ready(builder(CHILD).stop_grace(SHORT));
    let pid = bench.process().pid();
    assert!(matches!(
        bench.process().start(),
        Err(StartError::AlreadyRunning { state: ProcessState::Running })
    ));
    bench.ignore_everything(600_000);
    until_begun(&bench, 1);
    bench.process().stop();
    let refused = bench.process().start().unwrap_err();
    assert!(
        matches!(refused, StartError::AlreadyRunning { state: ProcessState::Stopping }),
        "{refused}"
    );
    assert!(refused.to_string().contains("restart"), "the error says what to do: {refused}");
    joined(&bench);
    bench.process().start().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    assert_ne!(bench.process().pid(), pid);
    assert_eq!(bench.process().generation(), 2);
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
}

#[test]
fn a_child_can_be_started_after_every_kind_of_end() {
    let bench = builder(CHILD).build().unwrap();
    let ends: [ProcessEnd; 4] = [
        |bench| bench.process().stop(),
        |bench| bench.process().kill(),
        |bench| drop(bench.exit_with(1)),
        |bench| processes::kill(bench.process().pid().unwrap()),
    ];
    for (number, end) in ends.iter().enumerate() {
        bench.process().start().unwrap();
        bench.process().wait_ready(LONG).unwrap();
        assert_eq!(bench.process().generation(), number as u32 + 1);
        assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
        end(&bench);
        joined(&bench);
    }
}

#[test]
fn a_restart_ends_the_run_and_begins_the_next() {
    let logged = Logged::new();
    let bench = logged.builder().build().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    bench.process().start().unwrap();
    journal.until_line("ready");
    let first = bench.process().pid().unwrap();
    bench.process().restart().unwrap();
    let lines = journal.until_lines("ready", 2);
    let start = ["state starting", "started", "state running", "ready"];
    let end = ["state stopping", "state finished", "finished finished"];
    assert_eq!(lines, [&start[..], &end, &start].concat());
    let second = bench.process().pid().unwrap();
    assert_eq!((bench.process().generation(), logged.pids()), (2, vec![first]));
    assert_ne!(first, second);
    assert_eq!(outcome(bench.surroundings()).map(|it| it.generation), Ok(2));

    bench.process().stop();
    joined(&bench);
    bench.process().restart().unwrap();
    bench.process().wait_ready(LONG).unwrap();
    assert_eq!(bench.process().generation(), 3, "an ended child is started");
}

#[test]
fn of_restart_and_stop_while_stopping_the_last_one_counts() {
    let bench = ready(builder(CHILD).stop_grace(SHORT));
    bench.ignore_everything(600_000);
    until_begun(&bench, 1);
    bench.process().stop();
    bench.process().restart().unwrap();
    until("the next run", || bench.process().generation() == 2);
    bench.process().wait_ready(LONG).unwrap();

    bench.ignore_everything(600_000);
    until_begun(&bench, 1);
    bench.process().restart().unwrap();
    bench.process().stop();
    let report = joined(&bench);
    assert_eq!((report.generation, bench.process().generation()), (2, 2));
    assert_eq!(bench.process().state(), ProcessState::Finished);
}

#[test]
fn restarts_in_a_row_leave_one_process() {
    let bench = builder(CHILD).build().unwrap();
    let journal = Journal::new();
    journal.follow(bench.process());
    for _ in 0..10 {
        bench.process().restart().unwrap();
    }
    until("the last one runs", || bench.process().state() == ProcessState::Running);
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    bench.process().stop();
    joined(&bench);
    let lines = journal.until("every run's end", |lines| {
        let count = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
        count("finished") == count("started")
    });
    assert!(!lines.iter().any(|line| line == "failed"), "{lines:?}");
}

#[test]
fn a_start_while_stopping_reports_what_to_wait_for() {
    let bench = ready(builder(CHILD).stop_grace(LONG));
    let busy = bench.work_on(60_000);
    until_begun(&bench, 1);
    let refused = bench.process().start().unwrap_err();
    assert!(matches!(refused, StartError::AlreadyRunning { state: ProcessState::Running }));
    let text = "the child is running already; `stop` it first, or use `restart`";
    assert_eq!(refused.to_string(), text);
    bench.process().stop();
    if let Err(refused) = bench.process().start() {
        let text = "the child is stopping already; wait for its end with `join`, or use `restart`";
        assert_eq!(refused.to_string(), text);
    }
    bench.process().kill();
    let _ = outcome(busy);
}
