//! Detects whether two sides have the same interface, and where they differ.
//!
//! It compares the interface's name, and for every item its position, its name, the names of its
//! arguments, whether an event is `latest`, and the serde [shape](crate::wire::shape) of each type
//! in it: a field that was added to an error type on one side is detected before the first value is
//! misread. The spelling of a type does not count (`Result`, `std::result::Result`, an alias), nor
//! does the version of the interface's crate: both appear only in the message. Types that could not
//! be compared are listed apart ([`not_compared`]). A child may send any text, so there is a bound
//! on what the lines repeat of it.

use std::fmt;

use crate::escape::escaped;
use crate::limits::DIFFERENCES;
use crate::wire::interface::description::{Delivery, Fact, Facts, ShapeFact};
use crate::wire::shape::{UNSEEN, difference, unseen};

/// How two builds of an interface differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceMismatch {
    controller: String,
    child: String,
    differences: Vec<String>,
}

impl InterfaceMismatch {
    /// Returns the differences of the two sides, one line each.
    #[must_use]
    pub fn differences(&self) -> &[String] {
        &self.differences
    }

    /// Compares two sides; returns `None` if they are the same as far as can be detected.
    pub(crate) fn between(controller: &Facts, child: &Facts) -> Option<Self> {
        let mut lines = Lines::default();
        if controller.interface != child.interface {
            let (here, there) = (&controller.interface, &child.interface);
            lines.add(format_args!(
                "the interface is `{here}` in the controller, `{there}` in the child"
            ));
        }
        let find = |facts: &Facts, fact: &Fact| {
            let mut items = facts.items.iter();
            items.position(|other| other.kind == fact.kind && other.name == fact.name)
        };
        let mut moved = false;
        for (place, ours) in controller.items.iter().enumerate() {
            let Some(theirs) = find(child, ours) else {
                lines.add(format_args!("{ours} is missing in the child"));
                continue;
            };
            moved |= theirs != place;
            item(controller, ours, child, &child.items[theirs], &mut lines);
        }
        for theirs in &child.items {
            if find(controller, theirs).is_none() {
                lines.add(format_args!("{theirs} is missing in the controller"));
            }
        }
        if moved && lines.told.is_empty() {
            lines.add(format_args!("the items are in a different order"));
        }
        lines.finish(controller, child)
    }

    /// Creates a strict mismatch: types that could not be compared count as different.
    pub(crate) fn strictly(controller: &Facts, child: &Facts, unseen: &[String]) -> Self {
        let differences = unseen.iter().map(|item| format!("{item} cannot be compared")).collect();
        Self { controller: title(controller), child: title(child), differences }
    }
}

/// Returns what could not be compared, item by item; empty if everything was. For two sides that do
/// not differ otherwise.
pub(crate) fn not_compared(controller: &Facts, child: &Facts) -> Vec<String> {
    let mut lines = Lines::default();
    for (ours, theirs) in controller.items.iter().zip(&child.items) {
        let types = ours.shapes.iter().zip(&theirs.shapes).enumerate();
        for (place, (one, other)) in types {
            let texts =
                [find(controller, *one), find(child, *other)].map(Option::unwrap_or_default);
            let found = match texts.contains(&UNSEEN) {
                true => Some(String::new()),
                // The controller's own text is complete, and the child's is the same.
                false => unseen(texts[0]),
            };
            if let Some(path) = found {
                let (role, path) = (role(ours, place), in_ticks(&path));
                lines.add(format_args!("{ours}{role}{path}"));
            }
        }
    }
    lines.all()
}

fn in_ticks(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(": `{path}`") }
}

/// Returns the text of a shape.
fn find(facts: &Facts, shape: u32) -> Option<&str> {
    facts.shapes.get(shape as usize).map(|shape| shape.text.as_str())
}

/// Reports how one item differs.
fn item(controller: &Facts, ours: &Fact, child: &Facts, theirs: &Fact, lines: &mut Lines) {
    let names = !arguments(&ours.signature).eq(arguments(&theirs.signature));
    if names || ours.shapes.len() != theirs.shapes.len() {
        lines.add(format_args!("{ours} in the controller, {theirs} in the child"));
        return;
    }
    if ours.delivery != theirs.delivery {
        let (here, there) = (mark(ours.delivery), mark(theirs.delivery));
        lines.add(format_args!("{ours} is `{here}` in the controller, `{there}` in the child"));
    }
    for (place, (one, other)) in ours.shapes.iter().zip(&theirs.shapes).enumerate() {
        let one = controller.shapes.get(*one as usize);
        let Some(what) = differs(one, child.shapes.get(*other as usize)) else { continue };
        let role = role(ours, place);
        match ours.signature == theirs.signature {
            true => lines.add(format_args!("{ours}{role}: {what}")),
            false => lines
                .add(format_args!("{ours} in the controller, {theirs} in the child{role}: {what}")),
        }
    }
}

/// Returns how one type differs, as a sentence.
fn differs(ours: Option<&ShapeFact>, theirs: Option<&ShapeFact>) -> Option<String> {
    let unknown = "a type in it has other fields, variants or widths in the child";
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return Some(unknown.to_owned()) };
    if ours.hash == theirs.hash || ours.text == UNSEEN || theirs.text == UNSEEN {
        return None;
    }
    // A child that sends a longer text than allowed has lied about it.
    let short = theirs.text.len() <= crate::limits::SHAPE_TEXT_BYTES;
    let found = if short { difference(&ours.text, &theirs.text) } else { None };
    Some(found.unwrap_or_else(|| unknown.to_owned()))
}

/// Returns the attribute that an event was declared with.
fn mark(delivery: Option<Delivery>) -> &'static str {
    match delivery {
        Some(Delivery::Latest) => "#[event(latest)]",
        _ => "#[event]",
    }
}

/// Names which of an item's types is meant, as the rest of a sentence.
fn role(fact: &Fact, place: usize) -> String {
    let names = arguments(&fact.signature).count();
    match (arguments(&fact.signature).nth(place), place - names.min(place)) {
        (Some(name), _) => format!(", argument `{name}`"),
        _ if fact.kind != "command" => String::new(),
        (None, 0) => ", its result".to_owned(),
        (None, _) => ", its error".to_owned(),
    }
}

/// Returns the names of the arguments of a signature, `(a: i32, b: Vec<(u8, u8)>) -> i32`; none for
/// `: i32`.
fn arguments(signature: &str) -> impl Iterator<Item = &str> {
    let mut rest = signature.strip_prefix('(').unwrap_or_default();
    std::iter::from_fn(move || {
        let (mut depth, mut before) = (0_usize, ' ');
        let end = rest.char_indices().find(|(_, c)| {
            match c {
                '(' | '[' | '{' | '<' => depth += 1,
                // The arrow of a function type closes nothing.
                '>' if before == '-' => {}
                ')' | ']' | '}' | '>' if depth > 0 => depth -= 1,
                ')' | ']' | '}' | '>' | ',' if depth == 0 => return true,
                _ => {}
            }
            before = *c;
            false
        });
        let (argument, after) = rest.split_at(end?.0);
        rest = after.strip_prefix(',').unwrap_or_default();
        argument.split(':').next().map(str::trim).filter(|name| !name.is_empty())
    })
}

/// Lines for people. The child may be anything, and may send texts of any length.
#[derive(Default)]
struct Lines {
    told: Vec<String>,
    more: usize,
}

impl Lines {
    fn add(&mut self, line: fmt::Arguments<'_>) {
        match self.told.len() < DIFFERENCES {
            true => self.told.push(cut(line)),
            false => self.more += 1,
        }
    }

    /// Returns the lines; the last one counts those that were left out.
    fn all(mut self) -> Vec<String> {
        if self.more > 0 {
            self.told.push(format!("and {} more", self.more));
        }
        self.told
    }

    fn finish(self, controller: &Facts, child: &Facts) -> Option<InterfaceMismatch> {
        let differences = self.all();
        let (controller, child) = (title(controller), title(child));
        (!differences.is_empty()).then_some(InterfaceMismatch { controller, child, differences })
    }
}

/// Names an interface and its version.
fn title(facts: &Facts) -> String {
    cut(format_args!("{} {}", facts.interface, facts.version))
}

/// Formats a difference up to a length that people still read.
fn cut(line: fmt::Arguments<'_>) -> String {
    const LONGEST: usize = 2000;

    struct Cut(String);

    impl fmt::Write for Cut {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = LONGEST - self.0.len();
            let end = (0..=room.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
            let end = end.unwrap_or(0);
            self.0.push_str(&text[..end]);
            if end < text.len() { Err(fmt::Error) } else { Ok(()) }
        }
    }

    let mut kept = Cut(String::new());
    if fmt::write(&mut kept, line).is_err() {
        kept.0.push('…');
    }
    kept.0
}

impl fmt::Display for InterfaceMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "controller and child were built from different interfaces (controller: {}, child: {}); \
             build both from the same version",
            self.controller,
            escaped(&self.child)
        )?;
        for difference in &self.differences {
            write!(f, "; {}", escaped(difference))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::interface::description::hash;

    /// Name, signature, shapes.
    type Command<'a> = (&'a str, &'a str, &'a [&'a str]);

    fn facts(version: &str, commands: &[Command<'_>]) -> Facts {
        let mut shapes = Vec::new();
        let items = commands.iter().map(|(name, signature, texts)| {
            let own = texts.iter().map(|text| {
                shapes.push(ShapeFact { hash: hash(text), text: (*text).into() });
                shapes.len() as u32 - 1
            });
            Fact {
                kind: "command".into(),
                name: (*name).into(),
                signature: (*signature).into(),
                delivery: None,
                shapes: own.collect(),
            }
        });
        let items = items.collect();
        Facts { interface: "Laser".into(), version: version.into(), items, shapes }
    }

    #[track_caller]
    fn check(controller: &Facts, child: &Facts, expected: &[&str]) {
        let mismatch = InterfaceMismatch::between(controller, child);
        let differences = mismatch.as_ref().map_or(&[][..], InterfaceMismatch::differences);
        assert_eq!(differences, expected);
        assert_eq!(mismatch.is_some(), !expected.is_empty());
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let add = |signature, shape| facts("1", &[("add", signature, &[shape, "unit", "unit"])]);
        let ours = add("(a: i32)", "i32");
        check(
            &ours,
            &add("(a: i64)", "i64"),
            &[
                "command `add(a: i32)` in the controller, command `add(a: i64)` in the child, argument `a`: \
               i32 in the controller, i64 in the child",
            ],
        );
        check(
            &add("(a: T)", "T#0\nstruct T#0{x:i32}"),
            &add("(a: T)", "T#0\nstruct T#0{x:u32}"),
            &["command `add(a: T)`, argument `a`: `T.x`: i32 in the controller, u32 in the child"],
        );
        check(
            &ours,
            &add("(b: i32)", "i32"),
            &["command `add(a: i32)` in the controller, command `add(b: i32)` in the child"],
        );
        let sub = facts("1", &[("sub", "(a: i32)", &["i32"])]);
        check(
            &facts("1", &[("add", "(a: i32)", &["i32"])]),
            &sub,
            &[
                "command `add(a: i32)` is missing in the child",
                "command `sub(a: i32)` is missing in the controller",
            ],
        );
        let result = |shape| facts("1", &[("get", "() -> Result<u8, E>", &["u8", shape])]);
        check(
            &result("E#0\nenum E#0{A}"),
            &result("E#0\nenum E#0{A,B}"),
            &["command `get() -> Result<u8, E>`, its error: `E::B` is missing in the controller"],
        );
        let two = |first, second| {
            facts("1", &[(first, "()", &["unit", "unit"]), (second, "()", &["unit", "unit"])])
        };
        check(&two("a", "b"), &two("b", "a"), &["the items are in a different order"]);
        let mut renamed = ours.clone();
        renamed.interface = "Lamp".into();
        check(
            &ours,
            &renamed,
            &["the interface is `Laser` in the controller, `Lamp` in the child"],
        );
    }

    #[test]
    fn event_against_latest_is_called_that() {
        let event = |delivery| {
            let mut facts = facts("1", &[("pos", "(x: f64)", &["f64"])]);
            facts.items[0].kind = "event".into();
            facts.items[0].delivery = Some(delivery);
            facts
        };
        check(
            &event(Delivery::Every),
            &event(Delivery::Latest),
            &[
                "event `pos(x: f64)` is `#[event]` in the controller, `#[event(latest)]` in the child",
            ],
        );
    }

    #[test]
    fn spelling_and_version_are_no_difference() {
        let ours = facts("1", &[("add", "(a: Result<u8, E>) -> i32", &["i32"])]);
        check(&ours, &ours, &[]);
        let theirs = facts("2", &[("add", "(a: std::result::Result<u8, x::E>) -> Int", &["i32"])]);
        check(&ours, &theirs, &[]);
        // The version appears in the message about other differences.
        let theirs = facts("2", &[("add", "(a: u8)", &["u8"])]);
        let mismatch = InterfaceMismatch::between(&ours, &theirs).unwrap().to_string();
        assert!(mismatch.contains("(controller: Laser 1, child: Laser 2)"), "{mismatch}");
    }

    #[test]
    fn arguments_are_found_in_any_signature() {
        for (signature, names) in [
            ("()", &[][..]),
            (": i32", &[]),
            ("", &[]),
            ("(a: i32)", &["a"]),
            ("(a: i32, b: HashMap<u8, (i32, i32)>, c: [u8; 3]) -> (x, y)", &["a", "b", "c"]),
            ("(a: PhantomData<fn(u8, u8) -> u8>, b: std::path::PathBuf)", &["a", "b"]),
            ("(a: Array<{ N > 3 }>", &["a"]),
            ("(>>))((", &[]),
        ] {
            assert!(arguments(signature).eq(names.iter().copied()), "{signature}");
        }
    }

    #[test]
    fn what_could_not_be_seen_is_named_and_refused_on_demand() {
        let of = |shape| facts("1", &[("take", "(ev: Ev) -> u8", &[shape, "u8", "unit"])]);
        let seen = of("Ev#0\nenum Ev#0{Off,Mail(str,i32)}");
        let hidden = of("Ev#0\nenum Ev#0{Off,Mail(str!,?)}");
        assert_eq!(not_compared(&seen, &seen), [""; 0]);
        let unseen = not_compared(&hidden, &hidden);
        assert_eq!(unseen, ["command `take(ev: Ev) -> u8`, argument `ev`: `Ev::Mail.1`"]);
        let strict = InterfaceMismatch::strictly(&hidden, &hidden, &unseen);
        assert!(strict.to_string().ends_with("`Ev::Mail.1` cannot be compared"), "{strict}");
        // A side that cannot trace at all does not differ, and is not compared either.
        let blind = of(UNSEEN);
        check(&seen, &blind, &[]);
        check(&blind, &seen, &[]);
        for (one, other) in [(&seen, &blind), (&blind, &seen)] {
            assert_eq!(not_compared(one, other), ["command `take(ev: Ev) -> u8`, argument `ev`"]);
        }
    }

    #[test]
    fn what_a_child_says_of_its_types_is_not_believed() {
        let mut theirs = facts("1", &[("add", "(a: i32)", &["i32"])]);
        let ours = theirs.clone();
        theirs.items[0].shapes = vec![u32::MAX];
        let unknown = "command `add(a: i32)`, argument `a`: a type in it has other fields, variants or \
                       widths in the child";
        check(&ours, &theirs, &[unknown]);
        for nonsense in ["", "(", "(u8*99999999999999999999)", "Ev#7", "?|", "\u{1F980}", "i32"] {
            let mut theirs = ours.clone();
            theirs.shapes[0] = ShapeFact { hash: 1, text: nonsense.into() };
            assert!(InterfaceMismatch::between(&ours, &theirs).is_some(), "{nonsense}");
        }
    }

    #[test]
    fn a_wholly_different_child_is_described_briefly() {
        let ours = facts("1", &[("add", "(a: i32)", &["i32"])]);
        let long = "µ".repeat(10_000);
        let theirs = facts(&long, &vec![("sub", long.as_str(), &["i32"][..]); 1000]);
        let mismatch = InterfaceMismatch::between(&ours, &theirs).unwrap();
        assert_eq!(mismatch.differences().len(), DIFFERENCES + 1);
        assert_eq!(mismatch.differences().last().unwrap(), "and 951 more");
        assert!(mismatch.to_string().len() < 150_000);
    }
}
