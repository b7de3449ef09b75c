//! A condition's tree as SQL that means what it means to pandas: missing values (null, NaN) compare as different from everything.

use arrow::datatypes::{DataType, Field, SchemaRef};
use serde_json::Value as Json;

use super::methods;
use super::parse::{Argument, Comparison, Expr, Joint};
use crate::checks::expectations::Problem;
use crate::checks::expectations::arguments::quoted;
use crate::checks::expectations::kinds::comparable;
use crate::checks::expectations::literal::{self, Class};
use crate::checks::expectations::values;

/// Why a tree gives no SQL.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may be something else than pandas' language.
    Foreign(Problem),
    Wrong(Problem),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Wrong(problem)
    }
}

impl Failure {
    pub(super) fn into_problem(self) -> Problem {
        let (Self::Foreign(problem) | Self::Wrong(problem)) = self;
        problem
    }
}

pub(super) type Compiled<T> = Result<T, Failure>;

pub(super) fn wrong<T>(message: impl Into<String>) -> Compiled<T> {
    Err(Failure::Wrong(Problem::new(message)))
}

pub(super) fn foreign<T>(message: impl Into<String>) -> Compiled<T> {
    Err(Failure::Foreign(Problem::new(message)))
}

/// What an expression gives for a row.
pub(super) enum Value {
    Literal(Json),
    List(Vec<Expr>),
    Of(Typed),
}

/// SQL that gives a value of a type, which `field` says; it has the column's name where it is one as it stands.
#[derive(Clone)]
pub(super) struct Typed {
    pub(super) sql: String,
    pub(super) field: Field,
}

impl Typed {
    pub(super) fn new(sql: String, data_type: DataType) -> Self {
        Self { sql, field: Field::new("the value", data_type, true) }
    }

    pub(super) fn number(sql: String) -> Self {
        Self::new(sql, DataType::Float64)
    }

    pub(super) fn text(sql: String) -> Self {
        Self::new(sql, DataType::Utf8)
    }

    pub(super) fn truth(sql: String) -> Self {
        Self::new(sql, DataType::Boolean)
    }

    pub(super) fn class(&self) -> Class {
        literal::class(&self.field)
    }

    pub(super) fn name(&self) -> &str {
        self.field.name()
    }

    /// Null, or NaN.
    pub(super) fn missing(&self) -> String {
        match self.field.data_type().is_floating() {
            true => format!("({0} is null or isnan({0}))", self.sql),
            false => format!("({} is null)", self.sql),
        }
    }

    /// As a double; truths are 0 and 1.
    pub(super) fn to_number(&self) -> Compiled<String> {
        match self.class() {
            Class::Number if *self.field.data_type() == DataType::Float64 => Ok(self.sql.clone()),
            Class::Number => Ok(format!("cast({} as double)", self.sql)),
            Class::Boolean => Ok(format!("cast(cast({} as bigint) as double)", self.sql)),
            _ => wrong(format!(
                "`row_condition` computes with `{}`, which is no number",
                self.name()
            )),
        }
    }
}

/// Compiles trees over the columns of a table.
pub(super) struct Compiler<'a> {
    pub(super) schema: &'a SchemaRef,
}

impl Compiler<'_> {
    /// SQL that is true or false for each row.
    pub(super) fn condition(&self, expression: &Expr) -> Compiled<String> {
        match expression {
            Expr::Not(inner) => Ok(format!("(not {})", self.condition(inner)?)),
            Expr::Joined(joint, parts) => {
                let word = if *joint == Joint::And { " and " } else { " or " };
                let parts: Compiled<Vec<String>> =
                    parts.iter().map(|part| self.condition(part)).collect();
                Ok(format!("({})", parts?.join(word)))
            }
            Expr::Compared(first, others) => self.compared(first, others),
            other => match self.value(other)? {
                Value::Literal(Json::Bool(truth)) => Ok(truth.to_string()),
                Value::Of(typed) if typed.class() == Class::Boolean => {
                    Ok(format!("coalesce({}, false)", typed.sql))
                }
                Value::Of(typed) => {
                    wrong(format!("`row_condition` takes `{}` for a condition", typed.name()))
                }
                _ => foreign("`row_condition` takes a value for a condition"),
            },
        }
    }

    pub(super) fn value(&self, expression: &Expr) -> Compiled<Value> {
        Ok(match expression {
            Expr::Literal(literal) => Value::Literal(literal.clone()),
            Expr::List(items) => Value::List(items.clone()),
            Expr::Name(name) => Value::Of(self.column(name)?),
            Expr::Not(_) | Expr::Joined(..) | Expr::Compared(..) => {
                Value::Of(Typed::truth(self.condition(expression)?))
            }
            Expr::Arithmetic(left, sign, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                Value::Of(Typed::number(arithmetic(&left, sign, &right)))
            }
            Expr::Call(function, arguments) => match function.as_ref() {
                Expr::Name(name) => self.function(name, arguments)?,
                Expr::Attribute(target, name) => {
                    Value::Of(methods::call(self, target, name, arguments)?)
                }
                _ => return foreign("`row_condition` calls what is no function"),
            },
            Expr::Attribute(target, name) => Value::Of(methods::attribute(self, target, name)?),
            Expr::Slice(target, from, to) => Value::Of(methods::slice(self, target, *from, *to)?),
        })
    }

    pub(super) fn column(&self, name: &str) -> Compiled<Typed> {
        let field = self.schema.field_with_name(name);
        let field = field
            .or_else(|_| wrong(format!("`row_condition` names `{name}`, which is no column")))?;
        Ok(Typed { sql: quoted(field.name()), field: field.clone() })
    }

    /// A value of the table's rows, not one that is written.
    pub(super) fn typed(&self, expression: &Expr) -> Compiled<Typed> {
        match self.value(expression)? {
            Value::Of(typed) => Ok(typed),
            _ => foreign("`row_condition` calls a method of a value that is no column's"),
        }
    }

    fn number(&self, expression: &Expr) -> Compiled<String> {
        match self.value(expression)? {
            Value::Of(typed) => typed.to_number(),
            Value::Literal(Json::Number(number)) => Ok(double(&number.to_string())),
            Value::Literal(Json::Bool(truth)) => Ok(double(&u8::from(truth).to_string())),
            _ => wrong("`row_condition` computes with what is no number"),
        }
    }

    /// `col("name")` and `date("2024-01-01")` of GX's older grammar, and numpy's functions.
    fn function(&self, name: &str, arguments: &[Argument]) -> Compiled<Value> {
        let only = match arguments {
            [Argument { name: None, value }] => Some(value),
            _ => None,
        };
        match (name, only) {
            ("col", Some(Expr::Literal(Json::String(column)))) => {
                Ok(Value::Of(self.column(column)?))
            }
            ("date", Some(Expr::Literal(date @ Json::String(_)))) => {
                Ok(Value::Literal(date.clone()))
            }
            (_, Some(argument)) => match numpy(name) {
                Some(function) => {
                    Ok(Value::Of(Typed::number(format!("{function}({})", self.number(argument)?))))
                }
                None => foreign(format!("`row_condition` calls `{name}`, which is not known")),
            },
            _ => foreign(format!("`row_condition` calls `{name}`, which is not known")),
        }
    }

    fn compared(&self, first: &Expr, others: &[(Comparison, Expr)]) -> Compiled<String> {
        let mut left = first;
        let mut conditions = Vec::new();
        for (comparison, right) in others {
            conditions.push(self.compare(left, *comparison, right)?);
            left = right;
        }
        match conditions.as_slice() {
            [one] => Ok(one.clone()),
            all => Ok(format!("({})", all.join(" and "))),
        }
    }

    pub(super) fn compare(
        &self,
        left: &Expr,
        comparison: Comparison,
        right: &Expr,
    ) -> Compiled<String> {
        let (left, right) = (self.value(left)?, self.value(right)?);
        let negated = |sql: String| format!("(not {sql})");
        match comparison {
            Comparison::Sign("!=") | Comparison::NotIn => Ok(negated(self.equal(left, right)?)),
            Comparison::Sign("==") | Comparison::In => self.equal(left, right),
            Comparison::Sign(sign) => ordered(left, sign, right),
        }
    }

    /// Also whether one is in a list: pandas takes `x == [1, 2]` and `x in [1, 2]` for the same.
    fn equal(&self, left: Value, right: Value) -> Compiled<String> {
        match (left, right) {
            (Value::Of(typed), Value::List(items)) | (Value::List(items), Value::Of(typed)) => {
                self.is_one_of(&typed, &items)
            }
            (Value::Of(typed), Value::Literal(literal))
            | (Value::Literal(literal), Value::Of(typed)) => Ok(equal_literal(&typed, &literal)?),
            (Value::Of(one), Value::Of(other)) => Ok(equal_values(&one, &other)),
            (Value::Literal(_) | Value::List(_), Value::Literal(_) | Value::List(_)) => {
                foreign("`row_condition` compares two values of which none is a column's")
            }
        }
    }

    /// Whether the value is one of those; a missing text is one where `None` is among them.
    pub(super) fn is_one_of(&self, typed: &Typed, items: &[Expr]) -> Compiled<String> {
        let (mut known, mut conditions) = (Vec::new(), Vec::new());
        for item in items {
            match self.value(item)? {
                Value::Literal(Json::Null) if typed.class() == Class::Text => {
                    conditions.push(typed.missing());
                }
                Value::Literal(written) => {
                    known.extend(literal::equal(&typed.field, &written).ok().flatten());
                }
                other @ Value::Of(_) => {
                    conditions.push(self.equal(Value::Of(typed.clone()), other)?);
                }
                Value::List(_) => return wrong("`row_condition` has a list within a list"),
            }
        }
        if !known.is_empty() {
            conditions.push(format!("coalesce({} in ({}), false)", typed.sql, known.join(", ")));
        }
        match conditions.is_empty() {
            true => Ok("false".to_owned()),
            false => Ok(format!("({})", conditions.join(" or "))),
        }
    }
}

/// What never equals is no error: a number and a text, a time and what is none.
fn equal_literal(typed: &Typed, written: &Json) -> Compiled<String> {
    Ok(match literal::equal(&typed.field, written).ok().flatten() {
        Some(known) => format!("coalesce({} = {known}, false)", typed.sql),
        None => "false".to_owned(),
    })
}

fn equal_values(one: &Typed, other: &Typed) -> String {
    match aligned(one, other) {
        Some((left, right)) => {
            let [one, other] = [one, other].map(is_there);
            format!("coalesce({left} = {right}{one}{other}, false)")
        }
        None => "false".to_owned(),
    }
}

/// ` and not NaN`, which SQL takes for equal to itself and greater than all.
fn is_there(typed: &Typed) -> String {
    match typed.field.data_type().is_floating() {
        true => format!(" and not isnan({})", typed.sql),
        false => String::new(),
    }
}

/// Both so that SQL compares them; `None` where Python does not.
fn aligned(one: &Typed, other: &Typed) -> Option<(String, String)> {
    let is_number = |typed: &Typed| matches!(typed.class(), Class::Number | Class::Boolean);
    if one.class() != other.class() && is_number(one) && is_number(other) {
        return one.to_number().ok().zip(other.to_number().ok());
    }
    comparable(&one.field, &other.field).then(|| (one.sql.clone(), other.sql.clone()))
}

fn ordered(left: Value, sign: &str, right: Value) -> Compiled<String> {
    match (left, right) {
        (Value::Of(typed), Value::Literal(literal)) => ordered_literal(&typed, sign, &literal),
        (Value::Literal(literal), Value::Of(typed)) => {
            let turned = match sign {
                "<" => ">",
                ">" => "<",
                "<=" => ">=",
                _ => "<=",
            };
            ordered_literal(&typed, turned, &literal)
        }
        (Value::Of(one), Value::Of(other)) => {
            let Some((left, right)) = aligned(&one, &other) else {
                let (one, other) = (one.name(), other.name());
                return wrong(format!("`row_condition` cannot compare `{one}` with `{other}`"));
            };
            let [one, other] = [&one, &other].map(is_there);
            Ok(format!("coalesce({left} {sign} {right}{one}{other}, false)"))
        }
        (Value::Literal(left), Value::Literal(right)) => match values::compare(&left, &right) {
            Some(order) => Ok(match sign {
                "<" => order.is_lt(),
                "<=" => order.is_le(),
                ">" => order.is_gt(),
                _ => order.is_ge(),
            }
            .to_string()),
            None => foreign(format!("`row_condition` cannot compare {left} with {right}")),
        },
        _ => wrong("`row_condition` cannot order a list"),
    }
}

fn ordered_literal(typed: &Typed, sign: &str, written: &Json) -> Compiled<String> {
    if written.is_null() {
        return Ok("false".to_owned());
    }
    // A truth is a number in order.
    let numeric = match typed.class() {
        Class::Boolean => Some(Typed::number(typed.to_number()?)),
        _ => None,
    };
    let typed = numeric.as_ref().unwrap_or(typed);
    match literal::equal(&typed.field, written)? {
        Some(known) => {
            let there = is_there(typed);
            Ok(format!("coalesce({} {sign} {known}{there}, false)", typed.sql))
        }
        None => {
            let name = typed.name();
            wrong(format!("`row_condition` cannot compare `{name}` with {written}"))
        }
    }
}

fn arithmetic(left: &str, sign: &str, right: &str) -> String {
    match sign {
        "//" => format!("floor({left} / {right})"),
        // Python's remainder has the sign of the divisor.
        "%" => format!("({left} - {right} * floor({left} / {right}))"),
        "**" => format!("power({left}, {right})"),
        _ => format!("({left} {sign} {right})"),
    }
}

pub(super) fn double(number: &str) -> String {
    format!("cast('{number}' as double)")
}

/// SQL's name of a function that numpy has.
fn numpy(name: &str) -> Option<&'static str> {
    Some(match name {
        "abs" => "abs",
        "sqrt" => "sqrt",
        "exp" => "exp",
        "log" => "ln",
        "log10" => "log10",
        "floor" => "floor",
        "ceil" => "ceil",
        "sin" => "sin",
        "cos" => "cos",
        "tan" => "tan",
        _ => return None,
    })
}
