//! How many connections each address has open, so that one cannot take the places of all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use super::client;

/// The connections that are open, by address: no more addresses than connections.
pub(super) struct Addresses {
    open: Mutex<HashMap<IpAddr, usize>>,
    /// None is as many as it likes.
    max: Option<NonZeroUsize>,
    /// They connect for many clients.
    proxies: Arc<[IpNet]>,
}

impl Addresses {
    pub(super) fn new(max: Option<NonZeroUsize>, proxies: Arc<[IpNet]>) -> Arc<Self> {
        Arc::new(Self { open: Mutex::default(), max, proxies })
    }

    /// A place for one more connection of `peer`, until it is dropped; None if it has as many as it may.
    pub(super) fn place(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let Some(max) = self.max.filter(|_| !self.proxies.iter().any(|net| net.contains(&peer)))
        else {
            return Some(Place(None));
        };
        let address = client::network(peer);
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= max.get() {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(self), address))))
    }

    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Nothing that holds it can panic half way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection among those of its address; of an address that is not counted, nothing.
pub(super) struct Place(Option<(Arc<Addresses>, IpAddr)>);

impl Drop for Place {
    fn drop(&mut self) {
        let Some((addresses, address)) = &self.0 else { return };
        let mut open = addresses.open();
        if let Some(count) = open.get_mut(address) {
            *count -= 1;
            if *count == 0 {
                open.remove(address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_places_and_no_more() {
        let of = |address: &str| address.parse::<IpAddr>().unwrap();
        let proxies: Arc<[IpNet]> = Arc::new(["10.0.0.0/8".parse().unwrap()]);
        let addresses = Addresses::new(NonZeroUsize::new(2), proxies);
        let first = addresses.place(of("1.2.3.4"));
        let second = addresses.place(of("::ffff:1.2.3.4"));
        assert!(first.is_some() && second.is_some());
        assert!(addresses.place(of("1.2.3.4")).is_none());
        let other = addresses.place(of("1.2.3.5"));
        assert!(other.is_some());
        drop(first);
        let again = addresses.place(of("1.2.3.4"));
        assert!(again.is_some() && addresses.place(of("1.2.3.4")).is_none());
        let proxied: Vec<_> = (0..5).map(|_| addresses.place(of("10.1.1.1"))).collect();
        assert!(proxied.iter().all(Option::is_some));
        drop((second, other, again, proxied));
        assert!(addresses.open().is_empty());
    }
}
