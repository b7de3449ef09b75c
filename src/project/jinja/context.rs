//! What a template is rendered in: the run, the node, and what the rendering leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use minijinja::Value;
use serde_json::{Map, Value as Json};

use super::relation::{Lookup, Relation};

/// What templates see as the database.
pub(super) const DATABASE: &str = "clearwell";

/// How deep macros may call one another.
pub(super) const MACRO_DEPTH_MAX: usize = 60;

/// What is the same for every template of a run.
#[derive(Clone, Debug)]
pub(in crate::project) struct RunContext {
    pub(in crate::project) project: String,
    pub(in crate::project) vars: Map<String, Json>,
    pub(in crate::project) environment: BTreeMap<String, String>,
    pub(in crate::project) started: DateTime<Utc>,
    pub(in crate::project) invocation: String,
    pub(in crate::project) target_name: String,
    /// The schema of models that choose none.
    pub(in crate::project) schema: String,
    pub(in crate::project) threads: usize,
    /// The texts of `{% docs %}` blocks.
    pub(in crate::project) documents: BTreeMap<String, String>,
}

/// dbt's two passes.
#[derive(Clone, Debug)]
pub(in crate::project) enum Phase {
    /// Learns what the template asks for; `execute` is false and tables have provisional names.
    Parse,
    /// Every name is known; `execute` is true.
    Compile(Arc<Lookup>),
}

/// One rendering of one template.
#[derive(Debug)]
pub(in crate::project) struct Rendering {
    pub(in crate::project) phase: Phase,
    /// What the template sees as `model`.
    pub(in crate::project) model: Json,
    pub(in crate::project) this: Option<Relation>,
    /// The resolved configuration; empty while parsing.
    pub(in crate::project) config: Map<String, Json>,
    record: Mutex<Record>,
    frames: Mutex<Frames>,
}

/// What a rendering asked for, in the order it asked.
#[derive(Clone, Debug, Default)]
pub(in crate::project) struct Record {
    /// `(function, arguments)` of every `ref` and `source`.
    pub(in crate::project) references: BTreeSet<(String, Vec<String>)>,
    pub(in crate::project) config: Map<String, Json>,
    pub(in crate::project) warnings: Vec<String>,
}

/// The macros being called.
#[derive(Debug, Default)]
struct Frames {
    depth: usize,
    returned: Option<Value>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rendering {
    pub(in crate::project) fn new(phase: Phase, model: Json, this: Option<Relation>) -> Self {
        let (record, frames) = (Mutex::default(), Mutex::default());
        Self { phase, model, this, config: Map::new(), record, frames }
    }

    pub(in crate::project) fn with_config(self, config: Map<String, Json>) -> Self {
        Self { config, ..self }
    }

    pub(in crate::project) fn executes(&self) -> bool {
        matches!(self.phase, Phase::Compile(_))
    }

    pub(super) fn record<T>(&self, write: impl FnOnce(&mut Record) -> T) -> T {
        write(&mut held(&self.record))
    }

    pub(in crate::project) fn take_record(&self) -> Record {
        std::mem::take(&mut held(&self.record))
    }

    /// Counts a macro call in; `false` where there are too many already.
    pub(super) fn enter(&self) -> bool {
        let mut frames = held(&self.frames);
        let fits = frames.depth < MACRO_DEPTH_MAX;
        frames.depth += usize::from(fits);
        fits
    }

    pub(super) fn leave(&self) {
        held(&self.frames).depth -= 1;
    }

    pub(super) fn in_macro(&self) -> bool {
        held(&self.frames).depth > 0
    }

    pub(super) fn set_returned(&self, value: Value) {
        held(&self.frames).returned = Some(value);
    }

    pub(super) fn take_returned(&self) -> Option<Value> {
        held(&self.frames).returned.take()
    }
}
