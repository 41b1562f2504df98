//! The macros of mpcore, which re-exports all three: `#[mpcore::process]`,
//! `#[derive(mpcore::Child)]`, `#[mpcore::main]`. Also the second step of an interface with
//! conditions, and the two steps of `mpqt::qobject!`.
//!
//! `process` is a pipeline, and each step is a module: conditions are evaluated and tokens are read
//! (`read`) into a model that keeps the user's spans (`model`); the rules are applied to it, and
//! all mistakes are reported at once (`rules`); then it is expanded, one file per generated side
//! (`expand`), after a mistake in a repaired form (`fallback`). All its names are made in `naming`;
//! the user's documentation is copied in `docs`, mistakes are collected in `errors`. `qobject!` has
//! the same steps in `qobject`, with the same model. The derive (`child`) and `main` (`main_attr`)
//! have one file each. Generated code contains no logic; it calls `mpcore::__private`.
#![forbid(unsafe_code)]

mod child;
mod docs;
mod errors;
mod expand;
mod fallback;
mod main_attr;
mod model;
mod naming;
mod qobject;
mod read;
mod rules;

use proc_macro::TokenStream;

/// Makes a trait an interface: the single description of a child, compiled into both sides.
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
///     /// Every event is delivered, in order.
///     #[event]
///     fn voltage(&self, volts: f64);
///
///     /// Only the newest waiting event is delivered.
///     #[event(latest)]
///     fn position(&self, x: f64, y: f64);
/// }
/// # fn main() {}
/// ```
///
/// # What is generated
///
/// | for `Laser` | meaning |
/// |---|---|
/// | `trait Laser` | implemented by the child: the commands; `set_power` for each property with `write`, which accepts every value unless implemented; `postrun_init` and `cleanup`, both provided. Properties and events are on its page for documentation, so that `` [`Laser::power`] `` can be linked to; they cannot be implemented or called there, and the compiler says so. |
/// | `LaserControl` | held by the controller: one method per command, returning an `mpcore::Call`; one getter per property; `new`, `spawn`, `builder`, `signals`, `blocking`, `process`, `downgrade` |
/// | `LaserSignals` | one `mpcore::Signal` per named result, property and event, and `exception_raised` |
/// | `LaserBlocking` | the commands as calls that wait |
/// | `LaserContext` | used by the child: one `mpcore::Property` per property, one `mpcore::Event` per event and per named result; it dereferences to `mpcore::ChildContext` |
/// | `impl mpcore::Interface for dyn Laser` | lets the runtime and `derive(Child)` find all of this |
/// | a hidden macro `LaserControl!` | hands the interface's tokens to another macro, such as `mpqt::qobject!` |
///
/// All items are as visible as the trait. `#[deprecated]` of a method is copied to the items
/// generated for it, and so is its documentation: to the control without the examples, which would
/// otherwise be run again, and to other items only its first paragraph. In these copies a link to
/// `Self` goes to the trait.
///
/// # Arguments of `#[process(..)]`
///
/// | key | meaning | default |
/// |---|---|---|
/// | `config = Type` | the type of the value that the controller passes to the child's constructor | `()` |
/// | `postfix = ".."` | the text that a plain `#[signal]` appends to its command's name | `"_changed"` |
/// | `control`, `signals`, `blocking`, `context` `= ".."` | the name of that item, where `LaserControl`, `LaserSignals`, `LaserBlocking` or `LaserContext` is taken | made from the trait's |
/// | `crate = ".."` | the path of mpcore, if it is re-exported by another crate | its name in `Cargo.toml`, also if it is renamed there |
///
/// # Commands
///
/// A method without an attribute of ours, or with one of these, is a command. It takes `&mut self`
/// or `&self` and up to 16 arguments. It may have a body; then the child need not implement it.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[signal]` | the result is a signal named after the command, `sweep_changed` |
/// | `#[signal(name = "..")]` | a signal of this name |
/// | `#[signal(postfix = "..")]` | a signal named after the command, with this ending |
/// | `#[command(rename = "..")]` | the command has this name on the controller's side, if its own is taken there; the default name of its signal is made from it |
///
/// A result of `()` gives a signal without arguments, a literal tuple one argument per element, any
/// other type one argument, including an alias of a tuple.
///
/// A return type whose last path segment is `Result` is split: the call is `Call<T, E>` for
/// `Result<T, E>`, also for an alias such as `io::Result<T>`, or one that fixes both types,
/// `my::Result`. A `Result` under another name is an error, and so is an alias whose arguments are
/// in another order. An error type needs serde, `Display` and `Send`; `mpcore::Result<T>` has its
/// own, see there for the errors of other libraries.
///
/// ## How a command is run
///
/// These attributes go on a command, or on a property with `write`, where they apply to its setter.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[timeout = ".."]` | when the command has run for this time, it is asked to end, as by a cancel, and ends as timed out: `"5s"`, `"250ms"`, `"2m"`, `"1h"`, `"1m30s"`, `"1.5s"`, at most 49 days. The time of a queued command has not begun. |
/// | `#[idempotent]` | running the command twice has the same effect as once; so if the child crashes while it runs and is started again, it is run again automatically |
/// | `#[no_cancel]` | once the command runs, a cancel has no effect; before that, it can be cancelled like any other |
///
/// `#[timeout]` with `#[no_cancel]` is not a contradiction: the timeout is reported, but the
/// command continues to run and ends with its own outcome.
///
/// Only the controller acts on them, so two sides that differ only in them understand each other.
/// The documentation of the generated methods says what they mean for the caller.
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
/// | `write` | the controller has `set_name`, which the child may implement | only the child changes it |
/// | `every` | with `write`: each write runs | a write that still waits ends as superseded when the next write of this property is submitted, unless another command was submitted in between |
/// | `notify = ".."` | the name of the signal | `name_changed` |
/// | `default = expr` | the initial value, which must not borrow | `T::default()` |
///
/// # Events
///
/// `fn name(&self, a: A, b: B);` with `#[event]` (every event is delivered, in order) or
/// `#[event(latest)]` (of those that wait, only the newest is delivered; if another event or a
/// result was sent after an older one, that one is kept, since the newer one does not overtake).
///
/// # Rules
///
/// Arguments, results, properties, events and the config are owned types with serde's traits:
/// references, lifetimes, `impl Trait` and `dyn Trait` cannot be sent. The trait has only methods.
/// Trait and methods have no generics and no `where` clauses, and are not `async` or `unsafe`; the
/// trait has no supertraits. Names that begin with `__` are reserved. On the control, the names of
/// its own methods are reserved too, and `into` and `try_into`, which every type has. All mistakes
/// are reported at once.
///
/// # Conditions
///
/// A method may have a `#[cfg(..)]`, and its attributes a `#[cfg_attr(..)]`. They are evaluated
/// with the features of the crate that contains the interface, before anything is generated: other
/// crates, and `mpqt::qobject!` in them, see the interface without the methods that are left out.
/// If a controller was built with a feature and its child without, they have different interfaces,
/// which the handshake reports. An argument cannot have a condition.
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

/// Makes a struct a child, which can run the interface that it implements in a process.
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
/// The derive writes the constructor and registers the struct, so that
/// `LaserControl::new::<LaserProcess>` can start it.
///
/// | on the struct | meaning |
/// |---|---|
/// | `#[child(path::Laser)]` | the interface, by the path it has here; it may be renamed or private |
/// | `#[child(.., new = path)]` | a custom constructor, `fn(LaserContext, LaserConfig) -> mpcore::Result<Self>`, which sets the fields |
/// | `#[child(.., crate = "..")]` | the path of mpcore, if it is re-exported by another crate |
///
/// | on a field | its value |
/// |---|---|
/// | nothing, if it is called `cx` or `config` | the context; the config |
/// | `#[child(cx)]`, `#[child(config)]` | the same, under any name |
/// | `#[child(default)]` | `Default::default()` |
/// | `#[child(default = expr)]` | the expression |
///
/// Context and config are both optional; each goes to one field. The struct has no generic
/// parameters, since it is registered as one type, and found again in another process of this
/// binary. Structs of the same name are distinguished, wherever they are declared: each test
/// function may have its own `struct Fake`.
#[proc_macro_derive(Child, attributes(child))]
pub fn child(item: TokenStream) -> TokenStream {
    child::expand(syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

/// Makes a main function able to run as a child.
///
/// If the process was started as a child, the child runs instead of the function. Otherwise the
/// function runs as written. When it returns, the children are stopped, or finish the queued
/// commands (each by its exit policy, `mpcore::ExitPolicy`), and are joined, and the last signals are
/// delivered. It waits for as long as the children have: the time to finish, their own grace, and a
/// little more; after that they end with the process.
///
/// ```no_run
/// #[mpcore::main]
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     // ..
///     Ok(())
/// }
/// ```
///
/// The function is wrapped, so the attribute goes above another main attribute, such as
/// `#[tokio::main]`; a child never starts the other's runtime. `#[mpcore::main(crate = "..")]`
/// gives the path of mpcore, if it is re-exported by another crate. Without the macro, call
/// `mpcore::init()` first in `main`.
#[proc_macro_attribute]
pub fn main(attribute: TokenStream, item: TokenStream) -> TokenStream {
    main_attr::expand(attribute.into(), &item.into()).into()
}

/// Runs the second step of an interface that has conditional methods.
#[doc(hidden)]
#[proc_macro_derive(Conditions, attributes(__mpcore))]
pub fn conditions(item: TokenStream) -> TokenStream {
    read::conditions::answer(&syn::parse_macro_input!(item as syn::DeriveInput)).into()
}

/// Runs the first step of `mpqt::qobject!`, which has the documentation.
#[doc(hidden)]
#[proc_macro]
pub fn qobject_declare(input: TokenStream) -> TokenStream {
    qobject::declare(&input.into()).into()
}

/// Runs the second step of `mpqt::qobject!`. An interface's hidden macro calls it.
#[doc(hidden)]
#[proc_macro]
pub fn qobject_expand(input: TokenStream) -> TokenStream {
    qobject::expand(input.into()).into()
}
