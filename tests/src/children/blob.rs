//! Bytes that are encoded as bytes: a `Vec<u8>` goes through serde element by element, which for
//! hundreds of MiB would measure serde. Numbered bytes show whether a part is lost or in the wrong
//! place.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A block of bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

const BLOCK: usize = 64 << 10;

impl Blob {
    /// Returns `length` bytes in which every block of 64 KiB is different, so that a lost,
    /// duplicated or swapped piece is detected.
    #[must_use]
    pub fn numbered(length: usize) -> Self {
        let mut bytes = Vec::with_capacity(length);
        let mut block: Vec<u8> = (0..BLOCK).map(|index| (index ^ (index >> 8)) as u8).collect();
        for number in 0..length.div_ceil(BLOCK) {
            block[..8].copy_from_slice(&(number as u64).to_le_bytes());
            bytes.extend_from_slice(&block[..BLOCK.min(length - bytes.len())]);
        }
        Self(bytes)
    }

    /// Returns whether these are the bytes of [`Blob::numbered`].
    #[must_use]
    pub fn is_numbered(&self, length: usize) -> bool {
        *self == Self::numbered(length)
    }
}

/// Does not print the bytes: a failed assertion would print 256 MiB.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
                let mut bytes = Vec::new();
                while let Some(byte) = seq.next_element()? {
                    bytes.push(byte);
                }
                Ok(bytes)
            }
        }

        deserializer.deserialize_byte_buf(Bytes).map(Self)
    }
}
