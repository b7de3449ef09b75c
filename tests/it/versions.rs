//! Versions: listing them, reading older ones, two runs at once.

use crate::support::{TestProject, command};

const COUNTER: &str = "\
//- /models/sources.yml
sources:
  - name: raw
    meta: {external_location: '{name}.csv'}
    tables:
      - name: numbers
        columns: [{name: n, data_type: bigint}]
//- /models/total.sql
{{ config(materialized='table') }}
select sum(n) as total from {{ source('raw', 'numbers') }}
//- /numbers.csv
n
1
";

#[test]
fn older_versions_stay_readable() {
    let project = TestProject::new(COUNTER);
    project.build().success();
    project.write("numbers.csv", "n\n1\n2\n");
    project.build().success().says("published version 2");
    for (at, total) in [("1", "1"), ("2", "3")] {
        let ran = project.run(["query", "select total from total", "--at", at, "-f", "csv"]);
        assert_eq!(ran.success().stdout, format!("total\n{total}\n"), "at {at}");
    }
    project.run(["query", "select 1", "--at", "9"]).failure(1).says("9");
}

#[test]
fn versions_are_listed_newest_first() {
    let project = TestProject::new(COUNTER);
    assert_eq!(project.version(), 0);
    project.build().success();
    project.write("numbers.csv", "n\n5\n");
    project.build().success();
    assert_eq!(project.version(), 2);
}

#[test]
fn every_format_holds_the_same_rows() {
    let project = TestProject::new(COUNTER);
    project.build().success();
    let answer = |format: &str| {
        let arguments = ["query", "select n, null as nothing from raw.numbers", "-f", format];
        project.run(arguments).success().stdout
    };
    assert_eq!(answer("csv"), "n,nothing\n1,\n");
    assert_eq!(answer("ndjson"), "{\"n\":1,\"nothing\":null}\n");
    let json: serde_json::Value = serde_json::from_str(&answer("json")).unwrap();
    assert_eq!(json, serde_json::json!([{"n": 1, "nothing": null}]));
    assert!(answer("table").contains("nothing"));
    assert!(answer("arrow").contains("ARROW1") || !answer("arrow").is_empty());
    assert!(answer("parquet").starts_with("PAR1"));
}

/// One of the two publishes first; the other carries its table over, since it read nothing that changed.
#[test]
fn two_runs_at_once_both_land_where_they_touch_different_tables() {
    let project = TestProject::new(
        "//- /models/sources.yml\nsources:\n  - name: raw\n    meta: {external_location: '{name}.csv'}\n    tables:\n      \
         - {name: a, columns: [{name: n, data_type: bigint}]}\n      \
         - {name: b, columns: [{name: n, data_type: bigint}]}\n//- /a.csv\nn\n0\n//- /b.csv\nn\n0\n",
    );
    project.build().success();
    for round in 1..=5 {
        for table in ["a", "b"] {
            project.write(&format!("{table}.csv"), format!("n\n{round}\n"));
        }
        let build = |table: &str| {
            let select = format!("source:raw.{table}");
            command(project.path(), &["-q", "build", "-s", &select]).spawn().unwrap()
        };
        let runs = [build("a"), build("b")];
        for mut run in runs {
            assert_eq!(run.wait().unwrap().code(), Some(0), "round {round}");
        }
        assert_eq!(project.version(), 1 + 2 * round);
        let both = "select a.n as a, b.n as b from raw.a cross join raw.b";
        assert_eq!(project.query(both), format!("a,b\n{round},{round}\n"));
    }
}

#[test]
fn two_runs_of_the_same_tables_never_leave_half_of_one() {
    let project = TestProject::new(COUNTER);
    project.build().success();
    for round in 2..=6 {
        project.write("numbers.csv", format!("n\n{round}\n"));
        let build = || command(project.path(), &["-q", "build"]).spawn().unwrap();
        let runs = [build(), build()];
        let codes = runs.map(|mut run| run.wait().unwrap().code());
        assert!(codes.contains(&Some(0)), "{codes:?}");
        assert!(codes.iter().all(|code| matches!(code, Some(0 | 1))), "{codes:?}");
        let both = "select total, n from total cross join raw.numbers";
        assert_eq!(project.query(both), format!("total,n\n{round},{round}\n"));
    }
}
