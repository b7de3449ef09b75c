//! Generic tests that are macros: the SQL that one gives with its arguments, as dbt calls it.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::Value;
use serde_json::{Map, Value as Json};

use super::super::jinja::{
    Lookup, MacroTable, Phase, Relation, Rendering, TemplateError, from_json, to_diagnostic_at,
    to_json,
};
use super::super::load::Workshop;
use super::super::sql::CompiledSql;
use super::generic_test::Use;
use super::references;
use crate::base::{Diagnostics, NodeId};

/// A test, and what its macro is called with.
pub(super) struct Call<'a> {
    pub(super) test: &'a Use,
    /// The macro's key.
    pub(super) key: String,
    pub(super) column: Option<&'a str>,
    /// What is tested.
    pub(super) model: Relation,
    /// The `where` of its configuration.
    pub(super) filter: Option<String>,
}

/// What the macro gave.
pub(super) struct Rendered {
    pub(super) sql: CompiledSql,
    /// See `CheckKind::Generic`.
    pub(super) row_condition: Option<String>,
    /// What it says in `config(…)`: what goes where the use of the test says nothing.
    pub(super) config: Map<String, Json>,
    pub(super) depends_on: BTreeSet<NodeId>,
}

/// Evaluates the Jinja in the configuration of a use: `severity: "{{ 'error' if … else 'warn' }}"`.
pub(super) fn render_configuration(
    workshop: &Workshop,
    lookup: &Arc<Lookup>,
    test: &mut Use,
    problems: &mut Diagnostics,
) {
    let rendering = Rendering::new(Phase::Compile(lookup.clone()), Json::Null, None);
    let rendering = Arc::new(rendering);
    let kind_span = test.kind_span.clone();
    test.configuration.render(|text, span| {
        match evaluated(workshop, &rendering, &Json::String(text.to_owned())) {
            Ok(value) => Some(to_json(&value)),
            Err(error) => {
                let (names, place) = (workshop.scope(&rendering), span.unwrap_or(&kind_span));
                let names = names.names();
                problems.push(to_diagnostic_at(&error, &workshop.templates, names, place));
                None
            }
        }
    });
}

/// Calls the macro.
pub(super) fn render(
    workshop: &Workshop,
    lookup: &Arc<Lookup>,
    call: &Call<'_>,
    problems: &mut Diagnostics,
) -> Option<Rendered> {
    let definition = workshop.macros.get(&call.key)?.clone();
    if !definition.takes_others() {
        let known: Vec<&str> = definition.parameters().collect();
        call.test.check_arguments(&known, problems);
    }
    let rendering = Rendering::new(Phase::Compile(lookup.clone()), Json::Null, None);
    let rendering = Arc::new(rendering);
    let outcome = arguments(workshop, &rendering, call).and_then(|arguments| {
        let condition = condition(workshop, &rendering, call, &arguments)?;
        let sql = called(workshop, &rendering, &call.key, &arguments)?;
        Ok((sql, condition))
    });
    let (text, row_condition) = match outcome {
        Ok(rendered) => rendered,
        Err(error) => {
            let problem = workshop.diagnose(&error);
            let place = problem.span.clone().unwrap_or_else(|| call.test.kind_span.clone());
            let (file, (line, _)) =
                (call.test.kind_span.source.path.display(), call.test.kind_span.line_column());
            problems.push(problem.at(place).hint(format!("the test is used at {file}:{line}")));
            return None;
        }
    };
    let record = rendering.take_record();
    let who = format!("the test `{}`", call.test.kind);
    let source = &call.test.kind_span.source;
    let depends_on = references::resolve(&who, source, &record.references, lookup, problems);
    let text = text.trim().trim_end_matches(';').to_owned();
    let sql = CompiledSql { text, template: definition.source().clone(), map: Vec::new() };
    Some(Rendered { sql, row_condition, config: record.config, depends_on })
}

/// `model`, `column_name` and what the use of the test gives.
///
/// Source: dbt-core's `clients/jinja.py`, `add_rendered_test_kwargs`.
fn arguments(
    workshop: &Workshop,
    rendering: &Arc<Rendering>,
    call: &Call<'_>,
) -> Result<Vec<(String, Value)>, TemplateError> {
    let model = Value::from_object(call.model.clone());
    let model = match &call.filter {
        Some(filter) => Value::from(format!("(select * from {model} where {filter}) dbt_subquery")),
        None => model,
    };
    let mut arguments = vec![("model".to_owned(), model)];
    for (name, written) in call.test.arguments(call.column) {
        let value = match name.as_str() {
            "column_name" => from_json(&written),
            _ => evaluated(workshop, rendering, &written)?,
        };
        arguments.push((name, value));
    }
    Ok(arguments)
}

/// An argument as written, or what its Jinja gives: `ref('orders')` is a relation with or without braces.
fn evaluated(
    workshop: &Workshop,
    rendering: &Arc<Rendering>,
    written: &Json,
) -> Result<Value, TemplateError> {
    match written {
        Json::String(text) => {
            let scope = workshop.scope(rendering);
            let bare = text.trim();
            let braced = bare.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            match braced.filter(|inner| !inner.contains("{{")) {
                Some(inner) => workshop.templates.evaluate(inner, scope),
                None if is_call(bare) => workshop.templates.evaluate(bare, scope),
                None if text.contains("{{") || text.contains("{%") => {
                    workshop.templates.render_text(text, scope).map(Value::from)
                }
                None => Ok(Value::from(text.as_str())),
            }
        }
        Json::Array(items) => {
            let items = items.iter().map(|item| evaluated(workshop, rendering, item));
            Ok(Value::from(items.collect::<Result<Vec<_>, _>>()?))
        }
        Json::Object(entries) => {
            let pair = |(key, item): (&String, &Json)| {
                Ok((key.clone(), evaluated(workshop, rendering, item)?))
            };
            Ok(Value::from_pairs(
                entries.iter().map(pair).collect::<Result<Vec<_>, TemplateError>>()?,
            ))
        }
        other => Ok(from_json(other)),
    }
}

fn is_call(text: &str) -> bool {
    let functions = ["env_var", "ref", "var", "source", "doc"];
    let called = functions.iter().find_map(|name| text.strip_prefix(name));
    called.is_some_and(|rest| rest.trim_start().starts_with('(') && rest.ends_with(')'))
}

/// The text that the macro gives.
fn called(
    workshop: &Workshop,
    rendering: &Arc<Rendering>,
    key: &str,
    arguments: &[(String, Value)],
) -> Result<String, TemplateError> {
    let scope = Arc::new(workshop.scope(rendering));
    let called = scope.macro_value(key).unwrap_or_default();
    let mut locals = vec![("__called", called)];
    let given =
        Value::from_pairs(arguments.iter().map(|(name, value)| (name.as_str(), value.clone())));
    locals.push(("__given", given));
    let scope = workshop.scope(rendering).with_locals(locals);
    workshop.templates.render_text("{{ __called(**__given) }}", scope)
}

/// The condition of single rows, where the test's package has one.
fn condition(
    workshop: &Workshop,
    rendering: &Arc<Rendering>,
    call: &Call<'_>,
    arguments: &[(String, Value)],
) -> Result<Option<String>, TemplateError> {
    let Some(package) = &call.test.namespace else { return Ok(None) };
    let key = format!("{package}.rows_{}", call.test.kind);
    let Some(definition) = workshop.macros.get(&key) else { return Ok(None) };
    let taken = |(name, _): &&(String, Value)| definition.parameters().any(|known| known == name);
    let arguments: Vec<(String, Value)> = arguments.iter().filter(taken).cloned().collect();
    let text = called(workshop, rendering, &key, &arguments)?;
    Ok(Some(text.trim().to_owned()))
}

impl Call<'_> {
    /// The key of the macro that `test` calls; `None` where dbt's own test is meant, or there is none.
    pub(super) fn key_of(macros: &MacroTable, project: &str, test: &Use) -> Option<String> {
        let package = test.namespace.as_deref().filter(|package| *package != project);
        let key = MacroTable::test_key(package, &test.kind);
        macros.has(&key).then_some(key)
    }
}
