//! Converts between Rust's values and Qt's.
//!
//! A signal carries a real Qt type if there is one, which the macro picks by the type's tokens. All
//! other values are serialized with serde ([`serialize`]): structs and maps become objects,
//! sequences and tuples arrays, bytes an `ArrayBuffer`, unit variants strings, `None` and `()`
//! null. Arguments arrive as `QVariant` and are checked by serde ([`deserialize`]).
//! [`decode_empty`] stands in for a value that is not given.

mod deserialize;
mod serialize;
mod variant;

use qmetaobject::{QByteArray, QString, QVariant, QVariantMap};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::trace::event;

pub(crate) use variant::{insert, text_of};

/// Why a value could not be converted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConvertError(pub(crate) String);

impl serde::ser::Error for ConvertError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl serde::de::Error for ConvertError {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Converts a value to the Qt type `Q`.
pub trait ToQt<Q> {
    /// Never fails: a value that serde refuses becomes `undefined`, after a warning.
    fn to_qt(&self) -> Q;
}

macro_rules! widened {
    ($($from:ty => $to:ty),* $(,)?) => {
        $(impl ToQt<$to> for $from {
            fn to_qt(&self) -> $to {
                <$to>::from(*self)
            }
        })*
    };
}

widened! {
    bool => bool,
    i8 => i32, i16 => i32, i32 => i32, u8 => i32, u16 => i32,
    u32 => u32, i64 => i64, u64 => u64,
    f32 => f64, f64 => f64,
}

impl ToQt<i64> for isize {
    fn to_qt(&self) -> i64 {
        *self as i64
    }
}

impl ToQt<u64> for usize {
    fn to_qt(&self) -> u64 {
        *self as u64
    }
}

impl ToQt<QString> for String {
    fn to_qt(&self) -> QString {
        self.as_str().into()
    }
}

impl ToQt<QByteArray> for Vec<u8> {
    fn to_qt(&self) -> QByteArray {
        self.as_slice().into()
    }
}

impl<T: Serialize> ToQt<QVariant> for T {
    fn to_qt(&self) -> QVariant {
        encode(self).unwrap_or_else(|error| {
            let what = std::any::type_name::<T>();
            event!(WARN, "mpqt::object", in None, "no form in QML", value_type = what);
            crate::javascript::warn_of(None, &format!("a `{what}` has no form in QML: {error}"));
            QVariant::default()
        })
    }
}

/// An argument of the wrong type.
#[derive(Debug)]
pub struct BadArgument {
    pub(crate) argument: &'static str,
    pub(crate) error: ConvertError,
}

/// Converts a value of a serde type to a `QVariant`.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<QVariant, ConvertError> {
    value.serialize(serialize::ToVariant)
}

/// Converts a `QVariant` to a serde type.
///
/// # Errors
/// If the value is not of that type.
pub fn decode<T: DeserializeOwned>(value: QVariant) -> Result<T, ConvertError> {
    T::deserialize(deserialize::FromVariant::new(value))
}

/// Returns the value of a type for which no value was given: `None`, `()`, or a struct of defaults.
///
/// # Errors
/// If the type needs a value.
pub fn decode_empty<T: DeserializeOwned>() -> Result<T, ConvertError> {
    decode(QVariant::default()).or_else(|_| decode(QVariantMap::default().into()))
}

/// Converts one argument of a command.
///
/// # Errors
/// If the value is not of the argument's type.
pub fn argument<T: DeserializeOwned>(
    argument: &'static str,
    value: QVariant,
) -> Result<T, BadArgument> {
    decode(value).map_err(|error| BadArgument { argument, error })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Sample {
        name: String,
        volts: Vec<f64>,
        at: Option<(i64, u64)>,
        mode: Mode,
        raw: Bytes,
        by_channel: BTreeMap<u8, bool>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Mode {
        Off,
        Gain(f32),
        Window { from: i8, to: i8 },
        Pair(u16, char),
    }

    /// Serialised as bytes.
    #[derive(Debug, Clone, PartialEq)]
    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Vec::deserialize(deserializer).map(Bytes)
        }
    }

    fn sample(mode: Mode) -> Sample {
        Sample {
            name: "Übung\0🔬".to_owned(),
            volts: vec![0.5, -1.0, f64::INFINITY],
            at: Some((i64::MIN, u64::MAX)),
            mode,
            raw: Bytes(vec![0, 255]),
            by_channel: BTreeMap::from([(3, true), (200, false)]),
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let modes =
            [Mode::Off, Mode::Gain(0.25), Mode::Window { from: -1, to: 1 }, Mode::Pair(9, 'µ')];
        for mode in modes {
            let sample = sample(mode);
            assert_eq!(decode::<Sample>(encode(&sample).unwrap()).unwrap(), sample);
        }
    }

    fn refused<T: DeserializeOwned + std::fmt::Debug>(value: impl Into<QVariant>) -> String {
        decode::<T>(value.into()).unwrap_err().to_string()
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_type() {
        let text = QVariant::from(QString::from("x"));
        assert_eq!(refused::<i32>(text), "invalid type: string \"x\", expected i32");
        assert_eq!(refused::<i32>(5.5), "invalid type: floating point `5.5`, expected i32");
        assert_eq!(
            refused::<i32>(2_147_483_648.0),
            "invalid value: integer `2147483648`, expected i32"
        );
        assert_eq!(refused::<u8>(-1), "invalid value: integer `-1`, expected u8");
        assert_eq!(refused::<f64>(QVariant::default()), "invalid type: undefined, expected f64");
        assert_eq!(refused::<String>(5), "invalid type: integer `5`, expected a string");
        assert_eq!(refused::<bool>(1), "invalid type: integer `1`, expected a boolean");
        assert_eq!(
            refused::<Mode>(QVariant::from(QString::from("On"))),
            "unknown variant `On`, expected one of `Off`, `Gain`, `Window`, `Pair`"
        );
    }

    #[test]
    fn whole_numbers_are_whole_however_javascript_holds_them() {
        assert_eq!(decode::<i32>(QVariant::from(42.0)), Ok(42));
        assert_eq!(decode::<u64>(QVariant::from(9_007_199_254_740_992.0)), Ok(1 << 53));
        assert_eq!(decode::<u64>(QVariant::from(9_223_372_036_854_775_808.0)), Ok(1 << 63));
        assert_eq!(decode::<i64>(QVariant::from(-9_223_372_036_854_775_808.0)), Ok(i64::MIN));
        let beyond = refused::<u64>(18_446_744_073_709_551_616.0);
        assert!(beyond.starts_with("invalid type: floating point"), "{beyond}");
        assert_eq!(decode::<f64>(QVariant::from(42)), Ok(42.0));
    }

    #[test]
    fn nothing_is_a_default_where_there_is_one() {
        #[derive(Debug, PartialEq, Deserialize)]
        #[serde(default)]
        struct Options {
            speed: u8,
        }
        impl Default for Options {
            fn default() -> Self {
                Self { speed: 7 }
            }
        }
        assert_eq!(decode_empty::<()>(), Ok(()));
        assert_eq!(decode_empty::<Option<Options>>(), Ok(None));
        assert_eq!(decode_empty::<Options>(), Ok(Options { speed: 7 }));
        let missing = decode_empty::<Sample>().unwrap_err();
        assert_eq!(missing.to_string(), "missing field `name`");
    }

    #[test]
    fn a_bottomless_value_is_refused() {
        #[derive(Debug, Deserialize)]
        struct Nested {
            #[allow(dead_code)]
            inner: Option<Box<Nested>>,
        }
        let mut value = QVariant::default();
        for _ in 0..100_000 {
            let mut map = QVariantMap::default();
            map.insert("inner".into(), value);
            value = map.into();
            if decode::<Nested>(value.clone()).is_err() {
                assert_eq!(refused::<Nested>(value), "nested too deeply");
                return;
            }
        }
        panic!("accepted");
    }
}
