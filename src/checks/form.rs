//! The one form into which dbt tests and expectations compile: what a check asks of the data, and what it is told.

use arrow::array::{ArrayRef, RecordBatch};

use crate::base::TableName;
use crate::engine::int_at;

/// What one check asks: measures, which share the one scan of its table, and queries, which run alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    /// What the measures are about. Without one there are no measures.
    pub(super) subject: Option<Subject>,
    pub(super) measures: Vec<Measure>,
    pub(super) queries: Vec<Alone>,
}

/// The rows of a table that a check is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) table: TableName,
    /// Only rows that meet this condition; null does not meet it.
    pub(super) filter: Option<String>,
}

/// One number (or other value) over the subject's rows. SQL over the table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// How many rows there are.
    Rows,
    /// How many rows meet a condition; null does not meet it.
    Count(String),
    /// One call of an aggregate function: `min(price)`.
    Aggregate(String),
}

/// A query that cannot share the table's scan, and why.
#[derive(Clone, Debug)]
pub(super) struct Alone {
    pub(super) sql: String,
    pub(super) why: Apart,
}

/// Why a query runs alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Apart {
    /// Equal values must meet: one grouping of the key.
    Key,
    /// Values are looked up in another table.
    Reference,
    /// Its state grows with the number of different values, or it needs them sorted.
    HeavyAggregate,
    /// It compares a row with the one before.
    Order,
    /// The user's own SQL.
    Query,
}

/// What an [`Ask`] was told, in its order.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// One value each.
    pub(super) measures: Vec<ArrayRef>,
    /// All rows of each query.
    pub(super) queries: Vec<RecordBatch>,
    /// How long the scan or the queries took. Checks that shared a scan all tell its whole time.
    pub(super) seconds: f64,
}

impl Ask {
    /// Measures over `subject`.
    pub(super) fn measures(subject: Subject, measures: Vec<Measure>) -> Self {
        Self { subject: Some(subject), measures, queries: Vec::new() }
    }

    pub(super) fn query(sql: String, why: Apart) -> Self {
        Self { queries: vec![Alone { sql, why }], ..Self::default() }
    }

    /// Why not all of it can share the scan of its table.
    pub(super) fn apart(&self) -> Option<&'static str> {
        self.queries.first().map(|query| query.why.reason())
    }
}

impl Subject {
    /// As it stands behind `from`: the table, or its rows that meet the filter.
    pub(super) fn relation(&self) -> String {
        filtered(&self.table.quoted(), self.filter.as_deref())
    }
}

/// What stands behind `from`, or those of its rows that meet the filter, as dbt wraps it.
pub(super) fn filtered(relation: &str, filter: Option<&str>) -> String {
    match filter {
        Some(filter) => format!("(select * from {relation} where {filter}) as dbt_subquery"),
        None => relation.to_owned(),
    }
}

impl Apart {
    fn reason(self) -> &'static str {
        match self {
            Self::Key => "equal values must meet: the key is grouped",
            Self::Reference => "values are looked up in another table",
            Self::HeavyAggregate => "its state grows with the number of different values",
            Self::Order => "it compares a row with the one before",
            Self::Query => "it is a query of its own",
        }
    }
}

impl Measure {
    /// As it stands in a `select` over the whole table.
    pub(super) fn sql(&self, filter: Option<&str>) -> String {
        match (self, filter) {
            (Self::Rows, None) => "count(*)".to_owned(),
            (Self::Rows, Some(filter)) => format!("count_if({filter})"),
            (Self::Count(condition), None) => format!("count_if({condition})"),
            (Self::Count(condition), Some(filter)) => {
                format!("count_if(({condition}) and ({filter}))")
            }
            (Self::Aggregate(call), None) => call.clone(),
            (Self::Aggregate(call), Some(filter)) => format!("{call} filter (where {filter})"),
        }
    }
}

impl Answers {
    /// A count that was asked for at `index` of the measures; 0 if it is not there.
    pub(super) fn count(&self, index: usize) -> u64 {
        let told = self.measures.get(index).and_then(|value| int_at(value.as_ref(), 0));
        told.and_then(|told| u64::try_from(told).ok()).unwrap_or(0)
    }
}
