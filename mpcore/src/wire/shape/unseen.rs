//! Finds the parts of a type that could not be traced, so that they cannot be compared.
//!
//! Such a part is marked `?`. Two kinds of `?` do not count: a variant that the type refuses,
//! without a panic, before it asks for its contents, which can never be decoded
//! (`OsString::Windows` on another system); and parts of a value that carries its own names, which
//! are checked when it is read.

use crate::wire::shape::read::{Named, ReadForm, ReadPlace, ReadRequest, Row, Shape};

/// Returns the path of the first part that could not be traced: empty for the type itself.
pub(crate) fn unseen(text: &str) -> Option<String> {
    let Some(shape) = Shape::read(text) else { return Some(String::new()) };
    let mut look = Look { named: &shape.named, met: Vec::new(), panics: text.contains("!panic") };
    let found = look.place(&shape.root, String::new());
    found.or_else(|| shape.limited.then(|| "its more distant parts".to_owned()))
}

/// The search for such a part.
struct Look<'a> {
    named: &'a [Named<'a>],
    met: Vec<usize>,
    panics: bool,
}

impl<'a> Look<'a> {
    fn place(&mut self, place: &ReadPlace<'a>, path: String) -> Option<String> {
        if place.asks.is_empty() {
            return Some(path);
        }
        if self.carries_names(place, &mut Vec::new()) {
            return None;
        }
        place.asks.iter().find_map(|ask| match ask {
            ReadRequest::Leaf(_) | ReadRequest::Around(_) => None,
            ReadRequest::Named(name, number) => {
                if self.met.contains(number) {
                    return None;
                }
                self.met.push(*number);
                let path = if path.is_empty() { (*name).to_owned() } else { path.clone() };
                self.definition(*number, &path)
            }
            ReadRequest::Of(word, inside) => {
                let step = if *word == "option" { "" } else { "[]" };
                inside.iter().find_map(|place| self.place(place, format!("{path}{step}")))
            }
            ReadRequest::Row(row) => self.row(row, &path),
        })
    }

    fn definition(&mut self, number: usize, path: &str) -> Option<String> {
        let named = self.named;
        let Some(named) = named.get(number) else { return Some(path.to_owned()) };
        named.arms.iter().find_map(|(name, form)| {
            let path = match *name {
                "" => path.to_owned(),
                name => format!("{path}::{name}"),
            };
            if places(form).any(|place| self.carries_names(place, &mut Vec::new())) {
                return None;
            }
            match form {
                ReadForm::Unseen => self.panics.then_some(path),
                ReadForm::Unit => None,
                ReadForm::Row(row) => self.row(row, &path),
                ReadForm::Fields(fields) => fields
                    .iter()
                    .find_map(|(name, place)| self.place(place, format!("{path}.{name}"))),
            }
        })
    }

    fn row(&mut self, row: &Row<'a>, path: &str) -> Option<String> {
        let mut position = 0_usize;
        row.iter().find_map(|(place, count)| {
            let found = self.place(place, format!("{path}.{position}"));
            position = position.saturating_add(*count);
            found
        })
    }

    /// Returns whether every value here carries its own names.
    fn carries_names(&self, place: &ReadPlace<'a>, around: &mut Vec<usize>) -> bool {
        place.asks.iter().any(|ask| match ask {
            ReadRequest::Leaf(name) => matches!(*name, "any" | "identifier" | "ignored"),
            ReadRequest::Of(_, inside) => {
                inside.iter().any(|place| self.carries_names(place, around))
            }
            ReadRequest::Row(row) => row.iter().any(|(place, _)| self.carries_names(place, around)),
            ReadRequest::Around(_) => false,
            ReadRequest::Named(_, number) => {
                let known = self.named.get(*number).filter(|named| named.head != "enum");
                let Some(named) = known.filter(|_| !around.contains(number)) else { return false };
                around.push(*number);
                places(&named.arms[0].1).any(|place| self.carries_names(place, around))
            }
        })
    }
}

/// Returns the places of a form.
fn places<'b, 'a>(form: &'b ReadForm<'a>) -> impl Iterator<Item = &'b ReadPlace<'a>> {
    let (row, fields): (&[_], &[_]) = match form {
        ReadForm::Row(row) => (row, &[]),
        ReadForm::Fields(fields) => (&[], fields),
        ReadForm::Unseen | ReadForm::Unit => (&[], &[]),
    };
    row.iter().map(|(place, _)| place).chain(fields.iter().map(|(_, place)| place))
}

#[cfg(test)]
#[allow(dead_code)] // the types below are described, their fields are never read
mod tests {
    use serde::Deserialize;

    use super::super::traced;
    use super::*;

    #[test]
    fn what_could_not_be_seen_has_a_path() {
        for (text, path) in [
            ("u8", None),
            ("str!", None),
            ("u8!panic", None),
            ("?", Some("")),
            ("garbage>", Some("")),
            ("(str!,?)", Some(".1")),
            ("(u8*3,?*2)", Some(".3")),
            ("seq<(str!,?)>", Some("[].1")),
            ("E#0\nenum E#0{A,B(str!,?)}", Some("E::B.1")),
            ("E#0\nenum E#0{A,B?}", None),
            ("E#0!panic\nenum E#0{A,B?}", Some("E::B")),
            ("S#0\nstruct S#0{a:?}", Some("S.a")),
            ("S#0\nstruct S#0{a:option<T#1>}\nnewtype T#1((u8,?))", Some("S.a.0.1")),
            ("S#0\nstruct S#0{a:option<S#0>,b:?}", Some("S.b")),
            ("u8!limit", Some("its more distant parts")),
            // These carry their own names.
            ("any!\nof A", None),
            ("(any!,?)\nof A", None),
            ("seq<map<identifier,any>!>\nof Vec<A>", None),
            ("S#0\nstruct S#0{a:any,b:(u8!,?)}\nof S", None),
            ("E#0\nenum E#0{A(any!,?),B(str!,?)}\nof E", Some("E::B.1")),
            ("E#0\nenum E#0{A(any!,?),B(str!)}\nof E", None),
        ] {
            assert_eq!(unseen(text).as_deref(), path, "{text}");
        }
    }

    #[test]
    fn real_types_hide_only_what_follows_a_refused_value() {
        #[derive(Deserialize)]
        #[serde(try_from = "String")]
        struct Port;
        impl TryFrom<String> for Port {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                if text.starts_with("COM") { Ok(Self) } else { Err("no port") }
            }
        }
        #[derive(Deserialize)]
        struct Named {
            port: Port,
            behind: i32,
        }
        #[derive(Deserialize)]
        enum Ev {
            Off,
            Mail(Port, i32, i32),
        }
        #[derive(Deserialize)]
        struct Flat {
            port: Port,
            #[serde(flatten)]
            rest: Named,
        }
        let path = |text: String| unseen(&text);
        assert_eq!(path(traced::<Port>()), None);
        assert_eq!(path(traced::<Vec<Named>>()), None);
        assert_eq!(path(traced::<Option<Ev>>()).as_deref(), Some("Ev::Mail.1"));
        assert_eq!(path(traced::<(Flat, u8)>()), None);
        assert_eq!(path(traced::<(std::ffi::OsString, std::net::IpAddr)>()), None);
    }
}
