//! Writes down a finished trace; [`super`] describes the text.

use std::fmt::Write as _;

use crate::wire::shape::trace::{Arm, ArmForm, Node, Request, Slot, Trace, TypeHead};

/// Largest text in bytes.
const MAX_TEXT: usize = 256 << 10;

/// `of` is the type's full name.
pub(crate) fn write(trace: &Trace, root: usize, of: &str) -> String {
    let mut text = Text { trace, out: String::new(), named: Vec::new(), within: Vec::new() };
    text.slot(&trace.slots[root]);
    let mut next = 0;
    while let Some(&node) = text.named.get(next).filter(|_| !text.full()) {
        text.out.push('\n');
        text.definition(node);
        next += 1;
    }
    if trace.carries_names() && !text.full() {
        text.out.push_str("\nof ");
        without_paths(of, &mut text.out);
    }
    let cut = text.full();
    let mut out = text.out;
    if cut {
        let end = (0..=MAX_TEXT).rev().find(|&at| out.is_char_boundary(at));
        out.truncate(end.unwrap_or(0));
    }
    if cut || trace.limited {
        out.push_str("!limit");
    }
    out
}

struct Text<'a> {
    trace: &'a Trace,
    out: String,
    /// The named types mentioned so far; their positions are their numbers.
    named: Vec<usize>,
    /// The nameless types around the current place.
    within: Vec<usize>,
}

impl<'a> Text<'a> {
    fn full(&self) -> bool {
        self.out.len() > MAX_TEXT
    }

    fn slot(&mut self, slot: &Slot) {
        if slot.asks.is_empty() {
            self.out.push('?');
        }
        self.list(&slot.asks, '|', |text, ask| match *ask {
            Request::Leaf(name) => text.out.push_str(name),
            Request::Node(node) => text.mention(node),
        });
        if slot.panicked {
            self.out.push_str("!panic");
        } else if slot.refused() {
            self.out.push('!');
        }
    }

    /// Writes items with a separator between them, until the text is full.
    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        between: char,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (position, item) in items.into_iter().enumerate() {
            if self.full() {
                return;
            }
            if position > 0 {
                self.out.push(between);
            }
            write(self, item);
        }
    }

    /// Writes a nameless type in full, a named one by name and number.
    fn mention(&mut self, index: usize) {
        let node = &self.trace.nodes[index];
        let word = match node.key.head {
            TypeHead::Tuple => "",
            TypeHead::Option => "option",
            TypeHead::Seq => "seq",
            TypeHead::Map => "map",
            _ => return self.name_and_number(index),
        };
        if let Some(around) = self.within.iter().rev().position(|&around| around == index) {
            let _ = write!(self.out, "^{}", around + 1);
            return;
        }
        self.within.push(index);
        self.out.push_str(word);
        if node.key.head == TypeHead::Tuple {
            self.arm(&node.arms[0]);
        } else {
            self.out.push('<');
            self.list(&node.arms[0].slots, ',', |text, &slot| text.slot_at(slot));
            self.out.push('>');
        }
        self.within.pop();
    }

    fn name_and_number(&mut self, node: usize) {
        let number = self.named.iter().position(|&named| named == node).unwrap_or_else(|| {
            self.named.push(node);
            self.named.len() - 1
        });
        self.name(self.trace.nodes[node].key.name);
        let _ = write!(self.out, "#{number}");
    }

    fn definition(&mut self, index: usize) {
        let Node { key, arms, .. } = &self.trace.nodes[index];
        self.out.push_str(match key.head {
            TypeHead::Enum => "enum ",
            TypeHead::NewtypeStruct => "newtype ",
            _ => "struct ",
        });
        self.name_and_number(index);
        if key.head != TypeHead::Enum {
            return self.arm(&arms[0]);
        }
        self.out.push('{');
        self.list(key.labels.iter().zip(arms), ',', |text, (label, arm)| {
            text.name(label);
            text.arm(arm);
        });
        self.out.push('}');
    }

    fn arm(&mut self, arm: &'a Arm) {
        match arm.form {
            ArmForm::Unknown => self.out.push('?'),
            ArmForm::Unit => {}
            ArmForm::Tuple(len) => {
                self.out.push('(');
                self.elements(&arm.slots, len);
                self.out.push(')');
            }
            ArmForm::Struct(labels) => {
                self.out.push('{');
                self.list(labels.iter().zip(&arm.slots), ',', |text, (label, &slot)| {
                    text.name(label);
                    text.out.push(':');
                    text.slot_at(slot);
                });
                self.out.push('}');
            }
        }
    }

    fn slot_at(&mut self, slot: usize) {
        self.slot(&self.trace.slots[slot]);
    }

    /// Equal neighbours are counted, not repeated: `(u8*32)`. Slots that were never created were
    /// not reached, just like empty ones.
    fn elements(&mut self, slots: &[usize], len: usize) {
        let trace = self.trace;
        let known: Vec<&Slot> = slots.iter().map(|&slot| &trace.slots[slot]).collect();
        let reached = known.iter().rposition(|slot| !slot.asks.is_empty()).map_or(0, |at| at + 1);
        let unreached = Slot::default();
        let runs = known[..reached].chunk_by(|one, next| reads_alike(one, next));
        let runs = runs.map(|run| (run[0], run.len())).chain([(&unreached, len - reached)]);
        self.list(runs.filter(|run| run.1 > 0), ',', |text, (slot, count)| {
            text.slot(slot);
            if count > 1 {
                let _ = write!(text.out, "*{count}");
            }
        });
    }

    /// Writes a name as it is, or with its length if it could be mistaken for something else.
    fn name(&mut self, name: &str) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !name.is_empty() && name.bytes().all(plain) {
            self.out.push_str(name);
        } else {
            let _ = write!(self.out, "{}\"{name}\"", name.len());
        }
    }
}

/// Writes a type's name without its paths, which give its location and not its identity, and
/// without lifetimes, which not every compiler writes.
fn without_paths(name: &str, out: &mut String) {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => rest[1..].find(|c| !word(c)).map_or(rest.len(), |end| end + 1),
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (piece, after) = rest.split_at(length);
        rest = match first {
            '\'' => after.strip_prefix(", ").unwrap_or(after),
            _ => after.strip_prefix("::").filter(|_| word(first)).unwrap_or(after),
        };
        if first != '\'' && rest.len() == after.len() {
            out.push_str(piece);
        }
    }
}

/// Returns whether two slots are written alike.
fn reads_alike(one: &Slot, other: &Slot) -> bool {
    one.asks == other.asks && one.refused() == other.refused() && one.panicked == other.panicked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_type_is_and_not_where() {
        for (full, short) in [
            ("u8", "u8"),
            ("app::laser::Cfg", "Cfg"),
            ("alloc::vec::Vec<app::Cfg>", "Vec<Cfg>"),
            ("(app::Cfg, core::option::Option<[u8; 3]>)", "(Cfg, Option<[u8; 3]>)"),
            ("alloc::borrow::Cow<'_, str>", "Cow<str>"),
            ("app::Ref<'static>", "Ref<>"),
            ("app::f::{{closure}}::Cfg", "{{closure}}::Cfg"),
        ] {
            let mut out = String::new();
            without_paths(full, &mut out);
            assert_eq!(out, short);
        }
    }
}
