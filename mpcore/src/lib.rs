//! Typed RPC for child processes that a user interface controls.
//!
//! Write one trait. [`process`] generates from it the stub that the controller calls and the trait
//! that the child implements. Calls go over a command queue to a child process; results, property
//! changes, events and failures come back as named signals. The calling thread never waits, and a
//! crash of the child is an event.
//!
//! ```standalone_crate
//! #[mpcore::process]
//! pub trait Laser {
//!     /// The result arrives as signal `add_two_finished(i32)`.
//!     #[signal(postfix = "_finished")]
//!     fn add_two(&mut self, num1: i32, num2: i32) -> i32;
//!
//!     /// Signal `connected_changed(bool)`.
//!     #[property]
//!     fn connected(&self) -> bool;
//! }
//!
//! #[derive(mpcore::Child)]
//! #[child(Laser)]
//! struct LaserProcess {
//!     cx: LaserContext,
//! }
//!
//! impl Laser for LaserProcess {
//!     fn postrun_init(&mut self) -> mpcore::Result<()> {
//!         self.cx.connected.set(true);
//!         Ok(())
//!     }
//!
//!     fn add_two(&mut self, num1: i32, num2: i32) -> i32 {
//!         num1 + num2
//!     }
//! }
//!
//! #[mpcore::main]
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let laser = LaserControl::new::<LaserProcess>(())?;
//!     laser.signals().add_two_finished.connect(|sum| println!("{sum}"));
//!     laser.signals().exception_raised.connect(|exception| eprintln!("{exception}"));
//!     laser.process().start()?;
//!
//!     laser.add_two(1, 2); // returns at once; the signal brings the result
//!     let sum = laser.add_two(20, 22).wait()?; // this thread may wait
//!     assert_eq!(sum, 42);
//!     assert!(laser.connected()); // the mirror: no round trip
//!     Ok(())
//! }
//! ```
//!
//! # Where to look
//!
//! | you want to | look at |
//! |---|---|
//! | describe a child | [`process`], [`Child`](macro@Child) |
//! | make a control | [`ControlBuilder`], `LaserControl::new`, `spawn` |
//! | call it | [`Call`], [`CallError`] |
//! | get notified | [`Signal`], [`Inbox`], [`ProcessSignals`], [`Exception`] |
//! | start, stop, kill, join it | [`Process`], [`ExitReport`], [`RunFailure`] |
//! | have it started again after a crash | [`ControlBuilder::restart`], [`RestartPolicy`], [`Restarting`], [`RestartGivenUp`] |
//! | write the child | [`ChildContext`], [`Property`], [`Event`], [`Error`], [`Context`] |
//! | write code for any child | [`Control`], [`Interface`], [`Child`](trait@Child) |
//! | put it into its own binary | [`child_main`], [`args`] |
//! | cancel it, give it a deadline | [`Call::cancel`], [`Call::cancel_or_kill`], [`Call::timeout`], [`Escalation`] |
//! | detect that it hangs | [`ProcessSignals::unresponsive`], [`ControlBuilder::on_unresponsive`], [`Process::executing`] |
//! | limit its resources, see its output | [`ChildLimits`], [`OutputMode`] |
//! | see what the runtime does | `docs/tracing.md` in the repository: its `tracing` spans and events, and `MPCORE_LOG` |
//! | examine a child with a debugger or valgrind | [`debugging`] |
//! | test your application, including failing children | [`test_support!`], [`ControlBuilder::in_process`], [`testing`] |
//!
//! # Promises
//!
//! Tests hold each promise by attacking it. `docs/soak.md` in the repository has the figures of the
//! long run; `mpcore/docs/faults.md` lists what the caller gets for every fault at every moment
//! (also in [`testing`]).
//!
//! * **One outcome per command**, whatever is cancelled, timed out, stopped, killed or restarted,
//!   and whatever panics or crashes: [`Call`], [`CallError`].
//! * **Order**: messages of a child are delivered in the order in which they were sent.
//!   * One run is `started` → `ready` → … → `failed`? → `finished`; `finished` comes exactly once
//!     and last: [`ProcessSignals`]. Nothing of an old run is delivered after the next one has
//!     begun.
//!   * Coalesced values overtake nothing. A value replaces an older one only if nothing ordered,
//!     such as an event or a result, was sent in between, and it never comes before a value of
//!     another property that was set earlier.
//!   * A getter of the control, such as `laser.connected()`, is ahead of the signals: it reads the
//!     newest value that has arrived, including values that still wait in the inbox.
//! * **The caller never blocks on a child**: only `wait…`, `join`, `blocking`, [`shutdown`] and a
//!   [`Receiver`] wait, and none of them waits on a thread that [must
//!   not](forbid_waiting_on_this_thread). This also holds with a full queue, a 64 MiB argument, a
//!   stalled child, or a child that lies about what it has read.
//! * **No orphan, no zombie**: a controller that ends, however it ends, takes its children with it,
//!   after their [grace](ControlBuilder::stop_grace) plus a second at the latest. Processes that a
//!   child has started end with it.
//!   * A copy that the controller forks keeps no child and does nothing to one: from the
//!     controller's first start on, starts and calls of the copy are refused
//!     ([`StartError::ForkedCopy`], [`CallError::ForkedCopy`]).
//!   * Declared limits: a descendant that made itself a session of its own, or a process group of
//!     its own if the child crashes, exits in a command or is killed from outside (without pidfds
//!     or `/proc`: however it is killed); a process that cannot be killed, which is given up
//!     ([`RunFailure::Unkillable`]); descendants of a child that was killed from outside, if
//!     SIGCHLD is ignored or a library waits for every child; a program that is not a child, if its
//!     controller is killed before the [start deadline](ControlBuilder::start_deadline).
//! * **`cleanup` runs once, in the child**, on every orderly end. A kill skips it; the
//!   [`ExitReport`] then reports that it was skipped, or that this is unknown ([`CleanupStatus`]).
//!   After `cleanup`, and before its end is reported, the child stops its own children; threads
//!   that it has started are cut off where they are. [`ControlBuilder::after_exit`] always runs, in
//!   the controller.
//! * **Nothing is lost or changed silently**:
//!   * A value arrives as it was sent, or is refused with its type and field in the error; [`Wire`]
//!     lists the types. If an event or a property's value cannot be carried, `exception_raised`
//!     reports it by name ([`ExceptionKind::UndeliveredEvent`],
//!     [`ExceptionKind::UndeliveredProperty`]), and the property keeps its old value.
//!   * An orderly end sends everything first. Commands that it drops before they ran are counted
//!     and reported once ([`ExceptionKind::NotRun`]).
//!   * Only properties, progress and `latest` events are coalesced. A property write that still
//!     waits is superseded by the next one ([`CallError::Superseded`], `#[property(write, every)]`)
//!     if no other command was submitted in between.
//!   * Only captured lines of output may be dropped, with a count.
//!   * The [`ExitReport`] of a killed child counts the commands that ended with it.
//! * **The user interface stays alive under any flood**: draining an [`Inbox`] has a time budget,
//!   and memory is bounded on both sides, see [`limits`].
//! * **A child cannot harm its controller**:
//!   * A child that breaks the protocol or its credit is declared broken and killed
//!     ([`RunFailure::Broken`]). Its commands fail; all other children go on.
//!   * Bytes that are not a value of their type cause an error of their command, or an exception.
//!     The child goes on, because the user's own type may be the cause.
//!   * Values are bounded in size, depth and memory ([`limits`]), no memory is shared, and no
//!     descriptor is accepted.
//!   * The promise requires `panic = "unwind"` in the controller; otherwise a warning is printed
//!     once. It does not hold for [`Transport::IpcChannel`], which is not the default on Linux.
//! * **The controller talks only to the child that it started**: the child inherits sockets that
//!   have no name, and a random nonce goes both ways.
//!   * With [`Transport::IpcChannel`] the endpoint's name and the nonce go down the child's stdin
//!     pipe, and a stranger at the endpoint does not use up the child's chance to connect.
//!   * Another user cannot connect to a child, signal it, or read its pipes and memory, even at
//!     umask 000.
//!   * Declared limit: a process of the same user that traces the child.
//! * **A mismatch is reported**: the handshake detects an interface, a type inside it, or a version
//!   that differs, and the error names both sides: [`RunFailure::Mismatch`].
//!
//! # Cargo features
//!
//! `sandbox`: limits of a child's access to files, [`ChildLimits`] (Landlock, on Linux).
//! `log-to-stderr`: the environment variable `MPCORE_LOG`, such as `mpcore=info`, switches on a log
//! of what the controller and its children do. `fuzzing` and `chaos` are for this crate's own
//! tests. This crate contains no Qt and no async runtime.

// Two files call system functions that have no safe wrapper: `copy.rs` and `terminal.rs` in
// `process/sys`.
#![deny(unsafe_code)]
// Unit tests are for the locks of the standard library: with loom's, only its models run.
#![cfg(not(all(mpcore_loom, test)))]

extern crate self as mpcore;

mod arity;
mod call_id;
#[cfg_attr(mpcore_loom, allow(dead_code))]
mod chaos;
mod child;
mod context;
mod controller;
pub mod debugging;
mod declared;
mod error;
mod escape;
#[cfg(any(test, feature = "fuzzing"))]
mod fixtures;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
#[cfg(mpcore_loom)]
#[doc(hidden)]
pub mod interleavings;
pub mod limits;
mod panics;
mod process;
mod sync;
pub mod testing;
mod this_process;
mod trace;
mod transport;
mod wire;

pub(crate) use arity::for_each_arity;
pub use call_id::CallId;
pub use child::context::property::Property;
pub use child::context::{CallContext, ChildContext, Event};
pub use child::init::{child_main, init};
pub use child::interface::{Child, Interface};
pub use child::link::events_lane::EmitError;
pub use child::startup::command_line::args;
pub use child::startup::registry::SharedKey;
pub use context::Context;
pub use controller::builder::ControlBuilder;
pub use controller::calls::call::{Call, CallFuture};
pub use controller::control::{Control, WeakControl};
pub use controller::model::restart_policy::{Backoff, RestartPolicy};
pub use controller::process::Process;
pub use controller::report::error::{JoinError, ReadyError, StartError};
pub use controller::report::escalation::{
    Escalation, ExecutingCommand, IgnoredRequest, Unresponsive,
};
pub use controller::report::exit::{CleanupStatus, ExitReport, ProcessState};
pub use controller::report::failure::{
    RunFailure, SpawnError, StartPhase, StatusLost, SystemError,
};
pub use controller::report::notifications::{
    GiveUpReason, LinesDropped, Progress, RestartGivenUp, Restarting,
};
pub use controller::report::outcome::{CallEnd, CallError, Exception, ExceptionKind};
pub use controller::report::wait_error::WaitError;
pub use controller::shutdown::shutdown;
pub use controller::signals::inbox::{DrainResult, Inbox, InboxHandle};
pub use controller::signals::process_signals::ProcessSignals;
pub use controller::signals::signal::{Connection, ReceiveError, Receiver, ResultSignal, Signal};
pub use controller::signals::stream::SignalStream;
pub use controller::state::options::OutputMode;
pub use declared::{DeclaredOnly, EmittedInContext, SetInContext};
pub use error::{Cancelled, Error, Never, Refused, Result};
pub use mpmacros::{Child, main, process};
pub use process::stream::OutputStream;
pub use process::{ExitStatus, ProcessEnd, Unkillable};
pub use this_process::wait_policy::{WaitingForbidden, forbid_waiting_on_this_thread};
pub use transport::Transport;
pub use wire::interface::fingerprint::InterfaceMismatch;
pub use wire::messages::at_exit::ExitPolicy;
pub use wire::messages::child_limits::{ChildLimits, LimitsError};
pub use wire::messages::report::PanicReport;
#[cfg(feature = "sandbox")]
pub use wire::messages::sandbox::{Sandbox, SandboxEnforcement};
pub use wire::messages::stop_reason::StopReason;
pub use wire::packets::outgoing::QueueBound;
pub use wire::value::codec::{DecodeError, EncodeError, Raise, Wire, WireDefault};

/// Used by generated code. Not part of the public interface: it may change without notice.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
    pub use mpmacros::Conditions;

    pub use crate::child::init::init_in_test;
    pub use crate::child::request::{Reply, Request};
    pub use crate::child::startup::registry::{Registration, TestHelper};
    pub use crate::controller::control::Core;
    pub use crate::controller::shutdown::ShutdownGuard;
    pub use crate::controller::wiring::Wiring;
    pub use crate::declared::declared;
    pub use crate::trace::{emit as trace, install as install_log, is_on as is_traced};
    pub use crate::wire::interface::description::{
        Command, Delivery, Description, EventDef, PropertyDef,
    };
    pub use crate::wire::interface::result::{Payload, Probe, ProbeDefault, ResultOf, ResultParts};
    pub use crate::wire::interface::same::{ByValue, Never, Same};
    pub use crate::wire::value::codec::{Codec, raise, wire, wire_default};
}

/// Entry points for untrusted bytes, for the project's own fuzzers. Not part of the public
/// interface.
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod __fuzz {
    pub use crate::fuzzing::mutation::{Mutation, mutate};
    pub use crate::fuzzing::{TARGETS, Target, seeds};
    pub use crate::wire::value::codec::forged::note as forge;
}

/// Makes `spawn::<P>` work in a test binary that uses Rust's own harness. Write it once, at the top
/// level of the test file or crate.
///
/// It adds a test called `mpcore_child` that passes; a child is this binary running only that test.
///
/// ```
/// mpcore::test_support!();
/// ```
#[macro_export]
macro_rules! test_support {
    () => {
        #[test]
        fn mpcore_child() {
            $crate::__private::init_in_test();
        }

        const _: () = {
            $crate::__private::inventory::submit! {
                $crate::__private::TestHelper {
                    path: ::core::concat!(::core::module_path!(), "::mpcore_child"),
                }
            }
        };
    };
}
