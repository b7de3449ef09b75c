//! `clearwell init`: new projects, the bundled one and those made of files.

use serde_json::Value;

use crate::support::{TestProject, run_in};

/// A folder without a project, with two files that refer to one another.
fn files() -> TestProject {
    let project = TestProject::new(
        "//- /in/customers.csv
id;Name;country;since
1;Ann;DE;31/01/2020
2;Bob;FR;01/02/2020
3;Cid;DE;NA
4;Dan;FR;28/02/2021
5;Eve;DE;30/03/2021
6;Fay;FR;12/12/2021
7;Gil;DE;02/01/2022
8;Hal;FR;05/05/2022
9;Ida;DE;06/06/2022
10;Jon;FR;07/07/2022
//- /in/Order Lines.csv
OrderID,Line,customer_id,Unit Price,ordered,note
1,1,1,9.50,2024-01-01,
1,2,1,0.99,2024-01-01,007
2,1,10,12.00,2024-02-29,x
",
    );
    std::fs::remove_file(project.path().join("dbt_project.yml")).unwrap();
    project
}

fn read(project: &TestProject, path: &str) -> String {
    std::fs::read_to_string(project.path().join(path)).unwrap()
}

const FROM: [&str; 6] =
    ["init", "--out", "shop", "--from", "in/customers.csv", "in/Order Lines.csv"];

#[test]
fn the_bundled_project_is_made_and_builds() {
    let project = files();
    project.run(["init", "new"]).success().says("cd new && clearwell build");
    let built =
        project.run(["build", "--project-dir", "new/sql", "--exclude", "test_type:expectation"]);
    built.success().says("published version 1");
    let again = project.run(["init", "new"]).failure(1);
    again.says("is there already, and is not overwritten");
}

#[test]
fn a_project_of_files_loads_all_their_rows() {
    let project = files();
    project
        .run(FROM)
        .success()
        .says("customers: 10 rows of 4 columns, key id")
        .says("customer_id -> customers.id");
    insta::assert_snapshot!(read(&project, "shop/models/sources.yml"), @r#"
    version: 2

    # Made by `clearwell init` from all rows of the files: every rule below holds for them. Keep what is meant; loosen or take
    # out what is chance. Rows that break a rule go to quarantine with their file and line; `max_rejects` says how many may.
    sources:
      - name: raw
        tables:
          - name: customers
            meta:
              external_location: "../in/customers.csv"
              delimiter: ";"
            columns:
              - name: id
                data_type: bigint
                constraints:
                  - {type: primary_key}
              - name: Name
                data_type: text
                constraints:
                  - {type: not_null}
                data_tests:
                  - unique:
                      config: {severity: warn}
              - name: country
                data_type: text
                constraints:
                  - {type: not_null}
                data_tests:
                  - accepted_values:
                      arguments: {values: ["DE", "FR"]}
              - name: since
                data_type: date
                meta: {format: "%d/%m/%Y", null_values: ["NA"]}

          - name: order_lines
            meta:
              external_location: "../in/Order Lines.csv"
            columns:
              - name: OrderID
                data_type: bigint
              - name: Line
                data_type: bigint
              - name: customer_id
                data_type: bigint
                constraints:
                  - {type: not_null}
                  - {type: foreign_key, to: "source('raw', 'customers')", to_columns: [id]}
              - name: "Unit Price"
                data_type: decimal(18,2)
                constraints:
                  - {type: not_null}
                  - {type: check, expression: "\"Unit Price\" >= 0"}
              - name: ordered
                data_type: date
                constraints:
                  - {type: not_null}
              - name: note
                data_type: text
            constraints:
              - {type: primary_key, columns: [OrderID, Line]}
    "#);
    insta::assert_snapshot!(read(&project, "shop/models/staging/stg_order_lines.sql"), @r#"
    select
        OrderID as order_id,
        Line as line,
        customer_id,
        "Unit Price" as unit_price,
        ordered,
        note
    from {{ source('raw', 'order_lines') }}
    "#);
    let built =
        project.run(["build", "--project-dir", "shop", "--exclude", "test_type:expectation"]);
    built.success().says("13 accepted, 0 rejected");
    let query = [
        "query",
        "select sum(unit_price) as total, max(ordered) as last from stg_order_lines",
        "--project-dir",
        "shop",
        "--format",
        "csv",
    ];
    assert_eq!(project.run(query).success().stdout, "total,last\n22.49,2024-02-29\n");
}

#[test]
fn a_suite_is_made_for_each_file() {
    let project = files();
    project.run(FROM).success();
    let suite: Value =
        serde_json::from_str(&read(&project, "shop/expectations/customers.json")).unwrap();
    assert_eq!(suite["meta"]["table"], "raw.customers");
    let listed: Vec<String> = suite["expectations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["type"].as_str().unwrap(), one["kwargs"]))
        .collect();
    insta::assert_snapshot!(listed.join("\n"), @r#"
    expect_table_row_count_to_be_between {"min_value":5,"max_value":20}
    expect_table_columns_to_match_set {"column_set":["id","Name","country","since"],"exact_match":true}
    expect_column_values_to_not_be_null {"column":"id"}
    expect_column_values_to_be_unique {"column":"id"}
    expect_column_values_to_not_be_null {"column":"Name"}
    expect_column_values_to_be_unique {"column":"Name"}
    expect_column_value_lengths_to_be_between {"column":"Name","min_value":3,"max_value":3}
    expect_column_values_to_not_be_null {"column":"country"}
    expect_column_values_to_be_in_set {"column":"country","value_set":["DE","FR"]}
    expect_column_values_to_not_be_null {"column":"since","mostly":0.9}
    expect_column_values_to_match_strftime_format {"column":"since","strftime_format":"%d/%m/%Y"}
    "#);
}

#[test]
fn nothing_is_overwritten() {
    let project = files();
    project.write("shop/models/sources.yml", "mine");
    project.run(FROM).failure(1).says("models/sources.yml: is there already");
    assert_eq!(read(&project, "shop/models/sources.yml"), "mine");
    assert!(!project.path().join("shop/dbt_project.yml").exists());
}

#[test]
fn what_no_contract_can_hold_is_told() {
    let project = files();
    project.write("in/ragged.csv", "a,b\n1,2\n3\n");
    let ragged = project.run(["init", "--out", "new", "--from", "in/ragged.csv"]).failure(1);
    ragged.says("in/ragged.csv:3: 1 cell instead of 2");
    project.write("in/twice.csv", "a,b,A\n1,2,3\n");
    let twice = project.run(["init", "--out", "new", "--from", "in/twice.csv"]).failure(1);
    twice.says("more than one column called `a` and `A`").says("--no-header");
    project.run(["init", "--out", "new", "--from", "in/gone.csv"]).failure(1).says("no such file");
    project.run(["init", "--out", "new", "--from", "in/x.parquet"]).failure(1).says("CSV");
    project.write("other/customers.csv", "a\n1\n");
    let same = ["init", "--out", "new", "--from", "in/customers.csv", "other/customers.csv"];
    project.run(same).failure(1).says("two of the files would be called `customers`");
    assert!(!project.path().join("new/dbt_project.yml").exists());
}

#[test]
fn the_printed_command_validates_the_files_that_were_read() {
    let project = files();
    let rows: Vec<String> = (1..=20).map(|n| format!("{n}; x{n};{}", n % 3)).collect();
    project.write("in/odd.csv", format!("id ; name; x\n{}\n", rows.join("\n")));
    project.write("in/bare.csv", "1|a~2|b~3|c~");
    for (file, flags) in [
        ("in/odd.csv", &[][..]),
        ("in/customers.csv", &[]),
        ("in/bare.csv", &["--no-header", "--record-terminator", "~"]),
    ] {
        let out = file.replace("in/", "made_").replace(".csv", "");
        let made =
            run_in(project.path(), &[&["init", "--out", &out, "--from", file], flags].concat());
        let said = made.success().stderr.clone();
        let command = said.split("clearwell validate ").nth(1).unwrap().trim();
        let words: Vec<&str> = command.split_whitespace().collect();
        let words = words.iter().map(|word| word.trim_matches('\''));
        let words: Vec<&str> = std::iter::once("validate").chain(words).collect();
        let validated = run_in(project.path(), &words);
        assert!(!validated.success().stdout.contains("warned"), "{file}");
    }
}

#[test]
fn an_empty_file_is_told_as_such() {
    let project = files();
    project.write("in/empty.csv", "").write("suite.json", "{\"expectations\": []}");
    let init = project.run(["init", "--out", "new", "--from", "in/empty.csv"]).failure(1);
    init.says("in/empty.csv: the file is empty");
    let validate = project.run(["validate", "in/empty.csv", "--suite", "suite.json"]).failure(1);
    validate.says("in/empty.csv: the file is empty");
}

#[test]
fn nulls_days_few_values_and_all_that_is_unique_are_written_down() {
    let project = files();
    let row = |n: i32| {
        let note = if n == 7 { String::new() } else { format!("some{n}") };
        format!(
            "{},u{n:03},{},{},{note},2024-01-{n:02}T10:00:00,2024-02-{n:02}\n",
            n % 4,
            n % 2,
            n > 30
        )
    };
    let rows: String = (1..=25).map(row).collect();
    project.write("in/facts.csv", format!("level,email,bit,late,note,seen,day\n{rows}"));
    project.run(["init", "--out", "made", "--from", "in/facts.csv"]).success().says("key email");
    let suite: Value =
        serde_json::from_str(&read(&project, "made/expectations/facts.json")).unwrap();
    let listed = suite["expectations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} {}", one["type"].as_str().unwrap(), one["kwargs"]));
    let listed: Vec<String> = listed.collect();
    for expected in [
        r#"expect_column_values_to_be_in_set {"column":"level","value_set":[0,1,2,3]}"#,
        r#"expect_column_values_to_be_in_set {"column":"late","value_set":[false]}"#,
        r#"expect_column_values_to_be_unique {"column":"email"}"#,
        r#"expect_column_values_to_be_unique {"column":"note"}"#,
        r#"expect_column_values_to_not_be_null {"column":"note","mostly":0.96}"#,
        r#"expect_column_values_to_be_between {"column":"seen","max_value":"2024-01-26","min_value":"2024-01-01"}"#,
        r#"expect_column_values_to_be_between {"column":"day","max_value":"2024-02-25","min_value":"2024-02-01"}"#,
    ] {
        let same = |one: &&String| {
            let (kind, kwargs) = one.split_once(' ').unwrap();
            let (kind_expected, kwargs_expected) = expected.split_once(' ').unwrap();
            let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            kind == kind_expected && json(kwargs) == json(kwargs_expected)
        };
        assert!(listed.iter().find(same).is_some(), "{expected} is not in\n{}", listed.join("\n"));
    }
    assert!(read(&project, "made/models/sources.yml").contains("unique:"));
    let file = ["validate", "in/facts.csv", "--suite", "made/expectations/facts.json"];
    assert!(!project.run(file).success().stdout.contains("warned"));
    project.run(["build", "--project-dir", "made"]).success().says("0 warned, 0 failed");
}
