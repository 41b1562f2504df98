//! Properties: initial values, writes, the mirror, and staleness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mpcore::CallError;
use system_tests::bench::builder;
use system_tests::{BenchConfig, BenchControl, BenchProcess, Journal, LONG, outcome, until};

use super::{CHILD, bench};

#[test]
fn a_property_has_its_initial_value_before_there_is_a_child() {
    let bench = builder(CHILD).build().unwrap();
    assert_eq!((bench.power(), bench.connected(), bench.level()), (1.0, false, 0));
    let powers = bench.signals().power_set.receiver();
    assert_eq!(powers.recv_timeout(LONG), Ok((1.0,)), "a new handler gets the current value");
    assert!(!bench.process().is_stale());
}

#[test]
fn a_new_handler_gets_the_current_value_once_then_every_change() {
    let bench = bench();
    assert_eq!(outcome(bench.set_power(2.0)), Ok(2.0));
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().power_set.connect(move |it| note.note(format!("power {it}")));
    journal.until_line("power 2");
    for power in [2.0, 3.0, 3.0, 2.0] {
        assert_eq!(outcome(bench.set_power(power)), Ok(power));
        journal.until_line(&format!("power {power}"));
    }
    let note = journal.clone();
    bench.add_two(0, 0).on_done(move |_| note.note("end"));
    let lines = journal.until_line("end");
    assert_eq!(lines, ["power 2", "power 3", "power 2", "end"], "signalled when it has changed");
}

#[test]
fn a_write_is_accepted_changed_or_refused_by_the_child() {
    let bench = bench();
    assert_eq!(outcome(bench.set_power(4.5)), Ok(4.5));
    assert_eq!(bench.power(), 4.5);
    assert_eq!(outcome(bench.set_power(-3.0)), Ok(0.0), "the child stores what it returns");
    assert_eq!(bench.power(), 0.0);
    let exceptions = bench.signals().exception_raised.receiver();
    let Err(CallError::Raised(refused)) = outcome(bench.set_power(9.0)) else { panic!("refused") };
    assert_eq!(refused.reason(), "more than 5 V");
    assert_eq!(bench.power(), 0.0);
    let exception = exceptions.recv_timeout(LONG).unwrap().0;
    assert_eq!(exception.message, "refused: more than 5 V");
}

#[test]
fn the_mirror_is_never_older_than_the_signal_or_the_result() {
    let bench = bench();
    let older = Arc::new(AtomicU32::new(0));
    let delivered = Arc::new(AtomicU32::new(0));
    let (weak, count, last) = (bench.downgrade(), Arc::clone(&older), Arc::clone(&delivered));
    bench.signals().level_changed.connect(move |level| {
        let mirror = weak.upgrade().map_or(u32::MAX, |bench| bench.level());
        count.fetch_add(u32::from(mirror < *level), Ordering::SeqCst);
        last.store(*level, Ordering::SeqCst);
    });
    for _ in 0..20 {
        delivered.store(0, Ordering::SeqCst);
        assert_eq!(outcome(bench.raise_level(200)), Ok(200));
        assert_eq!(bench.level(), 200, "set before the result, seen before it");
        // The next round begins below: a late signal of this one would be above its newer mirror.
        until("the round has been delivered", || delivered.load(Ordering::SeqCst) == 200);
    }
    assert_eq!(older.load(Ordering::SeqCst), 0);
}

#[test]
fn a_property_set_before_a_result_is_delivered_before_it() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().connected_changed.connect(move |on| note.note(format!("connected {on}")));
    journal.until_line("connected true");
    for round in 0..20 {
        // One after another, so that no two changes are coalesced.
        let note = journal.clone();
        let on = round % 2 == 1;
        bench.plug(on).on_done(move |_| note.note(format!("done {round}")));
        let lines = journal.until_line(&format!("done {round}"));
        assert_eq!(lines[lines.len() - 2], format!("connected {on}"), "{lines:?}");
    }
}

#[test]
fn the_mirror_keeps_the_last_value_as_stale_after_the_end() {
    let bench = bench();
    assert_eq!(outcome(bench.set_power(2.5)), Ok(2.5));
    assert!(!bench.process().is_stale());
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    assert!(bench.process().is_stale());
    assert_eq!((bench.power(), bench.connected()), (2.5, true));
    let powers = bench.signals().power_set.receiver();
    assert_eq!(powers.recv_timeout(LONG), Ok((2.5,)));
    bench.process().start().unwrap();
    assert_eq!(powers.recv_timeout(LONG), Ok((1.0,)), "the next run begins anew");
    bench.process().wait_ready(LONG).unwrap();
    assert!(!bench.process().is_stale());
    assert_eq!(bench.power(), 1.0);
}

/// Regression: a bound property showed the dead child's value until the next start, without a
/// signal.
#[test]
fn staleness_is_signalled_at_the_end_and_at_the_next_values() {
    let places: [fn() -> mpcore::ControlBuilder<BenchControl>; 2] = [
        || system_tests::bench::builder(CHILD),
        || BenchControl::builder().in_process::<BenchProcess>().config(BenchConfig::default()),
    ];
    for place in places {
        let bench = place().build().unwrap();
        let journal = Journal::new();
        journal.follow(bench.process());
        let note = journal.clone();
        bench
            .process()
            .signals()
            .stale_changed
            .connect(move |stale| note.note(format!("stale {stale}")));
        let note = journal.clone();
        bench.signals().connected_changed.connect(move |on| note.note(format!("connected {on}")));
        bench.process().start().unwrap();
        bench.process().wait_ready(LONG).unwrap();
        bench.process().stop();
        journal.until_lines("finished", 1);
        assert!(bench.process().is_stale());
        bench.process().start().unwrap();
        let told = journal.until_lines("ready", 2);
        assert!(!bench.process().is_stale());
        let told: Vec<_> =
            told.iter().filter(|line| *line != "started").map(String::as_str).collect();
        let expected = [
            "connected false",
            "state starting",
            "connected true",
            "state running",
            "ready",
            "state stopping",
            "stale true",
            "state finished",
            "finished finished",
            "state starting",
            "connected false",
            "stale false",
            "connected true",
            "state running",
            "ready",
        ];
        assert_eq!(told, expected);
    }
}
