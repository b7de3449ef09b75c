//! A project as a whole: what becomes of every kind of file.

use super::*;

const SHOP: &str = r#"
//- /dbt_project.yml
name: shop
version: "1.0"
profile: anything
model-paths: [models]
vars:
  first_year: 2024
models:
  +tags: [everything]
  shop:
    staging:
      +materialized: view
    marts:
      +materialized: table
      +schema: marts
seeds:
  shop:
    +delimiter: ";"
//- /models/sources.yml
version: 2
sources:
  - name: shop
    config:
      meta: {external_location: "data/{name}.csv"}
    tables:
      - name: customers
        columns:
          - {name: customer_id, data_type: bigint, constraints: [{type: primary_key}], data_tests: [unique]}
      - name: orders
        columns:
          - {name: order_id, data_type: bigint, constraints: [{type: primary_key}]}
          - name: customer_id
            data_type: bigint
            constraints: [{type: foreign_key, to: "source('shop', 'customers')", to_columns: [customer_id]}]
//- /models/staging/stg_orders.sql
select order_id, customer_id
from {{ source('shop', 'orders') }}
where year >= {{ var('first_year') }}
//- /models/marts/daily.sql
{{ config(alias='daily_sales', tags=['nightly'], meta={'owner': 'me'}) }}
select count(*) as orders from {{ ref('stg_orders') }} join {{ ref('codes') }} using (code)
//- /models/marts/schema.yml
models:
  - name: daily
    description: "{{ doc('daily') }}"
    config: {meta: {team: data}}
    columns:
      - name: orders
        description: how many
        data_tests:
          - not_null:
              config: {severity: warn, where: "orders > 0"}
          - accepted_values: {arguments: {values: [1, 2]}}
//- /models/docs.md
{% docs daily %}
One row a day.
{% enddocs %}
//- /seeds/codes.csv
code;name
//- /tests/no_orders.sql
select * from {{ ref('daily') }} where orders < 0
//- /endpoints/daily.sql
select * from {{ ref('daily') }} where orders >= $least
//- /endpoints/endpoints.yml
endpoints:
  - name: daily
    config: {tags: [public]}
    parameters:
      - {name: least, type: integer, default: 0, minimum: 0}
    order_by: [orders desc, day]
"#;

#[test]
fn every_file_becomes_a_node() {
    let project = project(SHOP);
    let ids: Vec<&str> = project.nodes.keys().map(|id| id.as_str()).collect();
    insta::assert_snapshot!(ids.join("\n"), @r#"
    endpoint.shop.daily
    model.shop.daily
    model.shop.stg_orders
    seed.shop.codes
    source.shop.shop.customers
    source.shop.shop.orders
    test.shop.accepted_values_daily_orders__1__2.6ff82b9002
    test.shop.no_orders
    test.shop.not_null_daily_orders.ef2a9c6ce6
    test.shop.source_unique_shop_customers_customer_id.0d46015294
    "#);
}

#[test]
fn names_become_tables() {
    let project = project(SHOP);
    assert_eq!(model(&project, "daily").table.to_string(), "main_marts.daily_sales");
    assert_eq!(model(&project, "stg_orders").table.to_string(), "main.stg_orders");
    insta::assert_snapshot!(sql(&project, "stg_orders"), @r#"
    select order_id, customer_id
    from "shop"."orders"
    where year >= 2024
    "#);
    assert_eq!(
        sql(&project, "daily").trim(),
        r#"select count(*) as orders from "main"."stg_orders" join "main"."codes" using (code)"#
    );
    let Node::Seed(seed) = node(&project, "seed.shop.codes") else { panic!() };
    assert_eq!((seed.table.to_string().as_str(), seed.delimiter.as_str()), ("main.codes", ";"));
}

#[test]
fn configuration_comes_in_layers() {
    let project = project(SHOP);
    let daily = model(&project, "daily");
    assert_eq!(daily.materialization, Materialization::Table);
    assert_eq!(daily.info.tags, ["everything", "nightly"]);
    assert_eq!(daily.info.config["meta"], serde_json::json!({"team": "data", "owner": "me"}));
    assert_eq!(daily.info.description, "One row a day.");
    assert_eq!(model(&project, "stg_orders").materialization, Materialization::View);
}

#[test]
fn tests_are_checks_with_their_configuration() {
    let project = project(SHOP);
    let checks: Vec<&Check> = project
        .nodes
        .values()
        .filter_map(|node| match node {
            Node::Check(check) if check.info.name.starts_with("not_null") => Some(check),
            _ => None,
        })
        .collect();
    let [check] = checks[..] else { panic!("{checks:?}") };
    assert!(matches!(&check.kind, CheckKind::NotNull { column } if column == "orders"));
    assert_eq!(check.config.severity, CheckSeverity::Warn);
    assert_eq!(check.config.filter.as_deref(), Some("orders > 0"));
    assert_eq!(check.target.as_ref().unwrap().as_str(), "model.shop.daily");
    let Node::Check(singular) = node(&project, "test.shop.no_orders") else { panic!() };
    assert_eq!(singular.target.as_ref().unwrap().as_str(), "model.shop.daily");
}

#[test]
fn endpoints_have_parameters_and_an_order() {
    let project = project(SHOP);
    let Node::Endpoint(endpoint) = node(&project, "endpoint.shop.daily") else { panic!() };
    assert_eq!(
        endpoint.sql.text,
        "select * from \"main_marts\".\"daily_sales\" where orders >= $least"
    );
    assert_eq!(endpoint.parameters[0].kind, ParameterKind::Integer);
    assert_eq!(endpoint.parameters[0].default.as_deref(), Some("0"));
    let order: Vec<_> =
        endpoint.order_by.iter().map(|key| (key.column.as_str(), key.descending)).collect();
    assert_eq!(order, [("orders", true), ("day", false)]);
    assert_eq!(endpoint.info.tags, ["public"]);
    assert_eq!(endpoint.page, PageSize { default: 100, max: 1000 });
}

#[test]
fn each_node_can_be_built_behind_what_it_needs() {
    let project = project(SHOP);
    assert!(has_order(&project));
    assert!(project.nodes.values().any(|node| !node.info().depends_on.is_empty()));
}

#[test]
fn loading_twice_gives_the_same() {
    let fixture = Fixture::new(SHOP);
    let once = format!("{:?}", fixture.load().unwrap().project);
    assert_eq!(once, format!("{:?}", fixture.load().unwrap().project));
}

#[test]
fn ephemeral_models_are_put_into_those_that_use_them() {
    let project = project(
        "//- /models/a.sql\n{{ config(materialized='ephemeral') }}select 1 as x;\n\
         //- /models/b.sql\n{{ config(materialized='ephemeral') }}select x from {{ ref('a') }}\n\
         //- /models/c.sql\nselect x from {{ ref('b') }} -- end\n\
         //- /models/d.sql\n-- first\nwith own as (select 1)\nselect nope from own, {{ ref('a') }}\n",
    );
    insta::assert_snapshot!(sql(&project, "c"), @r#"
    with __dbt__cte__a as (
    select 1 as x
    ),
    __dbt__cte__b as (
    select x from __dbt__cte__a
    )
    select x from __dbt__cte__b -- end
    "#);
    let d = model(&project, "d");
    insta::assert_snapshot!(d.sql.text, @r#"
    -- first
    with __dbt__cte__a as (
    select 1 as x
    ), own as (select 1)
    select nope from own, __dbt__cte__a
    "#);
    let at = d.sql.text.find("nope").unwrap();
    let place = d.sql.place(&(at..at + 4));
    assert_eq!((place.text(), place.line_column()), ("nope", (3, 8)));
    let inside = d.sql.text.find("1 as x").unwrap();
    assert_eq!(d.sql.place(&(inside..inside + 1)).text(), "a");
    assert_eq!(d.info.depends_on.len(), 1);
}

#[test]
fn a_schema_macro_of_the_project_decides() {
    let project = project(
        "//- /macros/names.sql\n{% macro generate_schema_name(custom_schema_name, node) %}\n\
           {% if node.resource_type == 'seed' %}raw{% elif custom_schema_name is none %}{{ target.schema }}\
           {% else %}{{ custom_schema_name | trim }}{% endif %}\n{% endmacro %}\n\
         //- /models/a.sql\n{{ config(schema='finance') }}select 1 as x\n\
         //- /models/b.sql\nselect 1 as x\n\
         //- /seeds/s.csv\nx\n\
         //- /models/sources.yml\nsources: [{name: lake, schema: raw, tables: [{name: s}]}]\n",
    );
    assert_eq!(model(&project, "a").table.to_string(), "finance.a");
    assert_eq!(model(&project, "b").table.to_string(), "main.b");
    // The source stands for the seed's table.
    let lake = source(&project, "lake.s");
    assert_eq!(lake.table.to_string(), "raw.s");
    assert!(lake.info.depends_on.iter().any(|id| id.as_str() == "seed.shop.s"));
}

/// A second or so when optimised; the bound is for a debug build on a busy machine, and still catches work that grows
/// with the square.
#[test]
fn many_models_load_quickly() {
    let mut files =
        "//- /macros/m.sql\n{% macro cents(x) %}({{ x }} / 100){% endmacro %}\n".to_owned();
    let mut described = "models:\n".to_owned();
    for number in 0..2_000 {
        let from = match number {
            0 => "(select 1 as x)".to_owned(),
            _ => format!("{{{{ ref('model_{}') }}}}", number / 2),
        };
        files += &format!(
            "//- /models/layer_{}/model_{number}.sql\n{{{{ config(tags=['t']) }}}}\n\
             select {{% for c in ['a', 'b'] %}}{{{{ cents(c) }}}} as {{{{ c }}}},{{% endfor %}} x\nfrom {from}\n",
            number % 10
        );
        described += &format!(
            "  - name: model_{number}\n    description: a model\n    columns:\n      - {{name: x, data_tests: [unique, not_null]}}\n"
        );
    }
    files += &format!("//- /models/all.yml\n{described}");
    let fixture = Fixture::new(&files);
    let began = std::time::Instant::now();
    let project = fixture.load().unwrap().project;
    let took = began.elapsed();
    assert_eq!(project.nodes.len(), 6_000);
    assert!(has_order(&project));
    assert!(took.as_secs() < 60, "{took:?}");
}

#[test]
fn what_is_switched_off_is_no_node() {
    let project = project(
        "//- /dbt_project.yml\nname: shop\nseeds: {shop: {off: {+enabled: false}}}\n\
         //- /seeds/off/s.csv\nx\n//- /seeds/on.csv\nx\n\
         //- /models/m.sql\n{{ config(enabled=var('on', false)) }}select * from {{ ref('s') }}\n\
         //- /models/s.yml\nmodels: [{name: m, columns: [{name: x, data_tests: [unique]}]}]\n\
         sources: [{name: lake, tables: [{name: a, config: {enabled: false}}]}]\n",
    );
    let ids: Vec<&str> = project.nodes.keys().map(|id| id.as_str()).collect();
    assert_eq!(ids, ["seed.shop.on"]);
}
