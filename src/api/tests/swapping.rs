//! New versions under way: taken up within a second, without a failed or a mixed answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::client::get;
use super::shop::{Server, Shop, daily_sales, endpoint};

/// Waits until `version` is served, and holds that the endpoint answers from it.
fn await_version(server: &Server, version: u64) {
    server.await_version(version);
    let answer = get(server.address, "/api/v1/daily_sales?limit=1").json();
    assert_eq!(answer["meta"]["version"], version, "{answer}");
}

#[test]
fn versions_change_under_a_loop_of_requests() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    let done = AtomicBool::new(false);
    let ask = || {
        let (mut asked, mut newest) = (0, 0);
        while !done.load(Ordering::Relaxed) {
            let reply = get(server.address, "/api/v1/daily_sales");
            assert_eq!(reply.status, 200, "{reply:?}");
            let answer = reply.json();
            let version = answer["meta"]["version"].as_u64().unwrap();
            assert!(version >= newest, "went back from {newest} to {version}");
            newest = version;
            // Version n holds n days, and every row says so.
            assert_eq!(answer["meta"]["row_count"], version);
            let rows = answer["data"].as_array().unwrap();
            assert!(rows.iter().all(|row| row["orders"] == version), "{answer}");
            asked += 1;
        }
        asked
    };
    std::thread::scope(|scope| {
        let askers: Vec<_> = (0..3).map(|_| scope.spawn(ask)).collect();
        for days in 2..=12 {
            assert_eq!(shop.publish(days, &[daily_sales()]).0, days as u64);
            await_version(&server, days as u64);
        }
        done.store(true, Ordering::Relaxed);
        let asked: u32 = askers.into_iter().map(|asker| asker.join().unwrap()).sum();
        assert!(asked > 12, "{asked}");
    });
}

#[test]
fn endpoints_come_and_go_with_their_version() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    assert_eq!(get(server.address, "/api/v1/days").status, 404);
    shop.publish(1, &[daily_sales(), endpoint("days", "select order_date from daily_sales")]);
    await_version(&server, 2);
    assert_eq!(get(server.address, "/api/v1/days").status, 200);
    shop.publish(1, &[daily_sales()]);
    await_version(&server, 3);
    assert_eq!(get(server.address, "/api/v1/days").status, 404);
}

#[test]
fn a_version_with_a_broken_endpoint_does_not_replace_a_whole_one() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    shop.publish(2, &[daily_sales(), endpoint("broken", "select gone from daily_sales")]);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(get(server.address, "/readyz").json()["version"], 1);
    assert_eq!(get(server.address, "/api/v1/daily_sales").json()["meta"]["row_count"], 1);
    shop.publish(3, &[daily_sales()]);
    await_version(&server, 3);
}

/// Without this one's file: it is gone, as after a clean-up.
fn forget(shop: &Shop, version: u64) {
    let file = format!("versions/{version:020}.json");
    std::fs::remove_file(shop.warehouse.root().join(file)).unwrap();
}

#[test]
fn a_walk_goes_on_where_its_version_is_gone_but_not_its_rows() {
    let shop = Shop::new();
    shop.publish(5, &[daily_sales()]);
    let server = shop.serve();
    let first = get(server.address, "/api/v1/daily_sales?limit=2").json();
    let next = first["page"]["next"].as_str().unwrap().to_owned();
    shop.publish(5, &[daily_sales()]);
    server.await_version(2);
    forget(&shop, 1);
    let answer = get(server.address, &next);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["data"][0]["order_date"], "2024-01-03");
    shop.publish(6, &[daily_sales()]);
    server.await_version(3);
    assert_eq!(get(server.address, &next).status, 410);
}

#[test]
fn a_time_before_the_oldest_version_is_gone_if_there_were_older_ones() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = shop.serve();
    let before = "/api/v1/daily_sales?at=2001-01-01T00:00:00Z";
    assert_eq!(get(server.address, before).status, 404);
    shop.publish(2, &[daily_sales()]);
    forget(&shop, 1);
    assert_eq!(get(server.address, before).status, 410);
}

#[test]
fn a_request_under_way_is_answered_before_the_server_stops() {
    let shop = Shop::new();
    let sql = "select a.order_date, count(*) as n from daily_sales a, daily_sales b, daily_sales c \
        where a.net_revenue + b.net_revenue <> c.net_revenue * 3 group by 1";
    shop.publish(80, &[endpoint("slow", sql)]);
    let mut server = shop.serve();
    let address = server.address;
    let asker = std::thread::spawn(move || get(address, "/api/v1/slow?limit=1"));
    std::thread::sleep(Duration::from_millis(100));
    server.stop();
    assert_eq!(asker.join().unwrap().status, 200);
    assert!(std::net::TcpStream::connect(address).is_err());
}
