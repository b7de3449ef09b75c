//! `{"$PARAMETER": "name"}`: values that a suite leaves open; `{"$PARAMETER": "name - 2 * 0.5"}`: what is reckoned from them.

use serde_json::{Map, Value as Json};

use super::{Problem, formula};
use crate::base::suggest;

/// Fills in every parameter of `kwargs`, at any depth; the `given` go before the suite's `own`.
///
/// # Errors
/// If one has no value, or cannot be reckoned.
pub(super) fn fill(
    kwargs: &mut Map<String, Json>,
    given: &Map<String, Json>,
    own: &Map<String, Json>,
) -> Result<(), Problem> {
    kwargs.values_mut().try_for_each(|value| fill_value(value, given, own))
}

fn fill_value(
    value: &mut Json,
    given: &Map<String, Json>,
    own: &Map<String, Json>,
) -> Result<(), Problem> {
    match value {
        Json::Object(object) => {
            if let Some(Json::String(name)) = object.get("$PARAMETER") {
                let find = formula::known(given, own);
                let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
                let found = match find(name) {
                    Some(found) => found.clone(),
                    None if is_name => {
                        let known = given.keys().chain(own.keys()).map(String::as_str);
                        return Err(missing(name, known));
                    }
                    None => formula::evaluate(name, &find).map_err(|problem| {
                        Problem::new(format!("the suite parameter `{name}`: {problem}"))
                    })?,
                };
                *value = found;
                return Ok(());
            }
            fill(object, given, own)
        }
        Json::Array(items) => items.iter_mut().try_for_each(|item| fill_value(item, given, own)),
        _ => Ok(()),
    }
}

fn missing<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Problem {
    let near = suggest::closest(name, known);
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Problem::new(format!("the suite parameter `{name}` has no value{near}"))
}
