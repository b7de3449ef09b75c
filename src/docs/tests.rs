//! The report of a hand-made run, in its three forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use chrono::{DateTime, Utc};
use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::json;

use super::quality::QualityReport;
use super::*;
use crate::base::size::ByteSize;
use crate::base::{NodeId, RunId, TableName, Version};
use crate::engine::{Engine, EngineLimits};
use crate::record::{
    CheckStatus, CodeFingerprint, Finding, InputCount, NodeResult, NodeStatus, RunOutcome,
    RunRecord, Sample,
};
use crate::warehouse::{
    Manifest, State, TableColumn, TableContent, Warehouse, WriteOptions, content_hash,
};

const HOSTILE: &str = "<script>alert(1)</script>\" onload='x' &amp; \u{202e}לא";

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn finding(name: &str, status: CheckStatus, failures: u64) -> Finding {
    let sample = Sample {
        columns: vec!["name".to_owned(), "n".to_owned()],
        rows: vec![vec![Some(HOSTILE.to_owned()), None]],
    };
    Finding {
        check: NodeId::new("test", "shop", &format!("{name}.0123456789")),
        kind: name.to_owned(),
        description: String::new(),
        table: Some("main.people".to_owned()),
        column: Some("name".to_owned()),
        status,
        failures,
        rows: Some(4),
        message: None,
        seconds: 0.25,
        apart: None,
        sample: (failures > 0).then_some(sample),
        stored: None,
        result: None,
        hollow: None,
    }
}

fn record(id: &str, started: &str, outcome: RunOutcome) -> RunRecord {
    RunRecord {
        format: 1,
        id: id.parse().unwrap(),
        command: "build".to_owned(),
        program: "0.0.0".to_owned(),
        started: time(started),
        finished: time(started) + chrono::Duration::milliseconds(1500),
        parent: Some(Version(41)),
        outcome,
        inputs: vec![InputCount {
            table: "main.people".to_owned(),
            quarantine: "quarantine.people".to_owned(),
            files: 1,
            bytes: 100,
            rows_read: 6,
            rows_accepted: 4,
            rows_rejected: 2,
            reasons: BTreeMap::from([("type:n".to_owned(), 2)]),
            loaded: true,
        }],
        nodes: vec![NodeResult {
            node: NodeId::new("seed", "shop", "people"),
            status: NodeStatus::Built,
            rows: Some(4),
            seconds: 0.1,
            message: None,
        }],
        findings: vec![
            finding("unique", CheckStatus::Pass, 0),
            finding("not_null", CheckStatus::Warn, 1),
        ],
        warnings: vec!["people.csv: column `x` is in no contract".to_owned()],
    }
}

/// A warehouse with one table and the runs of which the last is reported.
struct Told {
    _folder: tempfile::TempDir,
    warehouse: Warehouse,
    engine: Engine,
    state: State,
}

impl Told {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::open(folder.path()).unwrap();
        let limits = EngineLimits {
            memory: ByteSize(256 << 20),
            threads: 1,
            spill: folder.path().join("spill"),
            for_clients: false,
        };
        let engine = Engine::new(&limits).unwrap();
        let names: ArrayRef =
            Arc::new(StringArray::from(vec![Some("a"), Some(HOSTILE), Some("a"), None]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let rows = RecordBatch::try_from_iter([("name", names), ("n", numbers)]).unwrap();
        let table = TableName::new("main", "people").unwrap();
        let draft = warehouse.draft(None, RunId::new(time("2026-01-02T03:04:05Z")));
        let options = WriteOptions::default();
        let mut writer = draft.writer(&table, rows.schema(), options).unwrap();
        writer.write(rows.clone()).await.unwrap();
        let files = writer.finish().await.unwrap();
        let columns = TableColumn::of(&rows.schema());
        let hash = content_hash(&columns, &files);
        let manifest = Manifest {
            format: 1,
            table: table.clone(),
            description: String::new(),
            columns,
            content: TableContent::Files { files },
            content_hash: hash,
            rows: Some(4),
            code: CodeFingerprint::default(),
            inputs: BTreeMap::new(),
            load: None,
        };
        let tables = Arc::new(BTreeMap::from([(table, Arc::new(manifest))]));
        Self { _folder: folder, warehouse, engine, state: State { version: None, tables } }
    }

    async fn report(&self, record: &RunRecord) -> QualityReport {
        let source = ReportSource {
            warehouse: &self.warehouse,
            engine: &self.engine,
            record,
            state: &self.state,
        };
        assemble(&source).await.unwrap()
    }
}

fn published() -> RunRecord {
    let outcome = RunOutcome::Published { version: Version(42) };
    record("20260102T030405Z-00000002", "2026-01-02T03:04:05Z", outcome)
}

#[tokio::test]
async fn a_run_is_told_with_its_tables_checks_and_the_runs_before() {
    let told = Told::new().await;
    let failed = RunOutcome::Failed { reason: "1 of 2 checks failed".to_owned() };
    let mut before = record("20260101T000000Z-00000001", "2026-01-01T00:00:00Z", failed);
    before.findings[1].status = CheckStatus::Fail;
    told.warehouse.write_run(&before, None).unwrap();
    let report = told.report(&published()).await;
    let mut json: serde_json::Value = serde_json::from_str(&json(&report).unwrap()).unwrap();
    // Which compression Parquet has is not what this is about.
    json["tables"][0]["bytes"] = 0.into();
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).unwrap());
}

#[tokio::test]
async fn nothing_in_the_data_becomes_html() {
    let told = Told::new().await;
    let mut run = published();
    run.findings[1].message = Some(HOSTILE.to_owned());
    run.warnings.push(HOSTILE.to_owned());
    let page = html(&told.report(&run).await).unwrap();
    assert!(page.contains("Version 42 published"));
    assert!(page.contains("2 rejects, 1 check passed, 1 warned"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
    for tag in ["<script", "<img", "<link rel=\"stylesheet", "http://", "https://", " onload='"] {
        assert!(!page.contains(tag), "{tag}");
    }
}

#[tokio::test]
async fn a_profile_is_made_once_for_the_same_content() {
    let told = Told::new().await;
    let first = told.report(&published()).await;
    let profile = first.tables[0].columns[0].profile.clone().unwrap();
    assert_eq!((profile.nulls.count, profile.distinct.unwrap().count), (1, 2));
    for manifest in told.state.tables.values() {
        for file in manifest.files() {
            std::fs::remove_file(told.warehouse.root().join(&file.path)).unwrap();
        }
    }
    let second = told.report(&published()).await;
    assert_eq!(second.tables[0].columns[0].profile, Some(profile));
}

#[tokio::test]
async fn a_table_that_cannot_be_read_says_so() {
    let told = Told::new().await;
    for manifest in told.state.tables.values() {
        for file in manifest.files() {
            std::fs::write(told.warehouse.root().join(&file.path), "no parquet").unwrap();
        }
    }
    let report = told.report(&published()).await;
    let missing = report.tables[0].profile.missing.clone().unwrap();
    assert!(missing.contains("is damaged"), "{missing}");
    assert!(html(&report).unwrap().contains("No profile:"));
}

#[tokio::test]
async fn junit_is_xml_with_a_case_for_each_check() {
    let told = Told::new().await;
    let mut run = published();
    run.findings.push(finding("accepted_values", CheckStatus::Fail, 3));
    run.findings.push(finding("broken", CheckStatus::Error, 0));
    run.findings[3].message = Some("no such column\u{1}".to_owned());
    let xml = junit(&told.report(&run).await).unwrap();
    let mut reader = Reader::from_str(&xml);
    let (mut cases, mut suites, mut tags) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().unwrap();
        let (Event::Start(element) | Event::Empty(element)) = &event else {
            if event == Event::Eof {
                break;
            }
            continue;
        };
        let attribute = |name: &str| {
            let found = element.try_get_attribute(name).unwrap();
            found.map(|found| found.value.to_string()).unwrap_or_default()
        };
        match element.name().as_ref() {
            "testcase" => cases.push(attribute("name")),
            "testsuite" => {
                suites.push([attribute("tests"), attribute("failures"), attribute("errors")]);
            }
            "testsuites" => {}
            other => tags.push(other.to_owned()),
        }
    }
    assert_eq!(cases, ["contract", "accepted_values", "broken", "not_null", "unique"]);
    assert_eq!(suites, [["5", "1", "1"].map(str::to_owned)]);
    assert_eq!(tags, ["system-out", "failure", "error", "system-out"]);
}

#[test]
fn a_validation_has_the_same_look() {
    let result = json!({"success": false, "results": [
        {"success": false, "expectation_config": {"type": "expect_column_values_to_be_between",
            "kwargs": {"column": "n", "min_value": 1}}, "exception_info": {"raised_exception": false},
         "result": {"element_count": 10, "unexpected_count": 2,
            "partial_unexpected_list": [HOSTILE, null]}},
        {"success": false, "expectation_config": {"type": "expect_column_to_exist",
            "kwargs": {"column": "x"}}, "result": {},
         "exception_info": {"('metric', 'id', ())": {"raised_exception": true,
            "exception_message": "no column x"}}},
        {"success": true, "expectation_config": {"type": "expect_table_row_count_to_equal",
            "kwargs": {"value": 10}}, "result": {"observed_value": 10}}]});
    let about = ValidationAbout {
        data: "data/orders.csv",
        suite: "orders",
        validated: time("2026-01-02T03:04:05Z"),
        seconds: 0.1,
    };
    let page = validation_html(&result, &about).unwrap();
    for part in [
        "orders.csv does not meet its expectations",
        "3 expectations: 1 met, 2 not",
        "min_value 1",
        "20.0 %",
        "no column x",
        "observed 10",
        "&lt;script&gt;",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script"));
}

#[tokio::test]
async fn groups_that_fail_are_no_part_of_the_rows() {
    let told = Told::new().await;
    let mut run = published();
    run.findings.push(finding("accepted_values", CheckStatus::Fail, 3));
    run.findings[2].stored = Some("main.people".to_owned());
    let report = told.report(&run).await;
    let rates: Vec<_> = report.checks.iter().map(|one| (one.kind.as_str(), one.rate)).collect();
    assert_eq!(rates, [("accepted_values", None), ("not_null", Some(0.25)), ("unique", Some(0.0))]);
    // A table that keeps failing rows is none of the project's.
    assert_eq!((report.totals.tables, report.totals.rows), (0, 0));
    let page = html(&report).unwrap();
    assert!(page.contains("1 failure</b> in 4 rows (25.0 %)"));
    assert!(!page.contains("3 failures</b> in 4 rows"));
    // One row is shown, where up to five would be: the three failures are no rows.
    assert!(!page.contains("of 3 shown"));
}

#[test]
fn a_validation_tells_the_part_of_the_values_and_the_rows() {
    let result = json!({"success": false, "results": [
        {"success": false, "expectation_config": {"type": "expect_column_values_to_be_between",
            "kwargs": {"column": "n", "min_value": 1}}, "exception_info": {"raised_exception": false},
         "result": {"element_count": 10, "missing_count": 5, "unexpected_count": 2,
            "unexpected_percent": 40.0, "partial_unexpected_list": [-7, -8],
            "partial_unexpected_index_list": [3, 8]}}]});
    let about = ValidationAbout {
        data: "orders.csv",
        suite: "orders",
        validated: time("2026-01-02T03:04:05Z"),
        seconds: 0.1,
    };
    let page = validation_html(&result, &about).unwrap();
    assert!(page.contains("(40.0 %)"));
    assert!(page.contains("<td><bdi>4</bdi></td><td><bdi>-7</bdi></td>"));
}
