//! The contract of a source: its declared columns and their constraints.

use super::super::jinja::Lookup;
use super::super::properties::ColumnProperties;
use super::super::yaml::{self, Yaml};
use super::columns::{self, UnknownType};
use super::constraints::{self, Place};
use super::declare::{Declared, SourceNode};
use super::reading;
use crate::base::{Diagnostic, Diagnostics, Span};
use crate::rules::{ColumnRule, ColumnType, Contract};

/// The contract, if any column has a type.
pub(super) fn read(
    source: &SourceNode,
    declared: &Declared,
    lookup: &Lookup,
    refuse_extra_columns: bool,
    problems: &mut Diagnostics,
) -> Option<Contract> {
    let described = &source.properties.columns;
    if described.iter().all(|column| column.data_type.is_none()) {
        untyped(source, problems);
        return None;
    }
    let mut contract =
        Contract { ignore_extra_columns: !refuse_extra_columns, ..Contract::default() };
    let names: Vec<String> = described.iter().map(|column| column.name.clone()).collect();
    for column in described {
        contract.columns.push(rule(column, problems));
    }
    for column in described {
        let place = Place { column: Some(&column.name), names: &names };
        for constraint in &column.constraints {
            constraints::apply(constraint, &place, declared, lookup, &mut contract, problems);
        }
    }
    let place = Place { column: None, names: &names };
    for constraint in &source.properties.constraints {
        constraints::apply(constraint, &place, declared, lookup, &mut contract, problems);
    }
    constraints::name_checks(&mut contract);
    Some(contract)
}

/// Where the expressions of the contract's checks stand, in the order of the checks.
pub(super) fn check_spans(source: &SourceNode) -> Vec<Span> {
    let of_columns = source.properties.columns.iter().flat_map(|column| &column.constraints);
    let constraints = of_columns.chain(&source.properties.constraints);
    constraints
        .filter(|it| it.get("type").and_then(Yaml::as_text) == Some("check"))
        .filter_map(|check| check.get("expression"))
        .map(|expression| expression.span.clone())
        .collect()
}

/// Constraints need to know the type of every column.
fn untyped(source: &SourceNode, problems: &mut Diagnostics) {
    let of_columns = source.properties.columns.iter().flat_map(|column| &column.constraints);
    if let Some(first) = of_columns.chain(&source.properties.constraints).next() {
        let message = "constraints need a `data_type` for every column of the table";
        problems.push(Diagnostic::error(message).at(first.span.clone()));
    }
}

fn rule(column: &ColumnProperties, problems: &mut Diagnostics) -> ColumnRule {
    let data_type = match &column.data_type {
        Some((text, span)) => {
            // What is wrong with it has been said of the column as documented.
            columns::data_type(text, span, UnknownType::Refused, &mut Diagnostics::default())
        }
        None => {
            let message = format!(
                "the column `{}` has no `data_type`; with one for any column, all need one",
                column.name
            );
            problems.push(Diagnostic::error(message).at(column.span.clone()));
            None
        }
    };
    let mut rule = ColumnRule {
        name: column.name.clone(),
        data_type: data_type.unwrap_or(ColumnType::Text),
        not_null: false,
        format: None,
        null_values: Vec::new(),
    };
    for meta in &column.meta {
        if let Some(format) = meta.get("format") {
            rule.format = yaml::text(format, "`format`", problems);
        }
        if let Some(nulls) = meta.get("null_values").or_else(|| meta.get("nullstr")) {
            rule.null_values = reading::spellings(nulls, problems);
        }
    }
    rule
}
