//! Converts from serde to `QVariant`: plain values, lists and maps element by element, and the keys
//! of maps to texts.

use qmetaobject::{QByteArray, QString, QVariant, QVariantList, QVariantMap};
use serde::ser::{
    Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::ConvertError;
use super::variant::{insert, null, push, reserve, signed, unsigned};

/// Serializes a value to a `QVariant`.
pub(super) struct ToVariant;

type Done = Result<QVariant, ConvertError>;

impl Serializer for ToVariant {
    type Ok = QVariant;
    type Error = ConvertError;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Map;
    type SerializeStruct = Map;
    type SerializeStructVariant = Map;

    fn serialize_bool(self, v: bool) -> Done {
        Ok(v.into())
    }

    fn serialize_i8(self, v: i8) -> Done {
        Ok(i32::from(v).into())
    }

    fn serialize_i16(self, v: i16) -> Done {
        Ok(i32::from(v).into())
    }

    fn serialize_i32(self, v: i32) -> Done {
        Ok(v.into())
    }

    fn serialize_i64(self, v: i64) -> Done {
        Ok(signed(v))
    }

    fn serialize_u8(self, v: u8) -> Done {
        Ok(i32::from(v).into())
    }

    fn serialize_u16(self, v: u16) -> Done {
        Ok(i32::from(v).into())
    }

    fn serialize_u32(self, v: u32) -> Done {
        Ok(v.into())
    }

    fn serialize_u64(self, v: u64) -> Done {
        Ok(unsigned(v))
    }

    fn serialize_f32(self, v: f32) -> Done {
        Ok(f64::from(v).into())
    }

    fn serialize_f64(self, v: f64) -> Done {
        Ok(v.into())
    }

    fn serialize_char(self, v: char) -> Done {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Done {
        Ok(QString::from(v).into())
    }

    fn serialize_bytes(self, v: &[u8]) -> Done {
        Ok(QByteArray::from(v).into())
    }

    fn serialize_none(self) -> Done {
        Ok(null())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(null())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Done {
        Ok(null())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        Ok(named(Some(variant), value.serialize(self)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<List, ConvertError> {
        Ok(List::new(None, len.unwrap_or(0)))
    }

    fn serialize_tuple(self, len: usize) -> Result<List, ConvertError> {
        Ok(List::new(None, len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<List, ConvertError> {
        Ok(List::new(None, len))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<List, ConvertError> {
        Ok(List::new(Some(variant), len))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Map, ConvertError> {
        Ok(Map { variant: None, map: QVariantMap::default(), key: String::new() })
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Map, ConvertError> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Map, ConvertError> {
        Ok(Map { variant: Some(variant), map: QVariantMap::default(), key: String::new() })
    }
}

/// Puts the payload of a variant under its name.
fn named(variant: Option<&'static str>, value: QVariant) -> QVariant {
    let Some(variant) = variant else { return value };
    let mut map = QVariantMap::default();
    insert(&mut map, variant, value);
    map.into()
}

/// A list that is being built, possibly as the value of an enum variant.
pub(super) struct List {
    variant: Option<&'static str>,
    list: QVariantList,
}

impl List {
    fn new(variant: Option<&'static str>, len: usize) -> Self {
        let mut list = QVariantList::default();
        // The length that a type announces may be wrong.
        reserve(&mut list, len.min(1 << 16));
        Self { variant, list }
    }

    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConvertError> {
        push(&mut self.list, value.serialize(ToVariant)?);
        Ok(())
    }

    fn done(self) -> Done {
        Ok(named(self.variant, self.list.into()))
    }
}

/// Implements serde's many traits for two cases: an element of a list, a field of an object.
macro_rules! added_one_by_one {
    ($($of:ident: $builder:ty, $method:ident($($key:ident: $text:ty)?);)*) => {
        $(impl $of for $builder {
            type Ok = QVariant;
            type Error = ConvertError;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: $text,)?
                value: &T,
            ) -> Result<(), ConvertError> {
                self.add($($key,)? value)
            }

            fn end(self) -> Done {
                self.done()
            }
        })*
    };
}

added_one_by_one! {
    SerializeSeq: List, serialize_element();
    SerializeTuple: List, serialize_element();
    SerializeTupleStruct: List, serialize_field();
    SerializeTupleVariant: List, serialize_field();
    SerializeStruct: Map, serialize_field(key: &'static str);
    SerializeStructVariant: Map, serialize_field(key: &'static str);
}

/// An object that is being built, possibly as the value of an enum variant.
pub(super) struct Map {
    variant: Option<&'static str>,
    map: QVariantMap,
    key: String,
}

impl Map {
    fn add<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), ConvertError> {
        insert(&mut self.map, key, value.serialize(ToVariant)?);
        Ok(())
    }

    fn done(self) -> Done {
        Ok(named(self.variant, self.map.into()))
    }
}

impl SerializeMap for Map {
    type Ok = QVariant;
    type Error = ConvertError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ConvertError> {
        self.key = key.serialize(ToKey)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ConvertError> {
        let key = std::mem::take(&mut self.key);
        self.add(&key, value)
    }

    fn end(self) -> Done {
        self.done()
    }
}

/// Serializes the key of an object: a string, or a value with an obvious text.
struct ToKey;

fn no_key() -> ConvertError {
    ConvertError("a map's keys must be strings, numbers, booleans or unit variants".to_owned())
}

macro_rules! key_as_text {
    ($($method:ident: $ty:ty),* $(,)?) => {
        $(fn $method(self, v: $ty) -> Result<String, ConvertError> {
            Ok(v.to_string())
        })*
    };
}

impl Serializer for ToKey {
    type Ok = String;
    type Error = ConvertError;
    type SerializeSeq = Impossible<String, ConvertError>;
    type SerializeTuple = Impossible<String, ConvertError>;
    type SerializeTupleStruct = Impossible<String, ConvertError>;
    type SerializeTupleVariant = Impossible<String, ConvertError>;
    type SerializeMap = Impossible<String, ConvertError>;
    type SerializeStruct = Impossible<String, ConvertError>;
    type SerializeStructVariant = Impossible<String, ConvertError>;

    key_as_text! {
        serialize_bool: bool,
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_char: char, serialize_str: &str,
    }

    fn serialize_f32(self, _v: f32) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_f64(self, _v: f64) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_bytes(self, _v: &[u8]) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_none(self) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_unit(self) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<String, ConvertError> {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<String, ConvertError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<String, ConvertError> {
        Err(no_key())
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Self::SerializeSeq, ConvertError> {
        Err(no_key())
    }

    fn serialize_tuple(self, _len: usize) -> Result<Self::SerializeTuple, ConvertError> {
        Err(no_key())
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, ConvertError> {
        Err(no_key())
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, ConvertError> {
        Err(no_key())
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Self::SerializeMap, ConvertError> {
        Err(no_key())
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStruct, ConvertError> {
        Err(no_key())
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, ConvertError> {
        Err(no_key())
    }
}
