//! Access to the content of a `QVariant`: unpacking it, and making numbers, null, lists and maps.
//! The C++ side is `cpp/variant.cpp`.
#![allow(unsafe_code)]

use qmetaobject::{QByteArray, QString, QVariant, QVariantList, QVariantMap};

/// An unpacked `QVariant`. JavaScript's numbers are `Signed` or `Double`.
#[derive(Debug)]
pub(super) enum Value {
    Undefined,
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Double(f64),
    String(String),
    Bytes(QByteArray),
    List(QVariantList),
    Map(QVariantMap),
    /// A value with no equivalent in serde: the name of its Qt type.
    Other(String),
}

impl Value {
    pub(super) fn of(mut variant: QVariant) -> Value {
        // SAFETY: the functions read a live variant and write to live values of the types they are
        // declared with; qttypes' classes are C++'s own, in place.
        unsafe {
            match mpqt_variant_kind(&mut variant) {
                0 => Value::Undefined,
                1 => Value::Null,
                2 => Value::Bool(mpqt_variant_to_bool(&variant)),
                3 => Value::Signed(mpqt_variant_to_signed(&variant)),
                4 => Value::Unsigned(mpqt_variant_to_unsigned(&variant)),
                5 => Value::Double(mpqt_variant_to_double(&variant)),
                6 => {
                    let mut string = QString::default();
                    mpqt_variant_to_string(&variant, &mut string);
                    Value::String(text_of(&string))
                }
                7 => {
                    let mut bytes = QByteArray::default();
                    mpqt_variant_to_bytes(&variant, &mut bytes);
                    Value::Bytes(bytes)
                }
                8 => {
                    let mut list = QVariantList::default();
                    mpqt_variant_to_list(&variant, &mut list);
                    Value::List(list)
                }
                9 => {
                    let mut map = QVariantMap::default();
                    mpqt_variant_to_map(&variant, &mut map);
                    Value::Map(map)
                }
                _ => {
                    let mut name = QString::default();
                    mpqt_variant_type_name(&variant, &mut name);
                    Value::Other(text_of(&name))
                }
            }
        }
    }
}

/// Converts the whole text; qttypes' own conversion ends at a NUL.
pub(crate) fn text_of(string: &QString) -> String {
    String::from_utf16_lossy(string.to_slice())
}

/// Returns JavaScript's `null`; an empty variant is `undefined`.
pub(super) fn null() -> QVariant {
    let mut variant = QVariant::default();
    // SAFETY: writes to a live variant.
    unsafe { mpqt_variant_set_null(&mut variant) };
    variant
}

pub(super) fn signed(number: i64) -> QVariant {
    let mut variant = QVariant::default();
    // SAFETY: writes to a live variant.
    unsafe { mpqt_variant_set_signed(&mut variant, number) };
    variant
}

pub(super) fn unsigned(number: u64) -> QVariant {
    let mut variant = QVariant::default();
    // SAFETY: writes to a live variant.
    unsafe { mpqt_variant_set_unsigned(&mut variant, number) };
    variant
}

pub(super) fn reserve(list: &mut QVariantList, count: usize) {
    // SAFETY: a live list.
    unsafe { mpqt_list_reserve(list, count) };
}

/// Moves a value into the list; qttypes would copy it.
pub(super) fn push(list: &mut QVariantList, mut value: QVariant) {
    // SAFETY: a live list, and a live value, which is empty afterwards.
    unsafe { mpqt_list_push(list, &mut value) };
}

pub(crate) fn insert(map: &mut QVariantMap, key: &str, mut value: QVariant) {
    // SAFETY: a live map and key, and a live value, which is empty afterwards.
    unsafe { mpqt_map_insert(map, &QString::from(key), &mut value) };
}

unsafe extern "C" {
    fn mpqt_variant_kind(value: *mut QVariant) -> i32;
    fn mpqt_variant_to_bool(value: *const QVariant) -> bool;
    fn mpqt_variant_to_signed(value: *const QVariant) -> i64;
    fn mpqt_variant_to_unsigned(value: *const QVariant) -> u64;
    fn mpqt_variant_to_double(value: *const QVariant) -> f64;
    fn mpqt_variant_to_string(value: *const QVariant, string: *mut QString);
    fn mpqt_variant_to_bytes(value: *const QVariant, bytes: *mut QByteArray);
    fn mpqt_variant_to_list(value: *const QVariant, list: *mut QVariantList);
    fn mpqt_variant_to_map(value: *const QVariant, map: *mut QVariantMap);
    fn mpqt_variant_type_name(value: *const QVariant, name: *mut QString);
    fn mpqt_variant_set_null(value: *mut QVariant);
    fn mpqt_variant_set_signed(value: *mut QVariant, number: i64);
    fn mpqt_variant_set_unsigned(value: *mut QVariant, number: u64);
    fn mpqt_list_reserve(list: *mut QVariantList, count: usize);
    fn mpqt_list_push(list: *mut QVariantList, value: *mut QVariant);
    fn mpqt_map_insert(map: *mut QVariantMap, key: *const QString, value: *mut QVariant);
}
