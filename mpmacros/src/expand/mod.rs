//! Expands the model to tokens: one file per generated side.
//!
//! Generated code contains no logic: it names things and passes them to generic functions of
//! mpcore. All its paths are absolute, since a user's module may shadow `Vec`, `Ok` or `Clone`. It
//! is not wrapped in a module, so that relative paths and traits inside a function keep working.
//!
//! What several sides need is here, among it the helpers that place an error at the user's token.
//! [`process`] runs all steps of the macro.

mod callback;
mod context;
mod control;
mod handler;
mod quiet;
mod signals;
#[cfg(test)]
mod tests;
mod wire;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Path, Type};

use quiet::quiet;

use crate::errors::Errors;
use crate::model::{Argument, Command, Interface, Method, Raised, Returns};
use crate::read::{conditions, parse, text};
use crate::rules::check;
use crate::{fallback, naming};

/// Expands `#[process(attribute)] item`.
pub(crate) fn process(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    if let Some(conditions) = conditions::ask(&attribute, item) {
        return conditions;
    }
    let mut errors = Errors::default();
    let Some(interface) = parse::interface(attribute, item, &mut errors) else {
        // Not a trait: the item is kept, so that uses of it cause no further errors.
        let errors = errors.into_compile_errors();
        return quote!(#errors #item);
    };
    let misshapen = check::check(&interface, &mut errors);
    if errors.is_empty() {
        expand(&interface)
    } else {
        fallback::expand(interface, &misshapen, errors)
    }
}

/// Returns everything that replaces the trait.
pub(crate) fn expand(interface: &Interface) -> TokenStream {
    sides(interface, &interface.methods)
}

/// Like [`expand`], for an interface that [`crate::fallback`] has repaired: the hidden macro passes
/// no methods, since a consumer of them would repeat the errors.
pub(crate) fn expand_repaired(interface: &Interface) -> TokenStream {
    sides(interface, &[])
}

/// Expands all sides. `handed_out` are the methods that the hidden macro passes on.
fn sides(interface: &Interface, handed_out: &[Method]) -> TokenStream {
    let parts = [
        handler::expand(interface),
        context::expand(interface),
        signals::expand(interface),
        control::expand(interface),
        wire::expand(interface),
        callback::expand(interface, handed_out),
    ];
    parts.into_iter().collect()
}

/// Returns `#[doc(hidden)]` of the trait, for the types that are generated with it.
fn hidden_with_the_trait(interface: &Interface) -> Option<&Attribute> {
    interface.header.attrs.iter().find(|attr| {
        attr.path().is_ident("doc")
            && attr.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "hidden")
    })
}

/// Returns the error type of a command.
fn error_type(returns: &Returns, krate: &Path) -> TokenStream {
    match &returns.error {
        Raised::Never => quote!(#krate::Never),
        Raised::Given(ty) => quote!(#ty),
        Raised::OfRuntime => quote!(#krate::Error),
        Raised::OfAlias => {
            let whole = &returns.whole;
            let parts = at_alias(returns, quote!(#krate::__private::ResultParts));
            at_alias(returns, quote!(<#whole as #parts>::Err))
        }
    }
}

/// Returns the table's entry of a command.
fn entry(interface: &Interface, command: &Command) -> TokenStream {
    let (table, entry) = (&interface.names.table, naming::command(&command.ident));
    at_alias(&command.returns, quote!(#table::#entry))
}

/// Gives `tokens` the span of the return type, if that is the alias of a `Result` with its own
/// error. If it is not a `Result` after all, each use of this error type is an error with the same
/// text, and rustc shows equal errors at one place only once.
fn at_alias(returns: &Returns, tokens: TokenStream) -> TokenStream {
    match returns.error {
        Raised::OfAlias => at_type(returns, tokens),
        _ => tokens,
    }
}

/// Returns the same tokens, with errors reported at `span`; their hygiene stays unchanged.
fn located(tokens: TokenStream, span: Span) -> TokenStream {
    let located = |mut token: TokenTree| {
        token.set_span(token.span().located_at(span));
        token
    };
    tokens.into_iter().map(located).collect()
}

/// Gives `tokens` the span of the return type.
fn at_type(returns: &Returns, tokens: TokenStream) -> TokenStream {
    let mut spans = returns.whole.to_token_stream().into_iter().map(|token| token.span());
    let Some(first) = spans.next() else { return tokens };
    let last = spans.last().unwrap_or(first);
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    // Both halves of a leading `::`, or it would have neither span.
    for token in tokens.iter_mut().take(2) {
        token.set_span(first);
    }
    if let Some(token) = tokens.last_mut() {
        token.set_span(last);
    }
    tokens.into_iter().collect()
}

/// Returns the payload type of a command's signal, and two closures that convert the result to the
/// payload and back.
fn payload_of_result(krate: &Path, returns: &Returns) -> [TokenStream; 3] {
    let value = naming::local("value");
    if returns.is_bare {
        let ok = &returns.ok;
        let probe = quote! {{
            #[allow(unused_imports, reason = "generated: one of the two constants is used")]
            use #krate::__private::ProbeDefault as _;
            #krate::__private::Probe::<#ok>::IS_UNIT
        }};
        let payload = quote!(<#ok as #krate::__private::Payload<#probe>>);
        return [
            quote!(#payload::Args),
            quote!(|#value| #payload::spread(#value)),
            quote!(|#value| #payload::gather(#value)),
        ];
    }
    let payload = payload_type(&returns.arguments());
    match returns.spreads() {
        true => [payload, quote!(|#value| #value), quote!(|#value| #value)],
        false => [payload, quote!(|#value| (#value,)), quote!(|(#value,)| #value)],
    }
}

/// Returns an event in words: `pos(x: f64, y: f64)`.
fn call_in_words(ident: &Ident, args: &[Argument]) -> String {
    format!("{}{}", naming::plain(ident), text::signature(args, None))
}

/// Returns the payload type of an event or signal with these arguments: always a tuple.
fn payload_type<'a>(types: impl IntoIterator<Item = &'a Type>) -> TokenStream {
    let types = types.into_iter();
    quote!((#(#types,)*))
}
