//! Encoding with a bound on depth: postcard's serializer, which counts levels.
//!
//! What is nested deeper than a [`Decoder`](super::decoder::Decoder) follows would fail on the other side,
//! far from whoever made it; here it is an error of the call that wants to send it. What a type's
//! `Serialize` says when it refuses is kept, which postcard drops.

use std::fmt;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::codec::Sink;
use super::refusal::{Refusal, Why};
use crate::limits::VALUE_DEPTH;

/// See the [module](self).
pub(super) struct Leveled<'a> {
    postcard: postcard::Serializer<Sink<'a>>,
    /// Levels that may still be entered.
    depth: usize,
}

type Result<T> = std::result::Result<T, Refusal>;

impl<'a> Leveled<'a> {
    pub(super) fn new(sink: Sink<'a>) -> Self {
        Self { postcard: postcard::Serializer { output: sink }, depth: VALUE_DEPTH }
    }

    #[inline]
    fn enter(&mut self) -> Result<()> {
        self.depth = self.depth.checked_sub(1).ok_or(Why::Depth)?;
        Ok(())
    }

    /// A level that holds one value.
    #[inline]
    fn around<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.enter()?;
        value.serialize(&mut *self)?;
        self.depth += 1;
        Ok(())
    }
}

/// A level that holds several values; postcard writes nothing at the end of one.
pub(super) struct Level<'s, 'a>(&'s mut Leveled<'a>);

impl Level<'_, '_> {
    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut *self.0)
    }

    #[inline]
    fn leave(self) -> Result<()> {
        self.0.depth += 1;
        Ok(())
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty;)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<()> {
                Ok(self.postcard.$method(value)?)
            }
        )*
    };
}

macro_rules! level {
    ($($method:ident($($name:ident: $type:ty),*) -> $of:ident;)*) => {
        $(
            #[inline]
            fn $method(self, $($name: $type),*) -> Result<Self::$of> {
                self.enter()?;
                self.postcard.$method($($name),*)?;
                Ok(Level(self))
            }
        )*
    };
}

impl<'s, 'a> Serializer for &'s mut Leveled<'a> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Level<'s, 'a>;
    type SerializeTuple = Level<'s, 'a>;
    type SerializeTupleStruct = Level<'s, 'a>;
    type SerializeTupleVariant = Level<'s, 'a>;
    type SerializeMap = Level<'s, 'a>;
    type SerializeStruct = Level<'s, 'a>;
    type SerializeStructVariant = Level<'s, 'a>;

    plain! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_char: char;
        serialize_str: &str;
        serialize_bytes: &[u8];
        serialize_unit_struct: &'static str;
    }

    level! {
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple(len: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant;
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.enter()?;
        self.depth += 1;
        Ok(self.postcard.serialize_none()?)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        // postcard writes the tag and then the value; an empty value leaves the tag.
        self.postcard.serialize_some(&())?;
        self.around(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        Ok(self.postcard.serialize_unit()?)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.enter()?;
        self.depth += 1;
        Ok(self.postcard.serialize_unit_variant(name, index, variant)?)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        self.around(value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.postcard.serialize_unit_variant(name, index, variant)?;
        self.around(value)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        Ok(self.postcard.collect_str(value)?)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! values_of {
    ($($of:ident: $method:ident($($key:ty)?);)*) => {
        $(
            impl $of for Level<'_, '_> {
                type Ok = ();
                type Error = Refusal;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, $(_: $key,)? value: &T) -> Result<()> {
                    self.value(value)
                }

                #[inline]
                fn end(self) -> Result<()> {
                    self.leave()
                }
            }
        )*
    };
}

values_of! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}

impl SerializeMap for Level<'_, '_> {
    type Ok = ();
    type Error = Refusal;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.value(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.leave()
    }
}
