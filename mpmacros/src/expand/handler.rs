//! Expands the child's side: the trait that it implements, and `impl Interface for dyn Trait`,
//! through which the runtime calls it: description, context and dispatcher.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::TraitItem;

use super::quiet::quiet_declared;
use super::{at_type, context, entry, located, quiet};
use crate::model::{Command, Interface, Origin, Raised, Role};
use crate::naming::{self, Namespace};
use crate::read::{parse, text};
use crate::rules::payload;

pub(super) fn expand(interface: &Interface) -> TokenStream {
    let the_trait = the_trait(interface);
    let the_impl = interface_impl(interface);
    quote!(#the_trait #the_impl)
}

/// Expands the trait as written, with the provided methods. Properties and events are in it only
/// for documentation.
fn the_trait(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let provided = quote! {
        /// Runs in the child after its construction, before the first command.
        ///
        /// An error ends the child: it has failed to start.
        #[inline]
        fn postrun_init(&mut self) -> #krate::Result<()> {
            ::core::result::Result::Ok(())
        }
        /// Runs once, in the child, on every orderly end.
        ///
        /// Threads that the child has started are neither joined nor notified: if they have to finish something,
        /// end them here. Children of its own are stopped and joined after this.
        #[inline]
        fn cleanup(&mut self) {}
    };
    let methods = interface.methods.iter().filter(|method| method.role == Role::Command);
    let methods = methods.map(|method| {
        let mut item = method.item.clone();
        item.attrs.retain(|attr| !parse::is_mark(attr));
        TraitItem::Fn(item)
    });
    let setters = interface.commands.iter().filter_map(|command| match command.origin {
        Origin::Setter(_) => Some(TraitItem::Verbatim(setter(interface, command))),
        Origin::Method(_) => None,
    });
    let declared = declared(interface).into_iter().map(TraitItem::Verbatim);
    let mut item = interface.header.clone();
    item.items = vec![TraitItem::Verbatim(provided)];
    item.items.extend(methods);
    item.items.extend(setters);
    item.items.extend(declared);
    item.items.extend(interface.strangers.iter().cloned());
    quote!(#item)
}

/// Expands `fn power(&self) -> SetInContext<f64> where Self: DeclaredOnly`: a property or an event
/// on the page of the trait. Implementing it, or calling it in the child, is an error that says
/// where it is.
fn declared(interface: &Interface) -> Vec<TokenStream> {
    let krate = &interface.options.krate;
    let names = &interface.names;
    let (control, signals) = (&names.control, &names.signals);
    // A name that the trait has already is not declared again: it would be a second error, or hide
    // a command.
    let is_free = |ident: &Ident| {
        let name = naming::plain(ident);
        naming::taken(Namespace::Trait, &name).is_none()
            && !interface.commands.iter().any(|command| naming::plain(&command.ident) == name)
    };
    let item = |docs: TokenStream, head: TokenStream, span: Span, args: Vec<&Ident>| {
        let quiet = quiet_declared(interface);
        let bound = located(quote!(#krate::DeclaredOnly), span);
        quote! {
            #docs
            #quiet
            #[inline]
            #head where Self: #bound {
                #krate::__private::declared((#(#args,)*))
            }
        }
    };
    let properties = interface.properties.iter().filter(|property| is_free(&property.ident));
    let properties = properties.map(|property| {
        let (ident, ty) = (&property.ident, &property.ty);
        let name = naming::plain(ident);
        let lead = format!("The property `{name}`.");
        let note = match property.on_control {
            true => format!(
                "A property: [`{control}::{name}`] reads it, the child sets it in its context."
            ),
            false => "A property: the child sets it in its context.".to_owned(),
        };
        let docs = property.docs.whole(&lead, Some(&note));
        let span = payload::span(ty);
        let marker = located(quote!(#krate::SetInContext), span);
        let at_type = Span::call_site().located_at(span);
        let marker = quote_spanned!(at_type=> #marker<#ty>);
        item(docs, quote!(fn #ident(&self) -> #marker), span, Vec::new())
    });
    let events = interface.events.iter().filter(|event| is_free(&event.ident));
    let events = events.map(|event| {
        let (ident, args) = (&event.ident, &event.args);
        let name = naming::plain(ident);
        let lead = format!("The event `{name}`.");
        let note =
            format!("An event: signal [`{signals}::{name}`], emitted by the child in its context.");
        let docs = event.docs.whole(&lead, Some(&note));
        let marker = located(quote!(#krate::EmittedInContext), ident.span());
        let head = quote!(fn #ident(&self, #(#args),*) -> #marker);
        item(docs, head, ident.span(), args.iter().map(|arg| &arg.ident).collect())
    });
    properties.chain(events).collect()
}

/// `fn set_power(&mut self, power: f64) -> Result<f64, Refused> { Ok(power) }`
fn setter(interface: &Interface, command: &Command) -> TokenStream {
    let (setter, args, whole) = (&command.ident, &command.args, &command.returns.whole);
    let value = args.iter().map(|arg| &arg.ident);
    let property = args.iter().map(|arg| naming::plain(&arg.ident)).collect::<String>();
    let context = &interface.names.context;
    let lead = format!(
        "Runs in the child when the controller asks to change [`{property}`]({context}::{property})."
    );
    let note = "The returned value is stored and sent to the controller. Accepts every value, \
                unless implemented.";
    let docs = command.docs.whole(&lead, Some(note));
    quote! {
        #docs
        #[inline]
        fn #setter(&mut self, #(#args),*) -> #whole {
            ::core::result::Result::Ok(#(#value)*)
        }
    }
}

/// Expands `impl Interface for dyn Trait`.
fn interface_impl(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let ident = &interface.header.ident;
    let name = naming::plain(ident);
    let names = &interface.names;
    let (control, context, table) = (&names.control, &names.context, &names.table);
    let config = &interface.options.config;
    let config_codec = naming::config();
    let quiet = quiet(interface);

    let [description, given, request] = ["description", "context", "request"].map(naming::local);
    let describe = describe(interface, &description);
    let fields = context::fields(interface, &given);
    // The position in the whole list is the number on the wire, so it is counted before the filter.
    let arms = interface
        .commands
        .iter()
        .enumerate()
        .filter(|(_, command)| command.callable)
        .map(|(index, command)| arm(interface, index, command, &request, &given));

    quote! {
        #quiet
        impl #krate::Interface for dyn #ident {
            type Context = #context;
            type Config = #config;
            type Control = #control;
            const NAME: &'static ::core::primitive::str = #name;

            fn __config() -> &'static #krate::__private::Codec<#config> {
                &#table::#config_codec
            }

            fn __describe(#description: &mut #krate::__private::Description) {
                #describe
            }

            fn __context(#given: &#krate::ChildContext) -> #context {
                #context { #fields }
            }

            fn __init(&mut self) -> #krate::Result<()> {
                <Self as #ident>::postrun_init(self)
            }

            fn __cleanup(&mut self) {
                <Self as #ident>::cleanup(self);
            }

            fn __dispatch(
                &mut self,
                #given: &#context,
                #request: #krate::__private::Request<'_>,
            ) -> #krate::__private::Reply {
                match #request.command() {
                    #(#arms)*
                    _ => #request.unknown(),
                }
            }
        }
    }
}

/// Expands one command of the dispatcher: decode, call, encode, all through the table's entry.
fn arm(
    interface: &Interface,
    index: usize,
    command: &Command,
    request: &Ident,
    context: &Ident,
) -> TokenStream {
    let krate = &interface.options.krate;
    let ident = &interface.header.ident;
    let index = number(index);
    let entry = entry(interface, command);
    let method = &command.ident;
    // Not the user's names: a pattern with such a name may mean a constant.
    let args: Vec<_> = (0..command.args.len()).map(naming::argument).collect();
    let at_type = |tokens| match command.returns.is_result() {
        true => at_type(&command.returns, tokens),
        false => tokens,
    };
    let called = at_type(quote!(<Self as #ident>::#method));
    let call = at_type(quote!(#called(self, #(#args),*)));
    if let Origin::Setter(property) = command.origin {
        let property = &interface.properties[property].ident;
        return quote! {
            #index => #request.serve_write(&#entry, &#context.#property, |(#(#args,)*)| #call),
        };
    }
    let result = if command.returns.is_result() {
        let parts = match &command.returns.error {
            // The tokens do not show whether value and error are in this order.
            Raised::Given(error) => {
                let ok = &command.returns.ok;
                let path = at_type(quote!(#krate::__private::ResultOf));
                quote!(#path::<#ok, #error>::parts)
            }
            _ => quote!(#krate::__private::ResultParts::parts),
        };
        let parts = at_type(parts);
        at_type(quote!(#parts(#call)))
    } else {
        quote!(::core::result::Result::Ok(#call))
    };
    quote!(#index => #request.serve(&#entry, |(#(#args,)*)| #result),)
}

/// Expands the description for the fingerprint, in the order of the numbers on the wire.
fn describe(interface: &Interface, description: &Ident) -> TokenStream {
    let table = &interface.names.table;
    let config = (naming::config(), text::normal(&interface.options.config));
    let commands = interface.commands.iter().map(|command| {
        let returns = &command.returns;
        let result: syn::Type = match command.origin {
            Origin::Method(_) => returns.whole.clone(),
            Origin::Setter(_) => returns.ok.clone(),
        };
        let entry = entry(interface, command);
        let signature = text::signature(&command.args, Some(&result));
        match command.origin {
            Origin::Method(_) => quote!(#description.command(&#entry, #signature);),
            Origin::Setter(property) => {
                let property = naming::property(&interface.properties[property].ident);
                quote!(#description.write(&#entry, #signature, &#table::#property);)
            }
        }
    });
    let properties = interface.properties.iter().map(|property| {
        let (entry, ty) = (naming::property(&property.ident), text::normal(&property.ty));
        quote!(#description.property(&#table::#entry, #ty);)
    });
    let events = interface.events.iter().map(|event| {
        let entry = naming::event(&event.ident);
        let signature = text::signature(&event.args, None);
        quote!(#description.event(&#table::#entry, #signature);)
    });
    let (config, config_text) = config;
    quote! {
        // Empty outside of cargo.
        #description.version(::core::option_env!("CARGO_PKG_VERSION").unwrap_or(""));
        #description.config(&#table::#config, #config_text);
        #(#commands)*
        #(#properties)*
        #(#events)*
    }
}

/// Returns the number of a command, property or event on the wire.
pub(super) fn number(index: usize) -> Literal {
    // Only an interface with more methods than a compiler could handle would not fit.
    Literal::u16_suffixed(u16::try_from(index).unwrap_or(u16::MAX))
}
