//! Expands the context, which connects the child to its controller, and how its fields are made.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{call_in_words, entry, hidden_with_the_trait, payload_of_result, payload_type, quiet};
use crate::docs::line;
use crate::model::Interface;
use crate::naming;
use crate::read::text;

pub(super) fn expand(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let vis = &interface.header.vis;
    let (trait_ident, context) = (&interface.header.ident, &interface.names.context);
    let inner = naming::inner_context();
    let doc = line(&format!(
        "Connects a [`{0}`] child to its controller: its properties, its events, and \
         through [`Deref`](::core::ops::Deref) the stop flag and the progress of the running \
         command. Cheap to clone; clones may go to other threads.",
        naming::plain(&interface.header.ident)
    ));
    let hidden = hidden_with_the_trait(interface);
    let quiet = quiet(interface);
    let (name, formatter) = (context.to_string(), naming::local("formatter"));

    // Each field is documented by the method that it belongs to, so that readers need not look
    // there.
    let properties = interface.properties.iter().map(|property| {
        let (ident, ty) = (&property.ident, &property.ty);
        let lead = format!("The property `{}: {}`.", naming::plain(ident), text::normal(ty));
        let docs = property.docs.introduced(trait_ident, &lead);
        quote!(#docs pub #ident: #krate::Property<#ty>,)
    });
    let events = interface.events.iter().map(|event| {
        let ident = &event.ident;
        let names: Vec<String> = event.args.iter().map(|arg| naming::plain(&arg.ident)).collect();
        let call = call_in_words(ident, &event.args);
        let lead = format!("The event `{call}`: `emit({})`.", names.join(", "));
        let docs = event.docs.introduced(trait_ident, &lead);
        let payload = payload_type(event.args.iter().map(|arg| &arg.ty));
        quote!(#docs pub #ident: #krate::Event<#payload>,)
    });
    let results = interface.commands.iter().filter_map(|command| {
        let signal = command.signal.as_ref()?;
        let lead = format!(
            "The signal of the command `{}`, which the child can also emit by itself.",
            naming::plain(&command.ident)
        );
        let docs = command.docs.introduced(trait_ident, &lead);
        let [payload, ..] = payload_of_result(krate, &command.returns);
        Some(quote!(#docs pub #signal: #krate::Event<#payload>,))
    });

    quote! {
        #doc
        #hidden
        #quiet
        #[derive(::core::clone::Clone)]
        #[non_exhaustive]
        #vis struct #context {
            #(#properties)*
            #(#events)*
            #(#results)*
            #[doc(hidden)]
            pub #inner: #krate::ChildContext,
        }

        #quiet
        impl ::core::ops::Deref for #context {
            type Target = #krate::ChildContext;

            fn deref(&self) -> &#krate::ChildContext {
                &self.#inner
            }
        }

        #quiet
        impl ::core::fmt::Debug for #context {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #formatter.debug_struct(#name).finish_non_exhaustive()
            }
        }
    }
}

/// Expands the fields, made from the runtime's context `from`.
pub(super) fn fields(interface: &Interface, from: &Ident) -> TokenStream {
    let table = &interface.names.table;
    let properties = interface.properties.iter().map(|property| {
        let (ident, entry) = (&property.ident, naming::property(&property.ident));
        quote!(#ident: #from.__property(&#table::#entry),)
    });
    let events = interface.events.iter().map(|event| {
        let (ident, entry) = (&event.ident, naming::event(&event.ident));
        quote!(#ident: #from.__event(&#table::#entry),)
    });
    let results = interface.commands.iter().filter_map(|command| {
        let (signal, entry) = (command.signal.as_ref()?, entry(interface, command));
        let [_, _, gather] = payload_of_result(&interface.options.krate, &command.returns);
        Some(quote!(#signal: #from.__result(&#entry, #gather),))
    });
    let inner = naming::inner_context();
    quote! {
        #(#properties)*
        #(#events)*
        #(#results)*
        #inner: ::core::clone::Clone::clone(#from),
    }
}
