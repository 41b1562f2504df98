//! An interface and its child, for targets that need one.

use std::collections::BTreeMap;

use crate::fuzzing::zoo::{Tree, Zoo};

/// One item of every kind.
#[mpcore::process(config = BTreeMap<String, Tree>)]
pub(crate) trait Fuzzed {
    #[signal(postfix = "_finished")]
    fn add(&mut self, a: i32, b: i32) -> i32;

    #[signal]
    fn grow(&mut self, tree: Tree, rows: Vec<Option<[u64; 4]>>) -> mpcore::Result<Zoo>;

    fn nothing(&mut self);

    #[property(write, default = 1.0)]
    fn power(&self) -> f64;

    #[property]
    fn names(&self) -> Vec<String>;

    #[event]
    fn sprouted(&self, tree: Tree, count: u16);

    #[event(latest)]
    fn position(&self, x: f64, y: f64);
}

/// Does almost nothing.
#[derive(mpcore::Child)]
#[child(Fuzzed)]
pub(crate) struct FuzzedProcess {}

impl Fuzzed for FuzzedProcess {
    fn add(&mut self, a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }

    fn grow(&mut self, tree: Tree, rows: Vec<Option<[u64; 4]>>) -> mpcore::Result<Zoo> {
        Ok(Zoo::around(tree, rows.len() as u64))
    }

    fn nothing(&mut self) {}
}
