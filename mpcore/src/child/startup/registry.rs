//! The children of this binary, by key.
//!
//! A key consists of the struct's `TypeId` and, for people, its type name. Names alone are not
//! unique: two functions may contain a struct of the same name, and so may two blocks of one
//! function, two uses of one `macro_rules!`, and two versions of one crate. In all these cases the
//! compiler gives the structs different `TypeId`s, and both sides are the same binary, so they
//! agree on them. A `TypeId` is still a hash, so a search checks all children, and reports two with
//! the same key as an error that names both.
//!
//! Also whether controller and child run the same code, and how the test harness of a binary starts
//! one of its children ([`TestHelper`]).

use std::any::TypeId;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::child::startup::assignment::Assignment;
use crate::process::sys;
use crate::transport::ChildLanes;
use crate::wire::interface::description::InterfaceTable;

/// One child of this binary, without its types.
#[derive(Clone, Copy)]
pub struct Registration {
    pub(crate) id: fn() -> TypeId,
    pub(crate) name: fn() -> &'static str,
    /// File, line and column of the struct.
    pub(crate) place: &'static str,
    pub(crate) table: fn() -> InterfaceTable,
    pub(crate) serve: fn(ChildLanes, Assignment) -> i32,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registration({self})")
    }
}

impl fmt::Display for Registration {
    /// ``` `laser::LaserProcess` (src/main.rs:12:8) ```
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", (self.name)(), self.place)
    }
}

impl Registration {
    /// Returns the name of the child within its binary, the same in every process of that binary.
    pub(crate) fn key(&self) -> String {
        // Without a random seed: the other process must compute the same number.
        let mut id = DefaultHasher::new();
        (self.id)().hash(&mut id);
        format!("{} {:016x}", (self.name)(), id.finish())
    }
}

inventory::collect!(Registration);

/// How the test harness of this binary runs one test; see [`test_support!`](crate::test_support).
#[derive(Debug)]
pub struct TestHelper {
    /// `module_path!()::mpcore_child`, including the crate's name.
    pub path: &'static str,
}

inventory::collect!(TestHelper);

/// Returns whether a child with this key (empty for another program) runs the same code as its
/// controller, so that there is nothing to compare. Both sides decide this here, from the first
/// record.
pub(crate) fn is_same_code(key: &str) -> bool {
    !key.is_empty() && sys::own_program_is_this_code()
}

/// Two children of one binary have the same key, so one could be started in place of the other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "two children of this program have the same key: {first} and {second}; give one of the structs another \
     name"
)]
#[non_exhaustive]
pub struct SharedKey {
    /// The first child: its type, and its location.
    pub first: String,
    /// The second child.
    pub second: String,
}

/// Returns the child of this binary that has the key, if there is one.
pub(crate) fn find(key: &str) -> Result<Option<Registration>, SharedKey> {
    the_only(inventory::iter::<Registration>(), key)
}

/// Returns the child with this key, unless there are two.
fn the_only<'a>(
    children: impl IntoIterator<Item = &'a Registration>,
    key: &str,
) -> Result<Option<Registration>, SharedKey> {
    let mut found = children.into_iter().filter(|child| child.key() == key);
    match (found.next(), found.next()) {
        (Some(first), Some(second)) => {
            Err(SharedKey { first: first.to_string(), second: second.to_string() })
        }
        (first, _) => Ok(first.copied()),
    }
}

/// Returns the arguments that make this binary run its `mpcore_child` test, if it is a test binary.
pub(crate) fn test_arguments() -> Option<Vec<String>> {
    let helper = inventory::iter::<TestHelper>().next()?;
    // libtest identifies a test by its path without the crate.
    let name = helper.path.split_once("::").map_or(helper.path, |(_, name)| name);
    let fixed = ["--exact", "--nocapture", "--quiet", "--test-threads=1", "--"];
    Some(std::iter::once(name).chain(fixed).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Registration = Registration {
        id: TypeId::of::<()>,
        name: || "crate::Fake",
        place: "src/one.rs:1:8",
        table: || unreachable!(),
        serve: |_, _| unreachable!(),
    };

    #[test]
    fn structs_of_one_name_have_keys_of_their_own() {
        let other = Registration { id: TypeId::of::<u8>, ..NOTHING };
        assert_ne!(NOTHING.key(), other.key());
        let found = the_only([&other, &NOTHING], &NOTHING.key()).unwrap().unwrap();
        assert_eq!((found.id)(), TypeId::of::<()>());
        assert!(the_only([&other], &NOTHING.key()).unwrap().is_none());
    }

    #[test]
    fn two_children_of_one_key_are_both_named() {
        let twin = Registration { place: "src/two.rs:7:8", ..NOTHING };
        let shared = the_only([&NOTHING, &twin], &NOTHING.key()).unwrap_err();
        assert_eq!(shared.first, "`crate::Fake` (src/one.rs:1:8)");
        assert_eq!(shared.second, "`crate::Fake` (src/two.rs:7:8)");
    }
}
