//! How values become bytes and are read back: the only place that uses `serde` bounds for users'
//! types. [`encode`] and [`decode`] are for the framework's own messages.
//!
//! Every bound on a user's type is stated here ([`Wire`], [`WireDefault`], [`Raise`]), by a const
//! function that the generated code calls with the span of the type ([`wire`], [`wire_default`],
//! [`raise`]). Everything else works with the function pointers that they return ([`Codec`];
//! [`Args`] for tuples of arguments), so a type that cannot travel causes a single error, at the
//! user's token.
//!
//! [`Encoder`] chooses the form of each value: it reads a value with a new structure back, and
//! compares what the type writes with what it reads ([`Halves`]).

use std::fmt;
use std::sync::Arc;

use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::{SAMPLED_BYTES, SAMPLED_ELEMENTS, VALUE_BYTES, VALUE_DEPTH};
use crate::panics::hook::quietly;
use crate::panics::unwind::caught;
use crate::wire::shape;
use crate::wire::value::buffer::{Buffer, Sink};
use crate::wire::value::decoder::{Decoder, Form};
use crate::wire::value::refusal::{Refusal, Why};
use crate::wire::value::reordered::{self, digest};
use crate::wire::value::serializer::{Elements, OptionStyle, ValueSerializer};
use crate::wire::value::structure::{Seen, TypeKnowledge};

/// A value that can travel between processes: serde in both directions, owned, and `Send`.
///
/// Implemented for every type that qualifies; you do not implement it yourself.
///
#[doc = include_str!("../../../docs/types.md")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot travel between controller and child",
    label = "needs `serde::Serialize`, `serde::Deserialize`, `Send` and no borrowed data",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to every type inside it; types of other \
            crates often have a feature `serde`",
    note = "keys of a `HashMap` also need `Eq + Hash`, those of a `BTreeMap` need `Ord`; an array has at most 32 \
            elements, for more use a `Vec` or `serde_bytes`"
)]
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// A value that can travel and has a default, as a property without `default = …` requires.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a property without a default value",
    label = "needs `Default`, `serde::Serialize`, `serde::Deserialize`, `Send` and no borrowed data",
    note = "derive what is missing, or write `#[property(default = …)]`",
    note = "keys of a `HashMap` also need `Eq + Hash`, those of a `BTreeMap` need `Ord`; an array has at most 32 \
            elements"
)]
pub trait WireDefault: Wire + Default {}

#[diagnostic::do_not_recommend]
impl<T: Wire + Default> WireDefault for T {}

/// An error that a command can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a command",
    label = "needs `serde::Serialize`, `serde::Deserialize`, `Display`, `Send` and no borrowed data",
    note = "derive serde's traits and implement `Display`",
    note = "`mpcore::Result<T>` in its place takes every error: by `?`, and those of anyhow, eyre and boxes with \
            `mpcore::Context`"
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
    /// The value is nested deeper than the other side would decode.
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
        /// The message of serde or postcard.
        message: String,
    },
    /// The type's own `Deserialize` does not read what its `Serialize` writes, so the other side
    /// would not get the value.
    #[error("a `{of}` does not read back what it writes: {message}; see \"Which types travel\"")]
    NotReadBack {
        /// The type's name.
        of: &'static str,
        /// Where in the value, and why.
        message: String,
    },
}

impl EncodeError {
    pub(crate) fn panicked<T>() -> Self {
        let message = "its `Serialize` or `Deserialize` panicked".to_owned();
        Self::Refused { of: std::any::type_name::<T>(), message }
    }
}

/// Why bytes could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{length} bytes could not be decoded as `{of}`: {message}")]
pub struct DecodeError {
    of: &'static str,
    length: usize,
    message: String,
}

impl DecodeError {
    fn new(of: &'static str, length: usize, message: impl fmt::Display) -> Self {
        Self { of, length, message: message.to_string() }
    }
}

/// Encodes one of the framework's own messages: numbers, texts and lists of them, which postcard
/// can always encode.
pub(crate) fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    postcard::to_stdvec(message).expect("a message of the framework's own can be encoded")
}

/// Decodes one of the framework's own reports, which must fill `bytes` exactly.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    decode_all(Decoder::new(bytes), bytes)
}

/// Like [`decode`], with this memory budget.
#[cfg(target_os = "linux")]
pub(crate) fn decode_within<T: DeserializeOwned>(
    bytes: &[u8],
    budget: usize,
) -> Result<T, DecodeError> {
    decode_all(Decoder::within(bytes, budget), bytes)
}

/// Decodes a value that must fill `bytes` exactly.
fn decode_all<T: DeserializeOwned>(
    mut decoder: Decoder<'_>,
    bytes: &[u8],
) -> Result<T, DecodeError> {
    let value = T::deserialize(&mut decoder)
        .map_err(|error| DecodeError::new(std::any::type_name::<T>(), bytes.len(), &error))?;
    nothing_left::<T>(bytes, &decoder)?;
    Ok(value)
}

/// Fails if the decoder has left bytes over.
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
    buffer: Buffer,
}

impl Encoder {
    /// Creates an empty buffer that may grow to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { buffer: Buffer::new(limit) }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.buffer.bytes
    }

    /// Appends a value: its [`Form`], then its bytes.
    fn encode<T: Wire>(&mut self, value: &T) -> Result<(), EncodeError> {
        if is_simple::<T>() {
            return self.encode_simple(value);
        }
        let known = TypeKnowledge::of::<T>();
        let start = self.buffer.bytes.len();
        if !known.needs_description() {
            match self.encode_plain(value, known)? {
                Verdict::Faithful => return Ok(()),
                Verdict::Undescribed => known.describe_from_now_on(),
                Verdict::Unseen => {}
            }
            self.buffer.bytes.truncate(start);
        }
        if known.needs_bare_options() {
            return self.encode_described(value, known, OptionStyle::Bare);
        }
        match self.encode_described(value, known, OptionStyle::Marked) {
            Err(refused @ EncodeError::NotReadBack { .. }) => {
                // The type may support options only as JSON has them.
                self.buffer.bytes.truncate(start);
                self.encode_described(value, known, OptionStyle::Bare).map_err(|_| refused)?;
                known.bare_options_from_now_on();
                Ok(())
            }
            result => result,
        }
    }

    /// Appends a value whose type [is simple](is_simple).
    fn encode_simple<T: Serialize>(&mut self, value: &T) -> Result<(), EncodeError> {
        self.begin(Form::Plain)?;
        let result = value.serialize(&mut ValueSerializer::simple(Sink(&mut self.buffer)));
        result.map_err(|refusal| self.error::<T>(&refusal))
    }

    /// Appends the plain form, and finds out whether it is sufficient.
    fn encode_plain<T: Wire>(
        &mut self,
        value: &T,
        known: &'static TypeKnowledge,
    ) -> Result<Verdict, EncodeError> {
        let start = self.buffer.bytes.len();
        self.begin(Form::Plain)?;
        let mut serializer = ValueSerializer::plain(Sink(&mut self.buffer), known);
        let result = value.serialize(&mut serializer);
        let seen = serializer.seen();
        #[cfg(any(test, feature = "fuzzing"))]
        if forged::take() && result.is_ok() {
            return Ok(Verdict::Faithful);
        }
        match result {
            Ok(()) if seen.fresh.is_empty() => Ok(Verdict::Faithful),
            Ok(()) => {
                let large = self.buffer.bytes.len() - start > SAMPLED_BYTES.get()
                    || seen.elements > SAMPLED_ELEMENTS.get();
                read_back(value, known, &seen.fresh, large)
            }
            Err(refusal) if matches!(refusal.why(), Why::Undescribed(_)) => {
                Ok(Verdict::Undescribed)
            }
            Err(refusal) => Err(self.error::<T>(&refusal)),
        }
    }

    /// Appends the described form, and reads it back if its structure is new.
    fn encode_described<T: Wire>(
        &mut self,
        value: &T,
        known: &'static TypeKnowledge,
        options: OptionStyle,
    ) -> Result<(), EncodeError> {
        self.begin(Form::Described)?;
        let start = self.buffer.bytes.len();
        let mut serializer = ValueSerializer::described(Sink(&mut self.buffer), known, options);
        let result = value.serialize(&mut serializer);
        let Seen { fresh, .. } = serializer.seen();
        result.map_err(|refusal| self.error::<T>(&refusal))?;
        if fresh.is_empty() {
            return Ok(());
        }
        let mut decoder = Decoder::of_form(&self.buffer.bytes[start..], Form::Described);
        let read = quietly(|| {
            let value = T::deserialize(&mut decoder).map(drop);
            value.map_err(|refusal| refusal.to_string())
        });
        // A thread that is panicking cannot try this; then nothing is learnt.
        let Ok(read) = read else { return Ok(()) };
        let message = match read {
            Some(Ok(())) if decoder.rest().is_empty() => {
                known.learn(&fresh);
                return Ok(());
            }
            Some(Ok(())) => "a part of the value is left over".to_owned(),
            Some(Err(message)) => message,
            None => "its `Deserialize` panicked".to_owned(),
        };
        Err(EncodeError::NotReadBack { of: std::any::type_name::<T>(), message })
    }

    /// Appends the byte that gives the form.
    fn begin(&mut self, form: Form) -> Result<(), EncodeError> {
        let pushed = Sink(&mut self.buffer).try_push(form as u8);
        pushed.map_err(|_| EncodeError::TooLarge { limit: self.buffer.limit })
    }

    /// Converts a refusal into an error that names the type.
    #[cold]
    fn error<T>(&self, refusal: &Refusal) -> EncodeError {
        let of = std::any::type_name::<T>();
        match refusal.why() {
            _ if self.buffer.overflowed => EncodeError::TooLarge { limit: self.buffer.limit },
            Why::Depth => EncodeError::TooDeep { of, limit: VALUE_DEPTH },
            _ => EncodeError::Refused { of, message: refusal.to_string() },
        }
    }
}

/// For tests that need bytes which no honest type writes.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod forged {
    use std::cell::Cell;

    thread_local! {
        static FORGED: Cell<bool> = const { Cell::new(false) };
    }

    /// Called by a `Serialize` that lies: its output is not compared with what its type reads.
    pub fn note() {
        FORGED.set(true);
    }

    /// Returns whether a lie was noted, and forgets it.
    pub(crate) fn take() -> bool {
        FORGED.take()
    }
}

/// Returns the described form of any value, for tests; no bytes if the value is over a bound.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn in_described<T: Wire>(value: &T) -> Vec<u8> {
    let mut encoder = Encoder::new(VALUE_BYTES);
    let _ = encoder.encode_described(value, TypeKnowledge::of::<T>(), OptionStyle::Marked);
    encoder.into_bytes()
}

/// The form that a value needs.
enum Verdict {
    /// The plain form: the other side reads what was written.
    Faithful,
    /// The described form.
    Undescribed,
    /// The described form for this value only, because the check could not run.
    Unseen,
}

/// Reads back a value with structures that no earlier value of its type had.
#[cold]
#[inline(never)]
fn read_back<T: Wire>(
    value: &T,
    known: &'static TypeKnowledge,
    fresh: &[u64],
    large: bool,
) -> Result<Verdict, EncodeError> {
    // For a large value one element of each kind shows all structures, unless the type counts its
    // elements.
    let samples = large.then(|| compare(value, known, Elements::Samples));
    let read = samples.filter(|read| *read != Halves::Refused);
    Ok(match read.unwrap_or_else(|| compare(value, known, Elements::All)) {
        Halves::Agree => {
            known.learn(fresh);
            Verdict::Faithful
        }
        Halves::Differ => Verdict::Undescribed,
        Halves::Unseen => Verdict::Unseen,
        // The type may read only data that looks like JSON. Otherwise the other side reports why
        // the value is refused, and nothing is learnt from it.
        Halves::Refused => {
            let mut scratch = Encoder::new(VALUE_BYTES);
            match scratch.encode_described(value, known, OptionStyle::Marked) {
                Ok(()) => Verdict::Undescribed,
                Err(EncodeError::NotReadBack { .. } | EncodeError::Refused { .. }) => {
                    Verdict::Faithful
                }
                Err(over_a_bound) => return Err(over_a_bound),
            }
        }
    })
}

/// Whether a type's two serde halves agree, as far as one value shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halves {
    Agree,
    Differ,
    /// The type's `Deserialize` rejects the value, although it asks for what was written.
    Refused,
    /// This thread is panicking and would not survive another panic.
    Unseen,
}

/// Reads the trace of a value back; returns whether the halves of its type agree.
fn compare<T: Wire>(value: &T, known: &'static TypeKnowledge, elements: Elements) -> Halves {
    let Some((trace, variants)) = trace(value, known, elements) else { return Halves::Refused };
    let mut decoder = Decoder::of_form(&trace, Form::Checked);
    let read = quietly(|| {
        let again = T::deserialize(&mut decoder).ok()?;
        // An enum whose halves count differently reads another variant without an error.
        let variants = trace_of(&again, known, Elements::All);
        Some(variants)
    });
    let Ok(read) = read else { return Halves::Unseen };
    match read.flatten() {
        _ if decoder.differs() => Halves::Differ,
        Some(again) if again == Some(variants) && decoder.rest().is_empty() => Halves::Agree,
        Some(_) => Halves::Differ,
        None => Halves::Refused,
    }
}

/// Returns the trace of a value, and the sum over the names of its variants.
fn trace<T: Wire>(
    value: &T,
    known: &'static TypeKnowledge,
    elements: Elements,
) -> Option<(Vec<u8>, u64)> {
    let mut encoder = Encoder::new(4 * VALUE_BYTES);
    let mut serializer = ValueSerializer::trace(Sink(&mut encoder.buffer), known, elements);
    value.serialize(&mut serializer).ok()?;
    let variants = serializer.variants();
    Some((encoder.into_bytes(), variants))
}

/// Returns only that sum.
fn trace_of<T: Wire>(value: &T, known: &'static TypeKnowledge, elements: Elements) -> Option<u64> {
    trace(value, known, elements).map(|(_, variants)| variants)
}

fn is_unit<T: 'static>() -> bool {
    std::any::TypeId::of::<T>() == std::any::TypeId::of::<()>()
}

/// Returns whether the type is one of std's whose halves are known to agree, so that nothing has to
/// be recorded for it.
///
/// This does not affect the bytes: both sides still write and read the form.
fn is_simple<T: 'static>() -> bool {
    use std::any::TypeId;
    let id = TypeId::of::<T>();
    macro_rules! is {
        ($($plain:ty)*) => {
            $(id == TypeId::of::<$plain>() || id == TypeId::of::<Vec<$plain>>()
                || id == TypeId::of::<Option<$plain>>() ||)* id == TypeId::of::<()>()
        };
    }
    is!(bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char String usize isize)
}

/// Encodes a value that has moved to another thread.
pub(crate) type Deferred = Box<dyn FnOnce(&mut Encoder) -> Result<(), EncodeError> + Send>;

/// Computes the shape of a type on demand, which runs the user's `Deserialize`.
pub(crate) type ShapeFn = fn() -> Arc<str>;

/// Decodes the next of the values in one message.
type DecodeFn<T> = fn(&mut Decoder<'_>) -> Result<T, DecodeError>;

/// Encodes and decodes the values of one type: function pointers, no bounds.
pub struct Codec<T: 'static> {
    encode: fn(&T, &mut Encoder) -> Result<(), EncodeError>,
    defer: fn(T) -> Deferred,
    decode: DecodeFn<T>,
    /// Whether every encoded value can be decoded.
    always_reads: fn() -> bool,
    /// Returns the value's tags.
    trace: fn(&T) -> Option<Vec<u8>>,
    shape: ShapeFn,
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
    /// Encodes a single value. A unit has no bytes, and needs no room.
    pub(crate) fn encode(&self, value: &T) -> Result<Vec<u8>, EncodeError> {
        if is_unit::<T>() {
            return Ok(Vec::new());
        }
        let mut encoder = Encoder::new(crate::limits::VALUE_BYTES);
        (self.encode)(value, &mut encoder)?;
        Ok(encoder.into_bytes())
    }

    pub(crate) fn encode_into(&self, value: &T, encoder: &mut Encoder) -> Result<(), EncodeError> {
        (self.encode)(value, encoder)
    }

    /// Moves a value into a function that encodes it later.
    pub(crate) fn defer(&self, value: T) -> Deferred {
        (self.defer)(value)
    }

    /// Checks that the other side will be able to decode these bytes, which encode a value of this
    /// type.
    pub(crate) fn reads(&self, bytes: &[u8]) -> Result<(), EncodeError> {
        if (self.always_reads)() {
            return Ok(());
        }
        let of = std::any::type_name::<T>();
        let message = match caught(|| self.decode(bytes).map(drop)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => error.message,
            None => "its `Deserialize` panicked".to_owned(),
        };
        Err(EncodeError::NotReadBack { of, message })
    }

    /// Returns whether two encodings of equal values differ only by chance: in the order in which a
    /// `HashMap` or `HashSet` iterates over its elements.
    ///
    /// An order that belongs to the value (an `IndexMap`'s, a `Vec`'s) is the same after reading
    /// and writing the value again; the order of a hash map differs in every new map. For a map of
    /// two elements only every second try shows that, so there are several tries.
    pub(crate) fn is_reordered(&self, before: &[u8], after: &[u8]) -> bool {
        const TRIES: usize = 10;
        if (self.always_reads)() || before.len() != after.len() {
            return false;
        }
        let again = |bytes: &[u8]| digest(&(self.trace)(&self.decode(bytes).ok()?)?);
        let judged = caught(|| {
            let tries: Option<Vec<_>> = (0..TRIES).map(|_| again(after)).collect();
            Some(reordered::by_chance(&again(before)?, &tries?))
        });
        judged.flatten().unwrap_or(false)
    }

    /// Decodes a value that must fill `bytes` exactly.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Result<T, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let value = (self.decode)(&mut decoder)?;
        nothing_left::<T>(bytes, &decoder)?;
        Ok(value)
    }

    pub(crate) fn shape(&self) -> ShapeFn {
        self.shape
    }
}

/// Returns the codec of a value that travels.
#[must_use]
pub const fn wire<T: Wire>() -> Codec<T> {
    Codec {
        encode: |value, encoder| encoder.encode(value),
        defer: |value| Box::new(move |encoder: &mut Encoder| encoder.encode(&value)),
        decode: |decoder| {
            let bytes = decoder.rest();
            let value = decoder.take_form().and_then(|()| T::deserialize(&mut *decoder));
            value.map_err(|error| DecodeError::new(std::any::type_name::<T>(), bytes.len(), &error))
        },
        always_reads: is_simple::<T>,
        trace: |value| trace(value, TypeKnowledge::of::<T>(), Elements::All).map(|(tags, _)| tags),
        shape: shape::shape::<T>,
    }
}

/// Returns the codec of a property without `default = …`, and its default.
#[must_use]
pub const fn wire_default<T: WireDefault>() -> (Codec<T>, fn() -> T) {
    (wire::<T>(), T::default)
}

/// The codec of a command's error, and its message for `exception_raised`.
pub struct ErrorCodec<E: 'static> {
    pub(crate) codec: Codec<E>,
    /// Returns the error's message, from its bytes.
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

/// Returns the codec of an error that a command can return.
#[must_use]
pub const fn raise<E: Raise>() -> ErrorCodec<E> {
    ErrorCodec {
        codec: wire::<E>(),
        message: |bytes| wire::<E>().decode(bytes).map(|error| error.to_string()),
    }
}

/// The arguments of a command or an event: a tuple, encoded element by element.
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
    fn shapes(codecs: &Self::Codecs) -> Vec<fn() -> Arc<str>>;
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

            fn shapes(codecs: &Self::Codecs) -> Vec<ShapeFn> {
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
        let codecs = (wire::<i32>(), wire::<()>(), wire::<String>());
        let mut encoder = Encoder::new(1024);
        (7, (), String::from("µ")).encode(&codecs, &mut encoder).unwrap();
        let bytes = encoder.into_bytes();
        assert_eq!(bytes, postcard::to_stdvec(&(0u8, 7, 0u8, 0u8, "µ")).unwrap());
        assert_eq!(<(i32, (), String)>::decode(&codecs, &bytes).unwrap(), (7, (), "µ".into()));
    }

    #[test]
    fn a_value_over_the_bound_is_too_large_and_a_refusal_is_kept() {
        #[derive(serde::Deserialize)]
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
        assert_eq!(codec.decode(&[0, 1]).unwrap(), 1);
        let error = codec.decode(&[0, 1, 2]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "3 bytes could not be decoded as `u8`: 1 bytes are left over"
        );
        assert!(codec.decode(&[]).is_err());
        assert!(codec.decode(&[2, 1]).unwrap_err().to_string().contains("unknown value form 2"));
    }

    /// Regression: the introduction of a child with sixty megabytes of zeros took up a gigabyte.
    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_decoded_within_a_budget_takes_no_more() {
        let lists = 2_000_000_usize;
        let mut bytes = postcard::to_stdvec(&lists).unwrap();
        bytes.resize(bytes.len() + lists, 0);
        assert_eq!(decode::<Vec<Vec<u8>>>(&bytes).map(|it| it.len()), Ok(lists));
        let error = decode_within::<Vec<Vec<u8>>>(&bytes, 2 * bytes.len()).unwrap_err();
        assert!(error.to_string().contains("memory"), "{error}");
        let text = postcard::to_stdvec(&"x".repeat(lists)).unwrap();
        assert!(decode_within::<String>(&text, 2 * text.len()).is_ok());
    }
}
