//! A value whose serde implementations or whose `Display` fail or panic when told to.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Can be encoded and decoded in most moods.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mood {
    /// Encodes and decodes.
    #[default]
    Fine,
    /// `Serialize` returns an error.
    RefusesToLeave,
    /// `Deserialize` returns an error.
    RefusesToArrive,
    /// `Serialize` panics.
    PanicsOnLeaving,
    /// `Deserialize` panics.
    PanicsOnArriving,
    /// Encodes and decodes, but its `Display` panics.
    PanicsWhenShown,
}

/// High numbers, so that feeding small numbers to trace the type causes no panic.
const REFUSES: u8 = 201;
const PANICS: u8 = 202;
const SHY: u8 = 203;

impl Serialize for Mood {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fine => serializer.serialize_u8(0),
            Self::RefusesToLeave => Err(serde::ser::Error::custom("in no mood to leave")),
            Self::RefusesToArrive => serializer.serialize_u8(REFUSES),
            Self::PanicsOnLeaving => panic!("afraid of leaving"),
            Self::PanicsOnArriving => serializer.serialize_u8(PANICS),
            Self::PanicsWhenShown => serializer.serialize_u8(SHY),
        }
    }
}

impl<'de> Deserialize<'de> for Mood {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            REFUSES => Err(serde::de::Error::custom("in no mood to arrive")),
            PANICS => panic!("afraid of arriving"),
            SHY => Ok(Self::PanicsWhenShown),
            _ => Ok(Self::Fine),
        }
    }
}

impl fmt::Display for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PanicsWhenShown => panic!("afraid of being seen"),
            mood => write!(f, "{mood:?}"),
        }
    }
}
