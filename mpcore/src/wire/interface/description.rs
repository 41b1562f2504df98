//! The tables of an interface, as the macro writes them: config, commands, properties, events.
//!
//! A table entry holds an index, a name and codecs; it has no bounds on the user's types (see
//! [`codec`](crate::wire::value::codec)). [`Description`] collects the entries into an
//! [`InterfaceTable`]: rows without the user's types, for the runtime, and the [`Facts`] that the
//! two sides compare at the handshake, with a hash of each type's shape. The shapes in the facts
//! are computed when they are first requested, because that runs the user's code: only if the child
//! may be a different program.

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::SHAPE_TEXT_BYTES;
use crate::wire::shape;
use crate::wire::value::codec::{Args, Codec, DecodeError, ErrorCodec, ShapeFn};

/// A command: its position in the table, its arguments `A`, its result `T` and its error `E`.
pub struct Command<A: Args, T: 'static, E: 'static> {
    pub(crate) index: u16,
    pub(crate) name: &'static str,
    pub(crate) args: A::Codecs,
    pub(crate) result: Codec<T>,
    pub(crate) error: ErrorCodec<E>,
    pub(crate) rules: CommandRules,
}

/// Properties of a command besides its types: attributes such as `#[timeout = "5s"]`.
///
/// The controller sends the child those that it needs with every call, so they are not part of the
/// fingerprint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CommandRules {
    /// `#[timeout = "…"]`: how long the command may run, counted from its start in the child.
    pub(crate) timeout: Option<Duration>,
    /// `#[idempotent]`: the command may be run once more automatically after a crash.
    pub(crate) idempotent: bool,
    /// `#[no_cancel]`: once the command runs, a cancellation does not reach it.
    pub(crate) no_cancel: bool,
    /// `#[property(write, every)]`: a newer write of the property does not supersede it.
    pub(crate) every: bool,
}

impl<A: Args, T, E> Command<A, T, E> {
    /// Creates one entry of the table.
    pub const fn new(
        index: u16,
        name: &'static str,
        args: A::Codecs,
        result: Codec<T>,
        error: ErrorCodec<E>,
    ) -> Self {
        let rules =
            CommandRules { timeout: None, idempotent: false, no_cancel: false, every: false };
        Self { index, name, args, result, error, rules }
    }

    /// Returns the same command with a timeout of `milliseconds`.
    #[must_use]
    pub const fn timeout(mut self, milliseconds: u64) -> Self {
        self.rules.timeout = Some(Duration::from_millis(milliseconds));
        self
    }

    /// Returns the same command, marked so that it may be run again.
    #[must_use]
    pub const fn idempotent(mut self) -> Self {
        self.rules.idempotent = true;
        self
    }

    /// Returns the same command, marked so that it is not cancelled once it runs.
    #[must_use]
    pub const fn no_cancel(mut self) -> Self {
        self.rules.no_cancel = true;
        self
    }

    /// Returns the same command, a write of a property, marked so that every write runs.
    #[must_use]
    pub const fn every(mut self) -> Self {
        self.rules.every = true;
        self
    }
}

impl<A: Args, T, E> fmt::Debug for Command<A, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.name)
    }
}

/// A property: its position in the table, its type and its default.
pub struct PropertyDef<T: 'static> {
    pub(crate) index: u16,
    pub(crate) name: &'static str,
    pub(crate) codec: Codec<T>,
    pub(crate) default: fn() -> T,
    /// Returns whether two values are equal, as far as the type can tell.
    pub(crate) same: fn(&T, &T) -> bool,
}

impl<T> PropertyDef<T> {
    /// Creates a property that starts as `T::default()`.
    #[must_use]
    pub const fn new(index: u16, name: &'static str, codec: (Codec<T>, fn() -> T)) -> Self {
        Self::with_default(index, name, codec.0, codec.1)
    }

    /// Creates a property with `default = …`.
    #[must_use]
    pub const fn with_default(
        index: u16,
        name: &'static str,
        codec: Codec<T>,
        default: fn() -> T,
    ) -> Self {
        Self { index, name, codec, default, same: |_, _| false }
    }

    /// Returns the same property, for a type whose values can be compared.
    #[must_use]
    pub const fn same(mut self, same: fn(&T, &T) -> bool) -> Self {
        self.same = same;
        self
    }

    /// Returns the encoded default; a default that cannot be encoded counts as no bytes.
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
    /// Only the newest of those that wait.
    Latest,
}

/// An event: its position in the table and its arguments.
pub struct EventDef<A: Args> {
    pub(crate) index: u16,
    pub(crate) name: &'static str,
    pub(crate) args: A::Codecs,
    pub(crate) delivery: Delivery,
}

impl<A: Args> EventDef<A> {
    /// Creates one entry of the table.
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
    /// The signature as written, with normalised spaces. The spelling of a type in it is only for
    /// people, since a type may be written in several ways.
    pub(crate) signature: String,
    /// For an event.
    pub(crate) delivery: Option<Delivery>,
    /// The item's types, by their indices in [`Facts::shapes`].
    pub(crate) shapes: Vec<u32>,
}

/// The wire format of one type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ShapeFact {
    /// Hash of the whole text.
    pub(crate) hash: u64,
    /// Used to report where two types differ. In an introduction it is cut if the texts of the
    /// interface are too long.
    pub(crate) text: String,
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
    /// Version of the crate that defines the trait.
    pub(crate) version: String,
    pub(crate) items: Vec<Fact>,
    /// Each shape once.
    pub(crate) shapes: Vec<ShapeFact>,
}

/// An item whose shapes have not been computed yet.
#[derive(Debug)]
struct Item {
    kind: &'static str,
    name: String,
    signature: String,
    delivery: Option<Delivery>,
    shapes: Vec<ShapeFn>,
}

/// The description of an interface for the runtime.
#[derive(Debug, Default)]
pub struct Description {
    version: String,
    items: Vec<Item>,
    commands: Vec<CommandRow>,
    properties: Vec<PropertyRow>,
    events: Vec<EventRow>,
}

/// A command without its types, except for their shapes on the wire.
#[derive(Debug)]
pub(crate) struct CommandRow {
    pub(crate) name: &'static str,
    /// Returns the message of an encoded error.
    pub(crate) message: fn(&[u8]) -> Result<String, DecodeError>,
    pub(crate) rules: CommandRules,
    /// The index of the property that it writes.
    pub(crate) writes: Option<u16>,
    pub(crate) args: Vec<ShapeFn>,
    pub(crate) result: ShapeFn,
    pub(crate) error: ShapeFn,
}

/// A property without its type.
#[derive(Debug)]
pub(crate) struct PropertyRow {
    pub(crate) name: &'static str,
    pub(crate) shape: ShapeFn,
    pub(crate) initial: Vec<u8>,
}

/// An event without its types.
#[derive(Debug)]
pub(crate) struct EventRow {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<ShapeFn>,
    pub(crate) delivery: Delivery,
}

impl Description {
    /// Sets the version of the crate that defines the trait.
    pub fn version(&mut self, version: &str) {
        version.clone_into(&mut self.version);
    }

    /// Sets the config's type.
    pub fn config<T>(&mut self, codec: &Codec<T>, signature: &str) {
        self.item("config", "", &format!(": {signature}"), vec![codec.shape()]);
    }

    /// Adds the next command; `signature` is `(arguments) -> result`.
    pub fn command<A: Args, T, E>(&mut self, command: &Command<A, T, E>, signature: &str) {
        let args = A::shapes(&command.args);
        let (result, error) = (command.result.shape(), command.error.codec.shape());
        let shapes = [args.as_slice(), &[result, error]].concat();
        self.item("command", command.name, signature, shapes);
        let (name, message, rules) = (command.name, command.error.message, command.rules);
        let writes = None;
        self.commands.push(CommandRow { name, message, rules, writes, args, result, error });
    }

    /// Adds the next command, which writes this property.
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

    /// Adds the next property.
    pub fn property<T>(&mut self, property: &PropertyDef<T>, signature: &str) {
        let (name, shape) = (property.name, property.codec.shape());
        self.item("property", name, &format!(": {signature}"), vec![shape]);
        self.properties.push(PropertyRow { name, shape, initial: property.initial() });
    }

    /// Adds the next event; `signature` is `(arguments)`.
    pub fn event<A: Args>(&mut self, event: &EventDef<A>, signature: &str) {
        let args = A::shapes(&event.args);
        self.item("event", event.name, signature, args.clone());
        if let Some(item) = self.items.last_mut() {
            item.delivery = Some(event.delivery);
        }
        self.events.push(EventRow { name: event.name, args, delivery: event.delivery });
    }

    fn item(&mut self, kind: &'static str, name: &str, signature: &str, shapes: Vec<ShapeFn>) {
        let (name, signature) = (name.to_owned(), signature.to_owned());
        self.items.push(Item { kind, name, signature, delivery: None, shapes });
    }
}

/// A finished [`Description`].
#[derive(Debug)]
pub(crate) struct InterfaceTable {
    pub(crate) interface: String,
    version: String,
    items: Vec<Item>,
    facts: OnceLock<Facts>,
    told: AtomicBool,
    pub(crate) commands: Vec<CommandRow>,
    pub(crate) properties: Vec<PropertyRow>,
    pub(crate) events: Vec<EventRow>,
}

impl InterfaceTable {
    pub(crate) fn new(interface: &str, describe: fn(&mut Description)) -> Self {
        let mut description = Description::default();
        describe(&mut description);
        let Description { version, items, commands, properties, events } = description;
        let (interface, facts, told) =
            (interface.to_owned(), OnceLock::new(), AtomicBool::new(false));
        Self { interface, version, items, facts, told, commands, properties, events }
    }

    /// Returns the facts to compare. The first call runs the user's `Deserialize`.
    pub(crate) fn facts(&self) -> &Facts {
        if let Some(known) = self.facts.get() {
            return known;
        }
        // Not inside `get_or_init`, where other threads would wait for the user's code.
        let facts = self.look();
        self.facts.get_or_init(|| facts)
    }

    /// Computes the facts. Each shape is in them once.
    fn look(&self) -> Facts {
        let (mut shapes, mut known) = (Vec::new(), HashMap::new());
        let mut number = |of: &ShapeFn| {
            let text = of();
            *known.entry(text).or_insert_with_key(|text| {
                let text = text.to_string();
                shapes.push(ShapeFact { hash: hash(&text), text });
                shapes.len() as u32 - 1
            })
        };
        let items = self.items.iter().map(|item| Fact {
            kind: item.kind.to_owned(),
            name: item.name.clone(),
            signature: item.signature.clone(),
            delivery: item.delivery,
            shapes: item.shapes.iter().map(&mut number).collect(),
        });
        let items = items.collect();
        Facts { interface: self.interface.clone(), version: self.version.clone(), items, shapes }
    }

    /// Returns the same facts for an introduction, with bounded texts.
    pub(crate) fn facts_to_send(&self) -> Facts {
        let mut facts = self.facts().clone();
        let mut room = SHAPE_TEXT_BYTES;
        for shape in &mut facts.shapes {
            let kept = shape::cut(&shape.text, room).len();
            shape.text.truncate(kept);
            room -= kept;
        }
        facts
    }

    /// Returns an item as it was written, without computing its shapes.
    pub(crate) fn signature(&self, kind: &str, name: &str) -> String {
        let item = self.items.iter().find(|item| item.kind == kind && item.name == name);
        item.map(|item| format!("{}{}", item.name, item.signature)).unwrap_or_default()
    }

    /// Returns whether this is the first call: warnings about the interface are printed once.
    pub(crate) fn is_told_first(&self) -> bool {
        !self.told.swap(true, Ordering::SeqCst)
    }

    /// Returns the encoded initial values of the properties.
    pub(crate) fn initial_values(&self) -> Vec<Vec<u8>> {
        self.properties.iter().map(|row| row.initial.clone()).collect()
    }
}

/// FNV-1a: small, and the same in every process and build, unlike the hasher of `std`.
pub(crate) fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}
