//! Expansion after an error: the same items, from a repaired model, so that the user sees the
//! mistakes and not their consequences.
//!
//! A wrong type becomes `__LaserBroken`, an alias of a type with a constant parameter, whose value
//! is the first error's `compile_error!`. rustc treats it as a type for which it has reported an
//! error already, so uses of it cause no further errors. (In the place of a type itself,
//! `compile_error!` expands to `()`, which does cause them.) All other types are kept.
//!
//! A command of the wrong shape stays in the trait as written, so that the user's `impl` still
//! fits, with a `where Self: Sized`, so that the trait still has a `dyn Laser`.
//!
//! A method, a stub or a signal whose name is taken is left out.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    FnArg, GenericParam, Generics, Ident, ItemTrait, Pat, ReturnType, Safety, Signature, TraitItem,
    Type, parse_quote,
};

use crate::errors::Errors;
use crate::expand;
use crate::model::{Chosen, Command, Interface, MOST_ARGUMENTS, Method, Origin, Raised, Role};
use crate::naming::{self, Namespace};
use crate::rules::check;
use crate::rules::claims::{self, Claim, Contest, Part};
use crate::rules::payload::{self, Unfit};

/// Expands an interface with mistakes. `misshapen` are the methods of the wrong shape.
pub(crate) fn expand(
    interface: Interface,
    misshapen: &BTreeSet<usize>,
    errors: Errors,
) -> TokenStream {
    let Some((first, rest)) = errors.into_first_and_rest() else {
        return expand::expand(&interface);
    };
    let broken = interface.names.broken.clone();
    let repaired = expand::expand_repaired(&repair(interface, misshapen));
    quote! {
        type #broken = ::core::array::IntoIter<(), { #first }>;
        #rest
        #repaired
    }
}

/// Returns the interface as rustc accepts it, see the [module](self).
fn repair(interface: Interface, misshapen: &BTreeSet<usize>) -> Interface {
    let broken = Broken::of(&interface);
    let (dropped, unwritten) = losers(&interface);
    let ident = interface.header.ident.clone();
    let Interface { mut options, mut header, methods, strangers, .. } = interface;
    header.attrs.retain(|attr| !check::is_process(attr));
    if check::clashing_names(&ident, &options.chosen).next().is_some() {
        options.chosen = Chosen::default();
    }

    if broken.is_in(&options.config) {
        options.config = broken.ty();
    }
    broken.repair_header(&mut header);
    let mut commands_to_repair = BTreeSet::new();
    let mut kept = Vec::new();
    for (index, mut method) in methods.into_iter().enumerate() {
        if dropped.contains(&index) {
            continue;
        }
        if unwritten.contains(&index)
            && let Some(mark) = &mut method.marks.property
        {
            mark.write = false;
        }
        let needs_repair = misshapen.contains(&index) || broken.is_mentioned_in(&method.item.sig);
        match method.role {
            Role::Command if needs_repair => {
                broken.repair_in_trait(&mut method);
                commands_to_repair.insert(kept.len());
            }
            // These are not in the emitted trait, so the written types need not be kept.
            Role::Property | Role::Event if needs_repair => {
                broken.repair_types(&mut method.item.sig);
            }
            _ => {}
        }
        without_conditions(&mut method);
        kept.push(method);
    }
    let strangers = strangers.into_iter().filter_map(sized_stranger).collect();

    let mut interface = Interface::new(options, header, kept, strangers);
    for command in &mut interface.commands {
        if let Origin::Method(index) = command.origin
            && commands_to_repair.contains(&index)
        {
            let own = parameters(&interface.methods[index].item.sig.generics);
            broken.repair_command(command, &own);
        }
    }
    drop_contested(&mut interface);
    interface
}

/// Returns the methods whose name in the trait or in the context is taken by another one, and the
/// properties that have no setter for that reason.
fn losers(interface: &Interface) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let mut dropped: BTreeSet<usize> = (0..interface.methods.len())
        .filter(|index| check::is_repeated(interface, *index))
        .collect();
    let mut unwritten = BTreeSet::new();
    for (claim, contest) in claims::contested(&claims::claims(interface)) {
        if is_harmless(claim, &contest) {
            continue;
        }
        match claim.part {
            Part::Method(i) if matches!(interface.commands[i].origin, Origin::Setter(_)) => {
                unwritten.insert(claim.method);
            }
            Part::Method(_) | Part::Value(_) | Part::Event(_) => {
                dropped.insert(claim.method);
            }
            Part::Stub(_) | Part::Signal(_) | Part::Getter(_) | Part::Notify(_) => {}
        }
    }
    (dropped, unwritten)
}

/// Returns whether a contested name can stay: one that begins with `__` can, so that the user's
/// `impl` still fits, except in the context, where generated code has such a name.
fn is_harmless(claim: &Claim<'_>, contest: &Contest<'_, '_>) -> bool {
    matches!(contest, Contest::Prefix) && claim.namespace != Namespace::Context
}

/// Removes all other contested names.
fn drop_contested(interface: &mut Interface) {
    let parts: Vec<Part> = claims::contested(&claims::claims(interface))
        .into_iter()
        .filter(|(claim, contest)| !is_harmless(claim, contest))
        .map(|(claim, _)| claim.part)
        .collect();
    for part in parts {
        match part {
            Part::Stub(i) => interface.commands[i].on_control = false,
            Part::Signal(i) => interface.commands[i].signal = None,
            Part::Getter(i) => interface.properties[i].on_control = false,
            Part::Notify(i) => interface.properties[i].notify = None,
            // `losers` found these.
            Part::Method(_) | Part::Value(_) | Part::Event(_) => {}
        }
    }
}

/// Keeps an associated type, so that the user's `impl` may name it; a constant cannot be kept.
fn sized_stranger(stranger: TraitItem) -> Option<TraitItem> {
    match stranger {
        TraitItem::Type(mut item) => {
            item.generics.make_where_clause().predicates.push(parse_quote!(Self: Sized));
            Some(TraitItem::Type(item))
        }
        _ => None,
    }
}

/// Removes the conditions: there are any only after a mistake, and they were not evaluated.
fn without_conditions(method: &mut Method) {
    method.item.attrs.retain(|attr| !check::is_condition(attr));
    for input in &mut method.item.sig.inputs {
        match input {
            FnArg::Receiver(receiver) => receiver.attrs.retain(|attr| !check::is_condition(attr)),
            FnArg::Typed(typed) => typed.attrs.retain(|attr| !check::is_condition(attr)),
        }
    }
}

/// The type that replaces every wrong type, and the parameters that make a type wrong.
struct Broken {
    alias: Ident,
    /// The generic parameters of the trait, which cannot be named outside of it.
    parameters: Vec<Ident>,
    /// Those that are removed from the repaired trait.
    removed: Vec<Ident>,
}

impl Broken {
    fn of(interface: &Interface) -> Broken {
        let generics = &interface.header.generics;
        let types: Vec<&Ident> = generics.type_params().map(|param| &param.ident).collect();
        let parameters = parameters(generics);
        let removed = parameters.iter().filter(|name| !types.contains(name)).cloned().collect();
        Broken { alias: interface.names.broken.clone(), parameters, removed }
    }

    /// Keeps type parameters, so that `impl Laser<f64> for ..` fits, and gives them a default, so
    /// that there is a `dyn Laser`. Other parameters cannot have a suitable default.
    fn repair_header(&self, header: &mut ItemTrait) {
        header.modifiers.auto_token = None;
        header.colon_token = None;
        header.supertraits.clear();
        let mut generics = Generics::default();
        for param in header.generics.type_params() {
            let mut param = param.clone();
            param.default = Some((<syn::Token![=]>::default(), self.ty()));
            generics.params.push(GenericParam::Type(param));
        }
        header.generics = generics;
    }

    fn ty(&self) -> Type {
        let alias = &self.alias;
        parse_quote!(#alias)
    }

    fn is_in(&self, ty: &Type) -> bool {
        !payload::unfit_parts(ty).is_empty() || payload::mentions(ty, &self.parameters)
    }

    fn is_mentioned_in(&self, sig: &Signature) -> bool {
        payload::mentions(sig, &self.parameters)
    }

    /// Repairs a method that is not emitted: every wrong type, and surplus or repeated arguments.
    fn repair_types(&self, sig: &mut Signature) {
        let own = parameters(&sig.generics);
        let is_wrong = |ty: &Type| self.is_in(ty) || payload::mentions(ty, &own);
        let arguments = sig.inputs.iter_mut().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(typed),
            FnArg::Receiver(_) => None,
        });
        let mut seen: Vec<Ident> = Vec::new();
        for (i, typed) in arguments.enumerate() {
            if i >= MOST_ARGUMENTS || is_wrong(&typed.ty) {
                *typed.ty = self.ty();
            }
            if let Pat::Ident(pat) = &mut *typed.pat {
                if seen.contains(&pat.ident) {
                    pat.ident = naming::argument(i);
                }
                seen.push(pat.ident.clone());
            }
        }
        if let ReturnType::Type(_, ty) = &mut sig.output
            && is_wrong(ty)
        {
            **ty = self.ty();
        }
    }

    /// Repairs the parts of a command of the wrong shape that rustc would reject in the trait
    /// itself.
    fn repair_in_trait(&self, method: &mut Method) {
        let item = &mut method.item;
        item.modifiers.defaultness = None;
        let has_body = item.default.is_some();
        let sig = &mut item.sig;
        if sig.asyncness.is_some() {
            item.attrs.push(parse_quote!(#[allow(async_fn_in_trait)]));
        }
        sig.constness = None;
        sig.variadic = None;
        if matches!(sig.safety, Safety::Safe(_)) {
            sig.safety = Safety::Default;
        }
        sig.generics.make_where_clause().predicates.push(parse_quote!(Self: Sized));

        let is_wrong = |ty: &Type, unfit: &[Unfit]| {
            payload::mentions(ty, &self.removed)
                || payload::unfit_parts(ty).iter().any(|(part, _)| unfit.contains(part))
        };
        for input in &mut sig.inputs {
            let FnArg::Typed(typed) = input else { continue };
            if is_wrong(&typed.ty, &[Unfit::Placeholder, Unfit::Never, Unfit::Lifetime]) {
                *typed.ty = self.ty();
            }
            let plain = matches!(&*typed.pat, Pat::Ident(pat)
                if pat.by_ref.is_none() && pat.mutability.is_none() && pat.subpat.is_none());
            if !plain && !has_body {
                *typed.pat = parse_quote!(_);
            }
        }
        if let ReturnType::Type(_, ty) = &mut sig.output
            && is_wrong(ty, &[Unfit::Placeholder, Unfit::Lifetime, Unfit::Reference])
        {
            **ty = self.ty();
        }
    }

    /// Repairs a command of the wrong shape for all other generated items. `own` are the generic
    /// parameters of its method.
    fn repair_command(&self, command: &mut Command, own: &[Ident]) {
        command.callable = false;
        let is_wrong = |ty: &Type| self.is_in(ty) || payload::mentions(ty, own);
        let mut seen: Vec<Ident> = Vec::new();
        for (i, arg) in command.args.iter_mut().enumerate() {
            if i >= MOST_ARGUMENTS || is_wrong(&arg.ty) {
                arg.ty = self.ty();
            }
            if seen.contains(&arg.ident) {
                arg.ident = naming::argument(i);
            }
            seen.push(arg.ident.clone());
        }
        let returns = &mut command.returns;
        if returns.arguments().len() > MOST_ARGUMENTS || is_wrong(&returns.whole) {
            returns.whole = self.ty();
            returns.ok = self.ty();
            returns.error = Raised::Never;
            returns.is_bare = false;
        }
    }
}

/// Returns the names of all generic parameters.
fn parameters(generics: &Generics) -> Vec<Ident> {
    generics
        .params
        .iter()
        .map(|param| match param {
            GenericParam::Lifetime(param) => param.lifetime.ident.clone(),
            GenericParam::Type(param) => param.ident.clone(),
            GenericParam::Const(param) => param.ident.clone(),
        })
        .collect()
}
