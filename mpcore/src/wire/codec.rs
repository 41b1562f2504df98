//! How values become bytes: the one place where `serde` is asked for anything.
//!
//! Every bound on a user's type is stated here, by a const function that the generated code calls
//! with the span of the type ([`wire`], [`wire_default`], [`raise`]). Everything else works with the
//! function pointers they return, so a type that cannot travel is one error, at the user's token.

use std::fmt;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::decoder::Decoder;
use super::refusal::{Refusal, Why};
use super::serializer::Leveled;
use super::shape::shape_of;
use crate::limits::VALUE_DEPTH;

/// A value that can travel between processes: serde in both directions, owned, and `Send`.
///
/// Implemented for every type that qualifies; there is nothing to write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel between controller and child",
    label = "needs `serde::Serialize`, `serde::Deserialize`, `Send` and no borrowed data",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to every type inside it"
)]
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// A value that can travel and has a default: what a property without `default = …` needs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a property without a default value",
    label = "needs `Default`, `serde::Serialize`, `serde::Deserialize`, `Send` and no borrowed data",
    note = "derive what is missing, or write `#[property(default = …)]`"
)]
pub trait WireDefault: Wire + Default {}

#[diagnostic::do_not_recommend]
impl<T: Wire + Default> WireDefault for T {}

/// An error a command may end with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a command",
    label = "needs `serde::Serialize`, `serde::Deserialize`, `Display`, `Send` and no borrowed data",
    note = "derive serde's traits and implement `Display`, or use `mpcore::Result<T>`"
)]
pub trait Raise: Wire + fmt::Display {}

#[diagnostic::do_not_recommend]
impl<T: Wire + fmt::Display> Raise for T {}

/// Why a value could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value is larger than this buffer may become.
    #[error(
        "the encoded value is larger than {limit} bytes; send it in parts, or write it to a file and \
         send the file's path"
    )]
    TooLarge {
        /// The bound, in bytes.
        limit: usize,
    },
    /// The value is nested deeper than the other side would follow.
    #[error(
        "a value of `{of}` is nested more than {limit} levels deep; send what it is made of as a flat \
         sequence"
    )]
    TooDeep {
        /// The type's name.
        of: &'static str,
        /// The bound, in levels.
        limit: usize,
    },
    /// The type's `Serialize` implementation refused.
    #[error("`{of}` could not be serialized: {message}")]
    Refused {
        /// The type's name.
        of: &'static str,
        /// What serde or postcard said.
        message: String,
    },
}

/// Why bytes could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes could not be decoded as `{of}`: {message}")]
pub struct DecodeError {
    of: &'static str,
    length: usize,
    message: String,
    /// It is a value of its type, but one that takes more room here than is allowed.
    takes_too_much: bool,
}

impl DecodeError {
    fn new(of: &'static str, length: usize, message: impl fmt::Display) -> Self {
        Self { of, length, message: message.to_string(), takes_too_much: false }
    }

    fn refused(of: &'static str, length: usize, refusal: &Refusal) -> Self {
        let takes_too_much = matches!(refusal.why(), Why::Memory | Why::Stack);
        Self { takes_too_much, ..Self::new(of, length, refusal) }
    }

    /// Whether an honest sender may have sent it: only here it takes more memory, or stack, than is allowed.
    pub(crate) fn takes_too_much(&self) -> bool {
        self.takes_too_much
    }
}

/// Decodes one of the framework's own reports, which fills `bytes` exactly.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = T::deserialize(&mut decoder)
        .map_err(|error| DecodeError::refused(std::any::type_name::<T>(), bytes.len(), &error))?;
    nothing_left::<T>(bytes, &decoder)?;
    Ok(value)
}

fn nothing_left<T>(bytes: &[u8], decoder: &Decoder<'_>) -> Result<(), DecodeError> {
    match decoder.rest().len() {
        0 => Ok(()),
        left => {
            let over = format!("{left} bytes are left over");
            Err(DecodeError::new(std::any::type_name::<T>(), bytes.len(), over))
        }
    }
}

/// A growing buffer with a bound.
#[derive(Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
    limit: usize,
    overflowed: bool,
}

impl Encoder {
    /// An empty buffer that may grow to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, overflowed: false }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn encode<T: Serialize>(&mut self, value: &T) -> Result<(), EncodeError> {
        let result = value.serialize(&mut Leveled::new(Sink(self)));
        let of = std::any::type_name::<T>();
        match result {
            Ok(()) => Ok(()),
            Err(_) if self.overflowed => Err(EncodeError::TooLarge { limit: self.limit }),
            Err(refusal) if *refusal.why() == Why::Depth => {
                Err(EncodeError::TooDeep { of, limit: VALUE_DEPTH })
            }
            Err(refusal) => Err(EncodeError::Refused { of, message: refusal.to_string() }),
        }
    }

    fn reserve(&mut self, more: usize) -> postcard::Result<()> {
        if self.limit - self.bytes.len() < more {
            self.overflowed = true;
            return Err(postcard::Error::SerializeBufferFull);
        }
        Ok(())
    }
}

/// postcard writes here.
pub(super) struct Sink<'a>(&'a mut Encoder);

impl Flavor for Sink<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.reserve(1)?;
        self.0.bytes.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.reserve(bytes.len())?;
        self.0.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Encodes a value that has moved to another thread.
pub(crate) type Deferred = Box<dyn FnOnce(&mut Encoder) -> Result<(), EncodeError> + Send>;

/// The next value of those that one message holds.
type DecodeFn<T> = fn(&mut Decoder<'_>) -> Result<T, DecodeError>;

/// How values of one type become bytes and back: function pointers, no bounds.
pub struct Codec<T: 'static> {
    encode: fn(&T, &mut Encoder) -> Result<(), EncodeError>,
    defer: fn(T) -> Deferred,
    decode: DecodeFn<T>,
    shape: fn() -> String,
}

impl<T> Clone for Codec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Codec<T> {}

impl<T> fmt::Debug for Codec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Codec<{}>", std::any::type_name::<T>())
    }
}

impl<T> Codec<T> {
    pub(crate) fn encode(&self, value: &T) -> Result<Vec<u8>, EncodeError> {
        let mut encoder = Encoder::new(crate::limits::VALUE_BYTES);
        (self.encode)(value, &mut encoder)?;
        Ok(encoder.into_bytes())
    }

    pub(crate) fn encode_into(&self, value: &T, encoder: &mut Encoder) -> Result<(), EncodeError> {
        (self.encode)(value, encoder)
    }

    pub(crate) fn defer(&self, value: T) -> Deferred {
        (self.defer)(value)
    }

    /// Decodes a value that fills `bytes` exactly.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let value = (self.decode)(&mut decoder)?;
        nothing_left::<T>(bytes, &decoder)?;
        Ok(value)
    }

    pub(crate) fn shape(&self) -> String {
        (self.shape)()
    }
}

/// The codec of a value that travels.
#[must_use]
pub const fn wire<T: Wire>() -> Codec<T> {
    Codec {
        encode: |value, encoder| encoder.encode(value),
        defer: |value| Box::new(move |encoder: &mut Encoder| encoder.encode(&value)),
        decode: |decoder| {
            let bytes = decoder.rest();
            T::deserialize(&mut *decoder).map_err(|error| {
                DecodeError::refused(std::any::type_name::<T>(), bytes.len(), &error)
            })
        },
        shape: shape_of::<T>,
    }
}

/// The codec of a property without `default = …`, and its default.
#[must_use]
pub const fn wire_default<T: WireDefault>() -> (Codec<T>, fn() -> T) {
    (wire::<T>(), T::default)
}

/// The codec of a command's error, and how it is told to `exception_raised`.
pub struct ErrorCodec<E: 'static> {
    pub(crate) codec: Codec<E>,
    /// What the error says, from its bytes.
    pub(crate) message: fn(&[u8]) -> Result<String, DecodeError>,
}

impl<E> Clone for ErrorCodec<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for ErrorCodec<E> {}

impl<E> fmt::Debug for ErrorCodec<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.codec.fmt(f)
    }
}

/// The codec of an error that a command may end with.
#[must_use]
pub const fn raise<E: Raise>() -> ErrorCodec<E> {
    ErrorCodec {
        codec: wire::<E>(),
        message: |bytes| wire::<E>().decode(bytes).map(|error| error.to_string()),
    }
}

/// The arguments of a command or an event: a tuple, encoded element after element.
pub trait Args: Sized + 'static {
    /// The codecs of the elements.
    type Codecs: Copy + Send + Sync + 'static;

    #[doc(hidden)]
    fn encode(&self, codecs: &Self::Codecs, encoder: &mut Encoder) -> Result<(), EncodeError>;
    #[doc(hidden)]
    fn defer(self, codecs: &Self::Codecs) -> Vec<Deferred>;
    #[doc(hidden)]
    fn decode(codecs: &Self::Codecs, bytes: &[u8]) -> Result<Self, DecodeError>;
    #[doc(hidden)]
    fn shapes(codecs: &Self::Codecs) -> Vec<String>;
}

macro_rules! args_for_tuples {
    ($($name:ident $arg:ident),*) => {
        #[allow(unused_variables, unused_mut, non_snake_case)]
        impl<$($name: 'static),*> Args for ($($name,)*) {
            type Codecs = ($(Codec<$name>,)*);

            fn encode(&self, codecs: &Self::Codecs, encoder: &mut Encoder) -> Result<(), EncodeError> {
                let (($($name,)*), ($($arg,)*)) = (codecs, self);
                $($name.encode_into($arg, encoder)?;)*
                Ok(())
            }

            fn defer(self, codecs: &Self::Codecs) -> Vec<Deferred> {
                let (($($name,)*), ($($arg,)*)) = (codecs, self);
                vec![$($name.defer($arg)),*]
            }

            fn decode(codecs: &Self::Codecs, bytes: &[u8]) -> Result<Self, DecodeError> {
                let ($($name,)*) = codecs;
                let mut decoder = Decoder::new(bytes);
                $(let $arg = ($name.decode)(&mut decoder)?;)*
                nothing_left::<Self>(bytes, &decoder)?;
                Ok(($($arg,)*))
            }

            fn shapes(codecs: &Self::Codecs) -> Vec<String> {
                let ($($name,)*) = codecs;
                vec![$($name.shape()),*]
            }
        }
    };
}

crate::for_each_arity!(args_for_tuples);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_the_concatenation_of_their_elements() {
        let codecs = (wire::<i32>(), wire::<String>());
        let mut encoder = Encoder::new(1024);
        (7, String::from("µ")).encode(&codecs, &mut encoder).unwrap();
        let bytes = encoder.into_bytes();
        assert_eq!(bytes, postcard::to_stdvec(&(7, "µ")).unwrap());
        assert_eq!(<(i32, String)>::decode(&codecs, &bytes).unwrap(), (7, "µ".into()));
    }

    #[test]
    fn a_value_over_the_bound_is_too_large_and_a_refusing_one_is_refused() {
        struct Refusing;
        impl Serialize for Refusing {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("never"))
            }
        }
        let mut encoder = Encoder::new(10);
        assert_eq!(encoder.encode(&vec![1u8; 11]), Err(EncodeError::TooLarge { limit: 10 }));
        let mut encoder = Encoder::new(10);
        assert!(matches!(encoder.encode(&Refusing), Err(EncodeError::Refused { .. })));
    }

    #[test]
    fn bytes_left_over_are_an_error() {
        let codec = wire::<u8>();
        assert_eq!(codec.decode(&[1]).unwrap(), 1);
        let error = codec.decode(&[1, 2]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "2 bytes could not be decoded as `u8`: 1 bytes are left over"
        );
        assert!(codec.decode(&[]).is_err());
    }
}
