//! What goes wrong around the program: lost files, a full disk for its words, checks that cannot be run.

use std::path::{Path, PathBuf};

use crate::support::{TestProject, command};

const SHOP: &str = "\
//- /models/sources.yml
sources:
  - name: shop
    meta: {external_location: 'data/{name}.csv'}
    tables: [{name: orders, columns: [{name: id, data_type: integer}]}]
//- /models/totals.sql
{{ config(materialized='table') }}
select sum(id) as total from {{ source('shop', 'orders') }}
//- /data/orders.csv
id
1
2
x
";

fn data_files(project: &TestProject, table: &str) -> Vec<PathBuf> {
    let folder = project.path().join("warehouse/tables").join(table);
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect()
}

fn cut_short(path: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

#[test]
fn a_table_that_lost_its_file_is_named_and_the_next_build_makes_it_again() {
    for table in ["shop/orders", "quarantine/shop_orders", "main/totals"] {
        let project = TestProject::new(SHOP);
        project.build().success();
        for file in data_files(&project, table) {
            std::fs::remove_file(file).unwrap();
        }
        let sql = format!("select * from {}", table.replace('/', "."));
        project.run(["query", &sql]).failure(1).says("is missing; `clearwell build` makes");
        project.build().success().says("was made again").says("published version 2");
        project.run(["query", &sql]).success();
        project.build().success().says("nothing has changed: version 2 stands");
    }
}

#[test]
fn a_file_that_was_cut_short_is_made_again_also_when_only_its_model_is_built() {
    let project = TestProject::new(SHOP);
    project.build().success();
    data_files(&project, "main/totals").iter().for_each(|file| cut_short(file));
    project.run(["query", "select * from totals"]).failure(1).says("is damaged");
    project.run(["build", "-s", "source:shop.orders"]).success().says("`clearwell build` makes");
    project.run(["build", "-s", "totals"]).success().says("published version 2");
    assert_eq!(project.query("select * from totals"), "total\n3\n");
}

#[test]
fn the_time_that_versions_lists_finds_the_version() {
    let project = TestProject::new(SHOP);
    project.build().success();
    let listed = project.run(["versions", "--json"]).success().stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let published = listed[0]["published"].as_str().unwrap();
    project.run(["query", "select * from totals", "--at", published]).success();
}

#[test]
fn a_check_that_cannot_be_run_is_shown_at_its_place() {
    let project = TestProject::new(SHOP);
    project.write(
        "models/totals.yml",
        "models:\n  - name: totals\n    columns:\n      - name: totl\n        data_tests: [unique]\n",
    );
    project.write("tests/odd.sql", "select totall\nfrom {{ ref('totals') }}\n");
    let said = project.build().failure(1).stderr;
    let start = said.find("ERROR").unwrap();
    let end = said.find("\nloaded").unwrap();
    insta::assert_snapshot!(said[start..end], @"
    ERROR      check     odd
      error: unknown column `totall`
       --> tests/odd.sql:1:8
        |
      1 | select totall
        |        ^^^^^^
        |
        = help: did you mean `total`?
    ERROR      check     unique_totals_totl
      error: unknown column `totl`
       --> models/totals.yml:5:22
        |
      5 |         data_tests: [unique]
        |                      ^^^^^^
        |
        = help: did you mean `total`?
    ");
}

#[test]
fn tests_of_nothing_say_what_to_do_first() {
    TestProject::new(SHOP).run(["test"]).failure(1).says("`clearwell build` publishes the first");
}

#[test]
fn an_endpoint_that_does_not_fit_is_told_with_the_reason() {
    let project = TestProject::new(SHOP);
    project.write("endpoints/odd.sql", "select zebra from {{ ref('totals') }}\n");
    project.write("endpoints/odd.yml", "endpoints:\n  - {name: odd, order_by: [zebra]}\n");
    let ran = project.build().failure(1);
    ran.says("endpoint `odd`: unknown column `zebra`").says("endpoints/odd.sql:1:8");
}

#[test]
fn unit_tests_are_not_passed_over_in_silence() {
    let project = TestProject::new(SHOP);
    let unit_test = "unit_tests:\n  - {name: sums, model: totals, given: [], expect: {rows: []}}\n";
    project.write("models/unit.yml", unit_test);
    project.build().success().says("unit tests are not supported yet");
}

/// Whoever reads the program's words may be gone; the work goes on.
#[cfg(target_os = "linux")]
#[test]
fn nobody_to_tell_is_no_reason_to_stop() {
    let project = TestProject::new(SHOP);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = command(project.path(), &["build"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(project.version(), 1);
}

/// A pipe would keep the program waiting for somebody to write.
#[cfg(target_os = "linux")]
#[test]
fn a_device_is_no_file_to_load() {
    let project = TestProject::new(SHOP);
    std::fs::remove_file(project.path().join("data/orders.csv")).unwrap();
    std::os::unix::fs::symlink("/dev/null", project.path().join("data/orders.csv")).unwrap();
    project.build().failure(1).says("is a pipe or device");
}

#[test]
fn a_wrong_flag_is_wrong_usage() {
    let project = TestProject::new(SHOP);
    project.run(["build", "--memory-limit", "lots"]).failure(2).says("write a number and a unit");
    project.run(["build", "--threads", "0"]).failure(2).says("--threads");
    project.run(["serve", "--bind", "nonsense"]).failure(2).says("--bind");
}
