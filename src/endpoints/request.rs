//! A request's query string, read against the declared parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::cursor::Cursor;
use super::parameters::{Parameter, cut};
use super::value::Value;
use crate::base::suggest;
use crate::project::{EVERYWHERE, PageSize};

/// The furthest row that can be asked for.
pub(crate) const OFFSET_MAX: u64 = 1_000_000_000_000;

/// The most items that a list can have.
pub(crate) const ITEMS_MAX: usize = 1000;

/// Problems beyond these are counted, not told.
const PROBLEMS_MAX: usize = 20;

/// What may stand in a query string as it is.
pub(super) const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request that an endpoint can answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// By parameter; `None` for one that is not given and has no default.
    pub(super) values: BTreeMap<String, Option<Value>>,
    pub(crate) page: Page,
    /// Whether to count all rows there are.
    pub(crate) count: bool,
    /// The form that the answer is to have, as given.
    pub(crate) format: Option<String>,
    /// The given parameters but for the page's, as decoded, in the request's order.
    given: Vec<(String, String)>,
    linked: bool,
}

/// Which rows of the answer are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// At least 1.
    pub(crate) limit: u64,
    /// Rows to skip; 0 behind a cursor.
    pub(crate) offset: u64,
    /// Where the page before ended.
    pub(crate) cursor: Option<Cursor>,
}

/// What is wrong with one parameter of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParameterProblem {
    pub(crate) parameter: String,
    pub(crate) detail: String,
}

impl Page {
    /// How many rows stand before it.
    pub(crate) fn rows_before(&self) -> u64 {
        self.cursor.as_ref().map_or(self.offset, |cursor| cursor.rows)
    }
}

impl Request {
    /// The query string of the page that begins with `cursor`.
    pub(crate) fn next_query(&self, cursor: &Cursor) -> String {
        let mut query = self.given_query();
        // Writing to a string cannot fail.
        let _ = write!(query, "limit={}&cursor={cursor}", self.page.limit);
        query
    }

    /// The query string of the first page.
    pub(crate) fn first_query(&self) -> String {
        let mut query = self.given_query();
        let _ = write!(query, "limit={}", self.page.limit);
        query
    }

    fn given_query(&self) -> String {
        let mut query = String::new();
        for (name, value) in &self.given {
            let encoded = |text| utf8_percent_encode(text, ENCODED);
            let _ = write!(query, "{}={}&", encoded(name), encoded(value));
        }
        query
    }

    /// Says what links to other pages are to repeat, where that is not what was read; none is given where nothing is.
    pub(crate) fn repeats(&mut self, given: Option<Vec<(String, String)>>) {
        self.linked = given.is_some();
        self.given = given.unwrap_or_default();
    }

    /// Whether links lead to other pages.
    pub(crate) fn linked(&self) -> bool {
        self.linked
    }

    /// Gives a value to what is no parameter of the client.
    pub(super) fn bind(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), Some(value));
    }

    /// What the answer depends on besides the tables: what was given, as its links repeat it, the values of all
    /// parameters, and where the page begins.
    pub(crate) fn key(&self) -> String {
        let mut key = self.first_query();
        for (name, value) in &self.values {
            let _ = write!(key, ";{name}={value:?}");
        }
        let _ = write!(key, ";{}", self.page.offset);
        if let Some(cursor) = &self.page.cursor {
            let _ = write!(key, ";{cursor}");
        }
        key
    }
}

/// The value of `name` in a query string, where it is given once and is UTF-8.
pub(crate) fn single(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut values =
        pairs.filter(|(given, _)| decoded(given).as_deref() == Some(name)).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => decoded(value),
        _ => None,
    }
}

/// The pairs of a query string, decoded; an error for one that is not UTF-8.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = Result<(String, String), ()>> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decoded(name).ok_or(())?, decoded(value).ok_or(())?))
    })
}

/// Judges the query string of a route that has no parameters but `names`: each is known and given once.
///
/// # Errors
/// All that is wrong with it.
pub(crate) fn only(query: &str, names: &[&str]) -> Result<(), Vec<ParameterProblem>> {
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = String::from_utf8_lossy(&bytes(name)).into_owned();
        let detail = match suggest::closest(&name, names.iter().copied()) {
            _ if names.contains(&name.as_str()) => match decoded(value) {
                None => "its value is not UTF-8".to_owned(),
                Some(_) if seen.insert(name.clone()) => continue,
                Some(_) => "it is given more than once; give it once".to_owned(),
            },
            Some(close) => format!("there is no such parameter; did you mean `{close}`?"),
            None => "there is no such parameter".to_owned(),
        };
        problems.push(ParameterProblem { parameter: cut(&name), detail });
    }
    problems.truncate(PROBLEMS_MAX);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Reads a query string (without its `?`).
///
/// # Errors
/// All that is wrong with it, in the order of the request, missing parameters last.
pub(super) fn read(
    query: &str,
    parameters: &[Parameter],
    page: PageSize,
) -> Result<Request, Vec<ParameterProblem>> {
    let mut reader = Reader {
        parameters,
        page_size: page,
        seen: BTreeSet::new(),
        repeated: BTreeSet::new(),
        problems: Vec::new(),
        request: Request {
            values: BTreeMap::new(),
            page: Page { limit: page.default, offset: 0, cursor: None },
            count: false,
            format: None,
            given: Vec::new(),
            linked: true,
        },
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        reader.pair(name, value);
    }
    reader.finish()
}

struct Reader<'a> {
    parameters: &'a [Parameter],
    page_size: PageSize,
    seen: BTreeSet<String>,
    repeated: BTreeSet<String>,
    problems: Vec<ParameterProblem>,
    request: Request,
}

impl Reader<'_> {
    fn pair(&mut self, name: &str, value: &str) {
        let Some(name) = decoded(name) else {
            let shown = String::from_utf8_lossy(&bytes(name)).into_owned();
            return self.problem(&shown, "this name is not UTF-8".to_owned());
        };
        let list = self.parameters.iter().any(|known| known.name == name && known.list);
        if !self.seen.insert(name.clone()) && !list {
            if self.repeated.insert(name.clone()) {
                self.problem(&name, "it is given more than once; give it once".to_owned());
            }
            return;
        }
        match decoded(value) {
            None => self.problem(&name, "its value is not UTF-8".to_owned()),
            Some(value) => self.decoded_pair(&name, value),
        }
    }

    fn decoded_pair(&mut self, name: &str, value: String) {
        let known = self.parameters.iter().find(|parameter| parameter.name == name);
        let judged = match (known, name) {
            (Some(parameter), _) => match parameter.judge(&value) {
                Ok(typed) => self.value(parameter, typed, value),
                Err(detail) => Err(detail),
            },
            (None, "limit") => {
                between(&value, 1, self.page_size.max).map(|limit| self.request.page.limit = limit)
            }
            (None, "offset") => {
                between(&value, 0, OFFSET_MAX).map(|offset| self.request.page.offset = offset)
            }
            (None, "cursor") => value.parse().map(|cursor| self.request.page.cursor = Some(cursor)),
            (None, "count") => match value.as_str() {
                "true" | "false" => {
                    self.request.count = value == "true";
                    self.request.given.push((name.to_owned(), value));
                    Ok(())
                }
                other => Err(format!("`{}` is not `true` or `false`", cut(other))),
            },
            (None, "format") => {
                self.request.format = Some(value.clone());
                self.request.given.push((name.to_owned(), value));
                Ok(())
            }
            // Judged before: it decides whose parameters these are.
            (None, "at") => {
                self.request.given.push((name.to_owned(), value));
                Ok(())
            }
            (None, _) => Err(self.unknown(name)),
        };
        if let Err(detail) = judged {
            self.problem(name, detail);
        }
    }

    fn value(&mut self, parameter: &Parameter, typed: Value, given: String) -> Result<(), String> {
        let name = parameter.name.clone();
        if parameter.list {
            let empty = || Some(Value::List(Vec::new()));
            let values = self.request.values.entry(name.clone()).or_insert_with(empty);
            if let Some(Value::List(items)) = values {
                if items.len() == ITEMS_MAX {
                    return Err(format!("it has more than {ITEMS_MAX} items"));
                }
                items.push(typed);
            }
        } else {
            self.request.values.insert(name.clone(), Some(typed));
        }
        self.request.given.push((name, given));
        Ok(())
    }

    fn unknown(&self, name: &str) -> String {
        let names = || {
            let declared = self.parameters.iter().map(|parameter| parameter.name.as_str());
            declared.chain(EVERYWHERE)
        };
        match suggest::closest(name, names()) {
            Some(close) => format!("there is no such parameter; did you mean `{close}`?"),
            None => {
                let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
                format!("there is no such parameter; there are {}", names.join(", "))
            }
        }
    }

    fn problem(&mut self, parameter: &str, detail: String) {
        self.problems.push(ParameterProblem { parameter: cut(parameter), detail });
    }

    fn finish(mut self) -> Result<Request, Vec<ParameterProblem>> {
        for parameter in self.parameters {
            if self.seen.contains(&parameter.name) {
                continue;
            }
            if parameter.required && parameter.default.is_none() {
                self.problem(&parameter.name, "it is required".to_owned());
            }
            self.request.values.insert(parameter.name.clone(), parameter.default.clone());
        }
        if self.seen.contains("cursor") && self.seen.contains("offset") {
            self.problem(
                "offset",
                "a cursor says where to begin; leave one of them out".to_owned(),
            );
        }
        if self.problems.is_empty() {
            return Ok(self.request);
        }
        if self.problems.len() > PROBLEMS_MAX {
            let more = self.problems.len() - PROBLEMS_MAX;
            self.problems.truncate(PROBLEMS_MAX);
            self.problem("…", format!("{more} more problems"));
        }
        Err(self.problems)
    }
}

/// A page's number.
fn between(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
    match number.flatten() {
        Some(number) if (least..=most).contains(&number) => Ok(number),
        _ if text.is_empty() => {
            Err(format!("it is empty; give a whole number from {least} to {most}"))
        }
        _ => Err(format!("`{}` is not a whole number from {least} to {most}", cut(text))),
    }
}

/// The bytes of one side of a pair: `+` is a blank, `%2B` a plus.
fn bytes(text: &str) -> Vec<u8> {
    let blanks: Vec<u8> = text.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    percent_decode(&blanks).collect()
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(bytes(text)).ok()
}
