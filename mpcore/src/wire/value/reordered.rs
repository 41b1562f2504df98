//! Detects whether two equal values differ only by chance: in the order in which a hash map
//! iterates over its elements.
//!
//! Pure. A value is given by its [tags](crate::wire::value::tag). The order of a sequence belongs
//! to the value if it is the same every time the value is read and written again (a `Vec`, an
//! `IndexMap`); the order of a `HashMap` differs in every new map.

use std::collections::HashMap;

use crate::wire::value::structure::mix;
use crate::wire::value::tag::Tag;

/// A value without the order of its sequences, and those orders, by their paths.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    unordered: u64,
    /// A sum over all sequences of one path, which may themselves be in an unordered sequence.
    orders: HashMap<u64, u64>,
}

/// Returns the digest of a value from its tags; `None` for invalid bytes.
pub(crate) fn digest(mut tags: &[u8]) -> Option<Digest> {
    let mut orders = HashMap::new();
    let unordered = value(&mut tags, 1, &mut orders)?;
    tags.is_empty().then_some(Digest { unordered, orders })
}

/// Returns whether the values are the same except for the order of unordered sequences. `after` is
/// one value, read and written several times.
pub(crate) fn by_chance(before: &Digest, after: &[Digest]) -> bool {
    let Some((first, others)) = after.split_first() else { return false };
    let is_kept =
        |path: &u64| others.iter().all(|it| it.orders.get(path) == first.orders.get(path));
    before.unordered == first.unordered
        && first
            .orders
            .iter()
            .all(|(path, order)| !is_kept(path) || before.orders.get(path) == Some(order))
}

/// Hashes the next value without the order of its sequences, which it adds to `orders`.
fn value(rest: &mut &[u8], path: u64, orders: &mut HashMap<u64, u64>) -> Option<u64> {
    let tag = take_tag(rest)?;
    let hash = mix(0, tag as u64);
    Some(match tag {
        Tag::Unit | Tag::None => hash,
        Tag::Bool | Tag::I8 | Tag::U8 => fixed(rest, 1, hash)?,
        Tag::F32 => fixed(rest, 4, hash)?,
        Tag::F64 => fixed(rest, 8, hash)?,
        Tag::I16 | Tag::I32 | Tag::I64 | Tag::I128 | Tag::U16 | Tag::U32 | Tag::U64 | Tag::U128 => {
            let length = rest.iter().position(|byte| byte & 128 == 0)? + 1;
            fixed(rest, length, hash)?
        }
        Tag::Char | Tag::Str | Tag::Bytes => text(rest, hash)?,
        Tag::Some => mix(hash, value(rest, path, orders)?),
        Tag::Seq | Tag::Map => {
            let within = mix(path, tag as u64);
            // The sum ignores the order of the elements, which `order` records separately.
            let (mut sum, mut order) = (0_u64, 0_u64);
            while !is_end(rest) {
                let mut element = value(rest, within, orders)?;
                if tag == Tag::Map {
                    element = mix(element, value(rest, within, orders)?);
                }
                sum = sum.wrapping_add(mix(element, 1));
                order = mix(order, element);
            }
            take_tag(rest)?;
            let orders = orders.entry(within).or_default();
            *orders = orders.wrapping_add(mix(order, 1));
            mix(hash, sum)
        }
        Tag::Tuple => {
            let (mut all, mut place) = (hash, 0);
            while !is_end(rest) {
                place += 1;
                all = mix(all, value(rest, mix(path, place), orders)?);
            }
            take_tag(rest)?;
            all
        }
        Tag::Struct => {
            let mut all = hash;
            while take_tag(rest)? == Tag::Field {
                let name = text(rest, 0)?;
                all = mix(mix(all, name), value(rest, mix(path, name), orders)?);
            }
            all
        }
        Tag::UnitVariant => variant(rest, hash)?,
        Tag::Variant => {
            let variant = variant(rest, hash)?;
            mix(variant, value(rest, mix(path, variant), orders)?)
        }
        Tag::Field | Tag::End => return None,
    })
}

fn take_tag(rest: &mut &[u8]) -> Option<Tag> {
    let (byte, behind) = rest.split_first()?;
    *rest = behind;
    Tag::from_u8(*byte)
}

fn is_end(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| *byte == Tag::End as u8)
}

/// Hashes this many bytes.
fn fixed(rest: &mut &[u8], length: usize, hash: u64) -> Option<u64> {
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte))))
}

/// Hashes a length, and as many bytes.
fn text(rest: &mut &[u8], hash: u64) -> Option<u64> {
    let (length, behind) = postcard::take_from_bytes::<u64>(rest).ok()?;
    *rest = behind;
    fixed(rest, usize::try_from(length).ok()?, mix(hash, length))
}

/// Hashes the index and the name of a variant.
fn variant(rest: &mut &[u8], hash: u64) -> Option<u64> {
    let length = rest.iter().position(|byte| byte & 128 == 0)? + 1;
    let index = fixed(rest, length, hash)?;
    text(rest, index)
}
