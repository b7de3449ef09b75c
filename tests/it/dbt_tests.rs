//! dbt's tests: generic ones of the project's own and of dbt_utils, their configuration, failures that are kept.

use crate::support::{Ran, TestProject};

const ORDERS: &str = "\
//- /seeds/orders.csv
id,customer,amount,status,day
1,10,5,placed,2024-01-01
2,10,-3,odd,2024-01-02
3,11,50,placed,2024-01-03
4,,7,,2024-01-05
//- /seeds/customers.csv
id,name
10,Ann
12,Bob
";

/// Status and failures of the test called so.
fn finding(ran: &Ran, name: &str) -> (String, u64) {
    let record: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = record["findings"].as_array().unwrap();
    let named = |finding: &&serde_json::Value| {
        finding["check"].as_str().unwrap().split('.').nth(2) == Some(name)
    };
    let found = findings.iter().find(named).unwrap_or_else(|| panic!("{name} in {findings:#?}"));
    (found["status"].as_str().unwrap().to_owned(), found["failures"].as_u64().unwrap())
}

fn project(tests: &str) -> TestProject {
    let project = TestProject::new(ORDERS);
    project.write("seeds/seeds.yml", format!("seeds:\n  - name: orders\n{tests}"));
    project
}

#[test]
fn a_generic_test_of_the_project_is_rendered_as_dbt_does() {
    let project = project(
        "    data_tests:
      - smaller_than: {name: all_small, than: \"{{ 4 * 10 }}\", config: {where: id < 4}}
      - known_customer: {name: known, arguments: {to: ref('customers')}}
    columns:
      - name: amount
        data_tests:
          - smaller_than: {name: small, than: 5, config: {severity: error}}
          - is_even
",
    );
    project.write(
        "macros/tests.sql",
        "{% macro bound(x) %}{{ x }}{% endmacro %}
{% test smaller_than(model, column_name='amount', than=1) %}
{{ config(severity='warn') }}
select {{ column_name }} from {{ model }} where not {{ column_name }} < {{ bound(than) }}
{% endtest %}
{% data_test known_customer(model, to) %}
select o.id from {{ model }} as o left join {{ to }} as c on o.customer = c.id where c.id is null;
{% enddata_test %}
",
    );
    project.write(
        "tests/generic/is_even.sql",
        "{%- test is_even(model, column_name) -%}
{{ config(severity = 'warn', fail_calc = 'max(remainder)', error_if = '> 1') }}
select *, abs({{ column_name }} % 2) as remainder from {{ model }} where {{ column_name }} % 2 <> 0
{%- endtest -%}
",
    );
    let ran = project.run(["build", "--json"]).failure(1);
    assert_eq!(finding(&ran, "all_small"), ("warn".to_owned(), 1));
    assert_eq!(finding(&ran, "known"), ("fail".to_owned(), 2));
    assert_eq!(finding(&ran, "small"), ("fail".to_owned(), 3));
    assert_eq!(finding(&ran, "is_even_orders_amount"), ("warn".to_owned(), 1));
}

#[test]
fn a_test_of_the_project_goes_before_dbts() {
    let project = project("    columns: [{name: status, data_tests: [not_null]}]\n");
    let sql = "{% test not_null(model, column_name) %}select 1 as x where 1 = 2{% endtest %}";
    project.write("macros/not_null.sql", sql);
    project.build().success().says("1 passed");
}

#[test]
fn dbt_utils_tests_are_there_without_the_package() {
    let project = project(
        "    data_tests:
      - dbt_utils.unique_combination_of_columns: {combination_of_columns: [customer, status]}
      - dbt_utils.expression_is_true: {name: positive, expression: amount > 0}
      - dbt_utils.equal_rowcount: {compare_model: ref('customers')}
      - dbt_utils.fewer_rows_than: {name: fewer, arguments: {compare_model: ref('customers')}}
      - dbt_utils.mutually_exclusive_ranges:
          {name: ranges, lower_bound_column: id, upper_bound_column: id + 1, gaps: not_allowed}
      - dbt_utils.recency: {name: recent, field: day, datepart: day, interval: 1}
      - dbt_utils.equality: {name: equal, compare_model: ref('orders')}
    columns:
      - name: amount
        data_tests:
          - dbt_utils.accepted_range: {min_value: 0, max_value: 50, inclusive: false}
          - dbt_utils.not_constant
          - dbt_utils.at_least_one
      - name: status
        data_tests:
          - dbt_utils.not_accepted_values: {values: [odd, gone]}
          - dbt_utils.not_null_proportion: {at_least: 0.8}
          - dbt_utils.not_empty_string
      - name: customer
        data_tests:
          - dbt_utils.relationships_where:
              {name: refers, to: ref('customers'), field: id, from_condition: id <> 4}
          - dbt_utils.cardinality_equality: {name: card, to: ref('customers'), field: id}
      - name: id
        data_tests:
          - dbt_utils.sequential_values
      - name: day
        data_tests:
          - dbt_utils.sequential_values: {name: days, interval: 1, datepart: day}
",
    );
    let ran = project.run(["build", "--json"]).failure(1);
    let failures = |name: &str| finding(&ran, name);
    let failed = |failures| ("fail".to_owned(), failures);
    let passed = ("pass".to_owned(), 0);
    let unique = "dbt_utils_unique_combination_of_columns_orders_customer__status";
    assert_eq!(failures(unique), passed);
    assert_eq!(failures("positive"), failed(1));
    assert_eq!(failures("dbt_utils_equal_rowcount_orders_ref_customers_"), failed(2));
    assert_eq!(failures("fewer"), failed(2));
    assert_eq!(failures("ranges"), passed);
    assert_eq!(failures("recent"), failed(1));
    assert_eq!(failures("equal"), passed);
    assert_eq!(failures("dbt_utils_accepted_range_orders_amount__False__50__0"), failed(2));
    assert_eq!(failures("dbt_utils_not_constant_orders_amount"), passed);
    assert_eq!(failures("dbt_utils_at_least_one_orders_amount"), passed);
    assert_eq!(failures("dbt_utils_not_accepted_values_orders_status__odd__gone"), failed(1));
    assert_eq!(failures("dbt_utils_not_null_proportion_orders_0_8__status"), failed(1));
    assert_eq!(failures("dbt_utils_not_empty_string_orders_status"), passed);
    assert_eq!(failures("refers"), failed(1));
    assert_eq!(failures("card"), failed(5));
    assert_eq!(failures("dbt_utils_sequential_values_orders_id"), passed);
    assert_eq!(failures("days"), failed(1));
}

#[test]
fn failures_are_kept_where_the_project_asks_for_it() {
    let project = project(
        "    columns:
      - name: status
        data_tests:
          - not_null: {config: {store_failures: true, severity: warn}}
      - name: amount
        data_tests:
          - dbt_utils.accepted_range:
              {name: positive, min_value: 0, config: {store_failures: true, where: id < 3}}
",
    );
    let ran = project.build().failure(1);
    let run = ran.stderr.split("--at run:").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let at = format!("run:{run}");
    let sql = "select id, amount from main_dbt_test__audit.positive";
    let rows = project.run(["query", sql, "--at", &at, "-f", "csv"]).success();
    assert_eq!(rows.stdout, "id,amount\n2,-3\n");

    project.write("seeds/orders.csv", "id,customer,amount,status,day\n1,,2,,2024-01-01\n");
    project.build().success().says("1 warned");
    let nulls = "select id, day from main_dbt_test__audit.not_null_orders_status";
    assert_eq!(project.query(nulls), "id,day\n1,2024-01-01\n");
    assert_eq!(project.query("select count(*) as n from positive"), "n\n0\n");
    project.build().success().says("nothing has changed");

    project.write("seeds/seeds.yml", "seeds: [{name: orders}]\n");
    project.build().success().says("published");
    project.run(["query", nulls]).failure(1).says("unknown table");
}

#[test]
fn a_mistake_in_a_generic_test_is_shown_where_it_stands() {
    let project =
        project("    columns: [{name: id, data_tests: [odd, {even: {wrong: 1}}, evn]}]\n");
    project.write(
        "macros/tests.sql",
        "{% test odd(model, column_name) %}select * from {{ model }} where {{ nothing() }}{% endtest %}
{% test even(model, column_name) %}select 1{% endtest %}",
    );
    project
        .build()
        .failure(1)
        .says("macros/tests.sql:1:")
        .says("the test is used at")
        .says("the test `even` takes no argument `wrong`")
        .says("unknown test `evn`")
        .says("did you mean `even`?");
}

/// The tests stand in the properties of a model that makes no table.
#[test]
fn an_ephemeral_model_is_tested_as_the_expression_it_is() {
    let project = TestProject::new(ORDERS);
    project.write(
        "models/base.sql",
        "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('orders') }}",
    );
    project.write(
        "models/kept.sql",
        "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('base') }} where id < 4 -- not all",
    );
    project.write(
        "models/models.yml",
        "models:
  - name: kept
    data_tests:
      - dbt_utils.accepted_range: {name: range, column_name: amount, min_value: 0}
      - with_rows: {name: own}
    columns:
      - name: customer
        data_tests:
          - unique
          - not_null
          - relationships: {name: known, to: ref('customers'), field: id, config: {where: status = 'placed'}}
      - name: status
        data_tests: [{accepted_values: {name: values, values: [placed]}}]
",
    );
    project.write("macros/t.sql", "{% test with_rows(model) %}with a as (select 1 from {{ model }}) select * from a{% endtest %}");
    project.write("tests/alone.sql", "select * from {{ ref('kept') }} where id = 1 -- at the end");
    let ran = project.run(["build", "--json"]).failure(1);
    let failed = |failures| ("fail".to_owned(), failures);
    assert_eq!(finding(&ran, "range"), failed(1));
    assert_eq!(finding(&ran, "own"), failed(3));
    assert_eq!(finding(&ran, "unique_kept_customer"), failed(1));
    assert_eq!(finding(&ran, "not_null_kept_customer"), ("pass".to_owned(), 0));
    assert_eq!(finding(&ran, "known"), failed(1));
    assert_eq!(finding(&ran, "values"), failed(1));
    assert_eq!(finding(&ran, "alone"), failed(1));
}

#[test]
fn configuration_means_what_it_means_to_dbt() {
    let project = project(
        "    columns:
      - name: id
        data_tests:
          - not_null: {name: none_missing, config: {warn_if: = 0, severity: \"{{ 'warn' if var('soft') else 'error' }}\"}}
          - not_null: {name: filtered, config: {where: \"id > {{ var('from') }}\", error_if: between 1 and 5}}
      - name: status
        data_tests:
          - accepted_values: {name: some, values: [gone], config: {error_if: '> 5', warn_if: '> 5'}}
          - accepted_values: {name: nulls, values: [placed, odd], config: {fail_calc: sum(n_records)}}
          - accepted_values: {name: limited, values: [gone], config: {limit: 1, store_failures: true, severity: warn}}
          - accepted_values: {name: doubled, values: [placed, o''dd], config: {where: id < 2}}
",
    );
    project.write("dbt_project.yml", "name: test\nversion: '1.0'\nvars: {soft: true, from: 2}\n");
    let ran = project.run(["build", "--json"]).failure(1);
    assert_eq!(finding(&ran, "none_missing"), ("warn".to_owned(), 0));
    assert_eq!(finding(&ran, "filtered"), ("pass".to_owned(), 0));
    assert_eq!(finding(&ran, "some"), ("pass".to_owned(), 0), "two values, fewer than are allowed");
    assert_eq!(finding(&ran, "nulls"), ("error".to_owned(), 0));
    assert_eq!(finding(&ran, "limited"), ("warn".to_owned(), 1));
    assert_eq!(finding(&ran, "doubled"), ("pass".to_owned(), 0));
    let run = serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap()["id"].to_string();
    let at = format!("run:{}", run.trim_matches('"'));
    let rows =
        project.run(["query", "select count(*) as n from limited", "--at", &at, "-f", "csv"]);
    assert_eq!(rows.success().stdout, "n\n1\n");
}

#[test]
fn a_test_that_no_data_can_break_is_pointed_out() {
    let project = TestProject::new(ORDERS);
    project.write(
        "models/by_status.sql",
        "select case when status = 'odd' then 'odd' else 'good' end as state, count(*) as orders, sum(amount) as amount
from {{ ref('orders') }} group by 1",
    );
    project.write(
        "models/by_status.yml",
        "models:
  - name: by_status
    data_tests:
      - dbt_utils.unique_combination_of_columns: {name: pair, combination_of_columns: [state, orders]}
    columns:
      - name: state
        data_tests:
          - unique: {name: key}
          - accepted_values: {name: values, values: [odd, good, other]}
          - accepted_values: {name: fewer, values: [odd], config: {severity: warn}}
      - {name: orders, data_tests: [not_null: {name: counted}, unique: {name: counts}]}
      - {name: amount, data_tests: [not_null: {name: summed}]}
",
    );
    let ran = project.build().success();
    let hints: Vec<&str> =
        ran.stderr.lines().filter_map(|line| line.strip_prefix("hint       check     ")).collect();
    let expected = [
        "counted: can never fail: `orders` is a count",
        "key: can never fail: `state` is what the model groups by",
        "pair: can never fail: `state` is what the model groups by",
        "values: can never fail: `state` is one of 'good', 'odd' by its `case`",
    ];
    let mut sorted = hints.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    let unchanged = project.build().success().says("nothing has changed");
    assert!(!unchanged.stderr.contains("can never fail"), "told once: {}", unchanged.stderr);
    project.write(
        "models/by_status.sql",
        "select case when status = 'odd' then status else 'good' end as state, count(*) as orders, sum(amount) as amount
from {{ ref('orders') }} group by 1",
    );
    let again = project.build().success();
    assert!(!again.stderr.contains("values: can never fail"), "{}", again.stderr);
    let quiet = project.run(["build", "-q", "--full-refresh"]).success();
    assert!(!quiet.stderr.contains("can never fail"), "{}", quiet.stderr);
}

#[test]
fn a_filter_that_cannot_run_is_an_error_and_an_empty_one_is_none() {
    let project = TestProject::new(
        "\
//- /models/m.sql
{{ config(materialized='table') }} select 1 as a
//- /models/m.yml
models:
  - name: m
    columns:
      - name: a
        data_tests:
          - not_null: {config: {where: ''}}
",
    );
    project.build().success().says("1 passed");
    let written = std::fs::read_to_string(project.path().join("models/m.yml")).unwrap();
    project.write("models/m.yml", written.replace("where: ''", "where: 'nope > 1'"));
    project.build().failure(1).says("unknown column `nope`");
}

/// Values as DuckDB compares them: decimals beside doubles are doubles, and NaN is the greatest number.
#[test]
fn doubles_are_compared_as_doubles_and_nan_is_the_greatest() {
    let project = TestProject::new(
        "\
//- /models/f.sql
{{ config(materialized='table') }}
select * from (values
    (1, 1.5::double), (2, 0.1::double + 0.2::double), (3, 1e300), (4, 'nan'::double), (5, '-inf'::double)
) as t (id, f)
",
    );
    project.build().success();
    for (condition, ids) in [
        ("f <> 0.3", "1 2 3 4 5"),
        ("f = 0.3", ""),
        ("f in (1.5, 0.3)", "1"),
        ("f not in (1.5, 0.3)", "2 3 4 5"),
        ("f between 0.3 and 1.5", "1 2"),
        ("f > 100", "3 4"),
        ("not (f <= 100)", "3 4"),
        ("f > 1e299", "3 4"),
        ("f = 'nan'::double", "4"),
        ("f < 0.5", "2 5"),
        ("f * 2.0 > 2.5", "1 3 4"),
        ("f >= 1.5", "1 3 4"),
    ] {
        let sql = format!("select string_agg(id, ' ' order by id) as ids from f where {condition}");
        let found = project.query(&sql);
        assert_eq!(found.lines().nth(1).unwrap_or_default(), ids, "{condition}");
    }
    assert_eq!(project.query("select id from f order by f desc limit 2"), "id\n4\n3\n");
    assert_eq!(
        project.query("select max(f) as f, 1e300 as g from f where id <> 4"),
        "f,g\n1e300,1e300\n"
    );
}
