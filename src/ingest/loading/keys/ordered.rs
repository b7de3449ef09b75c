//! A set of values that mostly arrive in ascending order: a sorted list for as long as they do, a hash set else.

use std::collections::HashSet;
use std::hash::Hash;

use super::mix::Mix;

/// How many values may come out of order before the order is given up, besides an eighth of those in order.
const STRAYS_MAX: usize = 1_024;

/// Distinct values. One in ascending order costs a comparison and its own size; one out of order costs a binary
/// search, until they are many: then all are hashed.
///
/// Invariant: `ascending` is strictly increasing; a stray is below its last value and not in it.
#[derive(Debug)]
pub(super) struct Ordered<K> {
    ascending: Vec<K>,
    strays: HashSet<K, Mix>,
    hashed: bool,
}

impl<K> Default for Ordered<K> {
    fn default() -> Self {
        Self { ascending: Vec::new(), strays: HashSet::with_hasher(Mix::random()), hashed: false }
    }
}

impl<K: Copy + Ord + Hash> Ordered<K> {
    /// The set of strictly increasing values.
    pub(super) fn of_ascending(ascending: Vec<K>) -> Self {
        Self { ascending, ..Self::default() }
    }

    /// Whether the value is new.
    pub(super) fn insert(&mut self, key: K) -> bool {
        if self.hashed {
            return self.strays.insert(key);
        }
        if self.ascending.last().is_none_or(|last| key > *last) {
            self.ascending.push(key);
            return true;
        }
        if self.is_in_order(key) || !self.strays.insert(key) {
            return false;
        }
        if self.strays.len() > self.ascending.len() / 8 + STRAYS_MAX {
            self.hash_all();
        }
        true
    }

    pub(super) fn contains(&self, key: K) -> bool {
        self.is_in_order(key) || self.strays.contains(&key)
    }

    /// The same set, hashed: quicker to ask at random than to search.
    #[must_use]
    pub(super) fn frozen(mut self) -> Self {
        self.hash_all();
        self
    }

    /// Memory taken, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let slot_bytes = size_of::<K>() + 1; // std's table keeps one control byte a slot, 7 of 8 slots in use
        self.ascending.capacity() * size_of::<K>() + self.strays.capacity() * slot_bytes * 8 / 7
    }

    fn is_in_order(&self, key: K) -> bool {
        self.ascending.last().is_some_and(|last| key <= *last)
            && self.ascending.binary_search(&key).is_ok()
    }

    fn hash_all(&mut self) {
        self.strays.extend(std::mem::take(&mut self.ascending));
        self.hashed = true;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_in_order_are_never_hashed() {
        let mut set = Ordered::default();
        assert!((0..100_000_i64).all(|key| set.insert(key * 1_000_003)));
        assert!((0..1_000_i64).all(|key| !set.insert(key * 3_000_009)));
        assert!(!set.hashed && set.strays.is_empty());
    }

    #[test]
    fn a_shuffled_set_ends_hashed() {
        let mut set = Ordered::default();
        let key = |index: u64| index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        assert!((0..50_000).all(|index| set.insert(key(index))));
        assert!((0..50_000).all(|index| !set.insert(key(index)) && set.contains(key(index))));
        assert!(set.hashed && set.ascending.is_empty());
    }

    proptest! {
        #[test]
        fn it_is_a_set(keys in prop::collection::vec(0_i64..500, 0..2_000)) {
            let (mut set, mut expected) = (Ordered::default(), BTreeSet::new());
            for key in keys {
                prop_assert_eq!(set.insert(key), expected.insert(key));
            }
            for key in 0..500 {
                prop_assert_eq!(set.contains(key), expected.contains(&key));
            }
        }
    }
}
