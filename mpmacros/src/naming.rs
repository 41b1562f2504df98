//! The generated identifiers and the reserved names of `#[process]`; `qobject/names.rs` has those
//! of mpqt's macro. Names and postfixes that users write as strings are checked here.
//!
//! * A generated identifier has the span of the user's token that it is made from (the method, the
//!   trait, or the string of `name = ".."`), so go-to-definition and rename lead there.
//! * Raw identifiers: a name made *from* a name, and every string, is made without the `r#`
//!   (`r#type` gives `type_changed`, `set_type` and the text `"type"`).
//! * Hidden names (the table, locals of generated functions) have spans of the macro itself, and
//!   the user's expressions cannot see the locals.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use proc_macro2::{Ident, Span, TokenStream};
use syn::LitStr;
use syn::ext::IdentExt;
use syn::parse::Parser;

use crate::model::{Chosen, Interface};
use crate::rules::payload;

/// The text that a plain `#[signal]` appends to the command's name, unless the interface sets its
/// own.
pub(crate) const DEFAULT_POSTFIX: &str = "_changed";

/// The items generated for one interface, named after its trait.
pub(crate) struct Names {
    /// `LaserControl`
    pub(crate) control: Ident,
    /// `LaserSignals`
    pub(crate) signals: Ident,
    /// `LaserBlocking`
    pub(crate) blocking: Ident,
    /// `LaserContext`
    pub(crate) context: Ident,
    /// `__LaserTable`, private
    pub(crate) table: Ident,
    /// `__LaserBroken`, private, only after an error
    pub(crate) broken: Ident,
}

impl Names {
    /// Makes the names from the trait's name, except for those that the user has chosen.
    pub(crate) fn of(interface: &Ident, chosen: &Chosen) -> Names {
        let name = plain(interface);
        let shown = |given: &Option<LitStr>, postfix: &str| {
            let given = given.as_ref().and_then(|text| from_text(text).ok());
            given.unwrap_or_else(|| Ident::new(&format!("{name}{postfix}"), interface.span()))
        };
        let hidden = |postfix: &str| Ident::new(&format!("__{name}{postfix}"), Span::call_site());
        Names {
            control: shown(&chosen.control, "Control"),
            signals: shown(&chosen.signals, "Signals"),
            blocking: shown(&chosen.blocking, "Blocking"),
            context: shown(&chosen.context, "Context"),
            table: hidden("Table"),
            broken: hidden("Broken"),
        }
    }
}

/// Returns the name without `r#`.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// Returns the signal of a command: `add_two` and `_finished` give `add_two_finished`.
pub(crate) fn signal(command: &Ident, postfix: &str) -> Ident {
    Ident::new(&format!("{}{postfix}", plain(command)), command.span())
}

/// Returns the default signal of a property: `power_changed`. The interface's postfix applies to
/// commands only; a property always changes.
pub(crate) fn notify(property: &Ident) -> Ident {
    signal(property, "_changed")
}

/// Returns the command that writes a property: `set_power`.
pub(crate) fn setter(property: &Ident) -> Ident {
    Ident::new(&format!("set_{}", plain(property)), property.span())
}

/// Returns the constant of a command in the table. The prefixes `command_`, `property_` and
/// `event_` distinguish the three from each other and from [`config`].
pub(crate) fn command(ident: &Ident) -> Ident {
    hidden(&format!("command_{}", plain(ident)))
}

/// Returns the constant of a property in the table.
pub(crate) fn property(ident: &Ident) -> Ident {
    hidden(&format!("property_{}", plain(ident)))
}

/// Returns the constant of an event in the table.
pub(crate) fn event(ident: &Ident) -> Ident {
    hidden(&format!("event_{}", plain(ident)))
}

/// Returns the constant of the config's codec in the table.
pub(crate) fn config() -> Ident {
    hidden("config")
}

/// Returns the field through which a context dereferences to `ChildContext`.
pub(crate) fn inner_context() -> Ident {
    hidden("__context")
}

fn hidden(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// Returns the type parameter of the constructors, with a name that none of the user's types has.
pub(crate) fn child_parameter(interface: &Interface) -> Ident {
    let parameters = std::iter::once("P".to_owned()).chain((2..).map(|n| format!("P{n}")));
    let mut parameters = parameters.map(|name| hidden(&name));
    let is_free = |parameter: &Ident| {
        let names = std::slice::from_ref(parameter);
        *parameter != interface.header.ident && !payload::mentions(&interface.options.config, names)
    };
    parameters.find(is_free).expect("there are infinitely many")
}

/// Returns a variable of a generated function. The user's expressions (`default = ..`) cannot see
/// it, and no constant of the user's module has its name, which would turn a pattern of that name
/// into the constant.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__{name}"), Span::mixed_site())
}

/// Returns the config argument of the constructors: a name that documentation can show and that no
/// constant has.
pub(crate) fn config_argument() -> Ident {
    Ident::new("child_config", Span::mixed_site())
}

/// Returns the n-th argument of a generated closure.
pub(crate) fn argument(n: usize) -> Ident {
    local(&format!("argument_{n}"))
}

/// Returns a variable with the span of the user's code, so that errors about it are reported there
/// and as the user's. It also has the hygiene of that place, which `self` must not have: from a
/// `macro_rules!` it would be a different `self`.
pub(crate) fn local_at(name: &str, span: Span) -> Ident {
    Ident::new(&format!("__{name}"), span)
}

/// Returns the name of the hidden macro that passes the interface to other macros. With
/// `#[macro_export]` it is in the crate's root, so two interfaces of one name in two modules need
/// two names.
pub(crate) fn callback(interface: &Ident, tokens: &TokenStream) -> Ident {
    let mut hash = DefaultHasher::new();
    tokens.to_string().hash(&mut hash);
    // Outside of the compiler (our unit tests) spans have no place.
    if proc_macro::is_available() {
        let span = interface.span().unwrap();
        (span.file(), span.line(), span.column()).hash(&mut hash);
    }
    let hash = hash.finish();
    // A `macro_rules!` that contains the whole trait gives every use of it the same tokens at the
    // same place; only the count distinguishes them.
    static USES: Mutex<Option<HashMap<u64, u32>>> = Mutex::new(None);
    let mut uses = USES.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let uses = uses.get_or_insert_default().entry(hash).or_insert(0);
    *uses += 1;
    let name = plain(interface);
    match *uses {
        1 => hidden(&format!("__mp_{name}_{hash:016x}")),
        n => hidden(&format!("__mp_{name}_{hash:016x}_{n}")),
    }
}

/// Returns the enum that holds the methods of an interface until their conditions are evaluated.
pub(crate) fn conditions(interface: &Ident) -> Ident {
    hidden(&format!("__{}Conditions", plain(interface)))
}

/// Returns that enum's variant for a method.
pub(crate) fn variant(index: usize) -> Ident {
    hidden(&format!("Method{index}"))
}

/// Returns the identifier that the user wrote as a string: `name = "add_two_finished"`.
pub(crate) fn from_text(text: &LitStr) -> Result<Ident, String> {
    let value = text.value();
    let invalid = || format!("{value:?} is not a Rust identifier");
    let value = value.strip_prefix("r#").unwrap_or(&value);
    let ident = Ident::parse_any.parse_str(value).map_err(|_| invalid())?;
    if ident != value || matches!(value, "_" | "self" | "Self" | "super" | "crate") {
        return Err(invalid());
    }
    // `gen` is a keyword since edition 2024, which syn leaves to its callers.
    let keyword = syn::parse_str::<Ident>(value).is_err() || value == "gen";
    Ok(if keyword { Ident::new_raw(value, text.span()) } else { Ident::new(value, text.span()) })
}

/// Checks that `text` can be the end of every name: `postfix = "_finished"`.
pub(crate) fn check_postfix(text: &LitStr) -> Result<(), String> {
    let value = text.value();
    if value.is_empty() {
        return Err("an empty postfix would give the signal its command's name; \
                    `name = \"..\"` names a signal outright"
            .to_owned());
    }
    match syn::parse_str::<Ident>(&format!("a{value}")) {
        Ok(ident) if ident == format!("a{value}") => Ok(()),
        _ => Err(format!("{value:?} cannot be the end of a Rust identifier")),
    }
}

/// A scope in which names must differ from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Namespace {
    /// Methods of the trait, which the child implements.
    Trait,
    /// Methods of the control and of its blocking view.
    Control,
    /// Fields of the signals.
    Signals,
    /// Fields of the context.
    Context,
}

/// A name that the interface cannot use.
#[derive(Debug)]
pub(crate) struct Reserved {
    pub(crate) namespace: Namespace,
    pub(crate) name: &'static str,
    /// Completes "is taken: ".
    pub(crate) reason: &'static str,
}

/// Names with this prefix belong to generated code, in every namespace.
pub(crate) const RESERVED_PREFIX: &str = "__";

const fn reserved(namespace: Namespace, name: &'static str, reason: &'static str) -> Reserved {
    Reserved { namespace, name, reason }
}

/// All reserved names. The list is short on purpose: devices have commands called `start`, `stop`,
/// `reset`, `state` and `name`, so the life cycle is behind `control.process()`. A test compares
/// the table with the public items that are actually generated.
pub(crate) const RESERVED: &[Reserved] = &[
    reserved(
        Namespace::Trait,
        "postrun_init",
        "every child has it, and it runs before the first command",
    ),
    reserved(Namespace::Trait, "cleanup", "every child has it, and it runs at every orderly end"),
    reserved(Namespace::Control, "new", "it makes a control"),
    reserved(Namespace::Control, "spawn", "it makes a control and starts the child"),
    reserved(Namespace::Control, "builder", "it sets everything else before the start"),
    reserved(Namespace::Control, "signals", "it gives the signals"),
    reserved(Namespace::Control, "blocking", "it gives the calls that wait"),
    reserved(Namespace::Control, "process", "it gives the child's life cycle"),
    reserved(Namespace::Control, "downgrade", "it gives a handle that does not keep the child"),
    reserved(Namespace::Control, "clone", "it gives another handle of the same child"),
    reserved(Namespace::Control, "into", "`control.into()` is `Into::into`, for every type"),
    reserved(
        Namespace::Control,
        "try_into",
        "`control.try_into()` is `TryInto::try_into`, for every type",
    ),
    reserved(
        Namespace::Signals,
        "exception_raised",
        "it is the signal of failed commands and of crashes",
    ),
];

/// Returns the entry of `name` in a namespace, if it is reserved.
pub(crate) fn taken(namespace: Namespace, name: &str) -> Option<&'static Reserved> {
    RESERVED.iter().find(|entry| entry.namespace == namespace && entry.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::{format_ident, quote};

    fn text(value: &str) -> LitStr {
        LitStr::new(value, Span::call_site())
    }

    #[test]
    fn derived_names_drop_the_raw_prefix() {
        let ident = format_ident!("r#type");
        assert_eq!(plain(&ident), "type");
        assert_eq!(signal(&ident, "_finished"), "type_finished");
        assert_eq!(notify(&ident), "type_changed");
        assert_eq!(setter(&ident), "set_type");
        assert_eq!(command(&ident), "command_type");
        assert_eq!(
            Names::of(&format_ident!("r#Laser"), &Chosen::default()).control,
            "LaserControl"
        );
    }

    #[test]
    fn names_are_identifiers() {
        for (value, ident) in [("power_set", "power_set"), ("type", "r#type"), ("gen", "r#gen")] {
            assert_eq!(from_text(&text(value)).unwrap().to_string(), ident);
        }
        for bad in
            ["", " a", "a b", "2nd", "self", "Self", "crate", "_", "a-b", "a::b", "r#", "r#self"]
        {
            assert!(from_text(&text(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn postfixes_end_an_identifier() {
        for good in ["_finished", "Done", "2"] {
            assert!(check_postfix(&text(good)).is_ok(), "{good:?}");
        }
        for bad in ["", " ", "-done", "_done ", "::x"] {
            assert!(check_postfix(&text(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn equal_interfaces_at_one_place_get_callbacks_of_their_own() {
        let (laser, tokens) = (
            format_ident!("Laser"),
            quote!(
                trait Laser {}
            ),
        );
        assert_ne!(callback(&laser, &tokens), callback(&laser, &tokens));
    }

    #[test]
    fn each_reserved_name_stands_once() {
        for (i, a) in RESERVED.iter().enumerate() {
            let twin =
                RESERVED[..i].iter().find(|b| (b.namespace, b.name) == (a.namespace, a.name));
            assert!(twin.is_none(), "{a:?}");
        }
    }
}
