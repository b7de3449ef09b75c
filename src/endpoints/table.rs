//! Questions to a table itself, in PostgREST's grammar: `?price=gte.10&name=like.A*&select=name,price&order=price.desc`.
//! <https://docs.postgrest.org/en/stable/references/api/tables_views.html>
//!
//! A question becomes an endpoint of its own: names are the table's, quoted; every value is a typed parameter.

use std::collections::BTreeSet;

use arrow::datatypes::{DataType, SchemaRef};
use percent_encoding::utf8_percent_encode;

use super::parameters::cut;
use super::request::{ENCODED, ParameterProblem, pairs};
use super::value;
use crate::base::{NodeId, SourceText, TableName, suggest};
use crate::engine;
use crate::project::{
    CompiledSql, EVERYWHERE, Endpoint, NodeInfo, OrderKey, PageSize, Parameter, ParameterKind,
    Piece,
};

const PAGE: PageSize = PageSize { default: 100, max: 10_000 };
/// What chooses columns and orders rows.
const SELECT: &str = "select";
const ORDER: &str = "order";
/// Comparisons by name, each with its operator.
const COMPARISONS: [(&str, &str); 8] = [
    ("eq", "="),
    ("neq", "<>"),
    ("gt", ">"),
    ("gte", ">="),
    ("lt", "<"),
    ("lte", "<="),
    ("like", "like"),
    ("ilike", "ilike"),
];

/// A question as an endpoint, and what is asked of that.
pub(crate) struct TableQuestion {
    pub(crate) endpoint: Endpoint,
    /// Its query string.
    pub(crate) query: String,
    /// What was given, for links to repeat.
    pub(crate) given: Vec<(String, String)>,
}

/// Reads a query string (without its `?`) that asks `table`, whose columns are `schema`'s.
///
/// # Errors
/// All that is wrong with it, but for what every endpoint understands.
pub(crate) fn ask(
    table: &TableName,
    schema: &SchemaRef,
    query: &str,
) -> Result<TableQuestion, Vec<ParameterProblem>> {
    let mut reader =
        Reader { schema, problems: Vec::new(), conditions: Vec::new(), values: Vec::new() };
    let (mut chosen, mut order) = (None, Vec::new());
    let (mut passed, mut given) = (String::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for pair in pairs(query) {
        let Ok((name, value)) = pair else {
            reader.problem("…", "a name or value is not UTF-8".to_owned());
            continue;
        };
        if EVERYWHERE.contains(&name.as_str()) {
            let encoded = utf8_percent_encode(&value, ENCODED);
            passed += &format!("{name}={encoded}&");
            if !["limit", "offset", "cursor"].contains(&name.as_str()) {
                given.push((name, value));
            }
            continue;
        }
        match name.as_str() {
            SELECT | ORDER if !seen.insert(name.clone()) => {
                reader.problem(&name, "it is given more than once; give it once".to_owned());
            }
            SELECT => chosen = reader.choice(&value),
            ORDER => order = reader.order(&value),
            column => reader.filter(column, &value),
        }
        given.push((name, value));
    }
    let all = || schema.fields().iter().map(|field| field.name().clone()).collect();
    let columns: Vec<String> = chosen.unwrap_or_else(all);
    if let Some(key) = order.iter().find(|key| !columns.contains(&key.column)) {
        let detail = format!("it names `{}`, which `{SELECT}` leaves out", key.column);
        reader.problem(ORDER, detail);
    }
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let mut query = passed;
    for (parameter, value) in &reader.values {
        query += &format!("{}={}&", parameter.name, utf8_percent_encode(value, ENCODED));
    }
    let listed: Vec<String> = columns.iter().map(|name| quoted(name)).collect();
    let mut sql = format!(
        "select {} from {}.{}",
        listed.join(", "),
        quoted(table.schema()),
        quoted(table.name())
    );
    if !reader.conditions.is_empty() {
        sql += &format!(" where {}", reader.conditions.join(" and "));
    }
    let parameters = reader.values.into_iter().map(|(parameter, _)| parameter).collect();
    let endpoint = endpoint(&table.to_string(), sql, parameters, order, PAGE);
    Ok(TableQuestion { endpoint, query, given })
}

/// A query of the client's own as an endpoint.
pub(crate) fn of_sql(sql: &str, page: PageSize) -> Endpoint {
    endpoint("query", sql.to_owned(), Vec::new(), Vec::new(), page)
}

fn endpoint(
    name: &str,
    sql: String,
    mut parameters: Vec<Parameter>,
    order_by: Vec<OrderKey>,
    page: PageSize,
) -> Endpoint {
    parameters.sort_by(|left, right| left.name.cmp(&right.name));
    parameters.dedup_by(|left, right| left.name == right.name);
    let whole = 0..sql.len();
    Endpoint {
        info: NodeInfo {
            id: NodeId::new("table", "api", name),
            name: name.to_owned(),
            fqn: Vec::new(),
            path: String::new(),
            description: String::new(),
            tags: Vec::new(),
            config: serde_json::Map::new(),
            depends_on: BTreeSet::new(),
            span: None,
        },
        sql: CompiledSql {
            template: SourceText::new("query", sql.as_str()),
            map: vec![Piece { compiled: whole.clone(), template: whole, verbatim: true }],
            text: sql,
        },
        parameters,
        order_by,
        page,
        scope: None,
        row_filters: Vec::new(),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

struct Reader<'a> {
    schema: &'a SchemaRef,
    problems: Vec<ParameterProblem>,
    conditions: Vec<String>,
    /// Each parameter with its value; several of one that is a list.
    values: Vec<(Parameter, String)>,
}

impl Reader<'_> {
    fn problem(&mut self, parameter: &str, detail: String) {
        self.problems.push(ParameterProblem { parameter: cut(parameter), detail });
    }

    /// The column of this name, as the table spells it, and its type.
    fn column(&mut self, parameter: &str, name: &str) -> Option<(String, DataType)> {
        let fields = self.schema.fields();
        let exact = fields.iter().find(|field| field.name() == name);
        let same =
            || fields.iter().find(|field| field.name().to_lowercase() == name.to_lowercase());
        if let Some(field) = exact.or_else(same) {
            return Some((field.name().clone(), field.data_type().clone()));
        }
        let known = fields.iter().map(|field| field.name().as_str());
        let known = known.chain([SELECT, ORDER]).chain(EVERYWHERE);
        let detail = match suggest::closest(name, known) {
            Some(close) => format!("there is no column `{}`; did you mean `{close}`?", cut(name)),
            None => format!("there is no column `{}`", cut(name)),
        };
        self.problem(parameter, detail);
        None
    }

    fn choice(&mut self, value: &str) -> Option<Vec<String>> {
        let mut columns: Vec<String> = Vec::new();
        for name in value.split(',').map(str::trim) {
            let (column, _) = self.column(SELECT, name)?;
            if columns.contains(&column) {
                self.problem(SELECT, format!("it names `{column}` twice"));
                return None;
            }
            columns.push(column);
        }
        Some(columns)
    }

    fn order(&mut self, value: &str) -> Vec<OrderKey> {
        let mut keys: Vec<OrderKey> = Vec::new();
        for written in value.split(',').map(str::trim) {
            let (name, descending) = match written.rsplit_once('.') {
                Some((name, "asc")) => (name, false),
                Some((name, "desc")) => (name, true),
                _ => (written, false),
            };
            let Some((column, _)) = self.column(ORDER, name) else { continue };
            if keys.iter().all(|key| key.column != column) {
                keys.push(OrderKey { column, descending, span: None });
            }
        }
        keys
    }

    /// `[not.]operator.value`
    fn filter(&mut self, name: &str, written: &str) {
        let Some((column, data_type)) = self.column(name, name) else { return };
        let (negated, rest) = match written.strip_prefix("not.") {
            Some(rest) => (true, rest),
            None => (false, written),
        };
        let (operator, value) = rest.split_once('.').unwrap_or((rest, ""));
        let condition = match operator {
            "is" => self.is(&column, &data_type, value),
            "in" => self.is_in(&column, &data_type, value),
            _ => self.compared(&column, &data_type, operator, value),
        };
        match condition {
            Ok(condition) if negated => self.conditions.push(format!("not ({condition})")),
            Ok(condition) => self.conditions.push(format!("({condition})")),
            Err(detail) => self.problem(name, detail),
        }
    }

    fn is(&self, column: &str, data_type: &DataType, value: &str) -> Result<String, String> {
        let truth = *data_type == DataType::Boolean;
        match value {
            "null" | "not_null" | "true" | "false" if truth || value.ends_with("null") => {
                Ok(format!("{} is {}", quoted(column), value.replace('_', " ")))
            }
            _ if truth => Err("`is` takes `null`, `not_null`, `true` or `false`".to_owned()),
            _ => Err("`is` takes `null` or `not_null`".to_owned()),
        }
    }

    fn is_in(&mut self, column: &str, data_type: &DataType, value: &str) -> Result<String, String> {
        let kind = kind_of(data_type)?;
        let inner = value.strip_prefix('(').and_then(|value| value.strip_suffix(')'));
        if inner == Some("") {
            return Ok("false".to_owned());
        }
        let items = inner.and_then(items).ok_or("write `in.(a,b,\"with, comma\")`")?;
        let name = format!("p{:04}", self.conditions.len());
        for item in items {
            self.values.push((parameter(&name, kind, true), item));
        }
        Ok(format!("{} in (${name})", quoted(column)))
    }

    fn compared(
        &mut self,
        column: &str,
        data_type: &DataType,
        operator: &str,
        value: &str,
    ) -> Result<String, String> {
        let Some((_, symbol)) = COMPARISONS.iter().find(|(name, _)| *name == operator) else {
            let names: Vec<&str> = COMPARISONS.iter().map(|(name, _)| *name).collect();
            let names = names.join(", ");
            return Err(format!(
                "`{}` is no comparison; write one of {names}, in, is before a point and the value, like `eq.5`",
                cut(operator)
            ));
        };
        let kind = kind_of(data_type)?;
        let pattern = symbol.ends_with("like");
        if pattern && kind != ParameterKind::String {
            return Err(format!(
                "`{operator}` is for texts; this is a {}",
                engine::sql_name(data_type)
            ));
        }
        let value = if pattern { value.replace('*', "%") } else { value.to_owned() };
        let name = format!("p{:04}", self.conditions.len());
        self.values.push((parameter(&name, kind, false), value));
        Ok(format!("{} {symbol} ${name}", quoted(column)))
    }
}

fn kind_of(data_type: &DataType) -> Result<ParameterKind, String> {
    let kind = match data_type {
        DataType::Float32 | DataType::Float64 => Some(ParameterKind::Number),
        other => value::kind_of(other),
    };
    kind.ok_or_else(|| {
        format!("a {} cannot be compared with a value here", engine::sql_name(data_type))
    })
}

fn parameter(name: &str, kind: ParameterKind, list: bool) -> Parameter {
    Parameter { list, required: true, ..Parameter::new(name, kind) }
}

/// The items between commas; one in double quotes may hold commas, and `\"`.
fn items(text: &str) -> Option<Vec<String>> {
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        let (item, after) = match rest.strip_prefix('"') {
            Some(inside) => quoted_item(inside)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        items.push(item);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None => return after.is_empty().then_some(items),
        }
    }
}

fn quoted_item(inside: &str) -> Option<(String, &str)> {
    let mut item = String::new();
    let mut letters = inside.char_indices();
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return Some((item, &inside[index + 1..])),
            '\\' => item.push(letters.next()?.1),
            other => item.push(other),
        }
    }
    None
}
