//! The first line of `main`: detects whether this process is a child, and serves if it is. A child
//! first adapts its process, reads the controller's first record, applies its limits, and
//! introduces itself, over inherited sockets or at an endpoint of ipc-channel.

use std::io::{self, IsTerminal as _, Read};

use crate::child::interface::Child;
use crate::child::startup::assignment::{Assignment, Place};
use crate::child::startup::command_line::CommandLine;
use crate::child::startup::confine::Beside;
use crate::child::startup::registry::{self, Registration};
use crate::child::startup::started_as::{in_main, init_runs, init_runs_in_main};
use crate::process::sys::{self, ControllerEnd};
#[cfg(target_os = "linux")]
use crate::transport::socket::{Accepted, Inherited};
use crate::transport::{ChildLanes, ipc};
use crate::wire::interface::description::InterfaceTable;
use crate::wire::messages::handshake::{
    Bootstrap, First, Introduction, MARK, Opening, Record, mismatch_line,
};

/// Exit code of a child binary that was not started by a controller, or whose controller is gone.
const NOT_A_CHILD: i32 = 2;

/// Makes this binary able to be its own child: call it first thing in `main`.
///
/// In the controller it returns immediately. In a process that a controller started as a child it
/// never returns: it serves until the child ends and then exits. [`#[mpcore::main]`](crate::main)
/// calls it for you; a library or a test binary uses [`test_support!`](crate::test_support).
///
/// A child, and every program that it starts, begins with no signal blocked and with SIGTTIN and
/// SIGTTOU ignored. On its controller's terminal, where it is in the background, it may therefore
/// print and change settings, and a read fails immediately. If a program started by the child
/// restores the default action of SIGTTOU, that program is stopped there, but the child is not: its
/// command can be cancelled, and the program ends with the child.
pub fn init() {
    init_runs_in_main();
    if CommandLine::of_this_process().is_of_child() {
        run_as_child(None);
    }
}

/// [`init`] for a test binary.
#[doc(hidden)]
pub fn init_in_test() {
    init_runs();
    if CommandLine::of_this_process().is_of_child() {
        run_as_child(None);
    }
}

/// The `main` of a binary that is only a child.
///
/// ```no_run
/// # #[mpcore::process] trait Laser { fn fire(&mut self); }
/// # #[derive(mpcore::Child)] #[child(Laser)] struct LaserProcess {}
/// # impl Laser for LaserProcess { fn fire(&mut self) {} }
/// fn main() {
///     mpcore::child_main::<LaserProcess>()
/// }
/// ```
///
/// If it was not started by a controller, it prints so and exits with code 2.
pub fn child_main<P: Child>() -> ! {
    init_runs();
    if !CommandLine::of_this_process().is_of_child() {
        refuse(&format!(
            "this program is a child of `{}`; it is started by a controller, not by hand",
            crate::child::interface::name::<P>()
        ));
    }
    run_as_child(Some(Registration::of::<P>()))
}

/// Prints why this process does not serve, and exits.
#[allow(clippy::print_stderr)]
fn refuse(why: &str) -> ! {
    eprintln!("{why}");
    std::process::exit(NOT_A_CHILD)
}

/// Serves, and exits. `only` is the child of a binary that has no other.
fn run_as_child(only: Option<Registration>) -> ! {
    crate::child::startup::stdio::begin();
    crate::trace::install();
    sys::block_no_signal();
    sys::ignore_stops_by_the_terminal();
    if let CommandLine::Child { name, .. } = CommandLine::of_this_process() {
        sys::name_process(&name.to_string_lossy());
    }
    sys::resume_when_parent_dies();
    sys::let_children_be_waited_for();
    #[cfg(target_os = "linux")]
    if let Some(inherited) = Inherited::take() {
        let (record, accepted) = inherited.receive().unwrap_or_else(|error| no_controller(&error));
        let say = |_: &Opening| accepted.send_mismatch();
        let (first, child) = first_record(&mut record.as_slice(), only, say);
        std::process::exit(introduce(accepted, first, child))
    }
    let mut pipe = io::stdin();
    if pipe.is_terminal() {
        refuse(&format!("`{MARK}` is for the framework's own use"));
    }
    let say = |to: &Opening| ipc::send_mismatch(&to.endpoint, to.nonce);
    let (first, child) = first_record(&mut pipe, only, say);
    std::process::exit(connect(&mut pipe, first, child))
}

/// Refuses to serve a process that has a child's command line, but no controller.
fn no_controller(error: &io::Error) -> ! {
    refuse(&format!("`{MARK}` is for the framework's own use: {error}"))
}

/// Reads the controller's first record and finds the child that it asks for. If the controller has
/// another protocol version, `say` has to tell it.
fn first_record(
    pipe: &mut impl Read,
    only: Option<Registration>,
    say: impl FnOnce(&Opening),
) -> (Bootstrap, Registration) {
    let first = match Record::read_first(pipe) {
        Ok(First::Ours(record)) => record,
        Ok(First::Foreign(opening)) => {
            say(&opening);
            refuse(&mismatch_line(opening.protocol));
        }
        Err(error) => no_controller(&error),
    };
    let beside = match only.is_none() && !in_main() {
        true => Beside::Harness,
        false => Beside::Nothing,
    };
    crate::child::startup::confine::confine(first.limits.as_deref(), beside);
    let child = match only {
        Some(child) => child,
        None => match registry::find(&first.child) {
            Ok(Some(child)) => child,
            Ok(None) => refuse(&format!("this program has no child `{}`", first.child)),
            Err(shared) => refuse(&shared.to_string()),
        },
    };
    (first, child)
}

/// Returns what this child says of itself.
fn introduction(to: &Bootstrap, table: &InterfaceTable, initial: &[Vec<u8>]) -> Introduction {
    Introduction {
        nonce: to.nonce,
        pid: std::process::id(),
        facts: (!registry::is_same_code(&to.child)).then(|| table.facts_to_send()),
        initial: initial.to_vec(),
    }
}

/// Runs the child over its lanes, and returns the exit code.
fn serve(
    child: Registration,
    lanes: ChildLanes,
    to: Bootstrap,
    initial: Vec<Vec<u8>>,
    controller: Option<ControllerEnd>,
) -> i32 {
    let run = Assignment {
        generation: to.generation,
        window: to.window,
        nonce: to.nonce,
        initial,
        place: Place::Process { controller: to.controller },
        faults: to.faults,
        controller,
    };
    (child.serve)(lanes, run)
}

/// Serves over the inherited sockets.
#[cfg(target_os = "linux")]
fn introduce(mut accepted: Accepted, to: Bootstrap, child: Registration) -> i32 {
    let table = (child.table)();
    let initial = table.initial_values();
    let introduction = introduction(&to, &table, &initial);
    let controller = accepted.take_controller();
    match accepted.introduce(&introduction, to.generation, to.window) {
        Ok(lanes) => serve(child, lanes, to, initial, controller),
        // The controller is gone, or rejects this child.
        Err(_) => NOT_A_CHILD,
    }
}

/// Connects and serves. Each further record names a fresh endpoint, and this connects to that one
/// as well; the last record says at which endpoint the controller has recognised it.
fn connect(pipe: &mut impl Read, first: Bootstrap, child: Registration) -> i32 {
    let table = (child.table)();
    let initial = table.initial_values();
    let mut greeted = Vec::new();
    let mut record = Ok(Record::Connect(first));
    loop {
        match record {
            Ok(Record::Connect(to)) => {
                if let Ok(lanes) = ipc::greet(&to.endpoint, introduction(&to, &table, &initial)) {
                    greeted.push((to, lanes));
                }
            }
            Ok(Record::Accepted(attempt)) => {
                let Some(accepted) = greeted.iter().position(|(to, _)| to.attempt == attempt)
                else {
                    return NOT_A_CHILD;
                };
                let (to, lanes) = greeted.swap_remove(accepted);
                drop(greeted);
                sys::stdin_to_null();
                return serve(child, lanes, to, initial, None);
            }
            // The controller is gone, or rejects this child.
            Err(_) => return NOT_A_CHILD,
        }
        record = Record::read(pipe);
    }
}
