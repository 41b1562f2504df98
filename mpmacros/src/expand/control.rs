//! Expands the controller's side: the control with one stub per command and one getter per
//! property, its blocking view, and the functions through which the runtime uses it.

use proc_macro2::TokenStream;
use quote::quote;

use super::{at_alias, entry, error_type, hidden_with_the_trait, quiet, signals};
use crate::docs::line;
use crate::model::{Command, Interface, Origin, Property, Raised, Rules};
use crate::naming;
use crate::read::timeout;

pub(super) fn expand(interface: &Interface) -> TokenStream {
    let control = control(interface);
    let blocking = blocking(interface);
    let wiring = control_impl(interface);
    quote!(#control #blocking #wiring)
}

/// Expands the struct, its constructors, stubs and getters.
fn control(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let vis = &interface.header.vis;
    let ident = &interface.header.ident;
    let names = &interface.names;
    let (control, signals, blocking) = (&names.control, &names.signals, &names.blocking);
    let config = &interface.options.config;
    let doc = line(&format!(
        "Controls a [`{}`] child process. Cheap to clone; every clone is the same child, and \
         the last one dropped stops it in the background.",
        naming::plain(ident)
    ));
    let hidden = hidden_with_the_trait(interface);
    let deprecated = interface.header.attrs.iter().find(|a| a.path().is_ident("deprecated"));
    let quiet = quiet(interface);

    // A member whose name is taken has been reported, and is left out.
    let commands = interface.commands.iter().filter(|command| command.on_control);
    let stubs = commands.map(|command| stub(interface, command));
    let properties = interface.properties.iter().filter(|property| property.on_control);
    let getters = properties.map(|property| getter(interface, property));

    let (child, given) = (naming::child_parameter(interface), naming::config_argument());
    let formatter = naming::local("formatter");
    quote! {
        #doc
        #hidden
        #deprecated
        #quiet
        #[derive(::core::clone::Clone)]
        #vis struct #control {
            core: #krate::__private::Core,
            signals: #signals,
        }

        #quiet
        impl #control {
            /// Makes a control of the given child, which runs in a process of its own as soon as
            /// `process().start()` is called.
            ///
            /// # Errors
            ///
            /// If the config cannot be encoded.
            pub fn new<#child: #krate::Child<Interface = dyn #ident>>(
                #given: #config,
            ) -> ::core::result::Result<Self, #krate::StartError> {
                Self::builder().child::<#child>().config(#given).build()
            }

            /// Makes a control of the given child and starts it. Does not wait for the child.
            ///
            /// # Errors
            ///
            /// If the config cannot be encoded or no process can be started.
            pub fn spawn<#child: #krate::Child<Interface = dyn #ident>>(
                #given: #config,
            ) -> ::core::result::Result<Self, #krate::StartError> {
                Self::builder().child::<#child>().config(#given).spawn()
            }

            /// Returns a builder for everything that can be set before the start.
            #[must_use]
            pub fn builder() -> #krate::ControlBuilder<Self> {
                #krate::ControlBuilder::new()
            }

            /// Returns the signals to connect to.
            #[must_use]
            pub fn signals(&self) -> &#signals {
                &self.signals
            }

            /// Returns the commands as calls that wait for their outcome.
            #[must_use]
            pub fn blocking(&self) -> #blocking<'_> {
                #blocking { control: self }
            }

            /// Returns the child's life cycle.
            #[must_use]
            pub fn process(&self) -> &#krate::Process {
                self.core.process()
            }

            /// Returns a handle that does not keep the child running, for handlers of its signals.
            #[must_use]
            pub fn downgrade(&self) -> #krate::WeakControl<Self> {
                #krate::WeakControl::new(self)
            }

            #(#stubs)*
            #(#getters)*
        }

        #quiet
        impl ::core::fmt::Debug for #control {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(&self.core, #formatter)
            }
        }
    }
}

/// `pub fn add_two(&self, num1: i32, num2: i32) -> Call<i32>`
fn stub(interface: &Interface, command: &Command) -> TokenStream {
    let krate = &interface.options.krate;
    let signals = &interface.names.signals;
    let (control, args) = (&command.control, &command.args);
    let entry = entry(interface, command);
    let values = args.iter().map(|arg| &arg.ident);
    let ok = &command.returns.ok;
    let call = match command.returns.error {
        // The default is left out, for readability.
        Raised::Never => quote!(#krate::Call<#ok>),
        _ => {
            let error = error_type(&command.returns, krate);
            at_alias(&command.returns, quote!(#krate::Call<#ok, #error>))
        }
    };
    let note = command.signal.as_ref().map(|signal| {
        let signal = naming::plain(signal);
        format!("The result also arrives as signal [`{signal}`]({signals}::{signal}).")
    });
    let notes: Vec<String> = note.into_iter().chain(rules(command.rules)).collect();
    let lead = lead(interface, command);
    let docs = command.docs.copied(&interface.header.ident, &lead, noted(&notes).as_deref());
    quote! {
        #docs
        pub fn #control(&self, #(#args),*) -> #call {
            self.core.call(&#entry, (#(#values,)*))
        }
    }
}

/// Returns how the runtime treats a command, one sentence per rule.
fn rules(rules: Rules) -> Vec<String> {
    let timeout = rules.timeout.map(|milliseconds| {
        let time = timeout::in_words(milliseconds);
        match rules.no_cancel {
            false => format!("Ends after {time}."),
            true => format!("Reported as timed out after {time}, but continues to run."),
        }
    });
    let idempotent = rules.idempotent.then(|| "Runs once more by itself after a crash.".to_owned());
    let no_cancel = rules.no_cancel.then(|| "Cannot be cancelled once it runs.".to_owned());
    let every = rules.every.then(|| "Each write runs; no newer one supersedes it.".to_owned());
    timeout.into_iter().chain(idempotent).chain(no_cancel).chain(every).collect()
}

/// Joins sentences to a note, if there are any.
fn noted(sentences: &[String]) -> Option<String> {
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

/// `pub fn power(&self) -> f64`
fn getter(interface: &Interface, property: &Property) -> TokenStream {
    let (table, signals) = (&interface.names.table, &interface.names.signals);
    let (ident, ty, entry) = (&property.ident, &property.ty, naming::property(&property.ident));
    let name = naming::plain(ident);
    let lead = format!("The property `{name}`: its last value, without asking the child.");
    let note = property.notify.as_ref().map(|notify| {
        let notify = naming::plain(notify);
        format!(
            "A change arrives as signal [`{notify}`]({signals}::{notify}); the value may be ahead of it."
        )
    });
    let docs = property.docs.copied(&interface.header.ident, &lead, note.as_deref());
    quote! {
        #docs
        #[must_use]
        pub fn #ident(&self) -> #ty {
            self.core.property(&#table::#entry)
        }
    }
}

/// Returns the sentence that replaces missing documentation of a command.
fn lead(interface: &Interface, command: &Command) -> String {
    match command.origin {
        Origin::Method(_) => format!("Calls `{}` in the child.", naming::plain(&command.ident)),
        Origin::Setter(property) => {
            let property = naming::plain(&interface.properties[property].ident);
            format!(
                "Asks the child to change `{property}`. The call yields the value that holds afterwards."
            )
        }
    }
}

/// Expands the view of a control whose calls wait.
fn blocking(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let vis = &interface.header.vis;
    let names = &interface.names;
    let (control, blocking) = (&names.control, &names.blocking);
    let formatter = naming::local("formatter");
    let doc = line(&format!(
        "The commands of a [`{control}`] as calls that wait for their outcome: for code that may \
         block. Each makes the call and waits for it."
    ));
    let hidden = hidden_with_the_trait(interface);
    let quiet = quiet(interface);

    // The same commands as on the control: a call here makes the call there and waits for it.
    let commands = interface.commands.iter().filter(|command| command.on_control);
    let calls = commands.map(|command| {
        let (ident, args, ok) = (&command.control, &command.args, &command.returns.ok);
        let entry = entry(interface, command);
        let values = args.iter().map(|arg| &arg.ident);
        let error = match command.returns.error {
            Raised::Never => quote!(#krate::CallError),
            _ => {
                let error = error_type(&command.returns, krate);
                at_alias(&command.returns, quote!(#krate::CallError<#error>))
            }
        };
        let outcome = quote!(::core::result::Result<#ok, #error>);
        let outcome = at_alias(&command.returns, outcome);
        let waits = format!("Waits for the outcome of [`{control}::{}`].", naming::plain(ident));
        let notes: Vec<String> = std::iter::once(waits).chain(rules(command.rules)).collect();
        let (lead, note) = (lead(interface, command), noted(&notes));
        let docs = command.docs.summarised(&interface.header.ident, &lead, note.as_deref());
        quote! {
            #docs
            ///
            /// # Errors
            ///
            /// For every outcome except a result.
            pub fn #ident(&self, #(#args),*) -> #outcome {
                self.control.core.call_blocking(&#entry, (#(#values,)*))
            }
        }
    });
    quote! {
        #doc
        #hidden
        #quiet
        #[derive(::core::clone::Clone, ::core::marker::Copy)]
        #vis struct #blocking<'a> {
            control: &'a #control,
        }

        #quiet
        impl #blocking<'_> {
            #(#calls)*
        }

        #quiet
        impl ::core::fmt::Debug for #blocking<'_> {
            fn fmt(&self, #formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Debug::fmt(self.control, #formatter)
            }
        }
    }
}

/// Expands the functions with which the runtime makes a control and accesses its parts.
fn control_impl(interface: &Interface) -> TokenStream {
    let krate = &interface.options.krate;
    let ident = &interface.header.ident;
    let (control, signals) = (&interface.names.control, &interface.names.signals);
    let quiet = quiet(interface);
    let [wiring, core, given] = ["wiring", "core", "signals"].map(naming::local);
    let fields = signals::fields(interface, &wiring);
    quote! {
        #quiet
        impl #krate::Control for #control {
            type Interface = dyn #ident;
            type Signals = #signals;

            fn __signals(#wiring: &mut #krate::__private::Wiring) -> #signals {
                #signals { #fields }
            }

            fn __new(#core: #krate::__private::Core, #given: #signals) -> Self {
                Self { core: #core, signals: #given }
            }

            fn __core(&self) -> &#krate::__private::Core {
                &self.core
            }

            fn __signals_ref(&self) -> &#signals {
                &self.signals
            }
        }
    }
}
