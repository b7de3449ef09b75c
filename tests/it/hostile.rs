//! Queries of clients that mean harm, put to a server with little memory: each is refused within its limits, the process
//! lives and stays small, and the next one is answered.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::support::{TestProject, command};

const PROJECT: &str = "\
//- /models/numbers.sql
select value as n, 'name ' || value as name from range(10000)
//- /endpoints/first.sql
select n, name from {{ ref('numbers') }} where n < $below
//- /endpoints/first.yml
endpoints:
  - name: first
    order_by: [n]
    parameters:
      - name: below
        type: integer
        required: true
";

/// What the program may have in memory at any moment: the limit of its queries, the program itself (a build for tests is
/// large), and what stands outside of the limit.
const MEBIBYTES_MAX: u64 = 600;
/// What a request may take, and what an answer may be late, on a machine with other things to do.
const SECONDS: u64 = 3;
const SECONDS_LATE: u64 = 12;

/// How a query ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The client is told what is wrong with it.
    Refused,
    /// It may be too much for the memory or the time, or be refused.
    TooMuch,
    /// It is answered, or too much.
    Bounded,
}

use End::{Bounded, Refused, TooMuch};

fn queries() -> Vec<(End, String)> {
    let fixed: &[(End, &str)] = &[
        (Refused, "select repeat('x', 2000000000) as a"),
        (Refused, "select length(repeat('x', 2000000000)) as a"),
        (Refused, "select repeat(name, 100000000) as a from numbers"),
        (Refused, "select length(repeat(repeat(repeat('x', 10000), 1000), 1000)) as a"),
        (Bounded, "select repeat('x', 100000) as a from numbers as a, numbers as b"),
        (Refused, "select range(1000000000000) as a"),
        (Refused, "select range(-9223372036854775807, 9223372036854775807) as a"),
        (Refused, "select generate_series(1, 1000000000000) as a"),
        (
            Refused,
            "select generate_series(timestamp '1700-01-01', timestamp '2200-12-31', interval '1 microsecond') as a",
        ),
        (Refused, "select unnest(range(1000000000000)) as a"),
        (Bounded, "select count(*) as n from generate_series(1, 1000000000000)"),
        (Refused, "select array_repeat(1, 10000000000) as a"),
        (Refused, "select array_repeat('xxxxxxxxxxxxxxx', 100000000) as a"),
        (Refused, "select array_resize([1], 10000000000, 0) as a"),
        (Refused, "select lpad('', 2000000000) as a"),
        (Refused, "select rpad('', 2000000000, 'ab') as a"),
        (Refused, "select replace(repeat('x', 100000), 'x', repeat('y', 100000)) as a"),
        (Refused, "select regexp_replace(repeat('x', 100000), 'x', repeat('y', 100000), 'g') as a"),
        (Refused, "select array_to_string(range(100000), repeat('x', 100000)) as a"),
        (Refused, "select levenshtein(repeat('a', 1000000), repeat('b', 1000000)) as a"),
        (Refused, "select strftime(date '2024-01-01', repeat('%c', 1000000)) as a"),
        (
            Refused,
            "with recursive t as (select 'x' as s union all select s || s from t) select max(length(s)) as n from t",
        ),
        (
            TooMuch,
            "with recursive t as (select 1 as n union all select n + 1 from t) select count(*) as n from t",
        ),
        (
            TooMuch,
            "with recursive t as (select 1 as n union all select t.n from t, (values (1), (2)) as v(x)) select count(*) as n from t",
        ),
        (TooMuch, "select * from numbers a, numbers b, numbers c order by a.n desc, b.n desc"),
        (
            TooMuch,
            "select a.n, b.n as x, c.n as y, count(*) as z from numbers a, numbers b, numbers c group by 1, 2, 3",
        ),
        (
            TooMuch,
            "select count(*) as n from numbers a, numbers b, numbers c where a.n + b.n + c.n < 0",
        ),
        (TooMuch, "select array_agg(a.n) as a from numbers a, numbers b, numbers c"),
        (TooMuch, "select string_agg(a.name || b.name, ',') as a from numbers a, numbers b"),
        (TooMuch, "select median(a.n) as m from numbers a, numbers b, numbers c"),
        (
            Bounded,
            "select count(*) as n from numbers where regexp_like(repeat(name, 30), '(a*)*(a*)*(a*)*b')",
        ),
        (Refused, "select regexp_like('a', '((((a{1000}){1000}){1000}){1000})') as a"),
        (Refused, "select * from read_csv('/etc/passwd')"),
        (Refused, "select * from read_text('/etc/passwd')"),
        (Refused, "select * from '/etc/passwd'"),
        (Refused, "copy (select 1) to '/tmp/clearwell-hostile'"),
        (Refused, "create table x as select 1"),
        (Refused, "create external table x stored as csv location '/etc/passwd'"),
        (Refused, "attach '/tmp/x' as y"),
        (Refused, "set x = 1"),
        (Refused, "explain select 1"),
        (Refused, "describe numbers"),
        (Refused, "show tables"),
        (Refused, "select 1 as a; select 2 as b"),
        (Refused, "select 1 as a into x"),
        (Refused, "select * from information_schema.tables"),
        (Refused, "select * from information_schema.df_settings"),
        (Refused, "select 1 // 0 as a"),
        (Refused, "select cast(name as integer) as a from numbers"),
    ];
    let doubling: String =
        (1..40).map(|n| format!(", a{n} as (select x.n from a{0} x, a{0} y)", n - 1)).collect();
    let nested = |open: &str, inner: &str, close: &str, times: usize| {
        format!("select {}{inner}{} as a", open.repeat(times), close.repeat(times))
    };
    let list = |items: usize| vec!["1"; items].join(",");
    let made = [
        (Refused, nested("(", "1", ")", 10_000)),
        (Refused, nested("(", "1", ")", 900)),
        (Refused, nested("case when true then ", "1", " end", 10_000)),
        (Refused, nested("- ", "1", "", 1_900)),
        (Refused, vec!["select 1 as a"; 10_000].join(" union all ")),
        (Refused, format!("select {} as a", vec!["1"; 950].join("+"))),
        (
            Refused,
            format!("{}select 1 as a{}", "select * from (".repeat(150), ") as q".repeat(150)),
        ),
        (Refused, format!("with a0 as (select n from numbers){doubling} select * from a39")),
        (Refused, format!("select count(*) as n from numbers where n in ({})", list(100_000))),
        (Bounded, format!("select count(*) as n from numbers where n in ({})", list(900))),
        (Bounded, format!("select '{}' as a from numbers order by n", "x".repeat(900_000))),
    ];
    let fixed = fixed.iter().map(|(end, sql)| (*end, (*sql).to_owned()));
    fixed.chain(made).collect()
}

/// A server that is killed when it is dropped.
struct Served {
    process: Child,
    address: String,
    token: String,
}

impl Served {
    fn of(project: &TestProject) -> Self {
        let token = project.run(["token", "--scope", "query"]).success().stdout.trim().to_owned();
        let mut process = command(project.path(), &["serve", "--bind", "127.0.0.1:0"])
            .env("CLEARWELL_MEMORY_LIMIT", "64MiB")
            .env("CLEARWELL_SERVER_QUERY", "true")
            .env("CLEARWELL_LIMITS_REQUEST_SECONDS", SECONDS.to_string())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut talk = BufReader::new(process.stderr.take().unwrap());
        let mut line = String::new();
        talk.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
        let address = address.unwrap_or_else(|| panic!("no address in `{line}`")).to_owned();
        // Read on, so that it never waits for its log to be taken.
        std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
        Self { process, address, token }
    }

    fn ask(&self, sql: &str) -> (u16, String, Json) {
        let body = serde_json::json!({ "sql": sql, "limit": 10 }).to_string();
        self.send("POST /api/v1/query", &body)
    }

    fn send(&self, line: &str, body: &str) -> (u16, String, Json) {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(SECONDS + SECONDS_LATE))).unwrap();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            self.token,
            body.len()
        );
        socket.write_all((head + body).as_bytes()).unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Json::Null))
    }

    /// Hundredths of a second of processor time that it has used; `None` where the system does not tell.
    fn ticks(&self) -> Option<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        let (_, rest) = stat.rsplit_once(')')?;
        let numbers = rest.split_whitespace().skip(11).take(2);
        Some(numbers.filter_map(|number| number.parse::<u64>().ok()).sum())
    }

    /// The most memory that the process had at once, in MiB; `None` where the system does not tell.
    fn mebibytes_at_most(&self) -> Option<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn hostile_queries_end_within_the_limits() {
    let project = TestProject::new(PROJECT);
    project.build().success();
    let served = Served::of(&project);
    let mut wrong = Vec::new();
    for (end, sql) in queries() {
        let shown: String = sql.chars().take(100).collect();
        let begun = Instant::now();
        let (status, head, body) = served.ask(&sql);
        let expected: &[u16] = match end {
            Refused => &[400],
            TooMuch => &[400, 503, 504],
            Bounded => &[200, 400, 503, 504],
        };
        if !expected.contains(&status) {
            wrong.push(format!("{status} is not {end:?}: {shown}\n  {body}"));
        }
        if status != 200 {
            let detail = body["detail"].as_str().unwrap_or_default();
            let internal =
                ["panick", "datafusion", "DataFusion", "src/", "/root", "overflow", "Exec"];
            let leaks = internal.iter().any(|word| detail.contains(word));
            if !head.contains("application/problem+json") || detail.is_empty() || leaks {
                wrong.push(format!("no good problem: {shown}\n  {body}"));
            }
        }
        if begun.elapsed() > Duration::from_secs(SECONDS + SECONDS_LATE) {
            wrong.push(format!("late by {:?}: {shown}", begun.elapsed()));
        }
        let next = served.ask("select 1 as a").0;
        if next != 200 {
            wrong.push(format!("the next query is answered {next}: {shown}"));
        }
    }
    let memory = served.mebibytes_at_most();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(memory.is_none_or(|mebibytes| mebibytes < MEBIBYTES_MAX), "{memory:?} MiB");
}

/// Joins that compare for minutes without a row to give. (A function that does is not one: its steps are bounded.)
const LONG: [&str; 3] = [
    "select count(*) as n from range(3000000) a, range(8192) b where a.value * b.value = 7",
    "select count(*) as n from (select value, 1 as k from range(200000)) a join (select value, 1 as k from range(100000)) b \
     on a.k = b.k and a.value * b.value = 7",
    "select count(*) as n from range(300000) a left join range(100000) b on a.value * b.value = -7",
];

#[test]
fn what_joins_for_long_neither_stops_the_others_nor_goes_on() {
    let project = TestProject::new(PROJECT);
    project.build().success();
    let served = &Served::of(&project);
    std::thread::scope(|scope| {
        let asked: Vec<_> = LONG.iter().map(|sql| scope.spawn(move || served.ask(sql).0)).collect();
        std::thread::sleep(Duration::from_millis(500));
        for below in 1..=5 {
            let begun = Instant::now();
            let answer = served.send(&format!("GET /api/v1/first?below={below}"), "");
            assert_eq!(answer.0, 200, "{answer:?}");
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        }
        // Queries of other clients have their turn too.
        assert_eq!(served.ask("select 2 as a").0, 200);
        for (asked, sql) in asked.into_iter().zip(LONG) {
            assert_eq!(asked.join().unwrap(), 504, "{sql}");
        }
    });
    // Nothing of them is left.
    let before = served.ticks();
    std::thread::sleep(Duration::from_secs(1));
    let (Some(before), Some(after)) = (before, served.ticks()) else { return };
    assert!(
        after - before < 30,
        "{} hundredths of a second of work after they ended",
        after - before
    );
}
