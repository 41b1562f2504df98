//! `#[mpcore::main]`: a `main` that runs the child when the process was started as a child.
//!
//! The function is wrapped, not changed, so that the attribute can be put above another main
//! attribute: a child ends inside `init` and never starts the other's runtime. When `main` returns,
//! a guard stops and joins the children and delivers the last signals.
//!
//! Rules: a function; no arguments, no generics, not `unsafe`, `const` or `extern`; `async` only
//! with another attribute below that makes it a plain function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{ItemFn, Path, ReturnType, Safety};

use crate::errors::Errors;
use crate::naming;
use crate::read::keys::{Table, Takes};
use crate::read::parse;

const MAIN: Table = &[("crate", Takes::Text)];

/// Expands `#[main(attribute)] item`.
pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let keys = parse::arguments(attribute, MAIN, &mut errors);
    let krate = parse::krate(keys.text("crate"), &mut errors);
    let function = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let message = "`#[main]` goes on the main function";
            errors.push(parse::misplaced(item, message).unwrap_or(error));
            let errors = errors.into_compile_errors();
            return quote!(#errors #item);
        }
    };
    check(&function, &mut errors);
    if errors.is_empty() {
        wrap(&krate, &function)
    } else {
        let errors = errors.into_compile_errors();
        let repaired = wrap_repaired(&function);
        quote!(#errors #repaired)
    }
}

fn check(function: &ItemFn, errors: &mut Errors) {
    let sig = &function.sig;
    if !sig.inputs.is_empty() {
        errors.at(&sig.inputs, "the main function takes no arguments");
    }
    if !sig.generics.params.is_empty() {
        errors.at(&sig.generics, "the main function has no generic parameters");
    }
    if let Some(constness) = &sig.constness {
        errors.at(constness, "the main function is not `const`");
    }
    if let Safety::Unsafe(unsafety) = &sig.safety {
        errors.at(unsafety, "the main function is not `unsafe`");
    }
    if let Some(abi) = &sig.abi {
        errors.at(abi, "the main function has no ABI of its own");
    }
    if let Some(asyncness) = &sig.asyncness
        && !function.attrs.iter().any(|attr| !is_inert(attr))
    {
        errors.at(
            asyncness,
            "an `async` main function needs its runtime's attribute, such as `#[tokio::main]`, \
             below this one",
        );
    }
}

/// Returns whether an attribute is known to leave a function `async`.
fn is_inert(attribute: &syn::Attribute) -> bool {
    const INERT: [&str; 9] =
        ["allow", "cfg", "cfg_attr", "deny", "deprecated", "doc", "expect", "forbid", "warn"];
    INERT.iter().any(|name| attribute.path().is_ident(name))
}

fn wrap(krate: &Path, function: &ItemFn) -> TokenStream {
    let (vis, ident, output) = (&function.vis, &function.sig.ident, &function.sig.output);
    let mut inner = function.clone();
    inner.vis = syn::Visibility::Inherited;
    let guard = naming::local("guard");
    quote! {
        #vis fn #ident() #output {
            #inner
            #krate::init();
            let #guard = #krate::__private::ShutdownGuard::new();
            #ident()
        }
    }
}

/// Expands to a main function of this name that rustc accepts, after an error.
fn wrap_repaired(function: &ItemFn) -> TokenStream {
    let (vis, ident, output) = (&function.vis, &function.sig.ident, &function.sig.output);
    let output = match output {
        // The return type may use the function's own parameters, which are unknown here.
        ReturnType::Type(..) if !function.sig.generics.params.is_empty() => &ReturnType::Default,
        output => output,
    };
    let mut inner = function.clone();
    inner.vis = syn::Visibility::Inherited;
    quote! {
        #vis fn #ident() #output {
            #[allow(dead_code)]
            #inner
            ::core::unreachable!()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(item: &TokenStream) -> String {
        let file = syn::parse2(expand(TokenStream::new(), item)).expect("the expansion is an item");
        prettyplease::unparse(&file)
    }

    #[test]
    fn another_main_attribute_keeps_its_function() {
        let text = expanded(&quote! {
            #[tokio::main(flavor = "current_thread")]
            pub async fn main() -> Result<(), Error> {
                work().await
            }
        });
        let expected = "\
pub fn main() -> Result<(), Error> {
    #[tokio::main(flavor = \"current_thread\")]
    async fn main() -> Result<(), Error> {
        work().await
    }
    ::mpcore::init();
    let __guard = ::mpcore::__private::ShutdownGuard::new();
    main()
}
";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_lint_attribute_is_no_runtime() {
        let text = expanded(&quote!(
            #[allow(unused)]
            async fn main() {}
        ));
        assert!(text.contains("compile_error!") && text.contains("needs its runtime"), "{text}");
    }
}
