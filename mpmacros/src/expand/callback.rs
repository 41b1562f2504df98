//! The hidden macro that hands the interface to another macro.
//!
//! A crate that builds on the interface, mpqt above all, needs its tokens; the interface's own
//! crate must not depend on it. So beside the struct `LaserControl` there is a macro of the same
//! name, in the namespace of macros. The two travel together through `use`, renaming and
//! re-exports, and
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
use crate::{naming, parse};

pub(super) fn expand(interface: &Interface, methods: &[Method]) -> TokenStream {
    let (vis, ident) = (&interface.header.vis, &interface.header.ident);
    let (control, signals) = (&interface.names.control, &interface.names.signals);
    let config = &interface.options.config;
    let postfix = interface.options.postfix();
    let items: TokenStream = methods.iter().map(|method| item(&method.item)).collect();
    let name = naming::callback(ident, &items);
    // A macro can only be public from the crate's root, and what is there needs a name of its own;
    // any other is visible as far as its `use` says. The lint is about a public trait inside a
    // function, which is as public as its macro.
    let export = matches!(vis, Visibility::Public(_))
        .then(|| quote!(#[macro_export] #[allow(non_local_definitions)]));
    // Without the user's span, so that nobody asks whether the import is used.
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

/// The method as the consumer sees it. Other attributes mean something to rustc in this crate
/// only, and a body may hold a `$`, which would mean something to the hidden macro.
fn item(method: &TraitItemFn) -> TokenStream {
    let marks = method.attrs.iter().filter(|attr| parse::is_mark(attr)).cloned();
    let mut item = method.clone();
    let docs = Docs::of(&method.attrs);
    item.attrs = marks.collect();
    item.default = None;
    item.semi_token = Some(<syn::Token![;]>::default());
    quote!(#docs #item)
}
