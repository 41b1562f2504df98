//! Parses the user's declaration: `pub struct LaserObject: LaserControl, child = LaserProcess`.

use proc_macro2::{Ident, TokenStream};
use syn::parse::ParseStream;
use syn::{Attribute, Expr, LitStr, Path, Token, Type, Visibility};

use crate::errors::Errors;
use crate::read::keys::{Keys, Table, Takes};

const OPTIONS: Table = &[
    ("child", Takes::Type),
    ("program", Takes::Expr),
    ("options", Takes::Expr),
    ("rename_all", Takes::Text),
];

/// The input of `qobject!`, and the path of mpqt that its macro passes.
pub(super) struct Declaration {
    /// `$crate`, so that a renamed dependency works.
    pub(super) krate: TokenStream,
    pub(super) attrs: Vec<Attribute>,
    pub(super) vis: Visibility,
    /// `LaserObject`
    pub(super) name: Ident,
    /// `LaserControl`, by any path
    pub(super) control: Path,
    pub(super) program: Program,
    /// `options = |builder| builder.stop_grace(..)`
    pub(super) options: Option<Expr>,
    pub(super) case: Case,
}

/// The child of an object that is created in QML.
pub(super) enum Program {
    /// `child = LaserProcess`: in this binary, started again.
    Child(Box<Type>),
    /// `program = "laser-child"`: a binary of its own.
    Path(Box<Expr>),
    /// Neither: the object shows the control that it is attached to.
    None,
}

/// The spelling of names in QML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// As in Rust.
    Snake,
    /// `rename_all = "camelCase"`
    Camel,
}

impl Declaration {
    pub(super) fn read(input: ParseStream, errors: &mut Errors) -> syn::Result<Self> {
        let krate;
        syn::parenthesized!(krate in input);
        let krate = krate.parse()?;
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        input.parse::<Token![struct]>()?;
        let name = input.parse()?;
        input.parse::<Token![:]>()?;
        let control = input.call(Path::parse_mod_style)?;
        if !input.is_empty() && !input.peek(Token![;]) {
            input.parse::<Token![,]>()?;
        }
        // A struct without a body ends with a semicolon; it is accepted, but not required.
        let rest: TokenStream = input.parse()?;
        let rest: TokenStream = without_semicolon(rest);
        let read = |rest: ParseStream| Ok(Keys::read(rest, OPTIONS, errors));
        let keys = syn::parse::Parser::parse2(read, rest)?;
        let case = case(keys.text("rename_all"), errors);
        let program = match (keys.ty("child"), keys.expr("program")) {
            (Some(_), Some(program)) => {
                errors.at(&program, "the child is given twice: `child` or `program`, not both");
                Program::None
            }
            (Some(child), None) => Program::Child(Box::new(child)),
            (None, Some(program)) => Program::Path(Box::new(program)),
            (None, None) => Program::None,
        };
        let options = keys.expr("options");
        if let (Program::None, Some(options)) = (&program, &options) {
            errors.at(options, "there is nothing to set without `child` or `program`");
        }
        Ok(Self { krate, attrs, vis, name, control, program, options, case })
    }
}

/// Reads the value of `rename_all`.
fn case(text: Option<LitStr>, errors: &mut Errors) -> Case {
    match text {
        None => Case::Snake,
        Some(text) if text.value() == "camelCase" => Case::Camel,
        Some(text) if text.value() == "snake_case" => Case::Snake,
        Some(text) => {
            errors.at(&text, "names are in \"snake_case\", as in Rust, or in \"camelCase\"");
            Case::Snake
        }
    }
}

fn without_semicolon(tokens: TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = tokens.into_iter().collect();
    if tokens.last().is_some_and(|last| last.to_string() == ";") {
        tokens.pop();
    }
    tokens.into_iter().collect()
}
