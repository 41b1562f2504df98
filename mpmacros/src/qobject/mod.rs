//! `mpqt::qobject!`: makes a `QObject` of an interface.
//!
//! It takes two steps, since only the hidden macro of the interface ([`crate::expand`], `callback`)
//! knows the interface. [`declare`] reads the user's declaration and calls that macro; the macro
//! calls [`expand`] with both the declaration and the interface. The rest is as for the other
//! macros: tokens to a model (`declaration`, and [`crate::read::parse`] for the interface), names
//! (`names`), rules (`check`), expansion (`expand`).

mod check;
mod declaration;
mod expand;
mod names;
mod qt_type;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;

use crate::errors::Errors;
use declaration::Declaration;

/// Runs the first step, on `($crate) pub struct LaserObject: LaserControl, child = LaserProcess`.
pub(crate) fn declare(input: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let read = |stream: syn::parse::ParseStream| Declaration::read(stream, &mut errors);
    let declaration = match read.parse2(input.clone()) {
        Ok(declaration) => declaration,
        Err(error) => return error.to_compile_error(),
    };
    if !errors.is_empty() {
        return errors.into_compile_errors();
    }
    let (krate, control) = (&declaration.krate, &declaration.control);
    quote! { #control ! { [#krate::__private::qobject_expand] #input } }
}

/// Runs the second step. The interface's hidden macro calls it.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let read = |stream: syn::parse::ParseStream| {
        let passed;
        syn::braced!(passed in stream);
        let declaration = Declaration::read(&passed, &mut errors)?;
        let interface = crate::read::parse::handed_out(stream, &mut errors)?;
        Ok((declaration, interface))
    };
    let (declaration, interface) = match read.parse2(input) {
        Ok(both) => both,
        Err(error) => return error.to_compile_error(),
    };
    let names = names::Names::of(&declaration, &interface);
    check::check(&declaration, &names, &mut errors);
    if !errors.is_empty() {
        return errors.into_compile_errors();
    }
    expand::expand(&declaration, &interface, &names)
}
