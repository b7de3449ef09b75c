//! GX's conditions as JSON objects, as trees of pandas' language: GX writes them in it too.
//!
//! Source: GX's `row_conditions.py`.

use serde_json::Value as Json;

use super::parse::{Comparison, Expr, Joint, parse};
use crate::checks::expectations::Problem;

/// # Errors
/// If GX would not take it.
pub(super) fn read(condition: &Json) -> Result<Expr, Problem> {
    let joined = |joint: Joint| {
        let parts = condition["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        let parts: Vec<Expr> = parts.iter().map(read).collect::<Result<_, _>>()?;
        match parts.is_empty() {
            true => Err(Problem::new("`row_condition` has a group without conditions")),
            false => Ok(Expr::Joined(joint, parts)),
        }
    };
    match condition["type"].as_str() {
        Some("comparison") => comparison(condition),
        Some("nullity") => {
            let method = match condition["is_null"].as_bool() {
                Some(true) => "isnull",
                Some(false) => "notnull",
                None => return Err(Problem::new("`row_condition` needs `is_null`, true or false")),
            };
            let column = Box::new(column(condition)?);
            Ok(Expr::Call(Box::new(Expr::Attribute(column, method.to_owned())), Vec::new()))
        }
        Some("and") => joined(Joint::And),
        Some("or") => joined(Joint::Or),
        Some("pass_through") => {
            let text = condition["pass_through_filter"].as_str();
            let text =
                text.ok_or_else(|| Problem::new("`row_condition` needs `pass_through_filter`"))?;
            parse(text)
                .ok_or_else(|| Problem::new(format!("`row_condition` cannot be read: {text}")))
        }
        _ => {
            Err(Problem::new(format!("Unable to determine Condition type from dict: {condition}")))
        }
    }
}

fn column(condition: &Json) -> Result<Expr, Problem> {
    let column = &condition["column"];
    let name = column["name"].as_str().or(column.as_str());
    let name = name.ok_or_else(|| Problem::new("`row_condition` names no `column`"))?;
    Ok(Expr::Name(name.to_owned()))
}

fn comparison(condition: &Json) -> Result<Expr, Problem> {
    let column = column(condition)?;
    let parameter = &condition["parameter"];
    let set = || match parameter {
        Json::Array(items) => {
            let kind = |item: &Json| (item.is_number(), item.is_string());
            let is_plain = |item: &Json| item.is_number() || item.is_string();
            let first = items.first().map(kind);
            if items.iter().any(|item| !is_plain(item) || Some(kind(item)) != first) {
                let message = "`row_condition` takes a set of numbers or of texts";
                return Err(Problem::new(format!("{message}, not {parameter}")));
            }
            Ok(Expr::List(items.iter().cloned().map(Expr::Literal).collect()))
        }
        _ => Err(Problem::new(format!("`row_condition` needs a list, not {parameter}"))),
    };
    let value = || match parameter {
        Json::Null => Err(Problem::new("Invalid Parameter type: null; ask for `nullity` instead")),
        Json::Array(items) => Ok(Expr::List(items.iter().cloned().map(Expr::Literal).collect())),
        parameter => Ok(Expr::Literal(parameter.clone())),
    };
    let (comparison, right) = match condition["operator"].as_str() {
        Some("IN") => (Comparison::In, set()?),
        Some("NOT_IN") => (Comparison::NotIn, set()?),
        Some("==") => (Comparison::Sign("=="), value()?),
        Some("!=") => (Comparison::Sign("!="), value()?),
        Some("<") => (Comparison::Sign("<"), value()?),
        Some("<=") => (Comparison::Sign("<="), value()?),
        Some(">") => (Comparison::Sign(">"), value()?),
        Some(">=") => (Comparison::Sign(">="), value()?),
        _ => {
            let message = "`row_condition` has no such operator";
            return Err(Problem::new(format!("{message}: {condition}")));
        }
    };
    Ok(Expr::Compared(Box::new(column), vec![(comparison, right)]))
}
