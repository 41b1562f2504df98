//! The builder: sets a child's options, turns them into a control, and reports what can be wrong
//! before the child starts. It also encodes the config, and keeps the table of each interface,
//! which is created once per program.

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
use crate::controller::control::{Control, Core};
use crate::controller::model::restart_policy::RestartPolicy;
use crate::controller::report::error::StartError;
use crate::controller::report::escalation::Escalation;
use crate::controller::report::exit::ExitReport;
use crate::controller::run::launch;
use crate::controller::signals::inbox::InboxHandle;
use crate::controller::state::Shared;
use crate::controller::state::config::ConfigBytes;
use crate::controller::state::launcher::Launcher;
use crate::controller::state::options::{Options, OutputMode};
use crate::controller::state::program::{Program, ThreadChild};
use crate::controller::wiring::Wiring;
use crate::limits;
use crate::sync::lock;
use crate::transport::Transport;
use crate::wire::interface::description::InterfaceTable;
use crate::wire::messages::at_exit::ExitPolicy;
use crate::wire::messages::child_limits::{ChildLimits, LimitsError};
use crate::wire::messages::fault::FaultPlan;
use crate::wire::packets::outgoing::QueueBound;
use crate::wire::value::codec::EncodeError;

/// Everything that can be set before a child starts; created by `LaserControl::builder()`.
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
pub struct ControlBuilder<C: Control> {
    program: Option<Program>,
    /// `None`: the one for the program and the transport.
    launcher: Option<Arc<dyn Launcher>>,
    config: Option<<C::Interface as Interface>::Config>,
    name: Option<String>,
    options: Options,
    _control: PhantomData<fn() -> C>,
}

impl<C: Control> fmt::Debug for ControlBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("program", &self.program)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<C: Control> Default for ControlBuilder<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Control> ControlBuilder<C> {
    /// Creates a builder with all defaults and no child.
    #[must_use]
    pub fn new() -> Self {
        Self {
            program: None,
            launcher: None,
            config: None,
            name: None,
            options: Options::default(),
            _control: PhantomData,
        }
    }

    /// Runs `P` in this binary, started again as the child: `mpcore::init` must be the first line
    /// of its `main`.
    #[must_use]
    pub fn child<P: Child<Interface = C::Interface>>(mut self) -> Self {
        self.program = Some(Program::Own { key: P::__REGISTRATION.key() });
        self
    }

    /// Runs another binary, whose `main` is [`child_main`](crate::child_main). A name without a
    /// slash is looked up in `PATH`. A relative path together with
    /// [`current_dir`](Self::current_dir) means different things on different systems, so use an
    /// absolute path.
    #[must_use]
    pub fn program(mut self, program: impl Into<OsString>) -> Self {
        self.program = Some(Program::Path(program.into()));
        self
    }

    /// Runs `P` on a thread of this process, for debugging and for tests of logic. The semantics
    /// are the same, except for what requires a process: it cannot be killed, so a child that does
    /// not end is given up and its thread keeps running; and a crash of it crashes the whole
    /// process.
    #[must_use]
    pub fn in_process<P: Child<Interface = C::Interface>>(mut self) -> Self {
        self.program = Some(Program::Thread(Arc::new(P::__REGISTRATION)));
        self
    }

    /// Sets the stack size of a child on a thread, in bytes. The default is that of a process: the
    /// soft limit of the stack size, or 8 MiB. Does not change the stack of a process.
    #[must_use]
    pub fn thread_stack(mut self, bytes: usize) -> Self {
        self.options.thread_stack = Some(bytes);
        self
    }

    /// Runs the given implementation on a thread.
    pub(crate) fn thread_child(mut self, child: Arc<dyn ThreadChild>) -> Self {
        self.program = Some(Program::Thread(child));
        self
    }

    /// Starts the child with the given launcher.
    #[cfg(test)]
    pub(crate) fn launcher(mut self, launcher: Arc<dyn Launcher>) -> Self {
        self.launcher = Some(launcher);
        self
    }

    /// Returns whether the child can be created without a config.
    fn needs_no_config(&self) -> bool {
        let on_thread = self.program.as_ref().and_then(Program::on_thread);
        is_unit::<<C::Interface as Interface>::Config>()
            || on_thread.is_some_and(|child| !child.is_implemented())
    }

    /// Sets the config that the child's constructor gets.
    ///
    /// A config of up to 64 KiB is encoded when the control is built. A larger one moves to a
    /// thread, and the child gets it once it is encoded; an error in it is then reported as the
    /// run's [`RunFailure::Config`](crate::RunFailure::Config) instead of [`StartError::Config`].
    #[must_use]
    pub fn config(mut self, config: <C::Interface as Interface>::Config) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets the child's name in reports and exceptions; by default the interface's name and a
    /// number. The process has it too, for `ps`, `top` and crash dumps: as its second argument, and
    /// on Linux, cut to 15 bytes, as the name of the process. Do not use it for secrets: every user
    /// can read it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Adds a command line argument. The child gets the arguments from
    /// [`mpcore::args`](crate::args); in [`std::env::args`], `--mpcore-child` and the name come
    /// before them. Do not use them for secrets: every user can read them.
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

    /// Removes all environment variables that the child would inherit; only those set here remain.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.options.clear_environment = true;
        self
    }

    /// Sets the child's working directory; by default the controller's.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.working_directory = Some(folder.into());
        self
    }

    /// Sets the transport of the packets; by default packet sockets on Linux and ipc-channel
    /// elsewhere.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.options.transport = transport;
        self
    }

    /// Sets faults to inject into the child, for testing how the application reacts; see
    /// [`testing`](crate::testing).
    #[must_use]
    pub fn faults(mut self, plan: FaultPlan) -> Self {
        self.options.faults = Some(plan);
        self
    }

    /// Sets where the child's stdout goes; by default to the controller's.
    ///
    /// ```no_run
    /// # #[mpcore::process] trait Laser { fn fire(&mut self); }
    /// # fn f() -> Result<(), mpcore::StartError> {
    /// use mpcore::OutputMode;
    ///
    /// let laser =
    ///     LaserControl::builder().program("laser-child").stdout(OutputMode::Captured).build()?;
    /// laser.process().signals().stdout_line.connect(|line| println!("laser: {line}"));
    /// laser.process().start()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stdout(mut self, output: OutputMode) -> Self {
        self.options.stdout = output;
        self
    }

    /// Sets where the child's stderr goes, in addition to the exit report; by default to the
    /// controller's.
    #[must_use]
    pub fn stderr(mut self, output: OutputMode) -> Self {
        self.options.stderr = output;
        self
    }

    /// Sets how long the child may take from its start to `ready`; 30 s by default.
    #[must_use]
    pub fn start_deadline(mut self, deadline: Duration) -> Self {
        self.options.start_deadline = deadline;
        self
    }

    /// Sets how long a running command may take to notice a stop request before the child is sent
    /// SIGTERM; 3 s by default. The end of the program waits for this too.
    ///
    /// A child stops its own children after its `cleanup` and before its end, so its grace has to
    /// cover theirs. In a child, if its own grace is less than 3 s, the default is half a second
    /// less than that grace. A grace that does not fit is reported by `exception_raised` when the
    /// inner child is first started
    /// ([`ExceptionKind::ShortGrace`](crate::ExceptionKind::ShortGrace)), and shortened at the
    /// stop.
    #[must_use]
    pub fn stop_grace(mut self, grace: Duration) -> Self {
        self.options.stop_grace = grace;
        self
    }

    /// Sets how the child ends with the program and with its last control; by default it is
    /// stopped. The child's own children inherit this. See [`ExitPolicy`].
    #[must_use]
    pub fn at_exit(mut self, at_exit: ExitPolicy) -> Self {
        self.options.at_exit = at_exit;
        self
    }

    /// Sets how often the child is pinged while a command has no outcome or the child is to stop;
    /// every second by default. A child that does not answer a ping for three intervals is
    /// unresponsive: signal [`unresponsive`](crate::ProcessSignals). An idle child is not pinged;
    /// [`Duration::MAX`] disables pings.
    #[must_use]
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.options.ping_interval = interval.max(limits::PING_INTERVAL_MIN);
        self
    }

    /// Sets what to do with a child that does not answer, in addition to the signal
    /// [`unresponsive`](crate::ProcessSignals); by default nothing. `Cancel` cancels its oldest
    /// command; the child gets the cancel when it runs again. `Kill` and `Restart` kill the child
    /// immediately, and its commands end with
    /// [`RunFailure::Unresponsive`](crate::RunFailure::Unresponsive).
    #[must_use]
    pub fn on_unresponsive(mut self, escalation: Escalation) -> Self {
        self.options.on_unresponsive = escalation;
        self
    }

    /// Sets what to do with a command that is over its deadline (see
    /// [`Call::timeout`](crate::Call::timeout)), in addition to reporting it with
    /// `exception_raised`; by default [`Escalation::Cancel`].
    ///
    /// `Report` lets the command run on to any outcome. `Kill` and `Restart` kill the child if the
    /// command has no outcome half a second after it was asked to end: the command ends as timed
    /// out, and all others with [`RunFailure::KilledFor`](crate::RunFailure::KilledFor). For a
    /// `#[no_cancel]` command each of them acts like `Report`.
    ///
    /// The child enforces the deadline. If it is stalled, or its message is stuck behind a full
    /// inbox, the controller enforces it instead, a little later and only once the child has
    /// reported that it executes the command; the controller asks once per [ping
    /// interval](Self::ping_interval).
    #[must_use]
    pub fn on_timeout(mut self, escalation: Escalation) -> Self {
        self.options.on_timeout = escalation;
        self
    }

    /// Sets how many commands, and bytes of encoded arguments, may be queued for the child;
    /// 1,000,000 and 1 GiB by default. The next command ends as
    /// [`CallError::QueueFull`](crate::CallError::QueueFull).
    #[must_use]
    pub fn queue_bound(mut self, bound: QueueBound) -> Self {
        self.options.queue = bound;
        self
    }

    /// Sets how many signals, and bytes, may wait for the inbox's thread before the child gets no
    /// more credit and queues on its own side; 1,000,000 and 64 MiB by default. While a thread
    /// waits for this child, a future of one of its calls is pending, or it is stopping, 1 GiB may
    /// wait.
    #[must_use]
    pub fn inbox_bound(mut self, bound: QueueBound) -> Self {
        self.options.inbox_bound = bound;
        self
    }

    /// Sets where the handlers run; by default on a background thread that all children without
    /// their own inbox share. A handler that waits there delays only the signals of its own child:
    /// after at most some 80 ms another thread delivers those of the others, so handlers of
    /// *different* children may run at the same time.
    #[must_use]
    pub fn inbox(mut self, inbox: impl Into<InboxHandle>) -> Self {
        self.options.inbox = inbox.into();
        self
    }

    /// Sets a hook that runs in the controller after the end of every run, even if the child was
    /// killed. It runs on a thread of the runtime, so it must not wait for the child.
    #[must_use]
    pub fn after_exit(mut self, hook: impl Fn(&ExitReport) + Send + Sync + 'static) -> Self {
        self.options.after_exit = Some(Box::new(hook));
        self
    }

    /// Sets limits on what the child may use: memory, time, files, rights. The child applies them
    /// itself, before anything else.
    #[must_use]
    pub fn limits(mut self, limits: ChildLimits) -> Self {
        self.options.limits = Some(limits);
        self
    }

    /// Sets whether a child that ends by itself is restarted; by default it is not.
    ///
    /// Handles, signals and connections stay as they are; the mirrors of the properties start with
    /// the initial values (but see [`reapply_properties`](Self::reapply_properties)). Commands that
    /// end with a crash fail and are not run again (but see `#[idempotent]`). Commands submitted
    /// until the next run is ready wait for it; if the child is given up they end with the last
    /// report, and if it is stopped they end as stopped.
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

    /// Repeats the last accepted write of each property (`laser.set_power(2.5)`) after every later
    /// start, automatic or manual, right after `ready` and before the waiting commands. If the new
    /// child refuses it, `exception_raised` reports this as for any write, with the number of the
    /// call that made the write first.
    ///
    /// Until the new child has accepted or refused the write, the property keeps its value: neither
    /// its getter nor its signal shows the value with which the child starts.
    #[must_use]
    pub fn reapply_properties(mut self) -> Self {
        self.options.reapply_properties = true;
        self
    }

    /// Refuses a [program](Self::program) whose interface cannot be compared completely, with
    /// [`RunFailure::Mismatch`](crate::RunFailure::Mismatch). Without this the program is started, and
    /// `exception_raised` reports once what could not be compared
    /// ([`ExceptionKind::NotCompared`](crate::ExceptionKind::NotCompared)).
    ///
    /// Types are compared by what their `Deserialize` asks for, which is determined with made-up
    /// values. If a type refuses all of them (a text that has to begin with `COM`, for example),
    /// what follows it in a tuple or a tuple variant is not asked for, and a difference there goes
    /// unnoticed. Named fields are always compared.
    #[must_use]
    pub fn compare_strictly(mut self) -> Self {
        self.options.compare_strictly = true;
        self
    }

    /// Creates the control, without starting the child.
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

    /// Like `build`, for a control that gets its config later, with `Core::set_config`.
    #[doc(hidden)]
    pub fn __build_without_config(self) -> Result<C, StartError> {
        let table = table::<C>();
        let none_needed = self.needs_no_config();
        let Self { program, launcher, config, name, options, .. } = self;
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
        let launcher = launcher.unwrap_or_else(|| launch::launcher(&program, options.transport));
        let shared = Shared::new(program, launcher, config, options, name, table, wiring.sinks);
        let _ = wiring.control.set(Arc::downgrade(&shared));
        Ok(C::__new(Core::new(shared, signals.clone()), signals))
    }

    /// Creates the control with [`build`](Self::build) and starts the child, without waiting for
    /// it.
    ///
    /// # Errors
    /// Those of `build` and of [`Process::start`](crate::Process::start).
    pub fn spawn(self) -> Result<C, StartError> {
        let control = self.build()?;
        control.__core().process().start()?;
        Ok(control)
    }
}

/// Checks that the child can carry out its script or fault plan.
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

/// Encodes a config for the child.
pub(crate) fn encoded<C: Control>(
    config: <C::Interface as Interface>::Config,
) -> Result<Arc<ConfigBytes>, EncodeError> {
    ConfigBytes::of(config, <C::Interface as Interface>::__config())
}

fn is_unit<T: 'static>() -> bool {
    TypeId::of::<T>() == TypeId::of::<()>()
}

/// Returns the interface's table, which is created once per program.
fn table<C: Control>() -> Arc<InterfaceTable> {
    static TABLES: Mutex<Option<HashMap<TypeId, Arc<InterfaceTable>>>> = Mutex::new(None);
    let known = lock(&TABLES).as_ref().and_then(|tables| tables.get(&TypeId::of::<C>()).cloned());
    if let Some(table) = known {
        return table;
    }
    // Runs the user's `Default` and `Serialize`, so not under the lock.
    let describe = <C::Interface as Interface>::__describe;
    let table = Arc::new(InterfaceTable::new(<C::Interface as Interface>::NAME, describe));
    let mut tables = lock(&TABLES);
    tables.get_or_insert_default().entry(TypeId::of::<C>()).or_insert(table).clone()
}
