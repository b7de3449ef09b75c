//! What holds of all rows of the surveyed tables: asked of the engine, in bounded memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};

use super::StarterError;
use crate::base::TableName;
use crate::engine::{Engine, Relation, Session, TableSet, int_at};
use crate::ingest::survey::{Survey, SurveyedColumn};
use crate::rules::ColumnType;

/// Columns with no more different values than this list them.
const VALUES_MAX: i64 = 12;
/// Each value of such a column stands in so many rows on average, or it says nothing.
const ROWS_PER_VALUE: i64 = 5;
/// The longest value that is listed, in characters.
const VALUE_LENGTH_MAX: i64 = 40;
/// From so many values on, all of them different is taken for intent.
const UNIQUE_MIN: i64 = 10;
/// How many pairs of columns are tried for a key.
const PAIRS_MAX: usize = 15;

/// One table of the new project.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    /// As the project writes the path of its file.
    pub(super) location: String,
    pub(super) survey: Survey,
    pub(super) rows: i64,
    pub(super) columns: Vec<Column>,
    /// Columns that are never null and together differ from row to row.
    pub(super) key: Vec<String>,
    pub(super) references: Vec<Reference>,
}

/// What holds of a column's values.
#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    pub(super) nulls: i64,
    pub(super) distinct: i64,
    /// Of numbers; of dates and timestamps the first day and the day after the last, or the last one.
    pub(super) range: Option<(String, String)>,
    /// Of text, in characters.
    pub(super) lengths: Option<(i64, i64)>,
    /// All there are, of text, whole numbers and booleans with few.
    pub(super) values: Vec<String>,
    /// Whether the values differ, nulls aside, and are so many that this is hardly chance.
    pub(super) unique: bool,
}

/// Values that are all a key of another table.
#[derive(Clone, Debug)]
pub(super) struct Reference {
    pub(super) column: String,
    pub(super) to: String,
    pub(super) to_column: String,
}

impl Table {
    pub(super) fn surveyed(&self) -> impl Iterator<Item = (&SurveyedColumn, &Column)> {
        std::iter::zip(&self.survey.columns, &self.columns)
    }

    fn relation(&self) -> String {
        quoted(&self.name)
    }
}

/// Finds out what holds of `tables`, each alone and then together.
///
/// # Errors
/// If a query cannot be answered.
pub(super) async fn find(engine: &Engine, tables: &mut [Table]) -> Result<(), StarterError> {
    let relations = tables.iter().map(|table| {
        let name = TableName::new("main", &table.name).map_err(StarterError::Name)?;
        Ok((name, Relation::Files(Arc::new(table.survey.table.clone()))))
    });
    let relations = relations.collect::<Result<BTreeMap<_, _>, StarterError>>()?;
    let session = engine.session(Arc::new(TableSet { relations }));
    for table in tables.iter_mut() {
        let files = &table.survey.table.files;
        let rows = files.iter().map(|file| file.rows).sum::<u64>();
        table.rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let mut columns = Vec::new();
        for column in &table.survey.columns {
            columns.push(of_column(&session, table, column).await?);
        }
        table.columns = columns;
        table.key = key(&session, table).await?;
    }
    let found = references(&session, tables).await?;
    for (table, found) in tables.iter_mut().zip(found) {
        table.references = found;
    }
    Ok(())
}

async fn of_column(
    session: &Session,
    table: &Table,
    column: &SurveyedColumn,
) -> Result<Column, StarterError> {
    let (name, relation) = (quoted(&column.rule.name), table.relation());
    let counts = format!(
        "select count(*) as a, coalesce(sum(n), 0)::bigint as b \
         from (select count(*) as n from {relation} where {name} is not null group by {name}) as g"
    );
    let counts = ask(session, &counts).await?;
    let (distinct, values) = (int(&counts, 0), int(&counts, 1));
    let data_type = column.rule.data_type;
    let unique = distinct == values && values >= UNIQUE_MIN && is_key_type(data_type);
    let mut found = Column { nulls: table.rows - values, distinct, unique, ..Column::default() };
    if values > 0 && is_number(data_type) {
        let sql = format!("select min({name})::text as a, max({name})::text as b from {relation}");
        let range = ask(session, &sql).await?;
        found.range = text(&range, 0, 0).zip(text(&range, 1, 0));
    }
    if values > 0 && matches!(data_type, ColumnType::Date | ColumnType::Timestamp) {
        // A timestamp of the last day is before the next one, however the file spells it.
        let behind = if data_type == ColumnType::Timestamp { 1 } else { 0 };
        let sql = format!(
            "select min({name})::date::text as a, (max({name})::date + interval '{behind} day')::date::text as b \
             from {relation}"
        );
        let range = ask(session, &sql).await?;
        found.range = text(&range, 0, 0).zip(text(&range, 1, 0));
    }
    let few = distinct <= VALUES_MAX && distinct * ROWS_PER_VALUE <= values;
    if few && matches!(data_type, ColumnType::BigInt | ColumnType::Boolean) {
        found.values = listed(session, &name, &relation).await?;
    }
    if values > 0 && data_type == ColumnType::Text {
        let sql = format!(
            "select min(length({name}))::bigint as a, max(length({name}))::bigint as b from {relation}"
        );
        let lengths = ask(session, &sql).await?;
        let (shortest, longest) = (int(&lengths, 0), int(&lengths, 1));
        found.lengths = Some((shortest, longest));
        if few && longest <= VALUE_LENGTH_MAX {
            found.values = listed(session, &name, &relation).await?;
        }
    }
    Ok(found)
}

/// All values of a column, each once, in their order.
async fn listed(
    session: &Session,
    name: &str,
    relation: &str,
) -> Result<Vec<String>, StarterError> {
    let sql = format!(
        "select {name}::text as a from {relation} where {name} is not null group by {name} order by {name}"
    );
    let rows = ask(session, &sql).await?;
    Ok((0..rows.num_rows()).filter_map(|row| text(&rows, 0, row)).collect())
}

/// The primary key: one column, the one most like an id; else a pair of columns like ids; else any column of which all
/// values differ and are many; else none.
async fn key(session: &Session, table: &Table) -> Result<Vec<String>, StarterError> {
    // Of one row, everything differs.
    if table.rows < 2 {
        return Ok(Vec::new());
    }
    let fit = |(column, found): &(&SurveyedColumn, &Column)| {
        found.nulls == 0 && is_key_type(column.rule.data_type)
    };
    let name = |column: &SurveyedColumn| column.rule.name.clone();
    let whole: Vec<(usize, String)> = table
        .surveyed()
        .enumerate()
        .filter(|(_, column)| fit(column) && column.1.distinct == table.rows)
        .map(|(place, (column, _))| (place, name(column)))
        .collect();
    let best = whole.iter().filter(|(place, name)| *place == 0 || likeness(name, &table.name) > 0);
    if let Some((_, best)) =
        best.max_by_key(|(place, name)| (likeness(name, &table.name), usize::MAX - place))
    {
        return Ok(vec![best.clone()]);
    }
    let parts: Vec<String> = table
        .surveyed()
        .filter(|column| fit(column) && likeness(&column.0.rule.name, &table.name) > 0)
        .map(|(column, _)| name(column))
        .collect();
    let pairs = parts.iter().enumerate();
    let pairs = pairs.flat_map(|(at, one)| parts[at + 1..].iter().map(move |other| (one, other)));
    for (one, other) in pairs.take(PAIRS_MAX) {
        let sql = format!(
            "select count(*) as a from (select 1 as x from {} group by {}, {} having count(*) > 1) as g",
            table.relation(),
            quoted(one),
            quoted(other)
        );
        if int(&ask(session, &sql).await?, 0) == 0 {
            return Ok(vec![one.clone(), other.clone()]);
        }
    }
    let chance = whole.into_iter().find(|(place, _)| table.columns[*place].unique);
    Ok(chance.map(|(_, name)| vec![name]).unwrap_or_default())
}

/// Whether a number is a name rather than an amount: nothing can be said of its range.
pub(super) fn is_name(table: &Table, column: &str) -> bool {
    let refers = table.references.iter().any(|reference| reference.column == column);
    refers || table.key.iter().any(|key| key == column) || likeness(column, &table.name) > 1
}

/// How much a name looks like that of a key: 0 not at all.
fn likeness(column: &str, table: &str) -> u8 {
    let plain = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let (folded, table) = (plain(column), plain(table));
    let own = [table.as_str(), singular(&table)].iter().any(|own| {
        ["id", "key", "code", "no", "number"].iter().any(|end| folded == format!("{own}{end}"))
    });
    let camel = column.ends_with("Id") || column.ends_with("ID");
    match folded.as_str() {
        "id" | "key" | "uuid" => 4,
        _ if own => 3,
        _ if camel || column.to_lowercase().ends_with("_id") || column.ends_with(" id") => 2,
        name if ["code", "key", "no", "number", "sku", "line"]
            .iter()
            .any(|end| name.ends_with(end)) =>
        {
            1
        }
        _ => 0,
    }
}

/// `orders` -> `order`, `categories` -> `categor`: what the names of columns that refer to it begin with.
fn singular(table: &str) -> &str {
    table.strip_suffix("ies").or_else(|| table.strip_suffix('s')).unwrap_or(table)
}

/// For each table, what refers to another's key: by the name of the column, and by all its values.
async fn references(
    session: &Session,
    tables: &[Table],
) -> Result<Vec<Vec<Reference>>, StarterError> {
    let mut all = Vec::new();
    for table in tables {
        let mut found = Vec::new();
        for (column, facts) in table.surveyed() {
            let name = &column.rule.name;
            // A key of its own table does not refer to another one by chance of a name.
            if facts.distinct == 0 || table.key.as_slice() == std::slice::from_ref(name) {
                continue;
            }
            for other in tables.iter().filter(|other| other.name != table.name) {
                let [key] = other.key.as_slice() else { continue };
                let same_type = other.survey.columns.iter().any(|column_of_other| {
                    column_of_other.rule.name == *key
                        && column_of_other.rule.data_type == column.rule.data_type
                });
                if same_type
                    && says_so(name, &other.name, key)
                    && all_there(session, table, name, other, key).await?
                {
                    let (to, to_column) = (other.name.clone(), key.clone());
                    found.push(Reference { column: name.clone(), to, to_column });
                    break;
                }
            }
        }
        all.push(found);
    }
    Ok(all)
}

/// Whether a column's name tells of the key of `table`: `customer_id` and `billing_customer_id` of `customers`.
fn says_so(column: &str, table: &str, key: &str) -> bool {
    let plain = |text: &str| {
        text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase()
    };
    let (column, table, key) = (plain(column), plain(table), plain(key));
    let own = singular(&table);
    column == key && key != "id" && key != "key"
        || (key.len() > 3 && column.ends_with(&key))
        || (column.contains(own) && ["id", "key", "code"].iter().any(|end| column.ends_with(end)))
}

async fn all_there(
    session: &Session,
    table: &Table,
    column: &str,
    other: &Table,
    key: &str,
) -> Result<bool, StarterError> {
    let sql = format!(
        "select count(*) as a from (select {column} as x from {table} where {column} is not null group by {column}) as c \
         left join (select {key} as y from {other}) as p on c.x = p.y where p.y is null",
        column = quoted(column),
        table = table.relation(),
        key = quoted(key),
        other = other.relation(),
    );
    Ok(int(&ask(session, &sql).await?, 0) == 0)
}

pub(super) fn is_number(data_type: ColumnType) -> bool {
    matches!(data_type, ColumnType::BigInt | ColumnType::Double | ColumnType::Decimal { .. })
}

fn is_key_type(data_type: ColumnType) -> bool {
    matches!(data_type, ColumnType::BigInt | ColumnType::Text)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn ask(session: &Session, sql: &str) -> Result<RecordBatch, StarterError> {
    let query = session.plan(sql).await.map_err(|error| StarterError::Sql(error.message))?;
    let batches = query.collect().await?;
    arrow::compute::concat_batches(&query.schema(), &batches)
        .map_err(|error| StarterError::Sql(error.to_string()))
}

/// The number in the first row; 0 where there is none.
fn int(batch: &RecordBatch, column: usize) -> i64 {
    int_at(batch.column(column).as_ref(), 0).unwrap_or(0)
}

fn text(batch: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let texts = batch.column(column).as_string_opt::<i32>()?;
    (row < texts.len() && !texts.is_null(row)).then(|| texts.value(row).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_of_keys() {
        let order = ["id", "order_id", "customerID", "sku", "price"];
        let likeness: Vec<u8> = order.map(|name| likeness(name, "orders")).into();
        assert_eq!(likeness, [4, 3, 2, 1, 0]);
    }

    #[test]
    fn names_tell_of_other_tables() {
        assert!(says_so("customer_id", "customers", "customer_id"));
        assert!(says_so("billing_customer_id", "customers", "customer_id"));
        assert!(says_so("customerId", "customers", "id"));
        assert!(says_so("categoryID", "categories", "categoryID"));
        assert!(!says_so("id", "customers", "id"));
        assert!(!says_so("price", "customers", "id"));
    }
}
