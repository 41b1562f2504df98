//! A value arrives as it was sent, or its sender gets an error. A property holds only what its
//! mirror can read, and signals each change once: maps, orders, NaN, skipped fields, panics and
//! slow decoding.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mpcore::{CallError, ExceptionKind, ProcessState};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use system_tests::{LONG, outcome, until};

/// Its `Serialize` numbers all variants, its `Deserialize` all but the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Mode {
    #[serde(skip)]
    #[allow(dead_code)]
    Internal,
    Off,
    Full,
}

/// Its `Deserialize` expects a field that may be missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pulse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<u8>,
    power: u16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Refusal {
    Hot { degrees: u16 },
    Cold,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A part of it is not sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Calibration {
    volts: f64,
    #[serde(skip)]
    cache: u8,
}

/// A tree that may be deeper than allowed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Tree(Vec<Tree>);

fn tree(levels: usize) -> Tree {
    (0..levels).fold(Tree::default(), |inner, _| Tree(vec![inner]))
}

/// At most ten, according to its `Deserialize`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
struct Level(u8);

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            level @ 0..=10 => Ok(Self(level)),
            _ => Err(serde::de::Error::custom("a level is ten at most")),
        }
    }
}

/// Equal in any order, although the order is part of the value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Ordered(Vec<u8>);

impl PartialEq for Ordered {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |row: &Self| {
            let mut row = row.0.clone();
            row.sort_unstable();
            row
        };
        sorted(self) == sorted(other)
    }
}

/// An order that matters, beside one that does not.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Shelf {
    order: Ordered,
    index: HashMap<u8, u8>,
}

/// While this is set, `Slow` is not decoded in this process.
static HOLD: AtomicBool = AtomicBool::new(false);

#[derive(Debug, Clone, Default, PartialEq)]
struct Slow(u8);

impl Serialize for Slow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.0)
    }
}

impl<'de> Deserialize<'de> for Slow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u8::deserialize(deserializer)?;
        let deadline = Instant::now() + LONG;
        while HOLD.load(Ordering::SeqCst) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Self(value))
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Config {
    modes: Vec<Mode>,
    #[serde(flatten)]
    rest: HashMap<String, serde_json::Value>,
}

/// A child whose values and properties have these types.
#[mpcore::process(config = Config)]
trait Bench {
    fn config(&mut self) -> String;
    fn show(&mut self, mode: Mode, pulse: Pulse, after: u16) -> (String, u16);
    fn turn(&mut self, mode: Mode) -> Mode;
    fn refuse(&mut self, degrees: u16) -> Result<(), Refusal>;
    fn json(&mut self, value: Option<serde_json::Value>) -> Option<serde_json::Value>;
    fn add(&mut self, number: i32) -> i32;

    /// Grows both to this depth; returns whether the child then holds them, and the error of
    /// `try_set`.
    fn grow(&mut self, levels: u32) -> (bool, Option<String>);
    fn raise(&mut self, level: u8) -> (u8, Option<String>);
    fn alter(&mut self, levels: u32) -> bool;
    fn held_volts(&mut self) -> (f64, u8);
    fn push_and_panic(&mut self);
    fn use_inside(&mut self);
    fn set_axes(&mut self, times: u32, add: Option<String>);
    fn set_order(&mut self, order: Vec<u8>);
    fn set_real(&mut self, bits: u64);
    fn set_slow(&mut self, value: u8);
    fn forget_cache(&mut self);
    fn set_shelf(&mut self, order: Vec<u8>);

    #[event]
    fn grown(&self, tree: Tree);
    #[event]
    fn pulsed(&self, pulse: Pulse);

    #[property]
    fn tree(&self) -> Tree;
    #[property]
    fn level(&self) -> Level;
    #[property(write)]
    fn calibration(&self) -> Calibration;
    #[property]
    fn list(&self) -> Vec<u8>;
    #[property]
    fn axes(&self) -> HashMap<String, u8>;
    #[property]
    fn order(&self) -> Ordered;
    #[property]
    fn real(&self) -> f64;
    #[property]
    fn slow(&self) -> Slow;
    #[property]
    fn shelf(&self) -> Shelf;
}

#[derive(mpcore::Child)]
#[child(Bench)]
struct BenchProcess {
    cx: BenchContext,
    config: Config,
}

impl Bench for BenchProcess {
    fn config(&mut self) -> String {
        format!("{:?} {:?}", self.config.modes, self.config.rest.get("gain"))
    }
    fn show(&mut self, mode: Mode, pulse: Pulse, after: u16) -> (String, u16) {
        self.cx.pulsed.emit(pulse.clone());
        (format!("{mode:?} {pulse:?}"), after)
    }
    fn turn(&mut self, mode: Mode) -> Mode {
        mode
    }
    fn refuse(&mut self, degrees: u16) -> Result<(), Refusal> {
        Err(if degrees > 100 { Refusal::Hot { degrees } } else { Refusal::Cold })
    }
    fn json(&mut self, value: Option<serde_json::Value>) -> Option<serde_json::Value> {
        value
    }
    fn add(&mut self, number: i32) -> i32 {
        number + 1
    }
    fn grow(&mut self, levels: u32) -> (bool, Option<String>) {
        let deep = tree(levels as usize);
        self.cx.grown.emit(deep.clone());
        self.cx.tree.set(deep.clone());
        let refused = self.cx.tree.try_set(deep.clone()).err();
        (self.cx.tree.get() == deep, refused.map(|error| error.to_string()))
    }
    fn raise(&mut self, level: u8) -> (u8, Option<String>) {
        let refused = self.cx.level.try_set(Level(level)).err();
        (self.cx.level.get().0, refused.map(|error| error.to_string()))
    }
    fn alter(&mut self, levels: u32) -> bool {
        let deep = tree(levels as usize);
        self.cx.tree.modify(|tree| *tree = deep.clone());
        self.cx.tree.get() == deep
    }
    fn set_calibration(&mut self, value: Calibration) -> Result<Calibration, mpcore::Refused> {
        Ok(Calibration { cache: 77, ..value })
    }
    fn held_volts(&mut self) -> (f64, u8) {
        self.cx.calibration.with(|it| (it.volts, it.cache))
    }
    fn push_and_panic(&mut self) {
        self.cx.list.modify(|list| {
            list.push(1);
            panic!("in the middle of it");
        });
    }
    fn use_inside(&mut self) {
        self.cx.list.with(|_| self.cx.list.set(vec![9]));
    }
    fn set_axes(&mut self, times: u32, add: Option<String>) {
        for _ in 0..times {
            let axes = ["x", "y", "z", "phi", "theta"].iter().map(|it| ((*it).to_owned(), 1));
            self.cx.axes.set(axes.chain(add.clone().map(|it| (it, 2))).collect());
        }
    }
    fn set_order(&mut self, order: Vec<u8>) {
        self.cx.order.set(Ordered(order));
    }
    fn set_real(&mut self, bits: u64) {
        self.cx.real.set(f64::from_bits(bits));
    }
    fn set_slow(&mut self, value: u8) {
        self.cx.slow.set(Slow(value));
    }
    fn forget_cache(&mut self) {
        let volts = self.cx.calibration.get().volts;
        self.cx.calibration.set(Calibration { volts, cache: 0 });
    }
    fn set_shelf(&mut self, order: Vec<u8>) {
        self.cx
            .shelf
            .set(Shelf { order: Ordered(order), index: (0..9).map(|it| (it, it)).collect() });
    }
}

fn config() -> Config {
    let rest = HashMap::from([("gain".to_owned(), serde_json::json!({ "db": 3 }))]);
    Config { modes: vec![Mode::Off, Mode::Full], rest }
}

fn bench() -> BenchControl {
    let bench = BenchControl::spawn::<BenchProcess>(config()).unwrap();
    bench.process().wait_ready(LONG).unwrap();
    bench
}

#[test]
fn types_whose_serde_halves_differ_arrive_as_they_were() {
    let bench = bench();
    let pulses = bench.signals().pulsed.receiver();
    assert_eq!(outcome(bench.config()).unwrap(), "[Off, Full] Some(Object {\"db\": Number(3)})");
    for mode in [Mode::Off, Mode::Full] {
        assert_eq!(outcome(bench.turn(mode.clone())), Ok(mode.clone()));
        for delay in [Some(3), None, Some(4)] {
            let pulse = Pulse { delay, power: 300 };
            let shown = outcome(bench.show(mode.clone(), pulse.clone(), 0xABCD)).unwrap();
            assert_eq!(shown, (format!("{mode:?} {pulse:?}"), 0xABCD));
            assert_eq!(pulses.recv_timeout(LONG), Ok((pulse,)));
        }
    }
    let hot = Err(CallError::Raised(Refusal::Hot { degrees: 200 }));
    assert_eq!(bench.refuse(200).wait_timeout(LONG), hot);
    assert_eq!(bench.refuse(1).wait_timeout(LONG), Err(CallError::Raised(Refusal::Cold)));
    assert_eq!(bench.process().state(), ProcessState::Running);
}

#[test]
fn json_that_was_first_none_arrives_as_some() {
    let bench = bench();
    for value in [None, Some(serde_json::json!({"a": [1, null]})), None, Some(serde_json::json!(1))]
    {
        assert_eq!(outcome(bench.json(value.clone())), Ok(value));
    }
}

#[test]
fn values_the_child_cannot_send_are_reported_by_name() {
    let bench = bench();
    let exceptions = bench.signals().exception_raised.receiver();
    assert_eq!(outcome(bench.grow(5)), Ok((true, None)));
    let (holds_it, refused) = outcome(bench.grow(200)).unwrap();
    assert!(!holds_it, "the property keeps its old value");
    assert!(refused.unwrap().contains("128 levels"));
    let (event,) = exceptions.recv_timeout(LONG).unwrap();
    let (property,) = exceptions.recv_timeout(LONG).unwrap();
    assert_eq!(event.kind, ExceptionKind::UndeliveredEvent { event: "grown" });
    assert_eq!(property.kind, ExceptionKind::UndeliveredProperty { property: "tree" });
    assert!(property.to_string().contains("`tree`") && property.message.contains("128 levels"));
    assert_eq!(bench.tree(), tree(5));
    // The change made by `modify` is undone.
    assert_eq!(outcome(bench.alter(200)), Ok(false));
    let (altered,) = exceptions.recv_timeout(LONG).unwrap();
    assert_eq!(altered.kind, ExceptionKind::UndeliveredProperty { property: "tree" });
    assert_eq!(outcome(bench.alter(7)), Ok(true));
    assert_eq!(bench.tree(), tree(7));
    assert!(exceptions.try_recv().is_none(), "errors returned by `try_set` are not reported");
}

#[test]
fn a_property_never_holds_a_value_its_mirror_cannot_read() {
    let bench = bench();
    assert_eq!(outcome(bench.raise(10)), Ok((10, None)));
    let (held, refused) = outcome(bench.raise(11)).unwrap();
    assert_eq!((held, bench.level()), (10, Level(10)));
    assert!(refused.unwrap().contains("ten at most"));
    assert_eq!(outcome(bench.raise(3)), Ok((3, None)));
}

#[test]
fn a_setters_value_moves_into_the_property() {
    let bench = bench();
    let set = outcome(bench.set_calibration(Calibration { volts: 1.5, cache: 0 })).unwrap();
    assert_eq!((set.volts, set.cache), (1.5, 0), "skipped on the way");
    assert_eq!(outcome(bench.held_volts()), Ok((1.5, 77)), "not in the child");
}

#[test]
fn a_change_in_a_skipped_field_is_stored() {
    let bench = bench();
    for _ in 0..2 {
        // The second time the sent bytes do not change.
        outcome(bench.set_calibration(Calibration { volts: 2.5, cache: 0 })).unwrap();
        assert_eq!(outcome(bench.held_volts()), Ok((2.5, 77)));
        outcome(bench.forget_cache()).unwrap();
        assert_eq!(outcome(bench.held_volts()), Ok((2.5, 0)));
    }
}

#[test]
fn an_order_beside_a_map_is_a_change() {
    let bench = bench();
    let changes = bench.signals().shelf_changed.receiver();
    changes.recv_timeout(LONG).unwrap();
    // Each change is received before the next one, since two waiting changes are coalesced.
    for (order, is_change) in [([1, 2], true), ([2, 1], true), ([2, 1], false), ([1, 2], true)] {
        outcome(bench.set_shelf(order.to_vec())).unwrap();
        if is_change {
            assert_eq!(changes.recv_timeout(LONG).unwrap().0.order.0, order);
        }
    }
}

#[test]
fn a_modify_that_panics_leaves_child_and_mirror_alike() {
    let bench = bench();
    assert!(matches!(outcome(bench.push_and_panic()), Err(CallError::Panicked(_))));
    assert_eq!(bench.list(), vec![1]);
}

#[test]
fn a_property_used_inside_itself_panics_with_its_name() {
    let bench = bench();
    let Err(CallError::Panicked(report)) = outcome(bench.use_inside()) else { panic!("it panics") };
    assert!(report.message.contains("property `list` is used inside"), "{report}");
    assert_eq!(outcome(bench.add(1)), Ok(2), "and nothing hangs");
}

#[test]
fn an_equal_map_is_no_change() {
    let bench = bench();
    let changes = bench.signals().axes_changed.receiver();
    assert_eq!(changes.recv_timeout(LONG), Ok((HashMap::new(),)));
    outcome(bench.set_axes(100, None)).unwrap();
    outcome(bench.set_axes(1, Some("r".to_owned()))).unwrap();
    let told = [changes.recv_timeout(LONG).unwrap().0, changes.recv_timeout(LONG).unwrap().0];
    assert_eq!((told[0].len(), told[1].len()), (5, 6));
    assert_eq!(outcome(bench.add(1)), Ok(2));
    assert!(changes.try_recv().is_none());
}

#[test]
fn an_order_that_belongs_to_the_value_is_a_change() {
    let bench = bench();
    let changes = bench.signals().order_changed.receiver();
    changes.recv_timeout(LONG).unwrap();
    for order in [vec![1, 2], vec![2, 1]] {
        outcome(bench.set_order(order.clone())).unwrap();
        assert_eq!(changes.recv_timeout(LONG).unwrap().0.0, order);
    }
}

#[test]
fn nan_is_signalled_once_and_minus_zero_is_another_value() {
    let bench = bench();
    let changes = bench.signals().real_changed.receiver();
    changes.recv_timeout(LONG).unwrap();
    // Each change is received before the next one, since two waiting changes are coalesced.
    let values = [(f64::NAN, true), (f64::NAN, false), (0.0, true), (-0.0, true), (1.0, true)];
    for (real, is_change) in values {
        outcome(bench.set_real(real.to_bits())).unwrap();
        if is_change {
            assert_eq!(changes.recv_timeout(LONG).unwrap().0.to_bits(), real.to_bits());
        }
    }
}

#[test]
fn a_property_that_decodes_slowly_holds_up_no_outcome() {
    let bench = bench();
    outcome(bench.set_slow(7)).unwrap();
    HOLD.store(true, Ordering::SeqCst);
    let (sender, read) = mpsc::channel();
    let reader = bench.clone();
    let thread = thread::spawn(move || sender.send(reader.slow()));
    // Another value arrives while the old one is being decoded, and so do other outcomes.
    let answered = (0..10).all(|number| {
        bench.set_slow(100 + number as u8);
        bench.add(number).wait_timeout(LONG) == Ok(number + 1)
    });
    let still_reading = read.try_recv().is_err();
    HOLD.store(false, Ordering::SeqCst);
    thread.join().unwrap().unwrap();
    assert!(answered && still_reading);
    until("the newest value is read", || bench.slow() == Slow(109));
}
