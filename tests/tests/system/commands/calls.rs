//! Every way to submit a command and to get its outcome; what an error or a panic carries; full
//! queues, large values and many callers; and what a child is given at its start: arguments,
//! environment, directory and name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use mpcore::{Call, CallError, CallId, QueueBound, Signal, WaitError};
use system_tests::bench::{builder, ready};
use system_tests::{
    BenchConfig, BenchControl, BenchProcess, Blob, DivideError, Journal, LONG, Mood, block_on,
    outcome, processes, until,
};

const CHILD: &str = env!("CARGO_BIN_EXE_bench_child");

fn bench() -> BenchControl {
    ready(builder(CHILD))
}

#[test]
fn every_shape_of_argument_and_result_comes_back() {
    let bench = bench();
    assert_eq!(bench.add_two(1, 2).wait(), Ok(3));
    assert_eq!(bench.calibrate().wait(), Ok((0.5, 2.0)));
    assert_eq!(bench.reset_counters().wait(), Ok(()));
    assert_eq!(bench.find(0).wait(), Ok(None));
    assert_eq!(bench.find(3).wait(), Ok(Some(vec![0.0, 0.5, 1.0])));
    let sum = bench.sum_all(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "all".into());
    assert_eq!(sum.wait().as_deref(), Ok("120 all"));
    assert_eq!(bench.settings().wait().map(|it| it.len()), Ok(0));
    assert_eq!(bench.blocking().add_two(20, 22), Ok(42));
    assert_eq!(bench.blocking().divide(1, 0), Err(CallError::Raised(DivideError::ByZero)));
}

#[test]
fn a_dropped_call_runs_all_the_same() {
    let bench = bench();
    let _ = bench.plug(false);
    drop(bench.raise_level(7));
    assert_eq!(outcome(bench.add_two(0, 0)), Ok(0));
    assert_eq!((bench.connected(), bench.level()), (false, 7));
}

#[test]
fn a_wait_that_times_out_can_be_repeated() {
    let bench = bench();
    let mut slow = bench.ignore_everything(300);
    assert_eq!(slow.try_outcome(), None);
    let short = Duration::from_millis(1);
    assert_eq!(slow.wait_timeout(short), Err(CallError::Wait(WaitError::Timeout(short))));
    assert_eq!(slow.wait_timeout(LONG), Ok(()));
    assert_eq!(slow.wait_timeout(Duration::ZERO), Ok(()), "it stays known");
    assert_eq!(slow.try_outcome(), Some(Ok(())));
    assert_eq!(slow.wait(), Ok(()));
}

#[test]
fn an_outcome_is_available_without_waiting_for_it() {
    let bench = bench();
    let mut first = bench.add_two(1, 1);
    assert_eq!(outcome(bench.add_two(2, 2)), Ok(4));
    assert_eq!(first.try_outcome(), Some(Ok(2)));
}

#[test]
fn a_call_is_awaited_without_a_runtime() {
    let bench = bench();
    assert_eq!(block_on(bench.add_two(3, 4)), Ok(7));
    assert_eq!(block_on(bench.divide(3, 0)), Err(CallError::Raised(DivideError::ByZero)));
    // A call that is ready before it is polled.
    let ready = bench.add_two(5, 6);
    assert_eq!(outcome(bench.add_two(0, 0)), Ok(0));
    assert_eq!(block_on(ready), Ok(11));
    // A slow call, polled by another thread than the one that submitted it.
    let slow = bench.ignore_everything(100);
    assert_eq!(thread::spawn(move || block_on(slow)).join().unwrap(), Ok(()));
}

#[test]
fn call_ids_increase_from_one_across_runs() {
    let bench = builder(CHILD).build().unwrap();
    let mut ids = vec![bench.add_two(0, 0).id(), bench.reset_counters().id()];
    bench.process().start().unwrap();
    let last = bench.add_two(0, 0);
    ids.push(last.id());
    outcome(last).unwrap();
    bench.process().stop();
    bench.process().join(LONG).unwrap();
    ids.push(bench.add_two(0, 0).id());
    bench.process().start().unwrap();
    let last = bench.add_two(0, 0);
    ids.push(last.id());
    outcome(last).unwrap();
    assert_eq!(ids, [1, 2, 3, 4, 5].map(CallId::new));
}

#[test]
fn commands_wait_for_the_start_and_run_in_order() {
    let bench = builder(CHILD).build().unwrap();
    let before: Vec<_> = (0..100).map(|number| bench.add_two(number, 0)).collect();
    bench.raise_level(100);
    bench.process().start().unwrap();
    for (number, call) in before.into_iter().enumerate() {
        assert_eq!(outcome(call), Ok(number as i32));
    }
    until("the last one was run", || bench.level() == 100);
}

#[test]
fn on_done_runs_before_the_named_signal_in_the_inbox_thread() {
    // Not started yet, so that every `on_done` is set before its outcome.
    let bench = builder(CHILD).build().unwrap();
    let journal = Journal::new();
    let thread_name = || thread::current().name().unwrap_or_default().to_owned();
    let signal = journal.clone();
    bench.signals().add_two_finished.connect(move |sum| {
        signal.note(format!("signal {sum} {}", thread_name()));
    });
    for number in 0..50 {
        let done = journal.clone();
        bench.add_two(number, 0).on_done(move |sum| {
            done.note(format!("done {} {}", sum.unwrap(), thread_name()));
        });
    }
    bench.process().start().unwrap();
    let lines = journal.until_lines("signal", 50);
    let thread = lines[0].rsplit(' ').next().unwrap().to_owned();
    let expected: Vec<_> = (0..50)
        .flat_map(|it| [format!("done {it} {thread}"), format!("signal {it} {thread}")])
        .collect();
    assert_eq!(lines, expected);
}

#[test]
fn on_done_gets_every_kind_of_outcome_once() {
    let bench = bench();
    let journal = Journal::new();
    let note = |name: &'static str| {
        let journal = journal.clone();
        move |text: String| journal.note(format!("{name} {text}"))
    };
    let say = note("returned");
    bench.add_two(1, 2).on_done(move |it| say(format!("{it:?}")));
    let say = note("raised");
    bench.divide(1, 0).on_done(move |it| say(format!("{it:?}")));
    let say = note("panicked");
    bench.panic_with("oh".into()).on_done(move |it| {
        say(format!("{}", matches!(it, Err(CallError::Panicked(_)))));
    });
    let say = note("cancelled");
    let work = bench.work(60_000);
    work.cancel();
    work.on_done(move |it| say(format!("{it:?}")));
    let say = note("encode");
    bench.take_mood(Mood::RefusesToLeave).on_done(move |it| {
        say(format!("{}", matches!(it, Err(CallError::Encode(_)))));
    });
    // A call that already has its outcome and was looked at before.
    let mut early = bench.add_two(4, 5);
    assert_eq!(early.wait_timeout(LONG), Ok(9));
    let say = note("early");
    early.on_done(move |it| say(format!("{it:?}")));
    let mut lines = journal.until("all six", |lines| lines.len() >= 6);
    // The handler is not called again with a later command's outcome.
    let say = note("last");
    bench.add_two(0, 0).on_done(move |it| say(format!("{it:?}")));
    lines.extend(journal.until_line("last").split_off(lines.len()));
    lines.sort_unstable();
    let expected = [
        "cancelled Err(Cancelled)",
        "early Ok(9)",
        "encode true",
        "last Ok(0)",
        "panicked true",
        "raised Err(Raised(ByZero))",
        "returned Ok(3)",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn forward_to_replaces_the_named_signal_for_one_call() {
    // Not started yet, so that every signal is set before its outcome.
    let bench = builder(CHILD).build().unwrap();
    let journal = Journal::new();
    let named = journal.clone();
    bench.signals().add_two_finished.connect(move |sum| named.note(format!("named {sum}")));
    let own = Signal::<(i32,)>::new();
    let forwarded = journal.clone();
    own.connect(move |sum| forwarded.note(format!("own {sum}")));
    let tuple = Signal::<(f64, f64)>::new();
    let spread = journal.clone();
    tuple.connect(move |a, b| spread.note(format!("tuple {a} {b}")));
    let failures = journal.clone();
    bench.signals().exception_raised.connect(move |it| failures.note(format!("failed {it}")));
    let quotient = Signal::<(i32,)>::new();
    let never = journal.clone();
    quotient.connect(move |it| never.note(format!("quotient {it}")));

    bench.add_two(1, 1).forward_to(&own);
    bench.add_two(2, 2);
    bench.calibrate().forward_to(&tuple);
    bench.divide(1, 0).forward_to(&quotient);
    bench.add_two(3, 3);
    bench.process().start().unwrap();
    let lines = journal.until_line("named 6");
    let failed = lines.iter().filter(|line| line.starts_with("failed")).count();
    assert_eq!(failed, 1, "{lines:?}");
    let rest: Vec<_> = lines.iter().filter(|line| !line.starts_with("failed")).collect();
    assert_eq!(rest, ["own 2", "named 4", "tuple 0.5 2", "named 6"]);
}

#[test]
fn a_panic_ends_the_command_and_the_child_goes_on() {
    let bench = bench();
    let pid = bench.process().pid();
    for round in 0..3 {
        let text = format!("round {round}");
        let Err(CallError::Panicked(report)) = outcome(bench.panic_with(text.clone())) else {
            panic!("it panics")
        };
        assert_eq!(report.message, text);
        assert!(report.location.contains("bench.rs:"), "{report:?}");
    }
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));
    assert_eq!(bench.process().pid(), pid);
}

#[test]
fn a_panic_carries_a_backtrace_if_the_child_captures_one() {
    let with = ready(builder(CHILD).env("RUST_BACKTRACE", "1"));
    let without = ready(builder(CHILD).env_remove("RUST_BACKTRACE"));
    let backtrace = |bench: &BenchControl| match outcome(bench.panic_with("oh".into())) {
        Err(CallError::Panicked(report)) => report.backtrace,
        other => panic!("{other:?}"),
    };
    let text = backtrace(&with);
    assert!(text.contains("panic_with"));
    // Neither what panics nor what calls the command is the user's.
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("   0: ") && first.contains("panic_with"), "{text}");
    let runtime = ["rust_begin_unwind", "panic_fmt", "mpcore::child", "__dispatch", "main"];
    assert!(!runtime.iter().any(|frame| text.contains(frame)), "{text}");
    assert_eq!(backtrace(&without), "");
}

#[test]
fn a_value_that_does_not_encode_or_decode_fails_only_its_call() {
    let bench = bench();
    let heavy = || Blob::numbered(200_000);
    let encode = |it: Result<i32, CallError>| match it {
        Err(CallError::Encode(text)) => text,
        other => panic!("{other:?}"),
    };
    let decode = |it: Result<i32, CallError>| match it {
        Err(CallError::Decode(text)) => text,
        other => panic!("{other:?}"),
    };
    // The argument, encoded on the caller's thread, and behind 200 kB on the encoder's.
    let text = encode(outcome(bench.take_mood(Mood::RefusesToLeave)));
    assert!(text.contains("Mood"), "names the type: {text}");
    encode(outcome(bench.take_heavy_mood(heavy(), Mood::RefusesToLeave)));
    let text = decode(outcome(bench.take_mood(Mood::RefusesToArrive)));
    assert!(text.contains("Mood"), "names the type: {text}");
    decode(outcome(bench.take_heavy_mood(heavy(), Mood::RefusesToArrive)));
    // The result.
    assert!(matches!(outcome(bench.make_mood(1)), Err(CallError::Encode(_))));
    assert!(matches!(outcome(bench.make_mood(2)), Err(CallError::Decode(_))));
    // The error.
    assert!(matches!(outcome(bench.fail_in_mood(1)), Err(CallError::Encode(_))));
    assert!(matches!(outcome(bench.fail_in_mood(2)), Err(CallError::Decode(_))));
    assert_eq!(outcome(bench.fail_in_mood(0)), Err(CallError::Raised(Mood::Fine)));
    // The child goes on.
    assert_eq!(outcome(bench.take_heavy_mood(heavy(), Mood::Fine)), Ok(2));
    assert!(bench.process().is_alive());
}

#[test]
fn a_panic_in_serde_code_ends_only_its_command() {
    let bench = bench();
    // In the child.
    assert!(matches!(
        outcome(bench.take_mood(Mood::PanicsOnArriving)),
        Err(CallError::Panicked(_) | CallError::Decode(_))
    ));
    assert!(matches!(
        outcome(bench.make_mood(3)),
        Err(CallError::Panicked(_) | CallError::Encode(_))
    ));
    // On the encoder thread of the controller.
    let heavy = bench.take_heavy_mood(Blob::numbered(200_000), Mood::PanicsOnLeaving);
    assert!(matches!(outcome(heavy), Err(CallError::Encode(_))));
    let next = bench.take_heavy_mood(Blob::numbered(200_000), Mood::Fine);
    assert_eq!(outcome(next), Ok(2));
}

/// Regression: user code runs in the inbox's thread to decode a value and to format an error; its
/// panic stopped the thread, and with it every signal of every child.
#[test]
fn a_panic_in_serde_code_in_the_inbox_stops_no_other() {
    let bench = bench();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().mood_shown.connect(move |mood| note.note(format!("mood {mood:?}")));
    let note = journal.clone();
    bench.signals().make_mood_finished.connect(move |mood| note.note(format!("made {mood:?}")));
    let note = journal.clone();
    bench.signals().add_two_finished.connect(move |sum| note.note(format!("sum {sum}")));
    bench.make_mood(4);
    bench.fail_in_mood(5);
    bench.add_two(1, 1);
    journal.until_line("sum 2");
    bench.show_mood(0);
    journal.until_line("mood Fine");
    bench.show_mood(4);
    // Whatever happens to this child, others are delivered.
    let other = ready(builder(CHILD));
    let note = journal.clone();
    other.signals().add_two_finished.connect(move |sum| note.note(format!("other {sum}")));
    other.add_two(2, 2);
    journal.until_line("other 4");
}

#[test]
fn a_full_queue_is_an_outcome() {
    let bench =
        builder(CHILD).queue_bound(QueueBound { entries: 10, bytes: 10_000 }).build().unwrap();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().exception_raised.connect(move |it| note.note(format!("{:?} {it}", it.kind)));
    let queued: Vec<_> = (0..10).map(|number| bench.add_two(number, 0)).collect();
    let over = outcome(bench.add_two(0, 0));
    assert_eq!(over, Err(CallError::QueueFull));
    assert!(over.unwrap_err().to_string().contains("queue_bound"), "says what to do");
    journal.until_line("Undelivered");
    bench.process().start().unwrap();
    for (number, call) in queued.into_iter().enumerate() {
        assert_eq!(outcome(call), Ok(number as i32));
    }
    assert_eq!(outcome(bench.add_two(7, 0)), Ok(7), "there is room again");
}

#[test]
fn a_queue_is_also_full_by_bytes() {
    let bench =
        builder(CHILD).queue_bound(QueueBound { entries: 1000, bytes: 100_000 }).build().unwrap();
    let small: Vec<_> = (0..10).map(|_| bench.echo(Blob::numbered(30_000))).collect();
    let full = |calls: Vec<mpcore::Call<Blob>>| {
        let ended = calls.into_iter().filter_map(|mut call| call.try_outcome());
        ended.filter(|it| *it == Err(CallError::QueueFull)).count()
    };
    assert!(full(small) >= 6, "three fit");
}

/// Regression: arguments that are encoded later did not count, so a stopped child could be sent any
/// number.
#[test]
fn a_queue_is_also_full_by_bytes_of_large_arguments() {
    let bench = ready(builder(CHILD).queue_bound(QueueBound { entries: 1000, bytes: 4 << 20 }));
    let pid = bench.process().pid().unwrap();
    processes::freeze(pid);
    let mut calls: Vec<_> = (0..64).map(|_| bench.echo(Blob::numbered(1 << 20))).collect();
    let full = |calls: &mut Vec<mpcore::Call<Blob>>| {
        let ended = calls.iter_mut().filter_map(mpcore::Call::try_outcome);
        ended.filter(|it| *it == Err(CallError::QueueFull)).count()
    };
    until("most of them are refused", || full(&mut calls) >= 56);
    processes::thaw(pid);
    let returned = calls.into_iter().filter(|_| true).map(outcome).filter(Result::is_ok).count();
    assert!((1..=8).contains(&returned), "{returned}");
}

#[test]
fn large_values_arrive_intact_and_in_order_among_small_ones() {
    // Not started yet, so that every `on_done` is set before its outcome.
    let bench = builder(CHILD).build().unwrap();
    let journal = Journal::new();
    let note = journal.clone();
    bench.signals().add_two_finished.connect(move |sum| note.note(format!("small {sum}")));
    const LARGE: usize = 3 << 20;
    for number in 0..10 {
        bench.add_two(number, 0);
        let note = journal.clone();
        let bytes = Blob::numbered(LARGE + number as usize);
        bench.echo(bytes).on_done(move |it| {
            let intact = it.unwrap().is_numbered(LARGE + number as usize);
            note.note(format!("large {number} {intact}"));
        });
    }
    bench.process().start().unwrap();
    let lines = journal.until_lines("large", 10);
    let expected: Vec<_> =
        (0..10).flat_map(|it| [format!("small {it}"), format!("large {it} true")]).collect();
    assert_eq!(lines, expected);
}

#[test]
fn every_length_around_the_borders_arrives_intact() {
    let bench = bench();
    let borders = [64 << 10, 50_517, 70_997, 141_994, 212_992];
    let lengths = borders.iter().flat_map(|border| (border - 70..=border + 6).step_by(7));
    let calls: Vec<_> =
        lengths.chain([0, 1]).map(|length| (length, bench.echo(Blob::numbered(length)))).collect();
    for (length, call) in calls {
        assert!(outcome(call).unwrap().is_numbered(length), "{length}");
    }
}

#[test]
fn many_threads_call_at_once_and_each_gets_its_own_answers() {
    let bench = bench();
    let wrong = Arc::new(AtomicU32::new(0));
    let callers = (0..8).map(|thread| {
        let (bench, wrong) = (bench.clone(), Arc::clone(&wrong));
        thread::spawn(move || {
            for number in 0..200 {
                let sum = bench.add_two(thread * 1000, number).wait();
                wrong.fetch_add(u32::from(sum != Ok(thread * 1000 + number)), Ordering::SeqCst);
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    callers.into_iter().for_each(|it| it.join().unwrap());
    assert_eq!(wrong.load(Ordering::SeqCst), 0);
}

#[test]
fn a_child_gets_arguments_environment_directory_and_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let bench = ready(
        builder(CHILD)
            .name("bench left")
            .arg("first")
            .arg("second one")
            .env("BENCH_PORT", "COM3")
            .env("BENCH_GONE", "x")
            .env_remove("BENCH_GONE")
            .current_dir(&folder),
    );
    let found = outcome(bench.surroundings()).unwrap();
    assert_eq!(found.arguments, ["first", "second one"]);
    assert_eq!(found.directory, folder.to_string_lossy());
    assert_eq!(found.environment.get("BENCH_PORT").map(String::as_str), Some("COM3"));
    assert_eq!(found.environment.get("BENCH_GONE"), None);
    assert!(found.environment.contains_key("PATH"), "the rest is inherited");
    let told: Vec<_> = found.environment.keys().filter(|key| key.contains("MPCORE")).collect();
    assert!(told.is_empty(), "no variables that grandchildren would inherit: {told:?}");
    assert_eq!((found.name.as_str(), found.generation), ("bench left", 1));
    assert_eq!(Some(found.pid), bench.process().pid());
    assert_eq!(bench.process().name(), "bench left");

    let bare = ready(builder(CHILD).env_clear().env("ONLY", "this"));
    let found = outcome(bare.surroundings()).unwrap();
    assert_eq!(found.environment.keys().collect::<Vec<_>>(), ["ONLY"]);
    assert_eq!(bare.blocking().add_two(1, 2), Ok(3));
}

#[test]
fn a_test_binary_is_its_own_child() {
    let config = BenchConfig { settings: [("a".to_owned(), 1)].into(), ..BenchConfig::default() };
    let bench = BenchControl::builder()
        .child::<BenchProcess>()
        .config(config.clone())
        .env("BENCH_PORT", "COM4")
        .stdout(mpcore::OutputMode::Null)
        .stderr(mpcore::OutputMode::Null);
    let bench = ready(bench);
    assert_eq!(outcome(bench.settings()), Ok(config.settings));
    let found = outcome(bench.surroundings()).unwrap();
    assert_eq!(found.environment.get("BENCH_PORT").map(String::as_str), Some("COM4"));
    assert_ne!(found.pid, std::process::id());
    assert_eq!(outcome(bench.add_two(1, 2)), Ok(3));

    let other = BenchControl::new::<BenchProcess>(BenchConfig::default()).unwrap();
    other.process().start().unwrap();
    assert_eq!(outcome(other.add_two(2, 2)), Ok(4));
}

#[test]
fn the_futures_of_many_calls_can_be_joined() {
    let bench = bench();
    let calls: Vec<_> = (0..50).map(|number| bench.add_two(number, 1)).collect();
    let joined = futures_util::future::join_all(calls.into_iter().map(Call::into_future));
    let sums: Vec<_> = block_on(joined).into_iter().map(Result::unwrap).collect();
    assert_eq!(sums, (1..=50).collect::<Vec<_>>());
}
