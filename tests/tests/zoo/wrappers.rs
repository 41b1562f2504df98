//! The ways to put a type into another, and sample values of each.
#![allow(non_camel_case_types)] // each is the name of a module as well

use std::collections::BTreeMap;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use super::payloads::Sample;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct plain<T> {
    before: u8,
    value: T,
    after: u16,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct newtype<T>(T);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct tuple<T>(u16, T, Option<T>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct skipped<T> {
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    value: Option<Box<T>>,
    after: u16,
}

fn nothing<T>() -> Option<T> {
    None
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct inner<T> {
    value: T,
    more: Option<u8>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct flat<T> {
    before: u8,
    #[serde(flatten)]
    inner: inner<T>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum tagged<T> {
    Empty,
    Held { value: T },
    Inner(inner<T>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", content = "is")]
pub(crate) enum adjacent<T> {
    Empty,
    One(T),
    Two(T, u8),
    Named { value: T },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
// Otherwise a missing option is `None`, and the first variant accepts everything.
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum untagged<T> {
    Held { only_here: T },
    Inner(inner<T>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum variants<T> {
    #[serde(skip)]
    #[allow(dead_code)]
    Internal,
    Empty,
    One(T),
    Two(u8, T),
    Named {
        value: T,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct rows<T>(Vec<T>);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct keyed<T> {
    by_name: BTreeMap<String, T>,
    by_number: BTreeMap<i8, Vec<T>>,
}

/// A tag around flattened fields around a row.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct nested<T> {
    #[serde(flatten)]
    tagged: tagged<rows<T>>,
    #[serde(default = "nothing", skip_serializing_if = "Option::is_none")]
    last: Option<adjacent<T>>,
}

impl<T: Sample> Sample for plain<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self { before: u8::sample(rng), value: T::sample(rng), after: u16::sample(rng) }
    }
}

impl<T: Sample> Sample for newtype<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self(T::sample(rng))
    }
}

impl<T: Sample> Sample for tuple<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self(u16::sample(rng), T::sample(rng), Option::sample(rng))
    }
}

impl<T: Sample> Sample for skipped<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self { value: Option::sample(rng).map(Box::new), after: u16::sample(rng) }
    }
}

impl<T: Sample> Sample for inner<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self { value: T::sample(rng), more: Option::sample(rng) }
    }
}

impl<T: Sample> Sample for flat<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self { before: u8::sample(rng), inner: inner::sample(rng) }
    }
}

impl<T: Sample> Sample for tagged<T> {
    fn sample(rng: &mut Rng) -> Self {
        match rng.u8(0..3) {
            0 => Self::Empty,
            1 => Self::Held { value: T::sample(rng) },
            _ => Self::Inner(inner::sample(rng)),
        }
    }
}

impl<T: Sample> Sample for adjacent<T> {
    fn sample(rng: &mut Rng) -> Self {
        match rng.u8(0..4) {
            0 => Self::Empty,
            1 => Self::One(T::sample(rng)),
            2 => Self::Two(T::sample(rng), u8::sample(rng)),
            _ => Self::Named { value: T::sample(rng) },
        }
    }
}

impl<T: Sample> Sample for untagged<T> {
    fn sample(rng: &mut Rng) -> Self {
        match rng.bool() {
            true => Self::Held { only_here: T::sample(rng) },
            false => Self::Inner(inner::sample(rng)),
        }
    }
}

impl<T: Sample> Sample for variants<T> {
    fn sample(rng: &mut Rng) -> Self {
        match rng.u8(0..4) {
            0 => Self::Empty,
            1 => Self::One(T::sample(rng)),
            2 => Self::Two(u8::sample(rng), T::sample(rng)),
            _ => Self::Named { value: T::sample(rng) },
        }
    }
}

impl<T: Sample> Sample for rows<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self(Vec::sample(rng))
    }
}

impl<T: Sample> Sample for keyed<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self { by_name: BTreeMap::sample(rng), by_number: BTreeMap::sample(rng) }
    }
}

impl<T: Sample> Sample for nested<T> {
    fn sample(rng: &mut Rng) -> Self {
        Self { tagged: tagged::sample(rng), last: Option::sample(rng) }
    }
}
