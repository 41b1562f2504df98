//! The mistakes found in one macro input. They are collected, so that the user sees all of them at
//! once and not one per compilation.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Mistakes, in the order in which they were found.
#[derive(Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
}

impl Errors {
    /// Adds a mistake in `tokens`.
    pub(crate) fn at(&mut self, tokens: &impl ToTokens, message: impl Display) {
        self.found.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds a mistake at a place of which only the span is known.
    pub(crate) fn at_span(&mut self, span: Span, message: impl Display) {
        self.found.push(syn::Error::new(span, message));
    }

    /// Adds an error of syn, about input that is not Rust.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.found.len()
    }

    /// Returns one `compile_error!` per mistake.
    pub(crate) fn into_compile_errors(self) -> TokenStream {
        self.found.iter().map(syn::Error::to_compile_error).collect()
    }

    /// Returns the first mistake as `compile_error! { .. }`, and those of all others. The
    /// [fallback](crate::fallback) puts the first in the place of a type.
    pub(crate) fn into_first_and_rest(self) -> Option<(TokenStream, TokenStream)> {
        let mut errors = self.found.iter().map(syn::Error::to_compile_error);
        let first = errors.next()?;
        Some((first, errors.collect()))
    }

    /// Returns the messages, for unit tests.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.found.iter().map(ToString::to_string).collect()
    }
}
