//! Typed RPC for child processes that a user interface controls.
//!
//! Write one trait. [`process`] makes from it what the controller calls and what the child implements;
//! calls go over a command queue to a child process, and results, property changes, events and failures
//! come back as named signals. The thread that calls never waits; a child that crashes is an event.
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
//! | make a control | [`Builder`], `LaserControl::new`, `spawn` |
//! | call it | [`Call`], [`CallError`] |
//! | hear of it | [`Signal`], [`Inbox`], [`ProcessSignals`], [`Exception`] |
//! | start, stop, kill, join it | [`Process`], [`ExitReport`], [`Failure`] |
//! | have it started again after a crash | [`Builder::restart`], [`RestartPolicy`], [`Restarting`], [`GaveUp`] |
//! | write the child | [`ChildContext`], [`Property`], [`Event`], [`Error`], [`Context`] |
//! | write code for any child | [`Control`], [`Interface`], [`Child`](trait@Child) |
//! | put it into a binary of its own | [`child_main`], [`args`] |
//! | cancel it, give it a deadline | [`Call::cancel`], [`Call::cancel_or_kill`], [`Call::timeout`], [`Escalation`] |
//! | notice that it hangs | [`ProcessSignals::unresponsive`], [`Builder::on_unresponsive`], [`Process::executing`] |
//! | bound what it may use, see what it prints | [`ChildLimits`], [`Output`] |
//! | look into a child with a debugger or valgrind | [`debugging`] |
//! | test your application, also when children fail | [`test_support!`], [`Builder::in_process`], [`testing`] |
//!
//! # What is promised
//!
//! Each is held by tests that do to it what it is about: `docs/soak.md` of the repository has the figures of
//! the long run, `mpcore/docs/faults.md` what the caller gets of every fault at every moment (also in [`testing`]).
//!
//! * **One outcome per command**, whatever is cancelled, timed out, stopped, killed, restarted, panics or
//!   crashes: [`Call`], [`CallError`].
//! * **Order**: what a child sends is heard in the order sent; one run is `started` → `ready` → … →
//!   `failed`? → `finished`, which comes exactly once and last: [`ProcessSignals`]. Nothing of an old run is
//!   heard after the next has begun. What is coalesced overtakes nothing: a value takes the place of an older
//!   one only where nothing in order, such as an event or a result, was sent in between, and never comes
//!   before a value of another property that was set before it. A control's getter, such as
//!   `laser.connected()`, is ahead of that: it reads the newest value that has arrived, also of what waits in
//!   the inbox.
//! * **The caller never blocks on a child**: only `wait…`, `join`, `blocking`, [`shutdown`] and a [`Receiver`] wait, and
//!   none of them on a thread that [must not](forbid_waiting_on_this_thread). Not with a full queue,
//!   a 64 MiB argument, a child that stands still, or one that lies about what it has taken.
//! * **No orphan, no zombie**: a controller that ends, however it ends, takes its children with it,
//!   after their [grace](Builder::stop_grace) plus a second at the latest; what a child has started goes with
//!   it. A copy that the controller forks keeps no child, and does nothing to one: it is refused
//!   ([`StartError::ForkedCopy`], [`CallError::ForkedCopy`]) from the controller's first start on. Declared limits: a
//!   descendant that made itself a session of its own, or, where the child crashes, exits in a command or is killed from
//!   outside, a process group of its own (without pidfds or `/proc` wherever it is killed); a process that cannot be killed, which is
//!   given up ([`Failure::Unkillable`]); where SIGCHLD is ignored or a library waits for every child, what a child that
//!   was killed from outside has started; a program that is no child, and whose controller is killed before the
//!   [start deadline](Builder::start_deadline).
//! * **`cleanup` runs once, in the child**, on every orderly end; a kill skips it and the
//!   [`ExitReport`] says so, or that it is unknown ([`Cleanup`]). After it, and before the child's end is told, the
//!   child stops its own children; threads that it has started are cut off where they are. [`Builder::after_exit`] runs
//!   in the controller always.
//! * **Nothing is lost or changed silently**: a value arrives as it was sent, or is refused with its type and
//!   field in the error: [`Wire`] has the list of types. An event or a property's value that cannot be carried
//!   is reported by `exception_raised` with its name ([`ExceptionKind::UndeliveredEvent`],
//!   [`ExceptionKind::UndeliveredProperty`]), and the property keeps its old value. An orderly end sends
//!   everything first; commands that it takes before they ran are counted and reported once
//!   ([`ExceptionKind::NotRun`]). Only properties, progress and `latest` events are coalesced; a write of a property that
//!   still waits is superseded by the next one ([`CallError::Superseded`], `#[property(write, every)]`) where no
//!   other command was submitted in between; only captured lines of output may be dropped, with a count. Of a
//!   killed child the [`ExitReport`] counts the commands that ended with it.
//! * **The user interface stays alive under any flood**: draining an [`Inbox`] has a time budget, and
//!   memory is bounded on both sides, see [`limits`].
//! * **A child cannot harm its controller**: one that breaks the protocol or its credit is declared broken and
//!   killed ([`Failure::Broken`]), its commands fail, everyone else goes on. Bytes that are no value of their type
//!   are an error of their command, or an exception; the child goes on, since its user's type may be the cause. Values are
//!   bounded in size, depth and memory ([`limits`]), no memory is shared, no descriptor is taken. It needs
//!   `panic = "unwind"` in the controller, and is said once if that is not so; and it does not hold for
//!   [`Transport::IpcChannel`], which is not the default on Linux.
//! * **Only the started child is talked to**: it inherits sockets that have no name, and a random nonce goes
//!   both ways. With [`Transport::IpcChannel`] the endpoint's name and the nonce go down the child's stdin
//!   pipe, and a stranger at the endpoint does not use up the child's chance. Another user can neither
//!   connect to a child, nor signal it, nor read its pipes and memory, at umask 000 too. Declared limit: a
//!   process of the same user that traces the child.
//! * **Mismatch is told**: an interface, a type inside it, or a version that differs is found at the
//!   handshake, with both sides in the error: [`Failure::Mismatch`].
//!
//! # Cargo features
//!
//! `sandbox`: limits of a child's access to files, [`ChildLimits`] (Landlock, on Linux). `fuzzing` and `chaos`
//! are for this crate's own tests. There is no Qt and no async runtime in this crate.

// Two files ask the system for what no safe function gives: `copy.rs` and `terminal.rs` in `process/sys`.
#![deny(unsafe_code)]

extern crate self as mpcore;

mod arity;
mod chaos;
mod child;
mod context;
mod controller;
pub mod debugging;
mod declared;
mod error;
mod escape;
#[cfg(any(test, feature = "fuzzing"))]
mod fuzzing;
mod inherited;
pub mod limits;
mod made_once;
mod nested;
mod panic_hook;
mod process;
mod sync;
pub mod testing;
mod transport;
mod unwind;
mod wait_policy;
mod wire;

pub(crate) use arity::for_each_arity;

pub use child::command_line::args;
pub use child::context::{CallContext, ChildContext, Event};
pub use child::init::{child_main, init};
pub use child::interface::{Child, Interface};
pub use child::link::EmitError;
pub use child::property::Property;
pub use child::registry::SharedKey;
pub use context::Context;
pub use controller::builder::Builder;
pub use controller::calls::call::{Call, CallFuture};
pub use controller::control::{Control, WeakControl};
pub use controller::model::restart_policy::RestartPolicy;
pub use controller::process::Process;
pub use controller::report::error::{JoinError, ReadyError, StartError};
pub use controller::report::escalation::{Escalation, Executing, Ignored, Unresponsive};
pub use controller::report::exit::{Cleanup, ExitReport, Failure, State};
pub use controller::report::notifications::{
    GaveUp, GiveUpReason, LinesDropped, Progress, Restarting,
};
pub use controller::report::outcome::{CallEnd, CallError, Exception, ExceptionKind};
pub use controller::shutdown::{ShutdownError, shutdown};
pub use controller::signals::inbox::{Drained, Inbox, InboxHandle};
pub use controller::signals::process_signals::ProcessSignals;
pub use controller::signals::signal::{Connection, ReceiveError, Receiver, Signal, TakesResult};
pub use controller::state::options::Output;
pub use declared::{DeclaredOnly, EmittedInContext, SetInContext};
pub use error::{Cancelled, Error, Never, Refused, Result};
pub use mpmacros::{Child, main, process};
pub use process::output::OutputStream;
pub use process::{End, ExitStatus, Unkillable};
pub use transport::Transport;
pub use wait_policy::forbid_waiting_on_this_thread;
pub use wire::at_exit::AtExit;
pub use wire::child_limits::{ChildLimits, LimitsError};
pub use wire::codec::{DecodeError, EncodeError, Raise, Wire, WireDefault};
pub use wire::fingerprint::Mismatch;
pub use wire::report::PanicReport;
#[cfg(feature = "sandbox")]
pub use wire::sandbox::{Enforcement, Sandbox};
pub use wire::stop_reason::StopReason;

/// What generated code uses. Not part of the public interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use inventory;
    pub use mpmacros::Conditions;

    pub use crate::child::init::init_in_test;
    pub use crate::child::registry::{Registration, TestHelper};
    pub use crate::child::request::{Reply, Request};
    pub use crate::controller::control::Core;
    pub use crate::controller::shutdown::ShutdownGuard;
    pub use crate::controller::wiring::Wiring;
    pub use crate::declared::declared;
    pub use crate::wire::codec::{Codec, raise, wire, wire_default};
    pub use crate::wire::interface::{Command, Delivery, Description, EventDef, PropertyDef};
    pub use crate::wire::result::{Payload, Probe, ProbeDefault, ResultOf, ResultParts};
    pub use crate::wire::same::{ByValue, Never, Same};
}

/// What untrusted bytes go through, for the project's own fuzzers. Not part of the public interface.
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod __fuzz {
    pub use crate::fuzzing::mutation::{Mutation, mutate};
    pub use crate::fuzzing::{TARGETS, Target, seeds};
    pub use crate::wire::codec::forged::note as forge;
}

/// Makes `spawn::<P>` work in a test binary that uses Rust's own harness: write it once, at the top
/// level of the test file or crate.
///
/// It adds a test called `mpcore_child` that passes; a child is this binary running that test alone.
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
