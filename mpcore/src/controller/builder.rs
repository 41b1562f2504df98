//! From options to a control: what can be said of a child before it starts.

use crate::controller::state::options::Options;
use crate::controller::state::options::Output;
use crate::controller::state::program::Program;
use crate::controller::state::program::ThreadChild;
use std::any::TypeId;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::child::interface::{Child, Interface};
use crate::controller::control::Control;
use crate::controller::control::Core;
use crate::controller::flow_control::bound::InboxBound;
use crate::controller::model::restart_policy::RestartPolicy;
use crate::controller::report::error::StartError;
use crate::controller::report::escalation::Escalation;
use crate::controller::report::exit::ExitReport;
use crate::controller::signals::inbox::InboxHandle;
use crate::controller::state::Shared;
use crate::controller::state::config::ConfigBytes;
use crate::controller::wiring::Wiring;
use crate::limits;
use crate::sync::lock;
use crate::transport::Transport;
use crate::wire::interface::description::InterfaceTable;
use crate::wire::messages::at_exit::AtExit;
use crate::wire::messages::child_limits::{ChildLimits, LimitsError};
use crate::wire::messages::fault::FaultPlan;
use crate::wire::packets::outgoing::Bounds;
use crate::wire::value::codec::EncodeError;

/// Everything that can be set before a child starts; made by `LaserControl::builder()`.
///
/// ```no_run
/// # #[mpcore::process] trait Laser { fn fire(&mut self); }
/// # fn f() -> Result<(), mpcore::StartError> {
/// use std::time::Duration;
///
/// let laser = LaserControl::builder()
///     .program("laser-child")
///     .name("laser left")
///     .env("LASER_PORT", "COM3")
///     .stop_grace(Duration::from_secs(10))
///     .spawn()?;
/// # Ok(())
/// # }
/// ```
pub struct Builder<C: Control> {
    program: Option<Program>,
    config: Option<<C::Interface as Interface>::Config>,
    name: Option<String>,
    options: Options,
    _control: PhantomData<fn() -> C>,
}

impl<C: Control> fmt::Debug for Builder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("program", &self.program)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<C: Control> Default for Builder<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Control> Builder<C> {
    /// All defaults, no child.
    #[must_use]
    pub fn new() -> Self {
        Self {
            program: None,
            config: None,
            name: None,
            options: Options::default(),
            _control: PhantomData,
        }
    }

    /// `P`, in this binary started again: `mpcore::init` must be the first line of its `main`.
    #[must_use]
    pub fn child<P: Child<Interface = C::Interface>>(mut self) -> Self {
        self.program = Some(Program::Own { key: P::__REGISTRATION.key() });
        self
    }

    /// Another binary, whose `main` is [`child_main`](crate::child_main). A name without a slash is
    /// looked up in `PATH`; a relative path together with [`current_dir`](Self::current_dir) means
    /// different things on different systems, so make it absolute.
    #[must_use]
    pub fn program(mut self, program: impl Into<OsString>) -> Self {
        self.program = Some(Program::Path(program.into()));
        self
    }

    /// `P`, on a thread of this process: for debugging and for tests of logic. The same semantics,
    /// except for what only a process can do: it cannot be killed, so one that does not end is given up
    /// and its thread goes on, and its crash is everybody's.
    #[must_use]
    pub fn in_process<P: Child<Interface = C::Interface>>(mut self) -> Self {
        self.program = Some(Program::Thread(Arc::new(P::__REGISTRATION)));
        self
    }

    /// How many bytes of stack a child on a thread has; as many as a process by default (the soft limit of the stack's
    /// size, or 8 MiB). A process's own is not changed.
    #[must_use]
    pub fn thread_stack(mut self, bytes: usize) -> Self {
        self.options.thread_stack = Some(bytes);
        self
    }

    /// A child on a thread, whatever plays it.
    pub(crate) fn thread_child(mut self, child: Arc<dyn ThreadChild>) -> Self {
        self.program = Some(Program::Thread(child));
        self
    }

    /// Whether the child can do without a config.
    fn needs_no_config(&self) -> bool {
        let on_thread = self.program.as_ref().and_then(Program::on_thread);
        is_unit::<<C::Interface as Interface>::Config>()
            || on_thread.is_some_and(|child| !child.is_implemented())
    }

    /// What the child's constructor gets.
    ///
    /// One of up to 64 KiB is encoded when the control is built; a larger one moves to a thread, and the child gets
    /// it when it is encoded. Then what is wrong with it is no [`StartError::Config`] but the run's
    /// [`Failure::Config`](crate::Failure::Config).
    #[must_use]
    pub fn config(mut self, config: <C::Interface as Interface>::Config) -> Self {
        self.config = Some(config);
        self
    }

    /// The child's name in reports and exceptions; by default the interface's, with a number. Its process carries it
    /// too, for `ps`, `top` and crash dumps: as its first argument but one, and, cut to 15 bytes, on Linux as the name
    /// of the process. Not for secrets: everybody can read it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// One more command line argument. The child finds them with [`mpcore::args`](crate::args): in
    /// [`std::env::args`] `--mpcore-child` and its name stand before them. Not for secrets: everybody can read them.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.options.arguments.push(argument.into());
        self
    }

    /// Sets an environment variable of the child.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.options.environment.push((name.into(), Some(value.into())));
        self
    }

    /// Removes an environment variable that the child would inherit.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.options.environment.push((name.into(), None));
        self
    }

    /// The child inherits no environment variable, but for those set here.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.options.clear_environment = true;
        self
    }

    /// Where the child runs; by default where the controller does.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.working_directory = Some(folder.into());
        self
    }

    /// What carries the packets; packet sockets on Linux, ipc-channel elsewhere.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.options.transport = transport;
        self
    }

    /// What shall go wrong in the child, to see what the application makes of it: for tests, see
    /// [`testing`](crate::testing).
    #[must_use]
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.options.faults = Some(plan);
        self
    }

    /// Where the child's stdout goes; by default to the controller's.
    ///
    /// ```no_run
    /// # #[mpcore::process] trait Laser { fn fire(&mut self); }
    /// # fn f() -> Result<(), mpcore::StartError> {
    /// use mpcore::Output;
    ///
    /// let laser =
    ///     LaserControl::builder().program("laser-child").stdout(Output::Captured).build()?;
    /// laser.process().signals().stdout_line.connect(|line| println!("laser: {line}"));
    /// laser.process().start()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stdout(mut self, output: Output) -> Self {
        self.options.stdout = output;
        self
    }

    /// Where the child's stderr goes, beside the exit report; by default to the controller's.
    #[must_use]
    pub fn stderr(mut self, output: Output) -> Self {
        self.options.stderr = output;
        self
    }

    /// How long the child may take from its start to `ready`; 30 s by default.
    #[must_use]
    pub fn start_deadline(mut self, deadline: Duration) -> Self {
        self.options.start_deadline = deadline;
        self
    }

    /// How long a running command may take to notice a stop request, before SIGTERM; 3 s by default. The end of the
    /// program waits for it too.
    ///
    /// A child stops its own children, after its `cleanup` and before its end, so its grace has to cover theirs. In a
    /// child the default is half a second less than its own grace, if that is less than 3 s; one that does not fit is
    /// reported by `exception_raised` when the child that has it is first started
    /// ([`ExceptionKind::ShortGrace`](crate::ExceptionKind::ShortGrace)), and cut at the stop.
    #[must_use]
    pub fn stop_grace(mut self, grace: Duration) -> Self {
        self.options.stop_grace = grace;
        self
    }

    /// How the child ends with the program, and with its last control: by default it is stopped. The children that
    /// the child itself makes inherit this. See [`AtExit`].
    #[must_use]
    pub fn at_exit(mut self, at_exit: AtExit) -> Self {
        self.options.at_exit = at_exit;
        self
    }

    /// How often the child is asked whether it still answers, while a command has no outcome or the child
    /// is to stop; every second by default. One that leaves the question open for three intervals is
    /// unresponsive: signal [`unresponsive`](crate::ProcessSignals). An idle child is asked nothing;
    /// [`Duration::MAX`]: no child is.
    #[must_use]
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.options.ping_interval = interval.max(limits::PING_INTERVAL_MIN);
        self
    }

    /// What to do with a child that does not answer, beside telling it with signal
    /// [`unresponsive`](crate::ProcessSignals); by default nothing. `Cancel` cancels its oldest command,
    /// which it hears when it is back; `Kill` and `Restart` kill it at once, and what it had to do ends with
    /// [`Failure::Unresponsive`](crate::Failure::Unresponsive).
    #[must_use]
    pub fn on_unresponsive(mut self, escalation: Escalation) -> Self {
        self.options.on_unresponsive = escalation;
        self
    }

    /// What to do with a command whose time is over (see [`Call::timeout`](crate::Call::timeout)), beside
    /// telling it with `exception_raised`; by default [`Escalation::Cancel`].
    ///
    /// `Tell` lets the command run on, to whatever outcome it comes. `Kill` and `Restart` kill the child if
    /// the command has no outcome half a second after it was asked to end: it ends as timed out, and what
    /// else there was to do with [`Failure::KilledFor`](crate::Failure::KilledFor). For a
    /// `#[no_cancel]` command each of them is like `Tell`.
    ///
    /// The child keeps the time. One that stands still, or whose word waits behind a full inbox, is held to it
    /// by the controller, a little later, once it has told that it executes the command: it is asked once per
    /// [interval](Self::ping_interval).
    #[must_use]
    pub fn on_timeout(mut self, escalation: Escalation) -> Self {
        self.options.on_timeout = escalation;
        self
    }

    /// How many commands, and bytes of encoded arguments, may wait for the child; 1,000,000 and 1 GiB
    /// by default. The next one ends as [`CallError::QueueFull`](crate::CallError::QueueFull).
    #[must_use]
    pub fn queue_bound(mut self, commands: usize, bytes: usize) -> Self {
        self.options.queue = Bounds { entries: commands, bytes };
        self
    }

    /// How many signals, and bytes, may wait for the inbox's thread before the child gets no more
    /// credit and queues on its own side; 1,000,000 and 64 MiB by default. While a thread waits for
    /// this child, a future of one of its calls is pending, or it is stopping, 1 GiB may wait.
    #[must_use]
    pub fn inbox_bound(mut self, entries: usize, bytes: usize) -> Self {
        self.options.inbox_bound = InboxBound { entries, bytes };
        self
    }

    /// Where the handlers run; by default on a background thread, which the children without an inbox of
    /// their own share. A handler that waits there holds up the signals of its own child only: after some 80
    /// ms at most another thread delivers those of the others, so handlers of *different* children may run at
    /// the same time.
    #[must_use]
    pub fn inbox(mut self, inbox: impl Into<InboxHandle>) -> Self {
        self.options.inbox = inbox.into();
        self
    }

    /// Runs in the controller after the end of every run, also when the child was killed; on a thread
    /// of the runtime's, so it must not wait for the child.
    #[must_use]
    pub fn after_exit(mut self, hook: impl Fn(&ExitReport) + Send + Sync + 'static) -> Self {
        self.options.after_exit = Some(Box::new(hook));
        self
    }

    /// What the child may use: memory, time, files, rights. It sets these limits itself, before anything
    /// else.
    #[must_use]
    pub fn limits(mut self, limits: ChildLimits) -> Self {
        self.options.limits = Some(limits);
        self
    }

    /// Whether a child that ends by itself is started again; by default it is not.
    ///
    /// Handles, signals and connections stay as they are; the mirrors of the properties begin with the
    /// initial values (but see [`reapply_properties`](Self::reapply_properties)). The commands that a crash takes fail with it and are not run again (but see
    /// `#[idempotent]`); what is submitted until the next run is ready waits for it, and ends with the
    /// last report if the child is given up, as stopped if it is stopped.
    ///
    /// ```no_run
    /// # #[mpcore::process] trait Laser { fn fire(&mut self); }
    /// # fn f() -> Result<(), mpcore::StartError> {
    /// use mpcore::RestartPolicy;
    ///
    /// let laser = LaserControl::builder()
    ///     .program("laser-child")
    ///     .restart(RestartPolicy::on_crash())
    ///     .build()?;
    /// laser.process().signals().restarting.connect(|next| eprintln!("{next}"));
    /// laser.process().signals().gave_up.connect(|end| eprintln!("{end}"));
    /// laser.process().start()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn restart(mut self, policy: RestartPolicy) -> Self {
        self.options.restart = policy;
        self
    }

    /// After every later start, by itself or by hand, the last accepted write of each property
    /// (`laser.set_power(2.5)`) is made again, right after `ready` and before the commands that wait. One
    /// that the new child refuses is told by `exception_raised`, as any write is, with the number of the
    /// call that made it first.
    ///
    /// Until the new child has accepted or refused it, the property keeps its value: neither its getter nor
    /// its signal shows what the child starts with.
    #[must_use]
    pub fn reapply_properties(mut self) -> Self {
        self.options.reapply_properties = true;
        self
    }

    /// Refuses a [program](Self::program) whose interface cannot be compared as a whole, with
    /// [`Failure::Mismatch`](crate::Failure::Mismatch); without this it is started, and `exception_raised` says
    /// once what could not be compared ([`ExceptionKind::NotCompared`](crate::ExceptionKind::NotCompared)).
    ///
    /// Types are compared by what their `Deserialize` asks for, and that is found out with made-up values. Where a
    /// type refuses all of them (a text that has to begin with `COM`), what stands behind it in a tuple or a tuple
    /// variant is not asked for, and a difference there goes unnoticed. Named fields are always compared.
    #[must_use]
    pub fn compare_strictly(mut self) -> Self {
        self.options.compare_strictly = true;
        self
    }

    /// The control; the child is not started yet.
    ///
    /// # Errors
    /// [`StartError::ChildMissing`], [`StartError::ConfigMissing`], [`StartError::Config`],
    /// [`StartError::Limits`].
    pub fn build(self) -> Result<C, StartError> {
        if self.config.is_none() && !self.needs_no_config() {
            return Err(StartError::ConfigMissing);
        }
        self.__build_without_config()
    }

    /// As `build`, for a control whose config comes later, with `Core::set_config`.
    #[doc(hidden)]
    pub fn __build_without_config(self) -> Result<C, StartError> {
        let table = table::<C>();
        let none_needed = self.needs_no_config();
        let Self { program, config, name, options, .. } = self;
        testable(program.as_ref(), options.faults.as_ref(), &table)?;
        let name = name.unwrap_or_else(|| {
            static NEXT: AtomicU64 = AtomicU64::new(1);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            format!("{}-{number}", <C::Interface as Interface>::NAME)
        });
        let program = program.ok_or(StartError::ChildMissing)?;
        let config = match config {
            Some(config) => Some(encoded::<C>(config)?),
            None => none_needed.then(ConfigBytes::none),
        };
        if let Some(limits) = &options.limits {
            limits.check()?;
            if program.is_on_thread() {
                return Err(LimitsError::InProcess.into());
            }
        }
        let mut wiring = Wiring::default();
        let signals = C::__signals(&mut wiring);
        let shared = Shared::new(program, config, options, name, table, wiring.sinks);
        let _ = wiring.control.set(Arc::downgrade(&shared));
        Ok(C::__new(Core::new(shared, signals.clone()), signals))
    }

    /// [`build`](Self::build), and start the child. Does not wait for it.
    ///
    /// # Errors
    /// Those of `build` and of [`Process::start`](crate::Process::start).
    pub fn spawn(self) -> Result<C, StartError> {
        let control = self.build()?;
        control.__core().process().start()?;
        Ok(control)
    }
}

/// Whether what a test wants of the child can be.
fn testable(
    program: Option<&Program>,
    faults: Option<&FaultPlan>,
    table: &InterfaceTable,
) -> Result<(), StartError> {
    let on_thread = program.and_then(Program::on_thread);
    if let Some(child) = on_thread {
        child.check(table)?;
        if !child.is_implemented() {
            return if faults.is_some() { Err(StartError::FaultsInScript) } else { Ok(()) };
        }
    }
    let mut faults = faults.into_iter().flat_map(FaultPlan::faults);
    match faults.find(|(_, fault)| on_thread.is_some() && fault.needs_process()) {
        Some((_, fault)) => Err(StartError::FaultNeedsProcess { fault: *fault }),
        None => Ok(()),
    }
}

/// A config as the child is to read it.
pub(crate) fn encoded<C: Control>(
    config: <C::Interface as Interface>::Config,
) -> Result<Arc<ConfigBytes>, EncodeError> {
    ConfigBytes::of(config, <C::Interface as Interface>::__config())
}

fn is_unit<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<()>()
}

/// The interface's table, made once per program.
fn table<C: Control>() -> Arc<InterfaceTable> {
    static TABLES: Mutex<Option<HashMap<TypeId, Arc<InterfaceTable>>>> = Mutex::new(None);
    let known = lock(&TABLES).as_ref().and_then(|tables| tables.get(&TypeId::of::<C>()).cloned());
    if let Some(table) = known {
        return table;
    }
    // Runs the user's `Default` and `Serialize`: not under the lock.
    let describe = <C::Interface as Interface>::__describe;
    let table = Arc::new(InterfaceTable::new(<C::Interface as Interface>::NAME, describe));
    let mut tables = lock(&TABLES);
    tables.get_or_insert_default().entry(TypeId::of::<C>()).or_insert(table).clone()
}
