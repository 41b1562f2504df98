//! How a child ends with its program.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a child ends where nothing else was asked of it: when its last control is dropped, and when the program
/// ends ([`#[mpcore::main]`](crate::main), [`shutdown`](crate::shutdown), `mpqt::run`).
///
/// A child passes it on: the children of its own, in whatever process, end in the same way unless their builders
/// say otherwise.
///
/// ```no_run
/// # #[mpcore::process] trait Laser { fn fire(&mut self); }
/// # #[derive(mpcore::Child)] #[child(Laser)] struct LaserProcess {}
/// # impl Laser for LaserProcess { fn fire(&mut self) {} }
/// # fn f() -> Result<(), mpcore::StartError> {
/// use std::time::Duration;
///
/// use mpcore::AtExit;
///
/// let laser = LaserControl::builder()
///     .child::<LaserProcess>()
///     .at_exit(AtExit::Finish(Duration::from_secs(10)))
///     .spawn()?;
/// laser.fire(); // is done, also if the program ends now
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AtExit {
    /// It is stopped, as by [`Process::stop`](crate::Process::stop): what is queued ends as stopped.
    #[default]
    Stop,
    /// It does what is queued first, as by [`Process::finish_within`](crate::Process::finish_within) this time.
    /// With [`Duration::MAX`] the end of the program waits for as long as that takes.
    Finish(Duration),
}
