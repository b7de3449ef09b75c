//! Expectations about single rows: counts from the shared scan, and the rows that were unexpected from a second pass.

use std::cmp::Ordering;

use arrow::datatypes::Field;
use serde_json::{Map as JsonMap, Value as Json, json};

use super::arguments::{Arguments, quoted};
use super::found::Found;
use super::kind::Judged;
use super::result::{Level, ResultFormat};
use super::{Problem, Subject, literal, values};
use crate::checks::form::{Alone, Answers, Apart, Ask, Measure};
use crate::checks::scan;
use crate::engine::int_at;

/// How many unexpected values GX keeps at the most.
const MAX_RESULT_RECORDS: usize = 200;
/// The row's number in the stored order, from 1; pandas' index is one less.
const ROW: &str = "__clearwell_row";

/// An expectation about single rows.
pub(super) struct Map {
    ask: Ask,
    shape: Shape,
    columns: Vec<String>,
    mostly: f64,
    /// What of the table is looked at, with what a row is compared to; a relation called `t`.
    rows: Rows,
    /// A row that is looked at meets this and the next.
    considered: Option<String>,
    unexpected: String,
    filter: Option<String>,
    refusal: Option<Problem>,
    /// Whether the result repeats `unexpected_index_column_names`.
    names_index: bool,
}

/// What an unexpected value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A value of a column; nulls are not looked at.
    Column,
    /// A value of a column, null or not.
    Nullable,
    /// Values of two columns.
    Pair,
    /// Values of several columns.
    Several,
}

/// Where a row finds what it is compared to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rows {
    /// In itself.
    Single,
    /// In the rows with the same values: how many there are is `t.__count`.
    Repeated,
    /// In the row before among those that are considered: `t.__previous`.
    Ordered,
    /// In aggregates of all rows that are considered, each with its alias: `avg(x) as __mean` is `t.__mean`.
    Scaled(Vec<String>),
}

/// What a kind says of its expectation.
pub(super) struct Definition {
    pub(super) shape: Shape,
    pub(super) columns: Vec<String>,
    pub(super) rows: Rows,
    /// Which rows are looked at, where not all.
    pub(super) considered: Option<String>,
    /// The condition of an unexpected row; null does not meet it.
    pub(super) unexpected: String,
    /// Why no row can be judged: an error as soon as there is one to look at, as in Python.
    pub(super) refusal: Option<Problem>,
}

impl Map {
    /// # Errors
    /// If `mostly` is no share.
    pub(super) fn new(arguments: &Arguments<'_>, definition: Definition) -> Result<Self, Problem> {
        let mostly = arguments.number("mostly")?.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&mostly) {
            return Err(Problem::new(format!("`mostly` is a share from 0 to 1, not {mostly}")));
        }
        let Definition { shape, columns, rows, considered, unexpected, refusal } = definition;
        let mut map = Self {
            ask: Ask::default(),
            shape,
            columns,
            mostly,
            rows,
            considered,
            unexpected,
            filter: arguments.filter.clone(),
            refusal,
            // GX forgets them there.
            names_index: arguments.kind() != "expect_column_values_to_be_null",
        };
        let counted = map.considered.clone().map_or(Measure::Rows, Measure::Count);
        let mut measures = vec![Measure::Rows, counted];
        let why = match map.rows {
            Rows::Single => {
                measures.push(Measure::Count(map.unexpected_row()));
                None
            }
            Rows::Repeated => Some(Apart::Key),
            Rows::Ordered => Some(Apart::Order),
            Rows::Scaled(_) => Some(Apart::HeavyAggregate),
        };
        map.ask = Ask::measures(arguments.subject(), measures);
        if let Some(why) = why {
            let sql = map.counting_query(&arguments.table.quoted());
            map.ask.queries.push(Alone { sql, why });
        }
        Ok(map)
    }

    pub(super) fn ask(&self) -> &Ask {
        &self.ask
    }

    /// Reads the counts; asks again for the unexpected rows where there are any and the format shows them.
    ///
    /// Source: GX's `ColumnMapExpectation._validate` and its relatives.
    pub(super) async fn judge(
        &self,
        subject: &Subject<'_>,
        format: &ResultFormat,
        answers: &Answers,
    ) -> Result<Judged, Problem> {
        let (elements, considered) = (answers.count(0), answers.count(1));
        if let Some(refusal) = self.refusal.as_ref().filter(|_| considered > 0) {
            return Err(refusal.clone());
        }
        let unexpected = match self.rows {
            Rows::Single => answers.count(2),
            _ => {
                let told = answers.queries.first().filter(|rows| rows.num_rows() == 1);
                let count = told.and_then(|rows| int_at(rows.column(0).as_ref(), 0)).unwrap_or(0);
                u64::try_from(count).unwrap_or(0)
            }
        };
        let share = (considered as f64 - unexpected as f64) / considered as f64;
        let success = considered == 0 || share >= self.mostly;
        let counts = Counts { elements, considered, unexpected };
        let shows_query = format.return_unexpected_index_query == Some(true);
        if format.level == Level::BooleanOnly && !shows_query {
            return Ok(Judged { success, result: JsonMap::new() });
        }
        let found = self.unexpected_rows(subject, format, unexpected).await?;
        Ok(Judged { success, result: self.result(format, counts, &found) })
    }

    /// The condition of an unexpected row among those that are considered. What is costly stands first: behind an `and` that may
    /// end before it, the planner would not compute what several checks have in common once.
    fn unexpected_row(&self) -> String {
        match &self.considered {
            Some(considered) => format!("({}) and ({considered})", self.unexpected),
            None => self.unexpected.clone(),
        }
    }

    fn counting_query(&self, table: &str) -> String {
        if self.rows == Rows::Repeated {
            let key = self.key();
            let rows = self.looked_at();
            return format!(
                "select cast(coalesce(sum(n), 0) as bigint) as n from (select count(*) as n from {table} \
                 where {rows} group by {key} having count(*) > 1) as repeated"
            );
        }
        let relation = self.relation(table, "");
        format!("select count_if({}) as n from {relation}", self.unexpected)
    }

    /// The rows that are looked at, with what they are compared to, as `t`. `numbered` is put in front of the columns.
    fn relation(&self, table: &str, numbered: &str) -> String {
        let rows = self.looked_at();
        let base = format!("(select *{numbered} from {table}) as base");
        let all = format!("select * from {base} where {rows}");
        let column = self.columns.first().map(|column| quoted(column)).unwrap_or_default();
        match &self.rows {
            Rows::Single => format!("({all}) as t"),
            Rows::Repeated => {
                let key = self.key();
                let same = self.columns.iter().map(|column| {
                    let column = quoted(column);
                    format!("(t.{column} is not distinct from repeated.{column})")
                });
                format!(
                    "({all}) as t join (select {key} from {table} where {rows} group by {key} \
                     having count(*) > 1) as repeated on {}",
                    same.collect::<Vec<_>>().join(" and ")
                )
            }
            Rows::Ordered => {
                format!("(select *, lag({column}) over () as __previous from ({all}) as kept) as t")
            }
            Rows::Scaled(aggregates) => format!(
                "(select * from ({all}) as kept cross join (select {} from {table} where {rows}) \
                 as scale) as t",
                aggregates.join(", ")
            ),
        }
    }

    fn key(&self) -> String {
        self.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
    }

    /// The row condition and what is considered.
    fn looked_at(&self) -> String {
        let conditions = self.filter.iter().chain(&self.considered);
        let conditions: Vec<String> =
            conditions.map(|condition| format!("({condition})")).collect();
        match conditions.is_empty() {
            true => "true".to_owned(),
            false => conditions.join(" and "),
        }
    }

    /// The unexpected rows in stored order: number, domain, then what else the format shows.
    async fn unexpected_rows(
        &self,
        subject: &Subject<'_>,
        format: &ResultFormat,
        unexpected: u64,
    ) -> Result<Found, Problem> {
        // Below that level nothing is told by them.
        let index = format.index_columns.clone().filter(|_| format.level >= Level::Summary);
        let index = index.unwrap_or_default();
        let mut names = self.columns.clone();
        let all = subject.schema.fields().iter().map(|field| field.name().clone());
        let shown = if format.include_unexpected_rows { all.collect() } else { Vec::new() };
        for name in index.iter().chain(&shown) {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        if unexpected == 0 {
            return Ok(Found { names, rows: None });
        }
        for name in &index {
            if subject.schema.fields().iter().all(|field| field.name() != name) {
                let message =
                    "does not exist in Dataframe. Please check your configuration and try again.";
                return Err(Problem::new(format!(
                    "Error: The unexpected_index_column \"{name}\" {message}"
                )));
            }
        }
        let table = subject.table.quoted();
        let columns: Vec<String> = names.iter().map(|name| format!("t.{}", quoted(name))).collect();
        // Ordered by the number itself, which rises by itself: the planner sorts nothing, and stops at the limit.
        let relation = self.relation(&table, &format!(", row_number() over () as {ROW}"));
        let condition = match self.rows {
            Rows::Repeated => "true",
            _ => &self.unexpected,
        };
        // Lists of whole columns and queries are not cut.
        let lists = format.exclude_unexpected_values && !index.is_empty();
        let whole = format.return_unexpected_index_query == Some(true) || lists;
        let limit = match format.level == Level::Complete || whole {
            true => String::new(),
            false => format!(" limit {}", format.partial_unexpected_count),
        };
        let sql = format!(
            "select cast(t.{ROW} as bigint) - 1, {} from {relation} where {condition} order by t.{ROW}{limit}",
            columns.join(", ")
        );
        let rows = scan::all_rows(subject.session, &sql).await?;
        Ok(Found { names, rows: Some(rows) })
    }

    /// GX's `_format_map_output`.
    fn result(
        &self,
        format: &ResultFormat,
        counts: Counts,
        found: &Found,
    ) -> JsonMap<String, Json> {
        let mut result = JsonMap::new();
        let mut put = |key: &str, value: Json| drop(result.insert(key.to_owned(), value));
        let percent = |part: u64, whole: u64| match whole {
            0 => Json::Null,
            whole => json!(part as f64 / whole as f64 * 100.0),
        };
        let Counts { elements, considered, unexpected } = counts;
        put("element_count", elements.into());
        put("unexpected_count", unexpected.into());
        let of_considered = match elements {
            0 => Json::Null,
            _ => percent(unexpected, considered),
        };
        put("unexpected_percent", of_considered.clone());
        let partial = format.partial_unexpected_count;
        let most = match format.level {
            Level::Complete => MAX_RESULT_RECORDS,
            _ => partial.min(MAX_RESULT_RECORDS),
        };
        let values: Vec<Json> =
            (0..found.len().min(most)).map(|row| self.value(found, row)).collect();
        if !format.exclude_unexpected_values {
            put("partial_unexpected_list", values.iter().take(partial).cloned().collect());
        }
        if let Some(columns) = format.index_columns.as_ref().filter(|_| self.names_index) {
            put("unexpected_index_column_names", json!(columns));
        }
        if self.shape != Shape::Nullable {
            put("missing_count", (elements - considered).into());
            put("missing_percent", percent(elements - considered, elements));
            put("unexpected_percent_total", percent(unexpected, elements));
            put("unexpected_percent_nonmissing", of_considered);
        }
        if format.include_unexpected_rows {
            let rows = (0..found.len().min(partial)).map(|row| found.object(&found.names, row));
            put("unexpected_rows", rows.collect());
        }
        if format.level >= Level::Summary {
            let index = self.index_list(format, found);
            if partial > 0 {
                if let Some(counts) = self.value_counts(found, &values, partial)
                    && !format.exclude_unexpected_values
                {
                    put("partial_unexpected_counts", counts);
                }
                put("partial_unexpected_index_list", index.iter().take(partial).cloned().collect());
            }
            if format.level == Level::Complete {
                if !format.exclude_unexpected_values {
                    put("unexpected_list", Json::Array(values));
                }
                put("unexpected_index_list", Json::Array(index));
            }
        }
        let asked = format.return_unexpected_index_query;
        let by_default = format.level == Level::Complete;
        if asked.unwrap_or(by_default) {
            put("unexpected_index_query", found.query());
        }
        result
    }

    fn value(&self, found: &Found, row: usize) -> Json {
        match self.shape {
            Shape::Column | Shape::Nullable => found.cell_as_object(&self.columns[0], row),
            Shape::Pair => {
                self.columns.iter().map(|column| found.cell_as_numpy(column, row)).collect()
            }
            Shape::Several => found.object(&self.columns, row),
        }
    }

    /// Where the unexpected rows are: by the columns that the format names, else by number.
    fn index_list(&self, format: &ResultFormat, found: &Found) -> Vec<Json> {
        let Some(columns) = format.index_columns.as_ref().filter(|columns| !columns.is_empty())
        else {
            return (0..found.len()).map(|row| found.number(row).into()).collect();
        };
        if format.exclude_unexpected_values {
            let column = |name: &String| {
                let cells: Json =
                    (0..found.len()).map(|row| found.cell_as_object(name, row)).collect();
                (name.clone(), cells)
            };
            let lists: JsonMap<String, Json> = columns.iter().map(column).collect();
            return if found.len() == 0 { Vec::new() } else { vec![Json::Object(lists)] };
        }
        let names: Vec<String> = self.columns.iter().chain(columns).cloned().collect();
        (0..found.len()).map(|row| found.object(&names, row)).collect()
    }

    /// How often each value is unexpected, the most frequent first; `None` where values cannot be compared, as in Python.
    fn value_counts(&self, found: &Found, values: &[Json], most: usize) -> Option<Json> {
        let flat = |value: &Json| match value {
            Json::Object(object) => object.values().cloned().collect(),
            value => value.clone(),
        };
        let equals_nothing = |value: &Json| match value {
            Json::Array(cells) => {
                let mut cells = cells.iter().zip(&self.columns);
                cells.any(|(cell, column)| self.equals_nothing(found, cell, column))
            }
            value => self.equals_nothing(found, value, &self.columns[0]),
        };
        let mut counted: Vec<(Json, u64)> = Vec::new();
        for value in values {
            let value = flat(value);
            match counted.iter_mut().find(|(known, _)| *known == value && !equals_nothing(&value)) {
                Some((_, count)) => *count += 1,
                None => counted.push((value, 1)),
            }
        }
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counted.truncate(most);
        let mut comparable = true;
        let less = |(value, count): &(Json, u64), (other, of_other): &(Json, u64)| match of_other
            .cmp(count)
        {
            Ordering::Equal => match self.first_difference(found, value, other) {
                // What is missing is neither less nor greater.
                Some((one, other, column))
                    if [one, other].iter().any(|cell| found.is_unordered(cell, column)) =>
                {
                    false
                }
                Some((one, other, _)) => {
                    let order = values::compare(one, other);
                    comparable &= order.is_some();
                    order.is_some_and(Ordering::is_lt)
                }
                None => false,
            },
            order => order.is_lt(),
        };
        let sorted = values::python_sorted(counted, less);
        comparable.then(|| {
            let counted = sorted.into_iter();
            counted.map(|(value, count)| json!({"value": value, "count": count})).collect()
        })
    }

    /// Whether a missing value is not even itself: each missing number is a NaN of its own, and so is a missing time of a pair.
    fn equals_nothing(&self, found: &Found, cell: &Json, column: &str) -> bool {
        found.is_unordered(cell, column) && (cell.is_null() || self.shape == Shape::Pair)
    }

    /// What decides between two unexpected values: the first cells that differ, and their column.
    fn first_difference<'a>(
        &'a self,
        found: &Found,
        one: &'a Json,
        other: &'a Json,
    ) -> Option<(&'a Json, &'a Json, &'a str)> {
        let cells = |value: &'a Json| match value {
            Json::Array(cells) => cells.as_slice(),
            value => std::slice::from_ref(value),
        };
        let mut pairs = cells(one).iter().zip(cells(other)).zip(&self.columns);
        let differ = |((one, other), column): &((&Json, &Json), &String)| {
            one != other || self.equals_nothing(found, one, column)
        };
        let ((one, other), column) = pairs.find(differ)?;
        Some((one, other, column))
    }
}

#[derive(Clone, Copy)]
struct Counts {
    elements: u64,
    considered: u64,
    unexpected: u64,
}

impl Definition {
    /// Of single values of a column that are not null.
    pub(super) fn of_column(field: &Field, unexpected: String) -> Self {
        Self {
            shape: Shape::Column,
            columns: vec![field.name().clone()],
            rows: Rows::Single,
            considered: Some(literal::present(field)),
            unexpected,
            refusal: None,
        }
    }

    /// Of a column whose values cannot be judged: fine as long as it has none.
    pub(super) fn refused(field: &Field, refusal: Problem) -> Self {
        Self { refusal: Some(refusal), ..Self::of_column(field, "false".to_owned()) }
    }
}
