//! A child that is a program of its own: the controller knows its interface and its path.
//!
//! Run: `cargo build -p examples && cargo run -p examples --bin separate_child`
//!
//! So a user interface need not contain the driver of a device, and a crash in the driver's
//! start-up code does not crash the user interface. Both sides compile `src/stage.rs`; if they were
//! built from different versions of it, the handshake reports it. The child is in
//! `separate_child_child.rs`.

use std::env::consts::EXE_SUFFIX;
use std::time::Duration;

use examples::stage::{StageConfig, StageControl, StageError};
use mpcore::CallError;

// A child of another program does not need `#[mpcore::main]`; it is here for the orderly end.
#[mpcore::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name(format!("separate_child_child{EXE_SUFFIX}"));

    let stage = StageControl::builder()
        .program(&program)
        .name("left stage")
        .config(StageConfig { length: 100.0 })
        .spawn()?;
    // `spawn` does not wait. A missing program would be reported here, by the signal `failed`, and
    // as the outcome of every command.
    stage.process().wait_ready(Duration::from_secs(30))?;

    println!("moved by {} mm", stage.move_to(40.0).wait()?);
    println!("now at {} mm", stage.place());
    match stage.move_to(400.0).wait() {
        Err(CallError::Raised(error @ StageError::TooFar { .. })) => println!("not moved: {error}"),
        other => println!("unexpected: {other:?}"),
    }

    // The constructor runs in the child, and its errors come from there.
    let broken = StageControl::builder().program(&program).config(StageConfig { length: 0.0 });
    let broken = broken.spawn()?;
    if let Err(error) = broken.process().wait_ready(Duration::from_secs(30)) {
        println!("another one: {error}");
    }
    Ok(())
}
