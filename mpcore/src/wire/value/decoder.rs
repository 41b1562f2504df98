//! Decodes untrusted bytes: postcard's format, with bounds.
//!
//! The bytes come from another process and may contain anything. postcard itself never reads past
//! their end, but it does not stop a value that needs few bytes on the wire and a lot of everything
//! else: a recursive type whose levels would exhaust the stack, a `Vec<()>` with a length of 2⁶⁴, a
//! `Vec<Option<[u64; 32]>>` of zeros, each of which becomes 264 bytes. So a [`Decoder`] counts
//! levels and bytes of memory while it decodes, and ends with an error at a bound.
//!
//! postcard reads numbers and strings; this module reads values that contain other values. It runs
//! on whichever thread examines a value: the caller's, the inbox's, the reader of a run, the
//! child's main thread.
//!
//! One decoder reads all [`Form`]s, so that a user's type is compiled for it once: the plain one
//! here, the [described](crate::wire::value::described) one and the sender's
//! [check](crate::wire::value::checked) in their own modules.
//!
//! Bounds: [`VALUE_DEPTH`], [`DECODED_BYTES`] and [`DECODING_STACK`]. Before it uses a significant
//! amount of memory, it checks that this much is available. Absent on purpose: a bound on time. The
//! work is at most proportional to the bytes of both kinds, except for the type's own processing:
//! serde tries the variants of an `untagged` enum one by one, at every level.

use serde::Deserialize;
use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::limits::{DECODED_BYTES, DECODING_STACK, ROOM_HINT, VALUE_DEPTH};
use crate::wire::value::memory::{TRIED, room_for};
use crate::wire::value::refusal::{Refusal, Why};
use crate::wire::value::tag::Tag;

/// Charge for an element without a size, so that the number of such elements is bounded too.
const SIZELESS: usize = 1024;

/// Levels that any type may have, however large they are.
const FREE_LEVELS: usize = 8;

/// How the bytes of a value are read. The first byte of each value gives the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Form {
    /// postcard's format: the type determines the meaning of each byte.
    Plain = 0,
    /// With kinds and names: see [`Tag`].
    Described = 1,
    /// Tags of the plain form, compared with what the type asks for. Never sent.
    Checked = 2,
}

/// See the [module](self).
pub(crate) struct Decoder<'de> {
    pub(crate) rest: &'de [u8],
    form: Form,
    /// Levels that may still be entered.
    pub(crate) depth: usize,
    /// Bytes of memory that may still be used.
    budget: usize,
    /// The budget at the beginning.
    most: usize,
    /// If the remaining budget falls below this, the decoder checks that more memory is available.
    tried: usize,
    /// Stack address at which decoding began.
    bottom: usize,
    /// The type asked for something that was not written: see [`Form::Checked`].
    pub(crate) differs: bool,
}

type Result<T> = std::result::Result<T, Refusal>;

impl<'de> Decoder<'de> {
    /// Decodes one of the framework's own types, or values that are preceded by their [`Form`]s.
    pub(crate) fn new(bytes: &'de [u8]) -> Self {
        Self::of_form(bytes, Form::Plain)
    }

    /// Like [`new`](Self::new), with this memory budget.
    #[cfg(target_os = "linux")]
    pub(crate) fn within(bytes: &'de [u8], budget: usize) -> Self {
        let most = budget.min(DECODED_BYTES);
        Self { budget: most, most, tried: most.saturating_sub(TRIED), ..Self::new(bytes) }
    }

    /// Decodes a value in this form, without the byte that gives the form.
    pub(crate) fn of_form(bytes: &'de [u8], form: Form) -> Self {
        Self {
            rest: bytes,
            form,
            depth: VALUE_DEPTH,
            budget: DECODED_BYTES,
            most: DECODED_BYTES,
            tried: DECODED_BYTES - TRIED,
            bottom: stack_address(),
            differs: false,
        }
    }

    /// Takes the form of the next value.
    #[inline]
    pub(crate) fn take_form(&mut self) -> Result<()> {
        self.form = match self.rest.split_first() {
            Some((0, rest)) => {
                self.rest = rest;
                Form::Plain
            }
            Some((1, rest)) => {
                self.rest = rest;
                Form::Described
            }
            Some((form, _)) => {
                return Err(Why::Type(format!("unknown value form {form}")).into());
            }
            // A unit by itself has no bytes at all.
            None => Form::Plain,
        };
        Ok(())
    }

    /// Returns whether the type has asked for something that was not written.
    pub(crate) fn differs(&self) -> bool {
        self.differs
    }

    /// Returns the bytes that have not been decoded yet.
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    /// Takes this many bytes from the memory budget.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<()> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                let before = std::mem::replace(&mut self.budget, left);
                if left < self.tried { self.try_more(before - left) } else { Ok(()) }
            }
            None => {
                self.budget = 0;
                let why = if self.most == DECODED_BYTES {
                    Why::Memory
                } else {
                    Why::Proportion(self.most)
                };
                Err(why.into())
            }
        }
    }

    /// Checks that there is memory for `next`, and for a sequence that grows by doubling until the
    /// next check: twice the memory that was used before.
    #[cold]
    fn try_more(&mut self, next: usize) -> Result<()> {
        let used = self.most - self.budget;
        let growth = (2 * (used - next)).min(self.budget);
        room_for(next.max(growth)).map_err(Why::from)?;
        self.tried = self.budget.saturating_sub(used);
        Ok(())
    }

    /// Reads a value that contains no other values.
    #[inline]
    pub(crate) fn plain<T: Deserialize<'de>>(&mut self) -> Result<T> {
        let mut postcard = postcard::Deserializer::from_bytes(self.rest);
        let value = T::deserialize(&mut postcard)?;
        self.rest = postcard.finalize()?;
        Ok(value)
    }

    /// Visits a value that contains other values and itself takes up `V::Value`.
    ///
    /// That is charged although the value may be inside one that was already charged: it could just
    /// as well be in a `Box`, which is not visible here.
    #[inline]
    pub(crate) fn level<V: Visitor<'de>>(
        &mut self,
        visitor: V,
        visit: impl FnOnce(&mut Self, V) -> Result<V::Value>,
    ) -> Result<V::Value> {
        self.charge(size_of::<V::Value>())?;
        let Some(left) = self.depth.checked_sub(1) else {
            return Err(Why::Depth.into());
        };
        if left < VALUE_DEPTH - FREE_LEVELS
            && self.bottom.abs_diff(stack_address()) > DECODING_STACK
        {
            return Err(Why::Stack.into());
        }
        self.depth = left;
        let value = visit(self, visitor)?;
        self.depth += 1;
        Ok(value)
    }

    /// Reads an element of a sequence of any length.
    #[inline]
    pub(crate) fn element<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let own =
            const { if size_of::<S::Value>() == 0 { SIZELESS } else { size_of::<S::Value>() } };
        let before = self.budget;
        let value = seed.deserialize(&mut *self)?;
        // Its levels have already been charged.
        let counted = before - self.budget;
        if counted < own {
            self.charge(own - counted)?;
        }
        Ok(value)
    }

    /// Reads the length of a sequence or map.
    #[inline]
    fn length(&mut self) -> Result<usize> {
        let length = self.plain::<u64>()?;
        // A length beyond the address space exceeds what any type accepts.
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }
}

/// Returns the approximate end of the stack.
#[inline]
fn stack_address() -> usize {
    let here = 0u8;
    (&raw const here).addr()
}

/// Kinds of values that postcard reads, with their visitor methods.
macro_rules! plain {
    ($($method:ident: $type:ty, $visit:ident, $tag:ident;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
                if self.form != Form::Plain {
                    return self.by_tag(Tag::$tag, visitor);
                }
                visitor.$visit(self.plain::<$type>()?)
            }
        )*
    };
}

/// Strings and bytes take up their length in memory.
macro_rules! block {
    ($($method:ident: $type:ty, $visit:ident, $tag:ident;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
                if self.form != Form::Plain {
                    return self.by_tag(Tag::$tag, visitor);
                }
                let block = self.plain::<$type>()?;
                self.charge(block.len())?;
                visitor.$visit(block)
            }
        )*
    };
}

/// Requests that bytes without a description of themselves cannot answer.
macro_rules! undescribed {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
                match self.form {
                    Form::Plain => Err(Why::Type(UNDESCRIBED.to_owned()).into()),
                    Form::Described => self.described(visitor),
                    Form::Checked => Err(self.differ("the kind or the name of a value", None)),
                }
            }
        )*
    };
}

const UNDESCRIBED: &str = "its `Deserialize` asks for self-describing data, which the sender's type did not \
                           ask for; build both sides from the same types";

impl<'de> Decoder<'de> {
    /// Reads a tagged value if the type asks for `asked`.
    #[cold]
    #[inline(never)]
    fn by_tag<V: Visitor<'de>>(&mut self, asked: Tag, visitor: V) -> Result<V::Value> {
        match self.form {
            Form::Checked => self.expect(asked)?,
            Form::Plain | Form::Described => self.skip_some()?,
        }
        self.described(visitor)
    }

    #[cold]
    #[inline(never)]
    fn tagged_option<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.form {
            Form::Checked => self.checked_option(visitor),
            Form::Plain | Form::Described => self.described_option(visitor),
        }
    }

    #[cold]
    #[inline(never)]
    fn tagged_unit<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.form {
            Form::Checked => {
                self.expect(Tag::Unit)?;
                self.described(visitor)
            }
            Form::Plain | Form::Described => self.described_unit(visitor),
        }
    }

    #[cold]
    #[inline(never)]
    fn tagged_seq<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.form {
            Form::Checked => self.checked_seq(visitor),
            Form::Plain | Form::Described => self.described_row(visitor),
        }
    }

    #[cold]
    #[inline(never)]
    fn tagged_tuple<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value> {
        match self.form {
            Form::Checked => self.checked_tuple(len, visitor),
            Form::Plain | Form::Described => self.described_row(visitor),
        }
    }

    #[cold]
    #[inline(never)]
    fn tagged_map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.form {
            Form::Checked => self.checked_map(visitor),
            Form::Plain | Form::Described => {
                self.skip_some()?;
                self.described(visitor)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn tagged_struct<V: Visitor<'de>>(
        &mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.form {
            Form::Checked => self.checked_struct(fields, visitor),
            Form::Plain | Form::Described => {
                self.skip_some()?;
                self.described(visitor)
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn tagged_enum<V: Visitor<'de>>(
        &mut self,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.form {
            Form::Checked => self.checked_enum(variants, visitor),
            Form::Plain | Form::Described => self.described_enum(visitor),
        }
    }

    /// Reads the content of a newtype variant: its own level, as it was for the encoder.
    pub(crate) fn element_in_variant<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value> {
        self.depth = self.depth.checked_sub(1).ok_or(Why::Depth)?;
        let value = self.element(seed)?;
        self.depth += 1;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = Refusal;

    plain! {
        deserialize_bool: bool, visit_bool, Bool;
        deserialize_i8: i8, visit_i8, I8;
        deserialize_i16: i16, visit_i16, I16;
        deserialize_i32: i32, visit_i32, I32;
        deserialize_i64: i64, visit_i64, I64;
        deserialize_i128: i128, visit_i128, I128;
        deserialize_u8: u8, visit_u8, U8;
        deserialize_u16: u16, visit_u16, U16;
        deserialize_u32: u32, visit_u32, U32;
        deserialize_u64: u64, visit_u64, U64;
        deserialize_u128: u128, visit_u128, U128;
        deserialize_f32: f32, visit_f32, F32;
        deserialize_f64: f64, visit_f64, F64;
        deserialize_char: char, visit_char, Char;
    }

    block! {
        deserialize_str: &'de str, visit_borrowed_str, Str;
        deserialize_string: &'de str, visit_borrowed_str, Str;
        deserialize_bytes: &'de [u8], visit_borrowed_bytes, Bytes;
        deserialize_byte_buf: &'de [u8], visit_borrowed_bytes, Bytes;
    }

    undescribed! { deserialize_any deserialize_identifier deserialize_ignored_any }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.form != Form::Plain {
            return self.tagged_option(visitor);
        }
        self.level(visitor, |decoder, visitor| match decoder.plain::<u8>()? {
            0 => visitor.visit_none(),
            1 => visitor.visit_some(decoder),
            _ => Err(postcard::Error::DeserializeBadOption.into()),
        })
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.form != Form::Plain {
            return self.tagged_unit(visitor);
        }
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.level(visitor, |decoder, visitor| visitor.visit_newtype_struct(decoder))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.form != Form::Plain {
            return self.tagged_seq(visitor);
        }
        self.level(visitor, |decoder, visitor| {
            let left = decoder.length()?;
            visitor.visit_seq(Elements { decoder, left })
        })
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        if self.form != Form::Plain {
            return self.tagged_tuple(len, visitor);
        }
        self.level(visitor, |decoder, visitor| {
            visitor.visit_seq(Fields { decoder, left: len, names: &[] })
        })
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_tuple(len, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.form != Form::Plain {
            return self.tagged_map(visitor);
        }
        self.level(visitor, |decoder, visitor| {
            let left = decoder.length()?;
            visitor.visit_map(Elements { decoder, left })
        })
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if self.form != Form::Plain {
            return self.tagged_struct(fields, visitor);
        }
        self.level(visitor, |decoder, visitor| {
            visitor.visit_seq(Fields { decoder, left: fields.len(), names: fields })
        })
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if self.form != Form::Plain {
            return self.tagged_enum(variants, visitor);
        }
        self.level(visitor, |decoder, visitor| visitor.visit_enum(Variant(decoder)))
    }

    fn is_human_readable(&self) -> bool {
        self.form == Form::Described
    }
}

/// As many elements as the bytes announce.
struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl<'de> Elements<'_, 'de> {
    /// Returns the next element, and none after an error, in case the visitor goes on nevertheless.
    #[inline]
    fn next<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let element = self.decoder.element(seed);
        if element.is_err() {
            self.left = 0;
        }
        element.map(Some)
    }

    /// Never more than the number of one-byte elements that the bytes could hold.
    #[inline]
    fn hint(&self) -> Option<usize> {
        Some(self.left.min(self.decoder.rest.len()).min(ROOM_HINT.get()))
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Refusal;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

impl<'de> MapAccess<'de> for Elements<'_, 'de> {
    type Error = Refusal;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        self.next(seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.decoder.element(seed)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.hint()
    }
}

/// As many fields as the type has: they are part of their container, which has already been
/// charged.
struct Fields<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
    /// The field names of a struct, for errors.
    names: &'static [&'static str],
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Refusal;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let value = seed.deserialize(&mut *self.decoder).map(Some);
        value.map_err(|refusal| match self.names.len().checked_sub(self.left + 1) {
            Some(index) if self.names.len() > index => refusal.within(self.names[index]),
            _ => refusal,
        })
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The variant of an enum: one level together with its content.
struct Variant<'a, 'de>(&'a mut Decoder<'de>);

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let index = self.0.plain::<u32>()?;
        let index: U32Deserializer<Refusal> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;

    #[inline]
    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        seed.deserialize(self.0)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Fields { decoder: self.0, left: len, names: &[] })
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_seq(Fields { decoder: self.0, left: fields.len(), names: fields })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::fmt::{self, Debug};

    use proptest::prelude::*;
    use serde::Serialize;
    use serde::de::DeserializeOwned;

    use super::*;
    use crate::wire::value::codec::{EncodeError, wire};

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> std::result::Result<T, String> {
        let mut decoder = Decoder::new(bytes);
        let value = T::deserialize(&mut decoder).map_err(|refusal| refusal.to_string())?;
        if decoder.rest.is_empty() { Ok(value) } else { Err("left over".into()) }
    }

    /// Lying lengths and deep nesting fail here almost immediately.
    #[track_caller]
    fn refused<T: DeserializeOwned>(bytes: &[u8], phrase: &str) {
        let said = decode::<T>(bytes).err().expect("it is refused");
        assert!(said.contains(phrase), "`{said}` does not contain `{phrase}`");
    }

    /// 2⁶⁴ - 1 as a length.
    const ENDLESS: [u8; 10] = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Tree {
        Leaf,
        Node(Box<Tree>),
        Fork { left: Box<Tree>, right: Option<Box<Tree>> },
        Row(Vec<Tree>),
        Pair(Box<(Tree, Tree)>, u8),
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Nest(Vec<Nest>);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Onion(Option<Box<Onion>>);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Endless(Box<Endless>);

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Large {
        table: Option<[[u64; 32]; 32]>,
        next: Option<Box<Large>>,
    }

    #[test]
    fn a_recursive_type_does_not_use_up_the_stack() {
        let deep = "more than 128 levels";
        refused::<Tree>(&[1; 1 << 20], deep);
        refused::<Tree>(&[3, 1].repeat(1 << 20), deep);
        refused::<Nest>(&[1; 1 << 20], deep);
        refused::<Onion>(&[1; 1 << 20], deep);
        refused::<Endless>(&[], deep);
        refused::<HashMap<u8, Tree>>(&[1; 1 << 20], deep);
        // A single level may need a lot of stack.
        refused::<Large>(&[0, 1].repeat(1 << 20), "KiB of the stack");
    }

    #[test]
    fn the_deepest_value_travels_and_a_deeper_one_fails_to_encode() {
        fn onion(levels: usize) -> Onion {
            (1..levels).fold(Onion(None), |inner, _| Onion(Some(Box::new(inner))))
        }
        fn tree(levels: usize) -> Tree {
            (1..levels).fold(Tree::Leaf, |inner, _| Tree::Node(Box::new(inner)))
        }
        let codec = wire::<Onion>();
        let deepest = onion(VALUE_DEPTH);
        assert_eq!(codec.decode(&codec.encode(&deepest).unwrap()), Ok(deepest));
        let error = codec.encode(&onion(VALUE_DEPTH + 1)).unwrap_err();
        assert!(matches!(error, EncodeError::TooDeep { limit: VALUE_DEPTH, .. }), "{error}");
        let codec = wire::<Tree>();
        let deepest = tree(VALUE_DEPTH);
        assert_eq!(codec.decode(&codec.encode(&deepest).unwrap()), Ok(deepest));
        let error = codec.encode(&tree(VALUE_DEPTH + 1)).unwrap_err();
        assert!(error.to_string().contains("128 levels deep"), "{error}");
    }

    #[test]
    fn a_length_that_lies_costs_nothing() {
        refused::<Vec<()>>(&ENDLESS, "1024 MiB");
        refused::<Vec<Vec<()>>>(&ENDLESS.repeat(2), "1024 MiB");
        refused::<HashMap<(), ()>>(&ENDLESS, "1024 MiB");
        refused::<Vec<[(); 32]>>(&ENDLESS, "1024 MiB");
        refused::<Vec<u64>>(&ENDLESS, "end of buffer");
        refused::<Vec<[u64; 32]>>(&ENDLESS, "end of buffer");
        refused::<String>(&ENDLESS, "end of buffer");
        refused::<BTreeMap<u64, String>>(&ENDLESS, "end of buffer");
        refused::<Vec<u8>>(&[&ENDLESS[..9], &[2]].concat(), "varint");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_out_of_proportion_names_the_bound_that_it_had() {
        let mut bytes = postcard::to_stdvec(&100_000_usize).unwrap();
        bytes.resize(bytes.len() + 100_000, 0);
        let mut decoder = Decoder::within(&bytes, 256 << 10);
        let refusal = Vec::<Vec<u8>>::deserialize(&mut decoder).unwrap_err();
        let text = "it would take up more than 256 KiB of memory, out of proportion to its length";
        assert_eq!(refusal.to_string(), text);
    }

    #[test]
    fn few_bytes_cannot_become_much_memory() {
        fn check<T: DeserializeOwned>(elements: usize, enough: bool) {
            let mut bytes = postcard::to_stdvec(&elements).unwrap();
            bytes.resize(bytes.len() + elements, 0);
            // The allocation stays small here; only the number differs.
            let mut decoder = Decoder { budget: 1 << 20, ..Decoder::new(&bytes) };
            match Vec::<T>::deserialize(&mut decoder) {
                Ok(_) => assert!(enough, "{elements}"),
                Err(refusal) => assert!(!enough && *refusal.why() == Why::Memory, "{refusal}"),
            }
        }
        check::<Option<[u64; 32]>>(3900, true);
        check::<Option<[u64; 32]>>(4000, false);
        // In a box, whose content no size shows.
        check::<Box<Option<[[u64; 32]; 8]>>>(500, true);
        check::<Box<Option<[[u64; 32]; 8]>>>(520, false);
        check::<u8>(1_000_000, true);
        check::<u8>(1_100_000, false);
        check::<String>(40_000, true);
        check::<String>(50_000, false);
        check::<()>(1000, true);
        check::<()>(1100, false);
    }

    #[test]
    fn a_hint_is_no_promise() {
        /// Trusts the hint.
        #[derive(Debug)]
        struct Trusting(usize);

        impl<'de> Deserialize<'de> for Trusting {
            fn deserialize<D: Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                struct Hinted;
                impl<'de> Visitor<'de> for Hinted {
                    type Value = Trusting;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a row")
                    }
                    fn visit_seq<A: SeqAccess<'de>>(
                        self,
                        mut seq: A,
                    ) -> std::result::Result<Trusting, A::Error> {
                        let hint = seq.size_hint().unwrap_or_default();
                        // It ignores errors, too.
                        while !matches!(seq.next_element::<u64>(), Ok(None)) {}
                        Ok(Trusting(hint))
                    }
                }
                deserializer.deserialize_seq(Hinted)
            }
        }

        assert_eq!(decode::<Trusting>(&ENDLESS).unwrap().0, 0);
        let long = [&ENDLESS[..], &[0; 100_000]].concat();
        assert!(decode::<Trusting>(&long).unwrap().0 <= ROOM_HINT.get());
    }

    #[test]
    fn the_error_of_a_type_is_reported() {
        #[derive(Debug, Deserialize)]
        enum One {
            #[allow(dead_code)]
            Only,
        }
        refused::<One>(&[7], "invalid value: integer `7`, expected variant index 0 <= i < 1");
        refused::<std::num::NonZeroU8>(&[0], "expected a nonzero u8");
        refused::<serde::de::IgnoredAny>(&[0], "build both sides from the same types");
        refused::<Option<u8>>(&[2, 0], "Option");
    }

    /// Every kind of value in serde's data model.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Zoo {
        numbers: (bool, i8, i16, i32, i64, i128, u8, u16, u32, u64, u128),
        reals: (f32, f64),
        texts: (char, String),
        nested: Option<Option<Box<Zoo>>>,
        rows: Vec<[u16; 3]>,
        maps: BTreeMap<String, (u8, ())>,
        trees: Vec<Tree>,
        unit: Unit,
        wrapped: Wrapped,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Unit;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Wrapped(i64);

    fn tree() -> impl Strategy<Value = Tree> {
        let leaf = Just(Tree::Leaf);
        leaf.prop_recursive(6, 30, 4, |inner| {
            let boxed = inner.clone().prop_map(Box::new);
            prop_oneof![
                boxed.clone().prop_map(Tree::Node),
                (boxed.clone(), prop::option::of(boxed))
                    .prop_map(|(left, right)| Tree::Fork { left, right }),
                prop::collection::vec(inner.clone(), 0..4).prop_map(Tree::Row),
                (inner.clone(), inner, any::<u8>())
                    .prop_map(|(one, two, number)| Tree::Pair(Box::new((one, two)), number)),
            ]
        })
    }

    fn zoo() -> impl Strategy<Value = Zoo> {
        let real = |real: f64| if real.is_nan() { 0.0 } else { real };
        let numbers = any::<(i128, u128, i64, u64, bool)>();
        let rest = (
            any::<(char, String)>(),
            prop::collection::vec(any::<[u16; 3]>(), 0..5),
            prop::collection::btree_map(any::<String>(), any::<(u8, ())>(), 0..4),
            prop::collection::vec(tree(), 0..3),
        );
        let one = (numbers, any::<f64>(), rest).prop_map(move |(numbers, number, rest)| {
            let (i, u, short, long, yes) = numbers;
            let (texts, rows, maps, trees) = rest;
            let small = (short as i8, short as i16, short as i32);
            let unsigned = (long as u8, long as u16, long as u32);
            Zoo {
                numbers: (
                    yes, small.0, small.1, small.2, short, i, unsigned.0, unsigned.1, unsigned.2,
                    long, u,
                ),
                reals: (real(number) as f32, real(number)),
                texts,
                nested: None,
                rows,
                maps,
                trees,
                unit: Unit,
                wrapped: Wrapped(short),
            }
        });
        let one = one.boxed();
        let nested = prop::option::of(prop::option::of(one.clone().prop_map(Box::new)));
        (one, nested).prop_map(|(zoo, nested)| Zoo { nested, ..zoo })
    }

    /// Both give the same result for the same bytes, except for our bounds.
    fn agrees<T: DeserializeOwned + PartialEq + Debug>(bytes: &[u8]) {
        let theirs = postcard::take_from_bytes::<T>(bytes);
        let mut decoder = Decoder::new(bytes);
        let ours = T::deserialize(&mut decoder);
        match (ours, theirs) {
            (Ok(ours), Ok((theirs, rest))) => {
                assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
                assert_eq!(decoder.rest, rest);
            }
            (Err(_), Err(_)) => {}
            (Err(refusal), _) if matches!(refusal.why(), Why::Depth | Why::Memory) => {}
            (ours, theirs) => panic!("{ours:?} here, {theirs:?} there"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The encoding is postcard's format and comes back unchanged.
        #[test]
        fn the_format_is_postcards(zoo in zoo()) {
            let codec = wire::<Zoo>();
            let bytes = codec.encode(&zoo).unwrap();
            prop_assert_eq!(bytes[0], Form::Plain as u8);
            prop_assert_eq!(&bytes[1..], &postcard::to_stdvec(&zoo).unwrap());
            prop_assert_eq!(codec.decode(&bytes), Ok(zoo));
        }

        /// Bytes that are not a value are refused by both.
        #[test]
        fn what_is_refused_is_refused_by_postcard_too(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            zoo in zoo(),
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            agrees::<Vec<Tree>>(&bytes);
            agrees::<(Option<i16>, u128, char, String, bool)>(&bytes);
            agrees::<BTreeMap<u16, Option<f32>>>(&bytes);
            let mut changed = postcard::to_stdvec(&zoo).unwrap();
            *place.get_mut(&mut changed) = byte;
            agrees::<Zoo>(&changed);
        }
    }
}
