//! What is known of a type, and which way the next pass takes.
//!
//! A type is a graph: a [`Slot`] is a place for a value, a [`Node`] a composite type, and a node is a
//! choice of [`Arm`]s, each a row of slots. A pass walks it from the root, as the type asks.
//!
//! * An arm is open while its form is unknown or one of its slots was never reached or has values left
//!   to try. A pass takes the way to the nearest open arm, and what else is open beside it; everywhere
//!   else it takes the cheapest arm that is known to work.
//! * Recursion ends: an arm is never taken inside itself, and what is inside itself takes what works.
//! * Of a chain of failures the innermost slot gets the blame: it is answered differently in the next
//!   pass, until the made-up values are used up.
//! * The search ends: a pass adds knowledge, uses up a value, or costs the arms that led to nothing
//!   some of their patience.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::mem::replace;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::asked::Asked;
use super::made_up::{MadeUp, TRIES};
use crate::unwind::discard;

/// Passes over one type. One pass settles at least one variant or one refused value of what is open.
const MAX_PASSES: usize = 4096;
/// Slots filled in one pass: an array of arrays has one per element.
const MAX_PASS_STEPS: usize = 1 << 15;
/// Slots filled in all passes, a few milliseconds.
const MAX_STEPS: usize = 1 << 18;
/// Slots inside each other: as far as a stack of 2 MiB goes without optimisation, and then some.
const MAX_DEPTH: usize = 128;
/// Slots a tuple has from the start; more come as they are asked for.
const FIRST_SLOTS: usize = 32;
/// How often in a row an open arm is taken in vain, by turns in order and by name, before it counts
/// as closed. More than twice, since what it depends on may become known meanwhile.
const PATIENCE: usize = 6;
/// The same for an arm with an open one behind it, which is to lose its patience first.
const PATIENCE_BEHIND: usize = 32;
/// The distance to what does not exist.
const FAR: usize = usize::MAX;

/// The arm of an option, sequence or map that holds nothing.
pub(super) const NOTHING: usize = 1;

/// A place for a value: the root, a field, an element, a key, a payload.
#[derive(Default)]
pub(super) struct Slot {
    /// What was asked for here: one thing, unless the type asks differently from time to time.
    pub(super) asks: Vec<Ask>,
    /// How many values were refused; the next try's number.
    tries: usize,
    /// A value came about here at least once.
    filled: bool,
    /// User code panicked here; it is not called again.
    pub(super) panicked: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ask {
    Leaf(&'static str),
    Node(usize),
}

impl Slot {
    /// Every value was refused.
    pub(super) fn refused(&self) -> bool {
        !self.filled && self.tries == TRIES
    }

    fn open(&self) -> bool {
        let unsettled = self.asks.is_empty() || self.tries > 0;
        unsettled && !self.filled && !self.refused()
    }
}

/// What makes two questions the same type. The visitor's type name tells `Page<A>` from `Page<B>`.
/// Types that agree in all of it (two versions of one crate) share a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) head: Head,
    pub(super) name: &'static str,
    pub(super) labels: &'static [&'static str],
    pub(super) len: usize,
    pub(super) visitor: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Head {
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

/// A composite type. A struct has one arm, an enum one per variant; `Some` and `None`, one element and
/// none are two.
pub(super) struct Node {
    pub(super) key: Key,
    pub(super) arms: Vec<Arm>,
    /// How many nodes away the nearest open arm was when the pass began.
    distance: usize,
}

pub(super) struct Arm {
    pub(super) form: Form,
    pub(super) slots: Vec<usize>,
    /// The fewest steps a value of this arm took; `None` while none came about.
    cost: Option<usize>,
    /// How often in a row this arm was taken to find something, and nothing was found.
    vain: usize,
    /// The pass that last took it to find something.
    pass: usize,
    /// Offer fields by name instead of in order, and a variant by index instead of by name: behind a
    /// field that refuses every value the next ones can still be reached.
    pub(super) other_way: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    Unknown,
    Unit,
    Tuple(usize),
    Struct(&'static [&'static str]),
}

/// A node and one of its arms.
pub(super) type Way = (usize, usize);

/// All that is known, and where the current pass stands.
#[derive(Default)]
pub(super) struct Trace {
    pub(super) slots: Vec<Slot>,
    pub(super) nodes: Vec<Node>,
    index: HashMap<Key, usize>,
    /// A bound was met, so something may be missing.
    pub(super) limited: bool,
    /// Rises with every piece of knowledge.
    found: usize,
    /// Rises with every failure that has its culprit, so that no enclosing slot is blamed again.
    blamed: usize,
    passes: usize,
    steps: usize,
    pass_end: usize,
    depth: usize,
    pub(super) made_up: MadeUp,
    /// The arms being taken, outermost first.
    within: Vec<Step>,
}

struct Step {
    way: Way,
    /// This node or one around it is inside itself.
    recursing: bool,
    /// How far it was to what can still be found; 0 off the way there.
    distance: usize,
}

impl Trace {
    /// Whether another pass has something to look for.
    pub(super) fn next_pass(&mut self, root: usize) -> bool {
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

    /// Whether values carry the names of what is in them, somewhere in this type: they ask for whatever there is.
    pub(super) fn carries_names(&self) -> bool {
        let leaf = |ask: &Ask| matches!(ask, Ask::Leaf("any" | "identifier" | "ignored"));
        self.slots.iter().any(|slot| slot.asks.iter().any(leaf))
    }

    pub(super) fn add_slot(&mut self) -> usize {
        self.slots.push(Slot::default());
        self.slots.len() - 1
    }

    /// Lets user code fill a slot, and notes what came of it.
    pub(super) fn fill<R>(
        &mut self,
        slot: usize,
        run: impl FnOnce(Asked<'_>) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
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
            Ok(Err(Refused)) if self.blamed != blamed => false,
            Ok(Err(Refused)) => {
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
            Err(Refused)
        })
    }

    /// A failure that is no slot's fault.
    fn give_up<R>(&mut self) -> Result<R, Refused> {
        self.blamed += 1;
        Err(Refused)
    }

    /// A slot asks for a leaf, or for a node.
    pub(super) fn note(&mut self, slot: usize, ask: Ask) {
        let asks = &mut self.slots[slot].asks;
        if asks.contains(&ask) {
            return;
        }
        asks.push(ask);
        self.found += 1;
    }

    /// A slot asks for a composite type: the arm to answer with.
    pub(super) fn choose(&mut self, slot: usize, key: Key) -> Result<Way, Refused> {
        let known = self.slots[slot].asks.iter().find_map(|ask| match *ask {
            Ask::Node(node) => (self.nodes[node].key == key).then_some(node),
            Ask::Leaf(_) => None,
        });
        let known = known.or_else(|| self.index.get(&key).copied());
        let node = known.unwrap_or_else(|| self.add_node(key));
        self.note(slot, Ask::Node(node));
        match self.pick(node) {
            Some(arm) => Ok((node, arm)),
            None => self.give_up(),
        }
    }

    fn add_node(&mut self, key: Key) -> usize {
        let forms = match key.head {
            Head::Struct => vec![Form::Struct(key.labels)],
            Head::Tuple | Head::TupleStruct => vec![Form::Tuple(key.len)],
            Head::NewtypeStruct => vec![Form::Tuple(1)],
            Head::UnitStruct => vec![Form::Unit],
            Head::Option | Head::Seq => vec![Form::Tuple(1), Form::Unit],
            Head::Map => vec![Form::Tuple(2), Form::Unit],
            Head::Enum => vec![Form::Unknown; key.labels.len()],
        };
        let arms = forms.into_iter().map(|form| self.new_arm(form)).collect();
        self.nodes.push(Node { key, arms, distance: FAR });
        self.index.insert(key, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    fn new_arm(&mut self, form: Form) -> Arm {
        let slots = match form {
            Form::Unknown | Form::Unit => 0,
            Form::Tuple(len) => len.min(FIRST_SLOTS),
            Form::Struct(labels) => labels.len(),
        };
        let slots = (0..slots).map(|_| self.add_slot()).collect();
        Arm {
            form,
            slots,
            cost: (form == Form::Unit).then_some(0),
            vain: 0,
            pass: 0,
            other_way: false,
        }
    }

    /// An enum's variant says what it consists of.
    pub(super) fn note_form(&mut self, (node, arm): Way, form: Form) {
        if self.arm((node, arm)).form == Form::Unknown {
            let new = self.new_arm(form);
            let arm = &mut self.nodes[node].arms[arm];
            (arm.form, arm.slots) = (new.form, new.slots);
            self.found += 1;
        }
    }

    pub(super) fn arm(&self, (node, arm): Way) -> &Arm {
        &self.nodes[node].arms[arm]
    }

    pub(super) fn slot_at(&mut self, (node, arm): Way, position: usize) -> usize {
        while self.arm((node, arm)).slots.len() <= position {
            let slot = self.add_slot();
            self.nodes[node].arms[arm].slots.push(slot);
        }
        self.arm((node, arm)).slots[position]
    }

    /// The slots of a row, the most unknown ones first.
    pub(super) fn slots_by_need(&mut self, way: Way, len: usize) -> Vec<(usize, usize)> {
        let mut slots: Vec<_> = (0..len).map(|at| (at, self.slot_at(way, at))).collect();
        slots.sort_by_key(|&(_, slot)| {
            let known = &self.slots[slot];
            (!known.asks.is_empty(), !known.open(), self.distance_from(slot))
        });
        slots
    }

    /// How far it is from this arm to the nearest open one, 0 if it is open itself.
    fn distance(&self, arm: &Arm) -> usize {
        if arm.vain < PATIENCE && self.open(arm) {
            return 0;
        }
        let slots = arm.slots.iter().map(|&slot| self.distance_from(slot));
        let behind = slots.min().filter(|_| arm.vain < PATIENCE_BEHIND);
        behind.map_or(FAR, |nodes| nodes.saturating_add(1))
    }

    fn distance_from(&self, slot: usize) -> usize {
        let nodes = self.slots[slot].asks.iter().filter_map(|ask| match *ask {
            Ask::Node(node) => Some(self.nodes[node].distance),
            Ask::Leaf(_) => None,
        });
        nodes.min().filter(|_| !self.slots[slot].panicked).unwrap_or(FAR)
    }

    fn open(&self, arm: &Arm) -> bool {
        arm.form == Form::Unknown || arm.slots.iter().any(|&slot| self.slots[slot].open())
    }

    /// Brings every node's distance up to date.
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

    /// The arm to take, if there is one that leads to an end.
    fn pick(&self, node: usize) -> Option<usize> {
        let arms = &self.nodes[node].arms;
        let inside_itself = self.within.iter().filter(|step| step.way.0 == node).count();
        if arms.len() == 1 {
            return (inside_itself < 2).then_some(0); // what comes a third time would go on for ever
        }
        let mut free: Vec<usize> = (0..arms.len()).collect();
        free.retain(|&arm| self.within.iter().all(|step| step.way != (node, arm)));
        let mut working = free.clone();
        working.retain(|&arm| arms[arm].cost.is_some());
        working.sort_by_key(|&arm| arms[arm].cost);

        let recursing = self.within.last().is_some_and(|step| step.recursing);
        if inside_itself == 0 && (!recursing || working.is_empty()) {
            let search = free.into_iter().map(|arm| {
                let known = arms[arm].form != Form::Unknown; // the others may be a way out
                (self.distance(&arms[arm]), known, arms[arm].vain, arm)
            });
            // Once per pass is enough for what is far: it would be found by then.
            let again = |arm: usize| arms[arm].pass == self.passes;
            let worth = search.filter(|&(far, .., arm)| far == 0 || (far < FAR && !again(arm)));
            if let Some((.., arm)) = worth.min() {
                return Some(arm);
            }
        }
        // Where the cheapest was refused, any other may be what is wanted.
        working.get(self.made_up.choice % working.len().max(1)).copied()
    }

    /// Takes an arm, and notes what that was good for.
    pub(super) fn take<R>(
        &mut self,
        way: Way,
        run: impl FnOnce(&mut Self) -> Result<R, Refused>,
    ) -> Result<R, Refused> {
        let again = self.within.iter().any(|step| step.way.0 == way.0);
        let (recursing, around) =
            self.within.last().map_or((false, FAR), |step| (step.recursing, step.distance));
        let recursing = recursing || again;
        let (open, distance) = (self.open(self.arm(way)), self.distance(self.arm(way)));
        // Where the distance does not fall, it may be the distance of a detour through here.
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

/// The only error: somebody did not want a value. Who it was shows by the slots.
#[derive(Debug)]
pub(super) struct Refused;

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl std::error::Error for Refused {}

impl serde::de::Error for Refused {
    fn custom<T: Display>(_: T) -> Self {
        Refused
    }
}
