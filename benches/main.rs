//! The program's main work, timed as its users start it: `cargo bench`.
//!
//! `CLEARWELL_BENCH_ORDERS` sets the size (100,000 orders without).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that fails should say where"
)]

use std::path::Path;
use std::process::ExitCode;

use criterion::{Criterion, criterion_group, criterion_main};

fn clearwell(folder: &Path, arguments: &[&str]) {
    let project = folder.join("sql");
    let mut all = vec!["clearwell", "-q", "--project-dir", project.to_str().unwrap()];
    all.extend(arguments);
    assert_eq!(clearwell::run(all.iter().copied()), ExitCode::SUCCESS, "{arguments:?}");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench has no configuration of its own")]
fn the_main_job(criterion: &mut Criterion) {
    let orders = std::env::var("CLEARWELL_BENCH_ORDERS").unwrap_or_else(|_| "100000".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("sql"), &here.join("sql"));
    std::fs::write(here.join("clearwell.toml"), "").unwrap();
    let data = here.join("data");
    let generate = ["generate", "--orders", &orders, "--bad-rate", "0.01", "--out"];
    let generate = [generate.as_slice(), &[data.to_str().unwrap()]].concat();
    let mut group = criterion.benchmark_group(format!("{orders} orders"));
    group.sample_size(10);
    group.bench_function("generate", |b| b.iter(|| clearwell(here, &generate)));
    clearwell(here, &["build"]);
    let mut time = |name: &str, arguments: &[&str]| {
        group.bench_function(name, |b| b.iter(|| clearwell(here, arguments)));
    };
    time("ingest", &["build", "--full-refresh", "-s", "source:shop"]);
    for mart in ["daily_sales", "customer_lifetime_value", "product_metrics"] {
        time(mart, &["run", "--full-refresh", "-s", mart]);
    }
    time("build, everything", &["build", "--full-refresh"]);
    time("build, nothing changed", &["build"]);
    let answer = here.join("answer.csv");
    let sql = "select country, sum(lifetime_value) as revenue from customer_lifetime_value \
               group by country order by country";
    let query = ["query", sql, "-f", "csv", "-o", answer.to_str().unwrap()];
    group.bench_function("query", |b| b.iter(|| clearwell(here, &query)));
    group.finish();
}

criterion_group!(benches, the_main_job);
criterion_main!(benches);
