//! Starting a child: refuses what can be refused before there is a process, then begins a run.
//! Warns of a grace that does not fit, and of a program built with `panic = "abort"`.

use std::sync::Arc;

use crate::child::startup::{registry, started_as};
use crate::controller::model::requests::Gate;
use crate::controller::report::error::StartError;
use crate::controller::report::exit::ProcessState;
use crate::controller::report::outcome::{Exception, ExceptionKind};
use crate::controller::report::traced;
use crate::controller::run;
use crate::controller::run::begin::begin_run;
use crate::controller::shutdown::register;
use crate::controller::signals::notice::Notice;
use crate::controller::state::Shared;
use crate::controller::state::posting::post;
use crate::controller::state::program::Program;
use crate::process::sys;
use crate::sync::lock;
use crate::this_process::nested;
use crate::trace::{self, event, ms};

/// Starts a child, and traces a refusal.
pub(crate) fn start(shared: &Arc<Shared>) -> Result<(), StartError> {
    trace::install();
    let started = start_now(shared);
    if let Err(error) = &started {
        event!(
            WARN, "mpcore::run", in None, "start refused",
            process = shared.name(), why = traced::start_error(error),
        );
    }
    started
}

/// Begins a run, or lets the thread that reports the end of the previous one begin it.
fn start_now(shared: &Arc<Shared>) -> Result<(), StartError> {
    if sys::is_copy() {
        return Err(StartError::ForkedCopy);
    }
    if started_as::is_forgotten() {
        return Err(StartError::InitForgotten);
    }
    if let Program::Own { key } = &shared.program {
        if !started_as::has_run() && registry::test_arguments().is_none() {
            return Err(StartError::InitMissing);
        }
        // Now rather than in the child, which could only end.
        let _ = registry::find(key)?;
    }
    if lock(&shared.config).is_none() {
        return Err(StartError::ConfigMissing);
    }
    #[cfg(panic = "abort")]
    tell_of_abort();
    let mut life = shared.life();
    if life.released {
        return Err(StartError::ControlGone);
    }
    if life.state.is_alive() {
        return Err(StartError::AlreadyRunning { state: life.state });
    }
    if life.start {
        return Err(StartError::AlreadyRunning { state: ProcessState::Starting });
    }
    // A process that forks before its first start goes on in the copy; one that forks later does not.
    sys::this_is_the_original();
    life.finish = None;
    if life.being_told {
        // The last signals of the previous run are being posted, which may take as long as a user's
        // waker takes. The thread that posts them begins the next run.
        (life.restart, life.start) = (true, true);
        shared.traffic().gate = Gate::Open;
        register(shared);
        return Ok(());
    }
    life.supervisor.by_hand();
    let (run, wake) = begin_run(shared, &mut life);
    let first = life.generation == 1;
    // Waking runs user code, and so may what follows.
    drop(life);
    shared.life_changed().notify_all();
    wake.wake();
    if first {
        tell_of_short_grace(shared);
    }
    register(shared);
    run::begin(shared, &run);
    Ok(())
}

/// Reports that this process is a child whose own grace does not cover the grace of its child.
fn tell_of_short_grace(shared: &Arc<Shared>) {
    let grace = shared.options.stop_grace;
    let Some(own) = nested::too_short_for(grace) else { return };
    let name = shared.name();
    event!(
        WARN, "mpcore::stop", in shared.run_span(), "grace too short",
        grace_ms = ms(grace), own_ms = ms(own),
    );
    let message = format!(
        "its grace of {grace:?} does not fit into the {own:?} of the child that starts it, which \
         has to be half a second longer: give that child a longer `stop_grace`; at its stop, \
         `{name}` gets what is left"
    );
    let exception = Exception {
        process: name,
        pid: None,
        command: None,
        call: None,
        kind: ExceptionKind::ShortGrace,
        message,
        backtrace: String::new(),
    };
    post(shared, Notice::Exception(Box::new(exception)));
}

/// Warns once: without unwinding, malicious bytes of a child can end its controller.
#[cfg(panic = "abort")]
#[allow(clippy::print_stderr)]
fn tell_of_abort() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        eprintln!(
            "mpcore: this program was built with `panic = \"abort\"`, so a panic of a handler, or a \
             child that sends garbage, ends it; build the controller with `panic = \"unwind\"`"
        );
    });
}
