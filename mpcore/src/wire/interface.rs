//! The tables of an interface, as the macro writes them: commands, properties, events.
//!
//! A table entry holds an index, a name and codecs; it has no bounds on the user's types (see
//! [`codec`](super::codec)). [`Description`] collects them into the [`Facts`] that the two sides
//! compare at the handshake.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::codec::{Args, Codec, DecodeError, ErrorCodec};

/// A command: its place in the table, its arguments `A`, its result `T` and its error `E`.
pub struct Command<A: Args, T: 'static, E: 'static> {
    pub(crate) index: u16,
    pub(crate) name: &'static str,
    pub(crate) args: A::Codecs,
    pub(crate) result: Codec<T>,
    pub(crate) error: ErrorCodec<E>,
    pub(crate) rules: CommandRules,
}

/// What the interface says of a command beside its types: marks such as `#[timeout = "5s"]`.
///
/// The controller tells the child with every call what it has to know of them, so they are no part of the
/// fingerprint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CommandRules {
    /// `#[timeout = "…"]`: how long it may run, counted from its start in the child.
    pub(crate) timeout: Option<Duration>,
    /// `#[idempotent]`: may be run once more by itself after a crash.
    pub(crate) idempotent: bool,
    /// `#[no_cancel]`: once it runs, a cancel does not reach it.
    pub(crate) no_cancel: bool,
}

impl<A: Args, T, E> Command<A, T, E> {
    /// One entry of the table.
    pub const fn new(
        index: u16,
        name: &'static str,
        args: A::Codecs,
        result: Codec<T>,
        error: ErrorCodec<E>,
    ) -> Self {
        let rules = CommandRules { timeout: None, idempotent: false, no_cancel: false };
        Self { index, name, args, result, error, rules }
    }

    /// The same command, to end after `milliseconds` of running.
    #[must_use]
    pub const fn timeout(mut self, milliseconds: u64) -> Self {
        self.rules.timeout = Some(Duration::from_millis(milliseconds));
        self
    }

    /// The same command, which may be run again.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.rules.idempotent = true;
        self
    }

    /// The same command, which is not cancelled once it runs.
    #[must_use]
    pub const fn no_cancel(mut self) -> Self {
        self.rules.no_cancel = true;
        self
    }
}

impl<A: Args, T, E> fmt::Debug for Command<A, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.name)
    }
}

/// A property: its place in the table, its type and its default.
pub struct PropertyDef<T: 'static> {
    pub(crate) index: u16,
    pub(crate) name: &'static str,
    pub(crate) codec: Codec<T>,
    pub(crate) default: fn() -> T,
    /// Whether two values are equal, as far as the type can tell.
    pub(crate) same: fn(&T, &T) -> bool,
}

impl<T> PropertyDef<T> {
    /// A property that starts as `T::default()`.
    #[must_use]
    pub const fn new(index: u16, name: &'static str, codec: (Codec<T>, fn() -> T)) -> Self {
        Self::with_default(index, name, codec.0, codec.1)
    }

    /// A property with `default = …`.
    #[must_use]
    pub const fn with_default(
        index: u16,
        name: &'static str,
        codec: Codec<T>,
        default: fn() -> T,
    ) -> Self {
        Self { index, name, codec, default, same: |_, _| false }
    }

    /// The same property, of a type whose values can be compared.
    #[must_use]
    pub const fn same(mut self, same: fn(&T, &T) -> bool) -> Self {
        self.same = same;
        self
    }

    /// The encoded default; a default that cannot be encoded counts as no bytes.
    pub(crate) fn initial(&self) -> Vec<u8> {
        self.codec.encode(&(self.default)()).unwrap_or_default()
    }
}

impl<T> fmt::Debug for PropertyDef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PropertyDef({})", self.name)
    }
}

/// Which of an event's values are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// Every one, in order.
    Every,
    /// Of those that wait, only the newest.
    Latest,
}

/// An event: its place in the table and its arguments.
pub struct EventDef<A: Args> {
    pub(crate) index: u16,
    pub(crate) name: &'static str,
    pub(crate) args: A::Codecs,
    pub(crate) delivery: Delivery,
}

impl<A: Args> EventDef<A> {
    /// One entry of the table.
    pub const fn new(index: u16, name: &'static str, args: A::Codecs, delivery: Delivery) -> Self {
        Self { index, name, args, delivery }
    }
}

impl<A: Args> fmt::Debug for EventDef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventDef({})", self.name)
    }
}

/// One item of an interface as the other side sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fact {
    /// `command`, `property`, `event`, `config`.
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The signature as written, with normalised spaces.
    pub(crate) signature: String,
    /// Hash of the serde shape of every type in it.
    pub(crate) shape: u64,
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}{}`", self.kind, self.name, self.signature)
    }
}

/// An interface as one side has compiled it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) interface: String,
    /// Version of the crate the trait stands in.
    pub(crate) version: String,
    pub(crate) items: Vec<Fact>,
}

/// What an interface tells the runtime of itself.
#[derive(Debug, Default)]
pub struct Description {
    version: String,
    items: Vec<Fact>,
    commands: Vec<CommandRow>,
    properties: Vec<PropertyRow>,
    events: Vec<EventRow>,
}

/// A command without its types, but for what they look like on the wire.
#[derive(Debug)]
pub(crate) struct CommandRow {
    pub(crate) name: &'static str,
    /// What an encoded error of it says.
    pub(crate) message: fn(&[u8]) -> Result<String, DecodeError>,
    pub(crate) rules: CommandRules,
    /// The property that it writes, by its index.
    pub(crate) writes: Option<u16>,
    pub(crate) args: Vec<String>,
    pub(crate) result: String,
    pub(crate) error: String,
}

/// A property without its type.
#[derive(Debug)]
pub(crate) struct PropertyRow {
    pub(crate) name: &'static str,
    pub(crate) shape: String,
    pub(crate) initial: Vec<u8>,
}

/// An event without its types.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<String>,
    pub(crate) delivery: Delivery,
}

impl Description {
    /// The version of the crate that the trait stands in.
    pub fn version(&mut self, version: &str) {
        version.clone_into(&mut self.version);
    }

    /// The config's type.
    pub fn config<T>(&mut self, codec: &Codec<T>, signature: &str) {
        self.fact("config", "", &format!(": {signature}"), &[codec.shape()]);
    }

    /// The next command; `signature` is `(arguments) -> result`.
    pub fn command<A: Args, T, E>(&mut self, command: &Command<A, T, E>, signature: &str) {
        let args = A::shapes(&command.args);
        let (result, error) = (command.result.shape(), command.error.codec.shape());
        let shapes = [args.as_slice(), &[result.clone(), error.clone()]].concat();
        self.fact("command", command.name, signature, &shapes);
        let (name, message, rules) = (command.name, command.error.message, command.rules);
        let writes = None;
        self.commands.push(CommandRow { name, message, rules, writes, args, result, error });
    }

    /// The next command, which writes this property.
    pub fn write<A: Args, T, E, P>(
        &mut self,
        command: &Command<A, T, E>,
        signature: &str,
        property: &PropertyDef<P>,
    ) {
        self.command(command, signature);
        if let Some(row) = self.commands.last_mut() {
            row.writes = Some(property.index);
        }
    }

    /// The next property.
    pub fn property<T>(&mut self, property: &PropertyDef<T>, signature: &str) {
        let (name, shape) = (property.name, property.codec.shape());
        self.fact("property", name, &format!(": {signature}"), std::slice::from_ref(&shape));
        self.properties.push(PropertyRow { name, shape, initial: property.initial() });
    }

    /// The next event; `signature` is `(arguments)`.
    pub fn event<A: Args>(&mut self, event: &EventDef<A>, signature: &str) {
        let args = A::shapes(&event.args);
        let mut shapes = args.clone();
        shapes.push(format!("{:?}", event.delivery));
        self.fact("event", event.name, signature, &shapes);
        self.events.push(EventRow { name: event.name, args, delivery: event.delivery });
    }

    fn fact(&mut self, kind: &str, name: &str, signature: &str, shapes: &[String]) {
        self.items.push(Fact {
            kind: kind.to_owned(),
            name: name.to_owned(),
            signature: signature.to_owned(),
            shape: super::fingerprint::hash(shapes),
        });
    }
}

/// A finished [`Description`].
#[derive(Debug)]
pub(crate) struct InterfaceTable {
    pub(crate) facts: Facts,
    pub(crate) commands: Vec<CommandRow>,
    pub(crate) properties: Vec<PropertyRow>,
    pub(crate) events: Vec<EventRow>,
}

impl InterfaceTable {
    pub(crate) fn new(interface: &str, describe: fn(&mut Description)) -> Self {
        let mut description = Description::default();
        describe(&mut description);
        let Description { version, items, commands, properties, events } = description;
        let facts = Facts { interface: interface.to_owned(), version, items };
        Self { facts, commands, properties, events }
    }

    /// The encoded initial values of the properties.
    pub(crate) fn initial_values(&self) -> Vec<Vec<u8>> {
        self.properties.iter().map(|row| row.initial.clone()).collect()
    }
}
