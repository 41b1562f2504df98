//! Tokens as normalised text, independent of how the tokens were written.
//!
//! The fingerprint of an interface is made from these texts, so they must not depend on how the
//! compiler places spaces, on invisible groups left by a user's `macro_rules!`, on trailing commas,
//! or on line breaks. Error messages use them too, because `TokenStream::to_string` prints `Vec <
//! f64 >`.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

use crate::model::Argument;
use crate::naming;

/// Returns the normalised text of some tokens, for example a type: `HashMap<String, (i32, f64)>`.
pub(crate) fn normal(tokens: &impl ToTokens) -> String {
    let mut flat = Vec::new();
    flatten(tokens.to_token_stream(), &mut flat);
    let mut text = String::new();
    for (i, piece) in flat.iter().enumerate() {
        let next = flat.get(i + 1).map(String::as_str);
        // A comma before a closing bracket has no meaning, except in the one-tuple `(T,)`.
        if piece == "," && matches!(next, Some(">" | ")" | "]")) && !closes_one_tuple(&flat[..i]) {
            continue;
        }
        if needs_space(&text, piece) {
            text.push(' ');
        }
        text.push_str(piece);
    }
    text
}

/// Returns the signature of a command, or of an event without a result: `(num1: i32, num2: i32) ->
/// i32`.
pub(crate) fn signature(args: &[Argument], result: Option<&syn::Type>) -> String {
    let args: Vec<String> = args
        .iter()
        .map(|arg| format!("{}: {}", naming::plain(&arg.ident), normal(&arg.ty)))
        .collect();
    let result = result.map_or_else(String::new, |ty| format!(" -> {}", normal(ty)));
    format!("({}){result}", args.join(", "))
}

/// Appends one piece per identifier, literal, bracket, or joint punctuation (`::`, `->`).
fn flatten(tokens: TokenStream, out: &mut Vec<String>) {
    let mut joint = false;
    for token in tokens {
        let was_joint = std::mem::take(&mut joint);
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                if !open.is_empty() {
                    out.push(open.to_owned());
                }
                flatten(group.stream(), out);
                if !close.is_empty() {
                    out.push(close.to_owned());
                }
            }
            TokenTree::Punct(punct) => {
                let (last, this) = (out.last_mut(), punct.as_char());
                match last {
                    // `>>` stays two pieces, because in a type these are two brackets.
                    Some(last)
                        if was_joint
                            && matches!((last.as_str(), this), (":", ':') | ("-", '>')) =>
                    {
                        last.push(this);
                    }
                    _ => out.push(this.to_string()),
                }
                joint = punct.spacing() == Spacing::Joint;
            }
            TokenTree::Ident(ident) => match out.last_mut() {
                Some(last) if was_joint && last == "'" => last.push_str(&ident.to_string()),
                _ => out.push(naming::plain(&ident)),
            },
            TokenTree::Literal(literal) => out.push(literal.to_string()),
        }
    }
}

/// Returns whether the last open parenthesis of `before` contains exactly one element.
fn closes_one_tuple(before: &[String]) -> bool {
    let mut depth = 0_usize;
    for piece in before.iter().rev() {
        match piece.as_str() {
            ")" | "]" | ">" | "}" => depth += 1,
            "(" if depth == 0 => return true,
            "[" | "<" | "{" if depth == 0 => return false,
            "(" | "[" | "<" | "{" => depth -= 1,
            "," if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// Returns whether there is a space between a text and the piece that follows it.
fn needs_space(before: &str, piece: &str) -> bool {
    let Some(last) = before.chars().last() else {
        return false;
    };
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '"' || c == '\'';
    let starts_word = piece.chars().next().is_some_and(word);
    if matches!(piece, ")" | "]" | "}" | ">") {
        return false;
    }
    matches!(last, ',' | ';' | '+' | '=')
        || before.ends_with("->")
        || matches!(piece, "->" | "+" | "=")
        || (last == ':' && !before.ends_with("::"))
        || (word(last) && starts_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::{Group, TokenStream};
    use quote::quote;

    fn check(tokens: &TokenStream, text: &str) {
        assert_eq!(normal(tokens), text);
    }

    #[test]
    fn a_type_has_one_text() {
        check(&quote!(Vec<f64>), "Vec<f64>");
        check(&quote!(HashMap<String, Vec<(i32, f64,)>,>), "HashMap<String, Vec<(i32, f64)>>");
        check(&quote!((i32,)), "(i32,)");
        check(&quote!(Vec<(Option<i32>,)>), "Vec<(Option<i32>,)>");
        check(&quote!(::std::vec::Vec<u8>), "::std::vec::Vec<u8>");
        check(&quote!(Cow<'static, str>), "Cow<'static, str>");
        check(&quote!(&'a mut r#type), "&'a mut type");
        check(&quote!([f64; 3]), "[f64; 3]");
        check(&quote!(fn(i32) -> u8), "fn(i32) -> u8");
        check(&quote!(<T as Trait>::Item), "<T as Trait>::Item");
        check(&quote!(Box<dyn A + B>), "Box<dyn A + B>");
    }

    #[test]
    fn invisible_groups_of_a_macro_leave_no_trace() {
        let inner = TokenTree::Group(Group::new(Delimiter::None, quote!(Vec<u8>)));
        check(&quote!(Option<#inner>), "Option<Vec<u8>>");
    }
}
