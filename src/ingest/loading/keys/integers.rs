//! A set of 64-bit integers: one bit each where they lie close together, else as [`Ordered`] values.

use std::collections::HashMap;

use super::mix::Mix;
use super::ordered::Ordered;

const PAGE_BITS: u32 = 12;
const PAGE_WORDS: usize = (1 << PAGE_BITS) / 64;
const PAGE_BYTES: usize = PAGE_WORDS * 8;
/// Pages are kept while they cost no more than this for each value …
const BYTES_PER_VALUE_MAX: usize = 16;
/// … and this in all, so that ids in no order may fill a range of 67 million bit by bit: a bitmap is ten times as quick
/// as a hash table.
const BYTES_FREE: usize = 8 << 20;
/// A frozen set is one flat bitmap where its range is at most this many times its count.
const FLAT_RANGE_PER_VALUE: u64 = 64;

/// Distinct integers. The ids of a table, in any order, take a bit or a few each; ids strewn over the whole range
/// (hashes, times with counters) are kept as they come while ascending, and hashed otherwise.
#[derive(Debug)]
pub(super) enum Integers {
    Paged(Pages),
    Strewn(Ordered<i64>),
    /// Only asked from now on.
    Flat(Flat),
}

/// Bitmaps of 4,096 consecutive values, of those that have one.
#[derive(Debug, Default)]
pub(super) struct Pages {
    index: HashMap<i64, usize, Mix>,
    pages: Vec<[u64; PAGE_WORDS]>,
    count: usize,
    /// The page used last: values in order hardly ever leave it.
    current: Option<(i64, usize)>,
}

/// One bitmap over `first ..`.
#[derive(Debug)]
pub(super) struct Flat {
    first: i64,
    words: Vec<u64>,
}

impl Default for Integers {
    fn default() -> Self {
        Self::Paged(Pages::default())
    }
}

impl Integers {
    /// Whether the value is new.
    pub(super) fn insert(&mut self, key: i64) -> bool {
        match self {
            Self::Paged(pages) => {
                let new = pages.insert(key);
                if pages.is_wasteful() {
                    *self = Self::Strewn(Ordered::of_ascending(pages.ascending()));
                }
                new
            }
            Self::Strewn(values) => values.insert(key),
            Self::Flat(flat) => {
                let mut pages = Pages::default();
                flat.ascending().for_each(|key| _ = pages.insert(key));
                *self = Self::Paged(pages);
                self.insert(key)
            }
        }
    }

    pub(super) fn contains(&self, key: i64) -> bool {
        match self {
            Self::Paged(pages) => pages.contains(key),
            Self::Strewn(values) => values.contains(key),
            Self::Flat(flat) => flat.contains(key),
        }
    }

    /// The same set in the form that is quickest to ask.
    #[must_use]
    pub(super) fn frozen(self) -> Self {
        match self {
            Self::Paged(pages) => match Flat::of(&pages) {
                Some(flat) => Self::Flat(flat),
                None => Self::Paged(pages),
            },
            Self::Strewn(values) => Self::Strewn(values.frozen()),
            flat @ Self::Flat(_) => flat,
        }
    }

    /// Memory taken, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Paged(pages) => pages.bytes(),
            Self::Strewn(values) => values.bytes(),
            Self::Flat(flat) => flat.words.capacity() * 8,
        }
    }
}

impl Pages {
    fn insert(&mut self, key: i64) -> bool {
        let page = key >> PAGE_BITS;
        let at = match self.current {
            Some((current, at)) if current == page => at,
            _ => self.open(page),
        };
        let (word, bit) = place(key);
        let word = &mut self.pages[at][word];
        let new = *word & bit == 0;
        *word |= bit;
        self.count += usize::from(new);
        new
    }

    fn open(&mut self, page: i64) -> usize {
        let next = self.pages.len();
        let at = *self.index.entry(page).or_insert(next);
        if at == next {
            self.pages.push([0; PAGE_WORDS]);
        }
        self.current = Some((page, at));
        at
    }

    fn contains(&self, key: i64) -> bool {
        let (word, bit) = place(key);
        self.index.get(&(key >> PAGE_BITS)).is_some_and(|at| self.pages[*at][word] & bit != 0)
    }

    fn is_wasteful(&self) -> bool {
        self.pages.len() * PAGE_BYTES > BYTES_FREE + BYTES_PER_VALUE_MAX * self.count
    }

    fn bytes(&self) -> usize {
        self.pages.capacity() * PAGE_BYTES + self.index.capacity() * 20
    }

    /// Pages in order of their values.
    fn in_order(&self) -> Vec<(i64, usize)> {
        let mut order: Vec<_> = self.index.iter().map(|(page, at)| (*page, *at)).collect();
        order.sort_unstable();
        order
    }

    fn ascending(&self) -> Vec<i64> {
        let mut values = Vec::with_capacity(self.count);
        for (page, at) in self.in_order() {
            values.extend(ones(&self.pages[at]).map(|bit| (page << PAGE_BITS) + bit));
        }
        values
    }
}

impl Flat {
    /// `None` where the values lie too far apart.
    fn of(pages: &Pages) -> Option<Self> {
        let order = pages.in_order();
        let (first, last) = (order.first()?.0, order.last()?.0);
        let range_pages = last.abs_diff(first) + 1;
        if (range_pages - 1) << PAGE_BITS > FLAT_RANGE_PER_VALUE * pages.count as u64 {
            return None;
        }
        let mut words = vec![0; usize::try_from(range_pages).ok()? * PAGE_WORDS];
        for (page, at) in order {
            let start = usize::try_from(page - first).ok()? * PAGE_WORDS;
            words[start..start + PAGE_WORDS].copy_from_slice(&pages.pages[at]);
        }
        Some(Self { first: first << PAGE_BITS, words })
    }

    fn contains(&self, key: i64) -> bool {
        let at = key.wrapping_sub(self.first) as u64;
        let word = usize::try_from(at / 64).ok().and_then(|word| self.words.get(word));
        key >= self.first && word.is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn ascending(&self) -> impl Iterator<Item = i64> + '_ {
        ones(&self.words).map(|bit| self.first + bit)
    }
}

/// The word of its page that has a value's bit, and the bit.
fn place(key: i64) -> (usize, u64) {
    let within = (key & ((1 << PAGE_BITS) - 1)) as usize;
    (within / 64, 1 << (within % 64))
}

/// The numbers of the bits that are set.
fn ones(words: &[u64]) -> impl Iterator<Item = i64> + '_ {
    words.iter().enumerate().flat_map(|(index, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            let bit = (rest != 0).then(|| i64::from(rest.trailing_zeros()))?;
            rest &= rest - 1;
            Some(index as i64 * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dense_ids_take_about_a_bit_each() {
        let mut set = Integers::default();
        assert!((1..=1_000_000).all(|key| set.insert(key)));
        assert!(!set.insert(77) && !set.contains(0) && set.contains(1_000_000));
        assert!(set.bytes() < 400_000, "{}", set.bytes());
        let set = set.frozen();
        assert!(matches!(set, Integers::Flat(_)));
        assert!(set.contains(1) && !set.contains(0) && !set.contains(i64::MIN));
    }

    #[test]
    fn strewn_ids_leave_the_bitmaps() {
        let mut set = Integers::default();
        assert!((0..50_000).all(|key| set.insert(key << 22)));
        assert!(matches!(set, Integers::Strewn(_)));
        assert!((0..50_000).all(|key| !set.insert(key << 22) && !set.contains((key << 22) + 1)));
        let set = set.frozen();
        assert!((0..50_000).all(|key| set.contains(key << 22) && !set.contains((key << 22) + 1)));
    }

    #[test]
    fn the_ends_of_the_range_have_their_place() {
        let mut set = Integers::default();
        for key in [i64::MIN, i64::MAX, -1, 0] {
            assert!(set.insert(key) && !set.insert(key) && set.contains(key));
        }
        let set = set.frozen();
        assert!(set.contains(i64::MIN) && set.contains(i64::MAX) && !set.contains(1));
    }

    proptest! {
        #[test]
        fn it_is_a_set(
            keys in prop::collection::vec(prop_oneof![-300_i64..300, any::<i64>()], 0..1_500),
            frozen_at in 0_usize..1_500,
        ) {
            let (mut set, mut expected) = (Integers::default(), BTreeSet::new());
            for (index, key) in keys.iter().enumerate() {
                if index == frozen_at {
                    set = set.frozen();
                }
                prop_assert_eq!(set.insert(*key), expected.insert(*key));
            }
            let set = set.frozen();
            for key in (-310..310).chain(keys) {
                prop_assert_eq!(set.contains(key), expected.contains(&key));
            }
        }
    }
}
