//! What nodes there are: names, configuration, tables. Nothing is compiled yet.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::super::configuration::{Configuration, located};
use super::super::files::File;
use super::super::graph::Materialization;
use super::super::jinja::{Phase, Relation, Rendering, call_sites};
use super::super::load::{Inputs, Workshop};
use super::super::properties::{EndpointProperties, NodeProperties, SourceProperties};
use super::{collisions, schemas};
use crate::base::{Diagnostic, Diagnostics, NodeId, Span, TableName};

/// What a file of SQL is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Model,
    Test,
    Endpoint,
}

impl Purpose {
    /// dbt's `resource_type`, also the first part of ids.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Test => "test",
            Self::Endpoint => "endpoint",
        }
    }

    fn tree(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Test => "data_tests",
            Self::Endpoint => "endpoints",
        }
    }
}

/// A file of SQL, its configuration known.
#[derive(Clone, Debug)]
pub(super) struct SqlNode {
    pub(super) purpose: Purpose,
    pub(super) id: NodeId,
    pub(super) file: File,
    pub(super) fqn: Vec<String>,
    pub(super) configuration: Configuration,
    pub(super) properties: Option<NodeProperties>,
    pub(super) enabled: bool,
    pub(super) materialization: Materialization,
    /// Of models only.
    pub(super) table: Option<TableName>,
    /// What the first pass saw.
    pub(super) references: BTreeSet<(String, Vec<String>)>,
    /// It does not render, which has been said already.
    pub(super) broken: bool,
}

impl SqlNode {
    pub(super) fn name(&self) -> &str {
        self.file.stem()
    }

    pub(super) fn span(&self) -> Span {
        let described = self.properties.as_ref().map(|properties| properties.span.clone());
        described.unwrap_or_else(|| self.file.source.span(0..0))
    }
}

#[derive(Clone, Debug)]
pub(super) struct SeedNode {
    pub(super) id: NodeId,
    pub(super) file: File,
    pub(super) fqn: Vec<String>,
    pub(super) configuration: Configuration,
    pub(super) properties: Option<NodeProperties>,
    pub(super) enabled: bool,
    pub(super) table: TableName,
}

#[derive(Clone, Debug)]
pub(super) struct SourceNode {
    pub(super) id: NodeId,
    pub(super) properties: SourceProperties,
    pub(super) fqn: Vec<String>,
    pub(super) configuration: Configuration,
    pub(super) enabled: bool,
    pub(super) table: TableName,
    pub(super) quarantine: TableName,
}

/// All nodes but generic tests. Those that are switched off are here, too, to be known by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    pub(super) project: String,
    pub(super) sql: Vec<SqlNode>,
    pub(super) seeds: Vec<SeedNode>,
    pub(super) sources: Vec<SourceNode>,
}

pub(super) fn declare(
    workshop: &Workshop,
    inputs: &Inputs,
    problems: &mut Diagnostics,
) -> Declared {
    let project = workshop.settings.name.clone();
    let mut declared = Declared { project, ..Declared::default() };
    let models = by_name(&inputs.properties.models, "model", problems);
    for file in &inputs.models {
        let described = described(&models, file);
        declared.sql.extend(sql_node(workshop, Purpose::Model, file, described, problems));
    }
    let tests = by_name(&inputs.properties.tests, "test", problems);
    for file in &inputs.tests {
        let described = described(&tests, file);
        declared.sql.extend(sql_node(workshop, Purpose::Test, file, described, problems));
    }
    for file in &inputs.endpoints {
        let mut endpoints = inputs.properties.endpoints.iter();
        let described = endpoints.find(|known| known.name == file.stem());
        let described = described.map_or(Described::Not, Described::Endpoint);
        declared.sql.extend(sql_node(workshop, Purpose::Endpoint, file, described, problems));
    }
    let seeds = by_name(&inputs.properties.seeds, "seed", problems);
    declared.seeds = inputs
        .seeds
        .iter()
        .filter_map(|file| seed_node(workshop, file, &seeds, problems))
        .collect();
    for properties in &inputs.properties.sources {
        declared.sources.extend(source_node(workshop, properties, problems));
    }
    unmatched(&models, &declared.names_of(Purpose::Model), "model", problems);
    let seed_names: Vec<&str> = declared.seeds.iter().map(|seed| seed.file.stem()).collect();
    unmatched(&seeds, &seed_names, "seed", problems);
    collisions::check(&declared, problems);
    declared
}

type ByName<'a> = BTreeMap<&'a str, &'a NodeProperties>;

/// What YAML says about a file of SQL.
#[derive(Clone, Copy)]
enum Described<'a> {
    Node(&'a NodeProperties),
    Endpoint(&'a EndpointProperties),
    Not,
}

fn described<'a>(all: &ByName<'a>, file: &File) -> Described<'a> {
    all.get(file.stem()).map_or(Described::Not, |properties| Described::Node(properties))
}

fn by_name<'a>(all: &'a [NodeProperties], what: &str, problems: &mut Diagnostics) -> ByName<'a> {
    let mut named = ByName::new();
    for properties in all {
        if named.insert(&properties.name, properties).is_some() {
            let message = format!("the {what} `{}` is described twice", properties.name);
            problems.push(Diagnostic::error(message).at(properties.span.clone()));
        }
    }
    named
}

fn unmatched(described: &ByName<'_>, known: &[&str], what: &str, problems: &mut Diagnostics) {
    for (name, properties) in described {
        if !known.contains(name) {
            let message = format!("this describes the {what} `{name}`, which does not exist");
            let problem = Diagnostic::warning(message).at(properties.span.clone());
            problems.push(problem.did_you_mean(name, known.iter().copied()));
        }
    }
}

fn sql_node(
    workshop: &Workshop,
    purpose: Purpose,
    file: &File,
    described: Described<'_>,
    problems: &mut Diagnostics,
) -> Option<SqlNode> {
    let name = file.stem();
    let id = NodeId::new(purpose.name(), &workshop.settings.name, name);
    let fqn = workshop.fqn(file);
    let mut configuration = Configuration::default();
    for configured in workshop.settings.configured(purpose.tree(), &fqn) {
        let span = Some(configured.span.clone());
        configuration.apply(configured.key, configured.value.to_json(), span);
    }
    let properties = match described {
        Described::Node(properties) => {
            properties.configure(&mut configuration);
            Some(properties.clone())
        }
        Described::Endpoint(properties) => {
            properties.configure(&mut configuration);
            None
        }
        Described::Not => None,
    };
    let (references, broken) = match first_pass(workshop, purpose, file, &id, &mut configuration) {
        Ok(references) => (references, false),
        Err(Some(problem)) => {
            problems.push(*problem);
            (BTreeSet::new(), true)
        }
        Err(None) => (BTreeSet::new(), true),
    };
    configuration.check_keys(problems);
    let enabled = configuration.boolean("enabled", problems).unwrap_or(true);
    let materialization = match purpose {
        Purpose::Model => materialization(&configuration, problems),
        Purpose::Test | Purpose::Endpoint => Materialization::Ephemeral,
    };
    let table = match purpose {
        Purpose::Model => {
            let span = file.source.span(0..0);
            Some(schemas::table(workshop, "model", name, &fqn, &configuration, span, problems)?)
        }
        Purpose::Test | Purpose::Endpoint => None,
    };
    let file = file.clone();
    Some(SqlNode {
        purpose,
        id,
        file,
        fqn,
        configuration,
        properties,
        enabled,
        materialization,
        table,
        references,
        broken,
    })
}

type References = BTreeSet<(String, Vec<String>)>;

/// Renders to learn the template's own configuration and what it refers to. `Err(None)`: it did not even compile,
/// which has been reported.
fn first_pass(
    workshop: &Workshop,
    purpose: Purpose,
    file: &File,
    id: &NodeId,
    configuration: &mut Configuration,
) -> Result<References, Option<Box<Diagnostic>>> {
    let schema = workshop.run.schema.clone();
    let this = Relation { schema, name: file.stem().to_owned(), kind: "table" };
    let this = (purpose == Purpose::Model).then_some(this);
    let model = model_json(purpose.name(), id.as_str(), file.stem(), &file.path, configuration);
    let rendering = Rendering::new(Phase::Parse, model, this).with_config(configuration.to_map());
    let rendering = Arc::new(rendering);
    match workshop.templates.render(&file.path, workshop.scope(&rendering)) {
        Ok(_) => {}
        Err(error) if error.kind() == minijinja::ErrorKind::TemplateNotFound => return Err(None),
        Err(error) => return Err(Some(Box::new(workshop.diagnose(&error)))),
    }
    let record = rendering.take_record();
    let sites = call_sites(&file.source.text, &["config"]);
    for (key, value) in record.config {
        let keywords = sites.iter().flat_map(|site| &site.keywords);
        let place = keywords.filter(|(known, _)| *known == key).map(|(_, range)| range).next();
        let span = place.map(|range| file.source.span(range.clone()));
        configuration.apply(&key, value, span);
    }
    Ok(record.references)
}

/// What templates see as `model` and `node`.
pub(super) fn model_json(
    kind: &str,
    id: &str,
    name: &str,
    path: &str,
    configuration: &Configuration,
) -> Json {
    json!({
        "resource_type": kind,
        "unique_id": id,
        "name": name,
        "alias": configuration.get("alias").cloned().unwrap_or_else(|| Json::from(name)),
        "original_file_path": path,
        "path": path,
        "tags": configuration.tags(),
        "config": configuration.to_map(),
        "meta": configuration.get("meta").cloned().unwrap_or_else(|| json!({})),
    })
}

const MATERIALIZATIONS: [(&str, Materialization); 4] = [
    ("view", Materialization::View),
    ("table", Materialization::Table),
    ("incremental", Materialization::Incremental),
    ("ephemeral", Materialization::Ephemeral),
];

fn materialization(configuration: &Configuration, problems: &mut Diagnostics) -> Materialization {
    let Some(written) = configuration.text("materialized", problems) else {
        return Materialization::View;
    };
    let found = MATERIALIZATIONS.iter().find(|(name, _)| *name == written);
    found.map_or_else(
        || {
            let names = MATERIALIZATIONS.map(|(name, _)| name);
            let message = format!("unknown materialization `{written}`");
            let problem = Diagnostic::error(message).did_you_mean(&written, names);
            let problem = problem.hint(format!("there are {}", names.join(", ")));
            problems.push(located(problem, configuration.span("materialized")));
            Materialization::View
        },
        |(_, materialization)| *materialization,
    )
}

fn seed_node(
    workshop: &Workshop,
    file: &File,
    described: &ByName<'_>,
    problems: &mut Diagnostics,
) -> Option<SeedNode> {
    let name = file.stem();
    let id = NodeId::new("seed", &workshop.settings.name, name);
    let fqn = workshop.fqn(file);
    let properties = described.get(name).map(|properties| (*properties).clone());
    let mut configuration = Configuration::default();
    for configured in workshop.settings.configured("seeds", &fqn) {
        let span = Some(configured.span.clone());
        configuration.apply(configured.key, configured.value.to_json(), span);
    }
    if let Some(properties) = &properties {
        properties.configure(&mut configuration);
    }
    configuration.check_keys(problems);
    let enabled = configuration.boolean("enabled", problems).unwrap_or(true);
    let span = file.source.span(0..0);
    let table = schemas::table(workshop, "seed", name, &fqn, &configuration, span, problems)?;
    Some(SeedNode { id, file: file.clone(), fqn, configuration, properties, enabled, table })
}

fn source_node(
    workshop: &Workshop,
    properties: &SourceProperties,
    problems: &mut Diagnostics,
) -> Option<SourceNode> {
    let SourceProperties { source, table, span, schema, .. } = properties;
    let id = NodeId::new("source", &workshop.settings.name, &format!("{source}.{table}"));
    let mut fqn = vec![workshop.settings.name.clone()];
    let folders = properties.path.split('/').collect::<Vec<_>>();
    fqn.extend(folders.iter().skip(1).rev().skip(1).rev().map(|&folder| folder.to_owned()));
    fqn.extend([source.clone(), table.clone()]);
    let mut configuration = Configuration::default();
    for configured in workshop.settings.configured("sources", &fqn) {
        let span = Some(configured.span.clone());
        configuration.apply(configured.key, configured.value.to_json(), span);
    }
    properties.configure(&mut configuration);
    let enabled = configuration.boolean("enabled", problems).unwrap_or(true);
    let located_source = properties.has_location();
    let named = match located_source {
        true => table.clone(),
        false => properties.identifier().unwrap_or_else(|| table.clone()),
    };
    let names = TableName::new(&schema.0, &named)
        .and_then(|name| Ok((name, TableName::new("quarantine", &format!("{source}_{table}"))?)));
    match names {
        Ok((table, quarantine)) => {
            let properties = properties.clone();
            Some(SourceNode { id, properties, fqn, configuration, enabled, table, quarantine })
        }
        Err(error) => {
            problems.push(Diagnostic::error(error.to_string()).at(span.clone()));
            None
        }
    }
}

impl Declared {
    /// Every table that a node makes, with the node.
    pub(super) fn makers(&self) -> impl Iterator<Item = (&TableName, &NodeId, Span)> {
        let models = self
            .sql
            .iter()
            .filter(|node| node.enabled && node.materialization != Materialization::Ephemeral);
        let models = models.filter_map(|node| {
            let place = node.configuration.span("alias").unwrap_or_else(|| node.span());
            Some((node.table.as_ref()?, &node.id, place))
        });
        let seeds = self.seeds.iter().filter(|seed| seed.enabled);
        let seeds = seeds.map(|seed| (&seed.table, &seed.id, seed.file.source.span(0..0)));
        let sources = self.sources.iter().filter(|source| source.enabled);
        let sources = sources.filter(|source| source.properties.has_location());
        let sources = sources.flat_map(|source| {
            let span = || source.properties.span.clone();
            [(&source.table, &source.id, span()), (&source.quarantine, &source.id, span())]
        });
        models.chain(seeds).chain(sources)
    }

    fn names_of(&self, purpose: Purpose) -> Vec<&str> {
        self.sql.iter().filter(|node| node.purpose == purpose).map(SqlNode::name).collect()
    }

    /// Every node's place in the trees of configuration.
    pub(super) fn fqns(&self) -> Vec<(&'static str, Vec<String>)> {
        let sql = self.sql.iter().map(|node| (node.purpose.tree(), node.fqn.clone()));
        let seeds = self.seeds.iter().map(|seed| ("seeds", seed.fqn.clone()));
        let sources = self.sources.iter().map(|source| ("sources", source.fqn.clone()));
        sql.chain(seeds).chain(sources).collect()
    }
}
