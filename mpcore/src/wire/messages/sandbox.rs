//! Which files and TCP ports a child may access, and what happens if the kernel cannot enforce
//! that: the rules in the form in which they travel.
//!
//! Part of every build, so that both sides read the same record, no matter which was built with the
//! feature `sandbox`: a child that was built without it refuses the rules.
#![cfg_attr(not(feature = "sandbox"), allow(dead_code, unreachable_pub))]

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The files and ports that a child may access, for [`ChildLimits::sandbox`](crate::ChildLimits):
/// only those that are named here, and `/dev/null`.
///
/// A path is a folder with everything in it, or a single file; a relative one starts at the child's
/// working directory. It has to exist when the child starts. Files that are already open stay open,
/// including the program and its libraries. A program that the child starts has to be readable,
/// together with its libraries. The kernel enforces the rules (Landlock, since Linux 6.2; needs no
/// privileges), for the child and everything that it starts, and they cannot be lifted again. They
/// include [`no_new_privileges`](crate::ChildLimits::no_new_privileges).
///
/// The rules cover reading, writing, running, listing, creating and removing files; TCP (since
/// Linux 6.7); and signals to, and abstract sockets of, processes outside of the sandbox, including
/// the controller (since Linux 6.12). An older kernel leaves those two unrestricted, with either
/// [`SandboxEnforcement`].
///
/// Not covered: metadata of files anywhere can be read **and changed** (`chmod`, `chown`, times,
/// extended attributes), as far as the user may; sockets that have a path can be connected to; UDP
/// and other protocols, and descriptors that are already open, can be used. The rules apply to
/// threads that are created after `init`: with [`SandboxEnforcement::Strict`] a child in which another
/// thread already runs at that time does not start.
///
/// ```
/// # #[cfg(feature = "sandbox")] {
/// use mpcore::{SandboxEnforcement, Sandbox};
///
/// let sandbox = Sandbox::new()
///     .read_only(["/usr", "/lib", "/etc/laser.toml"])
///     .read_write(["/var/lib/laser"])
///     .enforcement(SandboxEnforcement::BestEffort);
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    pub(crate) read_only: Vec<OsString>,
    pub(crate) read_write: Vec<OsString>,
    pub(crate) enforcement: SandboxEnforcement,
    pub(crate) tcp: Tcp,
}

/// The TCP ports that may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tcp {
    All,
    Only { connect: Vec<u16>, bind: Vec<u16> },
}

impl Default for Tcp {
    fn default() -> Self {
        Self::Only { connect: Vec::new(), bind: Vec::new() }
    }
}

impl Tcp {
    /// Returns the listed ports, to connect to and to listen on; `All` lists none.
    fn only(self) -> (Vec<u16>, Vec<u16>) {
        match self {
            Self::All => Default::default(),
            Self::Only { connect, bind } => (connect, bind),
        }
    }
}

/// What happens if the kernel cannot enforce a [`Sandbox`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SandboxEnforcement {
    /// The child does not start: [`RunFailure::Limits`](crate::RunFailure::Limits).
    #[default]
    Strict,
    /// The child starts with whatever the kernel can enforce, which may be nothing.
    BestEffort,
}

impl Sandbox {
    /// Allows no file and no port.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also allows reading, listing and running these paths.
    #[must_use]
    pub fn read_only<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.read_only.extend(paths.into_iter().map(|path| path.as_ref().as_os_str().to_owned()));
        self
    }

    /// Also allows reading, running, writing, creating and removing these paths.
    #[must_use]
    pub fn read_write<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.read_write.extend(paths.into_iter().map(|path| path.as_ref().as_os_str().to_owned()));
        self
    }

    /// Also allows connections to these TCP ports, on any host.
    #[must_use]
    pub fn connect_tcp(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        let (mut connect, bind) = self.tcp.only();
        connect.extend(ports);
        self.tcp = Tcp::Only { connect, bind };
        self
    }

    /// Also allows listening on these TCP ports; 0 means any free port.
    #[must_use]
    pub fn bind_tcp(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        let (connect, mut bind) = self.tcp.only();
        bind.extend(ports);
        self.tcp = Tcp::Only { connect, bind };
        self
    }

    /// Does not restrict TCP.
    #[must_use]
    pub fn all_tcp(mut self) -> Self {
        self.tcp = Tcp::All;
        self
    }

    /// Sets whether the start fails if the kernel cannot enforce this; by default it does.
    #[must_use]
    pub fn enforcement(mut self, enforcement: SandboxEnforcement) -> Self {
        self.enforcement = enforcement;
        self
    }

    /// Returns how many bytes of the first record the rules take.
    pub(crate) fn bytes(&self) -> usize {
        // A number with the length, and one with the system.
        const AROUND: usize = 8;
        const PORT: usize = 3;
        let ports = match &self.tcp {
            Tcp::All => 0,
            Tcp::Only { connect, bind } => connect.len() + bind.len(),
        };
        let paths = self.read_only.iter().chain(&self.read_write);
        paths.map(|path| path.len() + AROUND).sum::<usize>() + ports * PORT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_not_less_than_what_travels() {
        let long = "x".repeat(5000);
        let sandbox = Sandbox::new().read_only(["/usr", &long]).read_write(["", "/tmp"]);
        let sandbox = sandbox.connect_tcp(0..300).bind_tcp([u16::MAX; 300]);
        let encoded = postcard::to_stdvec(&sandbox).unwrap();
        assert!(encoded.len() <= sandbox.bytes(), "{} > {}", encoded.len(), sandbox.bytes());
        assert_eq!(postcard::from_bytes::<Sandbox>(&encoded).unwrap(), sandbox);
    }

    #[cfg(unix)]
    #[test]
    fn a_path_need_not_be_text() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = OsString::from_vec(vec![b'/', 0xFF, b'a']);
        let sandbox = Sandbox::new().read_only([&odd]);
        let encoded = postcard::to_stdvec(&sandbox).unwrap();
        assert_eq!(postcard::from_bytes::<Sandbox>(&encoded).unwrap().read_only, [odd]);
    }
}
