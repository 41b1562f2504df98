//! The sender's check of a type's two serde halves: compares what `Deserialize` asks for with the
//! tags of what `Serialize` has written.
//!
//! The type gets the same answers as from the plain form: fields by their order, variants by their
//! index, and nothing that it could read as text. If it asks for anything other than what was
//! written, in kind, number, name or order, the plain form would be misread; [`Decoder::differs`]
//! reports that even if the type goes on.

use serde::de::value::U32Deserializer;
use serde::de::{
    DeserializeSeed, Deserializer as _, EnumAccess, IntoDeserializer as _, SeqAccess,
    VariantAccess, Visitor,
};

use crate::wire::value::decoder::Decoder;
use crate::wire::value::described::{Entries, Row};
use crate::wire::value::refusal::{Refusal, Why};
use crate::wire::value::tag::Tag;

type Result<T> = std::result::Result<T, Refusal>;

impl<'de> Decoder<'de> {
    /// Records that the type's halves differ.
    #[cold]
    pub(crate) fn differ(&mut self, asked: &'static str, name: Option<&str>) -> Refusal {
        self.differs = true;
        let written = match (name, self.next_tag()) {
            (Some(name), _) => format!("`{name}`"),
            (None, Ok(tag)) => tag.name().to_owned(),
            (None, Err(_)) => "nothing".to_owned(),
        };
        Why::Halves { asked, written }.into()
    }

    /// Requires the next value to be of this kind.
    pub(crate) fn expect(&mut self, asked: Tag) -> Result<()> {
        match self.next_tag()? == asked {
            true => Ok(()),
            false => Err(self.differ(asked.name(), None)),
        }
    }

    /// Requires the next value to be of this kind, and takes its tag.
    fn open(&mut self, asked: Tag) -> Result<()> {
        self.expect(asked)?;
        self.skip_tag();
        Ok(())
    }

    /// Requires that everything that was written has been asked for.
    fn close(&mut self) -> Result<()> {
        match self.next_tag()? {
            Tag::End => {
                self.skip_tag();
                Ok(())
            }
            _ => Err(self.differ("no more", None)),
        }
    }

    pub(crate) fn checked_option<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.next_tag()? {
            Tag::None | Tag::Some => self.described(visitor),
            _ => Err(self.differ(Tag::Some.name(), None)),
        }
    }

    pub(crate) fn checked_seq<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.open(Tag::Seq)?;
        self.level(visitor, |decoder, visitor| {
            let value = visitor.visit_seq(Row { decoder: &mut *decoder })?;
            decoder.close()?;
            Ok(value)
        })
    }

    pub(crate) fn checked_map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        self.open(Tag::Map)?;
        self.level(visitor, |decoder, visitor| {
            let value = visitor.visit_map(Entries { decoder: &mut *decoder })?;
            decoder.close()?;
            Ok(value)
        })
    }

    pub(crate) fn checked_tuple<V: Visitor<'de>>(
        &mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.open(Tag::Tuple)?;
        self.level(visitor, |decoder, visitor| {
            let value = visitor.visit_seq(Values { decoder: &mut *decoder, left: len })?;
            decoder.close()?;
            Ok(value)
        })
    }

    pub(crate) fn checked_struct<V: Visitor<'de>>(
        &mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.open(Tag::Struct)?;
        self.level(visitor, |decoder, visitor| {
            let value = visitor.visit_seq(Fields {
                decoder: &mut *decoder,
                names: fields,
                left: fields.len(),
            })?;
            decoder.close()?;
            Ok(value)
        })
    }

    /// Both halves must refer to the same variant with its index: `variants` are the names that the
    /// type reads.
    pub(crate) fn checked_enum<V: Visitor<'de>>(
        &mut self,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let holds = match self.next_tag()? {
            Tag::UnitVariant => false,
            Tag::Variant => true,
            _ => return Err(self.differ(Tag::Variant.name(), None)),
        };
        self.skip_tag();
        self.level(visitor, |decoder, visitor| {
            let index: u32 = decoder.plain()?;
            let name = decoder.name()?;
            // An alias is among the names, and shifts them: values of such a type are then
            // described.
            if variants.get(index as usize) != Some(&name) {
                return Err(decoder.differ("another variant", Some(name)));
            }
            visitor.visit_enum(Variant { decoder, index, name, holds })
        })
    }
}

/// As many values as the type asks for.
struct Values<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Values<'_, 'de> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        match self.decoder.next_tag()? {
            Tag::End => Err(self.decoder.differ("one more value", None)),
            _ => seed.deserialize(&mut *self.decoder).map(Some),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// Fields in their order, which must be that of the names. An alias among the names is skipped.
struct Fields<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    /// The names that may follow.
    names: &'static [&'static str],
    /// The number of fields that the plain form would yield.
    left: usize,
}

impl<'de> SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Refusal;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        match self.decoder.next_tag()? {
            Tag::Field => self.decoder.skip_tag(),
            // The plain form would continue with the data behind the struct.
            _ => return Err(self.decoder.differ("one more field", None)),
        }
        let name = self.decoder.name()?;
        let Some(place) = self.names.iter().position(|known| *known == name) else {
            return Err(self.decoder.differ("another field", Some(name)));
        };
        self.names = &self.names[place + 1..];
        seed.deserialize(&mut *self.decoder).map(Some).map_err(|refusal| refusal.within(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The variant that was written.
struct Variant<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    index: u32,
    name: &'de str,
    holds: bool,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let index: U32Deserializer<Refusal> = self.index.into_deserializer();
        match seed.deserialize(index) {
            Ok(variant) => Ok((variant, self)),
            // Its `Deserialize` has no such index, because it counts other variants.
            Err(_) => Err(self.decoder.differ("another variant", Some(self.name))),
        }
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<()> {
        match self.holds {
            false => Ok(()),
            true => Err(self.decoder.differ("no value", Some(self.name))),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        match self.holds {
            true => seed.deserialize(self.decoder).map_err(|refusal| refusal.within(self.name)),
            false => Err(self.decoder.differ("a value", Some(self.name))),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        match self.holds {
            true => {
                let value = self.decoder.deserialize_tuple(len, visitor);
                value.map_err(|refusal| refusal.within(self.name))
            }
            false => Err(self.decoder.differ("values", Some(self.name))),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.holds {
            true => {
                let value = self.decoder.deserialize_struct("", fields, visitor);
                value.map_err(|refusal| refusal.within(self.name))
            }
            false => Err(self.decoder.differ("fields", Some(self.name))),
        }
    }
}
