//! Which client a request comes from: the peer, or whoever a trusted proxy says it speaks for.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

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

/// The addresses that are counted as one: whoever has an IPv6 address has the 2^64 of its network.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        v4 => v4,
    }
}

/// The nearest address that is no trusted proxy's: what stands before it anyone could have written.
///
/// Most proxies write one of the two headers and hand on the other as the client sent it: two that disagree tell nothing.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    if !trusted(peer, proxies) {
        return peer;
    }
    let told = [forwarded(headers), x_forwarded_for(headers)];
    let mut named = told.into_iter().flatten().map(|hops| nearest(peer, hops, proxies));
    match (named.next(), named.next()) {
        (Some(one), other) if other.is_none_or(|other| other == one) => one,
        _ => peer,
    }
}

fn trusted(address: IpAddr, proxies: &[IpNet]) -> bool {
    proxies.iter().any(|net| net.contains(&address))
}

/// The first address from the right that is no trusted proxy's.
fn nearest(peer: IpAddr, hops: Vec<Option<IpAddr>>, proxies: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        match hop {
            Some(address) if trusted(address, proxies) => nearest = address,
            Some(address) => return address,
            // An obfuscated one: nobody can tell who stands behind it.
            None => return nearest,
        }
    }
    nearest
}

/// The addresses of `Forwarded` (RFC 7239), the nearest last; a header that cannot be read names none.
fn forwarded(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let written = joined(headers, header::FORWARDED.as_str())?;
    let Ok(parsed) = ForwardedHeaderValue::from_forwarded(&written) else {
        return Some(vec![None]);
    };
    let address = |ip: IpAddr| ip.to_canonical();
    Some(parsed.iter().map(|hop| hop.forwarded_for_ip().map(address)).collect())
}

/// The addresses of `X-Forwarded-For`, some with a port. Each is read alone: what a client wrote into it spoils no other.
fn x_forwarded_for(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let written = joined(headers, X_FORWARDED_FOR)?;
    let address = |hop: &str| {
        let hop = hop.trim();
        let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
        hop.parse().or_else(|_| with_port()).ok().map(|ip: IpAddr| ip.to_canonical())
    };
    Some(written.split(',').map(address).collect())
}

/// All values of a header as one list. Bytes that are no text stay as something that is no address.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter();
    let all: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

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
        assert_eq!(ask("10.1.1.1", X_FORWARDED_FOR, "no address, 1.2.3.4"), "1.2.3.4");
        assert_eq!(ask("10.1.1.1", X_FORWARDED_FOR, "1.2.3.4:4711"), "1.2.3.4");
    }

    #[test]
    fn two_headers_that_disagree_tell_nothing() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let ask = |forwarded: &[u8], for_header: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(header::FORWARDED, HeaderValue::from_bytes(forwarded).unwrap());
            // What the client sent on a line of its own stands before the proxy's.
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static("6.6.6.6"));
            headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(for_header).unwrap());
            client("10.1.1.1".parse().unwrap(), &headers, &proxies).to_string()
        };
        assert_eq!(ask(b"for=1.2.3.4", b"1.2.3.4"), "1.2.3.4");
        assert_eq!(ask(b"for=6.6.6.6", b"1.2.3.4"), "10.1.1.1");
        assert_eq!(ask(b"nonsense", b"1.2.3.4"), "10.1.1.1");
        assert_eq!(ask(b"for=1.2.3.4", b"\xff, 1.2.3.4"), "1.2.3.4");
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |address: &str| network(address.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("1.2.3.4"), "1.2.3.4");
    }
}
