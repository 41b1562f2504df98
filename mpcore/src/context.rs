//! Returns an [`Error`]: converted from those of other libraries ([`Context`]), or made from a
//! message ([`bail!`](crate::bail), [`ensure!`](crate::ensure)).
//!
//! `?` alone cannot convert all of them: in addition to the conversion from every
//! `std::error::Error`, Rust forbids one from `String`, from boxed errors and from those of anyhow
//! and eyre. A method can.

use std::error::Error as StdError;
use std::fmt::Display;

use crate::error::{Boxed, Error, Result};

/// Adds `.context("..")?` and `.or_raise()?` to a `Result` with any error that can be boxed:
/// `std::error::Error`s, `anyhow::Error`, `eyre::Report`, `Box<dyn Error>` with and without
/// `Send + Sync`, `String`, `&str`, and [`mpcore::Error`](Error) itself. Message and causes are kept.
///
/// ```
/// use mpcore::Context as _;
///
/// # mod driver { pub fn open() -> Result<(), String> { Err("no answer".into()) } }
/// fn open() -> mpcore::Result<()> {
///     driver::open().context("opening the laser")?;
///     Ok(())
/// }
///
/// let error = open().unwrap_err();
/// assert_eq!(format!("{error:#}"), "opening the laser: no answer");
/// ```
///
/// anyhow and eyre have traits with their own method `context`. If one of them is imported in the
/// same place, write `.or_raise()` and then [`Error::context`].
///
/// The compiler infers `Kind`.
pub trait Context<T, Kind>: Sized {
    /// Returns the value, or an error with this message and with the old error as its first cause.
    ///
    /// # Errors
    /// Returns the converted error.
    fn context(self, context: impl Display) -> Result<T>;

    /// Like [`context`](Self::context), but creates the message only if there is an error.
    ///
    /// # Errors
    /// Returns the converted error.
    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T>;

    /// Returns the value, or the same error as an [`mpcore::Error`](Error).
    ///
    /// # Errors
    /// Returns the converted error.
    fn or_raise(self) -> Result<T>;
}

/// Errors that are, or convert into, a `Box<dyn Error + Send + Sync>`.
#[derive(Debug)]
pub enum Sendable {}

/// `Box<dyn Error>`.
#[derive(Debug)]
pub enum Local {}

impl<T, E: Into<Box<dyn StdError + Send + Sync>>> Context<T, Sendable> for Result<T, E> {
    #[track_caller]
    fn context(self, context: impl Display) -> Result<T> {
        match self.or_raise() {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(context)),
        }
    }

    #[track_caller]
    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        match self.or_raise() {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(context())),
        }
    }

    #[track_caller]
    fn or_raise(self) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(match error.into().downcast::<Boxed>() {
                // It was an `Error` already, and knows where it was created.
                Ok(boxed) => boxed.0,
                Err(other) => Error::of(&*other),
            }),
        }
    }
}

impl<T> Context<T, Local> for Result<T, Box<dyn StdError>> {
    #[track_caller]
    fn context(self, context: impl Display) -> Result<T> {
        match self.or_raise() {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(context)),
        }
    }

    #[track_caller]
    fn with_context<C: Display>(self, context: impl FnOnce() -> C) -> Result<T> {
        match self.or_raise() {
            Ok(value) => Ok(value),
            Err(error) => Err(error.context(context())),
        }
    }

    #[track_caller]
    fn or_raise(self) -> Result<T> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(match error.downcast::<Boxed>() {
                Ok(boxed) => boxed.0,
                Err(other) => Error::of(&*other),
            }),
        }
    }
}

/// Returns from the function with an [`Error`] that has this message.
///
/// ```
/// fn fire(watts: f64) -> mpcore::Result<()> {
///     if watts > 5.0 {
///         mpcore::bail!("{watts} W is more than 5 W");
///     }
///     Ok(())
/// }
/// assert_eq!(fire(6.0).unwrap_err().to_string(), "6 W is more than 5 W");
/// ```
#[macro_export]
macro_rules! bail {
    ($($message:tt)+) => {
        return ::core::result::Result::Err($crate::Error::new(::core::format_args!($($message)+)))
    };
}

/// Returns from the function with an [`Error`] that has this message, unless the condition holds.
///
/// ```
/// fn fire(watts: f64) -> mpcore::Result<()> {
///     mpcore::ensure!(watts <= 5.0, "{watts} W is more than 5 W");
///     Ok(())
/// }
/// assert_eq!(fire(6.0).unwrap_err().to_string(), "6 W is more than 5 W");
/// fire(1.0).unwrap();
/// ```
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            $crate::bail!($($message)+);
        }
    };
}
