//! `#[derive(Child)]`: the constructor and the registration of a child. After a mistake the struct
//! is still a child, as far as possible, but is not registered.
//!
//! The derive never sees the interface. It finds everything through `<dyn Path as Interface>`, so
//! the trait may be named by path, renamed, private or in another crate, and a field of the wrong
//! type is an error at the field's type.
//!
//! Rules, each reported at the user's token:
//! * a struct, without generics; `#[child(Laser)]` on it, once
//! * every field has a source: the names `cx` and `config`, or `#[child(cx)]`, `#[child(config)]`,
//!   `#[child(default)]`, `#[child(default = expr)]`; one source each; context and config once each
//! * with `new = path` the constructor sets the fields, and `#[child]` on a field is an error

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprPath, Field, Fields, Meta, Path, Token, parse_quote,
};

use crate::errors::Errors;
use crate::naming;
use crate::read::keys::{Keys, Table, Takes};
use crate::read::parse;
use crate::rules::payload;

/// The keys after the interface's path.
const CHILD: Table = &[("new", Takes::Expr), ("crate", Takes::Text)];

/// The keys on a field.
const FIELD: Table =
    &[("cx", Takes::Nothing), ("config", Takes::Nothing), ("default", Takes::MaybeExpr)];

/// How to give a field a source, for messages.
const SOURCES: &str = "name it `cx` or `config`, or mark it with `#[child(cx)]`, \
                       `#[child(config)]`, `#[child(default)]` or `#[child(default = ..)]`";

/// A struct that implements an interface.
struct Child {
    input: DeriveInput,
    krate: Path,
    /// The interface, by the user's path. Without it there is nothing to implement.
    interface: Option<Path>,
    make: Make,
}

/// How the child is constructed.
enum Make {
    /// `new = LaserProcess::open`
    Constructor(ExprPath),
    /// The generated constructor, field by field.
    Fields(Vec<Initial>),
}

/// A field and its initial value.
struct Initial {
    field: Field,
    source: Source,
}

enum Source {
    Context,
    Config,
    Default,
    Expr(Expr),
}

/// Expands the derive.
pub(crate) fn expand(input: DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let child = read(input, &mut errors);
    match errors.into_first_and_rest() {
        None => implement(&child),
        Some((first, rest)) => implement_repaired(&child, &first, &rest),
    }
}

// ---- reading and checking -----------------------------------------------------------------------

/// Reads the struct, and reports its mistakes.
fn read(input: DeriveInput, errors: &mut Errors) -> Child {
    if !input.generics.params.is_empty() {
        errors.at(
            &input.generics,
            "a child has no generic parameters: it is started by name in another process",
        );
    }
    let (interface, keys) = interface(&input, errors);
    let krate = parse::krate(keys.text("crate"), errors);
    let make = match keys.expr("new") {
        Some(constructor) => {
            unmarked_fields(&input, errors);
            Make::Constructor(path(&constructor, errors))
        }
        None if keys.key("new").is_some() => Make::Fields(Vec::new()),
        None => Make::Fields(fields(&input, errors)),
    };
    Child { input, krate, interface, make }
}

/// Reads `#[child(path::Laser, new = .., crate = "..")]`.
fn interface(input: &DeriveInput, errors: &mut Errors) -> (Option<Path>, Keys) {
    let mut attributes = input.attrs.iter().filter(|attribute| is_child(attribute));
    let Some(attribute) = attributes.next() else {
        let name = naming::plain(&input.ident);
        errors.at(
            &input.ident,
            format!("which interface does `{name}` implement? add `#[child(TheTrait)]`"),
        );
        return (None, Keys::default());
    };
    for surplus in attributes {
        errors.at(surplus.path(), "`#[child]` is given twice; a child implements one interface");
    }
    let list = match &attribute.meta {
        Meta::List(list) if !list.tokens.is_empty() => list,
        _ => {
            errors.at(&attribute.meta, "which interface? write `#[child(TheTrait)]`");
            return (None, Keys::default());
        }
    };
    let read = |input: ParseStream| {
        // `"Laser"`
        if let Ok(text) = input.fork().parse::<syn::LitStr>() {
            let path = text.value();
            errors.at(&text, format!("a trait is written without quotes: `#[child({path})]`"));
            let _: TokenStream = input.parse()?;
            return Ok((None, Keys::default()));
        }
        // `new = ..` without a trait: `new` would parse as a path, and everything after it would be
        // wrong.
        if input.peek2(Token![=]) {
            let keys = Keys::read(input, CHILD, errors);
            errors.at(&list.path, "which interface? write `#[child(TheTrait, ..)]`");
            return Ok((None, keys));
        }
        if let Ok(word) = input.parse::<Token![dyn]>() {
            errors.at(&word, "write the trait alone: `#[child(TheTrait)]`");
        }
        let path = input.call(Path::parse_mod_style)?;
        if !input.is_empty() {
            let _: Token![,] = input.parse()?;
        }
        Ok((Some(path), Keys::read(input, CHILD, errors)))
    };
    match list.parse_args_with(read) {
        Ok(read) => read,
        Err(error) => {
            errors.push(error);
            (None, Keys::default())
        }
    }
}

/// Returns the path of the constructor; any other expression is a mistake.
fn path(expr: &Expr, errors: &mut Errors) -> ExprPath {
    match parse::ungrouped(expr) {
        Expr::Path(path) => path.clone(),
        other => {
            errors.at(other, "the constructor is named by its path: `new = LaserProcess::open`");
            parse_quote!(broken)
        }
    }
}

/// Reports `#[child]` on a field that the given constructor sets.
fn unmarked_fields(input: &DeriveInput, errors: &mut Errors) {
    if let Data::Struct(data) = &input.data {
        for attribute in data.fields.iter().flat_map(|field| &field.attrs).filter(|a| is_child(a)) {
            errors.at(&attribute.meta, "the constructor given as `new` makes this field");
        }
    } else {
        a_struct(input, errors);
    }
}

/// Reports an item that is not a struct.
fn a_struct(input: &DeriveInput, errors: &mut Errors) {
    let keyword: &dyn quote::ToTokens = match &input.data {
        Data::Struct(data) => &data.struct_token,
        Data::Enum(data) => &data.enum_token,
        Data::Union(data) => &data.union_token,
    };
    errors.at(&quote!(#keyword), "a child is a struct");
}

/// Reads the sources of all fields.
fn fields(input: &DeriveInput, errors: &mut Errors) -> Vec<Initial> {
    let Data::Struct(data) = &input.data else {
        a_struct(input, errors);
        return Vec::new();
    };
    if let Fields::Unnamed(fields) = &data.fields {
        errors.at(
            fields,
            "a child has named fields, which say what they are made from, \
             or its own constructor: `#[child(.., new = path)]`",
        );
        return Vec::new();
    }
    let mut initials: Vec<Initial> = Vec::new();
    for field in &data.fields {
        let Some(source) = source(field, errors) else { continue };
        let twin = initials.iter().find(|before| {
            matches!(
                (&before.source, &source),
                (Source::Context, Source::Context) | (Source::Config, Source::Config)
            )
        });
        if let (Some(twin), Some(ident)) = (twin, &field.ident) {
            let what = if matches!(source, Source::Context) { "context" } else { "config" };
            let first = twin.field.ident.as_ref().map(naming::plain).unwrap_or_default();
            errors.at(ident, format!("there is one {what}, and the field `{first}` takes it"));
            continue;
        }
        initials.push(Initial { field: field.clone(), source });
    }
    initials
}

/// Returns where a field's value comes from. `None` after an error.
fn source(field: &Field, errors: &mut Errors) -> Option<Source> {
    let ident = field.ident.as_ref()?;
    let mut attributes = field.attrs.iter().filter(|attribute| is_child(attribute));
    let Some(attribute) = attributes.next() else {
        return match ident.unraw().to_string().as_str() {
            "cx" => Some(Source::Context),
            "config" => Some(Source::Config),
            name => {
                errors.at(ident, format!("what is `{name}` made from? {SOURCES}"));
                None
            }
        };
    };
    for surplus in attributes {
        errors.at(surplus.path(), "`#[child]` is given twice on this field");
    }
    let before = errors.len();
    let keys = Keys::of(attribute, FIELD, errors);
    let given: Vec<(&Ident, Source)> = [
        keys.key("cx").map(|key| (key, Source::Context)),
        keys.key("config").map(|key| (key, Source::Config)),
        keys.key("default")
            .map(|key| (key, keys.expr("default").map_or(Source::Default, Source::Expr))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if errors.len() == before && given.is_empty() {
        errors.at(&attribute.meta, format!("what is the field made from? {SOURCES}"));
    }
    if let [_, (second, _), ..] = given.as_slice() {
        errors.at(second, "a field is made from one source");
    }
    given.into_iter().next().map(|(_, source)| source)
}

fn is_child(attribute: &Attribute) -> bool {
    attribute.path().is_ident("child")
}

// ---- expansion ----------------------------------------------------------------------------------

/// Expands the derive of a struct without mistakes.
fn implement(child: &Child) -> TokenStream {
    let (Child { input, krate, .. }, Some(interface)) = (child, &child.interface) else {
        return TokenStream::new();
    };
    let ident = &input.ident;
    let (cx, config) = (naming::local("cx"), naming::local("config"));
    let body = match &child.make {
        Make::Constructor(path) => {
            let span = syn::spanned::Spanned::span(path);
            quote_spanned!(span=> #path(#cx, #config))
        }
        Make::Fields(initials) => {
            let values = initials.iter().map(|initial| value(initial, &cx, &config));
            quote! {
                // Possibly no field takes one of them, or both.
                let _ = (&#cx, &#config);
                ::core::result::Result::Ok(Self { #(#values),* })
            }
        }
    };
    // With the span of the trait's name: errors about a struct that does not implement it, and
    // about a trait that is not an interface, are reported there.
    let span = syn::spanned::Spanned::span(interface);
    let coerced = naming::local_at("child", span);
    let object = quote_spanned!(span=> dyn #interface);
    let [context_type, config_type] = ["Context", "Config"].map(|name| {
        let name = Ident::new(name, span);
        quote_spanned!(span=> <#object as #krate::Interface>::#name)
    });
    let construct = quote_spanned! {span=>
        fn __construct(#cx: #context_type, #config: #config_type) -> #krate::Result<Self> {
            #body
        }
    };
    let place = quote_spanned! {ident.span().resolved_at(Span::call_site())=>
        ::core::concat!(::core::file!(), ":", ::core::line!(), ":", ::core::column!())
    };
    let registration = quote_spanned!(span=> #krate::__private::Registration::of::<#ident>());
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::Child for #ident {
                type Interface = #object;
                const __PLACE: &'static ::core::primitive::str = #place;
                const __REGISTRATION: #krate::__private::Registration = #registration;

                #[inline]
                #construct

                #[inline]
                fn __interface(&mut self) -> &mut (#object + 'static) {
                    fn coerce(#coerced: &mut #ident) -> &mut (#object + 'static) {
                        #coerced
                    }
                    coerce(self)
                }
            }

            #krate::__private::inventory::submit! { #registration }
        };
    }
}

/// Expands `samples: Default::default()`, with the span of the field's type, where an error about a
/// wrong value is reported.
fn value(initial: &Initial, cx: &Ident, config: &Ident) -> TokenStream {
    let (ident, ty) = (&initial.field.ident, &initial.field.ty);
    let span = payload::span(ty);
    let value = match &initial.source {
        Source::Context => {
            let cx = Ident::new(&cx.to_string(), cx.span().located_at(span));
            quote!(#cx)
        }
        Source::Config => {
            let config = Ident::new(&config.to_string(), config.span().located_at(span));
            quote!(#config)
        }
        Source::Default => quote_spanned!(span=> <#ty as ::core::default::Default>::default()),
        Source::Expr(expr) => quote!(#expr),
    };
    quote!(#ident: #value)
}

/// Expands the derive after an error: the struct is still a child, as far as possible, so that
/// `LaserControl::new::<LaserProcess>` causes no further error. It is not registered.
fn implement_repaired(child: &Child, first: &TokenStream, rest: &TokenStream) -> TokenStream {
    let Child { input, krate, interface, .. } = child;
    let ident = &input.ident;
    let (errors, interface) = match interface {
        Some(path) => (quote!(#first #rest), quote!(dyn #path)),
        // A type for which rustc has reported an error already; see the fallback of `#[process]`.
        None => (rest.clone(), quote!(::core::array::IntoIter<(), { #first }>)),
    };
    let mut generics = input.generics.clone();
    let (_, arguments, _) = input.generics.split_for_impl();
    generics.make_where_clause().predicates.push(parse_quote!(#ident #arguments: 'static));
    let (parameters, arguments, clause) = generics.split_for_impl();
    quote! {
        #errors
        const _: () = {
            #[automatically_derived]
            impl #parameters #krate::Child for #ident #arguments #clause {
                type Interface = #interface;
                const __PLACE: &'static ::core::primitive::str = "";
                const __REGISTRATION: #krate::__private::Registration = #krate::__private::Registration::of::<Self>();

                fn __construct(
                    _: <Self::Interface as #krate::Interface>::Context,
                    _: <Self::Interface as #krate::Interface>::Config,
                ) -> #krate::Result<Self> {
                    ::core::unreachable!()
                }

                fn __interface(&mut self) -> &mut Self::Interface {
                    ::core::unreachable!()
                }
            }
        };
    }
}
