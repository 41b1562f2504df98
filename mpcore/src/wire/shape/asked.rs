//! The `Deserializer` that a type asks for its parts, and its accesses.
//!
//! Every request is recorded in the [`Trace`] and answered with a made-up value. Where there is a
//! choice it behaves like postcard: not human readable, structs in order; requests that postcard
//! encodes alike (`str` and `string`, `bytes` and `byte_buf`) are the same request.

use std::any::type_name;

use serde::de::value::{StrDeserializer, U32Deserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::wire::shape::trace::{
    ArmForm, NOTHING, Request, Trace, TraceRefused, TypeHead, TypeKey, Way,
};

/// A slot to be filled.
pub(crate) struct Asked<'a> {
    pub(crate) trace: &'a mut Trace,
    pub(crate) slot: usize,
}

impl<'a> Asked<'a> {
    /// Records the request for a value that contains no others.
    fn leaf(self, name: &'static str) -> &'a mut Trace {
        self.trace.note(self.slot, Request::Leaf(name));
        self.trace
    }

    /// Like [`node`](Self::node), for a type that gives no name.
    fn nameless<V>(&mut self, head: TypeHead, len: usize) -> Result<Way, TraceRefused> {
        self.node::<V>(head, "", &[], len)
    }

    /// Records the request for a composite type; returns the arm to answer with.
    fn node<V>(
        &mut self,
        head: TypeHead,
        name: &'static str,
        labels: &'static [&'static str],
        len: usize,
    ) -> Result<Way, TraceRefused> {
        let key = TypeKey { head, name, labels, len, visitor: type_name::<V>() };
        self.trace.choose(self.slot, key)
    }
}

macro_rules! numbers {
    ($($ask:ident $visit:ident $number:ident)*) => {$(
        fn $ask<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
            visitor.$visit(self.leaf(stringify!($number)).made_up.number() as $number)
        }
    )*};
}

impl<'de> Deserializer<'de> for Asked<'_> {
    type Error = TraceRefused;

    fn is_human_readable(&self) -> bool {
        false
    }

    numbers! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_i128 visit_i128 i128
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_u128 visit_u128 u128
        deserialize_f32 visit_f32 f32
        deserialize_f64 visit_f64 f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        visitor.visit_bool(self.leaf("bool").made_up.bool())
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        visitor.visit_char(self.leaf("char").made_up.char())
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        visitor.visit_borrowed_str(self.leaf("str").made_up.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        visitor.visit_borrowed_bytes(self.leaf("bytes").made_up.bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        self.leaf("unit");
        visitor.visit_unit()
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        let made_up = &mut self.leaf("any").made_up;
        match made_up.choice {
            0 => visitor.visit_unit(),
            1 => visitor.visit_i64(made_up.number()),
            _ => visitor.visit_borrowed_str(made_up.text()),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.leaf("ignored");
        visitor.visit_unit()
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TraceRefused> {
        visitor.visit_borrowed_str(self.leaf("identifier").made_up.text())
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, TraceRefused> {
        let way = self.nameless::<V>(TypeHead::Option, 1)?;
        if way.1 == NOTHING {
            return visitor.visit_none();
        }
        self.trace.take(way, |trace| {
            let slot = trace.slot_at(way, 0);
            trace.fill(slot, |asked| visitor.visit_some(asked))
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, TraceRefused> {
        let way = self.nameless::<V>(TypeHead::Seq, 1)?;
        let left = if way.1 == NOTHING { 0 } else { self.trace.made_up.elements() };
        self.trace.take(way, |trace| visitor.visit_seq(Entries { trace, way, left }))
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, TraceRefused> {
        let way = self.nameless::<V>(TypeHead::Map, 2)?;
        let left = usize::from(way.1 != NOTHING);
        self.trace.take(way, |trace| visitor.visit_map(Entries { trace, way, left }))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        let way = self.nameless::<V>(TypeHead::Tuple, len)?;
        self.trace.take(way, |trace| elements(trace, way, len, visitor))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.node::<V>(TypeHead::UnitStruct, name, &[], 0)?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        let way = self.node::<V>(TypeHead::NewtypeStruct, name, &[], 1)?;
        self.trace.take(way, |trace| {
            let slot = trace.slot_at(way, 0);
            trace.fill(slot, |asked| visitor.visit_newtype_struct(asked))
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        let way = self.node::<V>(TypeHead::TupleStruct, name, &[], len)?;
        self.trace.take(way, |trace| elements(trace, way, len, visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        labels: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        let way = self.node::<V>(TypeHead::Struct, name, labels, labels.len())?;
        self.trace.take(way, |trace| fields(trace, way, labels, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        let way = self.node::<V>(TypeHead::Enum, name, variants, variants.len())?;
        let name = variants[way.1];
        self.trace.take(way, |trace| visitor.visit_enum(Variant { trace, way, name }))
    }
}

/// Lets the visitor read slots in order.
fn elements<'de, V: Visitor<'de>>(
    trace: &mut Trace,
    way: Way,
    len: usize,
    visitor: V,
) -> Result<V::Value, TraceRefused> {
    visitor.visit_seq(InOrder { trace, way, next: 0, len })
}

/// Lets the visitor read fields in order, or by name.
fn fields<'de, V: Visitor<'de>>(
    trace: &mut Trace,
    way: Way,
    labels: &'static [&'static str],
    visitor: V,
) -> Result<V::Value, TraceRefused> {
    if !trace.arm(way).other_way {
        return elements(trace, way, labels.len(), visitor);
    }
    let slots = trace.slots_by_need(way, labels.len()).into_iter();
    let left = slots.rev().map(|(position, slot)| (labels[position], slot)).collect();
    visitor.visit_map(ByName { trace, left, value: None })
}

/// The slots of a sequence, one after the other.
struct InOrder<'a> {
    trace: &'a mut Trace,
    way: Way,
    next: usize,
    len: usize,
}

impl<'de> SeqAccess<'de> for InOrder<'_> {
    type Error = TraceRefused;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TraceRefused> {
        if self.next == self.len {
            return Ok(None);
        }
        let slot = self.trace.slot_at(self.way, self.next);
        self.next += 1;
        let value = self.trace.fill(slot, |asked| seed.deserialize(asked));
        if value.is_err() {
            self.next = self.len; // ends even if the visitor goes on after an error
        }
        value.map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.next)
    }
}

/// The fields of a struct by name, the last of `left` first.
struct ByName<'a> {
    trace: &'a mut Trace,
    left: Vec<(&'static str, usize)>,
    value: Option<usize>,
}

impl<'de> MapAccess<'de> for ByName<'_> {
    type Error = TraceRefused;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TraceRefused> {
        let Some((name, slot)) = self.left.pop() else { return Ok(None) };
        self.value = Some(slot);
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, TraceRefused> {
        let slot = self.value.take().ok_or(TraceRefused)?;
        self.trace.fill(slot, |asked| seed.deserialize(asked))
    }
}

/// The elements of a sequence, or the entries of a map.
struct Entries<'a> {
    trace: &'a mut Trace,
    way: Way,
    left: usize,
}

impl Entries<'_> {
    fn fill<'de, S: DeserializeSeed<'de>>(
        &mut self,
        position: usize,
        seed: S,
    ) -> Result<S::Value, TraceRefused> {
        let slot = self.trace.slot_at(self.way, position);
        let value = self.trace.fill(slot, |asked| seed.deserialize(asked));
        if value.is_err() {
            self.left = 0;
        }
        value
    }

    /// Begins the next entry; returns whether there is one.
    fn next(&mut self) -> bool {
        let more = self.left > 0;
        self.left -= usize::from(more);
        more
    }
}

impl<'de> SeqAccess<'de> for Entries<'_> {
    type Error = TraceRefused;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TraceRefused> {
        if self.next() { self.fill(0, seed).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = TraceRefused;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, TraceRefused> {
        if self.next() { self.fill(0, seed).map(Some) } else { Ok(None) }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, TraceRefused> {
        self.fill(1, seed)
    }

    /// A refused key does not hide the value.
    fn next_entry_seed<K: DeserializeSeed<'de>, S: DeserializeSeed<'de>>(
        &mut self,
        key: K,
        value: S,
    ) -> Result<Option<(K::Value, S::Value)>, TraceRefused> {
        if !self.next() {
            return Ok(None);
        }
        let (key, value) = (self.fill(0, key), self.fill(1, value));
        Ok(Some((key?, value?)))
    }
}

/// One variant of an enum.
struct Variant<'a> {
    trace: &'a mut Trace,
    way: Way,
    name: &'static str,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = TraceRefused;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), TraceRefused> {
        let index: U32Deserializer<TraceRefused> = (self.way.1 as u32).into_deserializer();
        let tag = match self.trace.arm(self.way).other_way {
            false => seed.deserialize(StrDeserializer::new(self.name)),
            true => seed.deserialize(index),
        };
        Ok((tag?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = TraceRefused;

    fn unit_variant(self) -> Result<(), TraceRefused> {
        self.trace.note_form(self.way, ArmForm::Unit);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, TraceRefused> {
        self.trace.note_form(self.way, ArmForm::Tuple(1));
        let slot = self.trace.slot_at(self.way, 0);
        self.trace.fill(slot, |asked| seed.deserialize(asked))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.trace.note_form(self.way, ArmForm::Tuple(len));
        elements(self.trace, self.way, len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        labels: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TraceRefused> {
        self.trace.note_form(self.way, ArmForm::Struct(labels));
        fields(self.trace, self.way, labels, visitor)
    }
}
