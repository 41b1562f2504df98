//! The serde error for a value that cannot be encoded or decoded: why, and where in the value. Its
//! texts are bounded.

use std::fmt;

use crate::limits::{DECODED_BYTES, DECODING_STACK, VALUE_DEPTH};
use crate::wire::value::memory::NoMemory;

/// Length at which the message of a type's own implementation is cut: it may repeat its input.
const MESSAGE_BYTES: usize = 1024;

/// Length beyond which the rest of a path is omitted.
const PATH_BYTES: usize = 256;

/// Why a value was refused, and where in it. Boxed, because nearly every call returns either this
/// or a value.
pub(crate) struct Refusal(Box<Place>);

struct Place {
    why: Why,
    /// Fields and variants, from the outermost inwards.
    path: String,
}

/// See [`Refusal`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Why {
    #[error("{0}")]
    Format(postcard::Error),
    /// An error of the type's own `Serialize` or `Deserialize`.
    #[error("{0}")]
    Type(String),
    #[error("it is nested more than {VALUE_DEPTH} levels deep")]
    Depth,
    #[error(
        "its levels need more than {} KiB of the stack; put their large parts into a `Box` or a `Vec`",
        DECODING_STACK >> 10
    )]
    Stack,
    #[error("it would take up more than {} MiB of memory; send it in parts", DECODED_BYTES >> 20)]
    Memory,
    /// For data that is decoded before its sender is trusted.
    #[error("it would take up more than {} KiB of memory, out of proportion to its length", .0 >> 10)]
    Proportion(usize),
    /// The plain form cannot represent this part of the value.
    #[error("the plain form cannot carry {0}")]
    Undescribed(&'static str),
    /// The type's `Deserialize` asks for something other than what its `Serialize` has written.
    #[error("its `Deserialize` asks for {asked} where its `Serialize` writes {written}")]
    Halves { asked: &'static str, written: String },
    #[error("{0}")]
    NoMemory(#[from] NoMemory),
}

impl Refusal {
    pub(crate) fn why(&self) -> &Why {
        &self.0.why
    }

    /// Returns the same refusal, located in a part of the value.
    #[cold]
    pub(crate) fn within(mut self, part: &str) -> Self {
        let path = &mut self.0.path;
        if path.len() < PATH_BYTES {
            let behind = std::mem::replace(path, cut(&part));
            if !behind.is_empty() {
                path.push('.');
                path.push_str(&behind);
            }
        }
        self
    }
}

impl From<Why> for Refusal {
    #[cold]
    fn from(why: Why) -> Self {
        Self(Box::new(Place { why, path: String::new() }))
    }
}

impl From<postcard::Error> for Refusal {
    #[cold]
    fn from(error: postcard::Error) -> Self {
        Why::Format(error).into()
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refusal").field(&self.0.path).field(&self.0.why).finish()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { why, path } = &*self.0;
        if path.is_empty() { why.fmt(f) } else { write!(f, "in `{path}`: {why}") }
    }
}

impl std::error::Error for Refusal {}

impl serde::de::Error for Refusal {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Why::Type(cut(&message)).into()
    }
}

impl serde::ser::Error for Refusal {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Why::Type(cut(&message)).into()
    }
}

/// Formats at most [`MESSAGE_BYTES`] bytes.
fn cut(message: &dyn fmt::Display) -> String {
    struct Cut(String);

    impl fmt::Write for Cut {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let room = MESSAGE_BYTES - self.0.len();
            if text.len() <= room {
                self.0.push_str(text);
                return Ok(());
            }
            let end = (0..=room).rev().find(|at| text.is_char_boundary(*at));
            self.0.push_str(&text[..end.unwrap_or(0)]);
            Err(fmt::Error)
        }
    }

    let mut kept = Cut(String::new());
    if fmt::write(&mut kept, format_args!("{message}")).is_err() {
        kept.0.push('…');
    }
    kept.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_type_says_is_cut() {
        let said = |text: &str| <Refusal as serde::de::Error>::custom(text).to_string();
        assert_eq!(said("in no mood to arrive"), "in no mood to arrive");
        assert_eq!(said(&"x".repeat(MESSAGE_BYTES)).len(), MESSAGE_BYTES);
        let long = said(&format!("x{}", "µ".repeat(MESSAGE_BYTES)));
        assert!(long.len() <= MESSAGE_BYTES + 3 && long.ends_with("µ…"), "{long}");
    }

    #[test]
    fn a_refusal_names_the_part_of_the_value() {
        let refusal = Refusal::from(Why::Memory).within("rows").within("table");
        assert!(refusal.to_string().starts_with("in `table.rows`: it would"), "{refusal}");
        let deep = (0..1000).fold(Refusal::from(Why::Depth), |it, _| it.within("inner"));
        assert!(deep.to_string().len() < 2 * PATH_BYTES, "{deep}");
    }
}
