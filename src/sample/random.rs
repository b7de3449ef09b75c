//! Random numbers as a pure function of their keys, in integers only, so that every machine draws the same.

/// A SplitMix64 stream (Steele, Lea and Flood 2014), cheap enough to have one for each row.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

impl Random {
    /// The stream that belongs to `keys`; another order of the same keys is another stream.
    pub(super) fn new(keys: [u64; 4]) -> Self {
        let state = keys.iter().fold(0, |state: u64, key| {
            mix(state.wrapping_add(GOLDEN_GAMMA) ^ mix(key.wrapping_add(GOLDEN_GAMMA)))
        });
        Self { state }
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// A number in `0..bound`; 0 where `bound` is 0. Its bias is below `bound` / 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// One of `items`, each as likely as the other. `items` is never empty.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// One of `items`, each as likely as its weight says. `items` is never empty.
    pub(super) fn weighted<'a, T>(&mut self, items: &'a [T], weight: impl Fn(&T) -> u64) -> &'a T {
        let mut left = self.below(items.iter().map(&weight).sum());
        for item in items {
            match left.checked_sub(weight(item)) {
                Some(rest) => left = rest,
                None => return item,
            }
        }
        &items[0]
    }

    /// A rank in `0..count`, whose likelihood falls about as 1 / (rank + head): Zipf and Mandelbrot's law. A larger
    /// `head` (at least 1) flattens the top. `count` is at least 1.
    ///
    /// Ranks stand at `head..head + count`; an octave of that range is drawn first, then a place in it.
    pub(super) fn skewed(&mut self, count: u64, head: u64) -> u64 {
        let (low, high) = (head.ilog2(), (head + count - 1).ilog2());
        loop {
            let octave = u64::from(low) + self.below(u64::from(high - low) + 1);
            let place = (1 << octave) + self.below(1 << octave);
            if (head..head + count).contains(&place) {
                return place - head;
            }
        }
    }
}

/// A fixed permutation of `0..count`, so that what sells best does not stand first in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scatter {
    count: u64,
    step: u64,
}

impl Scatter {
    /// `count` is at least 1.
    pub(super) fn new(count: u64) -> Self {
        let golden = (u128::from(count) * 618 / 1000) as u64;
        let step = (golden.max(1)..).find(|&step| common_divisor(step, count) == 1).unwrap_or(1);
        Self { count, step }
    }

    pub(super) fn place(&self, rank: u64) -> u64 {
        let product = u128::from(rank + self.count / 3) * u128::from(self.step);
        (product % u128::from(self.count)) as u64
    }
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn streams_are_fixed_for_ever() {
        let mut random = Random::new([1, 2, 3, 4]);
        let drawn = [random.bits(), random.bits(), random.below(1000)];
        assert_eq!(drawn, [STREAM[0], STREAM[1], STREAM[2]]);
        assert_ne!(Random::new([1, 2, 4, 3]).bits(), STREAM[0]);
    }

    /// Changing these changes every generated file.
    const STREAM: [u64; 3] = [4_433_861_296_981_783_886, 8_526_881_987_094_987_625, 124];

    #[test]
    fn a_skewed_draw_favours_the_first() {
        let mut random = Random::new([0; 4]);
        let mut drawn = [0_u32; 100];
        for _ in 0..100_000 {
            drawn[random.skewed(100, 4) as usize] += 1;
        }
        assert!(drawn.iter().all(|&times| times > 0));
        assert!(drawn[0] > 5 * drawn[40] && drawn[40] > drawn[99], "{drawn:?}");
    }

    proptest! {
        #[test]
        fn scattering_loses_nothing(count in 1_u64..2000) {
            let scatter = Scatter::new(count);
            let mut places: Vec<u64> = (0..count).map(|rank| scatter.place(rank)).collect();
            places.sort_unstable();
            prop_assert!(places.into_iter().eq(0..count));
        }

        #[test]
        fn draws_stay_in_their_bounds(seed: u64, count in 1_u64..5000, head in 1_u64..500) {
            let mut random = Random::new([seed, 0, 0, 0]);
            prop_assert!(random.below(count) < count);
            prop_assert!(random.skewed(count, head) < count);
            prop_assert_eq!(*random.weighted(&[0, 5, 0], |&weight| weight), 5);
        }
    }
}
