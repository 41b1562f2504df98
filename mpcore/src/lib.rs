//! Typed RPC for child processes that a user interface controls: the runtime.
#![forbid(unsafe_code)]

extern crate self as mpcore;

mod arity;
mod child;
mod controller;
mod error;
mod interface;
pub mod limits;
mod process;
mod transport;
mod wire;

pub(crate) use arity::for_each_arity;

pub use child::context::{CallContext, ChildContext, Event, Property};
pub use child::init::{child_main, init};
pub use child::link::EmitError;
pub use controller::builder::{Builder, Output};
pub use controller::call::{Call, CallFuture, forbid_waiting_on_this_thread};
pub use controller::core::WeakControl;
pub use controller::exit::{ExitReport, Failure, State};
pub use controller::inbox::{Drained, Inbox, InboxHandle};
pub use controller::outcome::{CallError, Exception, ExceptionKind};
pub use controller::process::{
    JoinError, Process, ProcessSignals, Progress, ReadyError, StartError,
};
pub use controller::shutdown::shutdown;
pub use controller::signal::{Connection, Receiver, Signal, TakesResult};
pub use error::{Cancelled, Error, Never, Refused, Result};
pub use interface::{Child, Control, Interface};
pub use mpmacros::{Child, main, process};
pub use process::ExitStatus;
pub use wire::codec::{DecodeError, EncodeError, Raise, Wire, WireDefault};
pub use wire::fingerprint::Mismatch;
pub use wire::report::PanicReport;

/// What generated code uses. Not part of the public interface: it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use inventory;

    pub use crate::child::init::init_in_test;
    pub use crate::child::registry::{Registration, TestHelper};
    pub use crate::child::request::{Reply, Request};
    pub use crate::controller::core::Core;
    pub use crate::controller::shutdown::ShutdownGuard;
    pub use crate::controller::wiring::Wiring;
    pub use crate::wire::codec::{Codec, raise, wire, wire_default};
    pub use crate::wire::interface::{Command, Delivery, Description, EventDef, PropertyDef};
    pub use crate::wire::result::{Probe, ProbeDefault, ResultParts};
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
