//! Long answers: their query has its place and its time until their end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::client::get;
use super::shop::{Server, Shop, endpoint};
use crate::base::size::ByteSize;
use crate::config::ServeLimits;
use crate::project::PageSize;

/// Many megabytes: more than what sockets and channels hold for a client that does not read.
const LONG: &str = "/api/v1/long?format=ndjson";
const OTHER: &str = "/api/v1/long?limit=1";

fn serve(shop: &Shop, limits: ServeLimits) -> Server {
    let sql = "select a.order_date, repeat('x', 400) as filler from daily_sales a, daily_sales b";
    let mut long = endpoint("long", sql);
    long.page = PageSize { default: 100_000, max: 100_000 };
    shop.publish(300, &[long]);
    let none = ByteSize(0);
    let limits = ServeLimits { queries_max: 1, waiting_max: 0, ..limits };
    shop.serve_with(ServeLimits { row_cache: none, answer_cache: none, ..limits })
}

/// A client that has the head of the long answer, and reads no more by itself.
fn begin(server: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(server).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let request = format!("GET {LONG} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).unwrap();
    let mut head = [0; 15];
    socket.read_exact(&mut head).unwrap();
    if &head != b"HTTP/1.1 200 OK" {
        panic!("{}", String::from_utf8_lossy(&read_rest(socket)));
    }
    socket
}

fn read_rest(mut socket: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    // A connection that is reset has said what it had to say.
    let _ = socket.read_to_end(&mut rest);
    rest
}

fn ends_cleanly(body: &[u8]) -> bool {
    body.ends_with(b"\r\n0\r\n\r\n")
}

#[test]
fn a_long_answer_keeps_its_place_until_the_client_has_it_or_leaves() {
    let shop = Shop::new();
    let server = serve(&shop, ServeLimits::default());
    for leaves in [false, true] {
        let client = begin(server.address);
        let refused = get(server.address, OTHER);
        assert_eq!(refused.json()["type"], "/problems/overloaded", "{refused:?}");
        if leaves {
            drop(client);
        } else {
            let rest = read_rest(client);
            assert!(rest.len() > 30 << 20 && ends_cleanly(&rest), "{}", rest.len());
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while get(server.address, OTHER).status != 200 {
            assert!(Instant::now() < deadline, "the place was kept; the client left: {leaves}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_long_answer_that_takes_too_long_is_broken_off() {
    let shop = Shop::new();
    let request_max = Duration::from_secs(4);
    let server = serve(&shop, ServeLimits { request_max, ..ServeLimits::default() });
    let client = begin(server.address);
    std::thread::sleep(request_max + Duration::from_millis(500));
    // Others have the place even before the slow one comes to read that it lost it.
    assert_eq!(get(server.address, OTHER).status, 200);
    let rest = read_rest(client);
    assert!(rest.len() > 1 << 20 && !ends_cleanly(&rest), "{}", rest.len());
}
