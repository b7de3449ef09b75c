//! Checks that change or warn, and where one reads of it.

use crate::support::TestProject;

const ORDERS: &str = "\
//- /seeds/orders.csv
id,status
1,placed
2,odd
//- /seeds/seeds.yml
seeds:
  - name: orders
    columns:
      - name: status
        data_tests:
          - accepted_values: {values: [placed], config: {severity: warn}}
//- /tests/few.sql
select * from {{ ref('orders') }} where id > 5
";

#[test]
fn a_warning_is_told_wherever_the_version_is_read() {
    let project = TestProject::new(ORDERS);
    project.build().success().says("1 warned").says("published version 1");
    project.run(["versions"]).success().says("1 warning");
    let listed = project.run(["versions", "--json"]).success().stdout;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&listed).unwrap()[0]["warned"], 1);
    let asked = project.run(["query", "select count(*) as n from orders", "-f", "csv"]).success();
    assert_eq!(asked.stdout, "n\n2\n");
    assert!(asked.stderr.contains("in version 1, 1 check warned"), "{}", asked.stderr);
}

#[test]
fn a_change_of_a_check_alone_is_a_version_with_the_same_tables() {
    let project = TestProject::new(ORDERS);
    project.build().success();
    project.write("tests/few.sql", "-- as before\nselect * from {{ ref('orders') }}\nwhere id > 5");
    project.build().success().says("nothing has changed: version 1 stands");
    project.write("tests/few.sql", "select * from {{ ref('orders') }} where id > 6");
    project.build().success().says("published version 2");
    project.build().success().says("nothing has changed: version 2 stands");
    std::fs::remove_file(project.path().join("tests/few.sql")).unwrap();
    project.build().success().says("published version 3");
    project.write("tests/all.sql", "select * from {{ ref('orders') }}");
    project.build().failure(1).says("nothing was published");
    assert_eq!(project.version(), 3);
}

/// A view `v` over a table `t`, and a test of it.
const VIEW: &str = "\
//- /models/t.sql
{{ config(materialized='table') }} select * from (values (1), (2)) as t (a)
//- /models/v.sql
select a from {{ ref('t') }}
//- /models/models.yml
models:
  - name: v
    columns: [{name: a, data_tests: [unique]}]
";
const DOUBLE: &str = "{{ config(materialized='table') }} select * from (values (2), (2)) as t (a)";

#[test]
fn a_table_that_changes_below_a_view_is_tested_again() {
    let project = TestProject::new(VIEW);
    project.build().success().says("1 passed");
    project.write("models/t.sql", DOUBLE);
    project.run(["run", "-s", "t"]).success();
    project.run(["test"]).failure(1).says("1 failed");
    project.run(["build", "-s", "unique_v_a"]).failure(1);
}

#[test]
fn a_version_is_tested_where_its_checks_ran_over_the_rows_that_it_has() {
    let tested = |project: &TestProject| {
        let listed = project.run(["versions", "--json"]).success().stdout;
        serde_json::from_str::<serde_json::Value>(&listed).unwrap()[0]["tested"].clone()
    };
    let project = TestProject::new(VIEW);
    project.write("models/other.sql", "select 1 as b");
    project.build().success();
    assert_eq!(tested(&project), true);
    // What is checked stands.
    project.write("models/other.sql", "select 2 as b");
    project.run(["build", "-s", "other"]).success().says("published version 2");
    assert_eq!(tested(&project), true);
    project.write("models/t.sql", DOUBLE);
    project.run(["build", "-s", "t"]).success().says("published version 3");
    assert_eq!(tested(&project), false);
    project.build().failure(1);
}

#[test]
fn a_check_over_a_view_that_asks_for_the_time_runs_each_time() {
    let project = TestProject::new(VIEW);
    project.write("models/v.sql", "select a, now() as at from {{ ref('t') }}");
    project.write("models/w.sql", "select at from {{ ref('v') }}");
    project.write(
        "tests/late.sql",
        "select * from {{ ref('w') }} where epoch_ms(at) > (select epoch_ms(min(until)) from {{ ref('limits') }})",
    );
    project.write(
        "models/limits.sql",
        "{{ config(materialized='table') }} select now() + interval '2 seconds' as until",
    );
    project.build().success().says("2 passed");
    std::thread::sleep(std::time::Duration::from_secs(3));
    project.run(["test"]).failure(1).says("1 failed");
}

#[test]
fn a_check_that_names_its_table_without_ref_runs_when_that_changes() {
    let project = TestProject::new(
        "\
//- /models/m.sql
{{ config(materialized='table') }} select 1 as x
//- /tests/two.sql
select * from main.m where x = 2
",
    );
    project.build().success();
    project.write("models/m.sql", "{{ config(materialized='table') }} select 2 as x");
    project.build().failure(1).says("1 failed");
}

#[test]
fn a_key_proves_nothing_of_rows_that_were_loaded_without_it() {
    let sources = |constraints: &str| {
        format!(
            "sources:\n  - name: s\n    meta: {{external_location: 'data/{{name}}.csv'}}\n    tables:\n      - name: t\n        \
             columns: [{{name: a, data_type: bigint, data_tests: [unique]{constraints}}}]\n"
        )
    };
    let project = TestProject::new("");
    project.write("data/t.csv", "a\n1\n1\n").write("models/s.yml", sources(""));
    project.run(["build", "--exclude", "test_type:generic"]).success();
    project.write("models/s.yml", sources(", constraints: [{type: unique}]"));
    project.run(["test"]).failure(1).says("1 failed");
    project.build().success().says("1 rejected");
}

#[test]
fn a_view_that_no_longer_fits_its_tables_is_not_published() {
    let project = TestProject::new(VIEW);
    project.build().success();
    project.write("models/t.sql", "{{ config(materialized='table') }} select 1 as b");
    let ran = project.run(["build", "-s", "t"]).failure(1);
    ran.says("the view `main.v`, which this run leaves as it is, no longer fits its tables");
    assert_eq!(project.version(), 1);
}

#[test]
fn what_failed_is_told_even_when_quiet() {
    let project = TestProject::new(VIEW);
    project.write("models/t.sql", DOUBLE);
    let ran = project.run(["build", "-q"]).failure(1).says("unique_v_a: 1 failure");
    assert!(ran.stdout.is_empty() && !ran.stderr.contains("built"), "{}", ran.stderr);
    project.write("models/t.sql", "select nothing");
    project.run(["build", "-q"]).failure(1).says("unknown column `nothing`");
    project.write("models/t.sql", "select 1 as a");
    let ran = project.run(["build", "-q"]).success();
    assert_eq!((ran.stdout, ran.stderr), (String::new(), String::new()));
}
