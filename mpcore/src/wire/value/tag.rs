//! The tags of the described form: one before each value gives its kind in serde's data model.
//!
//! The *plain* form is postcard's: a value's type determines how its bytes are read. The
//! *described* form carries names and kinds, so it can answer a `Deserialize` that asks for them
//! (`flatten`, `tag`, `untagged`, `serde_json::Value`, an omitted field). After a tag comes what
//! postcard writes for that kind; sequences, maps and structs end with [`Tag::End`] instead of
//! having a length, so no length can lie.
//!
//! ```text
//! Some(Reading { volts: 1.5, error: None })
//! SOME STRUCT  FIELD "volts" F64 1.5  FIELD "error" NONE  END
//! ```

/// The kind of the following data in the described form. The numbers are part of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Unit = 0,
    Bool = 1,
    I8 = 2,
    I16 = 3,
    I32 = 4,
    I64 = 5,
    I128 = 6,
    U8 = 7,
    U16 = 8,
    U32 = 9,
    U64 = 10,
    U128 = 11,
    F32 = 12,
    F64 = 13,
    Char = 14,
    Str = 15,
    Bytes = 16,
    None = 17,
    /// Followed by a value.
    Some = 18,
    /// Values, then [`Tag::End`].
    Seq = 19,
    /// The same, for a number of values that the type fixes.
    Tuple = 20,
    /// Keys and values in turn, then [`Tag::End`].
    Map = 21,
    /// [`Tag::Field`], name and value in turn, then [`Tag::End`].
    Struct = 22,
    Field = 23,
    /// Index and name of a variant without a value.
    UnitVariant = 24,
    /// Index, name and a value: for several values, a [`Tag::Tuple`] or a [`Tag::Struct`].
    Variant = 25,
    End = 26,
}

impl Tag {
    pub(crate) fn from_u8(byte: u8) -> Option<Self> {
        const ALL: [Tag; 27] = [
            Tag::Unit,
            Tag::Bool,
            Tag::I8,
            Tag::I16,
            Tag::I32,
            Tag::I64,
            Tag::I128,
            Tag::U8,
            Tag::U16,
            Tag::U32,
            Tag::U64,
            Tag::U128,
            Tag::F32,
            Tag::F64,
            Tag::Char,
            Tag::Str,
            Tag::Bytes,
            Tag::None,
            Tag::Some,
            Tag::Seq,
            Tag::Tuple,
            Tag::Map,
            Tag::Struct,
            Tag::Field,
            Tag::UnitVariant,
            Tag::Variant,
            Tag::End,
        ];
        ALL.get(usize::from(byte)).copied()
    }

    /// Returns the tag's name for error messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unit => "a unit",
            Self::Bool => "a bool",
            Self::I8 => "an i8",
            Self::I16 => "an i16",
            Self::I32 => "an i32",
            Self::I64 => "an i64",
            Self::I128 => "an i128",
            Self::U8 => "a u8",
            Self::U16 => "a u16",
            Self::U32 => "a u32",
            Self::U64 => "a u64",
            Self::U128 => "a u128",
            Self::F32 => "an f32",
            Self::F64 => "an f64",
            Self::Char => "a char",
            Self::Str => "a string",
            Self::Bytes => "bytes",
            Self::None | Self::Some => "an option",
            Self::Seq => "a sequence",
            Self::Tuple => "a tuple",
            Self::Map => "a map",
            Self::Struct => "a struct",
            Self::Field => "a field",
            Self::UnitVariant | Self::Variant => "an enum",
            Self::End => "the end of a value",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tag_has_its_number() {
        for byte in 0..=u8::MAX {
            if let Some(tag) = Tag::from_u8(byte) {
                assert_eq!(tag as u8, byte);
            }
        }
        assert_eq!(Tag::from_u8(Tag::End as u8), Some(Tag::End));
        assert_eq!(Tag::from_u8(Tag::End as u8 + 1), None);
    }
}
