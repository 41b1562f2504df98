//! A child that ends by itself is restarted by its policy: which signals come, what happens to
//! commands and properties, and who can override the policy.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use mpcore::{
    Backoff, Call, CallError, ControlBuilder, ExceptionKind, GiveUpReason, Inbox, ProcessState,
    ReadyError, RestartPolicy, RunFailure, WaitError,
};
use rustix::process::Signal;
use system_tests::phoenix::{PhoenixConfig, PhoenixControl, PhoenixProcess, runs};
use system_tests::transport::transport;
use system_tests::{
    BenchConfig, BenchControl, Blob, Journal, LONG, in_own_process, outcome, processes, until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_phoenix_child");

/// Restarts soon, and without a limit.
fn soon() -> RestartPolicy {
    let delay = Duration::from_millis(10);
    RestartPolicy::on_crash().backoff(Backoff::constant(delay)).intensity(10_000, LONG)
}

/// The next run would begin only after the end of the test.
fn late(policy: RestartPolicy) -> RestartPolicy {
    policy.backoff(Backoff::constant(100 * LONG))
}

fn builder() -> ControlBuilder<PhoenixControl> {
    let quiet = mpcore::OutputMode::Null;
    let builder = PhoenixControl::builder().program(CHILD).stdout(quiet).stderr(quiet);
    builder.config(PhoenixConfig::default()).transport(transport())
}

#[track_caller]
fn ready(builder: ControlBuilder<PhoenixControl>) -> PhoenixControl {
    let phoenix = builder.spawn().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    phoenix
}

#[track_caller]
fn kill(phoenix: &PhoenixControl) {
    processes::kill(phoenix.process().pid().expect("there is a process"));
}

/// Kills the child, and returns during the long delay before the next run.
#[track_caller]
fn kill_and_wait(phoenix: &PhoenixControl) {
    kill(phoenix);
    phoenix.process().join(LONG).unwrap();
    assert!(phoenix.process().restart_pending());
}

#[track_caller]
fn until_run(phoenix: &PhoenixControl, generation: u32) {
    until("the next run", || phoenix.process().generation() == generation);
    phoenix.process().wait_ready(LONG).unwrap();
}

/// A folder with a log of the executed commands.
struct Logged {
    folder: tempfile::TempDir,
}

impl Logged {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> PhoenixConfig {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        PhoenixConfig {
            log: text(self.path("log")),
            bad_start: Some(text(self.path("bad_start"))),
            grows_timid: false,
        }
    }

    fn runs(&self) -> Vec<String> {
        runs(&self.path("log"))
    }

    /// Makes starts fail from now on.
    fn spoil_starts(&self, how: &str) {
        std::fs::write(self.path("bad_start"), how).unwrap();
    }

    fn mend_starts(&self) {
        std::fs::remove_file(self.path("bad_start")).unwrap();
    }
}

/// Records all lifecycle signals of the child, including restarts.
fn follow(phoenix: &PhoenixControl) -> Journal {
    let journal = Journal::new();
    journal.follow(phoenix.process());
    let note = journal.clone();
    phoenix.process().signals().restarting.connect(move |next| {
        note.note(format!("restarting {} in {:?}", next.attempt, next.delay));
    });
    let note = journal.clone();
    phoenix.process().signals().gave_up.connect(move |end| {
        note.note(format!("gave up: {}", end.reason));
    });
    journal
}

fn exited<T, E>(outcome: &Result<T, CallError<E>>, generation: u32) -> bool {
    matches!(outcome, Err(CallError::Exited(report)) if report.generation == generation)
}

// ---- policies

/// How a run is ended, whether that is a crash, and whether the end was not requested here.
type ProcessEnd = (&'static str, fn(&PhoenixControl), bool, bool);

const ENDS: [ProcessEnd; 9] = [
    ("SIGKILL", kill, true, true),
    ("abort", |phoenix| drop(phoenix.measure_once(String::new(), 9)), true, true),
    ("exit(3)", |phoenix| drop(phoenix.exit_with(3)), true, true),
    ("broken", |phoenix| drop(phoenix.babble()), true, true),
    ("exit(0)", |phoenix| drop(phoenix.exit_with(0)), true, true),
    (
        "SIGTERM",
        |phoenix| processes::signal(phoenix.process().pid().unwrap(), Signal::TERM),
        false,
        true,
    ),
    ("stop", |phoenix| phoenix.process().stop(), false, false),
    ("terminate", |phoenix| phoenix.process().terminate(), false, false),
    ("kill", |phoenix| phoenix.process().kill(), false, false),
];

fn check_policy(policy: RestartPolicy, restarts: impl Fn(bool, bool) -> bool) {
    for (name, end, crash, by_itself) in ENDS {
        let phoenix = ready(builder().restart(late(policy)));
        phoenix.signals().mutter.connect(|_| {});
        end(&phoenix);
        phoenix.process().join(LONG).unwrap();
        let pending = phoenix.process().restart_pending();
        assert_eq!(pending, restarts(crash, by_itself), "{policy:?} {name}");
    }
}

#[test]
fn never_restarts_after_nothing() {
    check_policy(RestartPolicy::never(), |_, _| false);
}

#[test]
fn on_crash_restarts_after_a_crash() {
    check_policy(RestartPolicy::on_crash(), |crash, _| crash);
}

#[test]
fn always_restarts_after_ends_that_were_not_requested() {
    check_policy(RestartPolicy::always(), |_, by_itself| by_itself);
}

#[test]
fn a_restart_keeps_handles_connections_and_mirrors() {
    let phoenix = builder().restart(soon()).build().unwrap();
    let (clone, weak) = (phoenix.clone(), phoenix.downgrade());
    let journal = follow(&phoenix);
    let note = journal.clone();
    phoenix.signals().add_finished.connect(move |sum| note.note(format!("sum {sum}")));
    phoenix.process().start().unwrap();
    journal.until_line("ready");
    let first = phoenix.process().pid().unwrap();
    outcome(phoenix.set_power(2.5)).unwrap();
    assert_eq!(outcome(phoenix.add(1, 2)), Ok(3));
    kill(&phoenix);
    let lines = journal.until_lines("ready", 2);
    let start = ["state starting", "started", "state running", "ready"];
    let end = ["failed", "state crashed", "finished crashed", "restarting 1 in 10ms"];
    assert_eq!(lines, [&start[..], &["sum 3"], &end, &start].concat());

    assert_ne!(phoenix.process().pid().unwrap(), first);
    assert!(processes::is_gone(first));
    assert!(!phoenix.process().restart_pending());
    assert_eq!(phoenix.power().to_bits(), 1.0_f64.to_bits(), "as every run begins");
    assert_eq!(outcome(clone.generation()), Ok(2));
    outcome(weak.upgrade().unwrap().add(2, 3)).unwrap();
    journal.until_line("sum 5");
}

#[test]
fn delays_grow_until_it_gives_up_and_a_manual_start_works() {
    let logged = Logged::new();
    let milliseconds = Duration::from_millis;
    let policy = RestartPolicy::on_crash()
        .backoff(Backoff { first: milliseconds(10), longest: milliseconds(30), factor: 2 })
        .intensity(3, LONG);
    let phoenix = ready(builder().config(logged.config()).restart(policy));
    let journal = follow(&phoenix);
    let ends = phoenix.process().signals().gave_up.receiver();
    logged.spoil_starts("abort");
    kill(&phoenix);
    until("it ends", || !phoenix.process().is_alive());
    // These wait for a run that never comes.
    let waiting: Vec<_> = (0..3).map(|number| phoenix.add(number, 1)).collect();
    let refused = phoenix.process().wait_ready(LONG);
    let Err(ReadyError::Failed(RunFailure::EndedBeforeReady { .. })) = refused else {
        panic!("it waits through all of them: {refused:?}")
    };
    let lines = journal.until_line("gave up");
    let told: Vec<_> = lines.iter().filter(|line| line.starts_with("restarting")).collect();
    assert_eq!(told, ["restarting 1 in 10ms", "restarting 2 in 20ms", "restarting 3 in 30ms"]);
    let last = ["failed", "state failed", "finished failed"];
    let given_up = format!("gave up: it was restarted 3 times within {LONG:?}");
    assert_eq!(lines[lines.len() - 4..], [&last[..], &[&given_up]].concat());
    let end = ends.recv_timeout(LONG).unwrap().0;
    assert_eq!(end.reason, GiveUpReason::TooManyRestarts { restarts: 3, within: LONG });
    assert_eq!(end.report.generation, 4);
    assert!(
        waiting.into_iter().all(|call| exited(&outcome(call), 4)),
        "they end with the last run"
    );
    assert!(exited(&outcome(phoenix.add(1, 2)), 4), "and so does what comes later");
    assert!(!phoenix.process().restart_pending());

    logged.mend_starts();
    phoenix.process().start().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    kill(&phoenix);
    journal.until_lines("restarting 1 in 10ms", 2);
    until_run(&phoenix, 6);
}

#[test]
fn a_permanent_failure_is_not_retried() {
    let check = |what: &str, policy: RestartPolicy, program: &str| {
        let phoenix = builder().program(program).restart(policy).build().unwrap();
        let journal = follow(&phoenix);
        let call = phoenix.add(1, 2);
        phoenix.process().start().unwrap();
        journal.until_line("gave up: another start would fail in the same way");
        assert_eq!(phoenix.process().generation(), 1, "{what}");
        assert!(exited(&outcome(call), 1), "{what}");
    };
    check("no such program", RestartPolicy::always(), "/nowhere/phoenix");
    check("no child", RestartPolicy::on_crash(), "true");

    let quiet = mpcore::OutputMode::Null;
    let bench = BenchControl::builder().program(CHILD).stderr(quiet).restart(soon());
    let bench = bench.config(BenchConfig::default()).transport(transport()).build().unwrap();
    let ends = bench.process().signals().gave_up.receiver();
    bench.process().start().unwrap();
    let end = ends.recv_timeout(LONG).unwrap().0;
    assert!(matches!(end.report.failure, Some(RunFailure::Mismatch(_))), "{end}");
    assert_eq!((end.reason, end.report.generation), (GiveUpReason::Hopeless, 1));
}

#[test]
fn commands_wait_through_starts_that_fail() {
    for how in ["error", "abort"] {
        let logged = Logged::new();
        logged.spoil_starts(how);
        let phoenix = builder().config(logged.config()).restart(soon()).build().unwrap();
        let calls: Vec<_> = (0..10).map(|number| phoenix.add(number, number)).collect();
        let large = phoenix.weigh(Blob::numbered(1 << 20), 0);
        phoenix.process().start().unwrap();
        let later = phoenix.measure_once("later".into(), 0);
        until("two starts have failed", || phoenix.process().generation() > 2);
        logged.mend_starts();
        let run = outcome(later).unwrap();
        assert!(run > 2);
        for (number, call) in calls.into_iter().enumerate() {
            assert_eq!(outcome(call), Ok(2 * number as i32));
        }
        assert_eq!(outcome(large), Ok(run));
        assert_eq!(logged.runs(), [format!("load {run}"), format!("later {run}")], "each once");
        let report = phoenix.process().exit_report().unwrap();
        assert_eq!(report.commands_lost, 0, "none was lost");
    }
}

// ---- nothing of the old child

/// Records the child's own signals, each with the run that it names.
fn follow_runs(
    phoenix: &PhoenixControl,
    inbox: &Inbox,
    seen: &Arc<Mutex<Vec<(&'static str, u32)>>>,
) {
    fn note(
        seen: &Arc<Mutex<Vec<(&'static str, u32)>>>,
        what: &'static str,
    ) -> impl Fn(u32) + use<> {
        let seen = Arc::clone(seen);
        move |generation| seen.lock().unwrap().push((what, generation))
    }
    let (signals, life) = (phoenix.signals(), phoenix.process().signals());
    let told = note(seen, "spark");
    signals.spark.connect_local(inbox, move |generation, _| told(*generation));
    let told = note(seen, "flicker");
    signals.flicker.connect_local(inbox, move |generation| told(*generation));
    let told = note(seen, "level");
    signals.level_changed.connect_local_from_now(inbox, move |level| told(level / 1000));
    let told = note(seen, "started");
    life.started.connect_local(inbox, move |_| told(0));
    let told = note(seen, "finished");
    life.finished.connect_local(inbox, move |report| told(report.generation));
}

fn drain(inbox: &Inbox) {
    while inbox.drain(Duration::from_secs(1)).more {}
}

/// Checks that everything between `started` and `finished` of a run belongs to that run.
#[track_caller]
fn assert_each_in_its_run(seen: &[(&'static str, u32)], runs: u32) {
    let (mut current, mut running) = (0, false);
    for (place, (what, generation)) in seen.iter().enumerate() {
        match *what {
            "started" => {
                assert!(!running, "{place}: the one before has finished");
                (current, running) = (current + 1, true);
            }
            "finished" => {
                assert_eq!((*generation, running), (current, true), "{place}");
                running = false;
            }
            // Initial values belong to no run.
            "level" if *generation == 0 => {}
            what => assert_eq!((*generation, running), (current, true), "{place}: {what}"),
        }
    }
    assert_eq!(current, runs);
}

#[test]
fn no_signal_of_the_old_child_follows_the_new_start() {
    let (woken, events) = mpsc::channel();
    let inbox = Inbox::new(move || woken.send(()).unwrap_or_default());
    let phoenix = builder().restart(soon()).inbox(&inbox).build().unwrap();
    let seen = Arc::default();
    follow_runs(&phoenix, &inbox, &seen);
    phoenix.process().start().unwrap();
    let runs = 6;
    for generation in 1..=runs {
        until("the run begins", || {
            if events.try_recv().is_ok() {
                inbox.drain(Duration::from_millis(50));
            }
            phoenix.process().generation() == generation
                && phoenix.process().state() == ProcessState::Running
        });
        let glowing = phoenix.glow();
        let sparks = |seen: &Mutex<Vec<_>>| {
            seen.lock().unwrap().iter().filter(|it| **it == ("spark", generation)).count()
        };
        until("it floods", || {
            if events.try_recv().is_ok() {
                inbox.drain(Duration::from_millis(50));
            }
            sparks(&seen) > 1000
        });
        drop(glowing);
        kill(&phoenix);
    }
    until("the last has ended", || {
        drain(&inbox);
        seen.lock().unwrap().contains(&("finished", runs))
    });
    phoenix.process().stop();
    drain(&inbox);
    let seen = seen.lock().unwrap();
    println!("{} signals in {runs} runs", seen.len());
    let last = seen.iter().position(|it| *it == ("finished", runs)).unwrap();
    assert_each_in_its_run(&seen[..=last], runs);
}

#[test]
fn an_inbox_drained_late_delivers_one_run_after_the_other() {
    let inbox = Inbox::new(|| {});
    let phoenix = builder().restart(soon()).inbox(&inbox).build().unwrap();
    let seen = Arc::default();
    follow_runs(&phoenix, &inbox, &seen);
    phoenix.process().start().unwrap();
    for generation in 1..=3 {
        until_run(&phoenix, generation);
        assert!(exited(&outcome(phoenix.burn(20)), generation));
    }
    until_run(&phoenix, 4);
    assert_eq!(*seen.lock().unwrap(), [], "it was not drained");
    drain(&inbox);
    let seen = seen.lock().unwrap();
    assert_each_in_its_run(&seen, 4);
    for generation in 1..=3 {
        let count = |what| seen.iter().filter(|it| **it == (what, generation)).count();
        // With a spark between them, none of the values overtakes it.
        assert_eq!([count("spark"), count("flicker"), count("level")], [20, 20, 20]);
    }
}

#[test]
fn a_late_inbox_delivers_old_values_then_the_initial_one() {
    let inbox = Inbox::new(|| {});
    let phoenix = builder().restart(soon()).inbox(&inbox).build().unwrap();
    let journal = follow(&phoenix);
    let note = journal.clone();
    phoenix.signals().level_changed.connect_local_from_now(&inbox, move |level| {
        note.note(format!("level {level}"));
    });
    let note = journal.clone();
    phoenix.process().signals().progress.connect(move |progress| {
        note.note(format!("progress {}", progress.fraction));
    });
    phoenix.process().start().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    drop(phoenix.burn(2));
    until_run(&phoenix, 2);
    assert_eq!(phoenix.level(), 0, "the mirror is the new run's");
    drain(&inbox);
    let start = ["started", "state running", "ready"];
    let end = ["failed", "state crashed", "finished crashed", "restarting 1 in 10ms"];
    let burning = ["level 1001", "progress 0.5", "level 1002", "progress 1"];
    let expected =
        [&["state starting"][..], &start, &burning, &end, &["state starting", "level 0"], &start];
    assert_eq!(journal.lines(), expected.concat());
}

#[test]
fn an_invalid_message_of_the_old_run_does_not_end_the_new_one() {
    let inbox = Inbox::new(|| {});
    let phoenix = builder().restart(soon()).inbox(&inbox).build().unwrap();
    phoenix.signals().mutter.connect_local(&inbox, |_| {});
    phoenix.process().start().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    drop(phoenix.babble());
    until_run(&phoenix, 2);
    drain(&inbox);
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.process().state(), ProcessState::Running);

    // Nor does it end its own run, which ends by itself.
    drop(phoenix.glow());
    let babbling = phoenix.babble();
    until("the message arrives", || {
        drain(&inbox);
        phoenix.process().generation() == 3
    });
    assert!(exited(&outcome(babbling), 2));
    let failure = phoenix.process().exit_report().unwrap().failure.clone();
    assert!(!matches!(failure, Some(RunFailure::Broken(_))), "{failure:?}");
}

// ---- commands

#[test]
fn commands_lost_in_a_crash_fail_and_later_ones_are_answered() {
    let logged = Logged::new();
    let policy =
        soon().backoff(Backoff { first: Duration::from_secs(1), longest: LONG, factor: 2 });
    let phoenix = ready(builder().config(logged.config()).restart(policy));
    // Stopped until all are submitted: after the crash they would wait for the next run.
    let pid = phoenix.process().pid().unwrap();
    let (taken, behind) = processes::while_frozen(pid, || {
        let taken = phoenix.measure_once("taken".into(), 1);
        let behind = (0..100).map(|_| phoenix.measure_once("behind".into(), 0));
        (taken, behind.collect::<Vec<_>>())
    });
    phoenix.process().join(LONG).unwrap();
    assert!(phoenix.process().restart_pending());
    let later: Vec<_> =
        (0..100).map(|number| phoenix.measure_once(format!("later {number}"), 0)).collect();
    let cancelled = phoenix.measure_once("cancelled".into(), 0);
    let large = phoenix.weigh(Blob::numbered(2 << 20), 0);
    cancelled.cancel();
    assert_eq!(outcome(cancelled), Err(CallError::Cancelled));
    assert!(phoenix.process().restart_pending(), "they wait");

    assert!(exited(&outcome(taken), 1));
    assert!(behind.into_iter().all(|call| exited(&outcome(call), 1)));
    assert!(later.into_iter().all(|call| outcome(call) == Ok(2)));
    assert_eq!(outcome(large), Ok(2));
    let mut expected = vec!["taken 1".to_owned()];
    expected.extend((0..100).map(|number| format!("later {number} 2")));
    expected.push("load 2".into());
    assert_eq!(logged.runs(), expected);
    assert_eq!(phoenix.process().exit_report().unwrap().commands_lost, 101);
}

#[test]
fn an_idempotent_command_is_run_once_more_in_its_place() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    let (sender, told) = mpsc::channel();
    let tell = |name: &'static str, call: Call<u32>| {
        let sender = sender.clone();
        call.on_done(move |outcome| drop(sender.send((name, outcome))));
    };
    tell("first", phoenix.measure("first".into(), 1));
    tell("once", phoenix.measure_once("once".into(), 0));
    tell("second", phoenix.measure("second".into(), 0));
    tell("load", phoenix.weigh(Blob::numbered(3 << 20), 0));
    until("the crash", || phoenix.process().exit_report().is_some());
    tell("later", phoenix.measure_once("later".into(), 0));
    let mut outcomes: Vec<_> = (0..5).map(|_| told.recv_timeout(LONG).unwrap()).collect();
    let once = outcomes.iter().position(|(name, _)| *name == "once").unwrap();
    assert!(exited(&outcomes.remove(once).1, 1));
    let answered = ["first", "second", "load", "later"].map(|name| (name, Ok(2)));
    assert_eq!(outcomes, answered);
    assert_eq!(logged.runs(), ["first 1", "first 2", "second 2", "load 2", "later 2"]);
    assert_eq!(phoenix.process().exit_report().unwrap().commands_lost, 1);
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert!(told.try_recv().is_err(), "each has one outcome");
    assert_eq!(phoenix.process().pending_commands(), 0);
}

#[test]
fn an_idempotent_command_with_large_arguments_is_run_once_more() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    assert_eq!(outcome(phoenix.weigh(Blob::numbered(5 << 20), 1)), Ok(2));
    assert_eq!(logged.runs(), ["load 1", "load 2"]);
}

#[test]
fn an_idempotent_command_fails_after_the_second_crash() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    let poison = phoenix.measure("poison".into(), u32::MAX);
    assert!(exited(&outcome(poison), 2));
    assert_eq!(outcome(phoenix.generation()), Ok(3));
    assert_eq!(logged.runs(), ["poison 1", "poison 2"]);
}

#[test]
fn a_cancelled_or_stopped_idempotent_command_is_not_run_again() {
    let logged = Logged::new();
    let phoenix = ready(builder().config(logged.config()).restart(soon()));
    // Cancelled, but the child does not receive it any more.
    let call = phoenix.wait_for_the_end("cancelled".into());
    until("it has begun", || phoenix.begun() == 1);
    processes::freeze(phoenix.process().pid().unwrap());
    call.cancel();
    kill(&phoenix);
    assert!(exited(&outcome(call), 1));
    // Stopped, by a restart by hand.
    until_run(&phoenix, 2);
    let call = phoenix.wait_for_the_end("stopped".into());
    until("it has begun", || phoenix.begun() == 1);
    phoenix.process().restart().unwrap();
    assert_eq!(outcome(call), Err(CallError::Stopped));
    // Without a next run.
    until_run(&phoenix, 3);
    assert_eq!(logged.runs(), ["cancelled 1", "stopped 2"]);
    let never = ready(builder().config(logged.config()));
    assert!(exited(&outcome(never.measure("never".into(), 1)), 1));
    assert_eq!(logged.runs().last().unwrap(), "never 1");
}

#[test]
fn commands_in_flight_end_once_over_many_restarts() {
    let phoenix = ready(builder().restart(soon()));
    let (sender, told) = mpsc::channel();
    let mut submitted = 0;
    // The same steps in each run of the test; the moments differ.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for step in 0..120 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        for number in 0..state % 40 {
            let sender = sender.clone();
            submitted += 1;
            match number % 4 {
                0 => phoenix
                    .measure("m".into(), 0)
                    .on_done(move |_| sender.send(()).unwrap_or_default()),
                1 => phoenix.weigh(Blob::numbered(100_000), 0).on_done(move |_| {
                    sender.send(()).unwrap_or_default();
                }),
                2 => {
                    let call = phoenix.add(1, 2);
                    call.cancel();
                    call.on_done(move |_| sender.send(()).unwrap_or_default());
                }
                _ => phoenix.add(1, 2).on_done(move |_| sender.send(()).unwrap_or_default()),
            }
        }
        match (state >> 32) % 6 {
            0 => phoenix.process().restart().unwrap(),
            1 | 2 => {
                if let Some(pid) = phoenix.process().pid() {
                    // It may have just ended.
                    let _ =
                        std::process::Command::new("kill").arg("-9").arg(pid.to_string()).status();
                }
            }
            3 => {
                phoenix.process().stop();
                let _ = phoenix.process().start();
            }
            4 => until("some answers", || step > 110 || phoenix.process().pending_commands() < 20),
            _ => {}
        }
        if !phoenix.process().is_alive() && !phoenix.process().restart_pending() {
            let _ = phoenix.process().start();
        }
    }
    phoenix.process().stop();
    for number in 0..submitted {
        assert!(told.recv_timeout(LONG).is_ok(), "{number} of {submitted} outcomes");
    }
    until("all has ended", || !phoenix.process().is_alive());
    assert_eq!(phoenix.process().pending_commands(), 0);
    assert!(told.recv_timeout(Duration::from_millis(50)).is_err(), "each ends once");
}

// ---- properties

#[test]
fn accepted_writes_are_replayed_before_waiting_commands() {
    let policy = late(RestartPolicy::on_crash());
    let phoenix = ready(builder().restart(policy).reapply_properties());
    let journal = Journal::new();
    let note = journal.clone();
    phoenix.process().signals().call_ended.connect(move |end| {
        note.note(format!("ended {}", end.command));
    });
    let note = journal.clone();
    phoenix.signals().label_changed.connect(move |label| note.note(format!("label {label:?}")));
    journal.until_line("label");
    outcome(phoenix.set_power(2.0)).unwrap();
    outcome(phoenix.set_label("left".into())).unwrap();
    outcome(phoenix.set_power(2.5)).unwrap();
    assert!(matches!(outcome(phoenix.set_power(9.0)), Err(CallError::Raised(_))));

    kill_and_wait(&phoenix);
    let waits = phoenix.generation();
    phoenix.process().start().unwrap();
    assert_eq!(outcome(waits), Ok(2));
    assert_eq!(
        phoenix.power().to_bits(),
        2.5_f64.to_bits(),
        "the held value is not the refused one"
    );

    // Between two runs it is an ordinary write, and comes after the old one.
    kill_and_wait(&phoenix);
    drop(phoenix.set_label("right".into()));
    phoenix.process().start().unwrap();
    assert_eq!(outcome(phoenix.generation()), Ok(3));
    assert_eq!(phoenix.label(), "right");

    // By a manual restart, and by a stop and a start.
    phoenix.process().restart().unwrap();
    until_run(&phoenix, 4);
    assert_eq!(outcome(phoenix.generation()), Ok(4));
    assert_eq!((phoenix.label().as_str(), phoenix.power().to_bits()), ("right", 2.5_f64.to_bits()));
    phoenix.process().stop();
    phoenix.process().join(LONG).unwrap();
    phoenix.process().start().unwrap();
    assert_eq!(outcome(phoenix.generation()), Ok(5));
    assert_eq!(phoenix.label(), "right");

    let lines = journal.until_lines("ended generation", 4);
    let ended: Vec<_> = lines.iter().filter(|line| line.starts_with("ended")).collect();
    let writes = ["ended set_power", "ended set_label", "ended set_power", "ended set_power"];
    let rest = ["ended generation", "ended set_label"];
    let later = ["ended generation"; 3];
    let expected = [&writes[..], &rest, &later].concat();
    assert_eq!(ended, expected, "replayed writes have no call");
    assert_eq!(journal.count("label \"\""), 1, "a value that is written again is kept meanwhile");
    assert_eq!(phoenix.process().pending_commands(), 0);
}

#[test]
fn a_write_that_the_new_child_refuses_is_reported() {
    let config = PhoenixConfig { grows_timid: true, ..PhoenixConfig::default() };
    let phoenix = ready(builder().config(config).restart(soon()).reapply_properties());
    let raised = phoenix.signals().exception_raised.receiver();
    let write = phoenix.set_power(4.0);
    let number = write.id();
    outcome(write).unwrap();
    kill(&phoenix);
    let crash = raised.recv_timeout(LONG).unwrap().0;
    assert_eq!(crash.kind, ExceptionKind::Crashed { commands_lost: 0 });
    let refusal = raised.recv_timeout(LONG).unwrap().0;
    assert_eq!((refusal.command, refusal.call), (Some("set_power"), Some(number)));
    assert_eq!(
        (refusal.kind, refusal.message.as_str()),
        (ExceptionKind::Raised, "refused: too bright")
    );
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 1.0_f64.to_bits());
}

#[test]
fn a_replayed_write_cannot_be_cancelled_by_its_original_call() {
    let policy = late(RestartPolicy::on_crash());
    let phoenix = ready(builder().restart(policy).reapply_properties());
    let write = phoenix.set_power(2.5);
    until("the write has come back", || phoenix.process().pending_commands() == 0);
    kill_and_wait(&phoenix);
    phoenix.process().start().unwrap();
    write.cancel();
    phoenix.process().cancel_all();
    phoenix.process().wait_ready(LONG).unwrap();
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 2.5_f64.to_bits());
}

#[test]
fn by_default_no_write_is_replayed() {
    let phoenix = ready(builder().restart(soon()));
    outcome(phoenix.set_power(2.5)).unwrap();
    phoenix.process().restart().unwrap();
    until_run(&phoenix, 2);
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 1.0_f64.to_bits());
}

// ---- between two runs

fn check_called_off(call_off: fn(&PhoenixControl)) {
    let phoenix = ready(builder().restart(late(RestartPolicy::on_crash())));
    let journal = follow(&phoenix);
    kill_and_wait(&phoenix);
    journal.until_line("restarting");
    let waiting: Vec<_> = (0..10).map(|number| phoenix.add(number, 1)).collect();
    call_off(&phoenix);
    assert!(!phoenix.process().restart_pending());
    for call in waiting {
        assert_eq!(outcome(call), Err(CallError::Stopped));
    }
    assert!(exited(&outcome(phoenix.add(1, 2)), 1), "as after every end");
    let ready = phoenix.process().wait_ready(LONG);
    assert!(matches!(ready, Err(ReadyError::Failed(RunFailure::Crashed { .. }))), "{ready:?}");
    assert_eq!(
        (phoenix.process().generation(), phoenix.process().state()),
        (1, ProcessState::Crashed)
    );
    phoenix.process().start().unwrap();
    until_run(&phoenix, 2);
}

#[test]
fn a_stop_cancels_the_next_run() {
    check_called_off(|phoenix| phoenix.process().stop());
}

#[test]
fn a_kill_cancels_the_next_run() {
    check_called_off(|phoenix| phoenix.process().kill());
    check_called_off(|phoenix| phoenix.process().terminate());
}

#[test]
fn dropping_the_last_handle_cancels_the_next_run() {
    in_own_process(
        "ends::restart::dropping_the_last_handle_cancels_the_next_run",
        drop_the_last_handle_between_two_runs,
    );
}

fn drop_the_last_handle_between_two_runs() {
    let delay = Duration::from_secs(1);
    let phoenix = ready(builder().restart(soon().backoff(Backoff::constant(delay))));
    let started = phoenix.process().signals().started.receiver();
    kill_and_wait(&phoenix);
    let waiting = phoenix.add(1, 2);
    drop(phoenix);
    assert_eq!(outcome(waiting), Err(CallError::Stopped));
    // All handles are gone before the delay is over; nothing was started.
    assert!(started.recv_timeout(delay + delay / 2).is_err());
    until("no process is left", || processes::children(std::process::id()).is_empty());
}

#[test]
fn a_start_or_restart_between_two_runs_begins_immediately() {
    let begin: [fn(&PhoenixControl); 2] = [
        |phoenix| phoenix.process().start().unwrap(),
        |phoenix| phoenix.process().restart().unwrap(),
    ];
    for begin in begin {
        let phoenix = ready(builder().restart(late(RestartPolicy::on_crash())));
        kill_and_wait(&phoenix);
        let waiting = phoenix.generation();
        begin(&phoenix);
        assert!(!phoenix.process().restart_pending());
        assert_eq!(outcome(waiting), Ok(2));
        assert_eq!(phoenix.process().generation(), 2);
    }
}

#[test]
fn a_start_between_two_runs_replaces_the_one_that_was_due() {
    let delay = Duration::from_secs(1);
    let phoenix = ready(builder().restart(soon().backoff(Backoff::constant(delay))));
    let restarting = phoenix.process().signals().restarting.receiver();
    kill_and_wait(&phoenix);
    restarting.recv_timeout(LONG).unwrap();
    phoenix.process().start().unwrap();
    phoenix.process().stop();
    phoenix.process().join(LONG).unwrap();
    let next = restarting.recv_timeout(delay + delay / 2);
    assert!(next.is_err(), "the alarm of the first run has no effect");
    assert_eq!(phoenix.process().generation(), 2);
}

#[test]
fn wait_ready_waits_across_restarts_and_join_does_not() {
    let delay = Duration::from_secs(1);
    let phoenix = ready(builder().restart(soon().backoff(Backoff::constant(delay))));
    kill(&phoenix);
    let status = phoenix.process().join(LONG).unwrap();
    assert_eq!(status.code(), Some(-9));
    assert!(phoenix.process().restart_pending());
    let soon = Duration::from_millis(1);
    assert_eq!(phoenix.process().wait_ready(soon), Err(ReadyError::Wait(WaitError::Timeout(soon))));
    assert_eq!(phoenix.process().join(LONG).unwrap(), status, "as often as one likes");
    phoenix.process().wait_ready(LONG).unwrap();
    assert_eq!(phoenix.process().generation(), 2);
    phoenix.process().restart().unwrap();
    phoenix.process().wait_ready(LONG).unwrap();
    assert_eq!(phoenix.process().generation(), 3, "of the run that begins");
}

#[test]
fn handlers_may_stop_and_start_the_child_between_two_runs() {
    let phoenix = ready(builder().restart(late(RestartPolicy::on_crash())));
    let journal = follow(&phoenix);
    let weak = phoenix.downgrade();
    phoenix.process().signals().restarting.connect(move |_| {
        let phoenix = weak.upgrade().unwrap();
        match phoenix.process().generation() {
            1 => phoenix.process().start().unwrap(),
            _ => phoenix.process().stop(),
        }
    });
    kill(&phoenix);
    until_run(&phoenix, 2);
    kill(&phoenix);
    journal.until_lines("restarting", 2);
    until("it is called off", || !phoenix.process().restart_pending());
    assert_eq!(phoenix.process().generation(), 2);
}

// ---- nothing is left behind

#[test]
fn two_hundred_restarts_leave_nothing_behind() {
    use system_tests::controller_program::ControllerProgram;
    let folder = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_many_restarts"));
    let command = command.arg(CHILD).arg("200").env("TMPDIR", folder.path());
    let mut program = ControllerProgram::start_command(command);
    let before = program.line("before");
    let after = program.line("after");
    println!("before: {before}\nafter:  {after}");
    assert_eq!(before, after);
    assert_eq!(program.line("left"), "no child");
    assert_eq!(program.end(), 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

// ---- on a thread

fn on_a_thread(logged: &Logged) -> ControlBuilder<PhoenixControl> {
    PhoenixControl::builder().in_process::<PhoenixProcess>().config(logged.config())
}

#[test]
fn a_failed_start_of_a_child_on_a_thread_is_retried() {
    let logged = Logged::new();
    logged.spoil_starts("error");
    let phoenix = on_a_thread(&logged).restart(soon()).build().unwrap();
    let call = phoenix.generation();
    phoenix.process().start().unwrap();
    until("two starts have failed", || phoenix.process().generation() > 2);
    logged.mend_starts();
    assert!(outcome(call).unwrap() > 2);
    assert!(Path::new(&logged.path("log")).metadata().is_err());
}

#[test]
fn a_child_on_a_thread_is_restarted_by_hand_with_its_properties() {
    let logged = Logged::new();
    let phoenix = ready(on_a_thread(&logged).restart(RestartPolicy::always()).reapply_properties());
    outcome(phoenix.set_power(2.5)).unwrap();
    phoenix.process().restart().unwrap();
    until_run(&phoenix, 2);
    assert_eq!(outcome(phoenix.generation()), Ok(2));
    assert_eq!(phoenix.power().to_bits(), 2.5_f64.to_bits());
    phoenix.process().stop();
    phoenix.process().join(LONG).unwrap();
    assert!(!phoenix.process().restart_pending(), "as requested");
}
