//! How a child ends together with its program.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a child ends if it was not stopped explicitly: when its last control is dropped, and when
/// the program ends ([`#[mpcore::main]`](crate::main), [`shutdown`](crate::shutdown), `mpqt::run`).
///
/// A child passes it on: its own children, in whatever process, end in the same way unless their
/// builders specify otherwise.
///
/// ```no_run
/// # #[mpcore::process] trait Laser { fn fire(&mut self); }
/// # #[derive(mpcore::Child)] #[child(Laser)] struct LaserProcess {}
/// # impl Laser for LaserProcess { fn fire(&mut self) {} }
/// # fn f() -> Result<(), mpcore::StartError> {
/// use std::time::Duration;
///
/// use mpcore::ExitPolicy;
///
/// let laser = LaserControl::builder()
///     .child::<LaserProcess>()
///     .at_exit(ExitPolicy::Finish(Duration::from_secs(10)))
///     .spawn()?;
/// laser.fire(); // runs even if the program ends now
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ExitPolicy {
    /// The child is stopped, as by [`Process::stop`](crate::Process::stop): queued commands end as
    /// stopped.
    #[default]
    Stop,
    /// The child first runs all queued commands, as by
    /// [`Process::finish_within`](crate::Process::finish_within) this time. With [`Duration::MAX`]
    /// the end of the program waits for as long as that takes.
    Finish(Duration),
}
