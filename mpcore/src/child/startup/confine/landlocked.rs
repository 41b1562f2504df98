//! Restricts access to files, ports and other processes with Landlock, the kernel's sandbox for
//! processes without privileges.

use std::ffi::OsStr;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible as _, NetPort,
    PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _,
    RulesetError, RulesetStatus, Scope,
};

use crate::wire::messages::sandbox::{Sandbox, SandboxEnforcement, Tcp};

/// The minimum for strict enforcement: below it (Linux 6.2) a file without write permission could
/// be emptied.
const MUST: ABI = ABI::V3;

/// Requested if available: TCP came with Linux 6.7, device commands with 6.10, signals and abstract
/// sockets with 6.12.
const MAY: ABI = ABI::V6;

/// Restricts this thread, and everything that it will start, permanently.
pub(crate) fn enter(sandbox: &Sandbox) -> Result<(), String> {
    let ruleset = ruleset(sandbox).map_err(|error| cannot_enforce(&error))?;
    let ruleset = allow_ports(ruleset, &sandbox.tcp).map_err(|error| cannot_enforce(&error))?;
    let ruleset = allow(ruleset, &sandbox.read_only, AccessFs::from_read(MAY))?;
    let mut ruleset = allow(ruleset, &sandbox.read_write, AccessFs::from_all(MAY))?;
    // Rust's runtime and many programs rely on it, and it contains nothing.
    if Path::new("/dev/null").exists() {
        ruleset = allow(ruleset, ["/dev/null"], AccessFs::from_all(MAY))?;
    }
    let status = ruleset.restrict_self().map_err(|error| cannot_enforce(&error))?;
    match (sandbox.enforcement, status.ruleset) {
        (SandboxEnforcement::Strict, RulesetStatus::NotEnforced) => {
            Err(cannot_enforce(&"no Landlock"))
        }
        _ => Ok(()),
    }
}

/// Returns a ruleset that forbids what it handles; the rules that are added allow parts of that.
fn ruleset(sandbox: &Sandbox) -> Result<RulesetCreated, RulesetError> {
    let must = match sandbox.enforcement {
        SandboxEnforcement::Strict => CompatLevel::HardRequirement,
        SandboxEnforcement::BestEffort => CompatLevel::BestEffort,
    };
    let ruleset = Ruleset::default().set_compatibility(must);
    let ruleset = ruleset.handle_access(AccessFs::from_all(MUST))?;
    let ruleset = ruleset.set_compatibility(CompatLevel::BestEffort);
    let ruleset = ruleset.handle_access(AccessFs::from_all(MAY))?.scope(Scope::from_all(MAY))?;
    let ruleset = match sandbox.tcp {
        Tcp::All => ruleset,
        Tcp::Only { .. } => ruleset.handle_access(AccessNet::from_all(MAY))?,
    };
    ruleset.create()
}

fn allow_ports(mut ruleset: RulesetCreated, tcp: &Tcp) -> Result<RulesetCreated, RulesetError> {
    let Tcp::Only { connect, bind } = tcp else { return Ok(ruleset) };
    for (ports, access) in [(connect, AccessNet::ConnectTcp), (bind, AccessNet::BindTcp)] {
        for port in ports {
            ruleset = ruleset.add_rule(NetPort::new(*port, access))?;
        }
    }
    Ok(ruleset)
}

fn cannot_enforce(error: &dyn std::fmt::Display) -> String {
    format!(
        "the kernel cannot enforce it ({error}); this needs Linux 6.2 or newer with Landlock in its list \
         of security modules, or set `SandboxEnforcement::BestEffort` to run without"
    )
}

/// Allows this access to files, and to everything in folders.
fn allow(
    mut ruleset: RulesetCreated,
    paths: impl IntoIterator<Item = impl AsRef<OsStr>>,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, String> {
    for path in paths {
        let path = Path::new(path.as_ref());
        let about = |error: &dyn std::fmt::Display| format!("`{}`: {error}", path.display());
        let folder = path.metadata().map_err(|error| about(&error))?.is_dir();
        let access = if folder { access } else { access & AccessFs::from_file(MAY) };
        let opened = PathFd::new(path).map_err(|error| about(&error))?;
        let rule = PathBeneath::new(opened, access);
        ruleset = ruleset.add_rule(rule).map_err(|error| about(&error))?;
    }
    Ok(ruleset)
}
