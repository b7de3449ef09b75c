//! The hash function of key sets: a keyed multiplication for numbers, XXH3 with a secret for long keys.

use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use uuid::Uuid;

/// Drawn once a process, so that nobody can make up keys that collide here.
static SECRET: LazyLock<[u8; 192]> = LazyLock::new(|| {
    let mut secret = [0; 192];
    for part in secret.chunks_exact_mut(16) {
        part.copy_from_slice(Uuid::new_v4().as_bytes());
    }
    secret
});

/// The longest key that stands for itself.
const PACKED_BYTES_MAX: usize = 15;

/// A key's bytes as one number: exact up to 15 bytes (with the length behind them, and in the bytes' order for
/// keys of one length), else 120 bits of their hash.
///
/// With a billion (2^30) long keys in one set, the chance that any two different ones get the same number is 2^-61,
/// far below that of a memory error in the time that reading them takes; the secret keeps that true for keys that
/// someone chose.
pub(super) fn number(bytes: &[u8]) -> u128 {
    let mut packed = [0; 16];
    if bytes.len() > PACKED_BYTES_MAX {
        return xxhash_rust::xxh3::xxh3_128_with_secret(bytes, &*SECRET) | 0xff;
    }
    packed[..bytes.len()].copy_from_slice(bytes);
    packed[15] = bytes.len() as u8;
    u128::from_be_bytes(packed)
}

/// Hashes one `i64` or `u128` by a folded multiplication with random numbers.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest::loading) struct Mix {
    low: u64,
    high: u64,
}

/// A [`Mix`] at work.
#[derive(Clone, Copy, Debug)]
pub(in crate::ingest::loading) struct Mixer {
    mix: Mix,
    state: u64,
}

impl Mix {
    pub(super) fn random() -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        Self { low, high }
    }
}

impl Default for Mix {
    fn default() -> Self {
        Self::random()
    }
}

impl BuildHasher for Mix {
    type Hasher = Mixer;

    fn build_hasher(&self) -> Mixer {
        Mixer { mix: *self, state: 0 }
    }
}

impl Mixer {
    fn fold(&mut self, low: u64, high: u64) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let product =
            u128::from(low ^ self.mix.low ^ self.state) * u128::from(high ^ self.mix.high);
        let folded = (product as u64) ^ ((product >> 64) as u64);
        // Once more, so that a table that takes its bucket from the low bits and its tag from the high ones has both.
        let again = u128::from(folded) * u128::from(ODD);
        self.state = (again as u64) ^ ((again >> 64) as u64);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.fold(u64::from_le_bytes(word), part.len() as u64);
        }
    }

    fn write_i64(&mut self, number: i64) {
        self.fold(number as u64, 0);
    }

    fn write_u128(&mut self, number: u128) {
        self.fold(number as u64, (number >> 64) as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_keys_stand_for_themselves() {
        assert_ne!(number(b"a"), number(b"a\0"));
        assert_ne!(number(b""), number(b"\0"));
        assert!(number(b"order-0001") < number(b"order-0002"));
        assert_eq!(number(b"a key of more than fifteen"), number(b"a key of more than fifteen"));
        assert_ne!(number(b"a key of more than fifteen"), number(b"a key of more than fifteem"));
    }
}
