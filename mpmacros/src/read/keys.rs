//! Reads arguments with keys: of attributes (`#[signal(name = "..")]`, `#[process(config = T)]`,
//! `#[child(default)]`) and of `qobject!`. Each attribute has a table of its keys; unknown,
//! repeated, incomplete and surplus keys are reported here, all of them, each at its own token.

use proc_macro2::{Ident, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Expr, LitStr, Meta, Token, Type};

use crate::errors::Errors;
use crate::naming;

/// The kind of value after a key.
#[derive(Clone, Copy)]
pub(crate) enum Takes {
    /// `write`
    Nothing,
    /// `name = ".."`
    Text,
    /// `default = expr`
    Expr,
    /// `default` or `default = expr`
    MaybeExpr,
    /// `config = Type`
    Type,
}

impl Takes {
    fn example(self) -> &'static str {
        match self {
            Takes::Nothing => "",
            Takes::Text => " = \"..\"",
            Takes::Expr | Takes::MaybeExpr => " = ..",
            Takes::Type => " = Type",
        }
    }
}

/// The keys of an attribute, with their kinds.
pub(crate) type Table = &'static [(&'static str, Takes)];

/// The value that was given for a key.
#[derive(Clone)]
enum Given {
    Nothing,
    Text(LitStr),
    Expr(Expr),
    Type(Type),
}

/// The keys of one attribute, each at most once.
#[derive(Clone, Default)]
pub(crate) struct Keys {
    keys: Vec<(Ident, Given)>,
}

impl Keys {
    /// Reads the arguments of a helper attribute. `#[signal]` alone has none.
    pub(crate) fn of(attribute: &Attribute, table: Table, errors: &mut Errors) -> Keys {
        let name = attribute.path();
        match &attribute.meta {
            Meta::Path(_) => Keys::default(),
            Meta::NameValue(_) => {
                let name = crate::read::text::normal(name);
                let expected =
                    if table.is_empty() { String::new() } else { format!(" or `#[{name}(..)]`") };
                errors.at(&attribute.meta, format!("expected `#[{name}]`{expected}"));
                Keys::default()
            }
            Meta::List(list) => {
                let read = |input: ParseStream| Ok(Keys::read(input, table, errors));
                match list.parse_args_with(read) {
                    Ok(keys) => keys,
                    // `read` consumes everything and reports its own errors.
                    Err(error) => {
                        errors.push(error);
                        Keys::default()
                    }
                }
            }
        }
    }

    /// Reads a comma separated list of keys up to the end of `input`.
    pub(crate) fn read(input: ParseStream, table: Table, errors: &mut Errors) -> Keys {
        let mut keys = Keys::default();
        while !input.is_empty() {
            match read_key(input, table, &keys, errors) {
                Ok(Some(key)) => keys.keys.push(key),
                Ok(None) => skip_to_comma(input),
                Err(error) => {
                    errors.push(error);
                    skip_to_comma(input);
                }
            }
            if !input.is_empty()
                && let Err(error) = input.parse::<Token![,]>()
            {
                errors.push(error);
                skip_to_comma(input);
                let _ = input.parse::<Token![,]>();
            }
        }
        keys
    }

    /// Returns the key itself, if it was given.
    pub(crate) fn key(&self, name: &str) -> Option<&Ident> {
        self.keys.iter().map(|(key, _)| key).find(|key| key.unraw() == name)
    }

    pub(crate) fn text(&self, name: &str) -> Option<LitStr> {
        match self.given(name)? {
            Given::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(crate) fn expr(&self, name: &str) -> Option<Expr> {
        match self.given(name)? {
            Given::Expr(expr) => Some(expr.clone()),
            _ => None,
        }
    }

    pub(crate) fn ty(&self, name: &str) -> Option<Type> {
        match self.given(name)? {
            Given::Type(ty) => Some(ty.clone()),
            _ => None,
        }
    }

    fn given(&self, name: &str) -> Option<&Given> {
        self.keys.iter().find(|(key, _)| key.unraw() == name).map(|(_, given)| given)
    }
}

/// Reads one key. Returns `None` if a mistake was reported and the rest of the key should be
/// skipped.
fn read_key(
    input: ParseStream,
    table: Table,
    before: &Keys,
    errors: &mut Errors,
) -> syn::Result<Option<(Ident, Given)>> {
    // A bare string is a common mistake: `#[signal("finished")]`.
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let _: LitStr = input.parse()?;
        let value = text.value();
        let is_key = table.iter().any(|(key, _)| *key == value);
        let texts = table.iter().find(|(_, takes)| matches!(takes, Takes::Text));
        let mend = match texts {
            _ if is_key => format!("write `{value}` without quotes"),
            Some((key, _)) => format!("write `{key} = {value:?}`"),
            None => expected(table),
        };
        errors.at(&text, format!("what is {value:?}? {mend}"));
        return Ok(None);
    }
    let key = Ident::parse_any(input)?;
    let name = naming::plain(&key);
    let Some((_, takes)) = table.iter().find(|(known, _)| *known == name) else {
        let mend = match other_word(table, &name) {
            Some(key) => format!("here it is `{key} = \"..\"`"),
            None => expected(table),
        };
        errors.at(&key, format!("unknown key `{name}`; {mend}"));
        return Ok(None);
    };
    if before.key(&name).is_some() {
        errors.at(&key, format!("`{name}` is given twice"));
        return Ok(None);
    }
    // After an error the caller skips the rest of the key, so that it causes no second one.
    let has_value = input.peek(Token![=]);
    let given = match (takes, has_value) {
        (Takes::Nothing, true) => {
            errors.at(&key, format!("`{name}` takes no value"));
            return Ok(None);
        }
        (Takes::Nothing | Takes::MaybeExpr, false) => Given::Nothing,
        (takes, false) => {
            let example = takes.example();
            errors.at(&key, format!("`{name}` needs a value: `{name}{example}`"));
            return Ok(None);
        }
        (Takes::Text, true) => Given::Text(value(input)?),
        (Takes::Expr | Takes::MaybeExpr, true) => Given::Expr(value(input)?),
        (Takes::Type, true) => {
            let _: Token![=] = input.parse()?;
            if let Ok(text) = input.fork().parse::<LitStr>() {
                let ty = text.value();
                errors.at(&text, format!("a type is written without quotes: `{name} = {ty}`"));
                return Ok(None);
            }
            Given::Type(input.parse()?)
        }
    };
    Ok(Some((key, given)))
}

/// Returns the key that means the same in this table.
fn other_word(table: Table, name: &str) -> Option<&'static str> {
    let knows = |key| table.iter().any(|(known, _)| *known == key);
    match name {
        "name" if knows("rename") => Some("rename"),
        "rename" if knows("name") => Some("name"),
        "rename" | "name" if knows("notify") => Some("notify"),
        _ => None,
    }
}

fn value<T: Parse>(input: ParseStream) -> syn::Result<T> {
    let _: Token![=] = input.parse()?;
    input.parse()
}

/// Returns which keys the table has, for messages.
fn expected(table: Table) -> String {
    let known: Vec<String> =
        table.iter().map(|(key, takes)| format!("`{key}{}`", takes.example())).collect();
    match known.as_slice() {
        [] => "this attribute has none".to_owned(),
        [one] => format!("expected {one}"),
        [most @ .., last] => format!("expected {} or {last}", most.join(", ")),
    }
}

fn skip_to_comma(input: ParseStream) {
    while !input.is_empty() && !input.peek(Token![,]) {
        // A token tree always parses if input is left.
        let _ = input.parse::<TokenTree>();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    const TABLE: Table = &[
        ("write", Takes::Nothing),
        ("name", Takes::Text),
        ("default", Takes::Expr),
        ("config", Takes::Type),
    ];

    fn check(attribute: &Attribute, messages: &[&str]) -> Keys {
        let mut errors = Errors::default();
        let keys = Keys::of(attribute, TABLE, &mut errors);
        assert_eq!(errors.messages(), messages);
        keys
    }

    #[test]
    fn keys_are_read() {
        let keys = check(
            &parse_quote!(#[x(write, name = "a", default = f::<A, B>(1, 2), config = Map<A, B>,)]),
            &[],
        );
        assert!(keys.key("write").is_some());
        assert_eq!(keys.text("name").unwrap().value(), "a");
        assert!(keys.expr("default").is_some());
        assert!(keys.ty("config").is_some());
        check(&parse_quote!(#[x]), &[]);
        check(&parse_quote!(#[x()]), &[]);
    }

    #[test]
    fn every_mistake_is_reported_and_the_rest_is_parsed() {
        let keys = check(
            &parse_quote!(#[x(nmae = "a", write = true, name, name = 3, write, write, default = 1)]),
            &[
                "unknown key `nmae`; expected `write`, `name = \"..\"`, `default = ..` \
                 or `config = Type`",
                "`write` takes no value",
                "`name` needs a value: `name = \"..\"`",
                "expected string literal",
                "`write` is given twice",
            ],
        );
        assert!(keys.expr("default").is_some());
        check(&parse_quote!(#[x = "a"]), &["expected `#[x]` or `#[x(..)]`"]);
        check(&parse_quote!(#[x(write name = "a")]), &["expected `,`"]);
    }
}
