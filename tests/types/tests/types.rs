//! Which types can be sent, of std, with serde's attributes, and of other crates: a value of each
//! goes to a real child and back, and the results are the table in `mpcore/docs/types.md`.
//! `UPDATE=1 cargo test --manifest-path tests/types/Cargo.toml` rewrites it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::fmt::{Debug, Write as _};
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, Wrapping};
use std::ops::{Bound, Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mpcore::CallError;
use serde::{Deserialize, Serialize};

mpcore::test_support!();

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SkipSerializingIf {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    volts: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SkipSerializingIfWithoutDefault {
    #[serde(skip_serializing_if = "is_zero")]
    delay: u8,
}

fn is_zero(value: &u8) -> bool {
    *value == 0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Skip {
    #[serde(skip)]
    cache: u8,
    volts: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SkipSerializing {
    #[serde(skip_serializing, default)]
    secret: u8,
    watts: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SkipDeserializing {
    #[serde(skip_deserializing)]
    sum: u8,
    watts: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum SkippedVariant {
    #[serde(skip)]
    #[allow(dead_code)]
    Internal,
    Off,
    Full,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum OneWayVariant {
    #[serde(skip_deserializing)]
    Out,
    Both,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Renamed {
    #[serde(rename = "type")]
    kind: String,
    #[serde(alias = "old_name")]
    long_name: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RenamedOneWay {
    #[serde(rename(serialize = "out", deserialize = "in"))]
    value: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Flattened {
    name: String,
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FlattenedU128 {
    #[serde(flatten)]
    wide: Wide,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wide {
    number: u128,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Off,
    Pulse { hz: f64, bits: Option<Option<u8>> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "is")]
enum Adjacent {
    Off,
    Pulse(f64, char),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(f64),
    Text(String),
    Rows(Vec<Untagged>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Transparent(Vec<u8>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Port(String);

impl TryFrom<String> for Port {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.starts_with("COM") { Ok(Self(text)) } else { Err(format!("`{text}` is no port")) }
    }
}

impl From<Port> for String {
    fn from(port: Port) -> Self {
        port.0
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct WithModule {
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Other {
    Known,
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Expression {
    Number(f64),
    Sum(Box<Expression>, Box<Expression>),
    Call { name: String, arguments: Vec<Expression> },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<u64>,
}

/// A type with its name in the table, and values of it.
macro_rules! types {
    ($($group:literal: {$($name:ident: $type:ty = [$($value:expr),* $(,)?];)*})*) => {
        #[mpcore::process]
        trait Types {
            $($(fn $name(&mut self, value: $type, after: u32) -> ($type, u32);)*)*
        }

        #[derive(mpcore::Child)]
        #[child(Types)]
        struct TypesProcess {}

        impl Types for TypesProcess {
            $($(fn $name(&mut self, value: $type, after: u32) -> ($type, u32) {
                (value, after)
            })*)*
        }

        /// Returns a row for each type: its group, its name, and the result.
        fn rows() -> Vec<[String; 3]> {
            let control = TypesControl::spawn::<TypesProcess>(()).unwrap();
            let mut rows = Vec::new();
            $($(
                let mut fate = String::from("arrives as it was sent");
                $(
                    let sent: $type = $value;
                    let text = format!("{sent:?}");
                    match control.$name(sent, 0xABCD).wait() {
                        Ok((got, after)) => {
                            assert_eq!((format!("{got:?}"), after), (text, 0xABCD), stringify!($name));
                        }
                        Err(CallError::Encode(refusal) | CallError::Decode(refusal)) => {
                            let why = refusal.split(" what it writes: ").nth(1).unwrap_or(&refusal);
                            let why = why.split("; see ").next().unwrap_or(why);
                            fate = format!("refused: {why}");
                        }
                        Err(error) => panic!("{}: {error}", stringify!($name)),
                    }
                )*
                let type_name = stringify!($type).split_whitespace().collect::<Vec<_>>().join(" ");
                rows.push([$group.to_owned(), type_name, fate]);
            )*)*
            rows
        }
    };
}

fn text(text: &str) -> String {
    text.to_owned()
}

types! {
    "std": {
        integers: (u8, i16, u32, i64, u128, i128) = [(0, -1, 2, i64::MIN, u128::MAX, i128::MIN)];
        reals: (f32, f64) = [(f32::NAN, -0.0), (f32::MIN, f64::INFINITY)];
        letters: (bool, char, String) = [(true, char::MAX, text("µ\0"))];
        unit: () = [()];
        maybe: Option<Option<()>> = [None, Some(None), Some(Some(()))];
        results: Result<u8, String> = [Ok(1), Err(text("no"))];
        rows: Vec<Option<(u8, [f32; 3])>> = [vec![], vec![None, Some((1, [0.5; 3]))]];
        long_array: [u64; 32] = [[7; 32]];
        maps: HashMap<String, BTreeMap<(u8, bool), char>> = [HashMap::from([(text("a"), BTreeMap::from([((1, true), 'b')]))])];
        sets: (HashSet<u8>, BTreeSet<char>) = [(HashSet::from([1]), BTreeSet::from(['a', 'b']))];
        lists: (VecDeque<u8>, LinkedList<u8>) = [(VecDeque::from([1]), LinkedList::from([2]))];
        shared: (Box<str>, Arc<Vec<u8>>, Cow<'static, str>) = [("a".into(), Arc::new(vec![1]), "b".into())];
        paths: PathBuf = ["/tmp/a b".into()];
        os_text: (OsString, CString) = [("a".into(), c"b".to_owned())];
        durations: (Duration, SystemTime) = [(Duration::MAX, SystemTime::UNIX_EPOCH + Duration::from_nanos(1))];
        addresses: (IpAddr, SocketAddr) = [("::1".parse().unwrap(), "1.2.3.4:5".parse().unwrap())];
        ranges: (Range<i64>, RangeInclusive<char>, Bound<u8>) = [(-1..7, 'a'..='b', Bound::Excluded(1))];
        numbers: (NonZeroU32, Wrapping<i8>) = [(NonZeroU32::MAX, Wrapping(-3))];
        marker: PhantomData<String> = [PhantomData];
        recursive: Expression = [
            Expression::Number(1.0),
            Expression::Sum(
                Box::new(Expression::Number(1.0)),
                Box::new(Expression::Call { name: text("f"), arguments: vec![] }),
            ),
        ];
        generic: Page<Page<u8>> = [Page { items: vec![Page { items: vec![1], next: None }], next: Some(3) }];
    }
    "serde attributes": {
        skip_if: SkipSerializingIf = [SkipSerializingIf { error: None, volts: 1.5 }, SkipSerializingIf { error: Some(text("no")), volts: 1.5 }];
        skip_if_without_default: SkipSerializingIfWithoutDefault = [SkipSerializingIfWithoutDefault { delay: 0 }];
        skip: Skip = [Skip { cache: 0, volts: 1.5 }];
        skip_serializing: SkipSerializing = [SkipSerializing { secret: 0, watts: 1 }];
        skip_deserializing: SkipDeserializing = [SkipDeserializing { sum: 0, watts: 1 }];
        skipped_variant: SkippedVariant = [SkippedVariant::Off, SkippedVariant::Full];
        one_way_variant: OneWayVariant = [OneWayVariant::Both, OneWayVariant::Out];
        renamed: Renamed = [Renamed { kind: text("a"), long_name: 1 }];
        renamed_one_way: RenamedOneWay = [RenamedOneWay { value: 1 }];
        flat: Flattened = [Flattened { name: text("a"), rest: BTreeMap::from([(text("b"), serde_json::json!([1, null]))]) }];
        flat_wide: FlattenedU128 = [FlattenedU128 { wide: Wide { number: 1 } }];
        tagged: Tagged = [Tagged::Off, Tagged::Pulse { hz: f64::NAN, bits: Some(None) }];
        adjacent: Adjacent = [Adjacent::Off, Adjacent::Pulse(0.5, 'a')];
        untagged: Untagged = [Untagged::Number(0.5), Untagged::Rows(vec![Untagged::Text(text("a"))])];
        transparent: Transparent = [Transparent(vec![1])];
        converted: Port = [Port(text("COM3"))];
        with: WithModule = [WithModule { bytes: vec![0, 255] }];
        other: Other = [Other::Known, Other::Unknown];
    }
    "bytes": { bytes_: bytes::Bytes = [bytes::Bytes::from_static(b"abc")]; }
    "chrono": {
        chrono_utc: chrono::DateTime<chrono::Utc> = [chrono::DateTime::UNIX_EPOCH];
        chrono_date: Option<chrono::NaiveDate> = [chrono::NaiveDate::from_ymd_opt(2026, 1, 2)];
    }
    "glam": {
        glam_vector: glam::Vec3 = [glam::Vec3::new(1.0, 2.0, 3.0)];
        glam_matrix: glam::Mat4 = [glam::Mat4::IDENTITY];
    }
    "indexmap": { index_map: indexmap::IndexMap<String, u8> = [[(text("b"), 1), (text("a"), 2)].into_iter().collect()]; }
    "nalgebra": {
        nalgebra_vector: nalgebra::Vector3<f32> = [nalgebra::Vector3::new(1.0, 2.0, 3.0)];
        nalgebra_matrix: nalgebra::DMatrix<f64> = [nalgebra::DMatrix::zeros(2, 3)];
    }
    "ndarray": { ndarray_: ndarray::Array2<f64> = [ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]])]; }
    "num-complex": { complex: num_complex::Complex64 = [num_complex::Complex64::new(1.0, -0.0)]; }
    "rust_decimal": { decimal: rust_decimal::Decimal = [rust_decimal::Decimal::new(-1_234_500, 4)]; }
    "serde_bytes": { byte_buf: serde_bytes::ByteBuf = [serde_bytes::ByteBuf::from(vec![0, 255])]; }
    "serde_json": {
        json: serde_json::Value = [serde_json::json!(null), serde_json::json!({"a": [1, -2, 0.5, "b", true]})];
        maybe_json: Option<serde_json::Value> = [None, Some(serde_json::json!(1)), Some(serde_json::json!({}))];
        json_map: serde_json::Map<String, serde_json::Value> = [serde_json::Map::new()];
    }
    "smallvec": { small: smallvec::SmallVec<[u8; 4]> = [smallvec::smallvec![1, 2]]; }
    "time": {
        time_date: time::OffsetDateTime = [time::OffsetDateTime::UNIX_EPOCH];
        time_span: time::Duration = [time::Duration::seconds_f64(-1.5)];
    }
    "url": { url_: url::Url = ["http://example.org/a?b".parse().unwrap()]; }
    "uuid": { uuid_: uuid::Uuid = [uuid::Uuid::from_u128(7)]; }
}

const BEGIN: &str = "<!-- table: made by tests/types -->\n";
const END: &str = "<!-- end of the table -->\n";

#[test]
fn the_table_matches_what_happens() {
    let mut table = String::from("\n| from | type | what happens |\n|---|---|---|\n");
    for [group, type_name, fate] in rows() {
        writeln!(table, "| {group} | `{type_name}` | {fate} |").unwrap();
    }
    table.push('\n');
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../mpcore/docs/types.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page has a table");
    let (written, after) = rest.split_once(END).expect("the table has an end");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&page, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(written, table, "run it with UPDATE=1 and review the changes");
}
