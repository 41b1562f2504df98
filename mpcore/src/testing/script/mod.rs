//! A child without an implementation: it sends what its script tells it to send and checks what it
//! receives.
//!
//! A test of controller code writes a [`Script`]; its steps hold encoded values and the shapes of
//! their types, and [`Arguments`] are tuples of such values. Building the control checks it against
//! the interface ([`check`]). Each run of the child plays its part of the script on a thread, over
//! lanes in memory ([`play`]), and records its progress and any failure ([`verdict`]).

pub(super) mod check;
mod play;
pub(super) mod verdict;

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::sync::lock;
use crate::testing::script::verdict::{Log, ScriptFailure};
use crate::wire::value::codec::{
    Args, DecodeError, Deferred, EncodeError, Encoder, ShapeFn, Wire, wire,
};

/// A tuple of values that travel: the arguments of a command or an event, such as `(f64,)` for one.
///
/// Implemented for every tuple that qualifies; you do not implement it yourself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the arguments of a command or an event",
    label = "is not a tuple of values that can travel",
    note = "write a tuple, even for one argument: `(1.0,)`"
)]
pub trait Arguments: Args {
    #[doc(hidden)]
    fn codecs() -> Self::Codecs;
}

macro_rules! arguments_for_tuples {
    ($($name:ident $arg:ident),*) => {
        #[allow(clippy::unused_unit)]
        impl<$($name: Wire),*> Arguments for ($($name,)*) {
            fn codecs() -> Self::Codecs {
                ($(wire::<$name>(),)*)
            }
        }
    };
}

crate::for_each_arity!(arguments_for_tuples);

/// The steps of a scripted child, for tests of the application that controls it.
///
/// Steps name commands, properties and events as the interface does, and carry values of the types
/// that the interface gives them; a mismatch is an error when the control is built. After its last
/// step, and whenever it waits for a command, the child ends in order when it is asked to stop.
///
/// ```
/// # #[mpcore::process]
/// # trait Laser {
/// #     fn add_two(&mut self, num1: i32, num2: i32) -> i32;
/// #     fn sweep(&mut self, steps: u32) -> Result<Vec<f64>, String>;
/// #     #[property] fn connected(&self) -> bool;
/// #     #[event] fn voltage(&self, volts: f64);
/// # }
/// use mpcore::testing::Script;
///
/// let script = Script::new()
///     .set("connected", true)
///     .ready()
///     .expect("add_two")
///     .reply(3)
///     .expect_with("sweep", |(steps,): (u32,)| assert_eq!(steps, 10))
///     .emit("voltage", (1.5,))
///     .raise(String::from("the laser is off"));
/// let laser = LaserControl::builder().script(&script).spawn().unwrap();
///
/// assert_eq!(laser.add_two(1, 2).wait(), Ok(3));
/// assert_eq!(laser.sweep(10).wait().unwrap_err().to_string(), "the laser is off");
/// assert!(laser.connected());
/// script.verdict().unwrap(); // everything expected has come, and nothing else
/// ```
///
/// Clones share the same script. A script belongs to one control; a second control would play it as
/// well, and write to the same verdict.
#[derive(Clone)]
pub struct Script {
    /// The steps of each run.
    runs: Vec<Vec<Step>>,
    log: Arc<Log>,
}

/// One step, and its location in the source.
#[derive(Clone)]
struct Step {
    at: &'static Location<'static>,
    act: Act,
}

/// What a step does.
#[derive(Clone)]
enum Act {
    Ready,
    FailToStart(String),
    Set { property: String, value: Value },
    Emit { event: String, values: Value },
    Expect { command: String, look: Option<Look> },
    Answer { command: String, look: Look, returns: Shape },
    Reply(Value),
    Raise(Value),
    Panic(String),
    Progress(f64),
    UntilCancelled,
    Run(Arc<Mutex<dyn FnMut() + Send>>),
    Exit(i32),
    Crash,
    Hang,
}

/// A type that the interface would have to have.
#[derive(Clone)]
struct Shape {
    of: &'static str,
    shapes: Vec<ShapeFn>,
}

/// An encoded value, with its type's shape.
#[derive(Clone)]
struct Value {
    bytes: Result<Vec<u8>, EncodeError>,
    shape: Shape,
}

/// Processes the arguments of a command and may return its result.
type Looking = dyn FnMut(&[u8]) -> Result<Option<Value>, DecodeError> + Send;

/// How a test examines the arguments of a command.
#[derive(Clone)]
struct Look {
    args: Shape,
    look: Arc<Mutex<Looking>>,
}

impl Shape {
    fn of<T: Wire>() -> Self {
        Self { of: std::any::type_name::<T>(), shapes: vec![wire::<T>().shape()] }
    }

    fn of_arguments<A: Arguments>() -> Self {
        Self { of: std::any::type_name::<A>(), shapes: A::shapes(&A::codecs()) }
    }
}

impl Value {
    fn of<T: Wire>(value: T) -> Self {
        Self::encoded(vec![wire::<T>().defer(value)], Shape::of::<T>())
    }

    fn of_arguments<A: Arguments>(values: A) -> Self {
        Self::encoded(values.defer(&A::codecs()), Shape::of_arguments::<A>())
    }

    fn encoded(parts: Vec<Deferred>, shape: Shape) -> Self {
        let mut encoder = Encoder::new(crate::limits::VALUE_BYTES);
        let encoded = parts.into_iter().try_for_each(|part| part(&mut encoder));
        Self { bytes: encoded.map(|()| encoder.into_bytes()), shape }
    }
}

impl Look {
    fn new<A: Arguments>(mut look: impl FnMut(A) -> Option<Value> + Send + 'static) -> Self {
        let look = move |bytes: &[u8]| A::decode(&A::codecs(), bytes).map(&mut look);
        Self { args: Shape::of_arguments::<A>(), look: Arc::new(Mutex::new(look)) }
    }

    fn at(&self, args: &[u8]) -> Result<Option<Value>, DecodeError> {
        lock(&self.look)(args)
    }
}

impl Default for Script {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.runs.iter().flatten().map(ToString::to_string)).finish()
    }
}

impl fmt::Display for Step {
    /// Formats the step as it was written, without the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.act {
            Act::Ready => "ready()",
            Act::FailToStart(why) => return write!(f, "fail_to_start({why:?})"),
            Act::Set { property, .. } => return write!(f, "set({property:?}, …)"),
            Act::Emit { event, .. } => return write!(f, "emit({event:?}, …)"),
            Act::Expect { command, look: None } => return write!(f, "expect({command:?})"),
            Act::Expect { command, look: Some(_) } => {
                return write!(f, "expect_with({command:?}, …)");
            }
            Act::Answer { command, .. } => return write!(f, "answer_with({command:?}, …)"),
            Act::Reply(_) => "reply(…)",
            Act::Raise(_) => "raise(…)",
            Act::Panic(text) => return write!(f, "panic({text:?})"),
            Act::Progress(fraction) => return write!(f, "progress({fraction})"),
            Act::UntilCancelled => "until_cancelled()",
            Act::Run(_) => "run(…)",
            Act::Exit(code) => return write!(f, "exit({code})"),
            Act::Crash => "crash()",
            Act::Hang => "hang()",
        })
    }
}

impl Script {
    /// Creates an empty script.
    #[must_use]
    pub fn new() -> Self {
        Self { runs: vec![Vec::new()], log: Arc::default() }
    }

    #[track_caller]
    fn step(mut self, act: Act) -> Self {
        let step = Step { at: Location::caller(), act };
        if let Some(run) = self.runs.last_mut() {
            run.push(step);
        }
        self
    }

    /// The child reports that it is ready. Only `set`, `emit`, `run` and steps that end the child
    /// may come before it.
    #[must_use]
    #[track_caller]
    pub fn ready(self) -> Self {
        self.step(Act::Ready)
    }

    /// Instead of `ready`: the child's `postrun_init` fails, and the run ends.
    #[must_use]
    #[track_caller]
    pub fn fail_to_start(self, why: impl Into<String>) -> Self {
        self.step(Act::FailToStart(why.into()))
    }

    /// The child sets a property.
    #[must_use]
    #[track_caller]
    pub fn set<T: Wire>(self, property: impl Into<String>, value: T) -> Self {
        let value = Value::of(value);
        self.step(Act::Set { property: property.into(), value })
    }

    /// The child emits an event with these values, a tuple as long as the event's arguments.
    #[must_use]
    #[track_caller]
    pub fn emit<A: Arguments>(self, event: impl Into<String>, values: A) -> Self {
        let values = Value::of_arguments(values);
        self.step(Act::Emit { event: event.into(), values })
    }

    /// Waits for this command, which then runs until [`reply`](Self::reply), [`raise`](Self::raise),
    /// [`panic`](Self::panic) or [`until_cancelled`](Self::until_cancelled) ends it.
    ///
    /// A write to a property is the command `set_…`. If another command comes, it ends as panicked,
    /// with a text that names the expected step, and the [verdict](Self::verdict) reports it.
    #[must_use]
    #[track_caller]
    pub fn expect(self, command: impl Into<String>) -> Self {
        self.step(Act::Expect { command: command.into(), look: None })
    }

    /// Like [`expect`](Self::expect), and passes the arguments to `look`. An assertion that fails
    /// in `look` ends the command, and the verdict reports it.
    #[must_use]
    #[track_caller]
    pub fn expect_with<A: Arguments>(
        self,
        command: impl Into<String>,
        mut look: impl FnMut(A) + Send + 'static,
    ) -> Self {
        let look = Look::new(move |args: A| {
            look(args);
            None
        });
        self.step(Act::Expect { command: command.into(), look: Some(look) })
    }

    /// Waits for this command, and returns the result of `answer` for its arguments.
    ///
    /// ```
    /// # use mpcore::testing::Script;
    /// let script = Script::new().ready().answer_with("add_two", |(a, b): (i32, i32)| a + b);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn answer_with<A: Arguments, T: Wire>(
        self,
        command: impl Into<String>,
        mut answer: impl FnMut(A) -> T + Send + 'static,
    ) -> Self {
        let look = Look::new(move |args: A| Some(Value::of(answer(args))));
        self.step(Act::Answer { command: command.into(), look, returns: Shape::of::<T>() })
    }

    /// The running command returns this value; if the interface declares a `Result`, it is the `Ok`
    /// value.
    #[must_use]
    #[track_caller]
    pub fn reply<T: Wire>(self, value: T) -> Self {
        let value = Value::of(value);
        self.step(Act::Reply(value))
    }

    /// The running command returns this error.
    #[must_use]
    #[track_caller]
    pub fn raise<E: Wire>(self, error: E) -> Self {
        let error = Value::of(error);
        self.step(Act::Raise(error))
    }

    /// The running command panics with this text.
    #[must_use]
    #[track_caller]
    pub fn panic(self, text: impl Into<String>) -> Self {
        self.step(Act::Panic(text.into()))
    }

    /// The running command reports its progress, from 0 to 1.
    #[must_use]
    #[track_caller]
    pub fn progress(self, fraction: f64) -> Self {
        self.step(Act::Progress(fraction))
    }

    /// The running command continues until it is cancelled or the child is asked to stop, and then
    /// ends accordingly.
    ///
    /// A command that is cancelled before its turn never starts, so the test has to know that it
    /// has started: for example by an event or a property after `expect`.
    #[must_use]
    #[track_caller]
    pub fn until_cancelled(self) -> Self {
        self.step(Act::UntilCancelled)
    }

    /// Runs code of the test on the child's thread, for example to wait for the test.
    #[must_use]
    #[track_caller]
    pub fn run(self, code: impl FnMut() + Send + 'static) -> Self {
        self.step(Act::Run(Arc::new(Mutex::new(code))))
    }

    /// The child exits with this code and without a goodbye, as with `std::process::exit`.
    #[must_use]
    #[track_caller]
    pub fn exit(self, code: i32) -> Self {
        self.step(Act::Exit(code))
    }

    /// The child ends as if it had a segmentation fault.
    #[must_use]
    #[track_caller]
    pub fn crash(self) -> Self {
        self.step(Act::Crash)
    }

    /// The child's main thread blocks: it ignores stop requests, and has to be killed.
    #[must_use]
    #[track_caller]
    pub fn hang(self) -> Self {
        self.step(Act::Hang)
    }

    /// The steps that follow are for the next run of the child: after a `restart`, or after a crash
    /// and a `start`.
    #[must_use]
    pub fn next_run(mut self) -> Self {
        self.runs.push(Vec::new());
        self
    }

    /// Checks that all steps have been played and nothing unexpected has come so far. Call it after
    /// the last expected message of the child has arrived; [`verdict_within`](Self::verdict_within)
    /// waits.
    ///
    /// # Errors
    /// Returns the first failure, or else the step at which the script waits.
    pub fn verdict(&self) -> Result<(), ScriptFailure> {
        self.log.verdict(&self.runs)
    }

    /// Like [`verdict`](Self::verdict), but first waits until the last step was played or something
    /// failed, at most `timeout`.
    ///
    /// # Errors
    /// See [`verdict`](Self::verdict).
    pub fn verdict_within(&self, timeout: Duration) -> Result<(), ScriptFailure> {
        self.log.wait(&self.runs, timeout);
        self.verdict()
    }
}
