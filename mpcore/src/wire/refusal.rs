//! What serde is told when a value cannot be encoded or decoded.

use std::fmt;

use crate::limits::{DECODED_BYTES, DECODING_STACK, VALUE_DEPTH};

/// Length at which what a type's own implementation says is cut: it may repeat what it was given.
const MESSAGE_BYTES: usize = 1024;

/// Why a value was refused. Boxed: nearly every call returns one of these, or a value.
pub(crate) struct Refusal(Box<Why>);

/// See [`Refusal`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Why {
    #[error("{0}")]
    Format(postcard::Error),
    /// The type's own `Serialize` or `Deserialize`.
    #[error("{0}")]
    Type(String),
    #[error("it is nested more than {VALUE_DEPTH} levels deep")]
    Depth,
    #[error(
        "its levels need more than {} KiB of the stack; put what is large in them into a `Box` or a `Vec`",
        DECODING_STACK >> 10
    )]
    Stack,
    #[error("it would take up more than {} MiB of memory; send it in parts", DECODED_BYTES >> 20)]
    Memory,
}

impl Refusal {
    pub(crate) fn why(&self) -> &Why {
        &self.0
    }
}

impl From<Why> for Refusal {
    #[cold]
    fn from(why: Why) -> Self {
        Self(Box::new(why))
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
        self.0.fmt(f)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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

/// Formats no further than to [`MESSAGE_BYTES`].
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
}
