//! The sources of a new project: a contract for each table that all its rows hold to.

use super::NewFile;
use super::facts::{Column, Table, is_name, is_number};
use super::project::{SOURCE, identifier, is_plain, new_file, quoted, yaml};
use crate::ingest::survey::SurveyedColumn;
use crate::rules::{ColumnType, Encoding, Quote, ReadOptions, RecordTerminator};

const FRONT: &str = "\
version: 2

# Made by `clearwell init` from all rows of the files: every rule below holds for them. Keep what is meant; loosen or take
# out what is chance. Rows that break a rule go to quarantine with their file and line; `max_rejects` says how many may.
sources:
";

pub(super) fn sources(tables: &[Table]) -> NewFile {
    let mut out = format!("{FRONT}  - name: {SOURCE}\n    tables:\n");
    for (index, table) in tables.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out += &of_table(table);
    }
    new_file("models/sources.yml".to_owned(), out)
}

fn of_table(table: &Table) -> String {
    let mut out = format!("      - name: {}\n        meta:\n", yaml(&table.name));
    out += &format!("          external_location: {}\n", quoted(&table.location));
    for (key, value) in settings(&table.survey.options) {
        out += &format!("          {key}: {value}\n");
    }
    out += "        columns:\n";
    for (column, facts) in table.surveyed() {
        out += &of_column(table, column, facts);
    }
    if table.key.len() > 1 {
        let columns: Vec<String> = table.key.iter().map(|column| yaml(column)).collect();
        let columns = columns.join(", ");
        out += &format!(
            "        constraints:\n          - {{type: primary_key, columns: [{columns}]}}\n"
        );
    }
    out
}

/// What differs from a CSV file as it should be.
fn settings(options: &ReadOptions) -> Vec<(&'static str, String)> {
    let default = ReadOptions::default();
    let mut settings = Vec::new();
    if options.header != default.header {
        settings.push(("header", options.header.to_string()));
    }
    if options.delimiter != default.delimiter {
        settings.push(("delimiter", quoted(&options.delimiter)));
    }
    if let RecordTerminator::Text(text) = &options.terminator {
        settings.push(("record_terminator", quoted(text)));
    }
    match options.quote {
        Quote::Char('"') => {}
        Quote::Char(quote) => settings.push(("quote", quoted(&quote.to_string()))),
        Quote::None => settings.push(("quote", "none".to_owned())),
    }
    let encoding = match options.encoding {
        Encoding::Utf8 => return settings,
        Encoding::Latin1 => "latin-1",
        Encoding::Utf16 => "utf-16",
        Encoding::Utf16Le => "utf-16le",
        Encoding::Utf16Be => "utf-16be",
    };
    settings.push(("encoding", encoding.to_owned()));
    settings
}

fn of_column(table: &Table, column: &SurveyedColumn, facts: &Column) -> String {
    let rule = &column.rule;
    let mut out = format!("          - name: {}\n", yaml(&rule.name));
    out += &format!("            data_type: {}\n", rule.data_type);
    let mut meta = Vec::new();
    if let Some(format) = &rule.format {
        meta.push(format!("format: {}", quoted(format)));
    }
    if !rule.null_values.is_empty() {
        let words: Vec<String> = rule.null_values.iter().map(|word| quoted(word)).collect();
        meta.push(format!("null_values: [{}]", words.join(", ")));
    }
    if !meta.is_empty() {
        out += &format!("            meta: {{{}}}\n", meta.join(", "));
    }
    if !column.ambiguous.is_empty() {
        let formats = column.ambiguous.join(" or ");
        out += &format!(
            "            # Looks like {formats}, and all values fit both. Once you know: `data_type: date` and\n            \
             # `meta: {{format: …}}`.\n"
        );
    }
    let constraints = constraints(table, column, facts);
    if !constraints.is_empty() {
        out += "            constraints:\n";
        for constraint in constraints {
            out += &format!("              - {{{constraint}}}\n");
        }
    }
    let tests = tests(table, column, facts);
    if !tests.is_empty() {
        out += "            data_tests:\n";
        out += &tests.concat();
    }
    out
}

fn tests(table: &Table, column: &SurveyedColumn, facts: &Column) -> Vec<String> {
    const WARN: &str = "                  config: {severity: warn}\n";
    let rule = &column.rule;
    let mut tests = Vec::new();
    if facts.unique && table.key.as_slice() != std::slice::from_ref(&rule.name) {
        tests.push(format!("              - unique:\n{WARN}"));
    }
    if rule.data_type == ColumnType::Text && !facts.values.is_empty() && is_plain(&rule.name) {
        let values: Vec<String> = facts.values.iter().map(|value| quoted(value)).collect();
        tests.push(format!(
            "              - accepted_values:\n                  arguments: {{values: [{}]}}\n",
            values.join(", ")
        ));
    }
    tests
}

fn constraints(table: &Table, column: &SurveyedColumn, facts: &Column) -> Vec<String> {
    let name = &column.rule.name;
    let mut constraints = Vec::new();
    if table.key.as_slice() == std::slice::from_ref(name) {
        constraints.push("type: primary_key".to_owned());
    } else if facts.nulls == 0 && table.rows > 0 && !table.key.contains(name) {
        constraints.push("type: not_null".to_owned());
    }
    for reference in table.references.iter().filter(|reference| reference.column == *name) {
        let to = format!("source('{SOURCE}', '{}')", reference.to);
        constraints.push(format!(
            "type: foreign_key, to: {}, to_columns: [{}]",
            quoted(&to),
            yaml(&reference.to_column)
        ));
    }
    if is_number(column.rule.data_type) && !is_name(table, name) {
        let at_least_zero = facts.range.as_ref().and_then(|(low, _)| low.parse::<f64>().ok());
        if at_least_zero.is_some_and(|low| low >= 0.0) {
            let expression = format!("{} >= 0", identifier(name));
            constraints.push(format!("type: check, expression: {}", quoted(&expression)));
        }
    }
    constraints
}
