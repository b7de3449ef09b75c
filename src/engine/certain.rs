//! What a plan says of its answer whatever the rows of its tables are: columns that are never null, the values that a column
//! can have, keys. What is not said here may hold all the same.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, JoinType, ScalarValue};
use datafusion::logical_expr::expr::{Case, Cast, InList, WindowFunction};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, ExprSchemable, Filter, Join, LogicalPlan, Operator,
    Projection, Union, WindowFunctionDefinition,
};

/// What is certain of an answer.
#[derive(Debug)]
pub(crate) struct Certain {
    columns: Vec<(String, Facts)>,
    keys: Vec<Key>,
}

/// What is certain of one column. Reasons read on from the column's name: `is a count`.
#[derive(Clone, Debug, Default)]
struct Facts {
    /// Why it is never null.
    never_null: Option<String>,
    values: Option<Values>,
}

/// All values that a column can have, null besides.
#[derive(Clone, Debug)]
struct Values {
    texts: BTreeSet<String>,
    why: String,
}

/// Columns, by position, in which no two rows are the same.
#[derive(Clone, Debug)]
struct Key {
    columns: BTreeSet<usize>,
    why: &'static str,
}

impl Certain {
    /// Of the answer to `plan`, whose columns leave under `names`.
    pub(super) fn of<'a>(plan: &LogicalPlan, names: impl Iterator<Item = &'a String>) -> Self {
        Self { columns: names.cloned().zip(columns(plan)).collect(), keys: keys(plan) }
    }

    /// Why `column` is never null.
    pub(crate) fn never_null(&self, column: &str) -> Option<String> {
        let (_, facts) = &self.columns[self.position(column)?];
        facts.never_null.as_ref().map(|why| format!("`{column}` {why}"))
    }

    /// The values that `column` can have besides null, as text, and why.
    pub(crate) fn values(&self, column: &str) -> Option<(&BTreeSet<String>, String)> {
        let (_, facts) = &self.columns[self.position(column)?];
        let Values { texts, why } = facts.values.as_ref()?;
        let listed: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        let found = match &listed[..] {
            [] => return Some((texts, format!("`{column}` is always null"))),
            [only] => format!("`{column}` is always {only}"),
            _ => format!("`{column}` is one of {}", listed.join(", ")),
        };
        Some((texts, format!("{found} {why}")))
    }

    /// Why no two rows are the same in `columns`.
    pub(crate) fn key(&self, columns: &[&str]) -> Option<String> {
        let positions = columns.iter().map(|column| self.position(column));
        let positions: BTreeSet<usize> = positions.collect::<Option<_>>()?;
        let key = self.keys.iter().find(|key| key.columns.is_subset(&positions))?;
        let names = key.columns.iter().filter_map(|index| self.columns.get(*index));
        let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
        Some(match &names[..] {
            [] => key.why.to_owned(),
            _ => format!("{} {}", names.join(", "), key.why),
        })
    }

    fn position(&self, column: &str) -> Option<usize> {
        let folded = |name: &str| name.trim_matches('"').to_lowercase();
        let mut found =
            (0..self.columns.len()).filter(|&at| folded(&self.columns[at].0) == folded(column));
        found.next().filter(|_| found.next().is_none())
    }
}

/// What is certain of each column of `plan`.
fn columns(plan: &LogicalPlan) -> Vec<Facts> {
    let known = match plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let below = columns(input);
            expr.iter().map(|expr| facts(expr, input.schema(), &below)).collect()
        }
        LogicalPlan::SubqueryAlias(alias) => columns(&alias.input),
        LogicalPlan::Sort(sort) => columns(&sort.input),
        LogicalPlan::Limit(limit) => columns(&limit.input),
        LogicalPlan::Distinct(Distinct::All(input)) => columns(input),
        LogicalPlan::Filter(filter) => filtered(filter),
        LogicalPlan::Window(window) => {
            let mut known = columns(&window.input);
            let (schema, below) = (window.input.schema(), known.clone());
            known.extend(window.window_expr.iter().map(|expr| facts(expr, schema, &below)));
            known
        }
        LogicalPlan::Aggregate(aggregate) if !has_grouping_sets(aggregate) => {
            let (schema, below) = (aggregate.input.schema(), columns(&aggregate.input));
            let exprs = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
            exprs.map(|expr| facts(expr, schema, &below)).collect()
        }
        LogicalPlan::Join(join) => joined(join),
        LogicalPlan::Union(union) => united(union),
        _ => Vec::new(),
    };
    let width = plan.schema().fields().len();
    match known.len() == width {
        true => known,
        false => vec![Facts::default(); width],
    }
}

fn has_grouping_sets(aggregate: &Aggregate) -> bool {
    aggregate.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_)))
}

/// Rows whose condition is null are left out, so that each column compared in it has a value.
fn filtered(filter: &Filter) -> Vec<Facts> {
    let mut known = columns(&filter.input);
    let schema = filter.input.schema();
    for condition in split_conjunction(&filter.predicate) {
        let (expr, values) = match condition {
            Expr::IsNotNull(expr) => (expr, None),
            Expr::InList(InList { expr, list, negated: false }) => {
                (expr, texts(list.iter(), schema))
            }
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                (left, texts(std::iter::once(right.as_ref()), schema))
            }
            _ => continue,
        };
        let column = column_of(expr, schema).and_then(|index| known.get_mut(index));
        let Some(column) = column else { continue };
        match (condition, values) {
            (Expr::IsNotNull(_), _) => {
                column.never_null =
                    Some("is not null in the rows that its `where` keeps".to_owned());
            }
            (_, Some(texts)) if !texts.is_empty() => {
                let why = "in the rows that its `where` keeps".to_owned();
                column.never_null = Some(format!("is not null {why}"));
                column.values = Some(Values { texts, why });
            }
            _ => {}
        }
    }
    known
}

/// An outer join adds nulls on one side, or both.
fn joined(join: &Join) -> Vec<Facts> {
    let side = |plan: &LogicalPlan, nulls: bool| {
        let mut known = columns(plan);
        if nulls {
            known.iter_mut().for_each(|facts| facts.never_null = None);
        }
        known
    };
    let (left, right) = match join.join_type {
        JoinType::Inner => (false, false),
        JoinType::Left => (false, true),
        JoinType::Right => (true, false),
        JoinType::Full => (true, true),
        JoinType::LeftSemi | JoinType::LeftAnti => return columns(&join.left),
        _ => return Vec::new(),
    };
    let mut known = side(&join.left, left);
    known.extend(side(&join.right, right));
    known
}

/// What is certain of a column in every part.
fn united(union: &Union) -> Vec<Facts> {
    let parts = union.inputs.iter().map(|part| columns(part));
    let both = |one: &Facts, other: &Facts| Facts {
        never_null: one.never_null.as_ref().and(other.never_null.as_ref()).map(|why| {
            let same = other.never_null.as_ref() == Some(why);
            if same { why.clone() } else { "is not null in any part of its union".to_owned() }
        }),
        values: one.values.as_ref().zip(other.values.as_ref()).map(|(one, other)| Values {
            texts: one.texts.union(&other.texts).cloned().collect(),
            why: "in each part of its union".to_owned(),
        }),
    };
    let merged = parts.reduce(|merged, part| {
        merged.iter().zip(&part).map(|(one, other)| both(one, other)).collect()
    });
    merged.unwrap_or_default()
}

/// What is certain of an expression over the columns of `schema`.
fn facts(expr: &Expr, schema: &DFSchema, below: &[Facts]) -> Facts {
    let never_null = |why: &str| Facts { never_null: Some(why.to_owned()), values: None };
    match expr {
        Expr::Column(column) => {
            let index = schema.maybe_index_of_column(column);
            index.and_then(|index| below.get(index)).cloned().unwrap_or_default()
        }
        Expr::Alias(alias) => facts(&alias.expr, schema, below),
        Expr::Cast(cast) => {
            let inner = facts(&cast.expr, schema, below);
            let values = inner.values.filter(|_| keeps_text(cast, schema));
            Facts { never_null: inner.never_null, values }
        }
        Expr::Literal(value, _) if value.is_null() => {
            let values = Values { texts: BTreeSet::new(), why: "as a constant".to_owned() };
            Facts { never_null: None, values: Some(values) }
        }
        Expr::Literal(value, _) => {
            let why = "as a constant".to_owned();
            let texts = text_of(value).map(|text| BTreeSet::from([text]));
            let values = texts.map(|texts| Values { texts, why });
            Facts { never_null: Some("is a constant".to_owned()), values }
        }
        Expr::Case(case) => of_case(case, schema, below),
        Expr::ScalarFunction(call) if call.name() == "coalesce" => {
            let parts: Vec<Facts> =
                call.args.iter().map(|part| facts(part, schema, below)).collect();
            let never = parts.iter().any(|part| part.never_null.is_some());
            let never_null = never.then(|| "is never null by its `coalesce`".to_owned());
            Facts { never_null, values: all_values(&parts, "by its `coalesce`") }
        }
        Expr::IsNull(_) | Expr::IsNotNull(_) => never_null("asks whether something is null"),
        Expr::AggregateFunction(call) if call.func.name() == "count" => never_null("is a count"),
        Expr::WindowFunction(call) => match name_of(call) {
            "row_number" => never_null("numbers rows"),
            "count" => never_null("is a count"),
            _ => Facts::default(),
        },
        _ => Facts::default(),
    }
}

fn of_case(case: &Case, schema: &DFSchema, below: &[Facts]) -> Facts {
    let branches = case.when_then_expr.iter().map(|(_, then)| then.as_ref());
    let branches = branches.chain(case.else_expr.as_deref());
    let parts: Vec<Facts> = branches.map(|branch| facts(branch, schema, below)).collect();
    let never = case.else_expr.is_some() && parts.iter().all(|branch| branch.never_null.is_some());
    let never_null = never.then(|| "is null in no branch of its `case`".to_owned());
    Facts { never_null, values: all_values(&parts, "by its `case`") }
}

/// The values of all `parts`, where those of each are certain.
fn all_values(parts: &[Facts], why: &str) -> Option<Values> {
    let mut texts = BTreeSet::new();
    for part in parts {
        texts.extend(part.values.as_ref()?.texts.iter().cloned());
    }
    Some(Values { texts, why: why.to_owned() })
}

/// Columns, by position, in which no two rows of `plan` are the same.
fn keys(plan: &LogicalPlan) -> Vec<Key> {
    match plan {
        LogicalPlan::Projection(Projection { expr, input, .. }) => {
            let places: Vec<Option<usize>> =
                expr.iter().map(|expr| column_of(expr, input.schema())).collect();
            let place = |below: &usize| places.iter().position(|place| *place == Some(*below));
            let handed_on = keys(input).into_iter().filter_map(|key| {
                let columns = key.columns.iter().map(place).collect::<Option<_>>()?;
                Some(Key { columns, ..key })
            });
            handed_on.collect()
        }
        LogicalPlan::SubqueryAlias(alias) => keys(&alias.input),
        LogicalPlan::Sort(sort) => keys(&sort.input),
        LogicalPlan::Limit(limit) => keys(&limit.input),
        LogicalPlan::Filter(filter) => keys(&filter.input),
        LogicalPlan::Distinct(Distinct::All(input)) => {
            let mut known = keys(input);
            let columns = (0..plan.schema().fields().len()).collect();
            known.push(Key { columns, why: "is what the model selects distinct" });
            known
        }
        LogicalPlan::Aggregate(aggregate) if !has_grouping_sets(aggregate) => {
            let why = match aggregate.group_expr.is_empty() {
                true => "the model has one row",
                false => "is what the model groups by",
            };
            vec![Key { columns: (0..aggregate.group_expr.len()).collect(), why }]
        }
        LogicalPlan::Window(window) => {
            let mut known = keys(&window.input);
            let width = window.input.schema().fields().len();
            let numbers = window.window_expr.iter().enumerate().filter(|(_, expr)| {
                matches!(expr, Expr::WindowFunction(call)
                    if name_of(call) == "row_number" && call.params.partition_by.is_empty())
            });
            known.extend(numbers.map(|(at, _)| {
                let columns = BTreeSet::from([width + at]);
                Key { columns, why: "numbers the rows" }
            }));
            known
        }
        _ => Vec::new(),
    }
}

/// The column that an expression hands on: as it is, or in a type in which different values stay different.
fn column_of(expr: &Expr, schema: &DFSchema) -> Option<usize> {
    match expr {
        Expr::Column(column) => schema.maybe_index_of_column(column),
        Expr::Alias(alias) => column_of(&alias.expr, schema),
        Expr::Cast(cast) if keeps_text(cast, schema) => column_of(&cast.expr, schema),
        _ => None,
    }
}

/// Whether a cast changes neither which values are the same nor how they are written: text to text, integer to integer.
fn keeps_text(cast: &Cast, schema: &DFSchema) -> bool {
    let to = cast.field.data_type();
    let is_text = |data_type: &DataType| {
        matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
    };
    cast.expr.get_type(schema).is_ok_and(|from| {
        from == *to
            || from.is_null()
            || (is_text(&from) && is_text(to))
            || (from.is_integer() && to.is_integer())
    })
}

fn name_of(call: &WindowFunction) -> &str {
    match &call.fun {
        WindowFunctionDefinition::AggregateUDF(function) => function.name(),
        WindowFunctionDefinition::WindowUDF(function) => function.name(),
    }
}

/// The texts of literals; `None` where one is none.
fn texts<'a>(list: impl Iterator<Item = &'a Expr>, schema: &DFSchema) -> Option<BTreeSet<String>> {
    let items: Vec<Facts> = list.map(|item| facts(item, schema, &[])).collect();
    Some(all_values(&items, "")?.texts)
}

/// The text of a text, an integer or a boolean, as a test's configuration has it: `True`.
fn text_of(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::Boolean(value) => {
            value.map(|value| if value { "True" } else { "False" }.to_owned())
        }
        value if value.is_null() => None,
        value if value.data_type().is_integer() => Some(value.to_string()),
        value => value.try_as_str().flatten().map(str::to_owned),
    }
}
