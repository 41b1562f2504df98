//! Converts from `QVariant` to serde, strictly: no value is rounded, cut or guessed. The keys of
//! objects, which are texts, are parsed as the type of a map's keys. A value that is nested too
//! deeply is refused.

use qmetaobject::{QVariant, QVariantList, QVariantMap};
use serde::de::value::{StrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::ConvertError;
use super::variant::{Value, text_of};

/// The maximum depth of a value; a JavaScript value may be nested without limit.
const DEEPEST: u32 = 128;

/// Deserializes a type from a `QVariant`.
pub(super) struct FromVariant {
    value: QVariant,
    depth: u32,
}

type Got<T> = Result<T, ConvertError>;

impl FromVariant {
    pub(super) fn new(value: QVariant) -> Self {
        Self { value, depth: 0 }
    }

    fn inside(value: QVariant, depth: u32) -> Got<Self> {
        if depth >= DEEPEST {
            return Err(ConvertError("nested too deeply".to_owned()));
        }
        Ok(Self { value, depth: depth + 1 })
    }
}

/// Visits a double, as an integer if it has no fraction: JavaScript holds large integers as
/// doubles.
fn visit_double<'de, V: Visitor<'de>>(number: f64, visitor: V) -> Got<V::Value> {
    // The bounds are exact doubles; the upper ones are one too large and excluded.
    let signed = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    let unsigned = (0.0..18_446_744_073_709_551_616.0).contains(&number);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    if number.fract() != 0.0 {
        visitor.visit_f64(number)
    } else if signed {
        visitor.visit_i64(number as i64)
    } else if unsigned {
        visitor.visit_u64(number as u64)
    } else {
        visitor.visit_f64(number)
    }
}

fn visit<'de, V: Visitor<'de>>(value: Value, depth: u32, visitor: V) -> Got<V::Value> {
    match value {
        Value::Undefined => Err(Error::invalid_type(Unexpected::Other("undefined"), &visitor)),
        Value::Null => visitor
            .visit_unit()
            .map_err(|error: ConvertError| ConvertError(error.0.replace("unit value", "null"))),
        Value::Bool(value) => visitor.visit_bool(value),
        Value::Signed(value) => visitor.visit_i64(value),
        Value::Unsigned(value) => visitor.visit_u64(value),
        Value::Double(value) => visit_double(value, visitor),
        Value::String(value) => visitor.visit_string(value),
        Value::Bytes(value) => visitor.visit_byte_buf(value.to_slice().to_vec()),
        Value::List(list) => visit_list(list, depth, visitor),
        Value::Map(map) => {
            let entries = entries(&map).into_iter();
            visitor.visit_map(Entries { entries, value: None, depth })
        }
        Value::Other(name) => {
            Err(Error::invalid_type(Unexpected::Other(&format!("a {name}")), &visitor))
        }
    }
}

fn visit_list<'de, V: Visitor<'de>>(list: QVariantList, depth: u32, visitor: V) -> Got<V::Value> {
    let mut items = Items { list, next: 0, depth };
    let value = visitor.visit_seq(&mut items)?;
    // A tuple takes only the elements that it needs: any that are left are an error.
    match items.list.len() - items.next {
        0 => Ok(value),
        left => Err(ConvertError(format!("{left} more elements than expected"))),
    }
}

fn entries(map: &QVariantMap) -> Vec<(String, QVariant)> {
    map.into_iter().map(|(key, value)| (text_of(key), value.clone())).collect()
}

impl<'de> Deserializer<'de> for FromVariant {
    type Error = ConvertError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        visit(Value::of(self.value), self.depth, visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        match Value::of(self.value) {
            Value::Double(value) => visitor.visit_f64(value),
            value => visit(value, self.depth, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        let (depth, kept) = (self.depth, self.value.clone());
        match Value::of(self.value) {
            Value::Undefined | Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(FromVariant { value: kept, depth }),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        match Value::of(self.value) {
            Value::Undefined | Value::Null => visitor.visit_unit(),
            value => visit(value, self.depth, visitor),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Got<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Got<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        match Value::of(self.value) {
            // A `Vec<u8>` is a sequence to serde.
            Value::Bytes(bytes) => {
                let bytes = bytes.to_slice().to_vec();
                visitor.visit_seq(serde::de::value::SeqDeserializer::new(bytes.into_iter()))
            }
            value => visit(value, self.depth, visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Got<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Got<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Got<V::Value> {
        match Value::of(self.value) {
            Value::String(name) => visitor.visit_enum(name.into_deserializer()),
            Value::Map(map) if map.len() == 1 => {
                let (name, value) = entries(&map).remove(0);
                visitor.visit_enum(OneEntry { name, value, depth: self.depth })
            }
            Value::Map(_) => Err(ConvertError(
                "an enum variant with a value must be an object with one entry, named after the variant"
                    .to_owned(),
            )),
            value => visit(value, self.depth, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf map struct
        identifier
    }
}

struct Items {
    list: QVariantList,
    next: usize,
    depth: u32,
}

impl<'de> SeqAccess<'de> for &mut Items {
    type Error = ConvertError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Got<Option<T::Value>> {
        if self.next >= self.list.len() {
            return Ok(None);
        }
        let value = self.list[self.next].clone();
        self.next += 1;
        seed.deserialize(FromVariant::inside(value, self.depth)?).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.list.len() - self.next)
    }
}

struct Entries {
    entries: std::vec::IntoIter<(String, QVariant)>,
    value: Option<(String, QVariant)>,
    depth: u32,
}

impl<'de> MapAccess<'de> for Entries {
    type Error = ConvertError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Got<Option<K::Value>> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let result = seed.deserialize(Key(&key));
        self.value = Some((key, value));
        result.map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Got<V::Value> {
        let (key, value) = self.value.take().ok_or_else(|| ConvertError("no value".to_owned()))?;
        let value = FromVariant::inside(value, self.depth)?;
        seed.deserialize(value).map_err(|error| match error.0.as_str() {
            "nested too deeply" => error,
            message => ConvertError(format!("{key}: {message}")),
        })
    }
}

/// Deserializes the key of an object, a string, as the type of the map's keys.
struct Key<'a>(&'a str);

macro_rules! key_from_text {
    ($($method:ident: $ty:ty => $visit:ident),* $(,)?) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
            match self.0.parse::<$ty>() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::invalid_value(Unexpected::Str(self.0), &visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for Key<'_> {
    type Error = ConvertError;

    key_from_text! {
        deserialize_bool: bool => visit_bool,
        deserialize_i8: i8 => visit_i8, deserialize_i16: i16 => visit_i16,
        deserialize_i32: i32 => visit_i32, deserialize_i64: i64 => visit_i64,
        deserialize_u8: u8 => visit_u8, deserialize_u16: u16 => visit_u16,
        deserialize_u32: u32 => visit_u32, deserialize_u64: u64 => visit_u64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Got<V::Value> {
        visitor.visit_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Got<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Got<V::Value> {
        let name: StrDeserializer<'_, ConvertError> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// `{ Gain: 0.5 }`
struct OneEntry {
    name: String,
    value: QVariant,
    depth: u32,
}

impl<'de> EnumAccess<'de> for OneEntry {
    type Error = ConvertError;
    type Variant = FromVariant;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Got<(V::Value, FromVariant)> {
        let name: StringDeserializer<ConvertError> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, FromVariant::inside(self.value, self.depth)?))
    }
}

impl<'de> VariantAccess<'de> for FromVariant {
    type Error = ConvertError;

    fn unit_variant(self) -> Got<()> {
        self.deserialize_unit(serde::de::IgnoredAny).map(drop)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Got<T::Value> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Got<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Got<V::Value> {
        self.deserialize_any(visitor)
    }
}
