//! Generic tests, from every place where properties name them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::super::configuration::{Configuration, located};
use super::super::graph::{Check, CheckConfig, CheckKind, CheckSeverity, NodeInfo};
use super::super::jinja::{Lookup, Relation};
use super::super::load::Workshop;
use super::super::naming;
use super::super::properties::ColumnProperties;
use super::super::yaml::{self, Yaml};
use super::constraints;
use super::declare::{Declared, Purpose};
use super::ephemeral::Expressions;
use super::generic_test::{self, Use};
use super::schemas;
use super::test_sql::{self, Call};
use crate::base::{Diagnostic, Diagnostics, NodeId, Span, TableName};

/// The tests that dbt itself brings.
const BUILT_IN: [&str; 4] = ["unique", "not_null", "accepted_values", "relationships"];

/// Tests that several columns are a key.
const KEY_OF_COLUMNS: &str = "dbt_utils.unique_combination_of_columns";

/// What tests are written at.
struct Target<'a> {
    id: &'a NodeId,
    /// As it goes into the names of tests: `orders`, `source_shop_orders`.
    label: String,
    /// As Jinja refers to it.
    reference: String,
    relation: Relation,
    path: &'a str,
    columns: &'a [ColumnProperties],
    tests: &'a [Yaml],
}

/// Every generic test of every node that is switched on.
pub(super) fn generic(
    workshop: &Workshop,
    declared: &Declared,
    lookup: &Arc<Lookup>,
    ephemeral: &Expressions,
    problems: &mut Diagnostics,
) -> Vec<Check> {
    let mut checks: BTreeMap<NodeId, Check> = BTreeMap::new();
    for target in targets(declared, lookup) {
        let of_columns = target
            .columns
            .iter()
            .flat_map(|column| column.tests.iter().map(|test| (test, Some(column.name.as_str()))));
        for (written, column) in of_columns.chain(target.tests.iter().map(|test| (test, None))) {
            let Some(test) = generic_test::read(written, problems) else { continue };
            let check = check(workshop, &target, column, test, lookup, problems);
            let Some(mut check) = check else { continue };
            let depends_on = &check.info.depends_on;
            match &mut check.kind {
                CheckKind::Generic { sql, .. } => ephemeral.put_into(sql, depends_on),
                _ => check.expressions = ephemeral.with_clause(depends_on),
            }
            // The same test written twice is one, as its id says.
            checks.entry(check.info.id.clone()).or_insert(check);
        }
    }
    checks.into_values().collect()
}

fn targets<'a>(declared: &'a Declared, lookup: &Lookup) -> Vec<Target<'a>> {
    let relation = |function: &str, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let found = lookup.find(function, &names).ok().map(|found| found.relation.clone());
        found.unwrap_or_else(|| Relation::cte(&names.join(".")))
    };
    let models = declared.sql.iter().filter(|node| node.purpose == Purpose::Model && node.enabled);
    let models = models.filter_map(|node| Some((&node.id, node.properties.as_ref()?)));
    let seeds = declared.seeds.iter().filter(|seed| seed.enabled);
    let seeds = seeds.filter_map(|seed| Some((&seed.id, seed.properties.as_ref()?)));
    let named = models.chain(seeds).map(|(id, properties)| Target {
        id,
        label: properties.name.clone(),
        reference: format!("ref('{}')", properties.name),
        relation: relation("ref", &[&properties.name]),
        path: &properties.path,
        columns: &properties.columns,
        tests: &properties.tests,
    });
    let sources = declared.sources.iter().filter(|source| source.enabled).map(|source| {
        let properties = &source.properties;
        Target {
            id: &source.id,
            label: format!("source_{}_{}", properties.source, properties.table),
            reference: format!("source('{}', '{}')", properties.source, properties.table),
            relation: relation("source", &[&properties.source, &properties.table]),
            path: &properties.path,
            columns: &properties.columns,
            tests: &properties.tests,
        }
    });
    named.chain(sources).collect()
}

fn check(
    workshop: &Workshop,
    target: &Target<'_>,
    column: Option<&str>,
    mut test: Use,
    lookup: &Arc<Lookup>,
    problems: &mut Diagnostics,
) -> Option<Check> {
    test_sql::render_configuration(workshop, lookup, &mut test, problems);
    let key = Call::key_of(&workshop.macros, &workshop.settings.name, &test);
    if key.is_none() {
        known(workshop, &test, problems)?;
    }
    let given = test.argument("column_name").and_then(Yaml::as_text).map(str::to_owned);
    let column = column.map(str::to_owned).or(given);
    let arguments = test.arguments(column.as_deref());
    let name = name(workshop, target, &test, &arguments);
    let namespace = test.namespace.as_deref();
    let hash = naming::test_hash(&name.full, namespace, &test.kind, &target.reference, &arguments);
    let id = NodeId::new("test", &workshop.settings.name, &format!("{}.{hash}", name.full));
    let fqn = fqn(workshop, target.path, &name.full);
    let mut configuration = Configuration::default();
    for configured in workshop.settings.configured("data_tests", &fqn) {
        let span = Some(configured.span.clone());
        configuration.apply(configured.key, configured.value.to_json(), span);
    }
    let used = |key: &str| test.configuration.get(key).or_else(|| configuration.get(key)).cloned();
    let filter = used("where").and_then(|filter| filter.as_str().map(str::to_owned));
    let (kind, refers_to) = match key {
        Some(key) => {
            let model = target.relation.clone();
            let call = Call { test: &test, key, column: column.as_deref(), model, filter };
            let rendered = test_sql::render(workshop, lookup, &call, problems)?;
            for (key, value) in rendered.config {
                configuration.apply(&key, value, None);
            }
            let name = match namespace.filter(|package| *package != workshop.settings.name) {
                Some(package) => format!("{package}.{}", test.kind),
                None => test.kind.clone(),
            };
            let (sql, row_condition) = (rendered.sql, rendered.row_condition);
            let key = match name == KEY_OF_COLUMNS {
                true => key_columns(arguments.get("combination_of_columns")),
                false => Vec::new(),
            };
            (CheckKind::Generic { name, sql, row_condition, key }, rendered.depends_on)
        }
        None => {
            let (kind, other) = kind(&test, column.as_deref(), target, lookup, problems)?;
            (kind, other.into_iter().collect())
        }
    };
    for (key, value) in test.configuration.to_map() {
        configuration.apply(&key, value, test.configuration.span(&key));
    }
    configuration.check_keys(problems);
    if configuration.boolean("enabled", problems) == Some(false) {
        return None;
    }
    let config = self::config(&configuration, problems);
    let place = test.kind_span.clone();
    let stored = stored(workshop, &name, &fqn, &mut configuration, place, problems);
    let recorded = configuration.to_map();
    let mut depends_on = BTreeSet::from([target.id.clone()]);
    depends_on.extend(refers_to);
    let info = NodeInfo {
        id,
        name: name.full,
        fqn,
        path: target.path.to_owned(),
        description: workshop.describe(&test.description, problems),
        tags: configuration.tags(),
        config: recorded,
        depends_on,
        span: Some(test.kind_span),
    };
    let target = Some(target.id.clone());
    Some(Check { info, kind, target, expressions: String::new(), column, config, stored })
}

fn key_columns(written: Option<&Json>) -> Vec<String> {
    let columns = written.and_then(Json::as_array).into_iter().flatten();
    columns.filter_map(|column| column.as_str().map(str::to_owned)).collect()
}

/// dbt's name of a test; `source_` stands before the name of one of a source's.
fn name(
    workshop: &Workshop,
    target: &Target<'_>,
    test: &Use,
    arguments: &Map<String, Json>,
) -> naming::TestName {
    if let Some(custom) = &test.custom_name {
        return naming::TestName { full: custom.clone(), short: custom.clone() };
    }
    let package = test.namespace.as_ref().filter(|package| **package != workshop.settings.name);
    let package = package.map(|package| format!("{package}_")).unwrap_or_default();
    match target.label.strip_prefix("source_") {
        Some(table) if target.id.as_str().starts_with("source.") => {
            naming::test_name(&format!("{package}source_{}", test.kind), table, arguments)
        }
        _ => naming::test_name(&format!("{package}{}", test.kind), &target.label, arguments),
    }
}

/// The table of a test's failures, where they are kept: in the schema that dbt chooses, under the test's alias.
pub(super) fn stored(
    workshop: &Workshop,
    name: &naming::TestName,
    fqn: &[String],
    configuration: &mut Configuration,
    place: Span,
    problems: &mut Diagnostics,
) -> Option<TableName> {
    if name.short != name.full && configuration.get("alias").is_none() {
        configuration.apply("alias", name.short.as_str().into(), None);
    }
    let written = configuration.get("store_failures_as").and_then(Json::as_str);
    let keeps = match written {
        Some(how) => how != "ephemeral",
        None => configuration.boolean("store_failures", problems).unwrap_or(false),
    };
    if !keeps {
        return None;
    }
    if configuration.get("schema").is_none() {
        configuration.apply("schema", "dbt_test__audit".into(), None);
    }
    schemas::table(workshop, "test", &name.full, fqn, configuration, place, problems)
}

/// Project, folders of the properties file, name.
fn fqn(workshop: &Workshop, path: &str, name: &str) -> Vec<String> {
    let mut fqn = vec![workshop.settings.name.clone()];
    let folders: Vec<&str> = path.split('/').collect();
    let folders = folders.get(1..folders.len().saturating_sub(1)).unwrap_or_default();
    fqn.extend(folders.iter().map(|&folder| folder.to_owned()));
    fqn.push(name.to_owned());
    fqn
}

/// Complains of a test that does not exist, or is not supported.
fn known(workshop: &Workshop, test: &Use, problems: &mut Diagnostics) -> Option<()> {
    let kind = &test.kind;
    let problem = match &test.namespace {
        Some(package) if workshop.macros.tests(Some(package)).next().is_some() => {
            let problem = Diagnostic::error(format!("`{package}` has no test `{kind}` here"));
            let known = workshop.macros.tests(Some(package));
            problems.push(problem.at(test.kind_span.clone()).did_you_mean(kind, known));
            return None;
        }
        Some(namespace) if *namespace != workshop.settings.name => {
            format!(
                "the test `{namespace}.{kind}` is of another package, which is not supported yet"
            )
        }
        _ if BUILT_IN.contains(&kind.as_str()) => return Some(()),
        _ => {
            let own = workshop.macros.tests(None);
            let problem = Diagnostic::error(format!("unknown test `{kind}`"));
            let problem = problem.at(test.kind_span.clone());
            problems.push(problem.did_you_mean(kind, BUILT_IN.into_iter().chain(own)));
            return None;
        }
    };
    let problem = Diagnostic::error(problem).at(test.kind_span.clone());
    problems
        .push(problem.hint(format!("there are {}, and queries in tests/", BUILT_IN.join(", "))));
    None
}

type Kind = (CheckKind, Option<NodeId>);

/// What is checked, and the other node that it needs.
fn kind(
    test: &Use,
    column: Option<&str>,
    target: &Target<'_>,
    lookup: &Lookup,
    problems: &mut Diagnostics,
) -> Option<Kind> {
    let Some(column) = column.map(str::to_owned) else {
        let message = format!("the test `{}` of a whole table needs a `column_name`", test.kind);
        problems.push(Diagnostic::error(message).at(test.kind_span.clone()));
        return None;
    };
    match test.kind.as_str() {
        "unique" => {
            test.check_arguments(&["column_name"], problems);
            Some((CheckKind::Unique { column }, None))
        }
        "not_null" => {
            test.check_arguments(&["column_name"], problems);
            Some((CheckKind::NotNull { column }, None))
        }
        "accepted_values" => accepted_values(test, column, problems),
        _ => relationships(test, column, target, lookup, problems),
    }
}

fn accepted_values(test: &Use, column: String, problems: &mut Diagnostics) -> Option<Kind> {
    test.check_arguments(&["column_name", "values", "quote"], problems);
    let written = test.required("values", problems)?;
    let items = yaml::items(written, "`values`", problems);
    let values: Vec<String> =
        items.iter().filter_map(|item| yaml::text(item, "a value", problems)).collect();
    if items.is_empty() {
        let message = "`values` must be a list of one value or more";
        problems.push(Diagnostic::error(message).at(written.span.clone()));
    }
    let quote = test.argument("quote");
    let quote = quote.and_then(|quote| yaml::boolean(quote, "`quote`", problems)).unwrap_or(true);
    Some((CheckKind::AcceptedValues { column, values, quote }, None))
}

fn relationships(
    test: &Use,
    column: String,
    target: &Target<'_>,
    lookup: &Lookup,
    problems: &mut Diagnostics,
) -> Option<Kind> {
    test.check_arguments(&["column_name", "to", "field"], problems);
    let to = test.required("to", problems);
    let field = test.required("field", problems);
    let (to, field) = (to?, field?);
    let text = yaml::text(to, "`to`", problems)?;
    let field = yaml::text(field, "`field`", problems)?;
    let to = constraints::refers_to(&text, &to.span, lookup, problems)?;
    let other = (to != *target.id).then(|| to.clone());
    Some((CheckKind::Relationships { column, to, field }, other))
}

/// dbt's configuration of a test.
pub(super) fn config(configuration: &Configuration, problems: &mut Diagnostics) -> CheckConfig {
    let default = CheckConfig::default();
    let severity = configuration.text("severity", problems);
    let severity = match severity.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("error") => CheckSeverity::Error,
        Some("warn") => CheckSeverity::Warn,
        Some(other) => {
            let message = format!("`severity` is `error` or `warn`, not `{other}`");
            let problem = Diagnostic::error(message).did_you_mean(other, ["error", "warn"]);
            problems.push(located(problem, configuration.span("severity")));
            CheckSeverity::Error
        }
    };
    let mut condition = |key: &str, default: String| {
        let written = configuration.text(key, problems);
        let known = written.is_none_or(|text| is_condition(&text));
        if !known {
            let message =
                format!("`{key}` is a condition on a number: `> 10`, `!= 0`, `between 2 and 5`");
            problems.push(located(Diagnostic::error(message), configuration.span(key)));
        }
        let written = configuration.text(key, problems).filter(|_| known);
        written.map_or(default, |text| text.trim().to_owned())
    };
    let warn_if = condition("warn_if", default.warn_if);
    let error_if = condition("error_if", default.error_if);
    let limit = configuration.get("limit").and_then(serde_json::Value::as_u64);
    CheckConfig {
        severity,
        warn_if,
        error_if,
        fail_calc: configuration.text("fail_calc", problems).unwrap_or(default.fail_calc),
        filter: configuration.text("where", problems).filter(|text| !text.trim().is_empty()),
        limit,
    }
}

/// Whether it reads as what can stand behind a number: dbt takes any SQL there.
fn is_condition(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    let operators = ["!=", "<>", ">=", "<=", "==", "=", ">", "<"];
    let compares = operators.iter().find_map(|operator| text.strip_prefix(operator));
    let words = ["between ", "in (", "in(", "not ", "is "];
    compares.is_some_and(|operand| !operand.trim().is_empty())
        || words.iter().any(|word| text.starts_with(word))
}
