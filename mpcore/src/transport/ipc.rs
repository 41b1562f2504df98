//! Lanes through ipc-channel, and how a started child hands them over.
//!
//! The child creates the channels and sends the controller its ends through a one-shot server,
//! together with its introduction. Both sides keep a sender of the lane that they read: the child
//! to wake its main thread, the controller for the end marker. A child of another protocol version
//! sends its number instead. [`give_up`] ends the wait for a child.
//!
//! This module adds what ipc-channel does not give: a receive retries EINTR and turns a panic of
//! the decoder into an error, and the endpoint is created only where its folder is usable (path
//! length, permissions). Packets are never so long that ipc-channel would send them in fragments,
//! which can hang for ever: `WINDOW_MAX` in `limits` sees to that.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ipc_channel::IpcError;
use ipc_channel::ipc::{
    IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender, bytes_channel,
};
use serde::{Deserialize, Serialize};

use crate::process::sys;
use crate::transport::{
    ChildLanes, ControllerLanes, LaneEnd, LaneReceiveError, LaneReceiver, LaneSender, SendError,
};
use crate::wire::messages::handshake::{Introduction, Nonce};
use crate::wire::packets::kinds::PacketKind;
use crate::wire::packets::packet::{Head, PROTOCOL};

impl LaneSender for IpcBytesSender {
    fn send(&self, packet: &[u8]) -> Result<(), SendError> {
        if sys::is_copy() {
            return Ok(()); // the lane belongs to the original process
        }
        loop {
            match IpcBytesSender::send(self, packet) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(SendError::Closed),
            }
        }
    }
}

impl LaneEnd for IpcBytesSender {
    fn end(&self, generation: u32) {
        let _ = LaneSender::send(self, &Head::new(PacketKind::End, generation).packet());
    }
}

impl LaneReceiver for IpcBytesReceiver {
    fn receive(&mut self, packet: &mut Vec<u8>) -> Result<(), LaneReceiveError> {
        loop {
            if sys::is_copy() {
                return Err(LaneReceiveError::Closed); // packets are for the original
            }
            // A lying header makes ipc-channel panic; that is the sender's fault, not ours.
            match catch_unwind(AssertUnwindSafe(|| self.recv())) {
                Ok(Ok(received)) => {
                    *packet = received;
                    return Ok(());
                }
                Ok(Err(IpcError::Disconnected)) => return Err(LaneReceiveError::Closed),
                Ok(Err(IpcError::Io(error))) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Err(LaneReceiveError::Broken(error.to_string())),
                Err(_) => return Err(LaneReceiveError::Broken("an impossible header".into())),
            }
        }
    }
}

/// The one message of the bootstrap channel.
#[derive(Serialize, Deserialize)]
pub(crate) enum Greeting {
    /// The controller to itself: stop waiting for a peer. Not on Linux, see [`give_up`].
    #[cfg_attr(target_os = "linux", allow(dead_code))]
    GiveUp,
    Hello(Box<Hello>),
    /// The child speaks this protocol, which differs from the controller's. The same in every
    /// version.
    OtherProtocol {
        protocol: u32,
        nonce: Nonce,
    },
}

/// The controller's ends of the lanes, and the introduction of the child that sends them.
#[derive(Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) introduction: Introduction,
    requests: IpcBytesSender,
    control: IpcBytesSender,
    events: IpcBytesReceiver,
    events_end: IpcBytesSender,
}

impl Hello {
    pub(crate) fn into_lanes(self, window: u32) -> ControllerLanes {
        ControllerLanes {
            requests: Arc::new(self.requests),
            control: Arc::new(self.control),
            events: Box::new(self.events),
            events_end: Arc::new(self.events_end),
            window,
        }
    }
}

/// A place where one child may connect, once.
pub(crate) struct Endpoint {
    server: IpcOneShotServer<Greeting>,
    name: String,
}

impl Endpoint {
    pub(crate) fn new() -> io::Result<Self> {
        check_folder()?;
        // ipc-channel panics if there is no room or no folder.
        let (server, name) = catch_unwind(IpcOneShotServer::new)
            .unwrap_or_else(|_| Err(io::Error::other("the endpoint could not be created")))?;
        keep_others_out(&name);
        Ok(Self { server, name })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Waits for a peer and its greeting: without a deadline, because ipc-channel has none.
    ///
    /// [`give_up`] ends the wait as long as no peer has connected.
    pub(crate) fn accept(self) -> Result<Greeting, String> {
        match catch_unwind(AssertUnwindSafe(|| self.server.accept())) {
            // The accepted connection is dropped immediately, because later children would inherit
            // it.
            Ok(Ok((_, greeting))) => Ok(greeting),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("an impossible greeting".into()),
        }
    }
}

/// ipc-channel silently cuts a socket path that is too long, and then leaves the socket behind; if
/// there is no folder, its error is not helpful.
fn check_folder() -> io::Result<()> {
    let folder = std::env::temp_dir();
    let cannot = |error: io::Error| {
        let text = format!(
            "the folder for temporary files, `{}`, cannot be used: {error}; set TMPDIR, or a umask that lets \
             this user in",
            folder.display()
        );
        io::Error::new(error.kind(), text)
    };
    if !std::fs::metadata(&folder).map_err(cannot)?.is_dir() {
        return Err(cannot(io::ErrorKind::NotADirectory.into()));
    }
    #[cfg(unix)]
    {
        // Longest socket path on Unix systems, and the part that ipc-channel adds to the folder's
        // path.
        const LONGEST: usize = 103;
        const ADDED: usize = "/.tmpXXXXXX/socket".len();
        if folder.as_os_str().len() + ADDED > LONGEST {
            let folder = folder.display();
            return Err(io::Error::other(format!(
                "the folder for temporary files, `{folder}`, has too long a path for a socket: set \
                 TMPDIR to one of at most {} bytes",
                LONGEST - ADDED
            )));
        }
        make_a_file_in_a_folder(&folder).map_err(cannot)?;
    }
    Ok(())
}

/// ipc-channel creates a folder with a socket in it. Without permission it panics, and may leave
/// the folder behind.
#[cfg(unix)]
fn make_a_file_in_a_folder(folder: &std::path::Path) -> io::Result<()> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let own = folder.join(format!(".mpcore-{:016x}", u64::from_le_bytes(random)));
    std::fs::create_dir(&own)?;
    let file = own.join("file");
    let made = std::fs::File::create(&file).and_then(|_| std::fs::remove_file(&file));
    std::fs::remove_dir(&own)?;
    made
}

/// ipc-channel's folder follows the umask; other users have no business in it.
fn keep_others_out(endpoint: &str) {
    #[cfg(unix)]
    if let Some(folder) = std::path::Path::new(endpoint).parent() {
        use std::os::unix::fs::PermissionsExt as _;
        // If it fails the nonce still keeps strangers out.
        let _ = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700));
    }
    #[cfg(not(unix))]
    let _ = endpoint;
}

/// Ends a waiting [`Endpoint::accept`], if it still waits.
///
/// If an endpoint is a socket, this is a peer that connects and disconnects: ipc-channel's own
/// `connect` leaks a descriptor each time that there is no peer to connect to.
pub(crate) fn give_up(endpoint: &str) {
    #[cfg(target_os = "linux")]
    crate::process::sys::knock_at(endpoint);
    #[cfg(not(target_os = "linux"))]
    if let Ok(sender) = connect(endpoint) {
        let _ = sender.send(Greeting::GiveUp);
    }
}

fn connect(endpoint: &str) -> io::Result<IpcSender<Greeting>> {
    // A name with a zero byte makes ipc-channel panic.
    catch_unwind(|| IpcSender::connect(endpoint.to_owned()))
        .unwrap_or_else(|_| Err(io::Error::other("the endpoint has an invalid name")))
}

/// Reports this child's protocol to a controller of another version, if it can be reached.
pub(crate) fn send_mismatch(endpoint: &str, nonce: Nonce) {
    if let Ok(sender) = connect(endpoint) {
        let _ = sender.send(Greeting::OtherProtocol { protocol: PROTOCOL, nonce });
    }
}

/// The child's side of the bootstrap: creates the lanes and hands over the controller's ends.
pub(crate) fn greet(endpoint: &str, introduction: Introduction) -> io::Result<ChildLanes> {
    let (requests, requests_rx) = bytes_channel()?;
    let (control, control_rx) = bytes_channel()?;
    let (events, events_rx) = bytes_channel()?;
    let hello = Hello {
        introduction,
        requests: requests.clone(),
        control,
        events: events_rx,
        events_end: events.clone(),
    };
    let sender = connect(endpoint)?;
    sender.send(Greeting::Hello(Box::new(hello))).map_err(io::Error::other)?;
    Ok(ChildLanes {
        requests: Box::new(requests_rx),
        requests_end: Arc::new(requests),
        control: Box::new(control_rx),
        events: Arc::new(events),
    })
}
