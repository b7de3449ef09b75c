//! Names made from content: BLAKE3, as 64 hexadecimal digits.

/// The BLAKE3 hash of `parts`, each preceded by its length, so that no two lists collide by shifting bytes.
pub(crate) fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().to_hex().to_string()
}

/// The BLAKE3 hash of `bytes`.
pub(crate) fn of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
