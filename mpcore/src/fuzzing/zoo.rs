//! Types that cover serde's whole data model.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

/// All four shapes of variants, and recursion through each kind of container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Tree {
    Leaf,
    Node(Box<Tree>),
    Pair(Box<Tree>, u8),
    Fork { left: Box<Tree>, right: Option<Box<Tree>> },
    Row(Vec<Tree>),
    Named(BTreeMap<String, Tree>),
}

/// Every kind of plain value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Zoo {
    pub(crate) signed: (i8, i16, i32, i64, i128),
    pub(crate) unsigned: (u8, u16, u32, u64, u128),
    pub(crate) reals: (f32, f64),
    pub(crate) yes: bool,
    pub(crate) letter: char,
    pub(crate) text: String,
    pub(crate) nested: Option<Option<Option<u8>>>,
    pub(crate) array: [u16; 7],
    pub(crate) unit: Unit,
    pub(crate) wrapped: Wrapped,
    pub(crate) tree: Tree,
    pub(crate) outcome: Result<Vec<u8>, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wrapped(pub(crate) i64);

/// A level that needs a lot of stack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wide {
    pub(crate) table: Option<[[u64; 32]; 4]>,
    pub(crate) next: Option<Box<Wide>>,
}

/// Recursion without its own name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Onion(pub(crate) Option<Box<Onion>>);

/// Sequences of elements without a size, and of elements that are larger in memory than on the
/// wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) units: Vec<()>,
    pub(crate) names: Vec<Unit>,
    pub(crate) gaps: Vec<Option<[u64; 32]>>,
    /// Large, although the size of an element does not show it.
    #[allow(clippy::vec_box)]
    pub(crate) boxed: Vec<Box<Option<[u64; 32]>>>,
    pub(crate) empty: HashMap<(), ()>,
    pub(crate) map: HashMap<u16, Option<[u64; 16]>>,
    pub(crate) rows: Vec<Vec<Vec<u32>>>,
}

/// A type that only the described form can carry: a tag among the fields, at every level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub(crate) enum Described {
    Leaf,
    Node { inner: Box<Described> },
    Held { flat: Flat },
}

/// Fields and entries in one map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flat {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) known: Option<Option<u8>>,
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<u8, Anything>,
}

/// Any value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Anything {
    Nothing(()),
    Whole(i64),
    Real(f64),
    Text(String),
    Row(Vec<Anything>),
    Table(BTreeMap<String, Anything>),
}

/// Bytes and strings that are borrowed from the message.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Borrowed<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) text: &'a str,
    #[serde(borrow)]
    pub(crate) maybe: Option<&'a str>,
}

impl Zoo {
    pub(crate) fn around(tree: Tree, number: u64) -> Self {
        let signed = number.cast_signed().wrapping_neg();
        Self {
            signed: (signed as i8, signed as i16, signed as i32, signed, signed.into()),
            unsigned: (number as u8, number as u16, number as u32, number, u128::MAX),
            reals: (0.5, -1e300),
            yes: true,
            letter: 'µ',
            text: "a text".into(),
            nested: Some(Some(None)),
            array: [1, 2, 3, 500, 60_000, 0, 7],
            unit: Unit,
            wrapped: Wrapped(signed),
            tree,
            outcome: Ok(vec![1, 2, 3]),
        }
    }
}

impl Tree {
    /// One of each variant.
    pub(crate) fn grown() -> Self {
        let fork = Self::Fork { left: Box::new(Self::Leaf), right: Some(Box::new(Self::Leaf)) };
        let node = Self::Node(Box::new(fork));
        let named = Self::Named([("root".to_owned(), node)].into());
        Self::Row(vec![Self::Pair(Box::new(named), 7), Self::Leaf, Self::Row(Vec::new())])
    }

    /// Returns a tree with this many levels.
    pub(crate) fn deep(levels: usize) -> Self {
        (1..levels).fold(Self::Leaf, |inner, _| Self::Node(Box::new(inner)))
    }
}
