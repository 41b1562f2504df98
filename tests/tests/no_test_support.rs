//! A test program without `mpcore::test_support!()`.

use mpcore::StartError;
use system_tests::{BenchConfig, BenchControl, BenchProcess};

#[test]
fn a_test_program_without_test_support_is_refused() {
    let refused = BenchControl::spawn::<BenchProcess>(BenchConfig::default());
    assert!(matches!(refused, Err(StartError::InitMissing)));
}
