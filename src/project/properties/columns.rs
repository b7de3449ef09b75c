//! `columns:` of models, seeds and source tables.

use super::super::yaml::{self, Yaml};
use crate::base::{Diagnostic, Diagnostics, Span};

#[derive(Clone, Debug)]
pub(in crate::project) struct ColumnProperties {
    pub(in crate::project) name: String,
    pub(in crate::project) span: Span,
    pub(in crate::project) description: (String, Option<Span>),
    pub(in crate::project) data_type: Option<(String, Span)>,
    pub(in crate::project) tests: Vec<Yaml>,
    pub(in crate::project) constraints: Vec<Yaml>,
    /// `meta` mappings, the later counting more.
    pub(in crate::project) meta: Vec<Yaml>,
}

const KNOWN: [&str; 13] = [
    "name",
    "description",
    "data_type",
    "tests",
    "data_tests",
    "constraints",
    "meta",
    "config",
    "tags",
    "quote",
    "policy_tags",
    "granularity",
    "dimension",
];

pub(super) fn read(owner: &Yaml, problems: &mut Diagnostics) -> Vec<ColumnProperties> {
    let mut columns: Vec<ColumnProperties> = Vec::new();
    for item in super::list(owner, "columns", problems) {
        let Some(column) = column(&item, problems) else { continue };
        let same = |known: &&ColumnProperties| known.name.eq_ignore_ascii_case(&column.name);
        if columns.iter().any(|known| same(&known)) {
            let message = format!("the column `{}` is described twice", column.name);
            problems.push(Diagnostic::error(message).at(column.span));
        } else {
            columns.push(column);
        }
    }
    columns
}

fn column(item: &Yaml, problems: &mut Diagnostics) -> Option<ColumnProperties> {
    let (name, span) = yaml::name_of(item, "a column", problems)?;
    yaml::check_keys(item, "a column", &KNOWN, problems);
    let data_type = item.get("data_type").and_then(|written| {
        Some((yaml::text(written, "`data_type`", problems)?, written.span.clone()))
    });
    Some(ColumnProperties {
        name,
        span,
        description: super::description(item, problems),
        data_type,
        tests: super::tests(item, problems),
        constraints: super::list(item, "constraints", problems),
        meta: super::meta_layers(item),
    })
}
