//! Checks the types of values that are sent: arguments, results, errors, properties, events,
//! configs.
//!
//! rustc decides whether serde supports a type (one bound, in the table). This module finds
//! mistakes that are visible in the tokens alone and would otherwise cause errors in generated
//! code: borrowed data, types without a size, types without a name.
//!
//! Other modules also ask it what a type is without groups and parentheses, whether it mentions
//! certain names, and where errors about it start.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{GenericArgument, Ident, Path, PathArguments, ReturnType, Type, TypeParamBound};

/// A part of a type that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    Reference,
    Lifetime,
    ImplTrait,
    TraitObject,
    SelfType,
    Placeholder,
    Never,
}

impl Unfit {
    /// Returns the message for the user.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Unfit::Reference => {
                "a reference cannot travel to another process; \
                 use an owned type such as `String` or `Vec<T>`"
            }
            Unfit::Lifetime => {
                "borrowed data cannot travel to another process; use a type without a lifetime"
            }
            Unfit::ImplTrait => {
                "`impl Trait` has no name that both processes know; write the type itself"
            }
            Unfit::TraitObject => {
                "a trait object cannot travel to another process; use an enum of what it can be"
            }
            Unfit::SelfType => {
                "`Self` is the child, which stays in its process; write the type itself"
            }
            Unfit::Placeholder => {
                "the type of a value that is sent is part of the interface; write it out"
            }
            Unfit::Never => "a command that never returns has no outcome; write what it returns",
        }
    }
}

/// Returns the outermost parts of `ty` that cannot be sent, with the tokens to show.
pub(crate) fn unfit_parts(ty: &Type) -> Vec<(Unfit, TokenStream)> {
    let mut found = Vec::new();
    search_type(ty, &mut found);
    found
}

/// Returns the `E` of a type that is written as `Result<T, E>`.
pub(crate) fn error_of_result(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.iter().nth(1)? {
        GenericArgument::Type(error) => Some(error),
        _ => None,
    }
}

/// Removes the invisible groups of a user's `macro_rules!` and needless parentheses.
pub(crate) fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare(&group.elem),
        Type::Paren(paren) => bare(&paren.elem),
        ty => ty,
    }
}

/// Returns whether `tokens` contain any of `names`, the generic parameters of an interface that
/// should have none.
pub(crate) fn mentions(tokens: &impl ToTokens, names: &[Ident]) -> bool {
    fn search(tokens: TokenStream, names: &[Ident]) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => names.contains(&ident),
            TokenTree::Group(group) => search(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    !names.is_empty() && search(tokens.to_token_stream(), names)
}

/// Returns the span of a type's first token, where rustc's errors about it start.
pub(crate) fn span(ty: &Type) -> Span {
    syn::spanned::Spanned::span(ty)
}

fn search_type(ty: &Type, found: &mut Vec<(Unfit, TokenStream)>) {
    match ty {
        Type::Array(array) => search_type(&array.elem, found),
        Type::Slice(slice) => search_type(&slice.elem, found),
        Type::Group(group) => search_type(&group.elem, found),
        Type::Paren(paren) => search_type(&paren.elem, found),
        Type::Ptr(pointer) => search_type(&pointer.elem, found),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|ty| search_type(ty, found)),
        Type::FnPtr(function) => {
            function.inputs.iter().for_each(|input| search_type(&input.ty, found));
            if let ReturnType::Type(_, ty) = &function.output {
                search_type(ty, found);
            }
        }
        Type::Path(path) => {
            if let Some(qself) = &path.qself {
                search_type(&qself.ty, found);
            }
            if path.path.segments.first().is_some_and(|first| first.ident == "Self") {
                found.push((Unfit::SelfType, path.to_token_stream()));
                return;
            }
            search_path(&path.path, found);
        }
        Type::Reference(reference) => {
            found.push((Unfit::Reference, reference.to_token_stream()));
        }
        Type::ImplTrait(ty) => found.push((Unfit::ImplTrait, ty.to_token_stream())),
        Type::TraitObject(ty) => found.push((Unfit::TraitObject, ty.to_token_stream())),
        Type::Infer(ty) => found.push((Unfit::Placeholder, ty.to_token_stream())),
        Type::Never(ty) => found.push((Unfit::Never, ty.to_token_stream())),
        // A macro's type is known only after its expansion, and rustc judges types that syn does
        // not know.
        _ => {}
    }
}

fn search_path(path: &Path, found: &mut Vec<(Unfit, TokenStream)>) {
    for segment in &path.segments {
        match &segment.arguments {
            PathArguments::None => {}
            PathArguments::AngleBracketed(arguments) => {
                for argument in &arguments.args {
                    match argument {
                        GenericArgument::Type(ty) => search_type(ty, found),
                        GenericArgument::AssocType(assoc) => search_type(&assoc.ty, found),
                        GenericArgument::Lifetime(lifetime) if lifetime.ident != "static" => {
                            found.push((Unfit::Lifetime, lifetime.to_token_stream()));
                        }
                        GenericArgument::Constraint(constraint) => {
                            for bound in &constraint.bounds {
                                if let TypeParamBound::Trait(bound) = bound {
                                    search_path(&bound.path, found);
                                }
                            }
                        }
                        _ => {}
                    }
                }
            }
            PathArguments::Parenthesized(arguments) => {
                arguments.inputs.iter().for_each(|input| search_type(&input.ty, found));
                if let ReturnType::Type(_, ty) = &arguments.output {
                    search_type(ty, found);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn check(ty: &Type, expected: &[Unfit]) {
        let found: Vec<Unfit> = unfit_parts(ty).into_iter().map(|(unfit, _)| unfit).collect();
        assert_eq!(found, expected, "{}", crate::read::text::normal(ty));
    }

    #[test]
    fn owned_types_are_fit() {
        check(&parse_quote!(Vec<(i32, Option<String>)>), &[]);
        check(&parse_quote!([[f64; 3]; { 1 & 3 }]), &[]);
        check(&parse_quote!(std::borrow::Cow<'static, str>), &[]);
        check(&parse_quote!(types!(A)), &[]);
    }

    #[test]
    fn what_cannot_travel_is_found_at_any_depth() {
        check(&parse_quote!(&str), &[Unfit::Reference]);
        check(&parse_quote!(Vec<&'static str>), &[Unfit::Reference]);
        check(&parse_quote!((Option<&u8>, [&u8; 2])), &[Unfit::Reference, Unfit::Reference]);
        check(&parse_quote!(Cow<'a, str>), &[Unfit::Lifetime]);
        check(&parse_quote!(Cow<'_, str>), &[Unfit::Lifetime]);
        check(&parse_quote!(Vec<Box<dyn Send>>), &[Unfit::TraitObject]);
        check(&parse_quote!(impl Iterator<Item = &'static str>), &[Unfit::ImplTrait]);
        check(&parse_quote!(Vec<Self>), &[Unfit::SelfType]);
        check(&parse_quote!(<Vec<&u8> as A>::B), &[Unfit::Reference]);
        check(&parse_quote!(fn(&u8) -> &u8), &[Unfit::Reference, Unfit::Reference]);
        check(&parse_quote!(Vec<_>), &[Unfit::Placeholder]);
        check(&parse_quote!(!), &[Unfit::Never]);
    }
}
