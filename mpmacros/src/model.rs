//! The model of an interface: [`Interface`] and its parts.
//!
//! There are two layers. [`Method`] is one method as the user wrote it, with every token, for the
//! rules of [`crate::rules::check`] and for the trait that is emitted. [`Command`], [`Property`] and
//! [`Event`] are the meaning of the methods, with all names made; [`crate::expand`] works only on
//! these. Identifiers and types keep the user's spans in both.

use proc_macro2::Span;
use quote::{ToTokens, quote_spanned};
use syn::{
    Expr, FnArg, GenericArgument, Ident, ItemTrait, LitStr, Pat, Path, PathArguments, ReturnType,
    TraitItem, TraitItemFn, Type, parse_quote, parse_quote_spanned,
};

use crate::docs::Docs;
use crate::naming::{self, Names};
use crate::read::timeout;
use crate::rules::payload;

/// The maximum number of arguments of a command or event, and of elements in a result's tuple:
/// serde supports tuples and `Signal::connect` supports closures up to this size.
pub(crate) const MOST_ARGUMENTS: usize = 16;

/// One interface: `#[process] trait Laser { .. }`.
pub(crate) struct Interface {
    pub(crate) options: Options,
    /// The trait without its items.
    pub(crate) header: ItemTrait,
    pub(crate) names: Names,
    /// The methods as written, in order.
    pub(crate) methods: Vec<Method>,
    /// Items that are not methods, none of which is allowed.
    pub(crate) strangers: Vec<TraitItem>,
    /// In wire order: the declared commands in order of declaration, then the setters in order of
    /// their properties. The position is the command's number on the wire.
    pub(crate) commands: Vec<Command>,
    /// In order of declaration, which numbers them.
    pub(crate) properties: Vec<Property>,
    /// In order of declaration, which numbers them.
    pub(crate) events: Vec<Event>,
}

/// The arguments of `#[process(..)]`.
pub(crate) struct Options {
    /// `crate = "path"`: the path of mpcore, by default `::mpcore`.
    pub(crate) krate: Path,
    /// `config = Type`: the type of the value for the child's constructor, by default `()`.
    pub(crate) config: Type,
    /// `control = ".."` and the like: names of generated items that are not made from the trait's.
    pub(crate) chosen: Chosen,
    /// `postfix = ".."`: the text that a plain `#[signal]` appends to its command's name.
    pub(crate) postfix: Option<LitStr>,
}

/// The names that the user has chosen for generated items.
#[derive(Clone, Default)]
pub(crate) struct Chosen {
    pub(crate) control: Option<LitStr>,
    pub(crate) signals: Option<LitStr>,
    pub(crate) blocking: Option<LitStr>,
    pub(crate) context: Option<LitStr>,
}

impl Chosen {
    pub(crate) fn all(&self) -> impl Iterator<Item = &LitStr> {
        [&self.control, &self.signals, &self.blocking, &self.context].into_iter().flatten()
    }
}

impl Options {
    /// Returns the effective postfix: the default if the given one is wrong.
    pub(crate) fn postfix(&self) -> String {
        match &self.postfix {
            Some(text) if naming::check_postfix(text).is_ok() => text.value(),
            _ => naming::DEFAULT_POSTFIX.to_owned(),
        }
    }
}

/// One method of the trait, as written.
pub(crate) struct Method {
    /// The method with all attributes.
    pub(crate) item: TraitItemFn,
    pub(crate) marks: Marks,
    pub(crate) role: Role,
}

impl Method {
    pub(crate) fn ident(&self) -> &Ident {
        &self.item.sig.ident
    }

    /// The attributes that generated items copy.
    pub(crate) fn docs(&self) -> Docs {
        Docs::of(&self.item.attrs)
    }
}

/// The kind of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Command,
    Property,
    Event,
}

impl Role {
    /// Returns the word for messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Role::Command => "command",
            Role::Property => "property",
            Role::Event => "event",
        }
    }
}

/// Our attributes on one method. [`crate::rules::check`] reports contradictions.
#[derive(Default)]
pub(crate) struct Marks {
    pub(crate) command: Option<CommandMark>,
    pub(crate) signal: Option<SignalMark>,
    pub(crate) property: Option<PropertyMark>,
    pub(crate) event: Option<EventMark>,
    pub(crate) timeout: Option<TimeoutMark>,
    /// The attribute, for messages.
    pub(crate) idempotent: Option<Path>,
    /// The attribute, for messages.
    pub(crate) no_cancel: Option<Path>,
}

impl Marks {
    /// Returns the role. A property takes precedence over an event, so that a contradiction still
    /// has one meaning.
    pub(crate) fn role(&self) -> Role {
        if self.property.is_some() {
            Role::Property
        } else if self.event.is_some() {
            Role::Event
        } else {
            Role::Command
        }
    }

    /// Returns the attributes that say how a command is run, in the order of the names here.
    pub(crate) fn of_running(&self) -> impl Iterator<Item = &Path> {
        let timeout = self.timeout.as_ref().map(|mark| &mark.at);
        [timeout, self.idempotent.as_ref(), self.no_cancel.as_ref()].into_iter().flatten()
    }
}

/// `#[timeout = ".."]`
pub(crate) struct TimeoutMark {
    /// The attribute, for messages.
    pub(crate) at: Path,
    /// `None` if it was not a string literal, which was reported.
    pub(crate) text: Option<LitStr>,
}

/// `#[command(rename = "..")]`
pub(crate) struct CommandMark {
    /// The attribute, for messages.
    pub(crate) at: Path,
    pub(crate) rename: Option<LitStr>,
}

/// `#[signal]`, `#[signal(name = "..")]`, `#[signal(postfix = "..")]`
pub(crate) struct SignalMark {
    pub(crate) at: Path,
    pub(crate) name: Option<LitStr>,
    pub(crate) postfix: Option<LitStr>,
}

/// `#[property]`, `#[property(write, every, notify = "..", default = ..)]`
pub(crate) struct PropertyMark {
    pub(crate) write: bool,
    pub(crate) every: Option<Ident>,
    pub(crate) notify: Option<LitStr>,
    pub(crate) default: Option<Expr>,
}

/// `#[event]`, `#[event(latest)]`
pub(crate) struct EventMark {
    pub(crate) at: Path,
    pub(crate) latest: bool,
}

/// A command, which the controller submits.
pub(crate) struct Command {
    pub(crate) origin: Origin,
    /// The trait's method.
    pub(crate) ident: Ident,
    /// The control's method; differs from `ident` after `#[command(rename = "..")]`. This is also
    /// the name on the wire, since the controller's side shows the errors.
    pub(crate) control: Ident,
    pub(crate) docs: Docs,
    pub(crate) args: Vec<Argument>,
    pub(crate) returns: Returns,
    /// The named signal of the result.
    pub(crate) signal: Option<Ident>,
    pub(crate) rules: Rules,
    /// Whether the dispatcher may call the method, because it has the shape of a command.
    pub(crate) callable: bool,
    /// Whether its name is free on the control.
    pub(crate) on_control: bool,
}

/// How the runtime treats a command; for a setter, the attributes are on its property.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rules {
    /// `#[timeout = ".."]`, in milliseconds.
    pub(crate) timeout: Option<u32>,
    /// `#[idempotent]`
    pub(crate) idempotent: bool,
    /// `#[no_cancel]`
    pub(crate) no_cancel: bool,
    /// For a setter: `#[property(write, every)]`
    pub(crate) every: bool,
}

/// Where a command comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Declared by the user: index of the method.
    Method(usize),
    /// The setter of a `#[property(write)]`: index of the property.
    Setter(usize),
}

/// One argument of a command or event.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
}

/// The parts of a command's return type.
pub(crate) struct Returns {
    /// As written, or `()`.
    pub(crate) whole: Type,
    /// The type of the call's value: `T`, also for `Result<T, E>`.
    pub(crate) ok: Type,
    pub(crate) error: Raised,
    /// Whether the path gives neither value nor error, as in `my::Result`: a trait finds both, so
    /// it is not known here whether the value is `()`.
    pub(crate) is_bare: bool,
}

/// The error type of a command.
pub(crate) enum Raised {
    /// The command does not return a `Result`.
    Never,
    /// The `E` of `Result<T, E>`.
    Given(Box<Type>),
    /// `mpcore::Result<T>`: named directly, because documentation is more readable without a
    /// projection.
    OfRuntime,
    /// The path is an alias with its own error, `io::Result<T>`; a trait finds it.
    OfAlias,
}

impl Returns {
    /// Returns the types of the named signal's arguments: one per element of a tuple; any other
    /// type is one argument. Decided by tokens, so an alias of a tuple is one argument. Unknown for
    /// a bare `Result`.
    pub(crate) fn arguments(&self) -> Vec<Type> {
        match payload::bare(&self.ok) {
            Type::Tuple(tuple) => tuple.elems.iter().cloned().collect(),
            _ if self.is_bare => Vec::new(),
            _ => vec![self.ok.clone()],
        }
    }

    /// Returns whether the result is a literal tuple, including `()`, and therefore already the
    /// signal's payload.
    pub(crate) fn spreads(&self) -> bool {
        matches!(payload::bare(&self.ok), Type::Tuple(_))
    }

    pub(crate) fn is_result(&self) -> bool {
        !matches!(self.error, Raised::Never)
    }
}

/// A value that the child owns and the controller mirrors.
pub(crate) struct Property {
    /// Index of the method.
    pub(crate) method: usize,
    pub(crate) ident: Ident,
    pub(crate) docs: Docs,
    pub(crate) ty: Type,
    pub(crate) default: Option<Expr>,
    /// The signal that reports a change.
    pub(crate) notify: Option<Ident>,
    /// Whether the getter's name is free on the control.
    pub(crate) on_control: bool,
}

/// A notification that the child can emit at any time.
pub(crate) struct Event {
    /// Index of the method.
    pub(crate) method: usize,
    pub(crate) ident: Ident,
    pub(crate) docs: Docs,
    pub(crate) args: Vec<Argument>,
    pub(crate) latest: bool,
}

impl Interface {
    /// Makes the commands, properties and events from the methods, with all names.
    pub(crate) fn new(
        options: Options,
        header: ItemTrait,
        methods: Vec<Method>,
        strangers: Vec<TraitItem>,
    ) -> Interface {
        let names = Names::of(&header.ident, &options.chosen);
        let mut commands = Vec::new();
        let mut properties = Vec::new();
        let mut setters = Vec::new();
        let mut events = Vec::new();
        for (index, method) in methods.iter().enumerate() {
            match method.role {
                Role::Command => commands.push(Command::declared(index, method, &options)),
                Role::Property => {
                    let property = Property::declared(index, method, &names);
                    if method.marks.property.as_ref().is_some_and(|mark| mark.write) {
                        let rules = Rules::of(&method.marks);
                        setters.push(Command::setter(properties.len(), &property, rules, &options));
                    }
                    properties.push(property);
                }
                Role::Event => events.push(Event::declared(index, method)),
            }
        }
        commands.extend(setters);
        Interface { options, header, names, methods, strangers, commands, properties, events }
    }

    /// Returns the method that a command belongs to; for a setter, its property's.
    pub(crate) fn method_of(&self, command: &Command) -> usize {
        match command.origin {
            Origin::Method(index) => index,
            Origin::Setter(property) => self.properties[property].method,
        }
    }
}

impl Rules {
    /// Leaves a wrong timeout out.
    fn of(marks: &Marks) -> Rules {
        let text = marks.timeout.as_ref().and_then(|mark| mark.text.as_ref());
        Rules {
            timeout: text.and_then(|text| timeout::milliseconds(text).ok()),
            idempotent: marks.idempotent.is_some(),
            no_cancel: marks.no_cancel.is_some(),
            every: marks.property.as_ref().is_some_and(|mark| mark.every.is_some()),
        }
    }
}

impl Command {
    fn declared(index: usize, method: &Method, options: &Options) -> Command {
        let ident = method.ident().clone();
        let rename = method.marks.command.as_ref().and_then(|mark| mark.rename.as_ref());
        let control = named(rename).unwrap_or_else(|| ident.clone());
        let signal = method.marks.signal.as_ref().map(|mark| {
            named(mark.name.as_ref()).unwrap_or_else(|| {
                let postfix = match &mark.postfix {
                    Some(text) if naming::check_postfix(text).is_ok() => text.value(),
                    _ => options.postfix(),
                };
                naming::signal(&control, &postfix)
            })
        });
        Command {
            origin: Origin::Method(index),
            ident,
            control,
            docs: method.docs(),
            args: arguments(&method.item),
            returns: Returns::of(&method.item.sig.output, &options.krate),
            signal,
            rules: Rules::of(&method.marks),
            callable: true,
            on_control: true,
        }
    }

    fn setter(index: usize, property: &Property, rules: Rules, options: &Options) -> Command {
        let setter = naming::setter(&property.ident);
        let krate = &options.krate;
        let ty = &property.ty;
        let refused: Type = parse_quote!(#krate::Refused);
        Command {
            origin: Origin::Setter(index),
            ident: setter.clone(),
            control: setter,
            // The user's documentation is about the value; the setter's own line is generated.
            docs: property.docs.without_text(),
            args: vec![Argument { ident: property.ident.clone(), ty: ty.clone() }],
            returns: Returns {
                whole: parse_quote!(::core::result::Result<#ty, #refused>),
                ok: ty.clone(),
                error: Raised::Given(Box::new(refused)),
                is_bare: false,
            },
            signal: None,
            rules,
            callable: true,
            on_control: true,
        }
    }
}

impl Returns {
    /// Splits a type whose last path segment is `Result`, by any path; a trait in the generated
    /// code checks that it is a `core::result::Result`.
    pub(crate) fn of(output: &ReturnType, krate: &Path) -> Returns {
        let whole: Type = match output {
            ReturnType::Default => parse_quote!(()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let Type::Path(path) = payload::bare(&whole) else {
            return Returns { ok: whole.clone(), whole, error: Raised::Never, is_bare: false };
        };
        let Some(last) = path.path.segments.last().filter(|last| last.ident == "Result") else {
            return Returns { ok: whole.clone(), whole, error: Raised::Never, is_bare: false };
        };
        let mut types = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
        .into_iter();
        let span = payload::span(&whole);
        let of_runtime = is_runtime_result(&path.path, krate);
        let ok = types.next();
        let is_bare = ok.is_none() && !of_runtime;
        let ok = ok.unwrap_or_else(|| match is_bare {
            // `mpcore::Result` defaults to `()`.
            false => parse_quote_spanned!(span=> ()),
            true => {
                let span = Span::call_site().located_at(span);
                let parts = quote_spanned!(span=> __private::ResultParts);
                parse_quote!(<#whole as #krate::#parts>::Ok)
            }
        });
        let error = match types.next() {
            Some(error) => Raised::Given(Box::new(error)),
            None if of_runtime => Raised::OfRuntime,
            None => Raised::OfAlias,
        };
        Returns { whole, ok, error, is_bare }
    }
}

impl Property {
    fn declared(index: usize, method: &Method, names: &Names) -> Property {
        let ident = method.ident().clone();
        let mark = method.marks.property.as_ref();
        let notify = named(mark.and_then(|mark| mark.notify.as_ref()))
            .unwrap_or_else(|| naming::notify(&ident));
        let ty = match &method.item.sig.output {
            ReturnType::Type(_, ty) => (**ty).clone(),
            // Only after an error, and then a type of this name exists.
            ReturnType::Default => {
                let broken = &names.broken;
                parse_quote!(#broken)
            }
        };
        Property {
            method: index,
            ident,
            docs: method.docs(),
            ty,
            default: mark.and_then(|mark| mark.default.clone()),
            notify: Some(notify),
            on_control: true,
        }
    }
}

impl Event {
    fn declared(index: usize, method: &Method) -> Event {
        Event {
            method: index,
            ident: method.ident().clone(),
            docs: method.docs(),
            args: arguments(&method.item),
            latest: method.marks.event.as_ref().is_some_and(|mark| mark.latest),
        }
    }
}

/// Returns the identifier that a string gives, if it is one.
fn named(text: Option<&LitStr>) -> Option<Ident> {
    naming::from_text(text?).ok()
}

/// Returns the arguments without the receiver. An argument without a name (an error) gets one.
fn arguments(item: &TraitItemFn) -> Vec<Argument> {
    let inputs = item.sig.inputs.iter().enumerate();
    inputs
        .filter_map(|(i, input)| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(typed) => {
                let ident = match &*typed.pat {
                    Pat::Ident(pat) => pat.ident.clone(),
                    _ => Ident::new(&format!("argument_{i}"), Span::call_site()),
                };
                Some(Argument { ident, ty: (*typed.ty).clone() })
            }
        })
        .collect()
}

/// Returns whether `path` is exactly `mpcore::Result`, or the `Result` of the path given as
/// `crate`.
fn is_runtime_result(path: &Path, krate: &Path) -> bool {
    let names = |path: &Path| -> Vec<String> {
        path.segments.iter().map(|segment| naming::plain(&segment.ident)).collect()
    };
    let mut runtime = names(krate);
    runtime.push("Result".to_owned());
    names(path) == runtime || names(path) == ["mpcore", "Result"]
}

impl ToTokens for Argument {
    /// `num1: i32`
    fn to_tokens(&self, tokens: &mut proc_macro2::TokenStream) {
        self.ident.to_tokens(tokens);
        <syn::Token![:]>::default().to_tokens(tokens);
        self.ty.to_tokens(tokens);
    }
}
