//! The hidden macro that passes the interface to another macro.
//!
//! A crate that builds on the interface, such as mpqt, needs its tokens; the interface's own crate
//! must not depend on it. So there is a macro with the name of the struct `LaserControl`, in the
//! namespace of macros. `use`, renaming and re-exports apply to both together, and
//!
//! ```text
//! path::to::LaserControl! { [$crate::consumer] anything }
//! ```
//!
//! becomes
//!
//! ```text
//! $crate::consumer! {
//!     { anything }
//!     trait Laser
//!     control LaserControl
//!     signals LaserSignals
//!     config { LaserConfig }
//!     postfix { "_changed" }
//!     { /* the trait's methods, each with its documentation and our attributes, no bodies */ }
//! }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{TraitItemFn, Visibility};

use crate::docs::Docs;
use crate::model::{Interface, Method};
use crate::naming;
use crate::read::parse;

pub(super) fn expand(interface: &Interface, methods: &[Method]) -> TokenStream {
    let (vis, ident) = (&interface.header.vis, &interface.header.ident);
    let (control, signals) = (&interface.names.control, &interface.names.signals);
    let config = &interface.options.config;
    let postfix = interface.options.postfix();
    let items: TokenStream = methods.iter().map(|method| item(&method.item)).collect();
    let name = naming::callback(ident, &items);
    // A macro can be public only at the crate's root, where it needs a unique name; any other macro
    // is as visible as its `use`. The lint concerns a public trait inside a function, which is as
    // public as its macro.
    let export = matches!(vis, Visibility::Public(_))
        .then(|| quote!(#[macro_export] #[allow(non_local_definitions)]));
    // Without the user's span, so that rustc does not warn about an unused import.
    let alias = Ident::new(&control.to_string(), Span::call_site());
    quote! {
        #[doc(hidden)]
        #export
        macro_rules! #name {
            ([$($consumer:tt)*] $($passed:tt)*) => {
                $($consumer)* ! {
                    { $($passed)* }
                    trait #ident
                    control #control
                    signals #signals
                    config { #config }
                    postfix { #postfix }
                    { #items }
                }
            };
        }
        #[doc(hidden)]
        #vis use #name as #alias;
    }
}

/// Returns the method as the consumer sees it. Other attributes are meaningful to rustc only in
/// this crate, and a body may contain a `$`, which the hidden macro would interpret.
fn item(method: &TraitItemFn) -> TokenStream {
    let marks = method.attrs.iter().filter(|attr| parse::is_mark(attr)).cloned();
    let mut item = method.clone();
    let docs = Docs::of(&method.attrs);
    item.attrs = marks.collect();
    item.default = None;
    item.semi_token = Some(<syn::Token![;]>::default());
    quote!(#docs #item)
}
