//! Expands the signals, to which the controller connects, and how they are wired.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{call_in_words, entry, hidden_with_the_trait, payload_of_result, payload_type, quiet};
use crate::docs::line;
use crate::model::Interface;
use crate::naming;

pub(super) fn expand(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let vis = &interface.header.vis;
    let trait_ident = &interface.header.ident;
    let (control, signals) = (&interface.names.control, &interface.names.signals);
    let doc = line(&format!("The signals of a [`{control}`]."));
    let hidden = hidden_with_the_trait(interface);
    let quiet = quiet(interface);
    let (name, formatter) = (signals.to_string(), naming::local("formatter"));

    // Each field is documented by the method that it belongs to, so that readers need not look
    // there.
    let results = interface.commands.iter().filter_map(|command| {
        let signal = command.signal.as_ref()?;
        let called = naming::plain(&command.control);
        let lead = format!("The result of [`{called}`]({control}::{called}).");
        let docs = command.docs.introduced(trait_ident, &lead);
        let [payload, ..] = payload_of_result(krate, &command.returns);
        Some(quote!(#docs pub #signal: #krate::Signal<#payload>,))
    });
    let properties = interface.properties.iter().filter_map(|property| {
        let (notify, ty) = (property.notify.as_ref()?, &property.ty);
        let called = naming::plain(&property.ident);
        let lead = format!("The property [`{called}`]({control}::{called}) changed.");
        let docs = property.docs.introduced(trait_ident, &lead);
        Some(quote!(#docs pub #notify: #krate::Signal<(#ty,)>,))
    });
    let events = interface.events.iter().map(|event| {
        let ident = &event.ident;
        let lead = format!("The event `{}`.", call_in_words(ident, &event.args));
        let docs = event.docs.introduced(trait_ident, &lead);
        let payload = payload_type(event.args.iter().map(|arg| &arg.ty));
        quote!(#docs pub #ident: #krate::Signal<#payload>,)
    });

    quote! {
        #doc
        #hidden
        #quiet
        #[derive(::core::clone::Clone)]
        #[non_exhaustive]
        #vis struct #signals {
            #(#results)*
            #(#properties)*
            #(#events)*
            /// A command failed, or the child crashed.
            pub exception_raised: #krate::Signal<(#krate::Exception,)>,
        }

        #quiet
        impl ::core::fmt::Debug for #signals {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #formatter.debug_struct(#name).finish_non_exhaustive()
            }
        }
    }
}

/// Expands the fields, each wired to its source.
pub(super) fn fields(interface: &Interface, wiring: &Ident) -> TokenStream {
    let table = &interface.names.table;
    let results = interface.commands.iter().filter_map(|command| {
        let (signal, entry) = (command.signal.as_ref()?, entry(interface, command));
        let [_, spread, _] = payload_of_result(&interface.options.krate, &command.returns);
        Some(quote!(#signal: #wiring.result(&#entry, #spread),))
    });
    let properties = interface.properties.iter().filter_map(|property| {
        let (notify, entry) = (property.notify.as_ref()?, naming::property(&property.ident));
        Some(quote!(#notify: #wiring.property(&#table::#entry),))
    });
    let events = interface.events.iter().map(|event| {
        let (ident, entry) = (&event.ident, naming::event(&event.ident));
        quote!(#ident: #wiring.event(&#table::#entry),)
    });
    quote! {
        #(#results)*
        #(#properties)*
        #(#events)*
        exception_raised: #wiring.exception_raised(),
    }
}
