//! Suites of expectations below the project's folder.

use super::*;

const TABLES: &str = "
//- /models/stg_orders.sql
select 1 as id
//- /models/inlined.sql
{{ config(materialized='ephemeral') }}select 1 as id
//- /models/s.yml
sources: [{name: shop, schema: raw, tables: [{name: orders}, {name: customers}]}]
";

fn with(suites: &str) -> String {
    format!("{TABLES}{suites}")
}

fn suite(rest: &str) -> String {
    format!(
        "{{{rest}\"expectations\": [{{\"type\": \"expect_column_to_exist\", \"kwargs\": {{\"column\": \"id\"}}}}]}}\n"
    )
}

fn checks(project: &Project) -> Vec<(String, String)> {
    let checks = project.nodes.values().filter_map(|node| match node {
        Node::Check(check) => {
            Some((check.info.id.to_string(), check.target.as_ref().unwrap().to_string()))
        }
        _ => None,
    });
    checks.collect()
}

/// The table that a suite in the file `path` is about.
fn table_of(path: &str, meta: &str) -> String {
    let project = project(&with(&format!("//- /{path}\n{}", suite(meta))));
    checks(&project).pop().unwrap().1
}

#[test]
fn a_suite_is_about_the_table_of_its_meta_or_its_path() {
    let orders = "source.shop.shop.orders";
    assert_eq!(table_of("expectations/stg_orders.json", ""), "model.shop.stg_orders");
    assert_eq!(table_of("expectations/orders.json", ""), orders);
    assert_eq!(table_of("expectations/orders/warning.json", ""), orders);
    assert_eq!(table_of("expectations/orders.warning.json", ""), orders);
    assert_eq!(table_of("expectations/shop/orders.json", ""), orders);
    assert_eq!(table_of("expectations/raw/orders.json", ""), orders);
    assert_eq!(table_of("expectations/marts/daily/stg_orders.json", ""), "model.shop.stg_orders");
    for table in ["orders", "shop.orders", "raw.orders", "RAW.Orders"] {
        let meta = format!("\"meta\": {{\"table\": \"{table}\"}}, ");
        assert_eq!(table_of("expectations/x.json", &meta), orders, "{table}");
    }
}

#[test]
fn each_expectation_is_a_check_that_selectors_find() {
    let text = r#"//- /expectations/orders.json
{"name": "my orders", "meta": {"tags": ["raw"]}, "suite_parameters": {"n": 3}, "expectations": [
  {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}},
  {"type": "expect_column_to_exist", "kwargs": {"column": "Order ID"}, "severity": "warning", "meta": {"tags": "slow"}},
  {"type": "expect_column_to_exist", "kwargs": {"column": "x"}, "meta": {"only": "file"}}]}
"#;
    let project = project(&with(text));
    let ids: Vec<String> = checks(&project).into_iter().map(|(id, _)| id).collect();
    assert_eq!(
        ids,
        [
            "test.shop.my_orders.1_expect_table_row_count_to_be_between",
            "test.shop.my_orders.2_expect_column_to_exist_Order_ID"
        ]
    );
    let Node::Check(check) = node(&project, &ids[1]) else { panic!() };
    assert_eq!(check.config.severity, CheckSeverity::Warn);
    assert_eq!(check.column.as_deref(), Some("Order ID"));
    let CheckKind::Expectation { suite, parameters, .. } = &check.kind else { panic!() };
    assert_eq!((suite.as_str(), &parameters["n"]), ("my orders", &serde_json::json!(3)));
    let chosen = |selector: &str| select(&project, &[selector.to_owned()], &[]).unwrap().len();
    assert_eq!(chosen("test_type:expectation"), 2);
    assert_eq!(chosen("test_name:expect_column_to_exist"), 1);
    assert_eq!(chosen("tag:raw"), 2);
    assert_eq!(chosen("tag:slow"), 1);
    assert_eq!(chosen("test_type:generic"), 0);
    assert_eq!(chosen("path:expectations"), 2);
    // With the source itself.
    assert_eq!(chosen("source:shop.orders"), 3);
}

#[test]
fn the_folder_can_be_another() {
    let text = with(&format!("//- /quality/orders.json\n{}", suite("")));
    let text = format!("{text}//- /dbt_project.yml\nname: shop\nexpectation-paths: [quality]\n");
    assert_eq!(checks(&project(&text)).len(), 1);
}

#[test]
fn what_is_wrong_is_shown_at_its_place() {
    let shown = |file: &str| problems(&with(file));
    insta::assert_snapshot!(shown("//- /expectations/orders.json\n{\"expectations\": [\n  {\"type\": \"a\",}\n]}\n"), @r#"
    error: this is not JSON: trailing comma
     --> sql/expectations/orders.json:2:16
      |
    2 |   {"type": "a",}
      |                ^
    "#);
    insta::assert_snapshot!(shown("//- /expectations/orders.json\n{\"expectations\": [\n  {\"kwargs\": {}}\n]}\n"), @r#"
    error: an expectation says its `type`: `expect_column_values_to_…`
     --> sql/expectations/orders.json:2:3
      |
    2 |   {"kwargs": {}}
      |   ^^^^^^^^^^^^^^
    "#);
    insta::assert_snapshot!(shown("//- /expectations/orders.json\n{\"expectations\": [\n  {\"type\": \"a\", \"severity\": \"high\"}\n]}\n"), @r#"
    error: `severity` is `critical`, `warning` or `info`, not "high"
     --> sql/expectations/orders.json:2:29
      |
    2 |   {"type": "a", "severity": "high"}
      |                             ^^^^^^
    "#);
    insta::assert_snapshot!(shown(&format!("//- /expectations/a.json\n{}", suite("\"meta\": {\"table\": \"stg_order\"}, "))), @r#"
    error: this suite is about the table `stg_order`, which is not there
     --> sql/expectations/a.json:1:20
      |
    1 | {"meta": {"table": "stg_order"}, "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "id"}}]}
      |                    ^^^^^^^^^^^
      |
      = help: did you mean `stg_orders`?
      = help: `"meta": {"table": …}` of a suite names a model, `source.table` or `schema.table`
    "#);
    insta::assert_snapshot!(shown(&format!("//- /expectations/ordrs.json\n{}", suite("\"name\": \"x\", "))), @r#"
    error: this suite is about the table `ordrs`, which is not there
     --> sql/expectations/ordrs.json:1:10
      |
    1 | {"name": "x", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "id"}}]}
      |          ^^^
      |
      = help: did you mean `orders`?
      = help: `"meta": {"table": …}` of a suite names a model, `source.table` or `schema.table`
    "#);
    insta::assert_snapshot!(shown(&format!("//- /expectations/inlined.json\n{}", suite(""))), @r#"
    error: `inlined` is ephemeral: it makes no table to look at
     --> sql/expectations/inlined.json:1:1
      |
    1 | {"expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "id"}}]}
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: `"meta": {"table": …}` of a suite names a model, `source.table` or `schema.table`
    "#);
}

#[test]
fn names_of_suites_differ() {
    let named = suite("\"name\": \"a\", ");
    let text = with(&format!(
        "//- /expectations/orders.json\n{named}//- /expectations/customers.json\n{named}"
    ));
    insta::assert_snapshot!(problems(&text), @r#"
    error: there are two suites called `a`
     --> sql/expectations/orders.json:1:10
      |
    1 | {"name": "a", "expectations": [{"type": "expect_column_to_exist", "kwargs": {"column": "id"}}]}
      |          ^^^
    "#);
}
