//! Starts the child and exits with its answer.

use mpmacros_renamed::{LaserControl, LaserProcess};

#[my_rpc::main]
fn main() -> Result<std::process::ExitCode, Box<dyn std::error::Error>> {
    let laser = LaserControl::spawn::<LaserProcess>(())?;
    Ok(laser.double(21).wait()?.into())
}
