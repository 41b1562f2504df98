//! The types that are put into others, and how their values are made.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Generates values, unusual ones more often than at random.
pub(crate) trait Sample: Sized {
    fn sample(rng: &mut Rng) -> Self;
}

macro_rules! numbers {
    ($($number:ident)*) => {
        $(
            impl Sample for $number {
                fn sample(rng: &mut Rng) -> Self {
                    match rng.u8(0..4) {
                        0 => $number::MIN,
                        1 => $number::MAX,
                        2 => 1,
                        _ => rng.$number(..),
                    }
                }
            }
        )*
    };
}

numbers! { u8 u16 u32 u128 i8 i16 i64 }

macro_rules! reals {
    ($($real:ident)*) => {
        $(
            impl Sample for $real {
                fn sample(rng: &mut Rng) -> Self {
                    let odd = [$real::NAN, -0.0, 0.0, $real::INFINITY, $real::MIN_POSITIVE, 3.0];
                    if rng.bool() { rng.choice(odd).unwrap_or(0.5) } else { rng.$real() - 0.5 }
                }
            }
        )*
    };
}

reals! { f32 f64 }

impl Sample for bool {
    fn sample(rng: &mut Rng) -> Self {
        rng.bool()
    }
}

impl Sample for char {
    fn sample(rng: &mut Rng) -> Self {
        rng.choice(['a', '\0', '"', 'µ', '𝄞', char::MAX]).unwrap_or('b')
    }
}

impl Sample for String {
    fn sample(rng: &mut Rng) -> Self {
        (0..rng.u8(0..4)).map(|_| char::sample(rng)).collect()
    }
}

impl Sample for () {
    fn sample(_: &mut Rng) -> Self {}
}

impl<T: Sample> Sample for Option<T> {
    fn sample(rng: &mut Rng) -> Self {
        rng.bool().then(|| T::sample(rng))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(rng: &mut Rng) -> Self {
        (0..rng.u8(0..4)).map(|_| T::sample(rng)).collect()
    }
}

impl<T: Sample> Sample for [T; 3] {
    fn sample(rng: &mut Rng) -> Self {
        std::array::from_fn(|_| T::sample(rng))
    }
}

impl<A: Sample, B: Sample> Sample for (A, B) {
    fn sample(rng: &mut Rng) -> Self {
        (A::sample(rng), B::sample(rng))
    }
}

impl<K: Sample + Ord, V: Sample> Sample for BTreeMap<K, V> {
    fn sample(rng: &mut Rng) -> Self {
        (0..rng.u8(0..4)).map(|_| (K::sample(rng), V::sample(rng))).collect()
    }
}

impl Sample for Duration {
    fn sample(rng: &mut Rng) -> Self {
        Self::new(rng.u64(..), rng.u32(0..1_000_000_000))
    }
}

impl Sample for Result<u8, Text> {
    fn sample(rng: &mut Rng) -> Self {
        if rng.bool() { Ok(u8::sample(rng)) } else { Err(Text(String::sample(rng))) }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text(String);

/// Bytes in serde's own form.
#[derive(Debug, Clone)]
pub(crate) struct Block(Vec<u8>);

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Block;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Block, E> {
                Ok(Block(bytes.to_vec()))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

impl Sample for Block {
    fn sample(rng: &mut Rng) -> Self {
        Self((0..rng.u8(0..9)).map(|_| rng.u8(..)).collect())
    }
}

/// Variants of each kind, one that is skipped, and one that is renamed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Mode {
    #[serde(skip)]
    #[allow(dead_code)]
    Internal,
    Off,
    #[serde(rename = "full power", alias = "full")]
    Full(i16),
    Swept(u8, Option<u8>),
    Pulsed {
        hz: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<f32>,
    },
}

impl Sample for Mode {
    fn sample(rng: &mut Rng) -> Self {
        match rng.u8(0..4) {
            0 => Self::Off,
            1 => Self::Full(i16::sample(rng)),
            2 => Self::Swept(u8::sample(rng), Option::sample(rng)),
            _ => Self::Pulsed { hz: f64::sample(rng), width: Option::sample(rng) },
        }
    }
}

/// Fields that are skipped when empty, and one that is never written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Pulse {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_delay: Option<u8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    steps: Vec<u16>,
    #[serde(skip)]
    #[allow(dead_code)]
    cache: (),
    #[serde(alias = "watts")]
    power: u32,
}

impl Sample for Pulse {
    fn sample(rng: &mut Rng) -> Self {
        Self {
            start_delay: Option::sample(rng),
            steps: Vec::sample(rng),
            cache: (),
            power: u32::sample(rng),
        }
    }
}
