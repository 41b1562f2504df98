//! Which files a child may reach: the rules, as they travel.
//!
//! Part of every build, so that both sides read the same record, whichever was built with the feature
//! `sandbox`: a child that was built without it refuses the rules.
#![cfg_attr(not(feature = "sandbox"), allow(dead_code, unreachable_pub))]

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The files and ports that a child may reach, by [`ChildLimits::sandbox`](crate::ChildLimits): nothing but
/// what is named here, and `/dev/null`.
///
/// A path is a folder with all that is in it, or one file; a relative one begins in the child's working
/// directory. It has to exist when the child starts. What is open already stays open, the program and its
/// libraries included; a program that the child starts has to be readable, with its libraries. The kernel
/// does the rest (Landlock, since Linux 6.2; needs no rights), for the child and all that it starts, and
/// nobody can lift it again. It includes
/// [`no_new_privileges`](crate::ChildLimits::no_new_privileges).
///
/// It is about reading, writing, running, listing, creating and removing files; about TCP (since Linux 6.7);
/// and about signals and abstract sockets of processes outside of the sandbox, the controller's included
/// (since Linux 6.12). An older kernel leaves those two as they are, with either [`Enforcement`].
///
/// What is left: metadata of files anywhere can be read **and changed** (`chmod`, `chown`, times, extended
/// attributes), as far as the user may; sockets that have a path can be connected to; UDP and other
/// protocols, and descriptors that are open already, can be used. It holds for the threads that come after
/// `init`: with [`Enforcement::Strict`] a child in which another thread runs by then does not start.
///
/// ```
/// # #[cfg(feature = "sandbox")] {
/// use mpcore::{Enforcement, Sandbox};
///
/// let sandbox = Sandbox::new()
///     .read_only(["/usr", "/lib", "/etc/laser.toml"])
///     .read_write(["/var/lib/laser"])
///     .enforcement(Enforcement::BestEffort);
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    pub(crate) read_only: Vec<OsString>,
    pub(crate) read_write: Vec<OsString>,
    pub(crate) enforcement: Enforcement,
    pub(crate) tcp: Tcp,
}

/// Which ports of TCP may be used.
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
    fn only(self) -> (Vec<u16>, Vec<u16>) {
        match self {
            Self::All => Default::default(),
            Self::Only { connect, bind } => (connect, bind),
        }
    }
}

/// What happens where the kernel cannot enforce a [`Sandbox`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Enforcement {
    /// The child does not start: [`Failure::Limits`](crate::Failure::Limits).
    #[default]
    Strict,
    /// The child starts with what the kernel can do, which may be nothing.
    BestEffort,
}

impl Sandbox {
    /// No file at all, and no port.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// These may be read, listed and run as well.
    #[must_use]
    pub fn read_only<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.read_only.extend(paths.into_iter().map(|path| path.as_ref().as_os_str().to_owned()));
        self
    }

    /// These may also be written, created and removed as well.
    #[must_use]
    pub fn read_write<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.read_write.extend(paths.into_iter().map(|path| path.as_ref().as_os_str().to_owned()));
        self
    }

    /// Connections to these ports of TCP are let through as well, of whatever host.
    #[must_use]
    pub fn connect_tcp(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        let (mut connect, bind) = self.tcp.only();
        connect.extend(ports);
        self.tcp = Tcp::Only { connect, bind };
        self
    }

    /// These ports of TCP may be listened at as well; 0 is any that is free.
    #[must_use]
    pub fn bind_tcp(mut self, ports: impl IntoIterator<Item = u16>) -> Self {
        let (connect, mut bind) = self.tcp.only();
        bind.extend(ports);
        self.tcp = Tcp::Only { connect, bind };
        self
    }

    /// TCP is not restricted.
    #[must_use]
    pub fn all_tcp(mut self) -> Self {
        self.tcp = Tcp::All;
        self
    }

    /// Whether a kernel that cannot enforce this is a failure; it is, by default.
    #[must_use]
    pub fn enforcement(mut self, enforcement: Enforcement) -> Self {
        self.enforcement = enforcement;
        self
    }

    /// How much of the first record they take.
    pub(crate) fn bytes(&self) -> usize {
        // A number that tells the length, and one that tells the system.
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
