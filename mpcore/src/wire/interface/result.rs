//! What generated code does with the return type of a command. The macro recognises a command that
//! may fail by a type whose last path segment is named `Result`: [`ResultParts`] and [`ResultOf`]
//! take it apart, and [`Probe`] finds a `Result` under another name. [`Payload`] converts a value
//! whose type an alias hides into the arguments of a signal, and back.

use std::marker::PhantomData;

/// Takes a `Result` apart, whatever alias it was written with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is named `Result`, but is not `core::result::Result`",
    label = "a type named `Result` must be a `core::result::Result` or an alias of it"
)]
pub trait ResultParts {
    /// The `Ok` type.
    type Ok;
    /// The `Err` type.
    type Err;

    /// Returns the same value as a plain `Result`.
    ///
    /// # Errors
    /// Returns the error that it holds.
    fn parts(self) -> Result<Self::Ok, Self::Err>;
}

impl<T, E> ResultParts for Result<T, E> {
    type Ok = T;
    type Err = E;

    fn parts(self) -> Result<T, E> {
        self
    }
}

/// A `Result` of the value and error types that the macro has read from its tokens.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not `Result<{T}, {E}>`",
    label = "a type named `Result` must be a `core::result::Result`, its value first and its error second",
    note = "write an alias with another order, or with arguments of its own, as the `Result<value, error>` \
            that it stands for"
)]
pub trait ResultOf<T, E> {
    /// Returns the same value as a plain `Result`.
    ///
    /// # Errors
    /// Returns the error that it holds.
    fn parts(self) -> Result<T, E>;
}

impl<T, E> ResultOf<T, E> for Result<T, E> {
    fn parts(self) -> Result<T, E> {
        self
    }
}

/// The arguments of a signal that carries a value whose type the macro does not see, because an
/// alias hides it: none for `()`, otherwise one.
pub trait Payload<const UNIT: bool>: Sized {
    /// The arguments as a tuple.
    type Args;

    /// Converts the value into arguments.
    fn spread(self) -> Self::Args;

    /// Converts these arguments into the value.
    fn gather(args: Self::Args) -> Self;
}

impl<T> Payload<false> for T {
    type Args = (T,);

    fn spread(self) -> (T,) {
        (self,)
    }

    fn gather((value,): (T,)) -> T {
        value
    }
}

impl Payload<true> for () {
    type Args = ();

    fn spread(self) {}

    fn gather((): ()) {}
}

/// Detects whether a type is a `Result` under another name, or `()`: the inherent constants below
/// are preferred to those of [`ProbeDefault`] where they exist.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

/// The answer for all other types.
pub trait ProbeDefault {
    /// `false` by default.
    const IS_RESULT: bool = false;
    /// `false` by default.
    const IS_UNIT: bool = false;
}

impl<T: ?Sized> ProbeDefault for Probe<T> {}

impl Probe<()> {
    /// `true` for `()`.
    pub const IS_UNIT: bool = true;
}

impl<T, E> Probe<Result<T, E>> {
    /// `true` for `Result`.
    pub const IS_RESULT: bool = true;
}
