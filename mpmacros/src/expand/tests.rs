//! The whole expansion as text, and its consistency with the tables of names. Also what is no part
//! of the comparison of interfaces, and that no path leads to mpcore but the given one.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Fields, ImplItem, Item, TraitItem, Visibility};

use crate::naming::{self, Namespace, RESERVED};

fn expanded(attribute: TokenStream, item: &TokenStream) -> syn::File {
    let tokens = super::process(attribute, item);
    syn::parse2(tokens).expect("the expansion is a file of items")
}

/// Returns the expansion as text, without the hash in the hidden macro's name, which depends on the
/// toolchain.
fn text(attribute: TokenStream, item: &TokenStream) -> String {
    let mut text = prettyplease::unparse(&expanded(attribute, item));
    while let Some(at) = text.find("__mp_") {
        let name = text[at..].split(|c: char| !c.is_alphanumeric() && c != '_').next();
        let name = name.unwrap_or_default().to_owned();
        text = text.replace(&name, "hidden_macro");
    }
    text
}

fn check(name: &str, attribute: TokenStream, item: &TokenStream) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text(attribute, item)));
}

/// One interface with all features of the design document.
#[test]
fn design() {
    check(
        "design",
        quote!(config = LaserConfig),
        &quote! {
            /// A laser.
            pub trait Laser {
                /// Adds two numbers.
                #[signal(name = "add_two_finished")]
                fn add_two(&mut self, num1: i32, num2: i32) -> i32;
                #[signal(postfix = "_finished")]
                fn sweep(&mut self, from: f64, to: f64, steps: u32) -> mpcore::Result<Vec<f64>>;
                #[signal]
                fn calibrate(&mut self) -> (f64, f64);
                #[property]
                fn connected(&self) -> bool;
                #[property(write, notify = "power_set", default = 1.0)]
                fn power(&self) -> f64;
                #[event]
                fn voltage(&self, volts: f64);
                #[event(latest)]
                fn position(&self, x: f64, y: f64);
            }
        },
    );
}

/// Raw identifiers, renames, a custom postfix, an alias of `Result`, a provided command, copied
/// attributes, rules of how commands are run, and mpcore under another path.
#[test]
fn unusual() {
    check(
        "unusual",
        quote!(postfix = "_done", crate = "crate::rpc"),
        &quote! {
            #[doc(hidden)]
            pub(crate) trait r#Motor {
                #[signal]
                #[timeout = "1m30s"]
                #[idempotent]
                fn r#move(&mut self, r#type: u8) -> std::io::Result<()>;
                #[no_cancel]
                #[command(rename = "emit_particles")]
                #[signal]
                #[deprecated = "old"]
                #[inline]
                fn spawn(&self) -> LaserResult<u8> {
                    Ok(1)
                }
                /// The mode.
                #[timeout = "250ms"]
                #[property(write)]
                #[no_cancel]
                fn r#mode(&self) -> Mode;
            }
        },
    );
}

/// After mistakes: the same items, with an alias in place of every wrong type.
#[test]
fn repaired() {
    check(
        "repaired",
        quote!(),
        &quote! {
            trait Laser: Send {
                #[signal]
                async fn label(&mut self, text: &str, n: u8) -> &str;
                fn spawn(&mut self);
                #[property]
                fn power(&self);
            }
        },
    );
}

/// The two sides compare the output of `__describe`. How a command is run does not concern the
/// child, so it must not make two sides differ.
#[test]
fn how_a_command_is_run_is_no_part_of_the_comparison() {
    let described = |item: &TokenStream| {
        let file = expanded(quote!(), item);
        let methods = file.items.into_iter().filter_map(|item| match item {
            Item::Impl(item) => Some(item.items),
            _ => None,
        });
        let describe = methods.flatten().find_map(|item| match item {
            ImplItem::Fn(item) if item.sig.ident == "__describe" => Some(item),
            _ => None,
        });
        crate::read::text::normal(&describe.expect("it is generated"))
    };
    let marked = described(&quote! {
        trait Laser {
            #[timeout = "5s"] #[idempotent] #[no_cancel] fn fire(&mut self, watts: f64) -> u8;
            #[timeout = "5s"] #[idempotent] #[no_cancel] #[property(write)] fn power(&self) -> f64;
        }
    });
    let plain = described(&quote! {
        trait Laser {
            fn fire(&mut self, watts: f64) -> u8;
            #[property(write)] fn power(&self) -> f64;
        }
    });
    assert_eq!(marked, plain);
}

/// An interface that declares nothing: all public items in its expansion are ours.
fn empty() -> syn::File {
    expanded(
        quote!(),
        &quote!(
            pub trait Empty {}
        ),
    )
}

/// Returns the names that the expansion of an empty interface uses in a namespace.
fn generated(namespace: Namespace) -> Vec<String> {
    let file = empty();
    let mut names = Vec::new();
    for item in &file.items {
        match (item, namespace) {
            (Item::Trait(item), Namespace::Trait) => {
                names.extend(item.items.iter().filter_map(|item| match item {
                    TraitItem::Fn(item) => Some(item.sig.ident.to_string()),
                    _ => None,
                }));
            }
            (Item::Impl(item), Namespace::Control) => {
                let on = crate::read::text::normal(&item.self_ty);
                if item.trait_.is_none()
                    && (on == "EmptyControl" || on.starts_with("EmptyBlocking"))
                {
                    names.extend(item.items.iter().filter_map(|item| match item {
                        ImplItem::Fn(item) if matches!(item.vis, Visibility::Public(_)) => {
                            Some(item.sig.ident.to_string())
                        }
                        _ => None,
                    }));
                }
            }
            (Item::Struct(item), _) => {
                let name = item.ident.to_string();
                if namespace == Namespace::Control
                    && name == "EmptyControl"
                    && crate::read::text::normal(&item.attrs.last()).contains("clone::Clone")
                {
                    // The derive's method: `control.clone()` would call a command of that name. And
                    // two that every type has and that take `self`, which come before any that take
                    // `&self`.
                    names.extend(["clone", "into", "try_into"].map(str::to_owned));
                }
                let fields_of = match namespace {
                    Namespace::Signals => "EmptySignals",
                    Namespace::Context => "EmptyContext",
                    Namespace::Trait | Namespace::Control => continue,
                };
                if let (true, Fields::Named(fields)) = (name == fields_of, &item.fields) {
                    names.extend(
                        fields
                            .named
                            .iter()
                            .filter_map(|field| Some(field.ident.as_ref()?.to_string())),
                    );
                }
            }
            _ => {}
        }
    }
    names
}

#[test]
fn reserved_names_are_those_that_are_generated() {
    for namespace in [Namespace::Trait, Namespace::Control, Namespace::Signals, Namespace::Context]
    {
        let mut reserved: Vec<String> = RESERVED
            .iter()
            .filter(|entry| entry.namespace == namespace)
            .map(|entry| entry.name.to_owned())
            .collect();
        let mut generated = generated(namespace);
        generated.retain(|name| !name.starts_with(naming::RESERVED_PREFIX));
        reserved.sort();
        generated.sort();
        assert_eq!(reserved, generated, "{namespace:?}");
    }
}

/// The reason given with allowed lints, which is text and not a path.
const BY: &str = "generated by `#[mpcore::process]`";

#[test]
fn no_path_leads_to_mpcore_but_the_given_one() {
    let text = text(
        quote!(crate = "elsewhere"),
        &quote! {
            trait Laser {
                #[signal]
                fn sweep(&mut self) -> Result<Outcome, RunFailure>;
                fn value(&mut self) -> Outcome;
                #[property(write)]
                fn power(&self) -> f64;
                #[event]
                fn voltage(&self, volts: f64);
            }
        },
    );
    assert!(
        text.contains("elsewhere::Interface") && !text.replace(BY, "").contains("mpcore"),
        "{text}"
    );
}
