//! Every name that a template can use.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};

use super::builtin::{Builtin, Callable};
use super::context::{DATABASE, Rendering, RunContext};
use super::macros::{MacroCall, MacroTable};
use super::objects::{self, Package};

/// The root context of a rendering, and of each macro called in it.
#[derive(Clone, Debug)]
pub(in crate::project) struct Scope {
    pub(in crate::project) run: Arc<RunContext>,
    pub(in crate::project) macros: Arc<MacroTable>,
    pub(in crate::project) rendering: Arc<Rendering>,
    /// `varargs`, `kwargs` and `caller` of the macro being called.
    pub(super) locals: Vec<(&'static str, Value)>,
}

/// Names that stand for values; functions are [`Builtin::ALL`].
const VALUES: [&str; 17] = [
    "this",
    "target",
    "execute",
    "run_started_at",
    "invocation_id",
    "model",
    "config",
    "exceptions",
    "adapter",
    "modules",
    "dbt",
    "project_name",
    "schema",
    "database",
    "dbt_version",
    "flags",
    "builtins",
];

impl Scope {
    pub(in crate::project) fn new(
        run: &Arc<RunContext>,
        macros: &Arc<MacroTable>,
        rendering: &Arc<Rendering>,
    ) -> Self {
        let (run, macros) = (run.clone(), macros.clone());
        Self { run, macros, rendering: rendering.clone(), locals: Vec::new() }
    }

    /// `model`, as a value for macros that take a node.
    pub(in crate::project) fn model_value(&self) -> Value {
        super::json::from_json(&self.rendering.model)
    }

    #[must_use]
    pub(in crate::project) fn with_locals(self, locals: Vec<(&'static str, Value)>) -> Self {
        Self { locals, ..self }
    }

    /// Every name there is, for did-you-mean.
    pub(in crate::project) fn names(&self) -> impl Iterator<Item = &str> {
        let functions = Builtin::ALL.iter().map(|(name, _)| *name);
        let globals = ["range", "dict", "namespace", "debug"];
        VALUES.into_iter().chain(functions).chain(globals).chain(self.macros.names())
    }

    /// A macro by its key in the table, to be called.
    pub(in crate::project) fn macro_value(self: &Arc<Self>, name: &str) -> Option<Value> {
        let definition = self.macros.get(name)?.clone();
        Some(Value::from_object(MacroCall { definition, scope: self.clone() }))
    }

    fn package(self: &Arc<Self>, name: &str) -> Value {
        Value::from_object(Package { name: name.to_owned(), scope: self.clone() })
    }

    pub(super) fn value(self: &Arc<Self>, name: &str) -> Option<Value> {
        if let Some((_, value)) = self.locals.iter().find(|(local, _)| *local == name) {
            return Some(value.clone());
        }
        // A macro of the project's own goes before ours, as in dbt.
        if let Some(value) = self.macro_value(name) {
            return Some(value);
        }
        if let Some((_, builtin)) = Builtin::ALL.iter().find(|(known, _)| *known == name) {
            return Some(Value::from_object(Callable { builtin: *builtin, scope: self.clone() }));
        }
        if name == self.run.project {
            return Some(self.package(name));
        }
        Some(match name {
            "this" => Value::from_object(self.rendering.this.clone()?),
            "target" => objects::target(&self.run),
            "execute" => Value::from(self.rendering.executes()),
            "run_started_at" => Value::from_object(objects::Moment(self.run.started)),
            "invocation_id" => Value::from(self.run.invocation.as_str()),
            "model" => self.model_value(),
            "config" => Value::from_object(objects::Config { scope: self.clone() }),
            "exceptions" => Value::from_object(objects::Exceptions { scope: self.clone() }),
            "adapter" => Value::from_object(objects::Adapter { scope: self.clone() }),
            "modules" => Value::from_object(objects::Modules { scope: self.clone() }),
            "dbt" | "builtins" => self.package("dbt"),
            "dbt_utils" => self.package("dbt_utils"),
            "project_name" => Value::from(self.run.project.as_str()),
            "schema" => Value::from(self.run.schema.as_str()),
            "database" => Value::from(DATABASE),
            "dbt_version" => Value::from(objects::DBT_VERSION),
            "flags" => objects::flags(),
            _ => return None,
        })
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.value(key.as_str()?)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&VALUES)
    }
}
