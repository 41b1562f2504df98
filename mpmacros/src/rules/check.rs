//! The rules for an interface. Each is one function; all of them run, so all mistakes are reported
//! at once, each at the token where the user can fix it.
//!
//! The trait:
//! * [`plain_trait`]: no generics, no supertraits, not `unsafe`. (A `#[cfg]` on the trait is
//!   evaluated before the macro runs, whether it is above or below it.)
//! * [`only_methods`]: no associated types or constants, no macros.
//! * [`valid_options`]: the config can be sent, the postfix can end a name, the chosen names are
//!   valid.
//! * [`one_process`]: `#[process]` is given once.
//!
//! The shape of each method:
//! * [`plain_function`]: not `async`, `unsafe`, `const`, `extern`, generic or variadic.
//! * [`receiver`]: a command takes `&mut self` or `&self`, the others `&self`.
//! * [`property_shape`], [`event_shape`]: `fn x(&self) -> T;` and `fn x(&self, a: A);`.
//! * [`named_arguments`]: plain names, each once.
//! * [`few_values`]: at most 16 arguments, at most 16 elements in a result's tuple.
//! * [`fit_types`]: no borrowed data, no types without a name or a size.
//!
//! The attributes of each method:
//! * [`one_role`]: no contradictions.
//! * [`run_by_the_controller`]: `#[timeout]` and the like are only on methods that the controller
//!   calls.
//! * [`valid_timeout`]: its text is a duration.
//! * [`every_write`]: `every` needs `write`.
//! * [`known_attributes`]: no `#[cfg]` on an argument, and no attribute on a property or an event
//!   that would be lost. (A `#[cfg]` on a method is evaluated before, see [`crate::read::conditions`].)
//! * [`valid_names`]: strings that become names are identifiers.
//!
//! All names:
//! * [`declared_once`], [`free_names`]: no name is used twice or reserved, derived ones
//!   (`x_changed`, `set_x`) included.
//!
//! Only rustc knows which types serde supports, whether a property's type has `Default`, and
//! whether a `Result` is one: the generated code checks this in one place, with the user's span.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericParam, Generics, LitStr, Pat, ReceiverKind, ReturnType, Safety,
    Signature, TraitItem, Type, parse_quote,
};

use crate::errors::Errors;
use crate::model::{Chosen, Interface, MOST_ARGUMENTS, Method, Returns, Role};
use crate::naming::{self, Namespace};
use crate::read::{parse, text, timeout};
use crate::rules::claims::{self, Contest};
use crate::rules::payload::{self, Unfit};

const TRAIT_RULES: [fn(&Interface, &mut Errors); 4] =
    [plain_trait, only_methods, valid_options, one_process];

const SHAPE_RULES: [fn(&Method, &mut Errors); 7] =
    [plain_function, receiver, property_shape, event_shape, named_arguments, few_values, fit_types];

const ATTRIBUTE_RULES: [fn(&Method, &mut Errors); 6] =
    [one_role, run_by_the_controller, valid_timeout, every_write, known_attributes, valid_names];

const NAME_RULES: [fn(&Interface, &mut Errors); 2] = [declared_once, free_names];

/// Runs every rule. Returns the indices of the methods whose signature does not fit their role.
pub(crate) fn check(interface: &Interface, errors: &mut Errors) -> BTreeSet<usize> {
    let mut misshapen = BTreeSet::new();
    for rule in TRAIT_RULES {
        rule(interface, errors);
    }
    for (index, method) in interface.methods.iter().enumerate() {
        for rule in ATTRIBUTE_RULES {
            rule(method, errors);
        }
        let before = errors.len();
        for rule in SHAPE_RULES {
            rule(method, errors);
        }
        if errors.len() > before {
            misshapen.insert(index);
        }
    }
    for rule in NAME_RULES {
        rule(interface, errors);
    }
    misshapen
}

// ---- the trait ----------------------------------------------------------------------------------

fn plain_trait(interface: &Interface, errors: &mut Errors) {
    let header = &interface.header;
    if let Some(auto) = &header.modifiers.auto_token {
        errors.at(auto, "an interface cannot be an auto trait");
    }
    if let Some(unsafety) = &header.unsafety {
        errors.at(unsafety, "an interface is a safe trait; remove `unsafe`");
    }
    generics(
        &header.generics,
        "an interface",
        "it describes one child, in another process",
        errors,
    );
    if !header.supertraits.is_empty() {
        errors.at(
            &header.supertraits,
            "an interface has no supertraits: its control represents another process, \
             which has only what is declared here",
        );
    }
}

fn only_methods(interface: &Interface, errors: &mut Errors) {
    for stranger in &interface.strangers {
        match stranger {
            TraitItem::Const(item) => errors.at(
                &item.ident,
                "an interface has only methods; a value of the child is a `#[property]`",
            ),
            TraitItem::Type(item) => errors.at(
                &item.ident,
                "an interface has only methods; name the type itself where it is used",
            ),
            TraitItem::Macro(item) => errors.at(
                &item.mac.path,
                "an interface has only methods, written out: macros in it are expanded too late",
            ),
            other => errors.at(
                other,
                "an interface has only methods: `fn name(&mut self, ..) -> ..;`, without `pub`",
            ),
        }
    }
}

fn valid_options(interface: &Interface, errors: &mut Errors) {
    let options = &interface.options;
    fit_type(&options.config, errors);
    if let Some(postfix) = &options.postfix
        && let Err(message) = naming::check_postfix(postfix)
    {
        errors.at(postfix, message);
    }
    for name in options.chosen.all() {
        if let Err(message) = naming::from_text(name) {
            errors.at(name, message);
        }
    }
    for name in clashing_names(&interface.header.ident, &options.chosen) {
        errors.at(name, format!("`{}` names two things", name.value()));
    }
}

/// Returns the chosen names that the trait or an earlier chosen name has already.
pub(crate) fn clashing_names<'a>(
    interface: &Ident,
    chosen: &'a Chosen,
) -> impl Iterator<Item = &'a LitStr> {
    let mut taken = vec![naming::plain(interface)];
    chosen.all().filter(move |name| {
        let name = name.value();
        let is_taken = taken.contains(&name);
        taken.push(name);
        is_taken
    })
}

fn one_process(interface: &Interface, errors: &mut Errors) {
    if let Some(attribute) = interface.header.attrs.iter().find(|attr| is_process(attr)) {
        errors.at(attribute.path(), "`#[process]` is given twice; join them");
    }
}

/// Returns whether an attribute is `#[mpcore::process]`, by any path.
pub(crate) fn is_process(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "process")
}

// ---- the shape of a method ----------------------------------------------------------------------

fn plain_function(method: &Method, errors: &mut Errors) {
    let sig = &method.item.sig;
    if let Some(default) = &method.item.modifiers.defaultness {
        errors.at(default, "remove `default`");
    }
    if let Some(constness) = &sig.constness {
        errors.at(constness, "a call to another process is not `const`; remove the word");
    }
    if let Some(asyncness) = &sig.asyncness {
        errors.at(
            asyncness,
            "commands run one at a time on the child's main thread; remove `async` \
             (the controller can `.await` every call)",
        );
    }
    match &sig.safety {
        Safety::Default => {}
        Safety::Unsafe(word) => {
            errors.at(
                word,
                "the controller cannot uphold a safety contract of the child; remove `unsafe`",
            );
        }
        Safety::Safe(word) => errors.at(word, "remove `safe`"),
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "the child is called by messages, not by an ABI; remove `extern`");
    }
    generics(
        &sig.generics,
        "a method of an interface",
        "values that are sent are owned and of one type",
        errors,
    );
    if let Some(variadic) = &sig.variadic {
        errors.at(variadic, "a method of an interface has a fixed number of arguments");
    }
}

fn receiver(method: &Method, errors: &mut Errors) {
    let sig = &method.item.sig;
    let word = method.role.word();
    let Some(receiver) = sig.receiver() else {
        let name = naming::plain(&sig.ident);
        let takes = match method.role {
            Role::Command => "`&mut self` or `&self`",
            Role::Property | Role::Event => "`&self`",
        };
        errors.at(&sig.ident, format!("the {word} `{name}` takes {takes}"));
        return;
    };
    match (&receiver.kind, method.role) {
        (ReceiverKind::Reference(_, Some(lifetime), _), _) => {
            errors.at(lifetime, "`self` needs no lifetime here; remove it");
        }
        (ReceiverKind::Reference(..), Role::Command)
        | (ReceiverKind::Reference(_, None, None), _) => {}
        (ReceiverKind::Reference(_, None, Some(mutability)), Role::Property) => {
            errors.at(
                mutability,
                "a property is read with `&self`; the child sets it in its context",
            );
        }
        (ReceiverKind::Reference(_, None, Some(mutability)), Role::Event) => {
            errors.at(mutability, "an event takes `&self`; the child emits it from its context");
        }
        (_, Role::Command) => errors.at(receiver, "a command takes `&mut self` or `&self`"),
        (_, Role::Property) => errors.at(receiver, "a property takes `&self`"),
        (_, Role::Event) => errors.at(receiver, "an event takes `&self`"),
    }
}

fn property_shape(method: &Method, errors: &mut Errors) {
    if method.role != Role::Property {
        return;
    }
    let sig = &method.item.sig;
    let name = naming::plain(&sig.ident);
    let arguments: Vec<&FnArg> = typed_arguments(sig).collect();
    if !arguments.is_empty() {
        let arguments: syn::punctuated::Punctuated<&FnArg, syn::Token![,]> =
            arguments.into_iter().collect();
        errors.at(&arguments, "a property takes no arguments");
    }
    if matches!(sig.output, ReturnType::Default) {
        errors.at(&sig.ident, format!("a property needs a type: `fn {name}(&self) -> T;`"));
    }
    no_body(method, "a property has no body: the child sets its value in its context", errors);
}

fn event_shape(method: &Method, errors: &mut Errors) {
    if method.role != Role::Event {
        return;
    }
    if let ReturnType::Type(_, ty) = &method.item.sig.output {
        errors.at(ty, "an event returns nothing: the controller does not answer it");
    }
    no_body(method, "an event has no body: the child emits it from its context", errors);
}

fn no_body(method: &Method, message: &str, errors: &mut Errors) {
    if let Some(body) = &method.item.default {
        errors.at_span(body.brace_token.span.open(), message);
    }
}

fn named_arguments(method: &Method, errors: &mut Errors) {
    let mut seen: Vec<&Ident> = Vec::new();
    for input in &method.item.sig.inputs {
        let FnArg::Typed(typed) = input else { continue };
        let Pat::Ident(pat) = &*typed.pat else {
            errors.at(&typed.pat, "an argument needs a plain name");
            continue;
        };
        let plain = pat.by_ref.is_none()
            && pat.subpat.is_none()
            // `mut` concerns only the body, if the command has one.
            && (pat.mutability.is_none() || method.item.default.is_some());
        if !plain {
            errors.at(&pat, "an argument needs a plain name");
        } else if seen.contains(&&pat.ident) {
            errors.at(
                &pat.ident,
                format!("the argument `{}` is named twice", naming::plain(&pat.ident)),
            );
        }
        seen.push(&pat.ident);
    }
}

fn few_values(method: &Method, errors: &mut Errors) {
    let sig = &method.item.sig;
    if method.role != Role::Property
        && let Some(surplus) = typed_arguments(sig).nth(MOST_ARGUMENTS)
    {
        errors.at(
            surplus,
            format!("at most {MOST_ARGUMENTS} arguments; put some of them into a struct"),
        );
    }
    if method.role == Role::Command
        // The result's shape does not depend on the path of mpcore.
        && let returns = Returns::of(&sig.output, &parse_quote!(mpcore))
        && let Type::Tuple(tuple) = payload::bare(&returns.ok)
        && tuple.elems.len() > MOST_ARGUMENTS
    {
        errors.at(tuple, format!("at most {MOST_ARGUMENTS} results; return a struct"));
    }
}

fn fit_types(method: &Method, errors: &mut Errors) {
    for argument in typed_arguments(&method.item.sig) {
        // A property with arguments was reported already.
        if let (FnArg::Typed(typed), Role::Command | Role::Event) = (argument, method.role) {
            fit_type(&typed.ty, errors);
        }
    }
    // And so was an event that returns a value.
    if let (ReturnType::Type(_, ty), Role::Command | Role::Property) =
        (&method.item.sig.output, method.role)
    {
        fit_type(ty, errors);
    }
}

/// Reports the parts of a type that cannot be sent.
fn fit_type(ty: &Type, errors: &mut Errors) {
    let error = payload::error_of_result(ty);
    for (unfit, tokens) in payload::unfit_parts(ty) {
        let message = match (unfit, error) {
            (Unfit::TraitObject, Some(error)) if payload::unfit_parts(error).len() == 1 => {
                "a trait object cannot travel to another process; `mpcore::Result<T>` takes every error \
                 by `?`, and boxed ones with `mpcore::Context`"
            }
            _ => unfit.message(),
        };
        errors.at(&tokens, message);
    }
}

// ---- the attributes of a method -----------------------------------------------------------------

fn one_role(method: &Method, errors: &mut Errors) {
    let marks = &method.marks;
    let word = method.role.word();
    if let (Some(_), Some(event)) = (&marks.property, &marks.event) {
        errors.at(&event.at, "a method is a property or an event, not both");
    }
    if method.role == Role::Command {
        return;
    }
    if let Some(signal) = &marks.signal {
        let how = match method.role {
            Role::Property => "a property names its signal with `#[property(notify = \"..\")]`",
            _ => "an event is a signal of its own name",
        };
        errors.at(&signal.at, format!("`#[signal]` is for commands; {how}"));
    }
    if let Some(command) = &marks.command {
        errors.at(&command.at, format!("`#[command]` is for commands; remove it from this {word}"));
    }
}

fn run_by_the_controller(method: &Method, errors: &mut Errors) {
    let marks = &method.marks;
    let why = match (method.role, &marks.property) {
        (Role::Command, _) => return,
        (_, Some(property)) if property.write => return,
        (Role::Property, _) => {
            "on a property it applies to the setter, and this one has none: write \
             `#[property(write)]`, or remove it"
        }
        (Role::Event, _) => "the controller does not call an event; remove it",
    };
    for at in marks.of_running() {
        let name = text::normal(at);
        errors.at(at, format!("`#[{name}]` is for commands; {why}"));
    }
}

fn every_write(method: &Method, errors: &mut Errors) {
    let property = method.marks.property.as_ref().filter(|property| !property.write);
    if let Some(every) = property.and_then(|property| property.every.as_ref()) {
        errors.at(
            every,
            "`every` applies to the controller's writes, and this property has none: write \
             `#[property(write, every)]`, or remove it",
        );
    }
}

fn valid_timeout(method: &Method, errors: &mut Errors) {
    // A value that is not a string was reported already.
    if let Some(text) = method.marks.timeout.as_ref().and_then(|mark| mark.text.as_ref())
        && let Err(message) = timeout::milliseconds(text)
    {
        errors.at(text, message);
    }
}

fn known_attributes(method: &Method, errors: &mut Errors) {
    let inputs = method.item.sig.inputs.iter().flat_map(|input| match input {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    });
    for attribute in inputs {
        if is_condition(attribute) {
            errors.at(
                attribute,
                "an argument cannot be conditional; declare the method twice, each with its condition",
            );
        }
    }
    if method.role == Role::Command {
        return;
    }
    // Properties and events are removed from the trait, so rustc would never see these attributes.
    const WITHOUT_EFFECT: [&str; 6] = ["allow", "deny", "expect", "forbid", "warn", "must_use"];
    // Conditions are left only after another mistake.
    const CARRIED: [&str; 4] = ["doc", "deprecated", "cfg", "cfg_attr"];
    const TOOLS: [&str; 2] = ["clippy", "rustfmt"];
    for attribute in &method.item.attrs {
        let path = attribute.path();
        let known = parse::is_mark(attribute)
            || CARRIED.iter().chain(&WITHOUT_EFFECT).any(|name| path.is_ident(name))
            || TOOLS.iter().any(|tool| path.segments[0].ident == tool);
        if !known {
            let name = text::normal(path);
            let what = match method.role {
                Role::Property => "a property",
                _ => "an event",
            };
            errors.at(path, format!("`#[{name}]` has no meaning here: {what} is not a function"));
        }
    }
}

fn valid_names(method: &Method, errors: &mut Errors) {
    let marks = &method.marks;
    let mut name = |text: Option<&LitStr>| {
        if let Some(text) = text
            && let Err(message) = naming::from_text(text)
        {
            errors.at(text, message);
        }
    };
    name(marks.command.as_ref().and_then(|mark| mark.rename.as_ref()));
    name(marks.property.as_ref().and_then(|mark| mark.notify.as_ref()));
    let Some(signal) = &marks.signal else { return };
    name(signal.name.as_ref());
    let Some(postfix) = &signal.postfix else { return };
    if signal.name.is_some() {
        errors.at(postfix, "`name` gives the whole name; remove `postfix`");
    } else if let Err(message) = naming::check_postfix(postfix) {
        errors.at(postfix, message);
    }
}

// ---- all names ----------------------------------------------------------------------------------

fn declared_once(interface: &Interface, errors: &mut Errors) {
    for (index, method) in interface.methods.iter().enumerate() {
        if is_repeated(interface, index) {
            let name = naming::plain(method.ident());
            errors.at(method.ident(), format!("`{name}` is declared twice"));
        }
    }
}

/// Returns whether an earlier method has the same name.
pub(crate) fn is_repeated(interface: &Interface, index: usize) -> bool {
    let name = naming::plain(interface.methods[index].ident());
    interface.methods[..index].iter().any(|method| naming::plain(method.ident()) == name)
}

fn free_names(interface: &Interface, errors: &mut Errors) {
    let claims = claims::claims(interface);
    // A pair of methods can clash in several places for one reason.
    let mut told = BTreeSet::new();
    for (claim, contest) in claims::contested(&claims) {
        let name = naming::plain(claim.ident);
        let what = claim.part.describe(interface);
        let remedy = claim.part.remedy(interface);
        // A method that is declared twice clashes everywhere.
        if is_repeated(interface, claim.method) {
            continue;
        }
        match contest {
            Contest::Prefix => {
                if told.insert((claim.method, None)) {
                    errors.at(
                        claim.ident,
                        format!(
                            "names that begin with `{}` belong to generated code; \
                             give {what} another name",
                            naming::RESERVED_PREFIX
                        ),
                    );
                }
            }
            Contest::Reserved(reserved) => {
                let place = place(interface, claim.namespace);
                let remedy = match claim.namespace {
                    Namespace::Trait => format!(
                        "give the method another name; `#[command(rename = \"{name}\")]` keeps \
                         this one on the control"
                    ),
                    _ => remedy.to_owned(),
                };
                let reason = reserved.reason;
                errors.at(claim.ident, format!("`{name}` is taken {place}: {reason}; {remedy}"));
            }
            Contest::Taken(first) => {
                if told.insert((claim.method, Some(first.method))) {
                    let other = first.part.describe(interface);
                    let place = place(interface, claim.namespace);
                    errors.at(
                        claim.ident,
                        format!("{what} would be `{name}` {place}, and so is {other}; {remedy}"),
                    );
                }
            }
        }
    }
}

/// "on `LaserControl`"
fn place(interface: &Interface, namespace: Namespace) -> String {
    let names = &interface.names;
    match namespace {
        Namespace::Trait => format!("in `{}`", naming::plain(&interface.header.ident)),
        Namespace::Control => format!("on `{}`", names.control),
        Namespace::Signals => format!("in `{}`", names.signals),
        Namespace::Context => format!("in `{}`", names.context),
    }
}

// ---- shared by rules ----------------------------------------------------------------------------

/// Reports parameters and where clauses; one error for each, since they are fixed one by one.
fn generics(generics: &Generics, what: &str, reason: &str, errors: &mut Errors) {
    if let (Some(first), Some(last)) = (generics.params.first(), generics.params.last()) {
        let all = [first, last].map(ToTokens::to_token_stream);
        let parameters = match first {
            GenericParam::Lifetime(_) => "lifetimes",
            GenericParam::Type(_) | GenericParam::Const(_) => "generic parameters",
        };
        errors.at(&Range(all), format!("{what} has no {parameters}: {reason}"));
    }
    if let Some(clause) = &generics.where_clause {
        errors.at(clause, format!("{what} has no `where` clause: {reason}"));
    }
}

/// Tokens that an error shows from the first to the last.
struct Range([proc_macro2::TokenStream; 2]);

impl ToTokens for Range {
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        tokens.extend(self.0.iter().cloned());
    }
}

/// `#[cfg(..)]` or `#[cfg_attr(..)]`
pub(crate) fn is_condition(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr")
}

fn typed_arguments(sig: &Signature) -> impl Iterator<Item = &FnArg> {
    sig.inputs.iter().filter(|input| matches!(input, FnArg::Typed(_)))
}

#[cfg(test)]
mod tests {
    use proc_macro2::TokenStream;
    use quote::quote;

    use super::*;

    /// Each message begins as expected, and there are no others.
    fn check(methods: &TokenStream, expected: &[&str]) {
        let mut errors = Errors::default();
        let item = quote!(trait Laser { #methods });
        let interface = parse::interface(quote!(), &item, &mut errors).expect("a trait");
        super::check(&interface, &mut errors);
        let messages = errors.messages();
        let as_expected = messages.len() == expected.len()
            && messages.iter().zip(expected).all(|(message, start)| message.starts_with(start));
        assert!(as_expected, "{messages:#?}");
    }

    #[test]
    fn what_devices_need_is_sound() {
        check(
            &quote! {
                fn start(&mut self) -> Result<(), String>;
                #[signal] fn stop(&self);
                fn name(&self) -> Option<Vec<(String, [f64; 3])>>;
                #[command(rename = "emit")] #[signal(name = "type")] fn spawn(&mut self) { work(); }
                #[property(write)] fn power(&self) -> f64;
                #[event(latest)] fn position(&self, x: f64, y: f64);
            },
            &[],
        );
    }

    /// Finds a mark that was added without its entry in one of the lists.
    #[test]
    fn every_mark_is_refused_twice_and_outside_of_its_role() {
        let messages = |methods: TokenStream| {
            let mut errors = Errors::default();
            let item = quote!(trait Laser { #methods });
            let interface = parse::interface(quote!(), &item, &mut errors).expect("a trait");
            super::check(&interface, &mut errors);
            errors.messages()
        };
        for name in parse::MARKS {
            let ident = quote::format_ident!("{name}");
            let (mark, mend) = match name {
                "timeout" => (quote!(#[timeout = "5s"]), "remove one"),
                "command" => (quote!(#[command(rename = "begin")]), "join them"),
                "signal" => (quote!(#[signal(postfix = "_done")]), "join them"),
                "property" | "event" => (quote!(#[#ident]), "join them"),
                _ => (quote!(#[#ident]), "remove one"),
            };
            let twice = messages(quote!(#mark #mark fn start(&self) -> i32;));
            let expected = format!("`#[{name}]` is given twice; {mend}");
            assert!(twice.contains(&expected), "{name} twice: {twice:#?}");
            if name != "event" {
                let on_event = messages(quote!(#[event] #mark fn start(&self, x: i32);));
                assert!(!on_event.is_empty(), "`#[{name}]` on an event means nothing");
            }
        }
    }

    #[test]
    fn two_methods_that_clash_in_several_places_are_reported_once() {
        // Both fields of both sides.
        check(
            &quote! {
                #[event] fn ready(&self);
                #[signal(name = "ready")] fn wait(&mut self);
            },
            &["the signal of the command `wait` would be `ready` in `LaserSignals`"],
        );
        // Everything of both.
        check(
            &quote! {
                #[signal] fn ready(&mut self);
                #[signal] fn ready(&mut self);
            },
            &["`ready` is declared twice"],
        );
    }

    #[test]
    fn a_clash_is_reported_where_an_attribute_can_solve_it() {
        check(
            &quote! {
                #[property(write)] fn power(&self) -> f64;
                fn set_power(&mut self);
                #[event] fn power_changed(&self);
            },
            &[
                "the setter of the property `power` would be `set_power`",
                "the signal of the property `power` would be `power_changed`",
            ],
        );
    }

    #[test]
    fn how_a_command_is_run_is_for_what_the_controller_asks() {
        check(
            &quote! {
                #[timeout = "5s"] #[idempotent] #[no_cancel] fn fire(&mut self);
                #[timeout = "5s"] #[property(write)] #[idempotent] #[no_cancel]
                fn power(&self) -> f64;
            },
            &[],
        );
        check(
            &quote! {
                #[timeout = "5s"] #[property] #[no_cancel] fn connected(&self) -> bool;
                #[idempotent] #[event(latest)] fn voltage(&self, volts: f64);
            },
            &[
                "`#[timeout]` is for commands; on a property it applies to the setter, and",
                "`#[no_cancel]` is for commands; on a property",
                "`#[idempotent]` is for commands; the controller does not call an event",
            ],
        );
        check(
            &quote! {
                #[timeout = "5 seconds"] fn a(&mut self);
                #[timeout = "0s"] fn b(&mut self);
                #[timeout = "0.1ms"] fn c(&mut self);
                #[timeout = "50000h"] fn d(&mut self);
            },
            &[
                "\"5 seconds\" is not a duration; write it like \"5s\"",
                "a timeout of nothing",
                "\"0.1ms\" is finer than a millisecond",
                "\"50000h\" is too long: a timeout is at most 49 days",
            ],
        );
    }

    #[test]
    fn raw_names_clash_with_plain_ones() {
        check(
            &quote! {
                #[signal(name = "type")] fn a(&mut self);
                #[event] fn r#type(&self);
            },
            &["the event `type` would be `type` in `LaserSignals`, and so is the signal"],
        );
    }

    #[test]
    fn a_reserved_name_is_free_in_other_namespaces() {
        check(
            &quote! {
                #[signal(name = "process")] fn a(&mut self);
                #[event] fn spawn(&self);
                #[command(rename = "cleanup")] fn b(&mut self);
                #[command(rename = "exception_raised")] fn c(&mut self);
            },
            &[],
        );
        check(
            &quote!(
                #[property]
                fn process(&self) -> u8;
            ),
            &["`process` is taken on `LaserControl`: it gives the child's life cycle"],
        );
    }

    #[test]
    fn two_mistakes_are_reported_separately() {
        check(
            &quote! {
                async unsafe fn a<T>(self, (x, y): (&u8, &u8)) -> impl Send;
            },
            &[
                "commands run one at a time",
                "the controller cannot uphold",
                "a method of an interface has no generic parameters",
                "a command takes",
                "an argument needs",
                "a reference",
                "a reference",
                "`impl Trait`",
            ],
        );
    }
}
