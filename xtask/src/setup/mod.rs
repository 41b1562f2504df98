//! `cargo xtask setup`: afterwards everything that needs Qt can be built and run, or an error says
//! what to install.
//!
//! `parts` lists what is needed and detects what is missing, `decision` decides what to do, `apt`
//! installs, and `advice` explains it to the user. They inspect the machine only through `system`,
//! and install only through the `Hands` of `apt`.

mod advice;
mod apt;
mod decision;
mod parts;
mod system;

use std::ffi::OsString;
use std::process::ExitCode;

pub(crate) use self::advice::Advice;
#[cfg(test)]
pub(crate) use self::system::fake::Fake;
pub(crate) use self::system::{Machine, Os, System};

use self::apt::Apt;
use self::decision::{Plan, WhyNot};
use self::parts::Found;
use crate::error::Error;

/// Runs the command. Prints what it found, since the user asked.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode, Error> {
    if let Some(arg) = args.first() {
        return Err(Error::Usage(format!("`setup` does not take `{}`", arg.display())));
    }
    println!("{}: nothing is missing", make_sure_of_qt()?);
    Ok(ExitCode::SUCCESS)
}

/// Installs missing parts where possible and returns which Qt there is. Prints nothing if nothing
/// is missing.
pub(crate) fn make_sure_of_qt() -> Result<String, Error> {
    let system = &Machine;
    let found = Found::look(system);
    match decision::decide(system, &found) {
        Plan::Nothing => return Ok(found.to_string()),
        Plan::Tell(why) => return Err(Error::Missing(Advice::new(&found, why))),
        Plan::Install(apt) => install(&apt, &found)?,
    }
    let found = Found::look(system);
    if found.missing.is_empty() {
        println!("\nall is there now: {found}\n");
        return Ok(found.to_string());
    }
    Err(Error::Missing(Advice::new(&found, WhyNot::StillMissing)))
}

fn install(apt: &Apt, found: &Found) -> Result<(), Error> {
    println!("What needs Qt cannot be built and run yet; missing:");
    found.names().iter().for_each(|name| println!("  - {name}"));
    println!("Installing {}; this may take some minutes.\n", apt.packages().join(" "));
    apt.install(&mut apt::Live)
}
