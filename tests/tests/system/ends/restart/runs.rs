//! Nothing of an old run is delivered after the start of the next, also to an inbox that is drained
//! late.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use mpcore::{Inbox, ProcessState, RunFailure};
use system_tests::phoenix::PhoenixControl;
use system_tests::{LONG, outcome, until};

use super::{builder, exited, follow, kill, soon, until_run};

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
