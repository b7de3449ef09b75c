//! From a folder to a graph: reads all files, reports all that is wrong with them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json};

use super::documents;
use super::files::{self, File};
use super::graph::Project;
use super::jinja::{self, MacroTable, Phase, Rendering, RunContext, Scope, Templates};
use super::properties::{self, Properties};
use super::resolve;
use super::settings::{self, Settings};
use super::yaml::{self, Yaml};
use crate::base::{Diagnostic, Diagnostics, SourceText, Span};

/// The schema of tables that choose none.
const DEFAULT_SCHEMA: &str = "main";
/// Macros call one another by recursion through the template engine.
const STACK_BYTES: usize = 64 << 20;

/// Where a project is, and what its templates can see of the world.
#[derive(Clone, Debug)]
pub(crate) struct LoadOptions {
    /// The folder of `dbt_project.yml`.
    pub(crate) root: PathBuf,
    /// The folder that messages name files from, `root` or one around it.
    pub(crate) base_dir: PathBuf,
    /// `--vars`; they go before the project's own.
    pub(crate) vars: Map<String, Json>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) started: DateTime<Utc>,
    pub(crate) invocation: String,
    /// `target.name`.
    pub(crate) target_name: String,
    /// `target.threads`.
    pub(crate) threads: usize,
}

/// A project without errors.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) project: Project,
    pub(crate) warnings: Diagnostics,
}

/// Loads the whole project.
///
/// # Errors
/// Everything that is wrong with it (and the warnings), by file and position.
pub(crate) fn load(options: &LoadOptions) -> Result<Loaded, Diagnostics> {
    std::thread::scope(|threads| {
        let builder =
            std::thread::Builder::new().name("project".to_owned()).stack_size(STACK_BYTES);
        match builder.spawn_scoped(threads, || load_here(options)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Err(Diagnostic::error(format!("cannot start a thread: {error}")).into()),
        }
    })
}

fn load_here(options: &LoadOptions) -> Result<Loaded, Diagnostics> {
    let mut problems = Diagnostics::default();
    let project = read_all(options, &mut problems)
        .map(|(workshop, inputs)| resolve::resolve(&workshop, &inputs, &mut problems));
    sort(&mut problems);
    match project {
        Some(project) if !problems.has_errors() => Ok(Loaded { project, warnings: problems }),
        _ => Err(problems),
    }
}

fn sort(problems: &mut Diagnostics) {
    let key = |problem: &Diagnostic| {
        let place = problem.span.as_ref();
        let place = place.map(|span| (span.source.path.clone(), span.bytes.start));
        (place, problem.severity, problem.message.clone())
    };
    problems.0.sort_by_cached_key(key);
    problems.0.dedup_by_key(|problem| key(problem));
}

/// What compiles templates.
pub(super) struct Workshop {
    pub(super) settings: Settings,
    pub(super) run: Arc<RunContext>,
    pub(super) macros: Arc<MacroTable>,
    pub(super) templates: Templates,
}

/// All that the user wrote, as written.
pub(super) struct Inputs {
    pub(super) models: Vec<File>,
    pub(super) seeds: Vec<File>,
    pub(super) tests: Vec<File>,
    pub(super) endpoints: Vec<File>,
    pub(super) expectations: Vec<File>,
    pub(super) properties: Properties,
}

fn read_all(options: &LoadOptions, problems: &mut Diagnostics) -> Option<(Workshop, Inputs)> {
    let mut run = run_context(options);
    let mut templates = Templates::new();
    let settings = {
        let scope = value_scope(&run);
        let mut render = |yaml: &mut Yaml, problems: &mut Diagnostics| {
            render_values(yaml, &templates, &scope, &settings::NOT_RENDERED, problems);
        };
        settings::read(&options.root, &options.base_dir, &mut render, problems)?
    };
    run.project.clone_from(&settings.name);
    run.vars = settings.vars.clone();
    run.vars.extend(options.vars.clone());
    let files = files::find(&options.root, &options.base_dir, &settings.paths, problems);
    run.documents = documents::read(&files.documents, problems);
    let scope = value_scope(&run);
    let mut render = |yaml: &mut Yaml, problems: &mut Diagnostics, skip: &[&str]| {
        render_values(yaml, &templates, &scope, skip, problems);
    };
    let properties = properties::read(&files.properties, &mut render, problems);
    let macro_files: Vec<SourceText> =
        files.macros.iter().map(|file| file.source.clone()).collect();
    let macros = jinja::read_macros(&macro_files, &mut templates, problems);
    for file in files.models.iter().chain(&files.tests).chain(&files.endpoints) {
        let whole = 0..file.source.text.len();
        if let Err(error) = templates.add(&file.path, &file.source, whole) {
            problems.push(jinja::to_diagnostic(&error, &templates, []));
        }
    }
    let inputs = Inputs {
        models: files.models,
        seeds: files.seeds,
        tests: files.tests,
        endpoints: files.endpoints,
        expectations: files.expectations,
        properties,
    };
    let (run, macros) = (Arc::new(run), Arc::new(macros));
    Some((Workshop { settings, run, macros, templates }, inputs))
}

fn run_context(options: &LoadOptions) -> RunContext {
    RunContext {
        project: String::new(),
        vars: options.vars.clone(),
        environment: options.environment.clone(),
        started: options.started,
        invocation: options.invocation.clone(),
        target_name: options.target_name.clone(),
        schema: DEFAULT_SCHEMA.to_owned(),
        threads: options.threads,
        documents: BTreeMap::new(),
    }
}

/// What a value of a YAML file can see.
fn value_scope(run: &RunContext) -> Scope {
    let rendering = Arc::new(Rendering::new(Phase::Parse, Json::Null, None));
    Scope::new(&Arc::new(run.clone()), &Arc::new(MacroTable::default()), &rendering)
}

fn render_values(
    yaml: &mut Yaml,
    templates: &Templates,
    scope: &Scope,
    skip: &[&str],
    problems: &mut Diagnostics,
) {
    yaml.change_scalars(skip, &mut |text, span| {
        if !text.contains("{{") && !text.contains("{%") {
            return None;
        }
        match templates.render_text(text, scope.clone()) {
            Ok(rendered) => Some(rendered),
            Err(error) => {
                problems.push(jinja::to_diagnostic_at(&error, templates, scope.names(), span));
                None
            }
        }
    });
}

impl Workshop {
    pub(super) fn scope(&self, rendering: &Arc<Rendering>) -> Scope {
        Scope::new(&self.run, &self.macros, rendering)
    }

    pub(super) fn diagnose(&self, error: &jinja::TemplateError) -> Diagnostic {
        let rendering = Arc::new(Rendering::new(Phase::Parse, Json::Null, None));
        let scope = self.scope(&rendering);
        jinja::to_diagnostic(error, &self.templates, scope.names())
    }

    /// A description with its `{{ doc(…) }}`s filled in.
    pub(super) fn describe(
        &self,
        (text, span): &(String, Option<Span>),
        problems: &mut Diagnostics,
    ) -> String {
        let (true, Some(span)) = (text.contains("{{"), span) else { return text.clone() };
        let rendering = Arc::new(Rendering::new(Phase::Parse, Json::Null, None));
        let scope = self.scope(&rendering);
        match self.templates.render_text(text, scope.clone()) {
            Ok(rendered) => rendered,
            Err(error) => {
                problems.push(jinja::to_diagnostic_at(
                    &error,
                    &self.templates,
                    scope.names(),
                    span,
                ));
                text.clone()
            }
        }
    }

    /// Project, folders and name: what configuration and selectors go by.
    pub(super) fn fqn(&self, file: &File) -> Vec<String> {
        let mut fqn = vec![self.settings.name.clone()];
        fqn.extend_from_slice(&file.parts);
        fqn
    }
}

/// The values that a flag gives (`--vars`, `--parameters`): a YAML mapping, of which JSON is one.
///
/// # Errors
/// If it is anything else.
pub(crate) fn parse_vars(
    flag: &str,
    written: Option<&str>,
) -> Result<Map<String, Json>, Diagnostics> {
    let Some(written) = written.filter(|text| !text.trim().is_empty()) else {
        return Ok(Map::new());
    };
    let source = SourceText::new(flag, written);
    let mut problems = Diagnostics::default();
    let parsed = yaml::parse(&source, &mut problems).map(|yaml| yaml.to_json());
    match parsed {
        Some(Json::Object(vars)) => Ok(vars),
        _ if problems.has_errors() => Err(problems),
        _ => {
            let problem = Diagnostic::error(format!("`{flag}` is a mapping"))
                .at(source.span(0..written.len()))
                .hint(format!("write `{flag} '{{start: 2024-01-01}}'`"));
            Err(problem.into())
        }
    }
}
