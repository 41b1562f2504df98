//! Encoding with a bound on depth: postcard's serializer, which counts levels and supports two
//! forms.
//!
//! A value nested deeper than a [`Decoder`](crate::wire::value::decoder::Decoder) accepts would
//! fail on the other side, far from the code that created it; here it is an error of the call that
//! sends it. If a type's `Serialize` refuses, its message is kept, which postcard drops.
//!
//! One serializer writes both forms, so that a user's type is compiled for it once. The described
//! form is the plain one with a [`Tag`] before each value. For its own check the sender also writes
//! a trace: the plain form with tags, of all elements or of samples. While the plain form is
//! written, the value's [`Structure`] is recorded. Anything that the form cannot carry (an omitted
//! field, a sequence without a length) ends it with [`Why::Undescribed`].

use std::collections::HashSet;
use std::fmt;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::limits::VALUE_DEPTH;
use crate::wire::value::buffer::Sink;
use crate::wire::value::refusal::{Refusal, Why};
use crate::wire::value::structure::{BY_PLACE, Before, Seen, Structure, TypeKnowledge};
use crate::wire::value::tag::Tag;

/// The kind of output.
#[derive(Debug)]
enum Mode {
    /// The plain form of a std type that is known to be read back correctly: nothing is recorded.
    Simple,
    /// The plain form.
    Plain(Structure),
    /// The described form. With bare options `Some` leaves no trace, and `None` is a unit, as in
    /// JSON.
    Described(Structure, OptionStyle),
    /// The tags of the plain form, for the sender to compare with what the type's `Deserialize` asks for.
    Trace(Trace),
}

/// The state of a trace.
#[derive(Debug)]
struct Trace {
    structure: Structure,
    /// If present, only the first of several elements with the same structure is written.
    seen: Option<HashSet<u64>>,
    /// Sum over the names of all variants, independent of their order.
    variants: u64,
}

/// See the [module](self).
pub(crate) struct ValueSerializer<'a> {
    postcard: postcard::Serializer<Sink<'a>>,
    /// Levels that may still be entered.
    depth: usize,
    mode: Mode,
    /// The next string is a literal key.
    key: bool,
}

type Result<T> = std::result::Result<T, Refusal>;

/// How the described form writes options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OptionStyle {
    /// With a tag, so that `Some(None)` is not `None`.
    Marked,
    /// As JSON does, for a `Deserialize` that supports nothing else.
    Bare,
}

/// The elements of sequences that a trace contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Elements {
    All,
    /// The first few of each sequence, and one of each structure.
    Samples,
}

impl<'a> ValueSerializer<'a> {
    fn new(sink: Sink<'a>, mode: Mode) -> Self {
        Self {
            postcard: postcard::Serializer { output: sink },
            depth: VALUE_DEPTH,
            mode,
            key: false,
        }
    }

    pub(crate) fn simple(sink: Sink<'a>) -> Self {
        Self::new(sink, Mode::Simple)
    }

    pub(crate) fn plain(sink: Sink<'a>, known: &'static TypeKnowledge) -> Self {
        Self::new(sink, Mode::Plain(Structure::new(known, 0)))
    }

    pub(crate) fn described(
        sink: Sink<'a>,
        known: &'static TypeKnowledge,
        options: OptionStyle,
    ) -> Self {
        let form = if options == OptionStyle::Marked { 1 } else { 2 };
        Self::new(sink, Mode::Described(Structure::new(known, form), options))
    }

    pub(crate) fn trace(sink: Sink<'a>, known: &'static TypeKnowledge, elements: Elements) -> Self {
        let seen = (elements == Elements::Samples).then(HashSet::new);
        Self::new(
            sink,
            Mode::Trace(Trace { structure: Structure::new(known, 0), seen, variants: 0 }),
        )
    }

    /// Returns the structures of the value.
    pub(crate) fn seen(self) -> Seen {
        match self.mode {
            Mode::Plain(structure) | Mode::Described(structure, _) => structure.finish(),
            Mode::Simple | Mode::Trace(_) => Seen::default(),
        }
    }

    /// Returns a sum over the names of the variants in the value, independent of the order of
    /// sequences and maps.
    pub(crate) fn variants(&self) -> u64 {
        match &self.mode {
            Mode::Trace(trace) => trace.variants,
            _ => 0,
        }
    }

    fn structure(&mut self) -> Option<&mut Structure> {
        match &mut self.mode {
            Mode::Simple => None,
            Mode::Plain(structure) | Mode::Described(structure, _) => Some(structure),
            Mode::Trace(trace) => Some(&mut trace.structure),
        }
    }

    /// Notes that a value of this kind follows.
    #[inline]
    fn note(&mut self, tag: Tag) -> Result<()> {
        match &mut self.mode {
            Mode::Simple => Ok(()),
            Mode::Plain(structure) => {
                structure.note(tag as u64);
                Ok(())
            }
            _ => self.tag(tag),
        }
    }

    /// Notes and writes the tag of a value.
    #[cold]
    #[inline(never)]
    fn tag(&mut self, tag: Tag) -> Result<()> {
        if let Some(structure) = self.structure() {
            structure.note(tag as u64);
        }
        self.mark(tag)
    }

    /// Writes a tag that belongs to no value of its own.
    fn mark(&mut self, tag: Tag) -> Result<()> {
        use postcard::ser_flavors::Flavor as _;
        Ok(self.postcard.output.try_push(tag as u8)?)
    }

    fn has_tags(&self) -> bool {
        matches!(self.mode, Mode::Described(..) | Mode::Trace(_))
    }

    /// Enters a level; fails at the bound on depth.
    #[inline]
    fn enter(&mut self) -> Result<()> {
        self.depth = self.depth.checked_sub(1).ok_or(Why::Depth)?;
        Ok(())
    }

    /// Writes a level that holds one value.
    #[inline]
    fn around<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.enter()?;
        value.serialize(&mut *self)?;
        self.depth += 1;
        Ok(())
    }

    /// Opens a level with several values.
    #[inline]
    fn level(&mut self, inside: Inside, len: Option<usize>) -> Level<'_, 'a> {
        let before = self.structure().map(|structure| structure.open());
        Level { serializer: self, inside, before, len, alike: "", count: 0, start: (0, 0) }
    }

    /// Writes the head of a variant.
    fn variant(&mut self, tag: Tag, index: u32, variant: &'static str) -> Result<()> {
        if let Some(structure) = self.structure() {
            structure.note(u64::from(index));
            structure.note_name(variant);
        }
        match &mut self.mode {
            Mode::Simple | Mode::Plain(_) => {}
            Mode::Trace(trace) => {
                trace.variants = trace.variants.wrapping_add(hash(variant));
                self.mark(tag)?;
            }
            Mode::Described(..) => self.mark(tag)?,
        }
        self.postcard.serialize_u32(index)?;
        if self.has_tags() {
            self.postcard.serialize_str(variant)?;
        }
        Ok(())
    }
}

/// Returns whether all values of the type have one structure, if that is known without calling its
/// `Serialize`.
fn is_alike<T: ?Sized>(value: &T) -> bool {
    const NUMBERS: [&str; 14] = [
        "bool", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128",
        "f32", "f64",
    ];
    let is_sized = size_of::<&T>() == size_of::<usize>();
    is_sized && (size_of_val(value) == 0 || NUMBERS.contains(&std::any::type_name::<T>()))
}

/// Hashes a name by its letters: the same wherever the name is in memory.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The kind of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// A sequence or map: elements that count one by one.
    Row,
    /// A tuple.
    Values,
    /// A struct.
    Fields,
}

/// A level that holds several values; postcard writes nothing at the end of one.
pub(crate) struct Level<'s, 'a> {
    serializer: &'s mut ValueSerializer<'a>,
    inside: Inside,
    before: Option<Before>,
    /// The length that the type has announced.
    len: Option<usize>,
    /// For a sequence of numbers: the name of their type. They all have one structure, and may be
    /// very many.
    alike: &'static str,
    /// Number of values so far.
    count: u64,
    /// The state of the trace when the element began.
    start: (usize, u64),
}

impl Level<'_, '_> {
    /// Writes a value of a tuple, or an element of a sequence.
    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let Some(before) = self.before else {
            return value.serialize(&mut *self.serializer);
        };
        if self.inside == Inside::Row {
            let name = std::any::type_name::<T>();
            if self.count >= BY_PLACE && std::ptr::eq(self.alike, name) {
                return self.like_the_first(value);
            }
            if self.count == 0 && is_alike::<T>(value) {
                self.alike = name;
            }
            self.begin_element(before);
            value.serialize(&mut *self.serializer)?;
            self.end_element();
            return Ok(());
        }
        self.count += 1;
        let count = self.count;
        if let Some(structure) = self.serializer.structure() {
            structure.member(before, count);
        }
        value.serialize(&mut *self.serializer)
    }

    /// Writes a number, or an element without a size: its structure cannot differ from the first
    /// one's.
    fn like_the_first<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.count += 1;
        match self.serializer.mode {
            Mode::Trace(Trace { seen: Some(_), .. }) => Ok(()),
            _ => value.serialize(&mut *self.serializer),
        }
    }

    /// Writes a value of a struct.
    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<()> {
        let Some(before) = self.before else {
            return value.serialize(&mut *self.serializer).map_err(|refusal| refusal.within(name));
        };
        self.count += 1;
        if let Some(structure) = self.serializer.structure() {
            structure.member_name(before, name);
        }
        if self.serializer.has_tags() {
            self.serializer.mark(Tag::Field)?;
            self.serializer.postcard.serialize_str(name)?;
        }
        value.serialize(&mut *self.serializer).map_err(|refusal| refusal.within(name))
    }

    /// Skips a field that its type omits this time: then the others can be identified only by name.
    #[cold]
    fn skipped(&mut self, name: &'static str) -> Result<()> {
        match self.serializer.mode {
            Mode::Simple | Mode::Plain(_) | Mode::Trace(_) => Err(Why::Undescribed(name).into()),
            Mode::Described(..) => {
                if let Some(structure) = self.serializer.structure() {
                    structure.note(u64::MAX);
                }
                Ok(())
            }
        }
    }

    #[inline]
    fn begin_element(&mut self, before: Before) {
        self.count += 1;
        if let Some(structure) = self.serializer.structure() {
            structure.element(before);
        }
        if let Mode::Trace(trace) = &self.serializer.mode {
            self.start = (self.serializer.postcard.output.position(), trace.variants);
        }
    }

    #[inline]
    fn end_element(&mut self) {
        let Some(hash) = self.serializer.structure().map(Structure::end_element) else { return };
        if let Mode::Trace(Trace { seen: Some(seen), variants, .. }) = &mut self.serializer.mode
            && !seen.insert(hash)
            && self.count > BY_PLACE
        {
            *variants = self.start.1;
            self.serializer.postcard.output.cut_back(self.start.0);
        }
    }

    #[inline]
    fn leave(self) -> Result<()> {
        let Self { serializer, inside, before, count, len, .. } = self;
        serializer.depth += 1;
        let Some(before) = before else { return Ok(()) };
        if let Some(structure) = serializer.structure() {
            match inside {
                Inside::Row => structure.end_row(before, count),
                Inside::Values | Inside::Fields => structure.close(before),
            }
        }
        if serializer.has_tags() {
            return serializer.mark(Tag::End);
        }
        // In the plain form the announced length comes before the elements.
        match len {
            Some(len) if inside == Inside::Row && len as u64 != count => {
                Err(Why::Undescribed("a row of another length than its type has announced").into())
            }
            _ => Ok(()),
        }
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty, $tag:ident;)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<()> {
                self.note(Tag::$tag)?;
                Ok(self.postcard.$method(value)?)
            }
        )*
    };
}

impl<'s, 'a> Serializer for &'s mut ValueSerializer<'a> {
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
        serialize_bool: bool, Bool;
        serialize_i8: i8, I8;
        serialize_i16: i16, I16;
        serialize_i32: i32, I32;
        serialize_i64: i64, I64;
        serialize_i128: i128, I128;
        serialize_u8: u8, U8;
        serialize_u16: u16, U16;
        serialize_u32: u32, U32;
        serialize_u64: u64, U64;
        serialize_u128: u128, U128;
        serialize_f32: f32, F32;
        serialize_f64: f64, F64;
        serialize_char: char, Char;
        serialize_bytes: &[u8], Bytes;
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<()> {
        if std::mem::take(&mut self.key)
            && let Some(structure) = self.structure()
        {
            structure.key(text);
        }
        self.note(Tag::Str)?;
        Ok(self.postcard.serialize_str(text)?)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.enter()?;
        self.depth += 1;
        if let Mode::Described(_, OptionStyle::Bare) = self.mode {
            return self.note(Tag::Unit);
        }
        self.note(Tag::None)?;
        if self.has_tags() { Ok(()) } else { Ok(self.postcard.serialize_none()?) }
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        if let Mode::Described(_, OptionStyle::Bare) = self.mode {
            let start = self.postcard.output.position();
            self.around(value)?;
            return match self.postcard.output.is_at(start, Tag::Unit as u8) {
                true => Err(Why::Type(
                    "its `Deserialize` cannot distinguish this `Some` from `None`".into(),
                )
                .into()),
                false => Ok(()),
            };
        }
        self.note(Tag::Some)?;
        if !self.has_tags() {
            // postcard writes the tag and then the value; an empty value leaves the tag.
            self.postcard.serialize_some(&())?;
        }
        self.around(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        self.note(Tag::Unit)
    }

    #[inline]
    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.note(Tag::Unit)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.enter()?;
        self.depth += 1;
        self.variant(Tag::UnitVariant, index, variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        if let Some(structure) = self.structure() {
            structure.note_name(name);
        }
        self.around(value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.variant(Tag::Variant, index, variant)?;
        let before = self.structure().map(|structure| {
            let before = structure.open();
            structure.member(before, u64::from(index));
            before
        });
        self.around(value).map_err(|refusal| refusal.within(variant))?;
        if let (Some(before), Some(structure)) = (before, self.structure()) {
            structure.close(before);
        }
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Level<'s, 'a>> {
        self.enter()?;
        self.note(Tag::Seq)?;
        if !self.has_tags() {
            // A length that is known only afterwards has no place in the plain form.
            let len = len.ok_or(Why::Undescribed("a sequence without a length"))?;
            self.postcard.serialize_seq(Some(len))?;
        }
        Ok(self.level(Inside::Row, len))
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Level<'s, 'a>> {
        self.enter()?;
        self.note(Tag::Tuple)?;
        if let Some(structure) = self.structure() {
            structure.note(len as u64);
        }
        Ok(self.level(Inside::Values, None))
    }

    #[inline]
    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Level<'s, 'a>> {
        if let Some(structure) = self.structure() {
            structure.note_name(name);
        }
        self.serialize_tuple(len)
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Level<'s, 'a>> {
        self.variant(Tag::Variant, index, variant)?;
        // Its values are under the variant's path.
        let level = self.serialize_tuple(len)?;
        Ok(level.under(index))
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Level<'s, 'a>> {
        self.enter()?;
        self.note(Tag::Map)?;
        if !self.has_tags() {
            let len = len.ok_or(Why::Undescribed("a map without a length"))?;
            self.postcard.serialize_map(Some(len))?;
        }
        Ok(self.level(Inside::Row, len))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Level<'s, 'a>> {
        self.enter()?;
        self.note(Tag::Struct)?;
        if let Some(structure) = self.structure() {
            structure.note_name(name);
            structure.note(len as u64);
        }
        Ok(self.level(Inside::Fields, None))
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Level<'s, 'a>> {
        self.variant(Tag::Variant, index, variant)?;
        let level = self.serialize_struct(name, len)?;
        Ok(level.under(index))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        self.note(Tag::Str)?;
        Ok(self.postcard.collect_str(value)?)
    }

    /// The described form reads like JSON: serde's `flatten`, `tag` and `untagged` return `true` on
    /// the other side for every format.
    fn is_human_readable(&self) -> bool {
        matches!(self.mode, Mode::Described(..))
    }
}

impl Level<'_, '_> {
    /// Puts the values of this level under the path of a variant.
    fn under(mut self, variant: u32) -> Self {
        if let Some(before) = &mut self.before {
            *before = before.under(u64::from(variant));
        }
        self
    }
}

macro_rules! values_of {
    ($($of:ident: $method:ident;)*) => {
        $(
            impl $of for Level<'_, '_> {
                type Ok = ();
                type Error = Refusal;

                #[inline]
                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
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
    SerializeSeq: serialize_element;
    SerializeTuple: serialize_element;
    SerializeTupleStruct: serialize_field;
    SerializeTupleVariant: serialize_field;
}

macro_rules! fields_of {
    ($($of:ident)*) => {
        $(
            impl $of for Level<'_, '_> {
                type Ok = ();
                type Error = Refusal;

                #[inline]
                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<()> {
                    self.field(name, value)
                }

                fn skip_field(&mut self, name: &'static str) -> Result<()> {
                    self.skipped(name)
                }

                #[inline]
                fn end(self) -> Result<()> {
                    self.leave()
                }
            }
        )*
    };
}

fields_of! { SerializeStruct SerializeStructVariant }

impl SerializeMap for Level<'_, '_> {
    type Ok = ();
    type Error = Refusal;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        if let Some(before) = self.before {
            self.begin_element(before);
            // A name from a hand-written `Serialize`; the keys of a map have a type of their own.
            self.serializer.key = std::any::type_name::<T>() == "str";
        }
        key.serialize(&mut *self.serializer)?;
        self.serializer.key = false;
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut *self.serializer)?;
        if self.before.is_some() {
            self.end_element();
        }
        Ok(())
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.leave()
    }
}
