//! Values that are too deep, too large, or unexpectedly large in memory: refused on the side where
//! they are made or read, without side effects.

use mpcore::limits::{VALUE_BYTES, VALUE_DEPTH};
use mpcore::{CallError, ExceptionKind, ProcessState};
use serde::ser::SerializeTuple as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use system_tests::{Blob, LONG, outcome};

/// A recursive type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Tree>),
    Row(Vec<Tree>),
}

fn tree(levels: usize) -> Tree {
    (1..levels).fold(Tree::Leaf, |inner, _| Tree::Node(Box::new(inner)))
}

/// A value, or bytes that are not a valid value: written unchanged, whatever `T` is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Or<T> {
    Value(T),
    Forged(Vec<u8>),
}

impl<T: Serialize> Serialize for Or<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Forged(bytes) => {
                mpcore::__fuzz::forge();
                let mut tuple = serializer.serialize_tuple(bytes.len())?;
                bytes.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
                tuple.end()
            }
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Or<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Value)
    }
}

type Trees = Or<Tree>;
type Gaps = Or<Vec<Option<[u64; 32]>>>;
type Units = Or<Vec<()>>;

/// A child that makes and takes such values.
#[mpcore::process]
trait Garden {
    fn grow(&mut self, levels: u32) -> Tree;
    fn forge_tree(&mut self, levels: u32) -> Trees;
    fn forge_gaps(&mut self, count: u32) -> Gaps;
    fn forge_units(&mut self) -> Units;
    fn take_tree(&mut self, tree: Trees) -> u32;
    fn take_units(&mut self, units: Units) -> u32;
    fn fill(&mut self, bytes: u64) -> Blob;
    fn take(&mut self, bytes: Blob) -> u64;
    fn show(&mut self, levels: u32);

    #[event]
    fn grown(&self, tree: Trees);
}

#[derive(mpcore::Child)]
#[child(Garden)]
struct GardenProcess {
    cx: GardenContext,
}

fn forged_tree(levels: u32) -> Trees {
    // Variant 1 is a node.
    Or::Forged(vec![1; levels as usize])
}

/// A list of units that claims the largest length.
fn endless_units() -> Units {
    Or::Forged(vec![255, 255, 255, 255, 255, 255, 255, 255, 255, 1])
}

impl Garden for GardenProcess {
    fn grow(&mut self, levels: u32) -> Tree {
        tree(levels as usize)
    }

    fn forge_tree(&mut self, levels: u32) -> Trees {
        forged_tree(levels)
    }

    fn forge_gaps(&mut self, count: u32) -> Gaps {
        let mut bytes = vec![0; count as usize + 5];
        // The length as five bytes, which can hold any 32-bit number.
        for (place, byte) in bytes.iter_mut().take(5).enumerate() {
            let more = if place < 4 { 128 } else { 0 };
            *byte = ((count >> (7 * place)) & 127) as u8 | more;
        }
        Or::Forged(bytes)
    }

    fn forge_units(&mut self) -> Units {
        endless_units()
    }

    fn take_tree(&mut self, _tree: Trees) -> u32 {
        1
    }

    fn take_units(&mut self, _units: Units) -> u32 {
        2
    }

    fn fill(&mut self, bytes: u64) -> Blob {
        Blob(vec![7; bytes as usize])
    }

    fn take(&mut self, bytes: Blob) -> u64 {
        bytes.0.len() as u64
    }

    fn show(&mut self, levels: u32) {
        self.cx.grown.emit(forged_tree(levels));
    }
}

fn garden() -> GardenControl {
    let garden = GardenControl::spawn::<GardenProcess>(()).unwrap();
    garden.process().wait_ready(LONG).unwrap();
    garden
}

/// Checks that it is refused with these words, and that the child goes on.
#[track_caller]
fn check<T>(garden: &GardenControl, call: mpcore::Call<T>, phrases: &[&str])
where
    T: std::fmt::Debug + Send + 'static,
{
    let text = match outcome(call) {
        Err(CallError::Decode(text) | CallError::Encode(text)) => text,
        other => panic!("{other:?}"),
    };
    for phrase in phrases {
        assert!(text.contains(phrase), "`{text}` does not say `{phrase}`");
    }
    assert_eq!(outcome(garden.grow(1)), Ok(Tree::Leaf));
    assert_eq!(garden.process().state(), ProcessState::Running);
}

#[test]
fn a_tree_of_a_million_levels_overflows_no_stack() {
    let garden = garden();
    let deep = "more than 128 levels deep";
    check(&garden, garden.forge_tree(1_000_000), &["decoded", deep]);
    check(&garden, garden.take_tree(forged_tree(1_000_000)), &["decoded", deep]);
    // A controller that makes such a value gets the error itself.
    let levels = VALUE_DEPTH as u32;
    assert_eq!(outcome(garden.grow(levels)), Ok(tree(VALUE_DEPTH)));
    check(&garden, garden.grow(levels + 1), &["Tree", deep, "flat"]);
    let call = garden.take_tree(Or::Value(tree(VALUE_DEPTH + 1)));
    check(&garden, call, &["Tree", deep, "flat"]);
    assert_eq!(outcome(garden.take_tree(Or::Value(tree(VALUE_DEPTH)))), Ok(1));
}

#[test]
fn a_few_bytes_that_expand_to_much_memory_are_refused() {
    let garden = garden();
    let much = "more than 1024 MiB of memory";
    check(&garden, garden.forge_units(), &[much, "in parts"]);
    check(&garden, garden.take_units(endless_units()), &[much]);
    let gaps = outcome(garden.forge_gaps(1000)).unwrap();
    assert_eq!(gaps, Or::Value(vec![None; 1000]));
    // Five million of them would be: see the tests of the decoder, which need not allocate for it.
}

#[test]
fn a_value_over_the_bound_fails_at_its_sender() {
    let garden = garden();
    let too_large = ["larger than 268500992 bytes", "in parts", "a file"];
    check(&garden, garden.fill(VALUE_BYTES as u64 + 1), &too_large);
    check(&garden, garden.take(Blob(vec![0; VALUE_BYTES + 1])), &too_large);
    assert_eq!(outcome(garden.take(Blob(vec![0; 256 << 20]))), Ok(256 << 20));
}

#[test]
fn an_undecodable_event_is_reported_and_harms_nothing() {
    let garden = garden();
    let exceptions = garden.signals().exception_raised.receiver();
    garden.show(1_000_000);
    let (exception,) = exceptions.recv_timeout(LONG).expect("it is reported");
    assert_eq!(exception.kind, ExceptionKind::UndeliveredEvent { event: "grown" });
    assert!(exception.message.contains("more than 128 levels deep"), "{exception}");
    assert_eq!(outcome(garden.grow(2)), Ok(tree(2)));
}
