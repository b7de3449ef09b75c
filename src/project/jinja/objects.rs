//! The objects that dbt gives templates: `config`, `target`, `adapter`, `exceptions`, `modules`, packages.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use minijinja::value::{Kwargs, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, ErrorKind, State};

use super::builtin::{Builtin, Callable};
use super::context::{DATABASE, RunContext};
use super::failure::complaint;
use super::json::{from_json, to_json};
use super::scope::Scope;

/// The version of dbt whose language this is; packages ask for it.
pub(super) const DBT_VERSION: &str = "1.10.0";

pub(super) fn target(run: &RunContext) -> Value {
    Value::from_pairs([
        ("name", Value::from(run.target_name.as_str())),
        ("schema", Value::from(run.schema.as_str())),
        ("database", Value::from(DATABASE)),
        ("dbname", Value::from(DATABASE)),
        ("type", Value::from("duckdb")),
        ("threads", Value::from(run.threads)),
        ("profile_name", Value::from(run.project.as_str())),
    ])
}

pub(super) fn flags() -> Value {
    Value::from_pairs([
        ("FULL_REFRESH", Value::from(false)),
        ("STORE_FAILURES", Value::from(false)),
        ("WHICH", Value::from("build")),
    ])
}

/// `config(…)`, `config.get(…)`.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) scope: Arc<Scope>,
}

impl Config {
    /// What is configured at `key`: while parsing, what this template has said so far.
    fn get(&self, key: &str) -> Option<Value> {
        let rendering = &self.scope.rendering;
        let found = match rendering.executes() {
            true => rendering.config.get(key).cloned(),
            false => rendering.record(|record| record.config.get(key).cloned()),
        };
        found.filter(|value| !value.is_null()).map(|value| from_json(&value))
    }

    fn set(&self, key: &str, value: &Value) {
        let value = to_json(value);
        self.scope.rendering.record(|record| record.config.insert(key.to_owned(), value));
    }

    fn set_all(&self, arguments: &[Value]) -> Result<Value, Error> {
        let (mappings, kwargs) = from_args::<(&[Value], Kwargs)>(arguments)?;
        for mapping in mappings {
            for key in mapping.try_iter()? {
                self.set(&key.to_string(), &mapping.get_item(&key)?);
            }
        }
        for key in kwargs.args().map(str::to_owned).collect::<Vec<_>>() {
            self.set(&key, &kwargs.get::<Value>(&key)?);
        }
        Ok(Value::from(""))
    }
}

impl Object for Config {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        self.set_all(args)
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "get" | "meta_get" => {
                let (key, default, kwargs) = from_args::<(&str, Option<Value>, Kwargs)>(arguments)?;
                let default = match default {
                    None => kwargs.get::<Option<Value>>("default")?,
                    written => written,
                };
                let _: Option<Value> = kwargs.get("validator")?;
                Ok(self.get(key).or(default).unwrap_or_else(|| Value::from(())))
            }
            "require" => {
                let (key, _) = from_args::<(&str, Kwargs)>(arguments)?;
                let missing = || complaint(format!("the configuration `{key}` is required"));
                self.get(key).ok_or_else(missing)
            }
            "set" => {
                let (key, value) = from_args::<(&str, &Value)>(arguments)?;
                self.set(key, value);
                Ok(Value::from(""))
            }
            "persist_relation_docs" | "persist_column_docs" => Ok(Value::from(false)),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// `exceptions.raise_compiler_error(…)`, `exceptions.warn(…)`.
#[derive(Debug)]
pub(super) struct Exceptions {
    pub(super) scope: Arc<Scope>,
}

impl Object for Exceptions {
    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        let message = arguments.first().map(Value::to_string).unwrap_or_default();
        match method {
            "raise_compiler_error" | "raise_not_implemented" | "raise_database_error" => {
                Err(complaint(message))
            }
            "warn" => {
                self.scope.rendering.record(|record| record.warnings.push(message));
                Ok(Value::from(""))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// What is said of a call that would need data; nothing while parsing, as in dbt.
pub(super) fn needs_data(scope: &Scope, what: &str) -> Result<Value, Error> {
    match scope.rendering.executes() {
        false => Ok(Value::from(())),
        true => Err(complaint(format!("`{what}` needs data at compile time; not supported yet"))),
    }
}

/// `adapter.dispatch(…)`; the rest of it needs data.
#[derive(Debug)]
pub(super) struct Adapter {
    pub(super) scope: Arc<Scope>,
}

impl Adapter {
    fn dispatch(&self, arguments: &[Value]) -> Result<Value, Error> {
        let (name, namespace, _) = from_args::<(&str, Option<Value>, Kwargs)>(arguments)?;
        let package = namespace.as_ref().and_then(Value::as_str).unwrap_or_default();
        let own = ["duckdb__", "default__"].map(|prefix| format!("{prefix}{name}"));
        // dbt's own macros stand here under their plain names.
        let of_dbt = (package == "dbt").then(|| name.to_owned());
        let found = own.into_iter().chain(of_dbt).find_map(|name| self.scope.value(&name));
        let dot = if package.is_empty() { "" } else { "." };
        found.ok_or_else(|| {
            complaint(format!("`adapter.dispatch` found no macro for `{package}{dot}{name}`"))
        })
    }
}

impl Object for Adapter {
    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "dispatch" => self.dispatch(arguments),
            "quote" => {
                let (name,) = from_args::<(&str,)>(arguments)?;
                Ok(Value::from(format!("\"{}\"", name.replace('"', "\"\""))))
            }
            "type" => Ok(Value::from("duckdb")),
            _ => needs_data(&self.scope, &format!("adapter.{method}")),
        }
    }
}

/// The macros of one package: `dbt.…`, `<project>.…`.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) scope: Arc<Scope>,
}

impl Object for Package {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let builtin = || {
            let (_, builtin) = Builtin::ALL.iter().find(|(known, _)| *known == name)?;
            Some(Value::from_object(Callable { builtin: *builtin, scope: self.scope.clone() }))
        };
        match self.name == "dbt" {
            true => builtin().or_else(|| self.scope.value(name)),
            false => {
                let of_package = format!("{}.{name}", self.name);
                self.scope.macro_value(&of_package).or_else(|| self.scope.macro_value(name))
            }
        }
    }

    fn call_method(
        self: &Arc<Self>,
        state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match self.get_value(&Value::from(method)) {
            Some(found) => found.call(state, arguments),
            None => {
                let message = format!("`{}` has no macro `{method}`", self.name);
                Err(super::failure::with_names(message, method, self.scope.macros.names()))
            }
        }
    }
}

/// `modules.datetime`, `modules.re`: Python's own modules, which there are none of here.
#[derive(Debug)]
pub(super) struct Modules {
    pub(super) scope: Arc<Scope>,
}

impl Object for Modules {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "datetime" => Some(Value::from_object(Datetime { now: self.scope.run.started })),
            _ => None,
        }
    }
}

/// `modules.datetime.datetime.now()` and the like: always the time at which the run started, so that a run has one time.
#[derive(Debug)]
struct Datetime {
    now: DateTime<Utc>,
}

impl Object for Datetime {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        matches!(key.as_str()?, "datetime" | "date").then(|| Value::from_dyn_object(self.clone()))
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        _arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "now" | "utcnow" | "today" => Ok(Value::from_object(Moment(self.now))),
            _ => Err(complaint(format!("`modules.datetime` has no `{method}` here"))),
        }
    }
}

/// Python's `datetime`.
#[derive(Debug)]
pub(super) struct Moment(pub(super) DateTime<Utc>);

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        use chrono::{Datelike, Timelike};
        Some(match key.as_str()? {
            "year" => Value::from(self.0.year()),
            "month" => Value::from(self.0.month()),
            "day" => Value::from(self.0.day()),
            "hour" => Value::from(self.0.hour()),
            "minute" => Value::from(self.0.minute()),
            "second" => Value::from(self.0.second()),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        arguments: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "strftime" => {
                let (format,) = from_args::<(&str,)>(arguments)?;
                strftime(&self.0, format).map(Value::from)
            }
            "isoformat" => {
                Ok(Value::from(self.0.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()))
            }
            "date" => Ok(Value::from(self.0.format("%Y-%m-%d").to_string())),
            "timestamp" => Ok(Value::from(self.0.timestamp_micros() as f64 / 1e6)),
            "astimezone" => Ok(Value::from_dyn_object(self.clone())),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d %H:%M:%S%.6f+00:00"))
    }
}

fn strftime(moment: &DateTime<Utc>, format: &str) -> Result<String, Error> {
    use std::fmt::Write;
    let mut text = String::new();
    // chrono gives up in the middle of writing where it does not know a directive.
    match write!(text, "{}", moment.format(format)) {
        Ok(()) => Ok(text),
        Err(_) => Err(complaint(format!("`{format}` is no time format"))),
    }
}
