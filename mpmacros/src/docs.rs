//! Copies the user's documentation to generated items.
//!
//! The trait has all of it, and only the trait has the examples: a copy of an example would be one
//! more doctest. The control's methods have the rest; other items of a method (its signal, its
//! event, its blocking call) have the first paragraph. A note of the macro goes before the first
//! heading, and a sentence of the macro replaces missing text. A link to `Self` means the trait, so
//! copies use its name. A block of code is an example if rustdoc would run it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Lit, Meta};

use crate::naming;

/// `#[doc]` and `#[deprecated]` of one item.
#[derive(Clone, Default)]
pub(crate) struct Docs {
    /// As written.
    attrs: Vec<Attribute>,
}

impl Docs {
    pub(crate) fn of(attrs: &[Attribute]) -> Docs {
        let is_carried =
            |attr: &&Attribute| attr.path().is_ident("doc") || attr.path().is_ident("deprecated");
        Docs { attrs: attrs.iter().filter(is_carried).cloned().collect() }
    }

    /// Returns the attributes that are not text: `#[deprecated]`, `#[doc(hidden)]`.
    pub(crate) fn without_text(&self) -> Docs {
        let attrs = self.attrs.iter().filter(|attr| !is_text(attr)).cloned();
        Docs { attrs: attrs.collect() }
    }

    /// Returns everything as written, with `note` before the first section. If there is no text,
    /// uses `lead` instead.
    pub(crate) fn whole(&self, lead: &str, note: Option<&str>) -> TokenStream {
        if !self.attrs.iter().any(is_text) {
            return self.lines(&[lead], note);
        }
        let Some(note) = note.map(note_lines) else {
            let attrs = &self.attrs;
            return quote!(#(#attrs)*);
        };
        let begins_section = |attr: &Attribute| {
            text(attr).is_some_and(|text| text.lines().any(|line| is_heading(line.trim())))
        };
        let mut in_code = false;
        let at = self.attrs.iter().position(|attr| {
            in_code ^= text(attr).is_some_and(|text| text.trim().starts_with("```"));
            !in_code && begins_section(attr)
        });
        let (before, after) = self.attrs.split_at(at.unwrap_or(self.attrs.len()));
        let gap = (!after.is_empty()).then(|| line(""));
        quote!(#(#before)* #note #gap #(#after)*)
    }

    /// Returns everything but the examples, for a copy of a method of `interface`.
    pub(crate) fn copied(&self, interface: &Ident, lead: &str, note: Option<&str>) -> TokenStream {
        let text = self.text(interface);
        let kept = without_examples(&text);
        let mut kept: Vec<&str> = kept.iter().map(String::as_str).collect();
        if kept.iter().all(|line| line.trim().is_empty()) {
            kept = vec![lead];
        }
        self.lines(&kept, note)
    }

    /// Returns `lead`, and then the first paragraph.
    pub(crate) fn introduced(&self, interface: &Ident, lead: &str) -> TokenStream {
        let summary = self.summary(interface);
        let gap = (!summary.is_empty()).then_some("");
        let lines = std::iter::once(lead).chain(gap).chain(summary.iter().map(String::as_str));
        let lines: Vec<&str> = lines.collect();
        self.lines(&lines, None)
    }

    /// Returns the first paragraph, or `lead` if there is no text, and `note`.
    pub(crate) fn summarised(
        &self,
        interface: &Ident,
        lead: &str,
        note: Option<&str>,
    ) -> TokenStream {
        let summary = self.summary(interface);
        let mut lines: Vec<&str> = summary.iter().map(String::as_str).collect();
        if lines.is_empty() {
            lines.push(lead);
        }
        self.lines(&lines, note)
    }

    /// Returns the lines of the text as they are in a copy.
    fn text(&self, interface: &Ident) -> Vec<String> {
        let name = naming::plain(interface);
        let of_the_trait = |line: &str| {
            ["`", "[", "("].iter().fold(line.to_owned(), |line, before| {
                line.replace(&format!("{before}Self::"), &format!("{before}{name}::"))
            })
        };
        let text = self.attrs.iter().filter_map(text);
        text.flat_map(|text| text.split('\n').map(of_the_trait).collect::<Vec<_>>())
            .map(|line| line.strip_prefix(' ').map_or(line.clone(), str::to_owned))
            .collect()
    }

    /// Returns the first paragraph.
    fn summary(&self, interface: &Ident) -> Vec<String> {
        let text = self.text(interface);
        let lines = text.into_iter().skip_while(|line| line.trim().is_empty());
        let is_first = |line: &String| {
            !line.trim().is_empty() && !is_heading(line.trim()) && !line.trim().starts_with("```")
        };
        lines.take_while(is_first).collect()
    }

    /// Returns these lines, with `note` before their first section, and all attributes that are not
    /// text.
    fn lines(&self, lines: &[&str], note: Option<&str>) -> TokenStream {
        let span = self.attrs.first().map_or_else(Span::call_site, Spanned::span);
        let span = Span::call_site().located_at(span);
        let others = self.attrs.iter().filter(|attr| !is_text(attr));
        let mut in_code = false;
        let at = lines.iter().position(|line| {
            in_code ^= line.trim().starts_with("```");
            !in_code && is_heading(line.trim())
        });
        let (before, after) = lines.split_at(at.unwrap_or(lines.len()));
        let blank = before.iter().rev().take_while(|line| line.trim().is_empty()).count();
        let before = &before[..before.len() - blank];
        let at_user = |line: &&str| {
            let text = if line.is_empty() { String::new() } else { format!(" {line}") };
            quote_spanned!(span=> #[doc = #text])
        };
        let (before, after) = (before.iter().map(at_user), after.iter().map(at_user));
        let note = note.map(note_lines);
        let gap = (after.len() > 0).then(|| line(""));
        quote!(#(#before)* #note #gap #(#after)* #(#others)*)
    }
}

impl ToTokens for Docs {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.attrs.iter().map(ToTokens::to_token_stream));
    }
}

/// Returns one line of documentation, with the space that `///` leaves.
pub(crate) fn line(text: &str) -> TokenStream {
    let text = if text.is_empty() { String::new() } else { format!(" {text}") };
    quote!(#[doc = #text])
}

/// Returns a note, after an empty line.
fn note_lines(note: &str) -> TokenStream {
    let note = line(note);
    quote!(#[doc = ""] #note)
}

/// Returns whether an attribute is `#[doc = ".."]`, with any expression for the text.
fn is_text(attr: &Attribute) -> bool {
    attr.path().is_ident("doc") && matches!(attr.meta, Meta::NameValue(_))
}

/// Returns the text of `#[doc = ".."]`, if it can be read here: not that of `include_str!`.
fn text(attr: &Attribute) -> Option<String> {
    match &attr.meta {
        Meta::NameValue(given) if attr.path().is_ident("doc") => match &given.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Returns whether a line is a heading: `# Errors`.
fn is_heading(line: &str) -> bool {
    let level = line.len() - line.trim_start_matches('#').len();
    (1..=6).contains(&level) && line[level..].starts_with(' ')
}

/// Removes the code that rustdoc would run, and the headings whose sections are empty then.
fn without_examples(lines: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    // Whether rustdoc would run the open block.
    let mut block: Option<bool> = None;
    let mut dropped = false;
    for line in lines {
        if let Some(fence) = line.trim().strip_prefix("```") {
            match block {
                Some(runs) => {
                    block = None;
                    if runs {
                        continue;
                    }
                }
                None => {
                    block = Some(is_run(fence));
                    dropped |= is_run(fence);
                    if is_run(fence) {
                        continue;
                    }
                }
            }
        }
        if block != Some(true) {
            kept.push(line.clone());
        }
    }
    if !dropped {
        return kept;
    }
    let is_empty = |line: &str| line.trim().is_empty();
    let mut result: Vec<String> = Vec::new();
    for (i, line) in kept.iter().enumerate() {
        let next = kept[i + 1..].iter().find(|line| !is_empty(line));
        let of_nothing = is_heading(line.trim()) && next.is_none_or(|next| is_heading(next.trim()));
        let repeats_a_gap = is_empty(line) && result.last().is_none_or(|last| is_empty(last));
        if !of_nothing && !repeats_a_gap {
            result.push(line.clone());
        }
    }
    while result.last().is_some_and(|last| is_empty(last)) {
        result.pop();
    }
    result
}

/// Returns whether rustdoc treats a block with these words as Rust, by its rule: no word is foreign,
/// or one is `rust`, or one of Rust's others comes before the first foreign one.
fn is_run(words: &str) -> bool {
    const OTHERS: [&str; 6] =
        ["should_panic", "no_run", "ignore", "compile_fail", "test_harness", "standalone_crate"];
    let (mut own, mut foreign) = (false, false);
    for word in words.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match word {
            "custom" => return false,
            "rust" => own = true,
            // It says nothing about the language.
            _ if word.starts_with("edition") => {}
            _ if OTHERS.contains(&word) || word.starts_with("ignore-") => own |= !foreign,
            _ => foreign = true,
        }
    }
    own || !foreign
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::format_ident;
    use syn::{ItemFn, parse_quote};

    /// Compared with rustdoc 1.95.
    #[test]
    fn examples_are_what_rustdoc_runs() {
        for rust in [
            "",
            "rust",
            "no_run",
            "should_panic, ignore",
            "ignore-windows",
            "edition2018",
            "edition2024,no_run",
            "compile_fail,E0277",
            "rust,editable",
            "norun rust",
            "no_run,text",
            "should_panic,text",
        ] {
            assert!(is_run(rust), "{rust}");
        }
        for other in [
            "text",
            "qml",
            "toml edition2024",
            "E27",
            "E0277",
            "Example",
            "text,no_run",
            "text should_panic",
            "custom,rust",
        ] {
            assert!(!is_run(other), "{other}");
        }
    }

    fn docs() -> Docs {
        let function: ItemFn = parse_quote! {
            /// Adds, see [`Self::sub`] and [sub](Self::sub).
            /// Two lines.
            ///
            /// More.
            ///
            /// # Examples
            ///
            /// ```
            /// # let hidden = 1;
            /// assert_eq!(1, 1);
            /// ```
            ///
            /// # Errors
            ///
            /// ```text
            /// # no heading
            /// ```
            #[doc(hidden)]
            #[deprecated]
            #[inline]
            fn add() {}
        };
        Docs::of(&function.attrs)
    }

    /// The lines, and the names of the other attributes.
    fn shown(tokens: &TokenStream) -> Vec<String> {
        let function: ItemFn = parse_quote!(#tokens fn f() {});
        let show = |attr: &Attribute| match text(attr) {
            Some(text) => text.strip_prefix(' ').map_or(text.clone(), str::to_owned),
            None => crate::read::text::normal(&attr.meta),
        };
        function.attrs.iter().map(show).collect()
    }

    #[test]
    fn a_copy_has_no_examples_and_its_note_before_the_sections() {
        let copied = docs().copied(&format_ident!("Laser"), "lead", Some("note"));
        assert_eq!(
            shown(&copied),
            [
                "Adds, see [`Laser::sub`] and [sub](Laser::sub).",
                "Two lines.",
                "",
                "More.",
                "",
                "note",
                "",
                "# Errors",
                "",
                "```text",
                "# no heading",
                "```",
                "doc(hidden)",
                "deprecated",
            ]
        );
    }

    #[test]
    fn the_first_paragraph_follows_what_introduces_it() {
        let introduced = docs().introduced(&format_ident!("Laser"), "lead");
        let expected =
            ["lead", "", "Adds, see [`Laser::sub`] and [sub](Laser::sub).", "Two lines."];
        assert_eq!(shown(&introduced), [&expected[..], &["doc(hidden)", "deprecated"]].concat());
    }

    #[test]
    fn the_whole_keeps_every_line_as_written() {
        let all = shown(&docs().to_token_stream());
        let noted = shown(&docs().whole("lead", Some("note")));
        let without: Vec<String> = noted.iter().filter(|line| *line != "note").cloned().collect();
        assert_eq!(without.len(), all.len() + 2);
        let at = |what: &str| noted.iter().position(|line| line == what).unwrap();
        assert!(at("More.") < at("note") && at("note") < at("# Examples"));
        assert_eq!(shown(&Docs::default().whole("lead", None)), ["lead"]);
    }
}
