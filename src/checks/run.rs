//! Running checks over the tables of a draft.

use std::collections::BTreeMap;
use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::StreamExt;
use futures::stream;

use super::compile::{failing_rows, row_condition};
use super::known::{self, Known};
use crate::base::{Diagnostic, TableName};
use crate::engine::{Session, SqlError};
use crate::project::{Check, CheckKind, CheckSeverity, Node, Project};
use crate::record::{CheckStatus, Finding, Sample};
use crate::warehouse::{State, TableContent, Warehouse};

/// How many failing rows a finding shows.
const SAMPLE_ROWS: u64 = 5;

/// A check with the names of the tables it is about.
struct Bound<'a> {
    check: &'a Check,
    tested: Option<&'a TableName>,
    to: Option<&'a TableName>,
}

/// What checks run on.
pub(crate) struct CheckRun<'a> {
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) project: &'a Project,
    pub(crate) session: &'a Session,
    pub(crate) state: &'a State,
    /// Tables tested at once.
    pub(crate) parallel: usize,
}

/// Runs `checks`; one finding each, in their order. A check that cannot be run is a finding with status `Error`.
pub(crate) async fn run(context: &CheckRun<'_>, checks: &[&Check]) -> Vec<Finding> {
    let mut groups: BTreeMap<Option<&TableName>, Vec<(usize, Bound<'_>)>> = BTreeMap::new();
    let mut known = Known::recall(context.warehouse);
    let fingerprints: Vec<Option<String>> =
        checks.iter().map(|check| context.fingerprint(check)).collect();
    let mut findings: Vec<(usize, Finding)> = Vec::new();
    for (index, check) in checks.iter().enumerate() {
        let bound = context.bind(check);
        match &fingerprints[index] {
            Some(now) if known.has(&check.info.id, now) => {
                findings.push((index, passed(&bound, 0.0)))
            }
            _ => groups.entry(bound.tested).or_default().push((index, bound)),
        }
    }
    let run: Vec<(usize, Finding)> = stream::iter(groups.into_values())
        .map(|group| context.run_group(group))
        .buffer_unordered(context.parallel.max(1))
        .concat()
        .await;
    for (index, finding) in &run {
        match (&fingerprints[*index], finding.status) {
            (Some(now), CheckStatus::Pass) => known.add(&finding.check, now.clone()),
            _ => known.remove(&finding.check),
        }
    }
    if !run.is_empty() {
        known.remember(context.warehouse);
    }
    findings.extend(run);
    findings.sort_by_key(|(index, _)| *index);
    findings.into_iter().map(|(_, finding)| finding).collect()
}

impl<'a> CheckRun<'a> {
    fn bind(&self, check: &'a Check) -> Bound<'a> {
        let table = |id| self.project.nodes.get(id).and_then(Node::table);
        let to = match &check.kind {
            CheckKind::Relationships { to, .. } => table(to),
            _ => None,
        };
        Bound { check, tested: check.target.as_ref().and_then(table), to }
    }

    fn fingerprint(&self, check: &'a Check) -> Option<String> {
        let bound = self.bind(check);
        let reads = check.info.depends_on.iter().map(|id| self.project.nodes.get(id)?.table());
        let reads: Vec<&TableName> = reads.collect::<Option<_>>()?;
        known::fingerprint(check, bound.tested, bound.to, &reads, self.state)
    }

    /// The checks of one table: proved without looking, screened in one scan, or run alone.
    async fn run_group(&self, group: Vec<(usize, Bound<'a>)>) -> Vec<(usize, Finding)> {
        let started = Instant::now();
        let (proved, open): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|(_, bound)| self.is_proved(bound));
        let (screened, alone): (Vec<_>, Vec<_>) =
            open.into_iter().partition(|(_, bound)| is_screenable(bound.check));
        let mut findings: Vec<_> =
            proved.iter().map(|(index, bound)| (*index, passed(bound, 0.0))).collect();
        let counts = self.screen(&screened).await;
        let seconds = started.elapsed().as_secs_f64();
        for (position, (index, bound)) in screened.iter().enumerate() {
            let finding = match counts.as_ref().map(|counts| counts[position]) {
                Some(0) => passed(bound, seconds),
                // Either it fails, or the shared scan did: then each is run apart, so that only the bad one suffers.
                _ => self.run_alone(bound).await,
            };
            findings.push((*index, finding));
        }
        for (index, bound) in &alone {
            findings.push((*index, self.run_alone(bound).await));
        }
        findings
    }

    /// Whether the contract of a source or the statistics of a table already say that the check passes.
    fn is_proved(&self, bound: &Bound<'_>) -> bool {
        let Some(manifest) = bound.tested.and_then(|table| self.state.tables.get(table)) else {
            return false;
        };
        let TableContent::Files { files } = &manifest.content else { return false };
        match &bound.check.kind {
            CheckKind::NotNull { column } => {
                let Some(column) = manifest.columns.iter().find(|c| same_name(&c.name, column))
                else {
                    return false;
                };
                let nulls = |file: &crate::warehouse::DataFile| {
                    file.columns.get(&column.name).map(|statistics| statistics.nulls)
                };
                files.iter().all(|file| nulls(file) == Some(0))
            }
            CheckKind::Unique { column } => {
                let Some(Node::Source(source)) =
                    bound.check.target.as_ref().and_then(|id| self.project.nodes.get(id))
                else {
                    return false;
                };
                source.contract.as_ref().is_some_and(|contract| {
                    let alone = |key: &[String]| key.len() == 1 && same_name(&key[0], column);
                    alone(&contract.primary_key) || contract.unique.iter().any(|key| alone(key))
                })
            }
            _ => false,
        }
    }

    /// For each check the number of rows that meet its condition, in one scan; `None` where that scan failed.
    async fn screen(&self, checks: &[(usize, Bound<'a>)]) -> Option<Vec<i64>> {
        let table = checks.first()?.1.tested?;
        let counts: Vec<String> = checks
            .iter()
            .filter_map(|(_, bound)| row_condition(bound.check))
            .enumerate()
            .map(|(index, condition)| format!("count(*) filter (where {condition}) as c{index}"))
            .collect();
        let sql = format!("select {} from {}", counts.join(", "), table.quoted());
        let batch = self.first_batch(&sql).await.ok()?;
        batch.columns().iter().map(|column| int_at(column.as_ref())).collect()
    }

    async fn run_alone(&self, bound: &Bound<'_>) -> Finding {
        let started = Instant::now();
        let rows = failing_rows(bound.check, bound.tested, bound.to);
        let outcome = self.judge(bound.check, &rows).await;
        let seconds = started.elapsed().as_secs_f64();
        let mut finding = passed(bound, seconds);
        match outcome {
            Ok((status, failures)) => {
                finding.status = status;
                finding.failures = failures;
                if status != CheckStatus::Pass {
                    finding.sample = self.sample(&rows).await;
                }
            }
            Err(error) => {
                finding.status = CheckStatus::Error;
                finding.message = Some(self.explain(bound.check, error).await);
            }
        }
        finding
    }

    /// dbt's rule: the failures are `fail_calc` over the (limited) failing rows; `error_if` and `warn_if` judge them.
    async fn judge(&self, check: &Check, rows: &str) -> Result<(CheckStatus, u64), SqlError> {
        let config = &check.config;
        let limit = config.limit.map(|limit| format!(" limit {limit}")).unwrap_or_default();
        let sql = format!(
            "select failures, coalesce(failures {}, false) as warns, coalesce(failures {}, false) as errs \
             from (select {} as failures from (select * from ({rows}) as failing{limit}) \
             as dbt_internal_test) as judged",
            config.warn_if, config.error_if, config.fail_calc
        );
        let batch = self.first_batch(&sql).await?;
        let failures = int_at(batch.column(0).as_ref()).unwrap_or(0);
        let is_true = |index: usize| batch.column(index).as_boolean().value(0);
        let status = match (config.severity, is_true(1), is_true(2)) {
            (CheckSeverity::Error, _, true) => CheckStatus::Fail,
            (_, true, _) => CheckStatus::Warn,
            _ => CheckStatus::Pass,
        };
        Ok((status, u64::try_from(failures).unwrap_or(0)))
    }

    /// The first failing rows by all their columns, so that the same tables show the same rows every time. Where two
    /// columns cannot be told apart by name, any of them.
    async fn sample(&self, rows: &str) -> Option<Sample> {
        let failing = format!("select * from ({rows}) as failing");
        let ordered = format!("{failing} order by all limit {SAMPLE_ROWS}");
        let query = match self.session.plan(&ordered).await {
            Ok(query) => query,
            Err(_) => self.session.plan(&format!("{failing} limit {SAMPLE_ROWS}")).await.ok()?,
        };
        let batches = query.collect().await.ok()?;
        let columns = query.schema().fields().iter().map(|field| field.name().clone()).collect();
        Some(Sample { columns, rows: batches.iter().flat_map(text_rows).collect() })
    }

    async fn first_batch(&self, sql: &str) -> Result<RecordBatch, SqlError> {
        let query = self.session.plan(sql).await?;
        let batches = query.collect().await.map_err(|error| SqlError::new(error.to_string()))?;
        let mut filled = batches.into_iter().filter(|batch| batch.num_rows() > 0);
        filled.next().ok_or_else(|| SqlError::new("no answer"))
    }

    /// Why a check could not be run, at its place in the user's files: positions in the SQL that is made of it say
    /// nothing there, those in a query of the user's own do.
    async fn explain(&self, check: &Check, error: SqlError) -> String {
        let mut place = check.info.span.clone();
        let mut error = error;
        if let CheckKind::Singular { sql } = &check.kind
            && let Err(own) = self.session.plan(&sql.text).await
        {
            let located = own.position.map(|(line, column)| sql.locate(line, column, own.length));
            place = located.or(place);
            error = own;
        }
        let mut problem = Diagnostic::error(error.message);
        problem.hints = error.hints;
        problem.span = place;
        problem.render()
    }
}

/// Only the default judgement lets a count of rows stand for dbt's number of failures, and only where that is zero.
fn is_screenable(check: &Check) -> bool {
    let config = &check.config;
    let default = crate::project::CheckConfig::default();
    config.fail_calc == default.fail_calc
        && config.warn_if == default.warn_if
        && config.error_if == default.error_if
        && row_condition(check).is_some()
}

fn passed(bound: &Bound<'_>, seconds: f64) -> Finding {
    Finding {
        check: bound.check.info.id.clone(),
        table: bound.tested.map(|table| table.folded().to_owned()),
        column: bound.check.column.clone(),
        status: CheckStatus::Pass,
        failures: 0,
        message: None,
        seconds,
        sample: None,
    }
}

fn same_name(one: &str, other: &str) -> bool {
    one.trim_matches('"').to_lowercase() == other.trim_matches('"').to_lowercase()
}

fn int_at(column: &dyn Array) -> Option<i64> {
    let ints = arrow::compute::cast(column, &arrow::datatypes::DataType::Int64).ok()?;
    (!ints.is_empty()).then(|| ints.as_primitive::<Int64Type>().value(0))
}

fn text_rows(batch: &RecordBatch) -> Vec<Vec<Option<String>>> {
    let options = FormatOptions::default();
    let cell = |column: &dyn Array, row: usize| {
        let formatter = ArrayFormatter::try_new(column, &options).ok()?;
        (!column.is_null(row)).then(|| formatter.value(row).to_string())
    };
    (0..batch.num_rows())
        .map(|row| batch.columns().iter().map(|column| cell(column.as_ref(), row)).collect())
        .collect()
}
