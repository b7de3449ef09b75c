//! Which table a model or seed makes: its schema and its name there.

use std::sync::Arc;

use minijinja::Value;
use serde_json::{Value as Json, json};

use super::super::configuration::Configuration;
use super::super::jinja::{Lookup, Phase, Rendering};
use super::super::load::Workshop;
use super::super::naming;
use super::declare::model_json;
use crate::base::{Diagnostic, Diagnostics, NodeId, Span, TableName};

/// The table of a model or seed by its schema and alias, which macros of the project may decide.
pub(super) fn table(
    workshop: &Workshop,
    kind: &str,
    name: &str,
    fqn: &[String],
    configuration: &Configuration,
    span: Span,
    problems: &mut Diagnostics,
) -> Option<TableName> {
    let id = NodeId::new(kind, &workshop.settings.name, name);
    let mut node = model_json(kind, id.as_str(), name, "", configuration);
    node["fqn"] = json!(fqn);
    let mut generate = |which: &str, custom: Option<&str>| {
        let custom = custom.map_or_else(|| Value::from(()), Value::from);
        generated(workshop, which, custom, &node, &span, problems)
    };
    let schema_written = configuration.text("schema", &mut Diagnostics::default());
    let alias_written = configuration.text("alias", &mut Diagnostics::default());
    let schema = generate("generate_schema_name", schema_written.as_deref())
        .unwrap_or_else(|| naming::schema(&workshop.run.schema, schema_written.as_deref()));
    let alias = generate("generate_alias_name", alias_written.as_deref())
        .unwrap_or_else(|| alias_written.unwrap_or_else(|| name.to_owned()));
    match TableName::new(&schema, &alias) {
        Ok(table) => Some(table),
        Err(error) => {
            let place = configuration.span("alias").or_else(|| configuration.span("schema"));
            problems.push(Diagnostic::error(error.to_string()).at(place.unwrap_or(span)));
            None
        }
    }
}

/// What the project's own macro `which` makes of a custom name, if it has one.
fn generated(
    workshop: &Workshop,
    which: &str,
    custom: Value,
    node: &Json,
    span: &Span,
    problems: &mut Diagnostics,
) -> Option<String> {
    if !workshop.macros.has(which) {
        return None;
    }
    let model = node.clone();
    // Configuration is resolved by now, so that the macro runs as in dbt, where it sees data.
    let phase = Phase::Compile(Arc::new(Lookup::default()));
    let rendering = Arc::new(Rendering::new(phase, model, None));
    let node = workshop.scope(&rendering).model_value();
    let scope =
        workshop.scope(&rendering).with_locals(vec![("__custom_name", custom), ("__node", node)]);
    let call = format!("{{{{ {which}(__custom_name, __node) }}}}");
    match workshop.templates.render_text(&call, scope) {
        Ok(text) => Some(text.trim().to_owned()),
        Err(error) => {
            let problem = workshop.diagnose(&error);
            let place = problem.span.clone().unwrap_or_else(|| span.clone());
            problems.push(problem.at(place));
            None
        }
    }
}
