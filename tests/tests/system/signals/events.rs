//! Events, coalescing and progress, in the order in which they were sent.

use std::thread;

use system_tests::bench::{builder, ready};
use system_tests::{BenchControl, Journal, LONG, outcome};

use super::{CHILD, bench, own_inbox, run_loop};

#[test]
fn every_event_arrives_in_order_before_the_result() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(number));
    let note = journal.clone();
    bench.flood(2000).on_done(move |it| note.note(format!("done {it:?}")));
    let lines = journal.until_line("done");
    let expected = (0..2000).map(|it| it.to_string()).chain(["done Ok(2000)".into()]);
    let expected: Vec<_> = expected.collect();
    assert_eq!(lines, expected);
}

/// A value is coalesced only with one that has no ordered entry behind it.
#[test]
fn a_latest_event_is_coalesced_but_overtakes_nothing() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().position.connect(move |x, y| note.note(format!("position {x} {y}")));
    let note = journal.clone();
    bench.signals().tick.connect(move |number| note.note(format!("tick {number}")));
    // The inbox is not drained meanwhile, so everything waits at once.
    assert_eq!(outcome(bench.wave(500)), Ok(()));
    run_loop(&inbox, &woken, || journal.count("tick") == 500);
    let wave = |number: i32| [format!("position {number} {}", -number), format!("tick {number}")];
    let mut expected: Vec<_> = (0..500).flat_map(wave).collect();
    expected[0] = "position 0 -0".into();
    assert_eq!(journal.lines(), expected);
    // Without an entry in between, only the newest is left.
    assert_eq!(outcome(bench.drift(500)), Ok(()));
    run_loop(&inbox, &woken, || journal.lines().len() == 1001);
    bench.wave(1);
    run_loop(&inbox, &woken, || journal.lines().len() == 1003);
    assert_eq!(journal.lines()[1000..], ["position 499 -499", "position 0 -0", "tick 0"]);
}

#[test]
fn a_property_is_coalesced_too() {
    let (inbox, woken) = own_inbox();
    let bench = ready(builder(CHILD).inbox(&inbox));
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().level_changed.connect(move |level| note.note(format!("level {level}")));
    run_loop(&inbox, &woken, || journal.count("level") == 1);
    assert_eq!(outcome(bench.raise_level(300)), Ok(300));
    let note = journal.clone();
    bench.add_two(0, 0).on_done(move |_| note.note("end"));
    run_loop(&inbox, &woken, || journal.count("end") == 1);
    assert_eq!(journal.lines(), ["level 0", "level 300", "end"]);
}

#[test]
fn progress_names_its_call_and_ends_before_it() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.process().signals().progress.connect(move |it| {
        note.note(format!("{} {}", it.call, it.fraction));
    });
    let note = journal.clone();
    let call = bench.step_through(100);
    let id = call.id();
    call.on_done(move |_| note.note("done"));
    let lines = journal.until_line("done");
    let (done, steps) = lines.split_last().unwrap();
    assert_eq!(done, "done");
    assert_eq!(steps.last().unwrap(), &format!("{id} 1"), "the newest always arrives");
    let fractions: Vec<f64> = steps
        .iter()
        .map(|line| line.strip_prefix(&format!("{id} ")).unwrap().parse().unwrap())
        .collect();
    assert!(fractions.is_sorted(), "{fractions:?}");
}

/// Signals may be owned apart from the control: by a window's model that another thread has
/// created, for example.
#[test]
fn signals_moved_to_another_owner_come_in_the_order_sent() {
    struct Panel {
        signals: <BenchControl as mpcore::Control>::Signals,
        journal: Journal,
    }
    let bench = builder(CHILD).build().unwrap();
    let panel = Panel { signals: bench.signals().clone(), journal: Journal::new() };
    let connect = move || {
        let [ticks, levels, sums] = [(); 3].map(|()| panel.journal.clone());
        panel.signals.tick.connect(move |it| ticks.note(format!("tick {it}")));
        panel.signals.level_changed.connect(move |it| levels.note(format!("level {it}")));
        panel.signals.add_two_finished.connect(move |it| sums.note(format!("sum {it}")));
        panel
    };
    let panel = thread::spawn(connect).join().unwrap();
    bench.process().start().unwrap();
    for round in 1..=20 {
        bench.flood(3);
        bench.raise_level(round);
        bench.add_two(round.cast_signed(), 0);
    }
    // The control is dropped first: the panel owns the signals.
    bench.process().finish();
    bench.process().join(LONG).unwrap();
    drop(bench);
    let lines = panel.journal.until_line("sum 20");
    // Only the newest waiting value of a property is certain to arrive.
    let rounds = lines.split(|line| line.starts_with("sum")).zip(1..=20);
    assert_eq!(panel.journal.count("sum"), 20);
    for (round, number) in rounds {
        let (last, others) = round.split_last().unwrap();
        assert_eq!(last, &format!("level {number}"), "{lines:?}");
        let ticks: Vec<_> = others.iter().filter(|it| !it.starts_with("level")).collect();
        assert_eq!(ticks, ["tick 0", "tick 1", "tick 2"], "{lines:?}");
    }
}
