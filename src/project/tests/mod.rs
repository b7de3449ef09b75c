//! Whole projects, each written as one string of files with `//- /path` headers.

mod broken;
mod errors;
mod expectations;
mod jinja;
mod selection;
mod shop;
mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};

use super::load::Loaded;
use super::*;
use crate::base::{Diagnostics, NodeId};

/// A project on disk, gone when dropped.
pub(super) struct Fixture {
    _folder: tempfile::TempDir,
    pub(super) options: LoadOptions,
}

impl Fixture {
    /// `files` begin at lines `//- /path`. Without one, `dbt_project.yml` names the project `shop`.
    pub(super) fn new(files: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("sql");
        if !files.contains("//- /dbt_project.yml") {
            write(&root, "dbt_project.yml", "name: shop\n");
        }
        for file in files.split("//- /").skip(1) {
            let (path, text) = file.split_once('\n').unwrap();
            write(&root, path.trim(), text);
        }
        let started: DateTime<Utc> = "2026-01-02T03:04:05Z".parse().unwrap();
        let options = LoadOptions {
            root,
            base_dir: folder.path().to_owned(),
            vars: serde_json::Map::new(),
            environment: BTreeMap::new(),
            started,
            invocation: String::new(),
            target_name: "dev".to_owned(),
            threads: 1,
        };
        Self { _folder: folder, options }
    }

    pub(super) fn load(&self) -> Result<Loaded, Diagnostics> {
        load(&self.options)
    }
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

pub(super) fn project(files: &str) -> Project {
    match Fixture::new(files).load() {
        Ok(loaded) => loaded.project,
        Err(problems) => panic!("{problems}"),
    }
}

/// Whether its nodes can be built one after another, each behind all that it needs.
pub(super) fn has_order(project: &Project) -> bool {
    let mut done = BTreeSet::new();
    loop {
        let is_ready = |(id, node): &(&NodeId, &Node)| {
            !done.contains(*id) && node.info().depends_on.iter().all(|needed| done.contains(needed))
        };
        let ready: Vec<&NodeId> = project.nodes.iter().filter(is_ready).map(|(id, _)| id).collect();
        if ready.is_empty() {
            return done.len() == project.nodes.len();
        }
        done.extend(ready);
    }
}

/// What is said of a project that does not load.
pub(super) fn problems(files: &str) -> String {
    match Fixture::new(files).load() {
        Ok(loaded) => panic!("loads, with\n{}", loaded.warnings),
        Err(problems) => problems.to_string(),
    }
}

pub(super) fn warnings(files: &str) -> String {
    match Fixture::new(files).load() {
        Ok(loaded) => loaded.warnings.to_string(),
        Err(problems) => panic!("{problems}"),
    }
}

pub(super) fn node<'a>(project: &'a Project, id: &str) -> &'a Node {
    let found = project.nodes.iter().find(|(known, _)| known.as_str() == id);
    let all: Vec<&str> = project.nodes.keys().map(|id| id.as_str()).collect();
    found.map(|(_, node)| node).unwrap_or_else(|| panic!("no {id} in {all:#?}"))
}

pub(super) fn model<'a>(project: &'a Project, name: &str) -> &'a Model {
    match node(project, &format!("model.shop.{name}")) {
        Node::Model(model) => model,
        other => panic!("{other:?}"),
    }
}

pub(super) fn sql(project: &Project, name: &str) -> String {
    model(project, name).sql.text.clone()
}

pub(super) fn source<'a>(project: &'a Project, id: &str) -> &'a Source {
    match node(project, &format!("source.shop.{id}")) {
        Node::Source(source) => source,
        other => panic!("{other:?}"),
    }
}
