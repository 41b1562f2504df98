//! Targets that decode values of users' types, in both forms, and their seeds.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::fixtures::zoo::{
    Anything, Borrowed, Described, Flat, Onion, Rows, Tree, Unit, Wide, Zoo,
};
use crate::limits::VALUE_DEPTH;
use crate::wire::value::codec::{Args, Wire, encode, in_described, wire};
use crate::wire::value::decoder::Decoder;

/// Decodes a value, and checks that a decoded value can be sent on unchanged.
fn travel<T: Wire>(data: &[u8]) {
    let codec = wire::<T>();
    let Ok(value) = codec.decode(data) else { return };
    let bytes = codec.encode(&value).expect("what was decoded can be encoded");
    drop(value);
    let again = codec.decode(&bytes).expect("what was encoded can be decoded");
    let again = codec.encode(&again).expect("as before");
    // The order of a map may differ.
    assert_eq!(bytes.len(), again.len());
}

/// Encodes in the plain form, ignoring all bounds.
fn encoded<T: Serialize>(values: &[T]) -> Vec<Vec<u8>> {
    let plain = |value| [vec![0], encode(value)].concat();
    values.iter().map(plain).collect()
}

pub(super) fn tree(data: &[u8]) {
    travel::<Tree>(data);
    travel::<Vec<(u8, Tree)>>(data);
}

pub(super) fn trees() -> Vec<Vec<u8>> {
    encoded(&[Tree::Leaf, Tree::grown(), Tree::deep(VALUE_DEPTH), Tree::deep(VALUE_DEPTH + 1)])
}

pub(super) fn zoo(data: &[u8]) {
    travel::<Zoo>(data);
    travel::<Vec<Zoo>>(data);
}

pub(super) fn zoos() -> Vec<Vec<u8>> {
    let small = Zoo::around(Tree::Leaf, 3);
    let large = Zoo { text: "long".repeat(100), ..Zoo::around(Tree::grown(), u64::MAX) };
    let failed = Zoo { outcome: Err("why".into()), nested: None, ..Zoo::around(Tree::Leaf, 300) };
    [
        encoded(&[small.clone(), large.clone(), failed.clone()]),
        encoded(&[vec![small, large, failed]]),
    ]
    .concat()
}

pub(super) fn rows(data: &[u8]) {
    travel::<Rows>(data);
    travel::<Vec<[(); 32]>>(data);
    travel::<Vec<Option<[u64; 32]>>>(data);
}

pub(super) fn all_rows() -> Vec<Vec<u8>> {
    let empty = Rows {
        units: Vec::new(),
        names: Vec::new(),
        gaps: Vec::new(),
        boxed: Vec::new(),
        empty: HashMap::new(),
        map: HashMap::new(),
        rows: Vec::new(),
    };
    let full = Rows {
        units: vec![(); 1000],
        names: vec![Unit; 3],
        gaps: vec![None; 300],
        boxed: vec![Box::new(Some([7; 32])), Box::new(None)],
        empty: [((), ())].into(),
        map: [(1, None), (500, Some([1; 16]))].into(),
        rows: vec![vec![vec![1, 2], Vec::new()], Vec::new()],
    };
    encoded(&[empty, full])
}

pub(super) fn wide(data: &[u8]) {
    travel::<Wide>(data);
}

pub(super) fn wides() -> Vec<Vec<u8>> {
    let row = |levels: usize| {
        let last = Wide { table: Some([[1; 32]; 4]), next: None };
        (1..levels).fold(last, |inner, _| Wide { table: None, next: Some(Box::new(inner)) })
    };
    encoded(&[row(1), row(3), row(VALUE_DEPTH / 2), row(VALUE_DEPTH)])
}

pub(super) fn onion(data: &[u8]) {
    travel::<Onion>(data);
}

pub(super) fn onions() -> Vec<Vec<u8>> {
    let skins =
        |levels: usize| (1..levels).fold(Onion(None), |inner, _| Onion(Some(Box::new(inner))));
    encoded(&[skins(1), skins(VALUE_DEPTH), skins(VALUE_DEPTH + 1)])
}

pub(super) fn described(data: &[u8]) {
    travel::<Described>(data);
    travel::<Vec<Described>>(data);
    travel::<Anything>(data);
    travel::<Tree>(data);
    travel::<Zoo>(data);
    travel::<Rows>(data);
    travel::<Wide>(data);
}

pub(super) fn all_described() -> Vec<Vec<u8>> {
    let row = Anything::Row(vec![Anything::Whole(-1), Anything::Real(2.5), Anything::Nothing(())]);
    let table = Anything::Table([("row".to_owned(), row)].into());
    let held =
        Described::Held { flat: Flat { known: Some(Some(7)), rest: [(9, table.clone())].into() } };
    let deep = |levels| {
        (1..levels).fold(Described::Leaf, |inner, _| Described::Node { inner: Box::new(inner) })
    };
    let seeds = [
        in_described_form(&[Described::Leaf, held.clone(), deep(5), deep(VALUE_DEPTH)]),
        in_described_form(&[vec![Described::Leaf, held, deep(3)]]),
        in_described_form(&[table]),
        in_described_form(&[Tree::grown(), Tree::deep(VALUE_DEPTH)]),
        in_described_form(&[Zoo::around(Tree::grown(), 77)]),
    ];
    seeds.concat()
}

fn in_described_form<T: Wire>(values: &[T]) -> Vec<Vec<u8>> {
    values.iter().map(in_described).collect()
}

pub(super) fn borrowed(data: &[u8]) {
    let mut decoder = Decoder::new(data.get(1..).unwrap_or_default());
    if let Ok(Borrowed { bytes, text, maybe }) = Borrowed::deserialize(&mut decoder) {
        // Touches every byte, to check that it exists.
        let mut hasher = std::hash::DefaultHasher::new();
        (bytes, text, maybe).hash(&mut hasher);
        assert!(bytes.len() + text.len() + maybe.map_or(0, str::len) <= data.len());
        std::hint::black_box(hasher.finish());
    }
}

pub(super) fn all_borrowed() -> Vec<Vec<u8>> {
    encoded(&[("bytes", "text", None), ("", "", Some("maybe"))])
}

pub(super) fn arguments(data: &[u8]) {
    let codecs = (wire::<u8>(), wire::<Tree>(), wire::<String>(), wire::<Option<Vec<()>>>());
    let _ = <(u8, Tree, String, Option<Vec<()>>) as Args>::decode(&codecs, data);
    let _ = <() as Args>::decode(&(), data);
    let _ = <(Vec<u64>, HashMap<String, f64>) as Args>::decode(&(wire(), wire()), data);
}

pub(super) fn all_arguments() -> Vec<Vec<u8>> {
    let many = HashMap::from([("a".to_owned(), 1.0), ("b".to_owned(), f64::NAN)]);
    let parts = [
        encoded(&[1u8]),
        encoded(&[Tree::grown()]),
        encoded(&["text"]),
        encoded(&[Some(vec![(); 20])]),
    ];
    let rows = [encoded(&[vec![1u64, 1 << 60]]), encoded(&[many])];
    vec![parts.concat().concat(), rows.concat().concat(), Vec::new()]
}
