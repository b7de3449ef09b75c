//! `clearwell validate`: files against suites, without a project.

use serde_json::{Value, json};

use crate::support::TestProject;

/// A folder with a few rows, and suites about them.
fn folder() -> TestProject {
    let project =
        TestProject::new("//- /orders.csv\nid,Name,paid\n1,a,true\n2,,false\n3,NA,true\n");
    suite(&project, "fine.json", &[("id", "critical"), ("Name", "critical")]);
    suite(&project, "warned.json", &[("id", "critical"), ("gone", "warning")]);
    suite(&project, "failed.json", &[("gone", "critical")]);
    std::fs::remove_file(project.path().join("dbt_project.yml")).unwrap();
    project
}

/// A suite that expects columns.
fn suite(project: &TestProject, path: &str, columns: &[(&str, &str)]) {
    let expectation = |(column, severity): &(&str, &str)| json!({"type": "expect_column_to_exist", "kwargs": {"column": column}, "severity": severity});
    let expectations: Vec<Value> = columns.iter().map(expectation).collect();
    project.write(path, json!({"expectations": expectations}).to_string());
}

#[test]
fn the_exit_code_says_whether_all_that_is_critical_holds() {
    let folder = folder();
    folder.run(["validate", "orders.csv", "--suite", "fine.json"]).success().says("2 of 2");
    folder.run(["validate", "orders.csv", "--suite", "warned.json"]).success().says("1 warned");
    folder.run(["validate", "orders.csv", "--suite", "failed.json"]).failure(1).says("1 failed");
    folder.run(["validate", "orders.csv"]).failure(2);
    folder.run(["validate", "--suite", "fine.json"]).failure(2);
    let wrong = ["validate", "orders.csv", "--suite", "fine.json", "--result-format", "LOUD"];
    folder.run(wrong).failure(2);
    let wrong = ["validate", "orders.csv", "--suite", "fine.json", "--encoding", "ebcdic"];
    folder.run(wrong).failure(2).says("utf-16le");
    // Neither a project nor a warehouse is needed or made.
    assert!(!folder.path().join("warehouse").exists());
}

#[test]
fn what_cannot_be_looked_at_fails_whatever_its_severity() {
    let folder = folder();
    let unknown = json!({"expectations": [{"type": "expect_column_to_exit", "severity": "info",
        "kwargs": {"column": "id"}}]});
    folder.write("suite.json", unknown.to_string());
    let ran = folder.run(["validate", "orders.csv", "--suite", "suite.json"]).failure(1);
    ran.says("did you mean `expect_column_to_exist`?");
}

#[test]
fn json_is_one_document_a_file() {
    let folder = folder();
    let one = folder.run(["validate", "orders.csv", "--suite", "warned.json", "--json"]).success();
    let one: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(one["statistics"]["unsuccessful_expectations"], 1);
    assert_eq!((&one["success"], &one["suite_name"]), (&json!(false), &json!("warned")));
    assert_eq!(one["meta"]["file"], "orders.csv");
    folder.write("other.csv", "id\n1\n").write("ragged.csv", "id,b\n1\n2,3\n4,5,6\n");
    let files =
        ["validate", "orders.csv", "ragged.csv", "other.csv", "--suite", "warned.json", "--json"];
    let several = folder.run(files).failure(1).says("ragged.csv:2").says("ragged.csv:4");
    let several: Value = serde_json::from_str(&several.stdout).unwrap();
    let files: Vec<&Value> =
        several.as_array().unwrap().iter().map(|one| &one["meta"]["file"]).collect();
    assert_eq!(files, ["orders.csv", "other.csv"]);
}

#[test]
fn a_page_tells_what_was_found_in_each_file() {
    let folder = folder();
    let page = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    folder
        .run(["validate", "orders.csv", "--suite", "failed.json", "--html", "made/orders.html"])
        .failure(1)
        .says("made/orders.html");
    assert!(page("made/orders.html").contains("orders.csv does not meet its expectations"));
    folder.write("more.csv", "id,gone\n1,2\n");
    folder
        .run(["validate", "orders.csv", "more.csv", "--suite", "failed.json", "--html", "pages"])
        .failure(1);
    assert!(page("pages/1-orders.csv.html").contains("orders.csv does not meet"));
    assert!(page("pages/2-more.csv.html").contains("more.csv meets its expectations"));
    folder
        .run(["validate", "more.csv", "--suite", "failed.json", "--html", "pages"])
        .failure(1)
        .says("pages: cannot be written");
}

#[test]
fn a_suite_that_is_none_is_shown_with_its_place() {
    let folder = folder();
    folder.write("suite.json", "{\"expectations\": [\n  {\"type\": 3}\n]}");
    let ran = folder.run(["validate", "orders.csv", "--suite", "suite.json"]).failure(1);
    ran.says("suite.json:2:3").says("an expectation says its `type`");
    folder.write("suite.json", "{\"expectations\": [\n  {\"type\": \"a\",}\n]}");
    folder
        .run(["validate", "orders.csv", "--suite", "suite.json"])
        .failure(1)
        .says("suite.json:2:16");
    folder.run(["validate", "orders.csv", "--suite", "gone.json"]).failure(1).says("gone.json");
    folder.write("suite.json", "{\"expectations\": []}");
    let ran = folder.run(["validate", "orders.csv", "--suite", "suite.json"]).success();
    ran.says("expects nothing");
}

#[test]
fn parameters_are_given_as_yaml_or_json() {
    let folder = folder();
    let open = json!({"expectations": [{"type": "expect_column_to_exist",
        "kwargs": {"column": {"$PARAMETER": "name"}}}]});
    folder.write("suite.json", open.to_string());
    let run = |parameters: &str| {
        folder.run(["validate", "orders.csv", "--suite", "suite.json", "--parameters", parameters])
    };
    run("name: id").success();
    run("{\"name\": \"gone\"}").failure(1).says("1 failed");
    run("{}").failure(1).says("the suite parameter `name` has no value");
    run("[1]").failure(1).says("`--parameters` is a mapping");
}

#[test]
fn files_are_read_as_the_flags_say() {
    let folder = folder();
    folder.write("semicolon.csv", "id;Name\n1;a\n").write("bare.csv", "1\ta\n2\tb\n");
    let fine = ["validate", "semicolon.csv", "--suite", "fine.json", "--delimiter", ";"];
    folder.run(fine).success();
    suite(&folder, "bare.json", &[("column0", "critical"), ("column1", "critical")]);
    let bare =
        ["validate", "bare.csv", "--suite", "bare.json", "--no-header", "--delimiter", "\\t"];
    folder.run(bare).success();
    let latin = [&b"id,Name\n1,caf"[..], &[0xe9], b"\n"].concat();
    folder.write("latin.csv", latin);
    let read = ["validate", "latin.csv", "--suite", "fine.json"];
    folder.run(read).failure(1).says("latin.csv:2: no UTF-8 text").says("--encoding");
    let read = ["validate", "latin.csv", "--suite", "fine.json", "--encoding", "latin-1"];
    folder.run(read).success();
}

#[test]
fn parquet_is_read_in_place() {
    let folder = folder();
    folder
        .write("dbt_project.yml", "name: test\n")
        .write("models/orders.sql", "select 1 as id, 'x' as \"Name\"");
    folder.run(["run"]).success();
    let query =
        ["query", "select * from orders", "--format", "parquet", "--output", "orders.parquet"];
    folder.run(query).success();
    folder.run(["validate", "orders.parquet", "--suite", "fine.json"]).success().says("2 of 2");
    folder.write("broken.parquet", "no");
    let ran = folder.run(["validate", "broken.parquet", "--suite", "fine.json"]).failure(1);
    ran.says("broken.parquet: is no Parquet file");
}

/// The results of expectations, kind and arguments, over a file.
fn results(folder: &TestProject, file: &str, expectations: &[(&str, Value)]) -> Vec<Value> {
    let written = expectations.iter().map(|(kind, kwargs)| json!({"type": kind, "kwargs": kwargs}));
    let suite = json!({"expectations": written.collect::<Vec<_>>()});
    folder.write("asked.json", suite.to_string());
    let ran = folder.run(["validate", file, "--suite", "asked.json", "--json"]);
    let mut told: Value = serde_json::from_str(&ran.stdout).unwrap();
    serde_json::from_value(told["results"].take()).unwrap()
}

#[test]
fn arguments_and_columns_of_other_types_are_taken_as_in_great_expectations() {
    let folder = folder();
    folder.write("mixed.csv", "n,yes,word,day\n1,true,5,2024-01-01\n2,false,10am,\n2,false,x,\n");
    let pair = json!({"column_A": "n", "column_B": "yes"});
    let asked = [
        (
            "expect_column_values_to_be_between",
            json!({"column": "n", "min_value": "1", "max_value": true}),
        ),
        ("expect_column_value_lengths_to_be_between", json!({"column": "word", "max_value": "4"})),
        ("expect_column_to_exist", json!({"column": "day", "column_index": -1})),
        ("expect_column_pair_values_to_be_equal", pair),
        ("expect_multicolumn_sum_to_equal", json!({"column_list": ["n", "yes"], "sum_total": 2})),
        ("expect_column_values_to_be_dateutil_parseable", json!({"column": "word"})),
        ("expect_column_values_to_be_decreasing", json!({"column": "yes"})),
        ("expect_column_values_to_match_regex_list", json!({"column": "day", "regex_list": ["["]})),
    ];
    let results = results(&folder, "mixed.csv", &asked);
    let found: Vec<_> = results
        .iter()
        .map(|told| (told["success"] == true, told["result"]["unexpected_count"].as_u64()))
        .collect();
    let counts = [Some(2), Some(0), None, Some(2), Some(0), Some(1), Some(0), None];
    let met = [false, true, true, false, true, false, true, false];
    assert_eq!(found, met.into_iter().zip(counts).collect::<Vec<_>>());
    let message = &results[7]["exception_info"]["exception_message"];
    assert!(message.as_str().unwrap().starts_with("`[` is no regular expression"), "{message}");
}

#[test]
fn what_is_left_out_is_asked_for_by_name() {
    let folder = folder();
    let column = json!({"column": "id"});
    let kinds =
        ["values_to_be_in_set", "distinct_values_to_contain_set", "most_common_value_to_be_in_set"];
    for kind in kinds {
        let kind = format!("expect_column_{kind}");
        let told = &results(&folder, "orders.csv", &[(&kind, column.clone())])[0];
        let message = &told["exception_info"]["exception_message"];
        assert_eq!(message, &json!(format!("`{kind}` needs `value_set`")));
    }
}

#[test]
fn a_column_is_held_against_bins_of_its_own() {
    let folder = folder();
    folder.write("numbers.csv", "n\n1\n2\n3\n4\n10\n");
    let asked =
        [("expect_column_kl_divergence_to_be_less_than", json!({"column": "n", "threshold": 0.1}))];
    let told = &results(&folder, "numbers.csv", &asked)[0];
    assert_eq!(told["success"], true);
    let partition = &told["result"]["details"]["observed_partition"];
    // numpy.histogram_bin_edges([1, 2, 3, 4, 10], "auto")
    assert_eq!(partition["bins"], json!([1.0, 3.25, 5.5, 7.75, 10.0]));
    assert_eq!(partition["weights"], json!([0.6, 0.2, 0.0, 0.2]));
}

#[test]
fn a_missing_time_is_told_as_pandas_tells_it() {
    let folder = folder();
    folder.write("dbt_project.yml", "name: test\n").write(
        "models/times.sql",
        "select 1 as id, timestamp '2024-01-01 10:00:00' as at union all select 1, null",
    );
    folder.run(["run"]).success();
    let query = [
        "query",
        "select * from times order by at",
        "--format",
        "parquet",
        "--output",
        "times.parquet",
    ];
    folder.run(query).success();
    let pair = json!({"column_A": "id", "column_B": "at"});
    let asked = [
        ("expect_column_values_to_not_be_null", json!({"column": "at"})),
        ("expect_column_pair_values_to_be_equal", pair),
    ];
    let results = results(&folder, "times.parquet", &asked);
    let list = |index: usize| &results[index]["result"]["partial_unexpected_list"];
    assert_eq!(list(0), &json!(["NaT"]));
    assert_eq!(list(1), &json!([[1, "2024-01-01T10:00:00.000000"], [1, "NaT"]]));
}

#[test]
fn a_parameter_may_be_reckoned_from_others() {
    let folder = folder();
    let reckoned = json!({"expectations": [{"type": "expect_table_row_count_to_equal",
        "kwargs": {"value": {"$PARAMETER": "trunc(rows / 2) - 1"}}}]});
    folder.write("suite.json", reckoned.to_string());
    let run = |parameters: &str| {
        folder.run(["validate", "orders.csv", "--suite", "suite.json", "--parameters", parameters])
    };
    run("rows: 8").success();
    run("rows: 9.9").success();
    run("rows: 12").failure(1).says("1 failed");
    run("other: 1").failure(1).says("the suite parameter `trunc(rows / 2) - 1` has no value");
}

#[test]
fn blanks_around_a_name_count_for_a_suite_that_writes_them() {
    let folder = folder();
    folder.write("blanks.csv", "id , Name\n1,a\n");
    suite(&folder, "written.json", &[("id ", "critical"), (" Name", "critical")]);
    for suite in ["fine.json", "written.json"] {
        folder.run(["validate", "blanks.csv", "--suite", suite]).success().says("2 of 2");
    }
}
