//! The encoded config of a run: a small one is encoded immediately, a large one on its own thread.
//!
//! No thread waits for it. A beginning run registers a continuation and goes on: while its config
//! is still being encoded, a child can be stopped and killed, and its start deadline applies as
//! usual.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::{fmt, mem, thread};

use crate::limits::{ENCODE_INLINE, VALUE_BYTES};
use crate::panics::unwind::discard;
use crate::sync::lock;
use crate::wire::value::codec::{Codec, Deferred, EncodeError, Encoder};

/// The bytes, or why there are none.
pub(crate) type Encoded = Result<Arc<[u8]>, String>;

/// The continuation to call with the bytes.
type Then = Box<dyn FnOnce(Encoded) + Send>;

/// A config that is encoded or being encoded.
pub(crate) struct ConfigBytes(Mutex<State>);

enum State {
    Encoding(Vec<Then>),
    Done(Encoded),
}

impl fmt::Debug for ConfigBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigBytes").finish_non_exhaustive()
    }
}

impl ConfigBytes {
    /// Creates the config of an interface without one.
    pub(crate) fn none() -> Arc<Self> {
        Self::done(Ok(Arc::from([])))
    }

    fn done(encoded: Encoded) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State::Done(encoded))))
    }

    /// Encodes a config. A large one moves to a thread, and its errors are reported later.
    pub(crate) fn of<T: Send + 'static>(
        config: T,
        codec: &Codec<T>,
    ) -> Result<Arc<Self>, EncodeError> {
        let mut encoder = Encoder::new(ENCODE_INLINE.get());
        match codec.encode_into(&config, &mut encoder) {
            Ok(()) => Ok(Self::done(Ok(encoder.into_bytes().into()))),
            Err(EncodeError::TooLarge { .. }) => Ok(Self::on_a_thread(codec.defer(config))),
            Err(error) => Err(error),
        }
    }

    fn on_a_thread(config: Deferred) -> Arc<Self> {
        let bytes = Arc::new(Self(Mutex::new(State::Encoding(Vec::new()))));
        let (sender, receiver) = oneshot::channel();
        let for_thread = Arc::clone(&bytes);
        let body = move || {
            if let Ok(config) = receiver.recv() {
                for_thread.finish(&encode(config));
            }
        };
        let started = thread::Builder::new().name("mp-config".into()).spawn(body).is_ok();
        // If no thread could be started, the caller has to wait.
        if let Err(lost) = sender.send(config)
            && !started
        {
            bytes.finish(&encode(lost.into_inner()));
        }
        bytes
    }

    fn finish(&self, encoded: &Encoded) {
        let waiting = mem::replace(&mut *lock(&self.0), State::Done(encoded.clone()));
        if let State::Encoding(waiting) = waiting {
            waiting.into_iter().for_each(|then| then(encoded.clone()));
        }
    }

    /// Calls `then` with the bytes: now, or on the thread that encodes them.
    pub(crate) fn then(&self, then: impl FnOnce(Encoded) + Send + 'static) {
        let encoded = match &mut *lock(&self.0) {
            State::Encoding(waiting) => return waiting.push(Box::new(then)),
            State::Done(encoded) => encoded.clone(),
        };
        then(encoded);
    }
}

fn encode(config: Deferred) -> Encoded {
    let encode = AssertUnwindSafe(|| {
        let mut encoder = Encoder::new(VALUE_BYTES);
        config(&mut encoder).map(|()| encoder.into_bytes())
    });
    match catch_unwind(encode) {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => {
            discard(panic);
            Err("its `Serialize` panicked".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread::{ThreadId, current};
    use std::time::Duration;

    use serde::{Serialize, Serializer};

    use super::*;
    use crate::wire::value::codec::{forged, wire};

    const LONG: Duration = Duration::from_secs(30);

    /// A value of this many bytes, and how its serialization ends.
    #[derive(serde::Deserialize)]
    struct Config(usize, Mood);

    #[derive(Clone, Copy, serde::Deserialize)]
    enum Mood {
        Fine,
        Refuses,
        Panics,
    }

    impl Serialize for Config {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{Error as _, SerializeTuple as _};
            forged::note();
            let mut tuple = serializer.serialize_tuple(self.0)?;
            (0..self.0).try_for_each(|_| tuple.serialize_element(&7_u8))?;
            match self.1 {
                Mood::Fine => tuple.end(),
                Mood::Refuses => Err(S::Error::custom("in no mood")),
                Mood::Panics => panic!("in a panic"),
            }
        }
    }

    #[derive(serde::Deserialize)]
    struct Huge;

    impl Serialize for Huge {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            forged::note();
            serializer.serialize_bytes(&vec![0; VALUE_BYTES])
        }
    }

    /// Returns the number of bytes, and the thread on which they arrived.
    fn heard(bytes: &ConfigBytes) -> (Result<usize, String>, ThreadId) {
        let (sender, receiver) = mpsc::channel();
        bytes.then(move |encoded| {
            sender.send((encoded.map(|bytes| bytes.len()), current().id())).unwrap();
        });
        receiver.recv_timeout(LONG).expect("it is encoded")
    }

    #[test]
    fn a_small_config_is_there_at_once_or_refused_at_once() {
        let small = ConfigBytes::of(Config(ENCODE_INLINE.get() - 1, Mood::Fine), &wire()).unwrap();
        assert_eq!(heard(&small), (Ok(ENCODE_INLINE.get()), current().id()));
        let refused = ConfigBytes::of(Config(10, Mood::Refuses), &wire());
        assert!(matches!(refused, Err(EncodeError::Refused { .. })), "{refused:?}");
        assert_eq!(heard(&ConfigBytes::none()).0, Ok(0));
    }

    #[test]
    fn a_large_config_is_encoded_elsewhere_and_refused_later() {
        let large = ENCODE_INLINE.get() + 1;
        let of = |mood| ConfigBytes::of(Config(large, mood), &wire()).unwrap();
        let fine = of(Mood::Fine);
        // The first run asks, and then the next one.
        assert_eq!(heard(&fine).0, Ok(large + 1), "one byte says the form");
        assert_eq!(heard(&fine), (Ok(large + 1), current().id()));
        let refused = heard(&of(Mood::Refuses)).0.unwrap_err();
        assert!(refused.contains("in no mood") && refused.contains("Config"), "{refused}");
        assert_eq!(heard(&of(Mood::Panics)).0, Err("its `Serialize` panicked".to_owned()));
        let too_large = ConfigBytes::of(Huge, &wire()).unwrap();
        assert!(heard(&too_large).0.unwrap_err().contains("larger than"));
    }

    /// The caller does not wait for the user's `Serialize`, which in this test waits for the
    /// caller.
    #[test]
    fn a_large_config_blocks_no_thread() {
        struct Gated(Mutex<mpsc::Receiver<()>>);
        impl Serialize for Gated {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                forged::note();
                let serialized = vec![7_u8; ENCODE_INLINE.get() + 1].serialize(serializer)?;
                lock(&self.0).recv_timeout(LONG).expect("the gate opens");
                Ok(serialized)
            }
        }
        impl<'de> serde::Deserialize<'de> for Gated {
            fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
                Err(serde::de::Error::custom("never"))
            }
        }
        let (open, gate) = mpsc::channel();
        let bytes = ConfigBytes::of(Gated(Mutex::new(gate)), &wire()).unwrap();
        let (sender, receiver) = mpsc::channel();
        for number in 0..2 {
            let sender = sender.clone();
            bytes.then(move |encoded| sender.send((number, encoded.is_ok())).unwrap());
        }
        assert_eq!(receiver.try_recv().ok(), None, "the gate is shut");
        open.send(()).unwrap();
        assert_eq!(receiver.recv_timeout(LONG), Ok((0, true)));
        assert_eq!(receiver.recv_timeout(LONG), Ok((1, true)));
    }
}
