//! The quality report as a user meets it.

use crate::support::{Ran, TestProject};

const PROJECT: &str = "//- /models/sources.yml
sources:
  - name: shop
    meta: {external_location: 'data/{name}.csv'}
    tables:
      - name: orders
        columns:
          - {name: id, data_type: bigint, constraints: [{type: primary_key}]}
          - {name: amount, data_type: 'decimal(9,2)'}
models:
  - name: big
    columns:
      - name: amount
        data_tests: [{accepted_values: {values: ['12.50', '7.00'], quote: true, config: {severity: warn}}}]
//- /models/big.sql
{{ config(materialized='table') }} select * from {{ source('shop', 'orders') }} where amount > 5
//- /data/orders.csv
id,amount
1,12.50
2,3.00
3,many
4,99.00
";

fn read(project: &TestProject, name: &str) -> String {
    let path = project.path().join("warehouse/reports").join(name);
    std::fs::read_to_string(path).unwrap()
}

fn json(project: &TestProject) -> serde_json::Value {
    serde_json::from_str(&read(project, "latest.json")).unwrap()
}

fn build(project: &TestProject) -> Ran {
    project.build()
}

#[test]
fn every_build_leaves_its_report() {
    let project = TestProject::new(PROJECT);
    build(&project).success().says("latest.html");
    let report = json(&project);
    assert_eq!(report["verdict"]["headline"], "Version 1 published");
    assert_eq!(report["verdict"]["summary"], "1 reject, 0 checks passed, 1 warned");
    let orders = report["tables"].as_array().unwrap().iter().find(|t| t["name"] == "shop.orders");
    let orders = orders.unwrap();
    let reject = &orders["input"]["reasons"][0];
    assert_eq!(reject["reason"], "type:amount");
    assert_eq!(
        (&reject["samples"][0]["line"], &reject["samples"][0]["raw"]),
        (&4.into(), &"3,many".into())
    );
    let amount = &orders["columns"][1]["profile"];
    assert_eq!((&amount["min"], &amount["max"]), (&"3.00".into(), &"99.00".into()));
    assert_eq!(amount["distinct"], serde_json::json!({"count": 3, "exact": true}));
    assert!(read(&project, "latest.xml").contains("<testsuites"));
    let page = read(&project, "latest.html");
    assert!(page.contains("Version 1 published") && page.contains("type:amount"));
}

#[test]
fn a_build_without_a_change_leaves_it_as_it_is() {
    let project = TestProject::new(PROJECT);
    build(&project).success();
    let before = read(&project, "latest.html");
    build(&project).success().says("nothing has changed").says("latest.html");
    assert_eq!(read(&project, "latest.html"), before);
}

#[test]
fn a_failed_run_is_told_and_told_no_more_once_it_is_mended() {
    let project = TestProject::new(PROJECT);
    build(&project).success();
    project.write("tests/none_is_large.sql", "select * from {{ ref('big') }} where amount > 50");
    build(&project).failure(1).says("latest.html");
    let report = json(&project);
    assert_eq!(report["verdict"]["headline"], "Nothing published: version 1 stands");
    let run = report["run"]["id"].as_str().unwrap().to_owned();
    assert!(read(&project, "latest.xml").contains("<failure"));
    std::fs::remove_file(project.path().join("tests/none_is_large.sql")).unwrap();
    build(&project).success();
    assert_eq!(json(&project)["verdict"]["standing"], "warned");
    let at = format!("run:{run}");
    project.run(["report", "--at", &at, "--output", "failed.html"]).success();
    let page = std::fs::read_to_string(project.path().join("failed.html")).unwrap();
    assert!(page.contains("Nothing published") && page.contains("none_is_large"));
}

#[test]
fn a_report_is_made_again_of_any_version() {
    let project = TestProject::new(PROJECT);
    build(&project).success();
    project.write("data/orders.csv", "id,amount\n1,12.50\n");
    build(&project).success();
    project.run(["report", "--at", "1", "--output", "one.json"]).success();
    let text = std::fs::read_to_string(project.path().join("one.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["verdict"]["version"], 1);
    assert_eq!(report["history"].as_array().unwrap().len(), 1);
    assert_eq!(json(&project)["history"].as_array().unwrap().len(), 2);
    project.run(["report", "--output", "x.pdf"]).failure(1).says(".html, .json or .xml");
}

#[test]
fn a_report_that_cannot_be_written_fails_no_build() {
    let project = TestProject::new(PROJECT);
    project.write("warehouse/reports", "a file where the folder should be");
    build(&project)
        .success()
        .says("the quality report was not written")
        .says("published version 1");
}

#[test]
fn what_the_contract_makes_unique_is_counted_without_grouping() {
    let project = TestProject::new(PROJECT);
    let unique = |column: &str| {
        serde_json::json!({"type": "expect_column_values_to_be_unique", "severity": "warning",
            "kwargs": {"column": column}})
    };
    let suite =
        serde_json::json!({"name": "orders", "expectations": [unique("id"), unique("amount")]});
    project.write("expectations/shop/orders.json", suite.to_string());
    project.write("data/orders.csv", "id,amount\n1,12.50\n2,3.00\n1,4.00\n4,3.00\n");
    build(&project).success();
    let report = json(&project);
    let told = |column: &str| {
        let checks = report["checks"].as_array().unwrap();
        let is_told = |check: &&serde_json::Value| {
            check["table"] == "shop.orders" && check["column"] == column
        };
        let check = checks.iter().find(is_told).unwrap();
        (
            check["status"].clone(),
            check["rows"].clone(),
            check["failures"].clone(),
            check["apart"].is_null(),
        )
    };
    // The row that broke the key is in quarantine.
    assert_eq!(told("id"), ("pass".into(), 3.into(), 0.into(), true));
    assert_eq!(told("amount"), ("warn".into(), 3.into(), 2.into(), false));
}
