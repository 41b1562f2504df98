//! Access to files, restricted by Landlock: the kernel's own, for processes without privileges.

use std::ffi::OsStr;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreated, RulesetCreatedAttr as _, RulesetError,
    RulesetStatus,
};

use crate::wire::sandbox::{Enforcement, Sandbox};

/// What strict means: below this (Linux 6.2) a file could be emptied that may not be written.
const MUST: ABI = ABI::V3;

/// What is asked for where there is more: commands to devices, which came with Linux 6.10.
const MAY: ABI = ABI::V5;

/// Restricts this thread, and all that it will start, for good.
pub(super) fn enter(sandbox: &Sandbox) -> Result<(), String> {
    let ruleset = ruleset(sandbox.enforcement).map_err(|error| cannot_enforce(&error))?;
    let ruleset = allow(ruleset, &sandbox.read_only, AccessFs::from_read(MAY))?;
    let mut ruleset = allow(ruleset, &sandbox.read_write, AccessFs::from_all(MAY))?;
    // Rust's runtime and half the world's programs count on it, and it holds nothing.
    if Path::new("/dev/null").exists() {
        ruleset = allow(ruleset, ["/dev/null"], AccessFs::from_all(MAY))?;
    }
    let status = ruleset.restrict_self().map_err(|error| cannot_enforce(&error))?;
    match (sandbox.enforcement, status.ruleset) {
        (Enforcement::Strict, RulesetStatus::NotEnforced) => Err(cannot_enforce(&"no Landlock")),
        _ => Ok(()),
    }
}

fn ruleset(enforcement: Enforcement) -> Result<RulesetCreated, RulesetError> {
    let must = match enforcement {
        Enforcement::Strict => CompatLevel::HardRequirement,
        Enforcement::BestEffort => CompatLevel::BestEffort,
    };
    let ruleset = Ruleset::default().set_compatibility(must);
    let ruleset = ruleset.handle_access(AccessFs::from_all(MUST))?;
    let ruleset = ruleset.set_compatibility(CompatLevel::BestEffort);
    ruleset.handle_access(AccessFs::from_all(MAY))?.create()
}

fn cannot_enforce(error: &dyn std::fmt::Display) -> String {
    format!(
        "the kernel cannot enforce it ({error}); it takes Linux 6.2 or newer with Landlock in its list \
         of security modules, or say `Enforcement::BestEffort` to run without"
    )
}

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
