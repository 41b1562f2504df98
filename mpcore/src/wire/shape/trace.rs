//! The knowledge about a type, the path that the next pass takes, and the error that a refused
//! value causes.
//!
//! A type is a graph: a [`Slot`] is a place for a value, a [`Node`] is a composite type, and a node
//! is a choice of [`Arm`]s, each a sequence of slots. A pass walks the graph from the root, as the
//! type asks.
//!
//! * An arm is open while its form is unknown, or while one of its slots was never reached or has
//!   values left to try. A pass takes the path to the nearest open arm, and to other open ones
//!   beside it; everywhere else it takes the cheapest arm that is known to work.
//! * Recursion ends: an arm is never taken inside itself, and a node inside itself takes an arm
//!   that works.
//! * In a chain of failures the innermost slot is blamed: it gets a different answer in the next
//!   pass, until the made-up values are exhausted.
//! * The search ends: each pass adds knowledge, uses up a value, or reduces the patience of the
//!   arms that led to nothing.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::mem::replace;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::panics::unwind::discard;
use crate::wire::shape::asked::Asked;
use crate::wire::shape::made_up::{MadeUp, TRIES};

/// Passes over one type. One pass settles at least one open variant or one refused value.
const MAX_PASSES: usize = 4096;
/// Slots filled in one pass: an array of arrays has one per element.
const MAX_PASS_STEPS: usize = 1 << 15;
/// Slots filled in all passes; takes a few milliseconds.
const MAX_STEPS: usize = 1 << 18;
/// Nesting of slots: as deep as a stack of 2 MiB allows without optimisation, with a margin.
const MAX_DEPTH: usize = 128;
/// Slots that a tuple has from the start; more are added when they are requested.
const FIRST_SLOTS: usize = 32;
/// How often in a row an open arm may be taken in vain, alternately in order and by name, before it
/// counts as closed. More than twice, because its dependencies may become known meanwhile.
const PATIENCE: usize = 6;
/// The same for an arm with an open one behind it; the open one must lose its patience first.
const PATIENCE_BEHIND: usize = 32;
/// The distance to something that does not exist.
const FAR: usize = usize::MAX;

/// The empty arm of an option, sequence or map.
pub(crate) const NOTHING: usize = 1;

/// A place for a value: the root, a field, an element, a key, a payload.
#[derive(Default)]
pub(crate) struct Slot {
    /// The requests at this place: one, unless the type asks differently from time to time.
    pub(crate) asks: Vec<Request>,
    /// How many values were refused; also the number of the next try.
    tries: usize,
    /// A value was created here at least once.
    filled: bool,
    /// User code panicked here; it is not called again.
    pub(crate) panicked: bool,
}

/// What a type asks for at a place.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Request {
    Leaf(&'static str),
    Node(usize),
}

impl Slot {
    /// Every value was refused.
    pub(crate) fn refused(&self) -> bool {
        !self.filled && self.tries == TRIES
    }

    fn open(&self) -> bool {
        let unsettled = self.asks.is_empty() || self.tries > 0;
        unsettled && !self.filled && !self.refused()
    }
}

/// Identifies a type by its request. The visitor's type name distinguishes `Page<A>` from
/// `Page<B>`. Types with equal keys (two versions of one crate) share a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TypeKey {
    pub(crate) head: TypeHead,
    pub(crate) name: &'static str,
    pub(crate) labels: &'static [&'static str],
    pub(crate) len: usize,
    pub(crate) visitor: &'static str,
}

/// The kind of a composite type.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TypeHead {
    Struct,
    TupleStruct,
    NewtypeStruct,
    UnitStruct,
    Enum,
    Tuple,
    Option,
    Seq,
    Map,
}

/// A composite type. A struct has one arm, an enum one per variant. Options (`Some` and `None`) and
/// sequences (one element and none) have two.
pub(crate) struct Node {
    pub(crate) key: TypeKey,
    pub(crate) arms: Vec<Arm>,
    /// How many nodes away the nearest open arm was when the pass began.
    distance: usize,
}

/// One of the ways to build a value of a node.
pub(crate) struct Arm {
    pub(crate) form: ArmForm,
    pub(crate) slots: Vec<usize>,
    /// The fewest steps that a value of this arm took; `None` until one was created.
    cost: Option<usize>,
    /// How often in a row this arm was searched and nothing was found.
    vain: usize,
    /// The last pass that searched this arm.
    pass: usize,
    /// Offers fields by name instead of in order, and a variant by index instead of by name: fields
    /// after one that refuses every value can then still be reached.
    pub(crate) other_way: bool,
}

/// The contents of an arm.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum ArmForm {
    Unknown,
    Unit,
    Tuple(usize),
    Struct(&'static [&'static str]),
}

/// A node and one of its arms.
pub(crate) type Way = (usize, usize);

/// All knowledge, and the state of the current pass.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) slots: Vec<Slot>,
    pub(crate) nodes: Vec<Node>,
    index: HashMap<TypeKey, usize>,
    /// A bound was reached, so something may be missing.
    pub(crate) limited: bool,
    /// Incremented with every new piece of knowledge.
    found: usize,
    /// Incremented with every failure that was attributed to a slot, so that no enclosing slot is
    /// blamed again.
    blamed: usize,
    passes: usize,
    steps: usize,
    pass_end: usize,
    depth: usize,
    pub(crate) made_up: MadeUp,
    /// The arms that are currently taken, outermost first.
    within: Vec<Step>,
}

/// An arm that is currently taken.
struct Step {
    way: Way,
    /// This node, or one around it, is inside itself.
    recursing: bool,
    /// The distance to the nearest open arm; 0 off the path to it.
    distance: usize,
}

impl Trace {
    /// Returns whether another pass has something to search for.
    pub(crate) fn next_pass(&mut self, root: usize) -> bool {
        self.survey();
        if self.passes > 0 && !self.slots[root].open() && self.distance_from(root) == FAR {
            return false;
        }
        if self.passes == MAX_PASSES || self.steps >= MAX_STEPS {
            self.limited = true;
            return false;
        }
        self.passes += 1;
        self.pass_end = MAX_STEPS.min(self.steps + MAX_PASS_STEPS);
        self.made_up = MadeUp::default();
        true
    }

    /// Returns whether values carry the names of their parts somewhere in this type, because they
    /// ask for any kind of value.
    pub(crate) fn carries_names(&self) -> bool {
        let leaf = |ask: &Request| matches!(ask, Request::Leaf("any" | "identifier" | "ignored"));
        self.slots.iter().any(|slot| slot.asks.iter().any(leaf))
    }

    pub(crate) fn add_slot(&mut self) -> usize {
        self.slots.push(Slot::default());
        self.slots.len() - 1
    }

    /// Lets user code fill a slot, and records the result.
    pub(crate) fn fill<R>(
        &mut self,
        slot: usize,
        run: impl FnOnce(Asked<'_>) -> Result<R, TraceRefused>,
    ) -> Result<R, TraceRefused> {
        self.limited |= self.steps >= self.pass_end;
        if self.steps >= self.pass_end || self.depth == MAX_DEPTH || self.slots[slot].panicked {
            return self.give_up();
        }
        let (choice, blamed, within) = (self.made_up.choice, self.blamed, self.within.len());
        let tries = self.slots[slot].tries % TRIES;
        if tries > 0 {
            self.made_up.choice = tries;
        }
        self.steps += 1;
        self.depth += 1;
        let result = catch_unwind(AssertUnwindSafe(|| run(Asked { trace: self, slot })));
        self.depth -= 1;
        self.made_up.choice = choice;
        self.within.truncate(within);

        let known = &mut self.slots[slot];
        let news = match &result {
            Ok(Ok(_)) => !replace(&mut known.filled, true),
            Ok(Err(TraceRefused)) if self.blamed != blamed => false,
            Ok(Err(TraceRefused)) => {
                self.blamed += 1;
                let tried = known.tries;
                known.tries = TRIES.min(tried + 1);
                known.tries > tried
            }
            Err(_) => {
                self.blamed += 1;
                known.panicked = true;
                true
            }
        };
        self.found += usize::from(news);
        result.unwrap_or_else(|payload| {
            discard(payload);
            Err(TraceRefused)
        })
    }

    /// Records a failure that is not caused by a slot.
    fn give_up<R>(&mut self) -> Result<R, TraceRefused> {
        self.blamed += 1;
        Err(TraceRefused)
    }

    /// Records that a slot asks for a leaf, or for a node.
    pub(crate) fn note(&mut self, slot: usize, ask: Request) {
        let asks = &mut self.slots[slot].asks;
        if asks.contains(&ask) {
            return;
        }
        asks.push(ask);
        self.found += 1;
    }

    /// Records that a slot asks for a composite type; returns the arm to answer with.
    pub(crate) fn choose(&mut self, slot: usize, key: TypeKey) -> Result<Way, TraceRefused> {
        let known = self.slots[slot].asks.iter().find_map(|ask| match *ask {
            Request::Node(node) => (self.nodes[node].key == key).then_some(node),
            Request::Leaf(_) => None,
        });
        let known = known.or_else(|| self.index.get(&key).copied());
        let node = known.unwrap_or_else(|| self.add_node(key));
        self.note(slot, Request::Node(node));
        match self.pick(node) {
            Some(arm) => Ok((node, arm)),
            None => self.give_up(),
        }
    }

    fn add_node(&mut self, key: TypeKey) -> usize {
        let forms = match key.head {
            TypeHead::Struct => vec![ArmForm::Struct(key.labels)],
            TypeHead::Tuple | TypeHead::TupleStruct => vec![ArmForm::Tuple(key.len)],
            TypeHead::NewtypeStruct => vec![ArmForm::Tuple(1)],
            TypeHead::UnitStruct => vec![ArmForm::Unit],
            TypeHead::Option | TypeHead::Seq => vec![ArmForm::Tuple(1), ArmForm::Unit],
            TypeHead::Map => vec![ArmForm::Tuple(2), ArmForm::Unit],
            TypeHead::Enum => vec![ArmForm::Unknown; key.labels.len()],
        };
        let arms = forms.into_iter().map(|form| self.new_arm(form)).collect();
        self.nodes.push(Node { key, arms, distance: FAR });
        self.index.insert(key, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn new_arm(&mut self, form: ArmForm) -> Arm {
        let slots = match form {
            ArmForm::Unknown | ArmForm::Unit => 0,
            ArmForm::Tuple(len) => len.min(FIRST_SLOTS),
            ArmForm::Struct(labels) => labels.len(),
        };
        let slots = (0..slots).map(|_| self.add_slot()).collect();
        Arm {
            form,
            slots,
            cost: (form == ArmForm::Unit).then_some(0),
            vain: 0,
            pass: 0,
            other_way: false,
        }
    }

    /// Records the form of an enum's variant.
    pub(crate) fn note_form(&mut self, (node, arm): Way, form: ArmForm) {
        if self.arm((node, arm)).form == ArmForm::Unknown {
            let new = self.new_arm(form);
            let arm = &mut self.nodes[node].arms[arm];
            (arm.form, arm.slots) = (new.form, new.slots);
            self.found += 1;
        }
    }

    pub(crate) fn arm(&self, (node, arm): Way) -> &Arm {
        &self.nodes[node].arms[arm]
    }

    /// Returns the slot at this position, after adding those that are missing.
    pub(crate) fn slot_at(&mut self, (node, arm): Way, position: usize) -> usize {
        while self.arm((node, arm)).slots.len() <= position {
            let slot = self.add_slot();
            self.nodes[node].arms[arm].slots.push(slot);
        }
        self.arm((node, arm)).slots[position]
    }

    /// Returns the slots of a sequence, the least known ones first.
    pub(crate) fn slots_by_need(&mut self, way: Way, len: usize) -> Vec<(usize, usize)> {
        let mut slots: Vec<_> = (0..len).map(|at| (at, self.slot_at(way, at))).collect();
        slots.sort_by_key(|&(_, slot)| {
            let known = &self.slots[slot];
            (!known.asks.is_empty(), !known.open(), self.distance_from(slot))
        });
        slots
    }

    /// Returns the distance from this arm to the nearest open one, 0 if it is open itself.
    fn distance(&self, arm: &Arm) -> usize {
        if arm.vain < PATIENCE && self.open(arm) {
            return 0;
        }
        let slots = arm.slots.iter().map(|&slot| self.distance_from(slot));
        let behind = slots.min().filter(|_| arm.vain < PATIENCE_BEHIND);
        behind.map_or(FAR, |nodes| nodes.saturating_add(1))
    }

    /// Returns the distance from the types at this slot to the nearest open arm.
    fn distance_from(&self, slot: usize) -> usize {
        let nodes = self.slots[slot].asks.iter().filter_map(|ask| match *ask {
            Request::Node(node) => Some(self.nodes[node].distance),
            Request::Leaf(_) => None,
        });
        nodes.min().filter(|_| !self.slots[slot].panicked).unwrap_or(FAR)
    }

    fn open(&self, arm: &Arm) -> bool {
        arm.form == ArmForm::Unknown || arm.slots.iter().any(|&slot| self.slots[slot].open())
    }

    /// Updates every node's distance.
    fn survey(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.distance = FAR);
        let mut changed = true;
        while changed {
            changed = false;
            for node in (0..self.nodes.len()).rev() {
                let arms = self.nodes[node].arms.iter();
                let distance = arms.map(|arm| self.distance(arm)).min().unwrap_or(FAR);
                changed |= distance < self.nodes[node].distance;
                self.nodes[node].distance = distance;
            }
        }
    }

    /// Returns the arm to take, if there is one that ends.
    fn pick(&self, node: usize) -> Option<usize> {
        let arms = &self.nodes[node].arms;
        let inside_itself = self.within.iter().filter(|step| step.way.0 == node).count();
        if arms.len() == 1 {
            return (inside_itself < 2).then_some(0); // a third time would never end
        }
        let mut free: Vec<usize> = (0..arms.len()).collect();
        free.retain(|&arm| self.within.iter().all(|step| step.way != (node, arm)));
        let mut working = free.clone();
        working.retain(|&arm| arms[arm].cost.is_some());
        working.sort_by_key(|&arm| arms[arm].cost);

        let recursing = self.within.last().is_some_and(|step| step.recursing);
        if inside_itself == 0 && (!recursing || working.is_empty()) {
            let search = free.into_iter().map(|arm| {
                let known = arms[arm].form != ArmForm::Unknown; // the others may end a recursion
                (self.distance(&arms[arm]), known, arms[arm].vain, arm)
            });
            // A distant arm is searched only once per pass: it would have been found by then.
            let again = |arm: usize| arms[arm].pass == self.passes;
            let worth = search.filter(|&(far, .., arm)| far == 0 || (far < FAR && !again(arm)));
            if let Some((.., arm)) = worth.min() {
                return Some(arm);
            }
        }
        // If the cheapest arm was refused, any other may be the right one.
        working.get(self.made_up.choice % working.len().max(1)).copied()
    }

    /// Takes an arm, and records whether that found anything.
    pub(crate) fn take<R>(
        &mut self,
        way: Way,
        run: impl FnOnce(&mut Self) -> Result<R, TraceRefused>,
    ) -> Result<R, TraceRefused> {
        let again = self.within.iter().any(|step| step.way.0 == way.0);
        let (recursing, around) =
            self.within.last().map_or((false, FAR), |step| (step.recursing, step.distance));
        let recursing = recursing || again;
        let (open, distance) = (self.open(self.arm(way)), self.distance(self.arm(way)));
        // If the distance does not decrease, it may be that of a detour through this arm.
        let nearer = distance < around;
        let searching = !recursing && (open || nearer);
        let (found, steps) = (self.found, self.steps);
        if distance < FAR && !recursing {
            self.nodes[way.0].arms[way.1].pass = self.passes;
        }
        self.within.push(Step { way, recursing, distance: if nearer { distance } else { 0 } });
        let result = run(self);
        self.within.pop();
        let cost = self.steps - steps;
        let arm = &mut self.nodes[way.0].arms[way.1];
        if result.is_ok() {
            arm.cost = Some(arm.cost.map_or(cost, |least| least.min(cost)));
        }
        if self.found != found {
            arm.vain = 0;
        } else if searching {
            arm.vain += 1;
            arm.other_way ^= open;
        }
        result
    }
}

/// The only error: a value was refused. The slots show by what.
#[derive(Debug)]
pub(crate) struct TraceRefused;

impl Display for TraceRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for TraceRefused {}

impl serde::de::Error for TraceRefused {
    fn custom<T: Display>(_: T) -> Self {
        TraceRefused
    }
}
