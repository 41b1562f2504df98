// The interface and its child, included by both versions.

/// Reports its version.
#[mpcore::process]
pub trait Twin {
    /// Returns the version of the crate that the child was compiled in.
    fn version(&mut self) -> String;
}

/// The child.
#[derive(Debug, mpcore::Child)]
#[child(Twin)]
pub struct TwinProcess {}

impl Twin for TwinProcess {
    fn version(&mut self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }
}
