//! The macros of mpcore, which re-exports all three: `#[mpcore::process]`, `#[derive(mpcore::Child)]`,
//! `#[mpcore::main]`. And the two steps of `mpqt::qobject!`.
//!
//! Inside, each macro is a pipeline, and each step a module: conditions are evaluated (`conditions`),
//! tokens are read (`parse`, `keys`, and `manifest` for the name of mpcore) into a model that keeps the
//! user's spans (`model`), the rules are applied to it and all mistakes told at once (`check`, `claims`,
//! `payload`), and it is expanded, one file per generated side (`expand`), after a mistake in a repaired
//! form (`fallback`). All names are made in `naming`. Generated code holds no logic; what it calls is
//! `mpcore::__private`.
#![forbid(unsafe_code)]

mod check;
mod child;
mod claims;
mod conditions;
mod docs;
mod errors;
mod expand;
mod fallback;
mod keys;
mod main_attr;
mod manifest;
mod model;
mod naming;
mod parse;
mod payload;
mod qobject;
mod text;
mod timeout;

use proc_macro::TokenStream;

/// Makes an interface of a trait: the one description of a child, compiled into both sides.
///
/// ```
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// pub struct LaserConfig {
///     pub port: String,
/// }
///
/// #[mpcore::process(config = LaserConfig)]
/// pub trait Laser {
///     /// Adds two numbers. The result arrives as signal `add_two_finished(i32)`.
///     #[signal(name = "add_two_finished")]
///     fn add_two(&mut self, num1: i32, num2: i32) -> i32;
///
///     /// Signal `sweep_changed(Vec<f64>)`, or an exception.
///     #[signal]
///     fn sweep(&mut self, from: f64, to: f64, steps: u32) -> mpcore::Result<Vec<f64>>;
///
///     /// No named signal; the outcome is in the returned call.
///     fn reset(&mut self);
///
///     /// Signal `connected_changed(bool)`.
///     #[property]
///     fn connected(&self) -> bool;
///
///     /// The controller may ask to change it.
///     #[property(write, notify = "power_set", default = 1.0)]
///     fn power(&self) -> f64;
///
///     /// Every one is delivered, in order.
///     #[event]
///     fn voltage(&self, volts: f64);
///
///     /// Only the newest waiting one is delivered.
///     #[event(latest)]
///     fn position(&self, x: f64, y: f64);
/// }
/// # fn main() {}
/// ```
///
/// # What is generated
///
/// | for `Laser` | what |
/// |---|---|
/// | `trait Laser` | what the child implements: the commands; `set_power` for each written property, which accepts unless implemented; `postrun_init` and `cleanup`, both provided. Properties and events stand on its page for its readers, so that `` [`Laser::power`] `` can be linked to; they are neither implemented nor called there, and the compiler says so. |
/// | `LaserControl` | what the controller holds: one method per command, returning an `mpcore::Call`; one getter per property; `new`, `spawn`, `builder`, `signals`, `blocking`, `process`, `downgrade` |
/// | `LaserSignals` | one `mpcore::Signal` per named result, property and event, and `exception_raised` |
/// | `LaserBlocking` | the commands as calls that wait |
/// | `LaserContext` | what the child uses: one `mpcore::Property` per property, one `mpcore::Event` per event and per named result; it dereferences to `mpcore::ChildContext` |
/// | `impl mpcore::Interface for dyn Laser` | through which the runtime and `derive(Child)` find all of this |
/// | a hidden macro `LaserControl!` | hands the interface's tokens to another macro, such as `mpqt::qobject!` |
///
/// Everything is as visible as the trait. `#[deprecated]` of a method is carried over to what is
/// generated for it, and so is its documentation: to the control without the examples, which would else
/// be run once more, and elsewhere its first paragraph. In these copies a link to `Self` goes to the
/// trait.
///
/// # Arguments of `#[process(..)]`
///
/// | key | meaning | default |
/// |---|---|---|
/// | `config = Type` | what the controller hands to the child's constructor | `()` |
/// | `postfix = ".."` | what a plain `#[signal]` adds to its command's name | `"_changed"` |
/// | `control`, `signals`, `blocking`, `context` `= ".."` | the name of that item, where `LaserControl`, `LaserSignals`, `LaserBlocking` or `LaserContext` is taken | made from the trait's |
/// | `crate = ".."` | the path of mpcore, if it is re-exported by another crate | its name in `Cargo.toml`, also if it is renamed there |
///
/// # Commands
///
/// A method without a mark, or with one of these, is a command. It takes `&mut self` or `&self` and
/// up to 16 arguments. It may have a body; then the child need not implement it.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[signal]` | the result is a signal named after the command, `sweep_changed` |
/// | `#[signal(name = "..")]` | a signal of this name |
/// | `#[signal(postfix = "..")]` | named after the command, with this end |
/// | `#[command(rename = "..")]` | the command has this name on the controller's side, where its own is taken; the default name of its signal is made from it |
///
/// A result of `()` is a signal without arguments, a literal tuple one argument per element, anything
/// else one argument, an alias of a tuple included.
///
/// A return type whose last path segment is `Result` is taken apart: `Call<T, E>` for `Result<T, E>`,
/// also for an alias such as `io::Result<T>`, or one that says both, `my::Result`. A `Result` under
/// another name is an error that says so, and so is an alias whose arguments stand in another order. An
/// error type needs serde, `Display` and `Send`; `mpcore::Result<T>` brings its own, see there for the
/// errors of other libraries.
///
/// ## How a command is run
///
/// These stand on a command, or on a property with `write`, where they are about its setter.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[timeout = ".."]` | once it has run for so long, it is asked for its end, as by a cancel, and ends as timed out: `"5s"`, `"250ms"`, `"2m"`, `"1h"`, `"1m30s"`, `"1.5s"`, at most 49 days. A queued command's time has not begun. |
/// | `#[idempotent]` | running it twice is as good as once; so if the child crashes under it and is started again, it is run once more by itself |
/// | `#[no_cancel]` | once it runs, a cancel does not reach it; before that, it can be cancelled like any other |
///
/// `#[timeout]` with `#[no_cancel]` is no contradiction: that the time is over is told as a timeout, but
/// the command runs on and ends with an outcome of its own.
///
/// The controller alone acts on them, so two sides that differ in nothing else understand each other.
/// What they mean for the caller stands in the documentation of the generated methods.
///
/// ```
/// #[mpcore::process]
/// pub trait Stage {
///     /// Drives to the reference switch, which may be broken.
///     #[timeout = "1m30s"]
///     #[signal(postfix = "_finished")]
///     fn home(&mut self) -> mpcore::Result<()>;
///
///     /// Only reads: it does no harm to ask again.
///     #[idempotent]
///     #[timeout = "250ms"]
///     fn temperature(&mut self) -> f64;
///
///     /// Half a firmware is worse than a long wait.
///     #[no_cancel]
///     fn flash(&mut self, firmware: Vec<u8>) -> mpcore::Result<()>;
///
///     /// `set_position` moves the stage, and that takes its time.
///     #[property(write)]
///     #[timeout = "20s"]
///     fn position(&self) -> f64;
/// }
/// # fn main() {}
/// ```
///
/// # Properties
///
/// `fn name(&self) -> T;` with `#[property]`, or with any of these keys:
///
/// | key | meaning | default |
/// |---|---|---|
/// | `write` | the controller has `set_name`, the child may implement it | only the child changes it |
/// | `every` | with `write`: each write runs | a write that still waits ends as superseded when the next one of this property is submitted, unless another command was submitted in between |
/// | `notify = ".."` | the name of the signal | `name_changed` |
/// | `default = expr` | the value it starts with, borrowing nothing | `T::default()` |
///
/// # Events
///
/// `fn name(&self, a: A, b: B);` with `#[event]` (every one is delivered, in order) or
/// `#[event(latest)]` (of those that wait, only the newest; one behind which another event or a result was
/// sent is kept, since the newer one does not overtake it).
///
/// # Rules
///
/// Arguments, results, properties, events and the config are owned types with serde's traits:
/// references, lifetimes, `impl Trait` and `dyn Trait` do not travel. The trait has only methods; it
/// and they have no generics, no `where` clauses, and are not `async` or `unsafe`; it has no
/// supertraits. Names that begin with `__` are reserved, and so are, on the control, the names of its
/// own methods, and `into` and `try_into`, which every type has. All mistakes are reported at once.
///
/// # Conditions
///
/// A method may have a `#[cfg(..)]`, and its attributes a `#[cfg_attr(..)]`. They are evaluated with the
/// features of the crate that the interface stands in, before anything is generated: other crates,
/// `mpqt::qobject!` in them too, see the interface without what is left out. A controller and a child of
/// which one was built with a feature and the other without have different interfaces, which they tell at
/// the handshake. An argument has no condition.
///
/// ```
/// #[mpcore::process]
/// pub trait Stage {
///     fn home(&mut self);
///
///     #[cfg(unix)]
///     #[signal]
///     fn priority(&mut self) -> i32;
///
///     #[cfg_attr(docsrs, doc(cfg(feature = "axes")))]
///     #[property]
///     fn axes(&self) -> u8;
/// }
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn process(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::process(attribute.into(), &item.into()).into()
}

/// Makes a struct a child: something that can run the interface it implements in a process.
///
/// ```
/// # #[mpcore::process(config = String)]
/// # pub trait Laser { fn add_two(&mut self, num1: i32, num2: i32) -> i32; }
/// #[derive(mpcore::Child)]
/// #[child(Laser)]
/// pub struct LaserProcess {
///     cx: LaserContext,
///     config: String,
///     #[child(default)]
///     samples: u64,
/// }
///
/// impl Laser for LaserProcess {
///     fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
///         num1 + num2
///     }
/// }
/// # fn main() {}
/// ```
///
/// It writes the constructor and registers the struct, so that `LaserControl::new::<LaserProcess>`
/// can start it.
///
/// | on the struct | meaning |
/// |---|---|
/// | `#[child(path::Laser)]` | the interface, as it is named here; renamed and private ones too |
/// | `#[child(.., new = path)]` | a constructor of its own, `fn(LaserContext, LaserConfig) -> mpcore::Result<Self>`; the fields are then its business |
/// | `#[child(.., crate = "..")]` | the path of mpcore, if it is re-exported by another crate |
///
/// | on a field | it is made from |
/// |---|---|
/// | nothing, if it is called `cx` or `config` | the context; the config |
/// | `#[child(cx)]`, `#[child(config)]` | the same, under any name |
/// | `#[child(default)]` | `Default::default()` |
/// | `#[child(default = expr)]` | the expression |
///
/// Context and config are both optional; each goes to one field. The struct has no generic parameters,
/// since it is registered as it stands, and found again in another process of this binary. Structs of one
/// name are kept apart, wherever they stand: each test function may have its own `struct Fake`.
#[proc_macro_derive(Child, attributes(child))]
pub fn child(item: TokenStream) -> TokenStream {
    child::expand(syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

/// Makes a main function the child's, if the process was started as a child; otherwise it runs as
/// written, and when it returns, the children are stopped, or finish what is queued (each by its exit policy,
/// `mpcore::AtExit`), and joined, and the last signals delivered. It waits for as long as the children have: the
/// time to finish, their own grace, and a little; after that they end with the process.
///
/// ```no_run
/// #[mpcore::main]
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     // ..
///     Ok(())
/// }
/// ```
///
/// The function is wrapped, so the attribute stands above another main attribute, such as
/// `#[tokio::main]`; a child never starts that one's runtime. `#[mpcore::main(crate = "..")]` gives
/// the path of mpcore, if it is re-exported by another crate. Without the macro: `mpcore::init()` as the
/// first thing in `main`.
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    main_attr::expand(attribute.into(), &item.into()).into()
}

/// The second step of an interface that has conditional methods.
#[doc(hidden)]
#[proc_macro_derive(Conditions, attributes(__mpcore))]
pub fn conditions(item: TokenStream) -> TokenStream {
    conditions::answer(&syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

/// The first step of `mpqt::qobject!`, which has the documentation.
#[doc(hidden)]
#[proc_macro]
pub fn qobject_declare(input: TokenStream) -> TokenStream {
    qobject::declare(&input.into()).into()
}

/// The second step of `mpqt::qobject!`, called by an interface's hidden macro.
#[doc(hidden)]
#[proc_macro]
pub fn qobject_expand(input: TokenStream) -> TokenStream {
    qobject::expand(input.into()).into()
}
