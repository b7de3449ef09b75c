//! Which client a request comes from: the peer, or whoever a trusted proxy says it speaks for.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use forwarded_header_value::ForwardedHeaderValue;
use ipnet::IpNet;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// The address that limits, logs and slowed logins go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Client(pub(super) IpAddr);

impl Client {
    /// The client of a request that `peer` sent.
    pub(super) fn of(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> Self {
        Self(client(peer.to_canonical(), headers, proxies))
    }
}

/// The nearest address that is no trusted proxy's: what stands before it anyone could have written.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    if !trusted(&peer) {
        return peer;
    }
    let mut hops = hops(headers).unwrap_or_default();
    let mut nearest = peer;
    while let Some(hop) = hops.pop() {
        match hop {
            Some(address) if trusted(&address) => nearest = address,
            Some(address) => return address,
            // An obfuscated one: nobody can tell who stands behind it.
            None => return nearest,
        }
    }
    nearest
}

/// The addresses that proxies wrote down, the nearest last: `Forwarded` (RFC 7239), else `X-Forwarded-For`.
fn hops(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let joined = |name: &str| {
        let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let all: Vec<&str> = values.collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    let parsed = match joined(header::FORWARDED.as_str()) {
        Some(value) => ForwardedHeaderValue::from_forwarded(&value).ok()?,
        None => ForwardedHeaderValue::from_x_forwarded_for(&joined(X_FORWARDED_FOR)?).ok()?,
    };
    let address = |ip: IpAddr| ip.to_canonical();
    Some(parsed.iter().map(|hop| hop.forwarded_for_ip().map(address)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let proxies: Vec<IpNet> =
            ["10.0.0.0/8", "127.0.0.1/32"].iter().map(|net| net.parse().unwrap()).collect();
        let ask = |peer: &str, name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            client(peer.parse().unwrap(), &headers, &proxies).to_string()
        };
        assert_eq!(ask("8.8.8.8", X_FORWARDED_FOR, "1.2.3.4"), "8.8.8.8");
        assert_eq!(ask("10.1.1.1", X_FORWARDED_FOR, "1.2.3.4"), "1.2.3.4");
        // What stands further left the client wrote itself.
        assert_eq!(ask("10.1.1.1", X_FORWARDED_FOR, "9.9.9.9, 1.2.3.4, 10.2.2.2"), "1.2.3.4");
        assert_eq!(ask("10.1.1.1", X_FORWARDED_FOR, "no address"), "10.1.1.1");
        assert_eq!(ask("10.1.1.1", "forwarded", "for=9.9.9.9, for=1.2.3.4;proto=http"), "1.2.3.4");
        assert_eq!(ask("10.1.1.1", "forwarded", "for=\"[2001:db8::1]:4711\""), "2001:db8::1");
        assert_eq!(ask("10.1.1.1", "forwarded", "for=_hidden"), "10.1.1.1");
    }
}
