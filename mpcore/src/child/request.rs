//! One command as the child receives it, on its way into the user's method and back.

use super::context::Property;
use crate::error::Refused;
use crate::wire::codec::Args;
use crate::wire::interface::Command;
use crate::wire::packet::ItemKind;

/// A command with its encoded arguments.
#[derive(Debug)]
pub struct Request<'a> {
    pub(crate) command: u16,
    pub(crate) args: &'a [u8],
}

/// What a command came to, encoded.
#[derive(Debug)]
pub struct Reply {
    pub(crate) kind: ItemKind,
    pub(crate) payload: Vec<u8>,
    /// The milliseconds that a command had which timed out.
    pub(crate) allowed: u32,
}

impl Reply {
    /// An outcome without a payload.
    pub(crate) fn bare(kind: ItemKind) -> Self {
        Self { kind, payload: Vec::new(), allowed: 0 }
    }

    pub(crate) fn text(kind: ItemKind, text: &impl ToString) -> Self {
        Self { payload: text.to_string().into_bytes(), ..Self::bare(kind) }
    }
}

impl Request<'_> {
    /// Index of the command.
    #[must_use]
    pub fn command(&self) -> u16 {
        self.command
    }

    /// Decodes the arguments, runs the method, encodes what it returns.
    pub fn serve<A: Args, T, E>(
        self,
        command: &Command<A, T, E>,
        method: impl FnOnce(A) -> Result<T, E>,
    ) -> Reply {
        let args = match A::decode(&command.args, self.args) {
            Ok(args) => args,
            Err(error) => return Reply::text(ItemKind::Undecodable, &error),
        };
        let encoded = match method(args) {
            Ok(value) => command.result.encode(&value).map(|payload| (ItemKind::Returned, payload)),
            Err(error) => {
                command.error.codec.encode(&error).map(|payload| (ItemKind::Raised, payload))
            }
        };
        match encoded {
            Ok((kind, payload)) => Reply { payload, ..Reply::bare(kind) },
            Err(error) => Reply::text(ItemKind::Unencodable, &error),
        }
    }

    /// The same for a write to a property: what the method returns is stored and notified first.
    pub fn serve_write<T>(
        self,
        command: &Command<(T,), T, Refused>,
        property: &Property<T>,
        method: impl FnOnce((T,)) -> Result<T, Refused>,
    ) -> Reply {
        let reply = self.serve(command, method);
        if reply.kind == ItemKind::Returned {
            property.store(&reply.payload);
        }
        reply
    }

    /// A command that this child does not have: the handshake should have found it.
    #[must_use]
    pub fn unknown(self) -> Reply {
        Reply::text(ItemKind::Undecodable, &format!("there is no command {}", self.command))
    }
}
