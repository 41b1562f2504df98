//! One command as the child receives it, on its way into the user's method and back.

use crate::child::context::property::Property;
use crate::error::Refused;
use crate::wire::interface::description::Command;
use crate::wire::packets::kinds::ItemKind;
use crate::wire::value::codec::{Args, EncodeError};

/// A command with its encoded arguments.
#[derive(Debug)]
pub struct Request<'a> {
    pub(crate) command: u16,
    pub(crate) args: &'a [u8],
}

/// The outcome of a command, encoded.
#[derive(Debug)]
pub struct Reply {
    pub(crate) kind: ItemKind,
    pub(crate) payload: Vec<u8>,
    /// If the command timed out, the milliseconds that it had.
    pub(crate) allowed: u32,
}

impl Reply {
    /// Creates an outcome without a payload.
    pub(crate) fn bare(kind: ItemKind) -> Self {
        Self { kind, payload: Vec::new(), allowed: 0 }
    }

    /// Creates an outcome with a value, or the outcome for a value that cannot be encoded.
    fn encoded(kind: ItemKind, value: Result<Vec<u8>, EncodeError>) -> Self {
        match value {
            Ok(payload) => Self { payload, ..Self::bare(kind) },
            Err(error) => Self::text(ItemKind::Unencodable, &error),
        }
    }

    pub(crate) fn text(kind: ItemKind, text: &impl ToString) -> Self {
        Self { payload: text.to_string().into_bytes(), ..Self::bare(kind) }
    }
}

impl Request<'_> {
    /// Returns the index of the command.
    #[must_use]
    pub fn command(&self) -> u16 {
        self.command
    }

    /// Decodes the arguments, runs the method, and encodes what it returns.
    pub fn serve<A: Args, T, E>(
        self,
        command: &Command<A, T, E>,
        method: impl FnOnce(A) -> Result<T, E>,
    ) -> Reply {
        let args = match A::decode(&command.args, self.args) {
            Ok(args) => args,
            Err(error) => return Reply::text(ItemKind::Undecodable, &error),
        };
        match method(args) {
            Ok(value) => Reply::encoded(ItemKind::Returned, command.result.encode(&value)),
            Err(error) => Reply::encoded(ItemKind::Raised, command.error.codec.encode(&error)),
        }
    }

    /// Does the same for a write of a property: the method's return value is stored in the
    /// property, which notifies the controller first.
    pub fn serve_write<T>(
        self,
        command: &Command<(T,), T, Refused>,
        property: &Property<T>,
        method: impl FnOnce((T,)) -> Result<T, Refused>,
    ) -> Reply {
        let args = match Args::decode(&command.args, self.args) {
            Ok(args) => args,
            Err(error) => return Reply::text(ItemKind::Undecodable, &error),
        };
        let value = match method(args) {
            Ok(value) => value,
            Err(error) => {
                return Reply::encoded(ItemKind::Raised, command.error.codec.encode(&error));
            }
        };
        let encoded = property.encode(&value);
        if let Ok(bytes) = &encoded {
            property.store(value, bytes.clone());
        }
        Reply::encoded(ItemKind::Returned, encoded)
    }

    /// Replies to a command that this child does not have; the handshake should have detected that.
    #[must_use]
    pub fn unknown(self) -> Reply {
        Reply::text(ItemKind::Undecodable, &format!("there is no command {}", self.command))
    }
}
