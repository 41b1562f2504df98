//! The messages that both sides exchange before the first command.
//!
//! Two versions of the framework may meet, so a few bytes are the same in all of them: the
//! [beginning](Opening) of the first record, and the message of a child that it speaks another
//! protocol (a [packet](mismatch_packet), and a [line](mismatch_line) on stderr).
//!
//! The controller writes a [`Bootstrap`] record to the child's stdin: a nonce, limits and switches.
//! What follows depends on the transport. Through sockets, stdin is the requests lane itself, the
//! ends of the other lanes (and, where there are pidfds, one of the controller) arrive with the
//! record, and the child sends its [`Facts`] and the nonce on the events lane. Through ipc-channel,
//! stdin is a pipe and the record names an endpoint: the child connects there and hands over the
//! lanes it has created, together with its facts and the nonce. The controller compares, and sends
//! a [`Welcome`] as the first item of the requests lane. Arguments and environment contain nothing
//! secret; an argument, [`MARK`], marks a child.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::chaos::InParts;
use crate::wire::interface::description::Facts;
use crate::wire::messages::at_exit::ExitPolicy;
use crate::wire::messages::child_limits::ChildLimits;
use crate::wire::messages::fault::FaultPlan;
use crate::wire::packets::packet::PROTOCOL;
use crate::wire::value::codec::decode;

/// The hidden argument that marks a child: the first one, or in a test binary the last.
pub(crate) const MARK: &str = "--mpcore-child";

/// Marks the message of a child with another protocol, after the head of a packet.
const OTHER_PROTOCOL: [u8; 8] = *b"mpcore\x00\x02";

/// Offset of that mark, the same in every version: behind the head of a packet, which begins with the
/// protocol's number and has never been longer.
const OTHER_PROTOCOL_AT: usize = 24;

/// Starts each record in the pipe, so that a terminal's input is not mistaken for one.
const MAGIC: [u8; 8] = *b"mpcore\x00\x01";

/// Longest record: real ones have a few hundred bytes.
const RECORD_MAX: u32 = 64 << 10;

/// Longest record in bytes, including the header before it.
#[cfg(target_os = "linux")]
pub(crate) const RECORD_BYTES: usize = RECORD_MAX as usize + 12;

/// Proves that the peer is the process that was started: random, and known only to the two sides.
pub(crate) type Nonce = [u8; 16];

/// A record in the child's stdin pipe.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Record {
    /// Connect to this endpoint.
    Connect(Bootstrap),
    /// The child was recognised at the endpoint of this attempt. The last record.
    Accepted(u32),
}

/// The beginning of the first record in every version, after the number of its kind; more data may
/// follow.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Opening {
    pub(crate) protocol: u32,
    #[allow(dead_code)] // keeps the layout of the others
    attempt: u32,
    pub(crate) endpoint: String,
    pub(crate) nonce: Nonce,
}

/// The first record.
pub(crate) enum First {
    /// From this version.
    Ours(Bootstrap),
    /// From another version.
    Foreign(Opening),
}

/// Where to connect, and what to send. The first four fields are those of [`Opening`]. The rest
/// keeps the layout of protocol 2, whose children report their protocol only if they can read all
/// of it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Bootstrap {
    pub(crate) protocol: u32,
    /// Counts the endpoints, so that a stranger or silence at one of them costs the right peer
    /// nothing.
    pub(crate) attempt: u32,
    /// Name of the one-shot server; empty if the lanes are sockets that the child has inherited.
    pub(crate) endpoint: String,
    pub(crate) nonce: Nonce,
    /// Which of the binary's children to run; empty if the binary has only one.
    pub(crate) child: String,
    pub(crate) generation: u32,
    /// The controller's process id: if the parent is a different process, the controller is gone.
    pub(crate) controller: u32,
    /// Credit window of the lanes, in bytes.
    pub(crate) window: u32,
    /// Faults to inject, in a test.
    pub(crate) faults: Option<FaultPlan>,
    /// Limits that the child sets first; only in the first record.
    pub(crate) limits: Option<Box<ChildLimits>>,
}

impl Record {
    pub(crate) fn write(&self, pipe: &mut impl Write) -> io::Result<()> {
        let body = postcard::to_stdvec(self).map_err(io::Error::other)?;
        let mut record = MAGIC.to_vec();
        record.extend_from_slice(&(body.len() as u32).to_le_bytes());
        record.extend_from_slice(&body);
        InParts(&mut *pipe).write_all(&record)?;
        pipe.flush()
    }

    /// Reads the next record. An error of kind `InvalidData` means that stdin is not such a pipe.
    pub(crate) fn read(pipe: &mut impl Read) -> io::Result<Self> {
        decode(&Self::body(pipe)?).map_err(|_| invalid("the bootstrap record cannot be decoded"))
    }

    /// Reads the first record, which may be from another version.
    pub(crate) fn read_first(pipe: &mut impl Read) -> io::Result<First> {
        let body = Self::body(pipe)?;
        let cannot = || invalid("the bootstrap record cannot be decoded");
        let (kind, rest) = body.split_first().ok_or_else(cannot)?;
        let (opening, _) = postcard::take_from_bytes::<Opening>(rest).map_err(|_| cannot())?;
        if *kind == 0 && opening.protocol != PROTOCOL {
            return Ok(First::Foreign(opening));
        }
        match decode(&body) {
            Ok(Self::Connect(bootstrap)) => Ok(First::Ours(bootstrap)),
            Ok(Self::Accepted(_)) | Err(_) => Err(cannot()),
        }
    }

    /// Reads the bytes of the next record.
    fn body(pipe: &mut impl Read) -> io::Result<Vec<u8>> {
        let mut pipe = InParts(pipe);
        let mut head = [0; 12];
        pipe.read_exact(&mut head)?;
        if head[..8] != MAGIC {
            return Err(invalid("stdin does not start with a bootstrap record"));
        }
        let mut length = [0; 4];
        length.copy_from_slice(&head[8..]);
        let length = u32::from_le_bytes(length);
        if length > RECORD_MAX {
            return Err(invalid("the bootstrap record is too long"));
        }
        let mut body = vec![0; length as usize];
        pipe.read_exact(&mut body)?;
        Ok(body)
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Returns the first packet of a child that speaks another protocol than its controller; the same
/// in every version.
#[cfg(target_os = "linux")]
pub(crate) fn mismatch_packet() -> Vec<u8> {
    let mut packet = vec![0; OTHER_PROTOCOL_AT];
    packet[0] = PROTOCOL as u8;
    packet.extend_from_slice(&OTHER_PROTOCOL);
    packet.extend_from_slice(&PROTOCOL.to_le_bytes());
    packet
}

/// Returns the protocol that the sender of a first packet announces with [`mismatch_packet`].
#[cfg(target_os = "linux")]
pub(crate) fn parse_mismatch_packet(packet: &[u8]) -> Option<u32> {
    let said = packet.get(OTHER_PROTOCOL_AT..)?.strip_prefix(&OTHER_PROTOCOL)?;
    said.first_chunk().map(|number| u32::from_le_bytes(*number))
}

/// Returns the line that a child with another protocol writes to stderr.
pub(crate) fn mismatch_line(controller: u32) -> String {
    format!("{SPEAKS}{controller}{THIS_CHILD}{PROTOCOL}; build both with the same mpcore")
}

/// The texts of that line before the two numbers.
const SPEAKS: &str = "the controller speaks protocol ";
const THIS_CHILD: &str = ", this child ";

/// Returns the child's protocol as announced in a line on stderr: a child of protocol 2 announces
/// it nowhere else.
pub(crate) fn parse_mismatch_line(line: &str) -> Option<u32> {
    let (controller, child) = line.strip_prefix(SPEAKS)?.split_once(THIS_CHILD)?;
    let child = child.split(';').next()?.parse().ok()?;
    (controller.parse() == Ok(PROTOCOL) && child != PROTOCOL).then_some(child)
}

/// The child's description of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Introduction {
    pub(crate) nonce: Nonce,
    pub(crate) pid: u32,
    /// Present if the child may be a different program than the controller.
    pub(crate) facts: Option<Facts>,
    /// The encoded initial values of the properties.
    pub(crate) initial: Vec<Vec<u8>>,
}

/// The controller's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Welcome {
    pub(crate) nonce: Nonce,
    pub(crate) name: String,
    /// How many milliseconds a child whose controller is gone may take to end.
    pub(crate) grace: u32,
    /// How the child's own children end together with it.
    pub(crate) at_exit: ExitPolicy,
    /// The encoded config.
    pub(crate) config: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_pipe_and_garbage_is_refused() {
        let sent = Bootstrap {
            protocol: PROTOCOL,
            attempt: 2,
            endpoint: "name".into(),
            nonce: [7; 16],
            child: "a::B".into(),
            generation: 3,
            controller: 4,
            window: 1000,
            faults: None,
            limits: Some(Box::new(ChildLimits::new().nice(5).open_files(100))),
        };
        let mut pipe = Vec::new();
        Record::Connect(sent.clone()).write(&mut pipe).unwrap();
        let Ok(Record::Connect(read)) = Record::read(&mut pipe.as_slice()) else { panic!() };
        assert_eq!((read.endpoint, read.nonce), (sent.endpoint, sent.nonce));
        assert_eq!(read.limits, sent.limits);
        let error = Record::read(&mut &b"hello, I am a terminal"[..]).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let mut long = MAGIC.to_vec();
        long.extend_from_slice(&u32::MAX.to_le_bytes());
        assert!(Record::read(&mut long.as_slice()).is_err());
    }

    fn bootstrap(protocol: u32) -> Bootstrap {
        Bootstrap {
            protocol,
            attempt: 2,
            endpoint: "name".into(),
            nonce: [7; 16],
            child: String::new(),
            generation: 3,
            controller: 4,
            window: 1000,
            faults: None,
            limits: None,
        }
    }

    /// The bytes are written out because they are the same in every version.
    #[test]
    fn every_version_reads_how_a_first_record_begins() {
        let mut opening = vec![0, 77, 2, 4];
        opening.extend_from_slice(b"name");
        opening.extend_from_slice(&[7; 16]);
        let mut record = b"mpcore\x00\x01".to_vec();
        record.extend_from_slice(&(opening.len() as u32 + 3).to_le_bytes());
        record.extend_from_slice(&opening);
        record.extend_from_slice(&[0xFF; 3]); // unknown data
        let first = Record::read_first(&mut record.as_slice()).unwrap();
        let First::Foreign(foreign) = first else { panic!("it is of another version") };
        let expected =
            Opening { protocol: 77, attempt: 2, endpoint: "name".into(), nonce: [7; 16] };
        assert_eq!(foreign, expected);

        let mut ours = Vec::new();
        Record::Connect(bootstrap(77)).write(&mut ours).unwrap();
        assert_eq!(ours[12..].strip_prefix(&opening[..]).map(<[u8]>::len), Some(7));
        let mut ours = Vec::new();
        Record::Connect(bootstrap(PROTOCOL)).write(&mut ours).unwrap();
        assert!(matches!(Record::read_first(&mut ours.as_slice()), Ok(First::Ours(_))));
        let mut accepted = Vec::new();
        Record::Accepted(1).write(&mut accepted).unwrap();
        assert!(Record::read_first(&mut accepted.as_slice()).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_protocol_is_said_in_bytes_that_never_change() {
        let said = mismatch_packet();
        assert_eq!(u32::from(said[0]), PROTOCOL, "an older controller checks this byte");
        assert_eq!(said[24..32], *b"mpcore\x00\x02");
        assert_eq!(parse_mismatch_packet(&said), Some(PROTOCOL));
        let mut newer = said.clone();
        newer[32..].copy_from_slice(&1234_u32.to_le_bytes());
        newer.extend_from_slice(b"and more");
        assert_eq!(parse_mismatch_packet(&newer), Some(1234));
        for short in 0..said.len() {
            assert_eq!(parse_mismatch_packet(&said[..short]), None);
        }
    }

    #[test]
    fn what_an_old_child_has_written_says_its_protocol() {
        let line = format!(
            "the controller speaks protocol {PROTOCOL}, this child 2; build both with the same mpcore"
        );
        assert_eq!(parse_mismatch_line(&line), Some(2));
        for no in [
            mismatch_line(PROTOCOL),
            mismatch_line(77),
            "the controller speaks protocol".into(),
            format!("the controller speaks protocol {PROTOCOL}, this child is out; of its mind"),
        ] {
            assert_eq!(parse_mismatch_line(&no), None, "{no}");
        }
    }
}
