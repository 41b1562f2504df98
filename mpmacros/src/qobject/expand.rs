//! Expands the QObject. Generated code contains no logic: it names things and passes them to
//! generic functions of mpqt.
//!
//! The struct is in a module of its own, since `derive(QObject)` needs Qt's types under their bare
//! names. The user's paths are used outside of it, where they are valid.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Visibility, parse_quote};

use super::declaration::{Declaration, Program};
use super::names::{self, Names};
use super::qt_type;
use crate::model::{self, Interface};
use crate::naming;

pub(super) fn expand(
    declaration: &Declaration,
    interface: &Interface,
    names: &Names,
) -> TokenStream {
    let Declaration { krate, attrs, vis, name, control, .. } = declaration;
    let module = format_ident!("__mpqt_{}", name);
    let inner_vis = inner(vis);
    let object = Object { declaration, interface, names };
    let Parts { fields, functions } = object.parts();
    let connections = object.connections();
    let text = name.to_string();
    let names::Own { config_changed, exception_raised, call_finished, call_failed } = &names.own;
    // At the user's token, where rustc reports a control that is less visible than the object.
    let control_type = quote_spanned!(control.span()=> type Control = #control;);
    let exception_text = exception_raised.to_string();
    let call_texts = [call_finished, call_failed].map(ToString::to_string);
    let with_program = match &declaration.program {
        Program::Child(child) => Some(quote!(builder.child::<#child>())),
        Program::Path(program) => Some(quote!(builder.program(#program))),
        Program::None => None,
    };
    // Without a program there is no builder: the object shows an attached control.
    let builder = match (with_program, &declaration.options) {
        (None, _) => quote!(::core::option::Option::None),
        (Some(builder), None) => quote!(::core::option::Option::Some(#builder)),
        (Some(builder), Some(options)) => {
            quote!(::core::option::Option::Some(#krate::__private::set_options(#builder, #options)))
        }
    };
    let interface_doc = format!(
        "The [`{}`] of a child process as a `QObject`.",
        control.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
    );
    quote! {
        #[doc(hidden)]
        #[allow(
            clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction, deprecated, dead_code,
            missing_debug_implementations, missing_docs, non_camel_case_types, non_snake_case,
            unreachable_pub, unused_imports, unused_qualifications, unused_variables
        )]
        mod #module {
            use #krate::__private::{
                self as __mpqt, Launch as _, QByteArray, QObject, QString, QVariant,
                qmetaobject as __qmo, qt_base_class, qt_method, qt_property, qt_signal,
            };

            #[doc = #interface_doc]
            #[doc = ""]
            #(#attrs)*
            #[derive(__mpqt::QObject, ::core::default::Default)]
            #[QMetaObjectCrate = "__qmo"]
            #inner_vis struct #name {
                __base: qt_base_class!(trait QObject),
                __core: __mpqt::Core<#name>,
                config: qt_property!(QVariant; READ __config WRITE __set_config NOTIFY #config_changed),
                #config_changed: qt_signal!(),
                process: qt_property!(__mpqt::RefCell<__mpqt::MpqtProcess>; CONST),
                #exception_raised: qt_signal!(exception: QVariant),
                #call_finished: qt_signal!(call: u64, name: QString),
                #call_failed: qt_signal!(call: u64, name: QString, error: QVariant),
                #(#fields)*
            }

            impl #name {
                fn __config(&self) -> QVariant {
                    self.__core.config()
                }

                fn __set_config(&self, config: QVariant) {
                    self.__core.set_config(self, config, __mpqt::decode);
                }

                #(#functions)*
            }

            impl __mpqt::QmlType for #name {
                fn __constructed(&self) {
                    __mpqt::constructed(self);
                }

                fn __completed(&self) {
                    __mpqt::completed(self);
                }
            }

            impl __mpqt::ControlObject for #name {
                const NAME: &'static str = #text;
                const CALL_SIGNALS: [&'static str; 2] = [#(#call_texts),*];

                fn __core(&self) -> &__mpqt::Core<Self> {
                    &self.__core
                }

                fn __process(&self) -> &__mpqt::RefCell<__mpqt::MpqtProcess> {
                    &self.process
                }

                fn __default_config(
                ) -> ::core::result::Result<__mpqt::Config<Self>, __mpqt::ConvertError> {
                    __mpqt::decode_empty()
                }

                fn __connect(
                    link: &__mpqt::Link<Self>,
                    control: &<Self as __mpqt::Launch>::Control,
                ) {
                    let signals = control.signals();
                    #(#connections)*
                    link.connect(&signals.exception_raised, #exception_text, |(exception,)| {
                        let exception = __mpqt::exception(exception);
                        move |object: &#name| object.#exception_raised(exception)
                    });
                }

                fn __config_changed(&self) {
                    self.#config_changed();
                }

                fn __call_finished(&self, call: u64, name: QString) {
                    self.#call_finished(call, name);
                }

                fn __exception_raised(&self, exception: QVariant) {
                    self.#exception_raised(exception);
                }

                fn __call_failed(&self, call: u64, name: QString, error: QVariant) {
                    self.#call_failed(call, name, error);
                }
            }
        }

        #vis use #module::#name;

        impl #krate::__private::Launch for #name {
            #control_type

            fn __builder(
                builder: #krate::__private::ControlBuilder<#control>,
            ) -> ::core::option::Option<#krate::__private::ControlBuilder<#control>> {
                #builder
            }
        }

        #[allow(dead_code)]
        impl #name {
            /// Makes an object that shows this child. The object holds the control too, and
            /// releases it when it is dropped.
            ///
            /// # Errors
            /// If the control does not deliver to this thread: build it with
            /// `.inbox(mpqt::inbox())`.
            #vis fn attach(
                control: #control,
            ) -> ::core::result::Result<#krate::Attached<#name>, #krate::AttachError> {
                #krate::Attached::new(control)
            }

            /// Returns the control, or `None` if this object has no child of its own and is not
            /// attached to one.
            #vis fn control(&self) -> ::core::option::Option<#control> {
                #krate::__private::control(self)
            }
        }
    }
}

/// Returns the visibility of the struct as written in its own module.
fn inner(vis: &Visibility) -> Visibility {
    match vis {
        Visibility::Inherited => parse_quote!(pub(super)),
        Visibility::Restricted(restricted) if restricted.path.is_ident("self") => {
            parse_quote!(pub(super))
        }
        Visibility::Restricted(restricted)
            if restricted.path.segments.first().is_some_and(|it| it.ident == "super") =>
        {
            let path = &restricted.path;
            parse_quote!(pub(in super::#path))
        }
        other => other.clone(),
    }
}

struct Parts {
    fields: Vec<TokenStream>,
    functions: Vec<TokenStream>,
}

struct Object<'a> {
    declaration: &'a Declaration,
    interface: &'a Interface,
    names: &'a Names,
}

impl Object<'_> {
    fn commands(&self) -> impl Iterator<Item = (&model::Command, &names::Command)> {
        self.interface.commands.iter().zip(&self.names.commands)
    }

    fn properties(&self) -> impl Iterator<Item = (&model::Property, &names::Property)> {
        self.interface.properties.iter().zip(&self.names.properties)
    }

    fn events(&self) -> impl Iterator<Item = (&model::Event, &Ident)> {
        self.interface.events.iter().zip(&self.names.events)
    }

    /// Expands the members of the struct, and the accessors of its properties.
    fn parts(&self) -> Parts {
        let mut parts = Parts { fields: Vec::new(), functions: Vec::new() };
        for (command, names) in self.commands() {
            parts.fields.push(method(command, names));
            if let Some(signal) = &names.signal {
                let types = command.returns.arguments();
                let args = match types.len() {
                    1 => vec![format_ident!("result")],
                    count => (1..=count).map(|n| format_ident!("result{n}")).collect(),
                };
                let types = types.iter().map(qt_type::of);
                parts.fields.push(quote!(#signal: qt_signal!(#(#args: #types),*),));
            }
        }
        for (property, names) in self.properties() {
            let (name, notify) = (&names.name, &names.notify);
            let (field, shown, functions) = accessors(property, names);
            parts.fields.push(quote!(#name: qt_property!(#field NOTIFY #notify),));
            parts.fields.push(shown);
            let ty = qt_type::of(&property.ty);
            parts.fields.push(quote!(#notify: qt_signal!(value: #ty),));
            parts.functions.push(functions);
        }
        for (event, name) in self.events() {
            let args = event.args.iter().map(|arg| &arg.ident);
            let types = event.args.iter().map(|arg| qt_type::of(&arg.ty));
            parts.fields.push(quote!(#name: qt_signal!(#(#args: #types),*),));
        }
        parts
    }

    /// Expands the connections of the control's signals to those of the struct.
    fn connections(&self) -> Vec<TokenStream> {
        let object = &self.declaration.name;
        let connect = |from: &Ident, to: &Ident, types: Vec<Ident>| {
            let args: Vec<_> = (1..=types.len()).map(|n| format_ident!("arg{n}")).collect();
            let text = to.to_string();
            quote! {
                link.connect(&signals.#from, #text, |(#(#args,)*)| {
                    #(let #args = __mpqt::ToQt::<#types>::to_qt(#args);)*
                    move |object: &#object| object.#to(#(#args),*)
                });
            }
        };
        let results = self.commands().filter_map(|(command, names)| {
            let types = command.returns.arguments().iter().map(qt_type::of).collect();
            Some(connect(command.signal.as_ref()?, names.signal.as_ref()?, types))
        });
        let changes = self.properties().filter_map(|(property, names)| {
            let (from, to) = (property.notify.as_ref()?, &names.notify);
            let (shown, real) = (shown(property), qt_type::of(&property.ty));
            let value = match &names.setter {
                Some(_) => quote!(__mpqt::QMetaType::to_qvariant(&value)),
                None => quote!(::core::clone::Clone::clone(&value)),
            };
            Some(quote! {
                link.connect_property(
                    &signals.#from,
                    |object: &#object| &object.#shown,
                    |value| {
                        let value = __mpqt::ToQt::<#real>::to_qt(value);
                        (#value, value)
                    },
                    |object: &#object, value| object.#to(value),
                );
            })
        });
        let events = self.events().map(|(event, name)| {
            let types = event.args.iter().map(|arg| qt_type::of(&arg.ty)).collect();
            connect(&event.ident, name, types)
        });
        results.chain(changes).chain(events).collect()
    }
}

/// Expands `add_two(QVariant, QVariant)`, which checks its arguments and returns the call's number.
fn method(command: &model::Command, names: &names::Command) -> TokenStream {
    let (method, control) = (&names.method, &command.control);
    let text = method.to_string();
    let texts = names.args.iter().map(naming::plain);
    // Not the user's names, which may clash with names here.
    let args: Vec<_> = (1..=command.args.len()).map(|n| format_ident!("arg{n}")).collect();
    quote! {
        #method: qt_method!(fn #method(&self, #(#args: QVariant),*) -> u64 {
            self.__core.submit(self, #text, move |control| {
                ::core::result::Result::Ok(
                    control.#control(#(__mpqt::argument(#texts, #args)?),*).id().get(),
                )
            })
        }),
    }
}

/// Returns the field that holds the shown value of a property.
fn shown(property: &model::Property) -> Ident {
    format_ident!("__shown_{}", naming::plain(&property.ident), span = Span::call_site())
}

/// Expands type, shown value and accessors of a property. A writable property takes a `QVariant`,
/// because Qt would silently convert a wrong value to a number.
fn accessors(
    property: &model::Property,
    names: &names::Property,
) -> (TokenStream, TokenStream, TokenStream) {
    let (name, getter) = (&names.name, &property.ident);
    let text = name.to_string();
    let read = format_ident!("__get_{}", naming::plain(getter), span = Span::call_site());
    let write = format_ident!("__write_{}", naming::plain(getter), span = Span::call_site());
    let real = qt_type::of(&property.ty);
    let shown = shown(property);
    let ty = match &names.setter {
        Some(_) => Ident::new("QVariant", Span::call_site()),
        None => real,
    };
    let written = match &names.setter {
        Some(_) => {
            let setter = naming::setter(&property.ident);
            quote! {
                fn #write(&self, value: QVariant) {
                    self.__core.write(self, #text, move |control| {
                        control.#setter(__mpqt::decode(value)?);
                        ::core::result::Result::Ok(())
                    });
                }
            }
        }
        None => quote! {
            fn #write(&self, _value: #ty) {
                self.__core.refuse_write(self, #text);
            }
        },
    };
    let functions = quote! {
        fn #read(&self) -> #ty {
            self.#shown.get()
        }

        #written
    };
    (quote!(#ty; READ #read WRITE #write), quote!(#shown: __mpqt::Shown<#ty>,), functions)
}
