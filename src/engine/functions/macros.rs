//! Functions that are written in SQL, in terms of other functions: DuckDB's names and meanings over the engine's.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::ast::{
    DateTimeField, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Interval,
    Value, VisitMut, VisitorMut,
};

use crate::engine::names::parts;
use crate::engine::parse;

/// One function: what it is called with, what that means, and what it is good for. A name may come more than once,
/// with different numbers of parameters.
pub(super) struct Macro {
    pub(super) name: &'static str,
    pub(super) parameters: &'static [&'static str],
    pub(super) body: &'static str,
    pub(super) help: &'static str,
}

const fn define(
    name: &'static str,
    parameters: &'static [&'static str],
    body: &'static str,
    help: &'static str,
) -> Macro {
    Macro { name, parameters, body, help }
}

/// Every macro. A body is not expanded again, so it may use the engine's function of the same name.
pub(super) const MACROS: &[Macro] = &[
    define("ifnull", &["a", "b"], "coalesce(a, b)", "`a`, or `b` where it is null"),
    define("if", &["c", "a", "b"], "case when c then a else b end", "`a` where `c`, else `b`"),
    define("year", &["d"], "cast(date_part('year', d) as bigint)", "the year of a date"),
    define("month", &["d"], "cast(date_part('month', d) as bigint)", "the month, 1 to 12"),
    define("day", &["d"], "cast(date_part('day', d) as bigint)", "the day of the month"),
    define("dayofmonth", &["d"], "cast(date_part('day', d) as bigint)", "the day of the month"),
    define("hour", &["t"], "cast(date_part('hour', t) as bigint)", "the hour, 0 to 23"),
    define("minute", &["t"], "cast(date_part('minute', t) as bigint)", "the minute, 0 to 59"),
    define("second", &["t"], "cast(date_part('second', t) as bigint)", "the second, 0 to 59"),
    define("quarter", &["d"], "cast(date_part('quarter', d) as bigint)", "the quarter, 1 to 4"),
    define("week", &["d"], "cast(date_part('week', d) as bigint)", "the ISO week, 1 to 53"),
    define("weekofyear", &["d"], "cast(date_part('week', d) as bigint)", "the ISO week, 1 to 53"),
    define("dayofyear", &["d"], "cast(date_part('doy', d) as bigint)", "the day of the year"),
    define("doy", &["d"], "cast(date_part('doy', d) as bigint)", "the day of the year"),
    define("dow", &["d"], "cast(date_part('dow', d) as bigint)", "0 is Sunday, 6 Saturday"),
    define("dayofweek", &["d"], "cast(date_part('dow', d) as bigint)", "0 is Sunday, 6 Saturday"),
    define("weekday", &["d"], "cast(date_part('dow', d) as bigint)", "0 is Sunday, 6 Saturday"),
    define(
        "isodow",
        &["d"],
        "(cast(date_part('dow', d) as bigint) + 6) % 7 + 1",
        "1 is Monday, 7 Sunday",
    ),
    define("epoch", &["t"], "cast(as_timestamp(t) as bigint) / 1000000", "seconds since 1970"),
    define(
        "epoch_ms",
        &["t"],
        "cast(as_timestamp(t) as bigint) // 1000",
        "milliseconds since 1970",
    ),
    define("epoch_us", &["t"], "cast(as_timestamp(t) as bigint)", "microseconds since 1970"),
    define("date_add", &["d", "i"], "d + i", "the date or time `d` moved by the interval `i`"),
    define(
        "date_trunc",
        &["part", "t"],
        "date_trunc(part, as_timestamp(t))",
        "the begin of the year, month, day, … that `t` is in",
    ),
    define("datetrunc", &["part", "t"], "date_trunc(part, as_timestamp(t))", "as `date_trunc`"),
    define(
        "last_day",
        &["d"],
        "cast(date_trunc('month', as_timestamp(d)) + interval '1 month' - interval '1 day' as date)",
        "the last day of the month",
    ),
    define("monthname", &["d"], "strftime(d, '%B')", "the English name of the month"),
    define("dayname", &["d"], "strftime(d, '%A')", "the English name of the day of the week"),
    define("to_years", &["n"], "make_interval(12 * n, 0, 0)", "an interval of `n` years"),
    define("to_months", &["n"], "make_interval(n, 0, 0)", "an interval of `n` months"),
    define("to_weeks", &["n"], "make_interval(0, 7 * n, 0)", "an interval of `n` weeks"),
    define("to_days", &["n"], "make_interval(0, n, 0)", "an interval of `n` days"),
    define("to_hours", &["n"], "make_interval(0, 0, n * 3600000000)", "an interval of `n` hours"),
    define("to_minutes", &["n"], "make_interval(0, 0, n * 60000000)", "an interval of `n` minutes"),
    define("to_seconds", &["n"], "make_interval(0, 0, n * 1000000)", "an interval of `n` seconds"),
    define("now", &[], "cast(now() as timestamptz)", "the moment the query began"),
    define("get_current_timestamp", &[], "cast(now() as timestamptz)", "as `now`"),
    define("today", &[], "current_date()", "the day the query began, in UTC"),
    define("to_timestamp", &["s"], "cast(to_timestamp(s) as timestamptz)", "seconds since 1970"),
    define("strlen", &["s"], "cast(octet_length(s) as bigint)", "how many bytes a text has"),
    define("strpos", &["s", "x"], "cast(strpos(s, x) as bigint)", "where `x` begins in `s`, or 0"),
    define("instr", &["s", "x"], "cast(strpos(s, x) as bigint)", "where `x` begins in `s`, or 0"),
    define("lcase", &["s"], "lower(s)", "in lower case"),
    define("ucase", &["s"], "upper(s)", "in upper case"),
    define("regexp_matches", &["s", "p"], "regexp_like(s, p)", "whether `p` is found in `s`"),
    define("regexp_matches", &["s", "p", "o"], "regexp_like(s, p, o)", "with options"),
    define(
        "regexp_extract",
        &["s", "p"],
        "coalesce(array_element(regexp_match(s, '(' || p || ')'), 1), '')",
        "the first match of `p`, or the empty text",
    ),
    define(
        "regexp_extract",
        &["s", "p", "n"],
        "coalesce(array_element(regexp_match(s, '(' || p || ')'), n + 1), '')",
        "the `n`th group of the first match, or the empty text",
    ),
    define("string_split", &["s", "by"], "string_to_array(s, by)", "a text cut into a list"),
    define("str_split", &["s", "by"], "string_to_array(s, by)", "a text cut into a list"),
    define("split", &["s", "by"], "string_to_array(s, by)", "a text cut into a list"),
    define("list_contains", &["l", "x"], "array_has(l, x)", "whether the list has `x`"),
    define("list_value", &["a"], "make_array(a)", "a list"),
    define("list", &["x"], "array_agg(x)", "all values of a group as a list"),
    define("string_agg", &["s"], "string_agg(s, ',')", "texts joined by commas"),
    define("listagg", &["s", "by"], "string_agg(s, by)", "texts joined by `by`"),
    define("listagg", &["s"], "string_agg(s, ',')", "texts joined by commas"),
    define("group_concat", &["s", "by"], "string_agg(s, by)", "texts joined by `by`"),
    define("group_concat", &["s"], "string_agg(s, ',')", "texts joined by commas"),
    define(
        "first",
        &["x"],
        "first_value(x)",
        "a value of the group; the first where it is ordered",
    ),
    define("last", &["x"], "last_value(x)", "a value of the group; the last where it is ordered"),
    define(
        "any_value",
        &["x"],
        "first_value(x) filter (where x is not null)",
        "a value of the group that is not null",
    ),
    define(
        "arg_max",
        &["x", "by"],
        "first_value(x order by by desc) filter (where by is not null)",
        "the `x` of the row with the greatest `by`",
    ),
    define(
        "max_by",
        &["x", "by"],
        "first_value(x order by by desc) filter (where by is not null)",
        "as `arg_max`",
    ),
    define(
        "arg_min",
        &["x", "by"],
        "first_value(x order by by) filter (where by is not null)",
        "the `x` of the row with the least `by`",
    ),
    define(
        "min_by",
        &["x", "by"],
        "first_value(x order by by) filter (where by is not null)",
        "as `arg_min`",
    ),
    define("sign", &["x"], "cast(signum(x) as integer)", "-1, 0 or 1"),
];

/// Macros as parsed, by name and number of parameters.
type Parsed = BTreeMap<(&'static str, usize), (&'static Macro, Expr)>;

static PARSED: LazyLock<Parsed> = LazyLock::new(|| {
    let parsed = |definition: &'static Macro| {
        let body = parse::expression(definition.body).ok()?;
        Some(((definition.name, definition.parameters.len()), (definition, body)))
    };
    MACROS.iter().filter_map(parsed).collect()
});

/// What the call means, if it calls a macro.
pub(in crate::engine) fn expand(call: &Function) -> Option<Expr> {
    let name = match &parts(&call.name)[..] {
        [name] => name.clone(),
        _ => return None,
    };
    let arguments = plain_arguments(&call.args)?;
    if let ("date_part" | "datepart", [part, time]) = (name.as_str(), &arguments[..]) {
        return substituted(&literal_text(part)?, std::slice::from_ref(time));
    }
    let expanded = substituted(&name, &arguments)?;
    carry_over(call, expanded)
}

/// What syntax with a meaning of its own in DuckDB means: `extract(year from d)`, `interval (n) day`.
pub(in crate::engine) fn expand_syntax(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Extract { field, expr, .. } => {
            let part = match field {
                DateTimeField::Custom(ident) => ident.value.to_lowercase(),
                other => other.to_string().to_lowercase(),
            };
            substituted(&part, std::slice::from_ref(&**expr))
        }
        Expr::Interval(interval) => counted_interval(interval),
        _ => None,
    }
}

/// The text that a literal is, in lower case.
fn literal_text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.to_lowercase()),
            _ => None,
        },
        _ => None,
    }
}

/// `interval 3 day` and `interval (n) day`: the number is an expression.
fn counted_interval(interval: &Interval) -> Option<Expr> {
    let literal = matches!(&*interval.value, Expr::Value(value)
        if matches!(value.value, Value::SingleQuotedString(_)));
    if literal {
        return None;
    }
    let unit = interval.leading_field.as_ref()?.to_string().to_lowercase();
    let unit = unit.trim_end_matches('s');
    substituted(&format!("to_{unit}s"), std::slice::from_ref(&*interval.value))
}

/// The arguments, if they are plain expressions.
fn plain_arguments(arguments: &FunctionArguments) -> Option<Vec<Expr>> {
    let list = match arguments {
        FunctionArguments::List(list) => list,
        FunctionArguments::None => return Some(Vec::new()),
        FunctionArguments::Subquery(_) => return None,
    };
    list.args
        .iter()
        .map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
            _ => None,
        })
        .collect()
}

fn substituted(name: &str, arguments: &[Expr]) -> Option<Expr> {
    let (definition, body) = PARSED.get(&(name, arguments.len()))?;
    let mut body = body.clone();
    let mut substitution = Substitution { parameters: definition.parameters, arguments };
    let _ = VisitMut::visit(&mut body, &mut substitution);
    Some(body)
}

/// Puts arguments where a macro's body names its parameters.
struct Substitution<'a> {
    parameters: &'a [&'static str],
    arguments: &'a [Expr],
}

impl VisitorMut for Substitution<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Identifier(ident) = expr
            && let Some(index) = self.parameters.iter().position(|name| *name == ident.value)
        {
            let argument = self.arguments[index].clone();
            *expr = match argument {
                Expr::BinaryOp { .. } | Expr::UnaryOp { .. } => Expr::Nested(Box::new(argument)),
                other => other,
            };
        }
        ControlFlow::Continue(())
    }
}

/// Takes `distinct`, `order by`, `filter` and `over` of the call over to the one function of the body.
fn carry_over(written: &Function, mut expanded: Expr) -> Option<Expr> {
    let has_clauses = matches!(&written.args, FunctionArguments::List(list)
        if list.duplicate_treatment.is_some() || !list.clauses.is_empty());
    let plain = !has_clauses
        && written.filter.is_none()
        && written.over.is_none()
        && written.null_treatment.is_none()
        && written.within_group.is_empty();
    if plain {
        return Some(expanded);
    }
    let Expr::Function(inner) = &mut expanded else { return None };
    if let (FunctionArguments::List(from), FunctionArguments::List(to)) =
        (&written.args, &mut inner.args)
    {
        to.duplicate_treatment = from.duplicate_treatment;
        to.clauses.extend(from.clauses.iter().cloned());
    }
    inner.filter = match (inner.filter.take(), written.filter.clone()) {
        (Some(own), Some(theirs)) => Some(Box::new(Expr::BinaryOp {
            left: Box::new(Expr::Nested(own)),
            op: datafusion::sql::sqlparser::ast::BinaryOperator::And,
            right: Box::new(Expr::Nested(theirs)),
        })),
        (own, theirs) => own.or(theirs),
    };
    inner.over = written.over.clone();
    inner.null_treatment = inner.null_treatment.or(written.null_treatment);
    inner.within_group.extend(written.within_group.iter().cloned());
    Some(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(sql: &str) -> String {
        let Ok(Expr::Function(call)) = parse::expression(sql) else { panic!("{sql} is no call") };
        expand(&call).unwrap().to_string()
    }

    #[test]
    fn every_macro_parses_and_is_documented() {
        assert_eq!(PARSED.len(), MACROS.len(), "a body does not parse, or a name comes twice");
        assert!(MACROS.iter().all(|definition| !definition.help.is_empty()));
    }

    #[test]
    fn arguments_are_expressions_not_text() {
        insta::assert_snapshot!(expanded("to_weeks(a + 1)"), @"make_interval(0, 7 * (a + 1), 0)");
        insta::assert_snapshot!(expanded("ifnull(x, y)"), @"coalesce(x, y)");
    }

    #[test]
    fn clauses_of_an_aggregate_are_kept() {
        insta::assert_snapshot!(
            expanded("any_value(x order by y) filter (where z > 1)"),
            @"first_value(x ORDER BY y) FILTER (WHERE (x IS NOT NULL) AND (z > 1))"
        );
    }
}
