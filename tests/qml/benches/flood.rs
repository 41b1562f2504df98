//! A child sends at full speed: does the window stay smooth, and how old is the data it shows?
//!
//! `cargo xtask bench flood [-- --quick]` sets a property a million times while its QML handler
//! takes 100 µs each time, then emits a million events to a handler that only counts; both ten
//! times, since the timer has to fire some hundred times for a meaningful figure. It prints how
//! late a timer of 10 ms fired in the GUI thread, beside the same timer of the same run without
//! load, how old the last value was, and the memory of both processes. It appends a JSON line per
//! part to `target/bench.jsonl`.

use std::cell::RefCell;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use qmetaobject::{QObject, QString, qt_base_class, qt_method};
use qml_tests::nanoseconds;
use serde_json::{Value, json};

/// Two of the goals; the third is that nothing is lost.
const GOAL_P99_MS: f64 = 5.0;
const GOAL_STALE_MS: f64 = 100.0;

thread_local! {
    static PARTS: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// The document's clock and the record of its results.
#[allow(dead_code)]
#[derive(QObject, Default)]
struct Bench {
    base: qt_base_class!(trait QObject),
    now: qt_method!(fn(&self) -> u64),
    spin: qt_method!(fn(&self, microseconds: u32)),
    peak: qt_method!(fn(&self, pid: u32) -> f64),
    note: qt_method!(fn(&self, part: QString)),
}

impl mpqt::QmlType for Bench {}

impl Bench {
    /// In nanoseconds, by the child's clock.
    fn now(&self) -> u64 {
        nanoseconds()
    }

    /// Simulates a handler that works for this long.
    fn spin(&self, microseconds: u32) {
        let end = nanoseconds() + u64::from(microseconds) * 1000;
        while nanoseconds() < end {
            std::hint::spin_loop();
        }
    }

    /// Returns the peak memory of a process, in MiB; this process's for 0.
    fn peak(&self, pid: u32) -> f64 {
        let process = if pid == 0 { "self".to_owned() } else { pid.to_string() };
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        let kib = line.split_whitespace().nth(1).and_then(|word| word.parse::<f64>().ok());
        kib.unwrap_or_default() / 1024.0
    }

    // The signature that Qt requires.
    #[allow(clippy::needless_pass_by_value)]
    fn note(&self, part: QString) {
        let part = serde_json::from_str(&part.to_string()).unwrap_or(Value::Null);
        PARTS.with(|parts| parts.borrow_mut().push(part));
    }
}

const DOCUMENT: &str = r#"
import QtQuick
import Rigs 1.0
import Bench 1.0

Window {
    id: window
    visible: true
    width: 200; height: 100

    property int times: 0
    property int rounds: 0
    property int idle: 0
    property int told: 0
    property int ticks: 0
    property real last: 0
    property real heardAt: 0
    property real begun: 0
    property real stale: 0
    property int round: 0
    property bool right: true

    Bench { id: bench }
    TimerLateness { id: timer; running: true }
    Timer { id: rest; interval: window.idle; onTriggered: window.idled() }

    function note(part, more) {
        bench.note(JSON.stringify(Object.assign({ part }, timer.take(), more, {
            controller_mib: bench.peak(0), child_mib: bench.peak(flood.process.pid),
        })))
    }

    function idled() {
        note("idle", {})
        begun = bench.now()
        round = 1
        flood.set_away(times)
    }

    function allSet(stamp) {
        right = right && last === stamp
        stale = Math.max(stale, (heardAt - last) / 1e6)
        if (round < rounds) {
            round += 1
            flood.set_away(times)
            return
        }
        note("property", {
            sent: rounds * times, handled: told, right, stale_ms: stale, seconds: (bench.now() - begun) / 1e9,
        })
        begun = bench.now()
        round = 1
        right = true
        flood.emit_away(times)
    }

    function allEmitted(times) {
        right = right && ticks === round * times
        if (round < rounds) {
            round += 1
            flood.emit_away(times)
            return
        }
        const seconds = (bench.now() - begun) / 1e9
        note("events", { sent: rounds * times, handled: ticks, right, per_second: ticks / seconds, seconds })
        Qt.quit()
    }

    Flood {
        id: flood
        process.onReady: { timer.take(); rest.start() }
        process.onFailed: failure => { console.error(failure.text); Qt.exit(1) }
        onException_raised: exception => { console.error(exception.text); Qt.exit(1) }
        onStamp_changed: stamp => {
            window.heardAt = bench.now()
            window.last = stamp
            window.told += 1
            bench.spin(100)
        }
        onAll_set: stamp => window.allSet(stamp)
        onTick: number => {
            window.ticks += 1
            // In order and without a gap.
            window.right = window.right && number === window.ticks - (window.round - 1) * window.times
        }
        onAll_emitted: times => window.allEmitted(times)
    }
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    mpqt::init();
    let quick = match std::env::args().skip(1).filter(|it| it != "--bench").collect::<Vec<_>>()[..]
    {
        [] => false,
        [ref quick] if quick == "--quick" => true,
        _ => return Err("unexpected arguments; the only option is --quick".into()),
    };
    let (times, rounds, idle) = match quick {
        true => (100_000, 3, Duration::from_secs(1)),
        false => (1_000_000, 10, Duration::from_secs(5)),
    };
    mpqt::testing::offscreen_without_a_display();
    qml_tests::register();
    mpqt::register::<Bench>("Bench", 1, 0, "Bench");
    mpqt::register::<mpqt::TimerLateness>("Bench", 1, 0, "TimerLateness");
    let document = DOCUMENT
        .replace("property int times: 0", &format!("property int times: {times}"))
        .replace("property int rounds: 0", &format!("property int rounds: {rounds}"))
        .replace("property int idle: 0", &format!("property int idle: {}", idle.as_millis()));
    let code = mpqt::run(&document)?;
    if code != std::process::ExitCode::SUCCESS {
        return Err("the child failed".into());
    }
    report(&PARTS.with(RefCell::take))
}

/// Prints the parts and the goals, and appends the parts to the file.
fn report(parts: &[Value]) -> Result<(), Box<dyn Error>> {
    // Cargo runs a benchmark in its package's folder.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    std::fs::create_dir_all(&folder)?;
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("bench.jsonl"))?;
    println!(
        "lateness of a 10 ms timer in the GUI thread; the handler of the property takes 100 us"
    );
    println!(
        "{:<9} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9}",
        "part",
        "sent",
        "handled",
        "seconds",
        "p99 ms",
        "max ms",
        "stale ms",
        "window MiB",
        "child MiB"
    );
    for part in parts {
        let number = |name: &str| part[name].as_f64();
        let shown = |name: &str, digits: usize| {
            number(name).map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
        };
        println!(
            "{:<9} {:>8} {:>8} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9}",
            part["part"].as_str().unwrap_or_default(),
            shown("sent", 0),
            shown("handled", 0),
            shown("seconds", 2),
            shown("p99_ms", 2),
            shown("max_ms", 2),
            shown("stale_ms", 2),
            shown("controller_mib", 1),
            shown("child_mib", 1),
        );
        let mut line = json!({ "bench": "flood" });
        if let (Some(line), Some(part)) = (line.as_object_mut(), part.as_object()) {
            line.extend(part.clone());
        }
        writeln!(file, "{line}")?;
    }
    let part =
        |name: &str| parts.iter().find(|part| part["part"] == name).ok_or("a part is missing");
    for name in ["property", "events"] {
        if part(name)?["right"] != true {
            return Err(format!("{name}: something was lost").into());
        }
    }
    if let Some(rate) = part("events")?["per_second"].as_f64() {
        println!("{rate:.0} events a second");
    }
    let kept = |name: &str, value: &str, goal: f64| {
        part(name).map(|part| part[value].as_f64().is_some_and(|value| value <= goal))
    };
    let word = |kept: bool| if kept { "kept" } else { "missed" };
    println!(
        "goals: p99 of {GOAL_P99_MS} ms {}, last value within {GOAL_STALE_MS} ms {}",
        word(kept("property", "p99_ms", GOAL_P99_MS)? && kept("events", "p99_ms", GOAL_P99_MS)?),
        word(kept("property", "stale_ms", GOAL_STALE_MS)?),
    );
    Ok(())
}
