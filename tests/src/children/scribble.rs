//! Corrupts a child's lanes on purpose.

use std::fs;
use std::os::fd::OwnedFd;

use rustix::net::{SendFlags, SocketType, send, sockopt};

use crate::harness::transport::PROTOCOL;

/// Sends `packet` through every packet socket of this process, around the framework.
///
/// No code here owns those sockets, so each is duplicated by its number, which `pidfd_getfd` on the
/// own process does without unsafe code.
pub(crate) fn on_every_socket(packet: &[u8]) {
    for socket in packet_sockets() {
        // A full or closed lane does not matter here.
        let _ = send(socket, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    }
}

/// Shuts all sockets down for reading: nothing sent to this process arrives any more, and the
/// sender gets an error.
pub(crate) fn shut_every_socket() {
    for socket in packet_sockets() {
        let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Read);
    }
}

/// A packet that only reports how much was read: version, kind, generation, and the totals
/// of two lanes.
pub(crate) fn credit(generation: u32, total: u64) -> Vec<u8> {
    [&[PROTOCOL, 2][..], &generation.to_le_bytes(), &total.to_le_bytes(), &[0; 8]].concat()
}

fn packet_sockets() -> Vec<OwnedFd> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let Ok(own) = pidfd_open(getpid(), PidfdFlags::empty()) else { return Vec::new() };
    let entries = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let duplicates =
        numbers.filter_map(|number| pidfd_getfd(&own, number, PidfdGetfdFlags::empty()).ok());
    duplicates.filter(|fd| sockopt::socket_type(fd) == Ok(SocketType::SEQPACKET)).collect()
}
