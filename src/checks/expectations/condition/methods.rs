//! What pandas lets a condition call on a column: its methods, those of texts (`.str`) and of dates and times (`.dt`).

use serde_json::Value as Json;

use super::parse::{Argument, Comparison, Expr};
use super::sql::{Compiled, Compiler, Typed, foreign, wrong};
use crate::checks::expectations::Problem;
use crate::checks::expectations::literal::{self, Class, quoted_text};
use crate::engine;

/// What a method is given, read by place or name.
struct Given<'a> {
    method: &'a str,
    arguments: &'a [Argument],
}

impl<'a> Given<'a> {
    fn get(&self, place: usize, name: &str) -> Option<&'a Expr> {
        let by_name = self.arguments.iter().find(|given| given.name.as_deref() == Some(name));
        let by_place = self.arguments.get(place).filter(|given| given.name.is_none());
        by_name.or(by_place).map(|given| &given.value)
    }

    /// An error where anything else is given.
    fn only(&self, names: &[&str]) -> Compiled<()> {
        let strange = self.arguments.iter().enumerate().find(|(place, given)| match &given.name {
            Some(name) => !names.contains(&name.as_str()),
            None => *place >= names.len(),
        });
        match strange {
            None => Ok(()),
            Some((_, given)) => {
                let what =
                    given.name.as_ref().map_or("so much".to_owned(), |name| format!("`{name}`"));
                wrong(format!("`row_condition`: `{}` does not take {what}", self.method))
            }
        }
    }

    fn literal(&self, place: usize, name: &str) -> Compiled<Option<&'a Json>> {
        match self.get(place, name) {
            None => Ok(None),
            Some(Expr::Literal(literal)) => Ok(Some(literal)),
            Some(_) => {
                wrong(format!("`row_condition`: `{}` needs a value for `{name}`", self.method))
            }
        }
    }

    fn text(&self, place: usize, name: &str) -> Compiled<&'a str> {
        let text = self.literal(place, name)?.and_then(Json::as_str);
        match text {
            Some(text) => Ok(text),
            None => wrong(format!("`row_condition`: `{}` needs a text for `{name}`", self.method)),
        }
    }

    fn truth(&self, place: usize, name: &str, default: bool) -> Compiled<bool> {
        match self.literal(place, name)? {
            None | Some(Json::Null) => Ok(default),
            Some(Json::Bool(truth)) => Ok(*truth),
            Some(other) => {
                let method = self.method;
                wrong(format!("`row_condition`: `{method}` has {other} for `{name}`, not a truth"))
            }
        }
    }

    fn whole(&self, place: usize, name: &str) -> Compiled<Option<i64>> {
        match self.literal(place, name)? {
            None | Some(Json::Null) => Ok(None),
            Some(number) => match number.as_i64() {
                Some(whole) => Ok(Some(whole)),
                None => {
                    let method = self.method;
                    wrong(format!("`row_condition`: `{method}` needs a whole number for `{name}`"))
                }
            },
        }
    }
}

/// `target.name(arguments)`
pub(super) fn call(
    compiler: &Compiler<'_>,
    target: &Expr,
    name: &str,
    arguments: &[Argument],
) -> Compiled<Typed> {
    let given = Given { method: name, arguments };
    match target {
        Expr::Attribute(inner, space) if space == "str" => of_text(&text(compiler, inner)?, &given),
        _ => of_column(compiler, target, &given),
    }
}

/// `target.dt.name`
pub(super) fn attribute(compiler: &Compiler<'_>, target: &Expr, name: &str) -> Compiled<Typed> {
    let Expr::Attribute(inner, space) = target else {
        return foreign(format!("`row_condition` asks for `.{name}`, which is not known"));
    };
    if space != "dt" {
        return foreign(format!("`row_condition` asks for `.{space}.{name}`, which is not known"));
    }
    let time = compiler.typed(inner)?;
    if !matches!(time.class(), Class::Date | Class::Timestamp) {
        return wrong(format!(
            "`row_condition` asks `{}` for `.dt`, and it is no time",
            time.name()
        ));
    }
    let part = match name {
        "year" | "month" | "day" | "hour" | "minute" | "second" | "quarter" => name,
        "dayofyear" | "day_of_year" => "doy",
        // Monday is 0.
        "dayofweek" | "day_of_week" | "weekday" => {
            let sunday_first = format!("extract(dow from {})", time.sql);
            return Ok(Typed::number(format!("cast(({sunday_first} + 6) % 7 as double)")));
        }
        _ => return wrong(format!("`row_condition` asks for `.dt.{name}`, which is not known")),
    };
    Ok(Typed::number(format!("cast(extract({part} from {}) as double)", time.sql)))
}

/// `target.str[from:to]`
pub(super) fn slice(
    compiler: &Compiler<'_>,
    target: &Expr,
    from: Option<i64>,
    to: Option<i64>,
) -> Compiled<Typed> {
    match target {
        Expr::Attribute(inner, space) if space == "str" => cut(&text(compiler, inner)?, from, to),
        _ => foreign("`row_condition` takes a part of what is no text"),
    }
}

fn text(compiler: &Compiler<'_>, expression: &Expr) -> Compiled<Typed> {
    let text = compiler.typed(expression)?;
    match text.class() {
        Class::Text => Ok(text),
        _ => wrong("Can only use .str accessor with string values"),
    }
}

fn of_column(compiler: &Compiler<'_>, target: &Expr, given: &Given<'_>) -> Compiled<Typed> {
    let column = compiler.typed(target)?;
    let compare = |comparison| match given.get(0, "other") {
        Some(other) => compiler.compare(target, comparison, other).map(Typed::truth),
        None => wrong(format!("`row_condition`: `{}` needs a value", given.method)),
    };
    match given.method {
        "isnull" | "isna" => given.only(&[]).map(|()| Typed::truth(column.missing())),
        // GX's older grammar writes the second word as it likes.
        name if name == "notna" || name.eq_ignore_ascii_case("notnull") => {
            given.only(&[]).map(|()| Typed::truth(format!("(not {})", column.missing())))
        }
        "isin" => match given.get(0, "values") {
            Some(Expr::List(items)) => compiler.is_one_of(&column, items).map(Typed::truth),
            _ => wrong("`row_condition`: `isin` needs a list"),
        },
        "between" => between(compiler, target, given),
        "eq" => compare(Comparison::Sign("==")),
        "ne" => compare(Comparison::Sign("!=")),
        "lt" => compare(Comparison::Sign("<")),
        "le" => compare(Comparison::Sign("<=")),
        "gt" => compare(Comparison::Sign(">")),
        "ge" => compare(Comparison::Sign(">=")),
        "abs" => Ok(Typed::number(format!("abs({})", column.to_number()?))),
        "round" => {
            let decimals = given.whole(0, "decimals")?.unwrap_or(0);
            Ok(Typed::number(format!("round_even({}, {decimals})", column.to_number()?)))
        }
        "fillna" => filled(&column, given),
        "astype" if matches!(given.get(0, "dtype"), Some(Expr::Literal(Json::String(name))) if name == "str") => {
            Ok(Typed::text(match column.class() {
                Class::Text => column.sql,
                _ => format!("python_text({})", column.sql),
            }))
        }
        other => foreign(format!("`row_condition` calls `.{other}`, which is not known")),
    }
}

fn between(compiler: &Compiler<'_>, target: &Expr, given: &Given<'_>) -> Compiled<Typed> {
    let (low, high) = match given.literal(2, "inclusive")?.map(Json::as_str) {
        None | Some(Some("both")) => (">=", "<="),
        Some(Some("left")) => (">=", "<"),
        Some(Some("right")) => (">", "<="),
        Some(Some("neither")) => (">", "<"),
        Some(_) => {
            return wrong(
                "Inclusive has to be either string of 'both','left', 'right', or 'neither'.",
            );
        }
    };
    let (Some(left), Some(right)) = (given.get(0, "left"), given.get(1, "right")) else {
        return wrong("`row_condition`: `between` needs two bounds");
    };
    let low = compiler.compare(target, Comparison::Sign(low), left)?;
    let high = compiler.compare(target, Comparison::Sign(high), right)?;
    Ok(Typed::truth(format!("({low} and {high})")))
}

fn filled(column: &Typed, given: &Given<'_>) -> Compiled<Typed> {
    let written = given.literal(0, "value")?.cloned().unwrap_or_default();
    let Some(value) = literal::equal(&column.field, &written)? else {
        return wrong(format!("`row_condition` cannot fill `{}` with {written}", column.name()));
    };
    let sql = format!("case when {} then {value} else {} end", column.missing(), column.sql);
    Ok(Typed { sql, field: column.field.clone() })
}

fn of_text(text: &Typed, given: &Given<'_>) -> Compiled<Typed> {
    let sql = &text.sql;
    let is = |pattern: &str| Ok(Typed::truth(format!("python_search({sql}, '{pattern}')")));
    match given.method {
        "contains" => {
            given.only(&["pat", "case", "flags", "na", "regex"])?;
            let is_regex = given.truth(4, "regex", true)?;
            let written = given.text(0, "pat")?;
            let pattern = if is_regex { checked(written)? } else { escaped(written) };
            searched(text, &pattern, given.truth(1, "case", true)?, given.truth(3, "na", false)?)
        }
        "match" | "fullmatch" => {
            given.only(&["pat", "case", "flags", "na"])?;
            let end = if given.method == "match" { "" } else { "\\Z" };
            let pattern = format!("\\A(?:{}){end}", checked(given.text(0, "pat")?)?);
            searched(text, &pattern, given.truth(1, "case", true)?, given.truth(3, "na", false)?)
        }
        "startswith" | "endswith" => {
            given.only(&["pat", "na"])?;
            let pattern = escaped(given.text(0, "pat")?);
            let pattern = match given.method {
                "startswith" => format!("\\A{pattern}"),
                _ => format!("{pattern}\\Z"),
            };
            searched(text, &pattern, true, given.truth(1, "na", false)?)
        }
        "len" => Ok(Typed::number(format!("cast(length({sql}) as double)"))),
        "lower" | "upper" => Ok(Typed::text(format!("{}({sql})", given.method))),
        "strip" | "lstrip" | "rstrip" => stripped(text, given),
        "replace" => {
            given.only(&["pat", "repl", "regex"])?;
            if given.truth(2, "regex", false)? {
                return wrong("`row_condition`: `replace` takes no pattern here, only a text");
            }
            let (from, to) = (given.text(0, "pat")?, given.text(1, "repl")?);
            Ok(Typed::text(format!("replace({sql}, {}, {})", quoted_text(from), quoted_text(to))))
        }
        "slice" => cut(text, given.whole(0, "start")?, given.whole(1, "stop")?),
        "get" => match given.whole(0, "i")? {
            Some(place @ 0..) => Ok(Typed::text(format!(
                "nullif(substr({sql}, {}, 1), '')",
                place.saturating_add(1)
            ))),
            Some(place) => {
                let back = place.unsigned_abs();
                let there = format!("length({sql}) >= {back}");
                Ok(Typed::text(format!("case when {there} then left(right({sql}, {back}), 1) end")))
            }
            None => wrong("`row_condition`: `get` needs a place"),
        },
        "isdigit" | "isdecimal" | "isnumeric" => is("\\A\\d+\\Z"),
        "isalpha" => is("\\A[^\\W\\d_]+\\Z"),
        "isalnum" => is("\\A[^\\W_]+\\Z"),
        "isspace" => is("\\A\\s+\\Z"),
        "isupper" => Ok(Typed::truth(format!("({sql} = upper({sql}) and {sql} <> lower({sql}))"))),
        "islower" => Ok(Typed::truth(format!("({sql} = lower({sql}) and {sql} <> upper({sql}))"))),
        other => wrong(format!("`row_condition` calls `.str.{other}`, which is not known")),
    }
}

fn searched(text: &Typed, pattern: &str, case: bool, missing: bool) -> Compiled<Typed> {
    let pattern = if case { pattern.to_owned() } else { format!("(?i){pattern}") };
    engine::check_python_regex(&pattern).map_err(Problem::new)?;
    let search = format!("python_search({}, {})", text.sql, quoted_text(&pattern));
    Ok(Typed::truth(format!("coalesce({search}, {missing})")))
}

fn checked(pattern: &str) -> Compiled<String> {
    engine::check_python_regex(pattern).map_err(Problem::new)?;
    Ok(pattern.to_owned())
}

/// A pattern that finds the text itself.
fn escaped(text: &str) -> String {
    let escape = |c: char| {
        let is_special = "\\.+*?()|[]{}^$#&-~".contains(c);
        is_special.then_some('\\').into_iter().chain([c])
    };
    text.chars().flat_map(escape).collect()
}

fn stripped(text: &Typed, given: &Given<'_>) -> Compiled<Typed> {
    given.only(&["to_strip"])?;
    let sql = &text.sql;
    let (ends, function) = match given.method {
        "strip" => ("^\\s+|\\s+$", "btrim"),
        "lstrip" => ("^\\s+", "ltrim"),
        _ => ("\\s+$", "rtrim"),
    };
    Ok(Typed::text(match given.literal(0, "to_strip")? {
        None | Some(Json::Null) => format!("regexp_replace({sql}, '{ends}', '', 'g')"),
        Some(_) => {
            format!("{function}({sql}, {})", quoted_text(given.text(0, "to_strip")?))
        }
    }))
}

fn cut(text: &Typed, from: Option<i64>, to: Option<i64>) -> Compiled<Typed> {
    let sql = &text.sql;
    let from = from.unwrap_or(0);
    Ok(Typed::text(match (from, to) {
        (0.., None) => format!("substr({sql}, {})", from.saturating_add(1)),
        (0.., Some(to @ 0..)) => {
            let count = to.saturating_sub(from).max(0);
            format!("substr({sql}, {}, {count})", from.saturating_add(1))
        }
        (..0, None) => format!("right({sql}, {})", from.unsigned_abs()),
        _ => {
            return wrong(
                "`row_condition` takes a part of a text that ends so many before its end",
            );
        }
    }))
}
