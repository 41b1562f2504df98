//! The bytes of a value while it is encoded: a buffer with a bound, and the output by which
//! postcard fills it.

use postcard::ser_flavors::Flavor;

/// A growing buffer with a bound.
#[derive(Debug)]
pub(crate) struct Buffer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) limit: usize,
    pub(crate) overflowed: bool,
}

impl Buffer {
    pub(crate) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), limit, overflowed: false }
    }

    /// Fails, and notes the overflow, if there is no room for `more` bytes.
    fn reserve(&mut self, more: usize) -> postcard::Result<()> {
        if self.limit - self.bytes.len() < more {
            self.overflowed = true;
            return Err(postcard::Error::SerializeBufferFull);
        }
        Ok(())
    }
}

/// The output of postcard.
pub(crate) struct Sink<'a>(pub(crate) &'a mut Buffer);

impl Sink<'_> {
    /// Returns the number of bytes written so far.
    pub(crate) fn position(&self) -> usize {
        self.0.bytes.len()
    }

    /// Returns whether exactly this byte was written after a position.
    pub(crate) fn is_at(&self, position: usize, byte: u8) -> bool {
        self.0.bytes[position..] == [byte]
    }

    /// Drops everything that was written after this position.
    pub(crate) fn cut_back(&mut self, position: usize) {
        self.0.bytes.truncate(position);
    }
}

impl Flavor for Sink<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.reserve(1)?;
        self.0.bytes.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.reserve(bytes.len())?;
        self.0.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
