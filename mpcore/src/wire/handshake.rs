//! What both sides say before the first command.
//!
//! The controller writes a [`Bootstrap`] record into the pipe that is the child's stdin: the endpoint to
//! connect to and a nonce. The child connects, hands over the lanes it has made together with its
//! [`Facts`], and repeats the nonce. The controller compares, and sends a [`Welcome`] as the first item
//! of the requests lane. Nothing secret stands in arguments or environment.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::child_limits::ChildLimits;
use super::codec::decode;
use super::fault::FaultPlan;
use super::interface::Facts;

/// The hidden first argument that marks a child.
pub(crate) const MARK: &str = "--mpcore-child";

/// Starts each record in the pipe, so that a terminal's input is not taken for one.
const MAGIC: [u8; 8] = *b"mpcore\x00\x01";

/// A record is a few hundred bytes; more than this is none.
const RECORD_MAX: u32 = 64 << 10;

/// The most bytes of a record with what stands before it.
#[cfg(target_os = "linux")]
pub(crate) const RECORD_BYTES: usize = RECORD_MAX as usize + 12;

/// Proves that the peer is the process that was started: random, and known to the two only.
pub(crate) type Nonce = [u8; 16];

/// A record in the child's stdin pipe.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Record {
    /// Connect there.
    Connect(Bootstrap),
    /// You have been recognised at the endpoint of this attempt. The last record.
    Accepted(u32),
}

/// Where to connect, and what to say.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Bootstrap {
    pub(crate) protocol: u32,
    /// Counts the endpoints: a stranger, or silence, at one of them costs the right peer nothing.
    pub(crate) attempt: u32,
    /// Name of the one-shot server; empty where the lanes are sockets that the child has inherited.
    pub(crate) endpoint: String,
    pub(crate) nonce: Nonce,
    /// Which of the binary's children to run; empty where the binary has just one.
    pub(crate) child: String,
    pub(crate) generation: u32,
    /// The controller's process number: another parent means that it is gone.
    pub(crate) controller: u32,
    /// Credit window of the lanes, in bytes.
    pub(crate) window: u32,
    /// What shall go wrong, in a test.
    pub(crate) faults: Option<FaultPlan>,
    /// What the child shall do first; only in the first record.
    pub(crate) limits: Option<Box<ChildLimits>>,
}

impl Record {
    pub(crate) fn write(&self, pipe: &mut impl Write) -> io::Result<()> {
        let body = postcard::to_stdvec(self).map_err(io::Error::other)?;
        let mut record = MAGIC.to_vec();
        record.extend_from_slice(&(body.len() as u32).to_le_bytes());
        record.extend_from_slice(&body);
        pipe.write_all(&record)?;
        pipe.flush()
    }

    /// The next record; an error of kind `InvalidData` means that stdin is no such pipe.
    pub(crate) fn read(pipe: &mut impl Read) -> io::Result<Self> {
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
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
        decode(&body).map_err(|_| invalid("the bootstrap record cannot be decoded"))
    }
}

/// What the child says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Introduction {
    pub(crate) protocol: u32,
    pub(crate) nonce: Nonce,
    pub(crate) pid: u32,
    pub(crate) facts: Facts,
    /// The encoded initial values of the properties.
    pub(crate) initial: Vec<Vec<u8>>,
}

/// What the controller answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Welcome {
    pub(crate) nonce: Nonce,
    pub(crate) name: String,
    /// Milliseconds a child whose controller is gone may take to end.
    pub(crate) grace: u32,
    /// The encoded config.
    pub(crate) config: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_the_pipe_and_garbage_is_refused() {
        let sent = Bootstrap {
            protocol: 1,
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
}
