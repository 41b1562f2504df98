//! The lints that generated items are spared.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;

use crate::model::{Argument, Interface, Raised};
use crate::{claims, naming, text};

/// Allows what rustc and clippy would say about generated items, because they look at them through
/// the user's spans: a stub that nobody calls is no dead code, a deprecated or `_unused` thing that
/// only generated code uses is not used, and an odd name or a long signature is told once, at the
/// trait. Only what this interface needs, since an `allow` below a user's `forbid` is an error.
pub(super) fn quiet(interface: &Interface) -> TokenStream {
    let lints = [
        (true, quote!(dead_code)),
        (attributes(interface).any(|attr| attr.path().is_ident("deprecated")), quote!(deprecated)),
        (names(interface).any(|name| name.contains(char::is_uppercase)), quote!(non_snake_case)),
        (is_long(interface), quote!(clippy::too_many_arguments)),
        (is_nested(interface), quote!(clippy::type_complexity)),
        (
            arguments(interface).any(|arg| naming::plain(&arg.ident).starts_with('_')),
            quote!(clippy::used_underscore_binding),
        ),
    ];
    let lints = lints.iter().filter(|(needed, _)| *needed).map(|(_, lint)| lint);
    quote!(#[allow(#(#lints),*)])
}

fn attributes(interface: &Interface) -> impl Iterator<Item = &Attribute> {
    let methods = interface.methods.iter().flat_map(|method| &method.item.attrs);
    methods.chain(&interface.header.attrs)
}

fn arguments(interface: &Interface) -> impl Iterator<Item = &Argument> {
    let commands = interface.commands.iter().flat_map(|command| &command.args);
    commands.chain(interface.events.iter().flat_map(|event| &event.args))
}

/// Every name the user chose or caused.
fn names(interface: &Interface) -> impl Iterator<Item = String> {
    let claims = claims::claims(interface);
    let claimed: Vec<String> = claims.iter().map(|claim| naming::plain(claim.ident)).collect();
    claimed.into_iter().chain(arguments(interface).map(|arg| naming::plain(&arg.ident)))
}

/// clippy's own bound: seven, `self` included.
fn is_long(interface: &Interface) -> bool {
    interface.methods.iter().any(|method| method.item.sig.inputs.len() > 7)
}

/// What clippy may call a complex type: its measure counts nesting, and reaches its bound with no
/// less than three brackets. An alias of `Result` lends its span to longer types than its own.
fn is_nested(interface: &Interface) -> bool {
    let brackets = |arg: &Argument| text::normal(&arg.ty).matches(['<', '(', '[']).count();
    arguments(interface).any(|arg| brackets(arg) >= 3)
        || interface.commands.iter().any(|command| matches!(command.returns.error, Raised::OfAlias))
}
