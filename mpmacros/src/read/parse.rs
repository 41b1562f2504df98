//! Parses tokens to an [`Interface`]: the trait under `#[process]`, or what its hidden macro passes
//! on. Reports input that is not Rust, and attributes that are repeated or have wrong arguments;
//! all other rules are in [`crate::rules::check`]. What other macros read in the same way is here
//! too: `crate = ".."`, the arguments of an attribute, an item of the wrong kind.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt as _;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, Expr, ItemTrait, Lit, LitStr, Meta, Path, Token, TraitItem, TraitItemFn, Visibility,
    parse_quote,
};

use crate::errors::Errors;
use crate::model::{
    Chosen, CommandMark, EventMark, Interface, Marks, Method, Options, PropertyMark, SignalMark,
    TimeoutMark,
};
use crate::read::keys::{Keys, Table, Takes};
use crate::read::{manifest, timeout};

/// The keys of `#[process(..)]`; the keys of the attributes on methods follow.
const PROCESS: Table = &[
    ("config", Takes::Type),
    ("postfix", Takes::Text),
    ("crate", Takes::Text),
    ("control", Takes::Text),
    ("signals", Takes::Text),
    ("blocking", Takes::Text),
    ("context", Takes::Text),
];
const COMMAND: Table = &[("rename", Takes::Text)];
const SIGNAL: Table = &[("name", Takes::Text), ("postfix", Takes::Text)];
const PROPERTY: Table = &[
    ("write", Takes::Nothing),
    ("every", Takes::Nothing),
    ("notify", Takes::Text),
    ("default", Takes::Expr),
];
const EVENT: Table = &[("latest", Takes::Nothing)];

/// Our attributes, which are removed from the emitted trait.
pub(crate) const MARKS: [&str; 7] =
    ["command", "signal", "property", "event", "timeout", "idempotent", "no_cancel"];

/// Reads `#[process(attribute)] item`. Returns `None` if the item is not a trait, which `errors`
/// then contains.
pub(crate) fn interface(
    attribute: TokenStream,
    item: &TokenStream,
    errors: &mut Errors,
) -> Option<Interface> {
    let options = options(attribute, errors);
    let (header, body) = header(item, errors)?;
    let mut methods = Vec::new();
    let mut strangers = Vec::new();
    for item in items(body, errors) {
        match item {
            TraitItem::Fn(item) => methods.push(method(item, errors)),
            stranger => strangers.push(stranger),
        }
    }
    Some(Interface::new(options, header, methods, strangers))
}

/// An interface as written, for [`crate::read::conditions`].
pub(crate) struct Source {
    pub(crate) krate: Path,
    /// The trait without its items.
    pub(crate) header: ItemTrait,
    pub(crate) methods: Vec<TraitItemFn>,
}

/// Reads an interface that has only methods. Returns `None` if it cannot be read.
pub(crate) fn source(attribute: &TokenStream, item: &TokenStream) -> Option<Source> {
    let mut errors = Errors::default();
    let (header, body) = header(item, &mut errors)?;
    let methods: Option<Vec<TraitItemFn>> = items(body, &mut errors)
        .into_iter()
        .map(|item| match item {
            TraitItem::Fn(item) => Some(item),
            _ => None,
        })
        .collect();
    let krate = options(attribute.clone(), &mut errors).krate;
    let methods = methods.filter(|_| errors.is_empty())?;
    Some(Source { krate, header, methods })
}

/// Returns the trait with this header, whose braces are empty, and these items.
pub(crate) fn with_body(header: TokenStream, items: TokenStream) -> TokenStream {
    let mut tokens: Vec<TokenTree> = header.into_iter().collect();
    if let Some(TokenTree::Group(group)) = tokens.last_mut() {
        let mut body = Group::new(Delimiter::Brace, items);
        body.set_span(group.span());
        *group = body;
    }
    tokens.into_iter().collect()
}

/// Reads the tokens that the hidden macro of an interface passes on, see [`crate::expand`]'s
/// `callback`. They were checked when the interface was expanded.
pub(crate) fn handed_out(input: ParseStream, errors: &mut Errors) -> syn::Result<Interface> {
    let word = |word: &str| {
        let read: Ident = input.parse()?;
        if read == word { Ok(()) } else { Err(syn::Error::new(read.span(), "not an interface")) }
    };
    input.parse::<Token![trait]>()?;
    let ident: Ident = input.parse()?;
    word("control")?;
    input.parse::<Ident>()?;
    word("signals")?;
    input.parse::<Ident>()?;
    let (config, postfix, body);
    word("config")?;
    syn::braced!(config in input);
    word("postfix")?;
    syn::braced!(postfix in input);
    syn::braced!(body in input);
    let options = Options {
        krate: parse_quote!(::mpcore),
        config: config.parse()?,
        postfix: Some(postfix.parse()?),
        chosen: Chosen::default(),
    };
    let items = items(body.parse()?, errors).into_iter();
    let methods = items.filter_map(|item| match item {
        TraitItem::Fn(item) => Some(method(item, errors)),
        _ => None,
    });
    let methods = methods.collect();
    Ok(Interface::new(options, parse_quote!(trait #ident {}), methods, Vec::new()))
}

/// Reads `crate = "path"`, which every macro has. The default is the name of the crate's
/// dependency.
pub(crate) fn krate(text: Option<LitStr>, errors: &mut Errors) -> Path {
    text.and_then(|text| match text.parse_with(Path::parse_mod_style) {
        Ok(path) => Some(path),
        Err(_) => {
            errors.at(&text, format!("{:?} is not the path of the mpcore crate", text.value()));
            None
        }
    })
    .unwrap_or_else(manifest::mpcore)
}

/// Reads the arguments of an attribute macro.
pub(crate) fn arguments(attribute: TokenStream, table: Table, errors: &mut Errors) -> Keys {
    let read = |input: ParseStream| Ok(Keys::read(input, table, errors));
    // `read` consumes everything and reports its own errors.
    read.parse2(attribute).unwrap_or_default()
}

/// Reads the arguments of `#[process(..)]`.
fn options(attribute: TokenStream, errors: &mut Errors) -> Options {
    let keys = arguments(attribute, PROCESS, errors);
    Options {
        krate: krate(keys.text("crate"), errors),
        config: keys.ty("config").unwrap_or_else(|| parse_quote!(())),
        postfix: keys.text("postfix"),
        chosen: Chosen {
            control: keys.text("control"),
            signals: keys.text("signals"),
            blocking: keys.text("blocking"),
            context: keys.text("context"),
        },
    }
}

/// Splits a trait into the tokens before its braces and those inside, so that one unreadable item
/// does not hide the mistakes in all others.
fn header(item: &TokenStream, errors: &mut Errors) -> Option<(ItemTrait, TokenStream)> {
    let mut tokens: Vec<TokenTree> = item.clone().into_iter().collect();
    let mut body = TokenStream::new();
    if let Some(TokenTree::Group(group)) = tokens.last_mut()
        && group.delimiter() == Delimiter::Brace
    {
        body = group.stream();
        let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
        empty.set_span(group.span());
        *group = empty;
    }
    match syn::parse2::<ItemTrait>(tokens.into_iter().collect()) {
        Ok(header) => Some((header, body)),
        Err(error) => {
            let is_item = |item: &syn::Item| !matches!(item, syn::Item::Verbatim(_));
            let other = syn::parse2(item.clone()).is_ok_and(|item| is_item(&item));
            let message = "`#[process]` goes on a trait: the interface of the child";
            // syn's error about a broken trait is better than ours.
            let misplaced = if other { misplaced(item, message) } else { None };
            errors.push(misplaced.unwrap_or(error));
            None
        }
    }
}

/// Returns an error at the first word of an item of the wrong kind, or `None` if it is not an item.
pub(crate) fn misplaced(item: &TokenStream, message: &str) -> Option<syn::Error> {
    let first_word = |input: ParseStream| {
        input.call(Attribute::parse_outer)?;
        let _: Visibility = input.parse()?;
        let word: TokenTree = input.parse()?;
        let _: TokenStream = input.parse()?;
        Ok(word)
    };
    first_word.parse2(item.clone()).ok().map(|word| syn::Error::new(word.span(), message))
}

/// Reads the items of a trait, and reports those that cannot be read.
fn items(body: TokenStream, errors: &mut Errors) -> Vec<TraitItem> {
    let read = |input: ParseStream| {
        let mut items = Vec::new();
        while !input.is_empty() {
            if is_dangling(input) {
                break;
            }
            let ahead = input.fork();
            match ahead.parse::<TraitItem>() {
                Ok(item) => {
                    input.advance_to(&ahead);
                    items.push(item);
                }
                Err(error) => {
                    errors.push(error);
                    let skipped = skip_item(input);
                    // Possibly only its end is missing; then uses of it cause no further errors.
                    let ended = syn::parse2::<TraitItem>(quote!(#(#skipped)* ;));
                    items.extend(ended.ok().filter(|item| matches!(item, TraitItem::Fn(_))));
                }
            }
        }
        Ok(items)
    };
    // `read` consumes everything and reports its own errors.
    read.parse2(body).unwrap_or_default()
}

/// Returns whether only attributes are left, usually documentation, without an item that they
/// belong to. rustc reported this when it read the trait, so there is no error here.
fn is_dangling(input: ParseStream) -> bool {
    let ahead = input.fork();
    let attributes = ahead.call(Attribute::parse_outer);
    let dangling = attributes.is_ok_and(|attributes| !attributes.is_empty()) && ahead.is_empty();
    if dangling {
        input.advance_to(&ahead);
    }
    dangling
}

/// Skips an item that cannot be read: to its end or, if its end is missing, to the next method.
fn skip_item(input: ParseStream) -> Vec<TokenTree> {
    let mut skipped = Vec::new();
    let mut in_method = false;
    while !(in_method && begins_method(input)) {
        in_method |= input.peek(Token![fn]);
        let Ok(token) = input.parse::<TokenTree>() else { break };
        let ends = match &token {
            TokenTree::Punct(punct) => punct.as_char() == ';',
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            _ => false,
        };
        if ends {
            break;
        }
        skipped.push(token);
    }
    skipped
}

/// Returns whether a method may begin here, as opposed to the `fn` of a function pointer's type.
fn begins_method(input: ParseStream) -> bool {
    let attribute = input.peek(Token![#]) && input.peek2(syn::token::Bracket);
    let method = input.peek(Token![fn]) && input.peek2(Ident::peek_any);
    let qualified =
        input.peek(Token![async]) || input.peek(Token![unsafe]) || input.peek(Token![pub]);
    attribute || method || qualified && input.peek2(Token![fn])
}

fn method(item: TraitItemFn, errors: &mut Errors) -> Method {
    let marks = marks(&item.attrs, errors);
    let role = marks.role();
    Method { item, marks, role }
}

/// Returns whether an attribute is one of [`MARKS`].
pub(crate) fn is_mark(attribute: &Attribute) -> bool {
    MARKS.iter().any(|name| attribute.path().is_ident(name))
}

/// Reads our attributes on a method.
fn marks(attributes: &[Attribute], errors: &mut Errors) -> Marks {
    // Only the first attribute of each kind counts, so that a repeated one is a single error.
    let mut marks = Marks::default();
    for attribute in attributes.iter().filter(|attribute| is_mark(attribute)) {
        let at = attribute.path().clone();
        let mut once = |first: bool| {
            if !first {
                let name = crate::read::text::normal(&at);
                let mend = if has_keys(&at) { "join them" } else { "remove one" };
                errors.at(&at, format!("`#[{name}]` is given twice; {mend}"));
            }
            first
        };
        if at.is_ident("command") {
            if once(marks.command.is_none()) {
                let keys = Keys::of(attribute, COMMAND, errors);
                marks.command = Some(CommandMark { at, rename: keys.text("rename") });
            }
        } else if at.is_ident("signal") {
            if once(marks.signal.is_none()) {
                let keys = Keys::of(attribute, SIGNAL, errors);
                let (name, postfix) = (keys.text("name"), keys.text("postfix"));
                marks.signal = Some(SignalMark { at, name, postfix });
            }
        } else if at.is_ident("property") {
            if once(marks.property.is_none()) {
                let keys = Keys::of(attribute, PROPERTY, errors);
                marks.property = Some(PropertyMark {
                    write: keys.key("write").is_some(),
                    every: keys.key("every").cloned(),
                    notify: keys.text("notify"),
                    default: keys.expr("default"),
                });
            }
        } else if at.is_ident("timeout") {
            if once(marks.timeout.is_none()) {
                let text = text_of_timeout(attribute, errors);
                marks.timeout = Some(TimeoutMark { at, text });
            }
        } else if at.is_ident("idempotent") {
            if once(marks.idempotent.is_none()) {
                no_arguments(attribute, errors);
                marks.idempotent = Some(at);
            }
        } else if at.is_ident("no_cancel") {
            if once(marks.no_cancel.is_none()) {
                no_arguments(attribute, errors);
                marks.no_cancel = Some(at);
            }
        } else if once(marks.event.is_none()) {
            let keys = Keys::of(attribute, EVENT, errors);
            marks.event = Some(EventMark { at, latest: keys.key("latest").is_some() });
        }
    }
    marks
}

/// Returns whether an attribute has keys, so that two of it can be joined.
fn has_keys(mark: &Path) -> bool {
    !["timeout", "idempotent", "no_cancel"].iter().any(|name| mark.is_ident(name))
}

/// Returns the text of `#[timeout = ".."]`.
fn text_of_timeout(attribute: &Attribute, errors: &mut Errors) -> Option<LitStr> {
    let value = match &attribute.meta {
        Meta::NameValue(given) => &given.value,
        Meta::Path(path) => {
            errors.at(path, "how long? Write `#[timeout = \"5s\"]`");
            return None;
        }
        Meta::List(list) => {
            let text = crate::read::text::normal(&list.tokens);
            let text = if text.starts_with('"') { text } else { "\"5s\"".to_owned() };
            errors.at(&attribute.meta, format!("write `#[timeout = {text}]`"));
            return None;
        }
    };
    if let Expr::Lit(literal) = ungrouped(value)
        && let Lit::Str(text) = &literal.lit
    {
        return Some(text.clone());
    }
    errors.at(value, format!("a timeout is a text; {}", timeout::FORMS));
    None
}

/// Removes the invisible groups that a user's `macro_rules!` leaves.
pub(crate) fn ungrouped(mut expr: &Expr) -> &Expr {
    while let Expr::Group(group) = expr {
        expr = &group.expr;
    }
    expr
}

/// Reports arguments of an attribute that takes none.
fn no_arguments(attribute: &Attribute, errors: &mut Errors) {
    if !matches!(attribute.meta, Meta::Path(_)) {
        let name = crate::read::text::normal(attribute.path());
        errors.at(&attribute.meta, format!("`#[{name}]` takes nothing; write it alone"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(attribute: TokenStream, item: &TokenStream) -> Vec<String> {
        let mut errors = Errors::default();
        let _ = interface(attribute, item, &mut errors);
        errors.messages()
    }

    #[test]
    fn one_unreadable_item_does_not_hide_the_others() {
        let mut errors = Errors::default();
        let interface = interface(
            quote!(),
            &quote! {
                trait Laser {
                    fn broken(&mut self) -> ;
                    #[signal(nmae = "x")]
                    fn add(&mut self, a: i32) -> i32;
                    fn also broken();
                }
            },
            &mut errors,
        )
        .unwrap();
        assert_eq!(interface.methods.len(), 1);
        assert_eq!(errors.messages().len(), 3, "{:?}", errors.messages());
    }

    #[test]
    fn a_missing_end_takes_no_other_method_along() {
        let mut errors = Errors::default();
        let trait_ = quote! {
            trait Laser {
                fn fire(&mut self, of: fn(u8) -> u8) -> fn(u8) -> u8
                fn aim(&mut self)
                #[signal]
                fn reset(&mut self);
                fn broken(&mut self,, x: u8)
                async fn last(&mut self);
                /// Of nothing.
            }
        };
        let interface = interface(quote!(), &trait_, &mut errors).unwrap();
        let names: Vec<String> =
            interface.methods.iter().map(|it| it.ident().to_string()).collect();
        assert_eq!(names, ["fire", "aim", "reset", "last"]);
        assert!(interface.methods[2].marks.signal.is_some());
        assert_eq!(errors.messages().len(), 3, "{:?}", errors.messages());
    }

    #[test]
    fn only_traits_are_interfaces() {
        let expected = ["`#[process]` goes on a trait: the interface of the child"];
        assert_eq!(
            messages(
                quote!(),
                &quote!(
                    struct Laser {
                        a: i32,
                    }
                )
            ),
            expected
        );
        assert_eq!(
            messages(
                quote!(),
                &quote!(
                    /** doc */
                    pub fn laser() {}
                )
            ),
            expected
        );
    }

    #[test]
    fn attributes_are_given_once() {
        let trait_ = quote! { trait Laser { #[signal] #[signal(name = "x")] fn a(&mut self); } };
        assert_eq!(messages(quote!(), &trait_), ["`#[signal]` is given twice; join them"]);
    }

    #[test]
    fn a_timeout_is_a_text_and_the_others_stand_alone() {
        let check = |mark: TokenStream, expected: &[&str]| {
            assert_eq!(
                messages(quote!(), &quote!(trait Laser { #mark fn a(&mut self); })),
                expected
            );
        };
        check(quote!(#[timeout = "5s"] #[idempotent] #[no_cancel]), &[]);
        let text = "a timeout is a text; write it like \"5s\", \"250ms\", \"2m\", \"1h\", \
                    \"1m30s\" or \"1.5s\"";
        check(quote!(#[timeout = 5]), &[text]);
        check(quote!(#[timeout = FIVE]), &[text]);
        check(quote!(#[timeout = b"5s"]), &[text]);
        check(quote!(#[timeout]), &["how long? Write `#[timeout = \"5s\"]`"]);
        check(quote!(#[timeout("2m")]), &["write `#[timeout = \"2m\"]`"]);
        check(quote!(#[timeout(ms = 5)]), &["write `#[timeout = \"5s\"]`"]);
        check(
            quote!(#[timeout = "5s"] #[timeout = "6s"]),
            &["`#[timeout]` is given twice; remove one"],
        );
        check(quote!(#[idempotent = true]), &["`#[idempotent]` takes nothing; write it alone"]);
        check(quote!(#[no_cancel(yes)]), &["`#[no_cancel]` takes nothing; write it alone"]);
    }

    #[test]
    fn the_runtimes_path_is_a_path() {
        let message = ["\"a b\" is not the path of the mpcore crate"];
        assert_eq!(
            messages(
                quote!(crate = "a b"),
                &quote!(
                    trait Laser {}
                )
            ),
            message
        );
        assert!(
            messages(
                quote!(crate = "crate::rpc"),
                &quote!(
                    trait Laser {}
                )
            )
            .is_empty()
        );
    }
}
