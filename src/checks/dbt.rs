//! dbt's tests: the query whose rows are the failures, what tells cheaply that there are none, and dbt's judgement.

use arrow::array::AsArray;

use super::form::{self, Apart, Ask, Measure, Subject};
use crate::base::TableName;
use crate::engine::{SqlError, int_at};
use crate::project::{Check, CheckConfig, CheckKind, CheckSeverity};
use crate::record::CheckStatus;

use super::form::Answers;

/// A dbt test with the names of the tables it is about.
pub(super) struct Test<'a> {
    pub(super) check: &'a Check,
    /// The table it is about; an ephemeral model has none.
    pub(super) tested: Option<&'a TableName>,
    /// What it is about, and what a reference refers to, as they stand behind `from`.
    pub(super) model: String,
    pub(super) to: String,
}

/// What dbt makes of the number of failures.
pub(super) struct Judgement {
    pub(super) status: CheckStatus,
    pub(super) failures: u64,
}

impl Test<'_> {
    /// The count of failing rows where it can share a scan and its being zero says all; else the whole test.
    pub(super) fn ask(&self) -> Ask {
        match (self.row_condition(), self.tested) {
            (Some(condition), Some(table)) if self.is_judged_by_default() => {
                let filter = self.check.config.filter.clone();
                let subject = Subject { table: table.clone(), filter };
                Ask::measures(subject, vec![Measure::Rows, Measure::Count(condition)])
            }
            _ => self.whole(),
        }
    }

    /// The whole test as dbt runs it.
    ///
    /// Source: dbt-core's `include/global_project/macros/materializations/tests/helpers.sql`.
    pub(super) fn whole(&self) -> Ask {
        let why = match &self.check.kind {
            CheckKind::Unique { .. } => Apart::Key,
            CheckKind::Relationships { .. } => Apart::Reference,
            _ => Apart::Query,
        };
        Ask::query(self.judging_query(), why)
    }

    /// Whether `answers` are those to [`Test::ask`] by a count.
    pub(super) fn was_counted(&self, answers: &Answers) -> bool {
        answers.queries.is_empty()
    }

    /// The judgement that the answers to [`Test::whole`] hold.
    ///
    /// # Errors
    /// If `fail_calc` gives no number.
    pub(super) fn judge(&self, answers: &Answers) -> Result<Judgement, SqlError> {
        let row = answers.queries.first().filter(|rows| rows.num_rows() == 1);
        let row = row.ok_or_else(|| SqlError::new("no answer"))?;
        let failures = int_at(row.column(0).as_ref(), 0).ok_or_else(|| self.no_number())?;
        let is_true = |index: usize| row.column(index).as_boolean().value(0);
        let status = match (self.check.config.severity, is_true(1), is_true(2)) {
            (CheckSeverity::Error, _, true) => CheckStatus::Fail,
            (_, true, _) => CheckStatus::Warn,
            _ => CheckStatus::Pass,
        };
        // What passes has no failures, as dbt tells it, however many rows there were.
        let failures = if status == CheckStatus::Pass { 0 } else { failures };
        Ok(Judgement { status, failures: u64::try_from(failures).unwrap_or(0) })
    }

    /// dbt takes a null for an error, too.
    fn no_number(&self) -> SqlError {
        let calc = &self.check.config.fail_calc;
        let mut error = SqlError::new(format!("the `fail_calc` {calc} gives no number"));
        error.hints.push(format!("a sum over no rows is null: `coalesce({calc}, 0)`"));
        error
    }

    /// The rows that are kept where failures are: no more of them than the configuration says.
    pub(super) fn kept_rows(&self) -> String {
        match self.check.config.limit {
            Some(limit) => {
                format!("select * from ({}\n) as failing limit {limit}", self.failing_rows())
            }
            None => self.failing_rows(),
        }
    }

    /// SQL that returns what dbt's own test macro returns: one row for each failure.
    ///
    /// Source: dbt-core's `include/global_project/macros/generic_test_sql`.
    pub(super) fn failing_rows(&self) -> String {
        let (model, with) = (self.subject(), &self.check.expressions);
        match &self.check.kind {
            CheckKind::Unique { column } => format!(
                "{with}select {column} as unique_field, count(*) as n_records from {model} \
                 where {column} is not null group by {column} having count(*) > 1"
            ),
            CheckKind::NotNull { column } => {
                // dbt returns whole rows only where failures are stored; the count is the same.
                format!("{with}select * from {model} where {column} is null")
            }
            CheckKind::AcceptedValues { column, values, quote } => format!(
                "{with}select value_field, n_records from (select {column} as value_field, count(*) as n_records \
                 from {model} group by {column}) as all_values where value_field not in ({})",
                literals(values, *quote)
            ),
            CheckKind::Relationships { column, field, .. } => format!(
                "{with}select from_field from (select {column} as from_field from {model} where {column} is not null) \
                 as child left join (select {field} as to_field from {to}) as parent \
                 on child.from_field = parent.to_field where parent.to_field is null",
                to = self.to,
            ),
            CheckKind::Generic { sql, .. } | CheckKind::Singular { sql } => sql.text.clone(),
            // Expectations are no dbt tests.
            CheckKind::Expectation { .. } => String::new(),
        }
    }

    /// The condition that a failing row of the tested table meets, where single rows tell; null counts as not met.
    ///
    /// Where no row meets it, [`Test::failing_rows`] returns none either.
    fn row_condition(&self) -> Option<String> {
        match &self.check.kind {
            CheckKind::NotNull { column } => Some(format!("{column} is null")),
            CheckKind::AcceptedValues { column, values, quote } => {
                Some(format!("{column} not in ({})", literals(values, *quote)))
            }
            CheckKind::Generic { row_condition, .. } => row_condition.clone(),
            _ => None,
        }
    }

    /// Only the default judgement lets a count of rows stand for dbt's number of failures, and only where that is zero.
    pub(super) fn is_judged_by_default(&self) -> bool {
        let (config, default) = (&self.check.config, CheckConfig::default());
        config.fail_calc == default.fail_calc
            && config.warn_if == default.warn_if
            && config.error_if == default.error_if
    }

    /// dbt's rule: the failures are `fail_calc` over the (limited) failing rows; `error_if` and `warn_if` judge them.
    fn judging_query(&self) -> String {
        let config = &self.check.config;
        let limit = config.limit.map(|limit| format!(" limit {limit}")).unwrap_or_default();
        format!(
            "select failures, coalesce(failures {}, false) as warns, coalesce(failures {}, false) as errs \
             from (select {} as failures from (select * from ({}\n) as failing{limit}) \
             as dbt_internal_test) as judged",
            config.warn_if,
            config.error_if,
            config.fail_calc,
            self.failing_rows()
        )
    }

    /// What is tested: the table, or its rows that meet the `where` configuration, as dbt wraps it.
    fn subject(&self) -> String {
        form::filtered(&self.model, self.check.config.filter.as_deref())
    }
}

/// dbt puts values between quotes as they are, so that quotes inside of them are written twice; here once will do, too.
fn literals(values: &[String], quote: bool) -> String {
    let literal = |value: &String| match quote {
        true => format!("'{}'", value.replace("''", "'").replace('\'', "''")),
        false => value.clone(),
    };
    values.iter().map(literal).collect::<Vec<_>>().join(", ")
}
