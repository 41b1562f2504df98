//! A crate that gives mpcore another name is used like any other.

use std::process::Command;

use mpmacros_renamed::{LaserControl, LaserProcess};

my_rpc::test_support!();

#[test]
fn a_renamed_dependency_is_found_by_every_macro() {
    let laser = LaserControl::spawn::<LaserProcess>(()).unwrap();
    assert_eq!(laser.double(3).wait(), Ok(6));
    // And by `#[main]`.
    let status = Command::new(env!("CARGO_BIN_EXE_mpmacros-renamed")).status().unwrap();
    assert_eq!(status.code(), Some(42));
}
