//! dbt's functions.

use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr, Value, from_args};
use minijinja::{Error, ErrorKind, State};

use super::context::Phase;
use super::failure::{complaint, with_names};
use super::json::{from_json, from_map, to_json};
use super::objects::needs_data;
use super::relation::Relation;
use super::scope::Scope;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    Ref,
    Source,
    Var,
    EnvVar,
    Log,
    Return,
    RunQuery,
    Statement,
    LoadResult,
    ToJson,
    FromJson,
    ToYaml,
    FromYaml,
    Zip,
    Set,
    IsIncremental,
    FullRefresh,
    LocalMd5,
    Doc,
}

impl Builtin {
    /// Every function with the name that templates call it by.
    pub(super) const ALL: &[(&'static str, Self)] = &[
        ("ref", Self::Ref),
        ("source", Self::Source),
        ("var", Self::Var),
        ("env_var", Self::EnvVar),
        ("log", Self::Log),
        ("print", Self::Log),
        ("return", Self::Return),
        ("run_query", Self::RunQuery),
        ("statement", Self::Statement),
        ("load_result", Self::LoadResult),
        ("store_result", Self::LoadResult),
        ("tojson", Self::ToJson),
        ("fromjson", Self::FromJson),
        ("toyaml", Self::ToYaml),
        ("fromyaml", Self::FromYaml),
        ("zip", Self::Zip),
        ("zip_strict", Self::Zip),
        ("set", Self::Set),
        ("set_strict", Self::Set),
        ("is_incremental", Self::IsIncremental),
        ("should_full_refresh", Self::FullRefresh),
        ("local_md5", Self::LocalMd5),
        ("doc", Self::Doc),
    ];
}

/// A function and the rendering that it is called in.
#[derive(Debug)]
pub(super) struct Callable {
    pub(super) builtin: Builtin,
    pub(super) scope: Arc<Scope>,
}

impl Object for Callable {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let scope = &*self.scope;
        match self.builtin {
            Builtin::Ref => reference(scope, args),
            Builtin::Source => source(scope, args),
            Builtin::Var => var(scope, args),
            Builtin::EnvVar => env_var(scope, args),
            Builtin::Log => Ok(Value::from("")),
            Builtin::Doc => doc(scope, args),
            Builtin::Return => give_back(scope, args),
            Builtin::RunQuery => needs_data(scope, "run_query"),
            Builtin::Statement => needs_data(scope, "statement"),
            Builtin::LoadResult => needs_data(scope, "load_result"),
            Builtin::ToJson => to_json_text(args),
            Builtin::FromJson => from_json_text(args),
            Builtin::ToYaml => to_json_text(args),
            Builtin::FromYaml => from_yaml_text(args),
            Builtin::Zip => zip(args),
            Builtin::Set => set(args),
            Builtin::IsIncremental => Ok(Value::from(false)),
            Builtin::FullRefresh => Ok(Value::from(false)),
            Builtin::LocalMd5 => {
                let (text,) = from_args::<(&str,)>(args)?;
                Ok(Value::from(crate::project::naming::md5_hex(text)))
            }
        }
    }
}

fn texts(values: &[Value], function: &str) -> Result<Vec<String>, Error> {
    let text = |value: &Value| {
        let wrong = || complaint(format!("`{function}` takes texts, and this is `{value}`"));
        value.as_str().map(str::to_owned).ok_or_else(wrong)
    };
    values.iter().map(text).collect()
}

fn reference(scope: &Scope, args: &[Value]) -> Result<Value, Error> {
    let (names, kwargs) = from_args::<(&[Value], Kwargs)>(args)?;
    let mut names = texts(names, "ref")?;
    if !matches!(names.len(), 1 | 2) {
        return Err(complaint(
            "`ref` takes a model's name, or a project's and a model's".to_owned(),
        ));
    }
    let version: Option<Value> = match kwargs.get("version")? {
        None => kwargs.get("v")?,
        given => given,
    };
    kwargs.assert_all_used()?;
    if let (Some(version), Some(name)) = (version, names.last_mut()) {
        // dbt names the files of a versioned model so.
        *name = format!("{name}_v{version}");
    }
    resolve(scope, "ref", names)
}

fn source(scope: &Scope, args: &[Value]) -> Result<Value, Error> {
    let names = texts(args, "source")?;
    if names.len() != 2 {
        return Err(complaint("`source` takes a source's name and a table's".to_owned()));
    }
    resolve(scope, "source", names)
}

/// The relation that names lead to. One that leads nowhere is reported after the rendering, which goes on to find more.
fn resolve(scope: &Scope, function: &str, names: Vec<String>) -> Result<Value, Error> {
    let provisional = || Relation {
        schema: scope.run.schema.clone(),
        name: names.last().cloned().unwrap_or_default(),
        kind: "table",
    };
    let relation = match &scope.rendering.phase {
        Phase::Parse => provisional(),
        Phase::Compile(lookup) => match lookup.find(function, &names) {
            Ok(found) => found.relation.clone(),
            Err(_) => provisional(),
        },
    };
    scope.rendering.record(|record| record.references.insert((function.to_owned(), names)));
    Ok(Value::from_object(relation))
}

fn var(scope: &Scope, args: &[Value]) -> Result<Value, Error> {
    let (name, default, kwargs) = from_args::<(Option<&str>, Option<Value>, Kwargs)>(args)?;
    let default = match default {
        None => kwargs.get::<Option<Value>>("default")?,
        given => given,
    };
    let Some(name) = name else { return Ok(from_map(&scope.run.vars)) };
    if let Some(found) = scope.run.vars.get(name) {
        return Ok(from_json(found));
    }
    let known = || scope.run.vars.keys().map(String::as_str);
    default.ok_or_else(|| {
        let message = format!("the variable `{name}` is not set, and has no default here");
        with_names(message, name, known())
    })
}

fn env_var(scope: &Scope, args: &[Value]) -> Result<Value, Error> {
    let (name, default) = from_args::<(&str, Option<Value>)>(args)?;
    if let Some(found) = scope.run.environment.get(name) {
        return Ok(Value::from(found.as_str()));
    }
    let known = scope.run.environment.keys().map(String::as_str);
    default.ok_or_else(|| {
        let message =
            format!("the environment variable `{name}` is not set, and has no default here");
        with_names(message, name, known)
    })
}

fn doc(scope: &Scope, args: &[Value]) -> Result<Value, Error> {
    let names = texts(args, "doc")?;
    let Some(name) = names.last() else {
        return Err(complaint("`doc` takes the name of a `docs` block".to_owned()));
    };
    let found = scope.run.documents.get(name).map(|text| Value::from(text.as_str()));
    found.ok_or_else(|| {
        let known = scope.run.documents.keys().map(String::as_str);
        with_names(format!("there is no block `docs {name}`"), name, known)
    })
}

/// Ends the macro with a value: an error that the macro's caller catches.
fn give_back(scope: &Scope, args: &[Value]) -> Result<Value, Error> {
    let value = args.first().cloned().unwrap_or_else(|| Value::from(()));
    if !scope.rendering.in_macro() {
        return Err(complaint("`return` has a meaning inside of a macro only".to_owned()));
    }
    scope.rendering.set_returned(value);
    Err(Error::new(ErrorKind::InvalidOperation, "return"))
}

fn to_json_text(args: &[Value]) -> Result<Value, Error> {
    let value = args.first().cloned().unwrap_or_default();
    Ok(Value::from(to_json(&value).to_string()))
}

fn from_json_text(args: &[Value]) -> Result<Value, Error> {
    let (text, default) = from_args::<(&str, Option<Value>)>(args)?;
    match (serde_json::from_str::<serde_json::Value>(text), default) {
        (Ok(json), _) => Ok(from_json(&json)),
        (Err(_), Some(default)) => Ok(default),
        (Err(_), None) => Ok(Value::from(())),
    }
}

fn from_yaml_text(args: &[Value]) -> Result<Value, Error> {
    let (text,) = from_args::<(&str,)>(args)?;
    let mut problems = crate::base::Diagnostics::default();
    let source = crate::base::SourceText::new("fromyaml", text);
    let yaml = crate::project::yaml::parse(&source, &mut problems);
    Ok(yaml.map_or_else(|| Value::from(()), |yaml| from_json(&yaml.to_json())))
}

fn zip(args: &[Value]) -> Result<Value, Error> {
    let columns: Result<Vec<Vec<Value>>, Error> =
        args.iter().map(|column| Ok(column.try_iter()?.collect())).collect();
    let columns = columns?;
    let rows = columns.iter().map(Vec::len).min().unwrap_or(0);
    let row = |index: usize| columns.iter().map(|column| column[index].clone()).collect::<Vec<_>>();
    Ok((0..rows).map(row).map(Value::from).collect::<Vec<_>>().into())
}

/// The values without repetitions, sorted: Python's `set` has no order, and output must have one.
fn set(args: &[Value]) -> Result<Value, Error> {
    let (values,) = from_args::<(&Value,)>(args)?;
    let mut values: Vec<Value> = values.try_iter()?.collect();
    values.sort();
    values.dedup();
    Ok(Value::from(values))
}
