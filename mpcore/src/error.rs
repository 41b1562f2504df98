//! The errors that a command, a constructor or a property write can return, as values that travel,
//! and their conversions.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use serde::{Deserialize, Serialize};

use crate::escape::escaped;

/// The result of a command, a constructor or `postrun_init` that has no error type of its own.
///
/// The error travels, and `?` converts every `std::error::Error` into it. For error types that do
/// not implement that trait (those of `anyhow` and `eyre`, boxed errors, strings), add
/// [`Context::or_raise`](crate::Context::or_raise) or
/// [`Context::context`](crate::Context::context); their causes are kept:
///
/// ```
/// use mpcore::Context as _;
///
/// # fn measure() -> Result<f64, Box<dyn std::error::Error + Send + Sync>> { Ok(1.0) }
/// # fn parse(text: &str) -> Result<u16, String> { Ok(1) }
/// fn calibrate(port: &str) -> mpcore::Result<f64> {
///     let port = parse(port).with_context(|| format!("opening {port}"))?;
///     mpcore::ensure!(port > 0, "port {port} is reserved");
///     measure().or_raise()
/// }
/// # calibrate("1").unwrap();
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Any error: its message, its chain of causes, and the place where it was created.
///
/// Like `anyhow::Error`, it does not implement `std::error::Error` itself, so that it can convert
/// from every type that does. It converts into `Box<dyn std::error::Error>`, so `?` works in a
/// `main` too.
///
/// ```
/// fn open(port: &str) -> mpcore::Result<u32> {
///     Ok(port.parse::<u32>()?)
/// }
/// let error = open("COM3").unwrap_err();
/// assert_eq!(error.to_string(), "invalid digit found in string");
/// assert!(!error.location().is_empty()); // file, line and column of the `?`
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    message: String,
    causes: Vec<String>,
    location: String,
}

impl Error {
    /// Creates an error with this message.
    #[track_caller]
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), causes: Vec::new(), location: here() }
    }

    /// Creates an error here, with the message and the causes of another error.
    #[track_caller]
    pub(crate) fn of(error: &dyn StdError) -> Self {
        let (mut causes, mut next) = (Vec::new(), error.source());
        while let Some(cause) = next {
            causes.push(cause.to_string());
            next = cause.source();
        }
        Self { message: error.to_string(), causes, location: here() }
    }

    /// Returns the same error with `context` as its message and the old message as the first cause.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        let message = std::mem::replace(&mut self.message, context.to_string());
        self.causes.insert(0, message);
        self
    }

    /// Returns the causes, the nearest first.
    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// Returns file, line and column of the `?` or call that created the error.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.location
    }
}

#[track_caller]
fn here() -> String {
    Location::caller().to_string()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", escaped(&self.message))?;
        if f.alternate() {
            for cause in &self.causes {
                write!(f, ": {}", escaped(cause))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#} (at {})", self.location)
    }
}

impl<E: QuestionMark> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        error.into_error()
    }
}

/// Errors that `?` converts into an [`Error`]: every `std::error::Error`.
///
/// A separate trait, so that the compiler can suggest a fix for all other types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `std::error::Error`, so `?` cannot convert it into `mpcore::Error`",
    // For a `?` the compiler shows only the label.
    label = "write `.or_raise()?` or `.context(\"..\")?`, with `use mpcore::Context as _`"
)]
pub trait QuestionMark {
    #[doc(hidden)]
    fn into_error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: StdError> QuestionMark for E {
    #[track_caller]
    fn into_error(self) -> Error {
        Error::of(&self)
    }
}

/// Wraps an [`Error`] in a `std::error::Error`, for conversion into a box.
#[derive(Debug)]
pub(crate) struct Boxed(pub(crate) Error);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl StdError for Boxed {}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

/// The running command was asked to end, by a cancellation or by a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl From<Cancelled> for String {
    fn from(cancelled: Cancelled) -> Self {
        cancelled.to_string()
    }
}

impl From<Cancelled> for std::io::Error {
    fn from(cancelled: Cancelled) -> Self {
        Self::other(cancelled)
    }
}

/// Why a child refused to change a property.
///
/// ```
/// let refused: mpcore::Refused = "more than 5 W".into();
/// assert_eq!(refused.to_string(), "refused: more than 5 W");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("refused: {}", escaped(.0))]
pub struct Refused(String);

impl Refused {
    /// Creates a refusal with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Refused {
    fn from(reason: &str) -> Self {
        Self::new(reason)
    }
}

impl From<String> for Refused {
    fn from(reason: String) -> Self {
        Self::new(reason)
    }
}

/// The error type of a command that cannot fail; it has no values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Never {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn question_mark_keeps_message_causes_and_place() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::num::ParseIntError);
        fn fails() -> Result {
            Err(Outer("x".parse::<i32>().unwrap_err()))?;
            Ok(())
        }
        let error = fails().unwrap_err();
        assert_eq!(error.to_string(), "outer");
        assert_eq!(error.causes(), ["invalid digit found in string"]);
        assert!(error.location().contains("error.rs"), "{}", error.location());
        let context = error.context("while opening");
        assert_eq!(format!("{context:#}"), "while opening: outer: invalid digit found in string");
    }

    #[test]
    fn travels() {
        let error = Error::new("no lamp").context("warming up");
        let bytes = postcard::to_stdvec(&error).unwrap();
        assert_eq!(postcard::from_bytes::<Error>(&bytes).unwrap(), error);
    }
}
