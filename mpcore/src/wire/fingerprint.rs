//! Whether two sides mean the same interface, and where not.
//!
//! Compared are the interface's name, its crate's version, and for every item its signature and the
//! serde shape of each type in it: a field added to an error type on one side is found before the
//! first value is misread.

use std::fmt;

use super::interface::{Fact, Facts};
use crate::limits::DIFFERENCES;

/// FNV-1a: small, and the same in every process and build, which `std`'s hasher does not promise.
pub(crate) fn hash(texts: &[String]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for text in texts {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    hash
}

/// How two builds of an interface differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    controller: String,
    child: String,
    differences: Vec<String>,
}

impl Mismatch {
    /// What the two sides disagree on, one line each.
    #[must_use]
    pub fn differences(&self) -> &[String] {
        &self.differences
    }

    /// `None` if both mean the same.
    pub(crate) fn between(controller: &Facts, child: &Facts) -> Option<Self> {
        if controller == child {
            return None;
        }
        // The child may be anything, and what it says of itself as long as it likes.
        let (mut differences, mut more) = (Vec::new(), 0);
        let mut differ = |difference: fmt::Arguments<'_>| match differences.len() < DIFFERENCES {
            true => differences.push(cut(difference.to_string())),
            false => more += 1,
        };
        let find = |facts: &Facts, fact: &Fact| {
            facts
                .items
                .iter()
                .find(|other| other.kind == fact.kind && other.name == fact.name)
                .cloned()
        };
        for ours in &controller.items {
            match find(child, ours) {
                None => differ(format_args!("{ours} is missing in the child")),
                Some(theirs) if theirs.signature != ours.signature => {
                    differ(format_args!("{ours} in the controller, {theirs} in the child"));
                }
                Some(theirs) if theirs.shape != ours.shape => differ(format_args!(
                    "{ours}: a type in it has other fields, variants or widths in the child"
                )),
                Some(_) => {}
            }
        }
        for theirs in &child.items {
            if find(controller, theirs).is_none() {
                differ(format_args!("{theirs} is missing in the controller"));
            }
        }
        if differences.is_empty() && controller.items != child.items {
            differences.push("the items stand in another order".into());
        }
        if more > 0 {
            differences.push(format!("and {more} more"));
        }
        let title = |facts: &Facts| cut(format!("{} {}", facts.interface, facts.version));
        Some(Self { controller: title(controller), child: title(child), differences })
    }
}

/// A difference is a line for people.
fn cut(mut text: String) -> String {
    const LONGEST: usize = 2000;
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "controller and child were built from different interfaces (controller: {}, child: {}); \
             build both from the same version",
            self.controller, self.child
        )?;
        for difference in &self.differences {
            write!(f, "; {difference}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(version: &str, items: &[(&str, &str, u64)]) -> Facts {
        let items = items
            .iter()
            .map(|(name, signature, shape)| Fact {
                kind: "command".into(),
                name: (*name).into(),
                signature: (*signature).into(),
                shape: *shape,
            })
            .collect();
        Facts { interface: "Laser".into(), version: version.into(), items }
    }

    fn check(controller: &Facts, child: &Facts, expected: Option<&[&str]>) {
        let mismatch = Mismatch::between(controller, child);
        assert_eq!(
            mismatch.as_ref().map(|it| it.differences.iter().map(String::as_str).collect()),
            expected.map(<[_]>::to_vec)
        );
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let ours = facts("1", &[("add", "(a: i32)", 1)]);
        check(&ours, &ours.clone(), None);
        check(&ours, &facts("2", &[("add", "(a: i32)", 1)]), Some(&[]));
        check(
            &ours,
            &facts("1", &[("add", "(a: i64)", 2)]),
            Some(&["command `add(a: i32)` in the controller, command `add(a: i64)` in the child"]),
        );
        check(
            &ours,
            &facts("1", &[("add", "(a: i32)", 2)]),
            Some(&[
                "command `add(a: i32)`: a type in it has other fields, variants or widths in the child",
            ]),
        );
        check(
            &ours,
            &facts("1", &[("sub", "(a: i32)", 1)]),
            Some(&[
                "command `add(a: i32)` is missing in the child",
                "command `sub(a: i32)` is missing in the controller",
            ]),
        );
    }

    #[test]
    fn a_child_that_is_something_else_altogether_is_told_of_in_short() {
        let ours = facts("1", &[("add", "(a: i32)", 1)]);
        let long = "µ".repeat(10_000);
        let theirs = facts(&long, &vec![("sub", long.as_str(), 1); 1000]);
        let mismatch = Mismatch::between(&ours, &theirs).unwrap();
        assert_eq!(mismatch.differences().len(), DIFFERENCES + 1);
        assert_eq!(mismatch.differences().last().unwrap(), "and 951 more");
        assert!(mismatch.to_string().len() < 150_000);
    }
}
