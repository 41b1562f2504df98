//! Expands the table: one constant per command, property and event, with the codecs of its values.
//! It is the only place with bounds on the user's types, each with the span of the type, so a type
//! that cannot be sent is one error at the place where the user wrote it. A return type that is a
//! `Result` under another name is detected here too.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Path, Type};

use super::handler::number;
use super::{at_alias, error_type, located, payload_type, quiet};
use crate::model::{Command, Event, Interface, Origin, Property, Raised, Returns, Rules};
use crate::naming;
use crate::read::text;
use crate::rules::payload;

pub(super) fn expand(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let table = &interface.names.table;
    let commands = interface.commands.iter().enumerate();
    let commands = commands.map(|(index, command)| entry_of_command(interface, index, command));
    let properties = interface.properties.iter().enumerate();
    let properties = properties.map(|(index, property)| entry_of_property(krate, index, property));
    let events = interface.events.iter().enumerate();
    let events = events.map(|(index, event)| entry_of_event(krate, index, event));
    let config = &interface.options.config;
    let (config_entry, config_codec) = (naming::config(), wire(krate, config));
    let probes = interface.commands.iter().filter_map(|command| probe(krate, &command.returns));
    let quiet = quiet(interface);
    quote! {
        #[doc(hidden)]
        struct #table;

        #quiet
        impl #table {
            #(#commands)*
            #(#properties)*
            #(#events)*
            const #config_entry: #krate::__private::Codec<#config> = #config_codec;
        }

        #(#probes)*
    }
}

fn entry_of_command(interface: &Interface, index: usize, command: &Command) -> TokenStream {
    let krate = &interface.options.krate;
    let wire = |ty: &Type| match command.origin {
        // The same bound as the property's, so that the error has the same text and place.
        Origin::Setter(property) if interface.properties[property].default.is_none() => {
            let codec = wire_default(krate, ty);
            quote!(#codec.0)
        }
        _ => wire(krate, ty),
    };
    let entry = naming::command(&command.ident);
    let (index, name) = (number(index), naming::plain(&command.control));
    let args = payload_type(command.args.iter().map(|arg| &arg.ty));
    let codecs = command.args.iter().map(|arg| wire(&arg.ty));
    let ok = &command.returns.ok;
    let result = wire(ok);
    let error = error_type(&command.returns, krate);
    let raise = raise(krate, &command.returns);
    let at_alias = |tokens| at_alias(&command.returns, tokens);
    let ty = at_alias(quote!(#krate::__private::Command<#args, #ok, #error>));
    let new = at_alias(quote!(#krate::__private::Command::new));
    let value = at_alias(quote!(#new(#index, #name, (#(#codecs,)*), #result, #raise)));
    let rules = rules(command.rules);
    quote!(const #entry: #ty = #value #rules;)
}

/// Expands `.timeout(5000u64).idempotent().no_cancel()`, as far as they are given. Only the
/// controller acts on them, so the two sides do not compare them.
fn rules(rules: Rules) -> TokenStream {
    let timeout = rules.timeout.map(|milliseconds| {
        let milliseconds = Literal::u64_suffixed(milliseconds.into());
        quote!(.timeout(#milliseconds))
    });
    let idempotent = rules.idempotent.then(|| quote!(.idempotent()));
    let no_cancel = rules.no_cancel.then(|| quote!(.no_cancel()));
    let every = rules.every.then(|| quote!(.every()));
    quote!(#timeout #idempotent #no_cancel #every)
}

fn entry_of_property(krate: &Path, index: usize, property: &Property) -> TokenStream {
    let entry = naming::property(&property.ident);
    let (index, name, ty) = (number(index), naming::plain(&property.ident), &property.ty);
    let value = match &property.default {
        // The closure is a function pointer: the default cannot borrow anything.
        Some(default) => {
            let codec = wire(krate, ty);
            quote!(with_default(#index, #name, #codec, || #default))
        }
        None => {
            let codec = wire_default(krate, ty);
            quote!(new(#index, #name, #codec))
        }
    };
    let (one, other) = (naming::local("one"), naming::local("other"));
    quote! {
        const #entry: #krate::__private::PropertyDef<#ty> =
            #krate::__private::PropertyDef::#value.same(|#one, #other| {
                use #krate::__private::{ByValue as _, Never as _};
                #krate::__private::Same::<#ty>::new().same(#one, #other)
            });
    }
}

fn entry_of_event(krate: &Path, index: usize, event: &Event) -> TokenStream {
    let entry = naming::event(&event.ident);
    let (index, name) = (number(index), naming::plain(&event.ident));
    let payload = payload_type(event.args.iter().map(|arg| &arg.ty));
    let codecs = event.args.iter().map(|arg| wire(krate, &arg.ty));
    let delivery = if event.latest { quote!(Latest) } else { quote!(Every) };
    quote! {
        const #entry: #krate::__private::EventDef<#payload> = #krate::__private::EventDef::new(
            #index,
            #name,
            (#(#codecs,)*),
            #krate::__private::Delivery::#delivery,
        );
    }
}

/// Expands the codec of a value, with the only bound on its type.
fn wire(krate: &Path, ty: &Type) -> TokenStream {
    asked(krate, "wire", payload::span(ty), ty)
}

/// Expands `mpcore::__private::wire::<T>()`, all of it with the span of the user's type: an error
/// of rustc about a lifetime in it covers the whole call.
fn asked(krate: &Path, function: &str, span: Span, ty: &impl ToTokens) -> TokenStream {
    let at_user = Span::call_site().located_at(span);
    let function = Ident::new(function, at_user);
    let path = located(quote!(#krate::__private::#function), span);
    quote_spanned!(at_user=> #path::<#ty>())
}

/// Expands the codec of a property's value, and its default.
fn wire_default(krate: &Path, ty: &Type) -> TokenStream {
    asked(krate, "wire_default", payload::span(ty), ty)
}

/// Expands the codec of a command's error, with the only bound on its type.
fn raise(krate: &Path, returns: &Returns) -> TokenStream {
    let error = error_type(returns, krate);
    let span = match &returns.error {
        Raised::Given(ty) => payload::span(ty),
        _ => payload::span(&returns.whole),
    };
    at_alias(returns, asked(krate, "raise", span, &error))
}

/// Expands a check that the type is not a `Result` under another name, which would silently be a
/// value. An inherent constant that only `Result` has takes precedence over the trait's, which
/// every type has.
fn probe(krate: &Path, returns: &Returns) -> Option<TokenStream> {
    let whole = &returns.whole;
    if returns.is_result() || is_no_result(whole) {
        return None;
    }
    let message = format!(
        "`{}` is a `Result` under another name; write it as a type whose last part is `Result`",
        text::normal(whole)
    );
    Some(quote_spanned! {payload::span(whole)=>
        const _: () = {
            #[allow(unused_imports, reason = "generated: one of the two constants is used")]
            use #krate::__private::ProbeDefault as _;
            ::core::assert!(!#krate::__private::Probe::<#whole>::IS_RESULT, #message);
        };
    })
}

/// Returns whether a type needs no such check, which avoids most of them.
fn is_no_result(ty: &Type) -> bool {
    const NAMES: [&str; 21] = [
        "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
        "u32", "u64", "u128", "usize", "String", "Vec", "Option", "HashMap", "BTreeMap",
    ];
    match payload::bare(ty) {
        Type::Path(path) => {
            let last = path.path.segments.last();
            last.is_some_and(|last| NAMES.iter().any(|name| last.ident == name))
        }
        Type::Tuple(_) | Type::Array(_) => true,
        _ => false,
    }
}
