//! `clearwell build`: what it loads, rejects, builds, tests and publishes.

use crate::support::TestProject;

const ORDERS: &str = "\
//- /models/sources.yml
sources:
  - name: shop
    meta: {external_location: 'data/{name}.csv'}
    tables:
      - name: orders
        columns:
          - {name: OrderID, data_type: bigint, constraints: [{type: primary_key}]}
          - {name: quantity, data_type: integer, constraints: [{type: check, expression: 'quantity between 1 and 20'}]}
//- /models/totals.sql
{{ config(materialized='table') }}
select count(*) as orders, sum(quantity) as units from {{ source('shop', 'orders') }}
//- /models/doubled.sql
select OrderID, quantity * 2 as twice from {{ source('shop', 'orders') }}
//- /data/orders.csv
OrderID,quantity
1,3
2,4
2,5
3,99
4,x
";

#[test]
fn rows_that_break_the_contract_go_to_quarantine_with_their_evidence() {
    let project = TestProject::new(ORDERS);
    project.build().success().says("published version 1");
    assert_eq!(project.query("select * from totals"), "orders,units\n2,7\n");
    let rejects = project.query(
        "select line, raw::text as raw, array_to_string(reasons, ';') as reasons \
         from quarantine.shop_orders order by line",
    );
    assert_eq!(
        rejects,
        "line,raw,reasons\n4,\"2,5\",primary_key:OrderID\n5,\"3,99\",check:quantity\n\
         6,\"4,x\",type:quantity\n"
    );
}

#[test]
fn names_are_found_in_any_case_and_keep_theirs() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    for written in ["orderid", "OrderID", "\"OrderID\"", "ORDERID"] {
        let sql = format!("select {written} from shop.orders order by 1");
        assert_eq!(project.query(&sql), "OrderID\n1\n2\n", "{written}");
    }
    assert_eq!(project.query("select * from doubled order by 1"), "OrderID,twice\n1,6\n2,8\n");
}

#[test]
fn the_same_files_again_change_nothing() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    project.build().success().says("nothing has changed: version 1 stands");
    assert_eq!(project.version(), 1);
}

#[test]
fn reformatted_sql_and_comments_build_nothing() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    project.write(
        "models/totals.sql",
        "{{ config(materialized='table') }}\n-- how much was sold\nSELECT\n  count(*) AS orders,\n  \
         sum(quantity) AS units\nFROM {{ source('shop', 'orders') }}\n",
    );
    project.build().success().says("nothing has changed");
    project.write(
        "models/totals.sql",
        "{{ config(materialized='table') }}\nselect count(*) as orders, sum(quantity) + 1 as units \
         from {{ source('shop', 'orders') }}\n",
    );
    project.build().success().says("published version 2");
    assert_eq!(project.query("select units from totals"), "units\n8\n");
}

#[test]
fn what_is_written_about_a_table_is_published_without_building_it() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    let manifest = |table: &str| {
        let versions = std::fs::read_dir(project.path().join("warehouse/versions")).unwrap();
        let newest = versions.map(|file| file.unwrap().path()).max().unwrap();
        let json = |file: &std::path::Path| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
        };
        let hash = json(&newest)["tables"][table].as_str().unwrap().to_owned();
        json(&project.path().join(format!("warehouse/manifests/{hash}.json")))
    };
    let before = [manifest("main.totals"), manifest("main.doubled")];
    // There and back again: what was once known of a text does not bring back what was then said.
    for (version, words) in ["All of it", "Everything", "All of it"].iter().enumerate() {
        project.write(
            "models/models.yml",
            format!(
                "models:\n  - {{name: totals, description: {words}, columns: [{{name: units, description: Pieces}}]}}\n  \
                 - {{name: doubled, description: {words}}}\n"
            ),
        );
        project.build().success().says(&format!("published version {}", version + 2));
        let [totals, doubled] = [manifest("main.totals"), manifest("main.doubled")];
        assert_eq!(
            (&totals["description"], &doubled["description"]),
            (&(*words).into(), &(*words).into())
        );
        assert_eq!(totals["columns"][1]["description"], "Pieces");
        for (now, then) in [&totals, &doubled].into_iter().zip(&before) {
            assert_eq!(
                (&now["content"], &now["content_hash"]),
                (&then["content"], &then["content_hash"])
            );
        }
    }
    project.build().success().says("nothing has changed");
}

#[test]
fn a_failed_check_publishes_nothing_and_keeps_the_evidence() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    project.write("tests/few_units.sql", "select * from {{ ref('totals') }} where units > 7");
    project.write("data/orders.csv", "OrderID,quantity\n1,9\n");
    let ran =
        project.build().failure(1).says("FAIL").says("few_units").says("nothing was published");
    assert_eq!(project.query("select units from totals"), "units\n7\n");
    let run = ran.stderr.split("run:").nth(1).unwrap().split_whitespace().next().unwrap();
    let at = format!("run:{run}");
    let seen = project.run(["query", "select units from totals", "--at", &at, "--format", "csv"]);
    assert_eq!(seen.success().stdout, "units\n9\n");
}

#[test]
fn failing_rows_are_shown_in_an_order_that_the_rows_alone_decide() {
    let project = TestProject::new(ORDERS);
    project.write(
        "tests/none.sql",
        "{{ config(severity='warn') }} select OrderID, quantity from {{ source('shop', 'orders') }}",
    );
    project.write("data/orders.csv", "OrderID,quantity\n7,1\n3,9\n6,1\n5,1\n4,1\n8,1\n2,1\n");
    let ran = project.build().success().says("none: 7 failures");
    let shown: Vec<_> = ran.stderr.lines().filter(|line| line.starts_with("  ")).collect();
    assert_eq!(
        shown,
        ["  OrderID | quantity", "  2 | 1", "  3 | 9", "  4 | 1", "  5 | 1", "  6 | 1"]
    );
}

#[test]
fn a_removed_model_leaves_the_next_version() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    std::fs::remove_file(project.path().join("models/doubled.sql")).unwrap();
    project.build().success().says("published version 2");
    project.run(["query", "select * from doubled"]).failure(1).says("doubled");
    let before =
        project.run(["query", "select count(*) as n from doubled", "--at", "1", "-f", "csv"]);
    assert_eq!(before.success().stdout, "n\n2\n");
}

#[test]
fn selecting_leaves_the_other_tables_as_they_are() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    project.write("data/orders.csv", "OrderID,quantity\n1,9\n");
    project.run(["build", "-s", "source:shop"]).success().says("published version 2");
    assert_eq!(project.query("select count(*) as n from shop.orders"), "n\n1\n");
    assert_eq!(project.query("select orders from totals"), "orders\n2\n");
}

#[test]
fn a_sql_error_points_into_the_template() {
    let project = TestProject::new(ORDERS);
    project.write(
        "models/totals.sql",
        "{{ config(materialized='table') }}\n{% set limit = 3 %}\nselect quantitty from {{ source('shop', 'orders') }}",
    );
    project.build().failure(1).says("models/totals.sql:3:8").says("quantity");
}

#[test]
fn a_missing_file_is_told_where_it_is_asked_for() {
    let project = TestProject::new(ORDERS);
    std::fs::remove_file(project.path().join("data/orders.csv")).unwrap();
    project
        .build()
        .failure(1)
        .says("no file matches `data/orders.csv`")
        .says("models/sources.yml:")
        .says("`external_location` is relative to the folder of clearwell.toml");
}

#[test]
fn help_tells_of_every_setting() {
    let help = TestProject::new("").run(["--help"]).success();
    help.says("memory_limit (CLEARWELL_MEMORY_LIMIT)")
        .says("server.bind (CLEARWELL_SERVER_BIND)")
        .says("the address on which `serve` answers [default: 127.0.0.1:5000]");
}

#[test]
fn all_problems_of_a_project_are_told_at_once() {
    let project = TestProject::new(
        "//- /models/a.sql\nselect * from {{ ref('bb') }}\n//- /models/b.sql\nselect * from {{ reff('a') }}\n",
    );
    project
        .build()
        .failure(1)
        .says("models/a.sql:1")
        .says("did you mean `b`?")
        .says("models/b.sql:1")
        .says("2 problems");
}

#[test]
fn a_full_refresh_reads_every_file_again_and_changes_nothing() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    project.run(["build", "--full-refresh"]).success().says("nothing has changed");
    assert_eq!(project.query("select * from totals"), "orders,units\n2,7\n");
}

#[test]
fn an_enforced_contract_says_how_wide_whole_numbers_are() {
    let project = TestProject::new(
        "\
//- /models/m.sql
{{ config(materialized='table', contract={'enforced': true}) }}
select 1 as a, 300 as b
",
    );
    let declare = |b: &str| {
        format!(
            "models:\n  - name: m\n    columns: [{{name: a, data_type: int}}, {{name: b, data_type: {b}}}]\n"
        )
    };
    project.write("models/m.yml", declare("bigint"));
    project.build().success();
    let types = || {
        let report = std::fs::read(project.path().join("warehouse/reports/latest.json")).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
        let columns = report["tables"][0]["columns"].as_array().unwrap().iter();
        columns.map(|column| column["data_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(types(), ["integer", "bigint"]);
    project.write("models/m.yml", declare("smallint"));
    project.build().success();
    assert_eq!(types(), ["integer", "smallint"]);
    project.write("models/m.yml", declare("tinyint"));
    project.build().failure(1).says("model `m`").says("300");
    project.write("models/m.yml", declare("text"));
    project.build().failure(1).says("column `b` is bigint, declared text");
}
