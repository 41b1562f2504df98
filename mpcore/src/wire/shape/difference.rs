//! Describes the first difference between two shapes, in words. The child's text is untrusted, and
//! either may have been cut: depth and length are bounded, and parts that are missing prove
//! nothing.

use std::collections::HashSet;

use crate::wire::shape::read::{DEEPEST, Named, ReadForm, ReadPlace, ReadRequest, Row, Shape};

/// Length at which the description of a type is cut.
const DESCRIBED: usize = 80;

/// Returns the first difference, as a sentence; `None` if the texts, which may have been cut, do
/// not show one.
pub(crate) fn difference(controller: &str, child: &str) -> Option<String> {
    let (ours, theirs) = (Shape::read(controller)?, Shape::read(child)?);
    let mut walk = Walk {
        ours: &ours.named,
        theirs: &theirs.named,
        met: HashSet::new(),
        path: String::new(),
        depth: 0,
    };
    walk.place(&ours.root, &theirs.root).or_else(|| match (ours.of, theirs.of) {
        (Some(here), Some(there)) if here != there => {
            Some(format!("`{here}` in the controller, `{there}` in the child"))
        }
        _ => None,
    })
}

/// A walk through both types at once.
struct Walk<'a> {
    ours: &'a [Named<'a>],
    theirs: &'a [Named<'a>],
    /// Pairs of named types that have been compared, or are being compared.
    met: HashSet<(usize, usize)>,
    /// The path to the current places: `Cfg.modes[].power`.
    path: String,
    depth: usize,
}

impl<'a> Walk<'a> {
    /// Formats a difference at the current place.
    fn tell(&self, here: &str, there: &str) -> String {
        let at = if self.path.is_empty() { String::new() } else { format!("`{}`: ", self.path) };
        format!("{at}{here} in the controller, {there} in the child")
    }

    /// Looks for a difference one step below the current place.
    fn at<R>(&mut self, step: &str, look: impl FnOnce(&mut Self) -> Option<R>) -> Option<R> {
        let length = self.path.len();
        self.path.push_str(step);
        let found = look(self);
        self.path.truncate(length);
        found
    }

    fn place(&mut self, ours: &ReadPlace<'a>, theirs: &ReadPlace<'a>) -> Option<String> {
        if self.depth == DEEPEST {
            return None;
        }
        self.depth += 1;
        let found = self.asks(ours, theirs);
        self.depth -= 1;
        found
    }

    fn asks(&mut self, ours: &ReadPlace<'a>, theirs: &ReadPlace<'a>) -> Option<String> {
        if ours.asks.len() != theirs.asks.len() {
            return Some(self.tell(&place_text(ours), &place_text(theirs)));
        }
        let pairs = ours.asks.iter().zip(&theirs.asks);
        for (here, there) in pairs {
            if let Some(found) = self.ask(here, there) {
                return Some(found);
            }
        }
        let other = "values that are accepted in one of the two are refused in the other";
        (ours.mark != theirs.mark).then(|| match self.path.as_str() {
            "" => other.to_owned(),
            path => format!("`{path}`: {other}"),
        })
    }

    fn ask(&mut self, ours: &ReadRequest<'a>, theirs: &ReadRequest<'a>) -> Option<String> {
        match (ours, theirs) {
            (ReadRequest::Leaf(here), ReadRequest::Leaf(there)) if here == there => None,
            (ReadRequest::Around(here), ReadRequest::Around(there)) if here == there => None,
            (ReadRequest::Named(here, one), ReadRequest::Named(there, other)) if here == there => {
                let step = if self.path.is_empty() { *here } else { "" };
                self.at(step, |walk| walk.named(*one, *other))
            }
            (ReadRequest::Of(here, inside), ReadRequest::Of(there, others)) if here == there => {
                let steps: &[&str] = match *here {
                    "option" => &[""],
                    "map" => &["[key]", "[]"],
                    _ => &["[]"],
                };
                let pairs = inside.iter().zip(others).zip(steps);
                pairs
                    .into_iter()
                    .find_map(|((one, other), step)| self.at(step, |walk| walk.place(one, other)))
            }
            (ReadRequest::Row(here), ReadRequest::Row(there)) => self.row(here, there),
            _ => Some(self.tell(&ask_text(ours), &ask_text(theirs))),
        }
    }

    fn row(&mut self, ours: &Row<'a>, theirs: &Row<'a>) -> Option<String> {
        let length = |row: &Row<'_>| row.iter().fold(0_usize, |sum, run| sum.saturating_add(run.1));
        if length(ours) != length(theirs) {
            let text = |row| format!("{} elements", length(row));
            return Some(self.tell(&text(ours), &text(theirs)));
        }
        // Corresponding runs may have different lengths, and each may be of any length.
        let (mut here, mut there) = (ours.iter(), theirs.iter());
        let (mut one, mut other, mut position) = (None, None, 0_usize);
        loop {
            one = one
                .filter(|run: &(_, usize)| run.1 > 0)
                .or_else(|| here.next().map(|it| (&it.0, it.1)));
            other = other
                .filter(|run: &(_, usize)| run.1 > 0)
                .or_else(|| there.next().map(|it| (&it.0, it.1)));
            let (Some(left), Some(right)) = (&mut one, &mut other) else { return None };
            let step = format!(".{position}");
            if let Some(found) = self.at(&step, |walk| walk.place(left.0, right.0)) {
                return Some(found);
            }
            let both = left.1.min(right.1);
            (left.1, right.1) = (left.1 - both, right.1 - both);
            position = position.saturating_add(both);
        }
    }

    fn named(&mut self, one: usize, other: usize) -> Option<String> {
        if !self.met.insert((one, other)) {
            return None;
        }
        // Parts that were cut off prove nothing.
        let (ours, theirs) = (self.ours.get(one)?, self.theirs.get(other)?);
        if ours.head != theirs.head {
            return Some(self.tell(&kind(ours), &kind(theirs)));
        }
        if ours.head != "enum" {
            return self.form(&ours.arms[0].1, &theirs.arms[0].1);
        }
        let names = |named: &Named<'a>| named.arms.iter().map(|arm| arm.0).collect::<Vec<_>>();
        self.names("::", "variants", &names(ours), &names(theirs)).or_else(|| {
            let pairs = ours.arms.iter().zip(&theirs.arms);
            pairs.into_iter().find_map(|((name, here), (_, there))| {
                self.at(&format!("::{name}"), |walk| walk.form(here, there))
            })
        })
    }

    fn form(&mut self, ours: &ReadForm<'a>, theirs: &ReadForm<'a>) -> Option<String> {
        match (ours, theirs) {
            (ReadForm::Unseen, ReadForm::Unseen) | (ReadForm::Unit, ReadForm::Unit) => None,
            (ReadForm::Row(here), ReadForm::Row(there)) => self.row(here, there),
            (ReadForm::Fields(here), ReadForm::Fields(there)) => {
                let names = |fields: &[(&'a str, ReadPlace<'a>)]| {
                    fields.iter().map(|field| field.0).collect::<Vec<_>>()
                };
                self.names(".", "fields", &names(here), &names(there)).or_else(|| {
                    let pairs = here.iter().zip(there);
                    pairs.into_iter().find_map(|((name, one), (_, other))| {
                        self.at(&format!(".{name}"), |walk| walk.place(one, other))
                    })
                })
            }
            _ => Some(self.tell(&form_text(ours), &form_text(theirs))),
        }
    }

    /// Compares the names of fields or variants.
    fn names(&self, before: &str, what: &str, ours: &[&str], theirs: &[&str]) -> Option<String> {
        let missing = |these: &[&str], those: &[&str], side: &str| {
            let name = these.iter().find(|name| !those.contains(name))?;
            Some(format!("`{}{before}{name}` is missing in the {side}", self.path))
        };
        missing(ours, theirs, "child").or_else(|| missing(theirs, ours, "controller")).or_else(
            || {
                let other =
                    || format!("`{}`: its {what} are in another order in the child", self.path);
                (ours != theirs).then(other)
            },
        )
    }
}

fn kind(named: &Named<'_>) -> String {
    let article = if named.head == "enum" { "an" } else { "a" };
    format!("{article} {}", named.head)
}

fn place_text(place: &ReadPlace<'_>) -> String {
    if place.asks.is_empty() {
        return "something that could not be seen".to_owned();
    }
    cut(place.asks.iter().map(ask_text).collect::<Vec<_>>().join(" or "))
}

fn ask_text(ask: &ReadRequest<'_>) -> String {
    cut(match ask {
        ReadRequest::Leaf(name) => (*name).to_owned(),
        ReadRequest::Named(name, _) => format!("`{name}`"),
        ReadRequest::Of(word, inside) => format!("{word}<{}>", texts(inside)),
        ReadRequest::Row(row) => row_text(row),
        ReadRequest::Around(_) => "the enclosing type".to_owned(),
    })
}

fn texts(places: &[ReadPlace<'_>]) -> String {
    places.iter().map(place_text).collect::<Vec<_>>().join(", ")
}

fn row_text(row: &Row<'_>) -> String {
    let elements = row.iter().map(|(place, count)| match count {
        1 => place_text(place),
        count => format!("{} {count} times", place_text(place)),
    });
    cut(format!("({})", elements.collect::<Vec<_>>().join(", ")))
}

fn form_text(form: &ReadForm<'_>) -> String {
    match form {
        ReadForm::Unseen => "something that could not be seen".to_owned(),
        ReadForm::Unit => "nothing".to_owned(),
        ReadForm::Row(row) => row_text(row),
        ReadForm::Fields(fields) => {
            let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.0)).collect();
            cut(format!("the fields {}", names.join(", ")))
        }
    }
}

/// Cuts a description at [`DESCRIBED`] bytes.
fn cut(mut text: String) -> String {
    if text.len() > DESCRIBED {
        let end = (0..=DESCRIBED).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

#[cfg(test)]
#[allow(dead_code)] // the types below are described, their fields are never read
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::super::cut;
    use super::super::traced;
    use super::*;

    /// The first difference of each pair of texts.
    #[track_caller]
    fn check(cases: &[(&str, &str, &str)]) {
        for (controller, child, expected) in cases {
            let found = difference(controller, child);
            assert_eq!(found.as_deref().unwrap_or_default(), *expected, "{controller} {child}");
        }
    }

    #[test]
    fn the_first_difference_is_named_with_its_path() {
        check(&[
            ("u8", "u8", ""),
            ("u8", "u16", "u8 in the controller, u16 in the child"),
            ("option<u8>", "u8", "option<u8> in the controller, u8 in the child"),
            ("(u8*4)", "(u8*5)", "4 elements in the controller, 5 elements in the child"),
            ("(u8*4,u16)", "(u8*3,u32,u16)", "`.3`: u8 in the controller, u32 in the child"),
            ("map<str,u8>", "map<str,i8>", "`[]`: u8 in the controller, i8 in the child"),
            ("map<str,u8>", "map<u8,u8>", "`[key]`: str in the controller, u8 in the child"),
            ("A#0\nstruct A#0", "B#0\nstruct B#0", "`A` in the controller, `B` in the child"),
            (
                "A#0\nstruct A#0{x:u8}",
                "A#0\nenum A#0{x}",
                "`A`: a struct in the controller, an enum in the child",
            ),
            (
                "A#0\nstruct A#0{x:u8,y:u8}",
                "A#0\nstruct A#0{y:u8,x:u8}",
                "`A`: its fields are in another order in the child",
            ),
            (
                "A#0\nstruct A#0{x:u8,y:u8}",
                "A#0\nstruct A#0{x:u8}",
                "`A.y` is missing in the child",
            ),
            (
                "A#0\nstruct A#0{x:u8}",
                "A#0\nstruct A#0{x:u8,y:u8}",
                "`A.y` is missing in the controller",
            ),
            ("A#0\nenum A#0{X,Y}", "A#0\nenum A#0{X,Z}", "`A::Y` is missing in the child"),
            (
                "A#0\nenum A#0{X(u8)}",
                "A#0\nenum A#0{X}",
                "`A::X`: (u8) in the controller, nothing in the child",
            ),
            (
                "A#0\nenum A#0{X{a:u8}}",
                "A#0\nenum A#0{X{a:u16}}",
                "`A::X.a`: u8 in the controller, u16 in the child",
            ),
            ("str!", "str", "values that are accepted in one of the two are refused in the other"),
            ("any\nof A", "any\nof B", "`A` in the controller, `B` in the child"),
            ("(any,u8)\nof A", "(any,i8)\nof A", "`.1`: u8 in the controller, i8 in the child"),
            (
                "A#0\nstruct A#0{5\"a b:c\":u8}",
                "A#0\nstruct A#0{5\"a b:c\":i8}",
                "`A.a b:c`: u8 in the controller, i8 in the child",
            ),
            // Parts that were cut off prove nothing.
            ("A#0\nstruct A#0{x:B#1}\nstruct B#1{y:u8}", "A#0\nstruct A#0{x:B#1}", ""),
            ("u8", "", ""),
            ("u8", "struct {{{", ""),
        ]);
    }

    #[test]
    fn the_difference_of_real_types_is_found_to_the_last_corner() {
        macro_rules! types {
            ($module:ident, $port:ty, $($more:tt)*) => {
                mod $module {
                    use serde::Deserialize;
                    #[derive(Deserialize)]
                    pub(crate) struct Cfg {
                        pub(crate) name: String,
                        pub(crate) modes: Vec<Option<Mode>>,
                        pub(crate) parent: Option<Box<Cfg>>,
                    }
                    #[derive(Deserialize, PartialEq, Eq, Hash)]
                    pub(crate) enum Mode {
                        Off,
                        Net { port: $port, host: String },
                        $($more)*
                    }
                }
            };
        }
        types!(base, u16,);
        types!(wider, u32,);
        types!(longer, u16, Test(u8));
        let of = [traced::<base::Cfg>(), traced::<wider::Cfg>(), traced::<longer::Cfg>()];
        check(&[
            (&of[0], &of[0], ""),
            (&of[0], &of[1], "`Cfg.modes[]::Net.port`: u16 in the controller, u32 in the child"),
            (&of[0], &of[2], "`Cfg.modes[]::Test` is missing in the controller"),
            (&of[2], &of[0], "`Cfg.modes[]::Test` is missing in the child"),
        ]);
        let text = traced::<HashMap<base::Mode, (u8, [i64; 3])>>();
        let other = traced::<HashMap<base::Mode, (u8, [i32; 3])>>();
        check(&[(&text, &other, "`[].1.0`: i64 in the controller, i32 in the child")]);
    }

    /// The child controls the text that it sends.
    #[test]
    fn no_text_is_too_deep_or_too_long() {
        let chain: String = (0..5000).map(|n| format!("\nnewtype T#{n}(T#{})", n + 1)).collect();
        assert_eq!(difference("T#0\nnewtype T#0(T#0)", &format!("T#0{chain}")), None);
        let nested = format!("{}u8{}", "option<".repeat(10_000), ">".repeat(10_000));
        assert_eq!(difference("option<u8>", &nested), None);
        let long = format!("(u8*{})", usize::MAX);
        assert!(difference("(u8*3)", &long).is_some());
        let longer = format!("(u8*{},u8*{})", usize::MAX, usize::MAX);
        assert_eq!(difference(&longer, &long), None);
        let described = difference("u8", &format!("({}u8)", "option<u8>,".repeat(1000))).unwrap();
        assert!(described.len() < 300, "{described}");
    }

    #[test]
    fn a_text_is_cut_between_its_lines() {
        let text = "A#0\nstruct A#0{x:u8}\nstruct B#1";
        let cases = [(0, ""), (2, ""), (3, "A#0"), (19, "A#0"), (20, &text[..20]), (31, text)];
        for (room, kept) in cases {
            assert_eq!(cut(text, room), kept, "{room}");
        }
        let odd = "µ\"\nµ";
        assert!((0..9).all(|room| odd.starts_with(cut(odd, room))));
    }

    fn reads<T: DeserializeOwned>() {
        let text = traced::<T>();
        assert_eq!(difference(&text, &text), None, "{text}");
        assert!(Shape::read(&text).is_some(), "{text}");
    }

    #[test]
    fn what_is_written_can_be_read() {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Nest(Vec<Nest>);
        reads::<Nest>();
        reads::<Result<std::net::SocketAddr, std::time::SystemTime>>();
        reads::<std::ffi::OsString>();
        reads::<HashMap<String, Option<(u8, [f32; 32])>>>();
    }
}
