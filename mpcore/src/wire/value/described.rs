//! Reads the described form: tags and names determine what comes next, whatever the type asks for.
//!
//! A type gets what `serde_json` would give it, but more exactly: numbers have their widths, an
//! option its `Some`, bytes and chars their kind, and a map's keys theirs. An option may be read as
//! its content, a unit as `None`, and bytes as a sequence, because a type may write through one
//! attribute and read through another.
//!
//! The tests send values of types whose halves agree and of types whose halves differ, and check
//! which form each takes and what arrives.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer as _, EnumAccess, Error as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::wire::value::decoder::Decoder;
use crate::wire::value::refusal::{Refusal, Why};
use crate::wire::value::tag::Tag;

type Result<T> = std::result::Result<T, Refusal>;

impl<'de> Decoder<'de> {
    /// Returns the next tag without taking it.
    pub(crate) fn next_tag(&self) -> Result<Tag> {
        let byte = self.rest.first().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        Tag::from_u8(*byte).ok_or_else(|| Why::Type(format!("unknown value kind {byte}")).into())
    }

    pub(crate) fn skip_tag(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    pub(crate) fn take_tag(&mut self) -> Result<Tag> {
        let tag = self.next_tag()?;
        self.skip_tag();
        Ok(tag)
    }

    /// Skips to the content of an option if the type does not ask for an option.
    pub(crate) fn skip_some(&mut self) -> Result<()> {
        while self.next_tag()? == Tag::Some {
            self.skip_tag();
        }
        Ok(())
    }

    fn text(&mut self) -> Result<&'de str> {
        let text = self.plain::<&'de str>()?;
        self.charge(text.len())?;
        Ok(text)
    }

    /// Reads the name of a field or variant. The reader has it compiled in, so it takes up no
    /// memory.
    pub(crate) fn name(&mut self) -> Result<&'de str> {
        self.plain()
    }

    /// Reads any value.
    #[inline(never)]
    pub(crate) fn described<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.take_tag()? {
            Tag::Unit => visitor.visit_unit(),
            Tag::Bool => visitor.visit_bool(self.plain()?),
            Tag::I8 => visitor.visit_i8(self.plain()?),
            Tag::I16 => visitor.visit_i16(self.plain()?),
            Tag::I32 => visitor.visit_i32(self.plain()?),
            Tag::I64 => visitor.visit_i64(self.plain()?),
            Tag::I128 => visitor.visit_i128(self.plain()?),
            Tag::U8 => visitor.visit_u8(self.plain()?),
            Tag::U16 => visitor.visit_u16(self.plain()?),
            Tag::U32 => visitor.visit_u32(self.plain()?),
            Tag::U64 => visitor.visit_u64(self.plain()?),
            Tag::U128 => visitor.visit_u128(self.plain()?),
            Tag::F32 => visitor.visit_f32(self.plain()?),
            Tag::F64 => visitor.visit_f64(self.plain()?),
            Tag::Char => visitor.visit_char(self.plain()?),
            Tag::Str => visitor.visit_borrowed_str(self.text()?),
            Tag::Bytes => visitor.visit_borrowed_bytes(self.block()?),
            // The values below count as levels, as they did for the encoder.
            Tag::None => self.level(visitor, |_, visitor| visitor.visit_none()),
            Tag::Some => self.level(visitor, |decoder, visitor| visitor.visit_some(decoder)),
            Tag::Seq | Tag::Tuple => self.level(visitor, |decoder, visitor| {
                let value = visitor.visit_seq(Row { decoder: &mut *decoder })?;
                decoder.end()?;
                Ok(value)
            }),
            Tag::Map => self.level(visitor, |decoder, visitor| {
                let value = visitor.visit_map(Entries { decoder: &mut *decoder })?;
                decoder.end()?;
                Ok(value)
            }),
            Tag::Struct => self.level(visitor, |decoder, visitor| {
                let value = visitor.visit_map(Named { decoder: &mut *decoder, name: "" })?;
                decoder.end()?;
                Ok(value)
            }),
            Tag::UnitVariant => {
                // The number is for decoders that know the type; here the name counts.
                let _: u32 = self.plain()?;
                visitor.visit_borrowed_str(self.name()?)
            }
            Tag::Variant => self.level(visitor, |decoder, visitor| {
                let _: u32 = decoder.plain()?;
                let name = decoder.name()?;
                let mut only = Only { decoder, name: Some(name) };
                let value = visitor.visit_map(&mut only)?;
                match only.name {
                    None => Ok(value),
                    Some(_) => Err(Refusal::custom("the value of a variant was not read")),
                }
            }),
            tag @ (Tag::Field | Tag::End) => {
                Err(Why::Type(format!("expected a value, found {}", tag.name())).into())
            }
        }
    }

    fn block(&mut self) -> Result<&'de [u8]> {
        let block = self.plain::<&'de [u8]>()?;
        self.charge(block.len())?;
        Ok(block)
    }

    /// Reads the end of a sequence: none of its elements may be left.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.take_tag()? {
            Tag::End => Ok(()),
            _ => Err(Refusal::custom("it contains more than its type reads")),
        }
    }

    /// Reads an option if the type asks for one.
    pub(crate) fn described_option<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.next_tag()? {
            Tag::None | Tag::Some => self.described(visitor),
            Tag::Unit => {
                self.skip_tag();
                visitor.visit_none()
            }
            _ => self.level(visitor, |decoder, visitor| visitor.visit_some(decoder)),
        }
    }

    pub(crate) fn described_unit<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.skip_some()?;
        if self.next_tag()? == Tag::None {
            self.skip_tag();
            return visitor.visit_unit();
        }
        self.described(visitor)
    }

    /// Reads a sequence if the type asks for one: bytes are a sequence of `u8`s.
    pub(crate) fn described_row<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.skip_some()?;
        if self.next_tag()? != Tag::Bytes {
            return self.described(visitor);
        }
        self.skip_tag();
        let bytes = self.block()?;
        self.level(visitor, |_, visitor| {
            visitor.visit_seq(serde::de::value::SeqDeserializer::new(bytes.iter().copied()))
        })
    }

    pub(crate) fn described_enum<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.skip_some()?;
        match self.take_tag()? {
            Tag::UnitVariant => {
                // The number is for decoders that know the type; here the name counts.
                let _: u32 = self.plain()?;
                let name = self.name()?;
                self.unit_variant(name, visitor)
            }
            Tag::Variant => {
                let _: u32 = self.plain()?;
                let name = self.name()?;
                visitor.visit_enum(Variant { decoder: self, name, holds: true })
            }
            // As JSON writes an enum: a name, or a map with one entry.
            Tag::Str => {
                let name = self.text()?;
                self.unit_variant(name, visitor)
            }
            tag @ (Tag::Map | Tag::Struct) => {
                let name = match (tag, self.take_tag()?) {
                    (Tag::Struct, Tag::Field) => self.name()?,
                    (Tag::Map, Tag::Str) => self.text()?,
                    _ => return Err(Refusal::custom("expected an enum, found a map")),
                };
                let value =
                    visitor.visit_enum(Variant { decoder: &mut *self, name, holds: true })?;
                self.end()?;
                Ok(value)
            }
            tag => Err(Why::Type(format!("expected an enum, found {}", tag.name())).into()),
        }
    }

    /// Counts as a level, although it contains nothing, because the encoder counted it as well.
    fn unit_variant<V: Visitor<'de>>(&mut self, name: &'de str, visitor: V) -> Result<V::Value> {
        self.level(visitor, |decoder, visitor| {
            visitor.visit_enum(Variant { decoder, name, holds: false })
        })
    }
}

/// Values up to an [`Tag::End`].
pub(crate) struct Row<'a, 'de> {
    pub(crate) decoder: &'a mut Decoder<'de>,
}

impl<'de> SeqAccess<'de> for Row<'_, 'de> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.decoder.next_tag()? {
            Tag::End => Ok(None),
            _ => self.decoder.element(seed).map(Some),
        }
    }
}

/// Keys and values up to an [`Tag::End`].
pub(crate) struct Entries<'a, 'de> {
    pub(crate) decoder: &'a mut Decoder<'de>,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.decoder.next_tag()? {
            Tag::End => Ok(None),
            _ => self.decoder.element(seed).map(Some),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        self.decoder.element(seed)
    }
}

/// The fields of a struct, with their names.
struct Named<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    name: &'de str,
}

impl<'de> MapAccess<'de> for Named<'_, 'de> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.decoder.next_tag()? {
            Tag::End => return Ok(None),
            Tag::Field => self.decoder.skip_tag(),
            tag => {
                return Err(Why::Type(format!("expected a field, found {}", tag.name())).into());
            }
        }
        self.name = self.decoder.name()?;
        // A type may keep names that it does not know, each in its own string.
        self.decoder.charge(self.name.len())?;
        seed.deserialize(BorrowedStrDeserializer::new(self.name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let name = self.name;
        self.decoder.element(seed).map_err(|refusal| refusal.within(name))
    }
}

/// A variant with a value, for a type that accepts any value: a map with one entry.
struct Only<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    name: Option<&'de str>,
}

impl<'de> MapAccess<'de> for &mut Only<'_, 'de> {
    type Error = Refusal;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        match self.name {
            Some(name) => seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        let name = self.name.take().unwrap_or_default();
        self.decoder.element(seed).map_err(|refusal| refusal.within(name))
    }
}

/// A variant, for a type that asks for an enum.
struct Variant<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    name: &'de str,
    /// Whether a value follows.
    holds: bool,
}

impl<'de> Variant<'_, 'de> {
    /// Returns a function that locates a refusal in this variant.
    fn within(name: &'de str) -> impl Fn(Refusal) -> Refusal {
        move |refusal| refusal.within(name)
    }
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let variant = seed.deserialize(BorrowedStrDeserializer::<Refusal>::new(self.name))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<()> {
        match self.holds {
            false => Ok(()),
            true => serde::Deserialize::deserialize(self.decoder).map_err(Self::within(self.name)),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        if !self.holds {
            return Err(Refusal::custom("a variant without its value").within(self.name));
        }
        self.decoder.element_in_variant(seed).map_err(Self::within(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        if !self.holds {
            return Err(Refusal::custom("a variant without its values").within(self.name));
        }
        self.decoder.deserialize_tuple(len, visitor).map_err(Self::within(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if !self.holds {
            return Err(Refusal::custom("a variant without its fields").within(self.name));
        }
        self.decoder.deserialize_struct("", fields, visitor).map_err(Self::within(self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};
    use std::fmt::Debug;
    use std::marker::PhantomData;

    use serde::de::DeserializeOwned;
    use serde::{Deserialize, Serialize, Serializer};

    use super::*;
    use crate::limits::VALUE_DEPTH;
    use crate::wire::value::codec::{EncodeError, Wire, wire};

    /// Sends a value; returns what arrived, and the form that was used.
    fn sent<T: Wire>(value: &T) -> std::result::Result<(T, u8), String> {
        let codec = wire::<T>();
        let bytes = codec.encode(value).map_err(|error| error.to_string())?;
        codec.reads(&bytes).map_err(|error| error.to_string())?;
        let form = bytes.first().copied().unwrap_or_default();
        codec.decode(&bytes).map(|value| (value, form)).map_err(|error| error.to_string())
    }

    const PLAIN: u8 = 0;
    const DESCRIBED: u8 = 1;

    #[track_caller]
    #[allow(clippy::needless_pass_by_value)] // so that each row of a table is short
    fn arrives<T: Wire + PartialEq + Debug>(form: u8, values: Vec<T>) {
        // The second time the structure is known.
        for _ in 0..2 {
            for value in &values {
                let (again, went) = sent(value).unwrap();
                assert_eq!((&again, went), (value, form));
            }
        }
    }

    #[track_caller]
    fn refused<T: Wire + Debug>(value: &T, phrase: &str) {
        for _ in 0..2 {
            let said = sent(value).expect_err("it is refused");
            assert!(said.contains(phrase), "`{said}` does not contain `{phrase}`");
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Plain {
        name: String,
        rows: Vec<(f64, Option<u8>)>,
        by_key: BTreeMap<u16, Vec<State>>,
        nothing: (),
        aliased: Aliased,
    }

    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    enum State {
        Off,
        Steady(u8),
        Pulsed { hz: f32 },
        Swept(u8, u8),
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Aliased {
        #[serde(alias = "a")]
        first: u8,
        #[serde(alias = "b", alias = "c")]
        second: u8,
    }

    #[test]
    fn a_type_whose_halves_agree_goes_as_it_is() {
        let aliased = Aliased { first: 1, second: 2 };
        let states = [State::Off, State::Steady(1), State::Pulsed { hz: 2.0 }, State::Swept(1, 2)];
        let full = Plain {
            name: "full".into(),
            rows: vec![(1.0, None), (-0.0, Some(3))],
            by_key: [(1, states.to_vec()), (2, vec![])].into(),
            nothing: (),
            aliased: aliased.clone(),
        };
        let empty = Plain { rows: vec![], by_key: BTreeMap::new(), ..full.clone() };
        arrives(PLAIN, vec![full, empty]);
        arrives(PLAIN, states.to_vec());
        arrives(PLAIN, vec![Some(Some(())), Some(None), None]);
        arrives(PLAIN, vec![HashMap::from([("a".to_owned(), (1, 'c'))]), HashMap::new()]);
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Pulse {
        #[serde(default, skip_serializing_if = "is_zero")]
        delay: u8,
        power: u16,
    }

    fn is_zero(value: &u8) -> bool {
        *value == 0
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Mode {
        #[serde(skip)]
        #[allow(dead_code)]
        Internal,
        Off,
        Full,
        Held {
            by: Option<Pulse>,
        },
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Job {
        #[serde(skip_serializing, default)]
        secret: u8,
        watts: u8,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Written {
        #[serde(skip_deserializing, default)]
        sum: u8,
        watts: u8,
    }

    /// Regression: these values arrived as other values, without an error.
    #[test]
    fn a_type_whose_halves_differ_arrives_as_it_was() {
        arrives(PLAIN, vec![Pulse { delay: 1, power: 300 }]);
        arrives(DESCRIBED, vec![Pulse { delay: 0, power: 300 }, Pulse { delay: 1, power: 1 }]);
        let held = Mode::Held { by: Some(Pulse { delay: 0, power: 300 }) };
        arrives(DESCRIBED, vec![Mode::Off, Mode::Full, held, Mode::Held { by: None }]);
        arrives(DESCRIBED, vec![Job { secret: 0, watts: 1 }]);
        arrives(DESCRIBED, vec![Written { sum: 0, watts: 3 }]);
        arrives(DESCRIBED, vec![(Mode::Off, 300u16, Some(Job { secret: 0, watts: 2 }))]);
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Flat {
        name: String,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, Any>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Inner {
        nested: Option<Option<u8>>,
        unit: Option<()>,
        letter: char,
        real: f64,
        numbers: BTreeMap<u32, i8>,
        #[serde(with = "as_bytes")]
        block: Vec<u8>,
    }

    mod as_bytes {
        use super::*;

        pub(crate) fn serialize<S: Serializer>(
            bytes: &[u8],
            serializer: S,
        ) -> std::result::Result<S::Ok, S::Error> {
            serializer.serialize_bytes(bytes)
        }

        pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
            deserializer: D,
        ) -> std::result::Result<Vec<u8>, D::Error> {
            struct Block;
            impl Visitor<'_> for Block {
                type Value = Vec<u8>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }
                fn visit_bytes<E>(self, bytes: &[u8]) -> std::result::Result<Vec<u8>, E> {
                    Ok(bytes.to_vec())
                }
            }
            deserializer.deserialize_byte_buf(Block)
        }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Whole(i64),
        Real(f64),
        Text(String),
        Row(Vec<Any>),
        Table(BTreeMap<String, Any>),
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Leaf,
        Node { inner: Box<Tagged> },
        Held(Inner),
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        Unit,
        One(Option<Option<u8>>),
        Two(u8, char),
        Named { at: Option<()> },
    }

    fn inner(nested: Option<Option<u8>>, unit: Option<()>) -> Inner {
        let numbers = [(7, -1), (300, 5)].into();
        Inner { nested, unit, letter: 'µ', real: -0.0, numbers, block: vec![1, 0, 255] }
    }

    #[test]
    fn types_that_ask_for_names_arrive_as_they_were() {
        let inners = || {
            [None, Some(None), Some(Some(3))].into_iter().flat_map(|nested| {
                [None, Some(())].into_iter().map(move |unit| inner(nested, unit))
            })
        };
        let row = Any::Row(vec![Any::Whole(-1), Any::Real(2.5), Any::Text("x".into())]);
        let table = Any::Table([("a".to_owned(), row.clone())].into());
        arrives(
            DESCRIBED,
            inners()
                .map(|inner| Flat {
                    name: "flat".into(),
                    inner,
                    rest: [("row".to_owned(), row.clone()), ("table".to_owned(), table.clone())]
                        .into(),
                })
                .collect(),
        );
        arrives(DESCRIBED, inners().map(Tagged::Held).chain([Tagged::Leaf]).collect());
        arrives(
            DESCRIBED,
            vec![
                Adjacent::Unit,
                Adjacent::One(None),
                Adjacent::One(Some(None)),
                Adjacent::Two(1, 'c'),
                Adjacent::Named { at: Some(()) },
                Adjacent::Named { at: None },
            ],
        );
        let nan = sent(&Flat {
            inner: Inner { real: f64::NAN, ..inner(None, None) },
            name: "".into(),
            rest: BTreeMap::new(),
        });
        assert!(nan.unwrap().0.inner.real.is_nan());
    }

    /// Only a value with content shows whether the type needs the described form.
    #[test]
    fn an_option_that_was_none_first_is_described_when_it_is_some() {
        arrives(PLAIN, vec![None::<Any>]);
        arrives(DESCRIBED, vec![Some(Any::Whole(1)), None, Some(Any::Text("x".into()))]);
        arrives(PLAIN, vec![Vec::<Tagged>::new()]);
        arrives(DESCRIBED, vec![vec![Tagged::Leaf], Vec::new()]);
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Wide {
        #[serde(flatten)]
        number: Number,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Number {
        large: u128,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Required {
        #[serde(skip_serializing_if = "is_zero")]
        delay: u8,
    }

    #[test]
    fn what_cannot_be_carried_is_refused_by_its_name() {
        refused(&Wide { number: Number { large: 7 } }, "Wide");
        refused(&Required { delay: 0 }, "missing field `delay`");
        assert_eq!(sent(&Required { delay: 3 }).unwrap().0.delay, 3);
        #[derive(Debug, Serialize, Deserialize)]
        enum OneWay {
            #[serde(skip_deserializing)]
            #[allow(dead_code)]
            Out,
            Both,
        }
        refused(&OneWay::Out, "unknown variant `Out`");
        assert!(sent(&OneWay::Both).is_ok());
        #[derive(Debug, Serialize, Deserialize)]
        struct Outer {
            jobs: Vec<Required>,
        }
        refused(&Outer { jobs: vec![Required { delay: 0 }] }, "in `jobs`: missing field `delay`");
    }

    #[test]
    fn a_row_without_a_length_is_described() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Evens(Vec<u8>);
        impl Serialize for Evens {
            fn serialize<S: Serializer>(
                &self,
                serializer: S,
            ) -> std::result::Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.iter().filter(|number| **number % 2 == 0))
            }
        }
        arrives(DESCRIBED, vec![Evens(vec![2, 4]), Evens(vec![])]);
    }

    /// It reads whatever it likes: the sender must detect that before a receiver does.
    #[test]
    fn a_type_that_reads_other_kinds_than_it_writes_is_described() {
        #[derive(Debug, PartialEq, Serialize)]
        struct Narrow<T>(u8, PhantomData<T>);
        impl<'de, T> Deserialize<'de> for Narrow<T> {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> std::result::Result<Self, D::Error> {
                let (number, marker) = <(u16, PhantomData<()>)>::deserialize(deserializer)?;
                let PhantomData = marker;
                Ok(Self(number as u8, PhantomData))
            }
        }
        arrives(DESCRIBED, vec![Narrow::<u8>(200, PhantomData)]);
    }

    #[test]
    fn a_described_value_has_the_bounds_of_a_plain_one() {
        let deep = |levels: usize| {
            (1..levels).fold(Tagged::Leaf, |inner, _| Tagged::Node { inner: Box::new(inner) })
        };
        // As much stack as a thread of the standard library has, in a debug build.
        let thread = std::thread::spawn(move || {
            arrives(DESCRIBED, vec![deep(40)]);
            for levels in 41..300 {
                let bytes = wire::<Tagged>().encode(&deep(levels));
                match bytes {
                    Ok(bytes) => drop(wire::<Tagged>().decode(&bytes)),
                    Err(EncodeError::TooDeep { limit: VALUE_DEPTH, .. }) => assert!(levels > 100),
                    Err(error) => {
                        let said = error.to_string();
                        assert!(said.contains("levels") || said.contains("stack"), "{said}");
                    }
                }
            }
        });
        thread.join().unwrap();
        let refused = |bytes: &[u8]| {
            let mut all = vec![DESCRIBED];
            all.extend_from_slice(bytes);
            fn check<T: DeserializeOwned + Wire>(bytes: &[u8]) {
                assert!(wire::<T>().decode(bytes).is_err());
            }
            check::<Tagged>(&all);
            check::<Any>(&all);
            check::<Vec<()>>(&all);
            check::<Option<[u64; 32]>>(&all);
            check::<BTreeMap<String, Vec<Any>>>(&all);
        };
        refused(&[Tag::Seq as u8].repeat(1 << 20));
        refused(&[Tag::Some as u8].repeat(1 << 20));
        refused(&[Tag::Map as u8].repeat(1 << 20));
        refused(&[&[Tag::Seq as u8][..], &[Tag::Unit as u8].repeat(2 << 20)].concat());
        refused(&[Tag::Variant as u8, 0, 0].repeat(1 << 18));
        refused(&[&[Tag::Str as u8][..], &[255; 9], &[1]].concat());
    }

    /// The names are those of the other half's enum: only they identify the variant.
    #[test]
    fn halves_that_are_two_enums_agree_by_name() {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(from = "Stored", into = "Written")]
        struct Length(u32);
        #[derive(Deserialize)]
        enum Stored {
            Millimetres { length: u32 },
            Micrometres { length: u32 },
        }
        #[derive(Serialize)]
        enum Written {
            Micrometres { length: u32 },
        }
        impl From<Stored> for Length {
            fn from(stored: Stored) -> Self {
                match stored {
                    Stored::Millimetres { length } => Self(1000 * length),
                    Stored::Micrometres { length } => Self(length),
                }
            }
        }
        impl From<Length> for Written {
            fn from(length: Length) -> Self {
                Self::Micrometres { length: length.0 }
            }
        }
        arrives(DESCRIBED, vec![Length(5), Length(0)]);
        arrives(DESCRIBED, vec![vec![Length(5), Length(6)]]);
    }

    /// Entries, elements and lengths that no derive writes.
    #[derive(Debug, Clone, PartialEq)]
    enum ByHand {
        Entries(u8, Option<u8>),
        Elements(u8, Option<u8>),
        Evens(Vec<u8>),
    }

    impl Serialize for ByHand {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            use serde::ser::{SerializeMap as _, SerializeSeq as _};
            match self {
                Self::Entries(one, two) => {
                    let mut map = serializer.serialize_map(Some(1 + usize::from(two.is_some())))?;
                    map.serialize_entry("one", one)?;
                    two.iter().try_for_each(|two| map.serialize_entry("two", two))?;
                    map.end()
                }
                Self::Elements(one, two) => {
                    let mut seq = serializer.serialize_seq(Some(1 + usize::from(two.is_some())))?;
                    seq.serialize_element(one)?;
                    two.iter().try_for_each(|two| seq.serialize_element(two))?;
                    seq.end()
                }
                Self::Evens(numbers) => {
                    let mut seq = serializer.serialize_seq(Some(numbers.len()))?;
                    let mut even = numbers.iter().filter(|number| **number % 2 == 0);
                    even.try_for_each(|number| seq.serialize_element(number))?;
                    seq.end()
                }
            }
        }
    }

    macro_rules! by_hand {
        ($name:ident, $ask:ident, $visit:ident, $access:ident, $read:expr) => {
            #[derive(Debug, Clone, PartialEq)]
            struct $name(ByHand);
            impl Serialize for $name {
                fn serialize<S: Serializer>(
                    &self,
                    serializer: S,
                ) -> std::result::Result<S::Ok, S::Error> {
                    self.0.serialize(serializer)
                }
            }
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> std::result::Result<Self, D::Error> {
                    struct Read;
                    impl<'de> Visitor<'de> for Read {
                        type Value = $name;
                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str("it")
                        }
                        fn $visit<A: $access<'de>>(
                            self,
                            access: A,
                        ) -> std::result::Result<$name, A::Error> {
                            fn read<'de, A: $access<'de>>(
                                access: A,
                            ) -> std::result::Result<ByHand, A::Error> {
                                #[allow(clippy::redundant_closure_call)]
                                ($read)(access)
                            }
                            read(access).map($name)
                        }
                    }
                    deserializer.$ask(Read)
                }
            }
        };
    }

    by_hand!(Entries, deserialize_map, visit_map, MapAccess, |mut map: A| {
        let (mut one, mut two) = (0, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "one" => one = map.next_value::<u8>()?,
                _ => two = map.next_value::<Option<u8>>()?,
            }
        }
        Ok(ByHand::Entries(one, two))
    });

    by_hand!(Elements, deserialize_seq, visit_seq, SeqAccess, |mut seq: A| {
        let one = seq.next_element::<u8>()?.unwrap_or_default();
        Ok(ByHand::Elements(one, seq.next_element::<Option<u8>>()?.flatten()))
    });

    by_hand!(Evens, deserialize_seq, visit_seq, SeqAccess, |mut seq: A| {
        let mut numbers = Vec::new();
        while let Some(number) = seq.next_element::<u8>()? {
            numbers.push(number);
        }
        Ok(ByHand::Evens(numbers))
    });

    #[test]
    fn entries_and_elements_written_by_hand_arrive_as_they_were() {
        let entries = |two| Entries(ByHand::Entries(1, two));
        let elements = |two| Elements(ByHand::Elements(1, two));
        for two in [None, Some(0), Some(1)] {
            assert_eq!(sent(&entries(two)).unwrap().0, entries(two));
            assert_eq!(sent(&elements(two)).unwrap().0, elements(two));
        }
        // So large that only samples are read back, and the first of its type.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        struct Many(Vec<Entries>);
        let many = Many(vec![entries(Some(0)); 70_000]);
        assert_eq!(sent(&many).unwrap().0, many);
        // A length that does not match the elements.
        let evens = (Evens(ByHand::Evens(vec![2, 3])), vec![1_u8, 9]);
        let even = (Evens(ByHand::Evens(vec![2])), vec![1_u8, 9]);
        assert_eq!(sent(&evens), Ok((even, DESCRIBED)));
    }

    #[test]
    fn what_is_sent_while_a_thread_panics_arrives_as_it_was() {
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        enum Last {
            #[serde(skip)]
            #[allow(dead_code)]
            Never,
            Failed,
            Done,
        }
        struct Guard(std::sync::mpsc::Sender<(Last, u8)>);
        impl Drop for Guard {
            fn drop(&mut self) {
                for last in [Last::Failed, Last::Done] {
                    let _ = self.0.send(sent(&last).unwrap());
                }
            }
        }
        let (sender, receiver) = std::sync::mpsc::channel();
        let panicked = std::thread::spawn(move || {
            let _guard = Guard(sender);
            panic!("on purpose");
        });
        assert!(panicked.join().is_err());
        let sent: Vec<_> = receiver.iter().collect();
        assert_eq!(sent, [(Last::Failed, DESCRIBED), (Last::Done, DESCRIBED)]);
    }

    /// Many JSON helpers are written like this: they support numbers, strings and null.
    #[test]
    fn a_type_that_knows_options_as_json_has_them_arrives() {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        struct Setting {
            #[serde(deserialize_with = "number_or_text")]
            port: Option<u64>,
        }
        fn number_or_text<'de, D: serde::Deserializer<'de>>(
            deserializer: D,
        ) -> std::result::Result<Option<u64>, D::Error> {
            struct Read;
            impl Visitor<'_> for Read {
                type Value = Option<u64>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a number or a text")
                }
                fn visit_u64<E>(self, number: u64) -> std::result::Result<Option<u64>, E> {
                    Ok(Some(number))
                }
                fn visit_unit<E>(self) -> std::result::Result<Option<u64>, E> {
                    Ok(None)
                }
            }
            deserializer.deserialize_any(Read)
        }
        arrives(DESCRIBED, vec![Setting { port: Some(80) }, Setting { port: None }]);
    }
}
