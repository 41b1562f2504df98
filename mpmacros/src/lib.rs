//! Macros.
#![forbid(unsafe_code)]

mod check;
mod child;
mod claims;
mod errors;
mod expand;
mod fallback;
mod keys;
mod main_attr;
mod model;
mod naming;
mod parse;
mod payload;
mod text;

use proc_macro::TokenStream;
use quote::quote;

/// x
#[proc_macro_attribute]
pub fn process(attribute: TokenStream, item: TokenStream) -> TokenStream {
    process_tokens(attribute.into(), item.into()).into()
}

fn process_tokens(
    attribute: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> proc_macro2::TokenStream {
    let mut errors = errors::Errors::default();
    let Some(interface) = parse::interface(attribute, item.clone(), &mut errors) else {
        let errors = errors.into_compile_errors();
        return quote!(#errors #item);
    };
    let misshapen = check::check(&interface, &mut errors);
    if errors.is_empty() {
        expand::expand(&interface)
    } else {
        fallback::expand(interface, &misshapen, errors)
    }
}

/// x
#[proc_macro_derive(Child, attributes(child))]
pub fn child(item: TokenStream) -> TokenStream {
    child::expand(syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

/// x
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    main_attr::expand(attribute.into(), item.into()).into()
}
