//! The context: what the child uses to talk to its controller.

use proc_macro2::TokenStream;
use quote::quote;

use super::{documented, entry, hidden_with_the_trait, introduced, line, payload_type, quiet};
use crate::model::Interface;
use crate::naming;

pub(super) fn expand(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let vis = &interface.header.vis;
    let context = &interface.names.context;
    let inner = naming::inner_context();
    let doc = line(&format!(
        "What a [`{0}`] child uses to talk to its controller: its properties, its events, and \
         through [`Deref`](::core::ops::Deref) the stop flag and the progress of the running \
         command. Cheap to clone; clones may go to other threads.",
        naming::plain(&interface.header.ident)
    ));
    let hidden = hidden_with_the_trait(interface);
    let quiet = quiet(interface);
    let name = context.to_string();

    let properties = interface.properties.iter().map(|property| {
        let (ident, ty) = (&property.ident, &property.ty);
        let lead = format!("The property `{}`.", naming::plain(ident));
        let docs = documented(&property.docs, &lead, None);
        quote!(#docs pub #ident: #krate::Property<#ty>,)
    });
    let events = interface.events.iter().map(|event| {
        let ident = &event.ident;
        let lead = format!("The event `{}`.", naming::plain(ident));
        let docs = documented(&event.docs, &lead, None);
        let payload = payload_type(event.args.iter().map(|arg| &arg.ty));
        quote!(#docs pub #ident: #krate::Event<#payload>,)
    });
    let results = interface.commands.iter().filter_map(|command| {
        let signal = command.signal.as_ref()?;
        let lead = format!(
            "The signal of the command `{}`, to be emitted by the child itself as well.",
            naming::plain(&command.ident)
        );
        let docs = introduced(&lead, &command.docs);
        let payload = payload_type(&command.returns.arguments());
        Some(quote!(#docs pub #signal: #krate::Event<#payload>,))
    });

    quote! {
        #doc
        #hidden
        #quiet
        #[derive(::core::clone::Clone)]
        #vis struct #context {
            #(#properties)*
            #(#events)*
            #(#results)*
            #inner: #krate::ChildContext,
        }

        impl ::core::ops::Deref for #context {
            type Target = #krate::ChildContext;

            fn deref(&self) -> &#krate::ChildContext {
                &self.#inner
            }
        }

        impl ::core::fmt::Debug for #context {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.debug_struct(#name).finish_non_exhaustive()
            }
        }
    }
}

/// The fields, made from the runtime's context `from`.
pub(super) fn fields(interface: &Interface, from: &TokenStream) -> TokenStream {
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
        let payload = if command.returns.spreads() { quote!(value) } else { quote!((value,)) };
        Some(quote!(#signal: #from.__result(&#entry, |#payload| value),))
    });
    let inner = naming::inner_context();
    quote! {
        #(#properties)*
        #(#events)*
        #(#results)*
        #inner: ::core::clone::Clone::clone(#from),
    }
}
