//! A child that returns its arguments: a member for every type with its own representation in QML.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::Sample;

/// An enum with variants of every kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum Mode {
    /// No value.
    #[default]
    Off,
    /// One.
    Gain(f64),
    /// Two.
    Pair(i32, String),
    /// Named ones.
    Window {
        /// The lower end.
        from: i16,
        /// The upper end.
        to: Option<i16>,
    },
}

/// Serialised as bytes, not as a sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw(pub Vec<u8>);

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Raw, E> {
                Ok(Raw(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Raw, E> {
                Ok(Raw(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// An argument whose `Serialize` panics on request.
#[derive(Debug, Clone, Deserialize)]
pub struct Unwilling {
    /// Whether it panics.
    pub panics: bool,
}

impl Serialize for Unwilling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(!self.panics, "unwilling on purpose");
        #[derive(Serialize)]
        struct Willing {
            panics: bool,
        }
        Willing { panics: false }.serialize(serializer)
    }
}

/// Travels between processes but has no representation in QML, so that an attempt to convert it is
/// detected.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Formless;

impl Serialize for Formless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The format between processes is compact; the one for QML is human-readable.
        if serializer.is_human_readable() {
            return Err(serde::ser::Error::custom("it is formless"));
        }
        serializer.serialize_unit_struct("Formless")
    }
}

/// Wraps one value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Volts(pub f64);

/// Readings by channel; a key of an object in QML is a string.
pub type ByChannel = BTreeMap<u8, Vec<Option<i32>>>;

/// Contains itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tree {
    /// The name of this node.
    pub name: String,
    /// Its children.
    #[serde(default)]
    pub branches: Vec<Tree>,
}

/// Returns its arguments.
#[mpcore::process]
pub trait Types {
    /// The narrow integers.
    #[signal(name = "narrow")]
    fn echo_narrow(&mut self, a: i8, b: i16, c: u8, d: u16) -> (i8, i16, u8, u16);

    /// The wide ones.
    #[signal(name = "wide")]
    fn echo_wide(&mut self, a: i64, b: u64, c: isize, d: usize) -> (i64, u64, isize, usize);

    /// Both precisions.
    #[signal(name = "floats")]
    fn echo_floats(&mut self, single: f32, double: f64) -> (f32, f64);

    /// A text and one letter.
    #[signal(name = "texts")]
    fn echo_texts(&mut self, text: String, letter: char) -> (String, char);

    /// Bytes, twice.
    #[signal(name = "bytes")]
    fn echo_bytes(&mut self, bytes: Vec<u8>, raw: Raw) -> (Vec<u8>, Raw);

    /// An enum.
    #[signal(name = "mode")]
    fn echo_mode(&mut self, mode: Mode) -> Mode;

    /// Options of several things.
    #[signal(name = "options")]
    fn echo_options(
        &mut self,
        number: Option<i32>,
        sample: Option<Sample>,
        unit: (),
    ) -> (Option<i32>, Option<Sample>, ());

    /// Nested values.
    #[signal(name = "nested")]
    fn echo_nested(
        &mut self,
        samples: Vec<Sample>,
        by_channel: ByChannel,
        pair: (i32, String),
    ) -> (Vec<Sample>, ByChannel, (i32, String));

    /// A wrapper, a duration and a tree.
    #[signal(name = "others")]
    fn echo_others(&mut self, volts: Volts, time: Duration, tree: Tree) -> (Volts, Duration, Tree);

    /// Takes a value that cannot always be sent.
    #[signal(name = "willing")]
    fn take(&mut self, unwilling: Unwilling) -> bool;

    /// Emits `appeared` once.
    #[signal(name = "conjured")]
    fn conjure(&mut self);

    /// Has no representation in QML.
    #[event]
    fn appeared(&self, formless: Formless);

    /// Raw bytes, a megabyte of each value.
    #[signal(name = "bulk")]
    fn make_bulk(&mut self, bytes: u32) -> Vec<u8>;

    /// A written property of each kind.
    #[property(write)]
    fn flag(&self) -> bool;

    /// An integer.
    #[property(write)]
    fn count(&self) -> i64;

    /// A text.
    #[property(write)]
    fn text(&self) -> String;

    /// Bytes.
    #[property(write)]
    fn blob(&self) -> Vec<u8>;

    /// A list.
    #[property(write)]
    fn list(&self) -> Vec<f64>;

    /// An optional value.
    #[property(write)]
    fn maybe(&self) -> Option<i32>;

    /// An enum.
    #[property(write)]
    fn state(&self) -> Mode;
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Types)]
pub struct TypesProcess {
    cx: TypesContext,
}

impl Types for TypesProcess {
    fn echo_narrow(&mut self, a: i8, b: i16, c: u8, d: u16) -> (i8, i16, u8, u16) {
        (a, b, c, d)
    }

    fn echo_wide(&mut self, a: i64, b: u64, c: isize, d: usize) -> (i64, u64, isize, usize) {
        (a, b, c, d)
    }

    fn echo_floats(&mut self, single: f32, double: f64) -> (f32, f64) {
        (single, double)
    }

    fn echo_texts(&mut self, text: String, letter: char) -> (String, char) {
        (text, letter)
    }

    fn echo_bytes(&mut self, bytes: Vec<u8>, raw: Raw) -> (Vec<u8>, Raw) {
        (bytes, raw)
    }

    fn echo_mode(&mut self, mode: Mode) -> Mode {
        mode
    }

    fn echo_options(
        &mut self,
        number: Option<i32>,
        sample: Option<Sample>,
        unit: (),
    ) -> (Option<i32>, Option<Sample>, ()) {
        (number, sample, unit)
    }

    fn echo_nested(
        &mut self,
        samples: Vec<Sample>,
        by_channel: ByChannel,
        pair: (i32, String),
    ) -> (Vec<Sample>, ByChannel, (i32, String)) {
        (samples, by_channel, pair)
    }

    fn echo_others(&mut self, volts: Volts, time: Duration, tree: Tree) -> (Volts, Duration, Tree) {
        (volts, time, tree)
    }

    fn take(&mut self, unwilling: Unwilling) -> bool {
        !unwilling.panics
    }

    fn conjure(&mut self) {
        self.cx.appeared.emit(Formless);
    }

    fn make_bulk(&mut self, bytes: u32) -> Vec<u8> {
        (0..bytes).map(|at| at.to_le_bytes()[0]).collect()
    }
}
