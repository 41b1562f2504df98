//! The whole system: real processes, killed on either side. One program, one module per topic; a
//! test that looks at its own process as a whole runs in one of its own (`in_own_process`).

mod commands;
mod data;
mod ends;
mod load;
mod machine;
mod regressions;
mod signals;
mod testing;

// This binary is also its own child, like a test binary of a user.
mpcore::test_support!();
