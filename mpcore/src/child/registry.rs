//! The children of this binary, by key.

use super::serve::serve;
use crate::interface::{Child, Interface};
use crate::process::sys;
use crate::transport::ChildLanes;
use crate::wire::fault::FaultPlan;
use crate::wire::interface::InterfaceTable;

/// One child of this binary, without its types.
#[derive(Clone, Copy)]
pub struct Registration {
    pub(crate) key: &'static str,
    pub(crate) table: fn() -> InterfaceTable,
    pub(crate) serve: fn(ChildLanes, Run) -> i32,
}

/// What one run is given.
pub(crate) struct Run {
    pub(crate) generation: u32,
    pub(crate) window: u32,
    pub(crate) nonce: crate::wire::handshake::Nonce,
    pub(crate) initial: Vec<Vec<u8>>,
    pub(crate) place: Place,
    pub(crate) faults: Option<FaultPlan>,
}

/// Where a child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a process of its own, started by the one with this number.
    Process {
        controller: u32,
    },
    Thread,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registration({})", self.key)
    }
}

impl Registration {
    /// The registration of a child.
    #[must_use]
    pub const fn of<P: Child>() -> Self {
        Self { key: P::KEY, table: table::<P>, serve: serve::<P> }
    }
}

pub(crate) fn table<P: Child>() -> InterfaceTable {
    InterfaceTable::new(P::Interface::NAME, P::Interface::__describe)
}

inventory::collect!(Registration);

/// How the test harness of this binary runs one test: see [`test_support!`](crate::test_support).
#[derive(Debug)]
pub struct TestHelper {
    /// `module_path!()::mpcore_child`, the crate's name included.
    pub path: &'static str,
}

inventory::collect!(TestHelper);

/// Whether a child of this key, which is empty in a program of another name, runs the same code as its controller:
/// then there is nothing to compare. Both sides decide it here, by what the first record says.
pub(crate) fn is_same_code(key: &str) -> bool {
    !key.is_empty() && sys::OWN_PROGRAM_IS_THIS_CODE
}

pub(crate) fn find(key: &str) -> Option<Registration> {
    inventory::iter::<Registration>().find(|child| child.key == key).copied()
}

/// The arguments that make this binary run its `mpcore_child` test, if it is a test binary.
pub(crate) fn test_arguments() -> Option<Vec<String>> {
    let helper = inventory::iter::<TestHelper>().next()?;
    // libtest knows a test by its path without the crate.
    let name = helper.path.split_once("::").map_or(helper.path, |(_, name)| name);
    let fixed = ["--exact", "--nocapture", "--quiet", "--test-threads=1", "--"];
    Some(std::iter::once(name).chain(fixed).map(str::to_owned).collect())
}
