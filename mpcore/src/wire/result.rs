//! How the macro knows a command that may fail: a type whose last part is named `Result`.

use std::marker::PhantomData;

/// Takes a `Result` apart, whatever alias it was written with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named `Result`, but is not `core::result::Result`",
    label = "a type named `Result` must be a `core::result::Result` or an alias of it"
)]
pub trait ResultParts {
    /// The result of the command.
    type Ok;
    /// Its error.
    type Err;

    /// The same value as a plain `Result`.
    ///
    /// # Errors
    /// The error that it holds.
    fn parts(self) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> ResultParts for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn parts(self) -> Result<T, E> {
        self
    }
}

/// Finds out whether a type is a `Result` under another name: the inherent constant below is
/// preferred to the one of [`ProbeDefault`] where it exists.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

/// The answer for everything else.
pub trait ProbeDefault {
    /// It is not.
    const IS_RESULT: bool = false;
}

impl<T: ?Sized> ProbeDefault for Probe<T> {}

impl<T, E> Probe<Result<T, E>> {
    /// It is.
    pub const IS_RESULT: bool = true;
}
