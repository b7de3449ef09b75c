//! Running checks over the tables of a draft.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use futures::stream::{self, StreamExt};

use super::dbt::{Judgement, Test};
use super::expected::Expected;
use super::form::{Answers, Ask};
use super::known::{self, Known};
use super::{hollow, proved, scan};
use crate::base::{Diagnostic, TableName};
use crate::engine::{Session, SqlError};
use crate::project::{Check, CheckKind, Node, Project};
use crate::record::{CheckStatus, Finding, Sample};
use crate::warehouse::{State, Warehouse};

/// How many failing rows a finding shows.
const SAMPLE_ROWS: u64 = 5;

/// What checks run on.
pub(crate) struct CheckRun<'a> {
    pub(crate) warehouse: &'a Warehouse,
    pub(crate) project: &'a Project,
    pub(crate) session: &'a Session,
    pub(crate) state: &'a State,
    /// Scans and queries under way at once.
    pub(crate) parallel: usize,
}

/// Runs `checks`; one finding each, in their order. A check that cannot be run is a finding with status `Error`.
pub(crate) async fn run(context: &CheckRun<'_>, checks: &[&Check]) -> Vec<Finding> {
    let mut known = Known::recall(context.warehouse);
    let tests: Vec<Test<'_>> = checks.iter().map(|check| context.bind(check)).collect();
    let fingerprints: Vec<Option<String>> =
        tests.iter().map(|test| context.fingerprint(test)).collect();
    let mut findings: Vec<Finding> = tests.iter().map(passed).collect();
    let mut is_known = |index: usize| {
        let now = fingerprints[index].as_ref();
        now.is_some_and(|now| known.passes(&mut findings[index], now))
    };
    let open: Vec<usize> = (0..checks.len()).filter(|&index| !is_known(index)).collect();
    let unproved: Vec<usize> = open
        .iter()
        .copied()
        .filter(|&index| !proved::passes(&tests[index], context.state))
        .collect();
    let judged = context.judge(&tests, &unproved, &mut findings);
    let hints = hollow::hints(context.session, context.project, &tests, &open);
    let ((), hints) = futures::join!(judged, hints);
    for (index, why) in hints {
        let (check, status) = (&findings[index].check, findings[index].status);
        debug_assert!(!matches!(status, CheckStatus::Warn | CheckStatus::Fail), "{check}: {why}");
        let passed = status == CheckStatus::Pass;
        findings[index].hollow = Some(why).filter(|_| passed);
    }
    for &index in &open {
        match (&fingerprints[index], findings[index].status) {
            (Some(now), CheckStatus::Pass) => known.add(&findings[index], now.clone()),
            _ => known.remove(&checks[index].info.id),
        }
    }
    if !open.is_empty() {
        known.remember(context.warehouse);
    }
    findings
}

/// The tables that a check looks at: what it refers to, and every table of `state` that SQL of the user's own may name
/// without `ref`, since it holds the name.
pub(crate) fn reads(project: &Project, state: &State, check: &Check) -> BTreeSet<TableName> {
    let mut reads: BTreeSet<TableName> =
        project.tables_of(&check.info.depends_on).into_iter().cloned().collect();
    let sql = match &check.kind {
        CheckKind::Singular { sql } | CheckKind::Generic { sql, .. } => sql.text.clone(),
        CheckKind::Expectation { expectation, .. } => format!("{:?}", expectation.kwargs),
        _ => String::new(),
    };
    let filter = check.config.filter.as_deref().unwrap_or_default();
    if sql.is_empty() && filter.is_empty() {
        return reads;
    }
    let words = words(&format!("{sql} {filter}"));
    let is_named = |table: &&TableName| words.is_superset(&self::words(table.name()));
    reads.extend(state.tables.keys().filter(is_named).cloned());
    reads
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    words.map(str::to_lowercase).collect()
}

impl<'a> CheckRun<'a> {
    fn bind<'c>(&self, check: &'c Check) -> Test<'c>
    where
        'a: 'c,
    {
        let node = |id| self.project.nodes.get(id);
        let relation = |id| node(id).and_then(Node::relation).unwrap_or_default();
        let to = match &check.kind {
            CheckKind::Relationships { to, .. } => relation(to),
            _ => String::new(),
        };
        let target = check.target.as_ref();
        let tested = target.and_then(node).and_then(Node::table);
        Test { check, tested, model: target.map(relation).unwrap_or_default(), to }
    }

    /// The query whose rows are the failures of a dbt test, as they are kept.
    pub(crate) fn kept_rows(&self, check: &Check) -> String {
        self.bind(check).kept_rows()
    }

    fn fingerprint(&self, test: &Test<'a>) -> Option<String> {
        known::fingerprint(test, &reads(self.project, self.state, test.check), self.state)
    }

    /// Counts first, in shared scans; what that does not settle is run whole, and what did not pass shows some rows.
    async fn judge(&self, tests: &[Test<'a>], open: &[usize], findings: &mut [Finding]) {
        let mut expected: BTreeMap<usize, Result<Expected<'_>, SqlError>> = BTreeMap::new();
        for &index in open {
            let Test { check, tested, .. } = &tests[index];
            let unique = proved::unique_columns(&tests[index], self.state);
            let ready = Expected::new(self.session, check, *tested, unique, self.parallel).await;
            if let Some(ready) = ready {
                expected.insert(index, ready);
            }
        }
        let ask = |&index: &usize| match expected.get(&index) {
            Some(ready) => ready.as_ref().map(Expected::ask).unwrap_or_default(),
            None => tests[index].ask(),
        };
        let asks: Vec<Ask> = open.iter().map(ask).collect();
        let mut unsettled = Vec::new();
        let told = self.answer(&asks).await;
        for ((&index, ask), answers) in open.iter().zip(&asks).zip(told) {
            let (test, finding) = (&tests[index], &mut findings[index]);
            finding.apart = ask.apart().map(str::to_owned);
            match expected.remove(&index) {
                Some(Ok(ready)) => {
                    ready.settle(self.session, finding, answers).await;
                    continue;
                }
                Some(Err(error)) => {
                    self.settle(test, finding, Err(error)).await;
                    continue;
                }
                None => {}
            }
            match answers {
                Ok(answers) if test.was_counted(&answers) => {
                    finding.rows = Some(answers.count(0));
                    finding.seconds = answers.seconds;
                    if answers.count(1) > 0 {
                        unsettled.push(index);
                    }
                }
                told => self.settle(test, finding, told).await,
            }
        }
        let asks: Vec<Ask> = unsettled.iter().map(|&index| tests[index].whole()).collect();
        for (&index, answers) in unsettled.iter().zip(self.answer(&asks).await) {
            self.settle(&tests[index], &mut findings[index], answers).await;
        }
        let failed = open.iter().copied().filter(|&index| {
            let finding = &findings[index];
            // An expectation has its sample from its result.
            let is_open = finding.sample.is_none() && finding.result.is_none();
            is_open && matches!(finding.status, CheckStatus::Warn | CheckStatus::Fail)
        });
        let samples: Vec<(usize, Option<Sample>)> = stream::iter(failed.collect::<Vec<_>>())
            .map(|index| async move { (index, self.sample(&tests[index].failing_rows()).await) })
            .buffer_unordered(self.parallel.max(1))
            .collect()
            .await;
        for (index, sample) in samples {
            findings[index].sample = sample;
        }
    }

    async fn answer(&self, asks: &[Ask]) -> Vec<Result<Answers, SqlError>> {
        scan::answer(self.session, &asks.iter().collect::<Vec<_>>(), self.parallel).await
    }

    /// Writes what the whole test gave into its finding.
    async fn settle(
        &self,
        test: &Test<'a>,
        finding: &mut Finding,
        answers: Result<Answers, SqlError>,
    ) {
        let seconds = answers.as_ref().map_or(0.0, |answers| answers.seconds);
        match answers.and_then(|answers| test.judge(&answers)) {
            Ok(Judgement { status, failures }) => {
                finding.status = status;
                finding.failures = failures;
            }
            Err(error) => {
                finding.status = CheckStatus::Error;
                finding.message = Some(self.explain(test.check, error).await);
            }
        }
        finding.seconds += seconds;
    }

    /// The first failing rows by all their columns, so that the same tables show the same rows every time. Where two
    /// columns cannot be told apart by name, any of them.
    async fn sample(&self, rows: &str) -> Option<Sample> {
        let failing = format!("select * from ({rows}\n) as failing");
        let ordered = format!("{failing} order by all limit {SAMPLE_ROWS}");
        let rows = match scan::all_rows(self.session, &ordered).await {
            Ok(rows) => rows,
            Err(_) => {
                let any = format!("{failing} limit {SAMPLE_ROWS}");
                scan::all_rows(self.session, &any).await.ok()?
            }
        };
        let columns = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
        Some(Sample { columns, rows: text_rows(&rows) })
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

/// What the user says of it, or where it comes from.
fn description(check: &Check) -> String {
    match &check.kind {
        CheckKind::Expectation { suite, .. } if check.info.description.is_empty() => {
            format!("of the suite `{suite}`")
        }
        _ => check.info.description.clone(),
    }
}

fn passed(test: &Test<'_>) -> Finding {
    Finding {
        check: test.check.info.id.clone(),
        kind: test.check.kind.name().to_owned(),
        description: description(test.check),
        table: test.tested.map(|table| table.folded().to_owned()),
        column: test.check.column.clone(),
        status: CheckStatus::Pass,
        failures: 0,
        rows: None,
        message: None,
        seconds: 0.0,
        apart: None,
        sample: None,
        stored: None,
        result: None,
        hollow: None,
    }
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
