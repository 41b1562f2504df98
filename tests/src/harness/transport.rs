//! The transport of these tests, which run once over each, and the bytes of a packet on it.

/// Returns the transport of these tests: the default, or ipc-channel if the environment has
/// `TRANSPORT=ipc-channel`, so that the whole suite runs over both.
///
/// # Panics
/// If the variable holds anything else.
#[must_use]
pub fn transport() -> mpcore::Transport {
    match std::env::var("TRANSPORT").as_deref() {
        Err(_) => mpcore::Transport::default(),
        Ok("ipc-channel") => mpcore::Transport::IpcChannel,
        Ok(other) => panic!("TRANSPORT is `{other}`; it may be `ipc-channel`, or not set"),
    }
}

/// The first byte of every packet: the number of the layout, `PROTOCOL` in mpcore.
pub const PROTOCOL: u8 = 5;

/// Frames a packet like [`transport`]: packet sockets add nothing, ipc-channel adds the length of
/// its message and of the packet.
#[must_use]
pub fn framed(packet: &[u8]) -> Vec<u8> {
    if transport() != mpcore::Transport::IpcChannel {
        return packet.to_vec();
    }
    let length = packet.len() as u64;
    [&(16 + length).to_le_bytes()[..], &length.to_le_bytes(), packet].concat()
}
