//! Failed logins are slowed: who fails often waits, longer each time.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use moka::sync::Cache;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// For how long failures are remembered after the last one.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
/// How many addresses and names are remembered.
const REMEMBERED_MAX: u64 = 10_000;

/// Who failed lately.
pub(super) struct Slowing(Cache<Who, Failures>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Address(IpAddr),
    Name(String),
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Slowing {
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(REMEMBERED_MAX).time_to_live(REMEMBERED).build())
    }

    /// How long whoever this is has to wait before the next attempt is looked at.
    pub(super) fn wait(&self, all: &[Who]) -> Option<Duration> {
        let waits = all.iter().filter_map(|who| {
            let Failures { count, last } = self.0.get(who)?;
            let doublings = count.checked_sub(FREE)?;
            let wait = Duration::from_secs(1 << doublings.min(6)).min(WAIT_MAX);
            wait.checked_sub(last.elapsed())
        });
        waits.max().filter(|wait| !wait.is_zero())
    }

    pub(super) fn failed(&self, all: &[Who]) {
        for who in all {
            let count = self.0.get(who).map_or(0, |failures| failures.count);
            let failures = Failures { count: count.saturating_add(1), last: Instant::now() };
            self.0.insert(who.clone(), failures);
        }
    }

    pub(super) fn succeeded(&self, all: &[Who]) {
        all.iter().for_each(|who| self.0.invalidate(who));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_fails_often_waits_longer_each_time() {
        let slowing = Slowing::new();
        let ann = [Who::Name("ann".to_owned())];
        for _ in 0..FREE - 1 {
            slowing.failed(&ann);
        }
        assert_eq!(slowing.wait(&ann), None);
        let mut before = Duration::ZERO;
        for _ in 0..4 {
            slowing.failed(&ann);
            let wait = slowing.wait(&ann).unwrap();
            assert!(wait > before, "{wait:?}");
            before = wait;
        }
        assert_eq!(slowing.wait(&[Who::Name("bob".to_owned())]), None);
        (0..50).for_each(|_| slowing.failed(&ann));
        assert!(slowing.wait(&ann).unwrap() <= WAIT_MAX);
        slowing.succeeded(&ann);
        assert_eq!(slowing.wait(&ann), None);
    }
}
