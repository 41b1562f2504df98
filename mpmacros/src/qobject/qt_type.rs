//! Chooses the Qt type for a Rust type in a signal or a property.
//!
//! The choice is made by tokens, since a macro sees nothing else: an alias of `f64` becomes a
//! `QVariant` that holds a double, which is the same to JavaScript.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::Type;

use crate::rules::payload;

/// Returns the name of the Qt type. `QVariant` holds any value that serde produces: an object, a
/// list, null.
///
/// Bare names: `derive(QObject)` compares them as text.
pub(super) fn of(ty: &Type) -> Ident {
    let name = match payload::bare(ty).to_token_stream().to_string().replace(' ', "").as_str() {
        "bool" => "bool",
        "f32" | "f64" => "f64",
        "i8" | "i16" | "i32" | "u8" | "u16" => "i32",
        "u32" => "u32",
        "i64" | "isize" => "i64",
        "u64" | "usize" => "u64",
        "String" | "std::string::String" | "::std::string::String" => "QString",
        "Vec<u8>" | "std::vec::Vec<u8>" | "::std::vec::Vec<u8>" => "QByteArray",
        _ => "QVariant",
    };
    Ident::new(name, Span::call_site())
}
