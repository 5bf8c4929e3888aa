//! 128-bit content digests, fed by a type's derived `Hash`.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The first 128 bits of a BLAKE3 hash.
///
/// Tenants write the input, so that collisions must be infeasible and not merely unlikely. The digest of a
/// value is what its derived [`Hash`] writes: equal for equal values, across processes and machines of one
/// word size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 16]);

impl Digest {
    /// The digest of any hashable value.
    pub fn of<T: Hash + ?Sized>(value: &T) -> Self {
        let mut d = Digester::default();
        value.hash(&mut d);
        d.digest()
    }

    /// The digest of raw bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::cut(blake3::hash(bytes))
    }

    fn cut(hash: blake3::Hash) -> Self {
        let mut out = [0; 16];
        out.copy_from_slice(&hash.as_bytes()[..16]);
        Self(out)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A [`Hasher`] that collects what `Hash` writes and ends in a [`Digest`].
///
/// `Hash` writes many small pieces; they are gathered in a buffer, because BLAKE3 is fast on long input only.
pub struct Digester {
    hash: blake3::Hasher,
    buffer: [u8; 512],
    filled: usize,
}

impl Default for Digester {
    fn default() -> Self {
        Self { hash: blake3::Hasher::new(), buffer: [0; 512], filled: 0 }
    }
}

impl Digester {
    /// The digest of all that was written.
    pub fn digest(mut self) -> Digest {
        self.hash.update(&self.buffer[..self.filled]);
        Digest::cut(self.hash.finalize())
    }
}

impl Hasher for Digester {
    fn write(&mut self, bytes: &[u8]) {
        if self.filled + bytes.len() > self.buffer.len() {
            self.hash.update(&self.buffer[..self.filled]);
            self.filled = 0;
            if bytes.len() > self.buffer.len() {
                self.hash.update(bytes);
                return;
            }
        }
        self.buffer[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// Not used: a digest is taken with [`Digester::digest`]; 64 bits would be too few.
    fn finish(&self) -> u64 {
        0
    }
}
