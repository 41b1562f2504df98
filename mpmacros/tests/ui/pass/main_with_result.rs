//! `#[main]` with a return type, with other attributes, not called `main`.

#[mpcore::main]
/// Documented.
#[allow(clippy::unnecessary_wraps)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _ = (other, never);
    Ok(())
}

#[mpcore::main]
fn other() -> impl std::process::Termination {
    std::process::ExitCode::SUCCESS
}

#[mpcore::main]
pub fn never() -> ! {
    std::process::exit(0)
}
