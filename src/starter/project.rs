//! The files of a project that do not depend on what the rows say: settings and staging models; and names.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::NewFile;
use super::facts::Table;

/// What `source('raw', …)` calls the files.
pub(super) const SOURCE: &str = "raw";

/// Words that YAML or SQL take for something else than a name.
const RESERVED: [&str; 40] = [
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "null",
    "y",
    "n",
    "select",
    "from",
    "where",
    "group",
    "order",
    "by",
    "limit",
    "offset",
    "table",
    "user",
    "case",
    "when",
    "then",
    "else",
    "end",
    "and",
    "or",
    "not",
    "in",
    "is",
    "as",
    "default",
    "check",
    "references",
    "desc",
    "asc",
    "all",
    "union",
    "join",
    "using",
    "primary",
];

pub(super) fn new_file(path: String, content: String) -> NewFile {
    NewFile { path, content: content.into_bytes() }
}

pub(super) fn settings(name: &str) -> Vec<NewFile> {
    let project = format!(
        "name: {name}\nversion: \"1.0.0\"\nconfig-version: 2\nprofile: {name}\n\nmodels:\n  {name}:\n    \
         staging:\n      +materialized: view\n"
    );
    let toml = "# Clearwell's own settings; all can be left out. The folder of this file is the base of every relative path.\n\n\
         #warehouse = \"warehouse\"\n#memory_limit = \"512MiB\"\n";
    vec![
        new_file("dbt_project.yml".to_owned(), project),
        new_file("clearwell.toml".to_owned(), toml.to_owned()),
    ]
}

/// Names as they are in the file, in lower case with `_`: the place where to rename, cast and leave out.
pub(super) fn staging(table: &Table) -> NewFile {
    let columns: Vec<&str> =
        table.survey.columns.iter().map(|column| column.rule.name.as_str()).collect();
    let renamed: Vec<String> = columns.iter().map(|column| snake(column)).collect();
    let differ = renamed.iter().collect::<BTreeSet<_>>().len() == renamed.len();
    let lines: Vec<String> = std::iter::zip(&columns, &renamed)
        .map(|(column, renamed)| match differ && renamed != column && !renamed.is_empty() {
            true => format!("    {} as {}", identifier(column), identifier(renamed)),
            false => format!("    {}", identifier(column)),
        })
        .collect();
    let sql = format!(
        "select\n{}\nfrom {{{{ source('{SOURCE}', '{}') }}}}\n",
        lines.join(",\n"),
        table.name
    );
    new_file(format!("models/staging/stg_{}.sql", table.name), sql)
}

/// A name as SQL takes it for one.
pub(super) fn identifier(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Whether a name needs no quotes, in SQL and in YAML.
pub(super) fn is_plain(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&name.to_ascii_lowercase().as_str())
}

/// A text as a value of YAML.
pub(super) fn yaml(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// JSON's quotes are also YAML's; Jinja's braces would be filled in.
pub(super) fn quoted(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json.replace("{{", "\\u007b{").replace("{%", "\\u007b%")
}

/// `Order Details.csv.gz` -> `order_details`.
pub(super) fn table_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or("table");
    named(stem, "table")
}

/// A folder's name as a project can be called.
pub(crate) fn project_name(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    named(&name, "project")
}

/// Letters, digits and `_`, none of the digits first.
fn named(text: &str, otherwise: &str) -> String {
    let ascii: String = text.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    match snake(&ascii) {
        name if name.is_empty() => otherwise.to_owned(),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("{otherwise}_{name}"),
        name => name,
    }
}

/// `CustomerID` -> `customer_id`, `Unit Price` -> `unit_price`.
fn snake(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut out = String::new();
    for (index, &character) in characters.iter().enumerate() {
        if !character.is_alphanumeric() {
            out.push('_');
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| characters.get(before));
        let behind = characters.get(index + 1);
        let starts_word = character.is_uppercase()
            && before.is_some_and(|before| {
                before.is_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_uppercase() && behind.is_some_and(|c| c.is_lowercase()))
            });
        if starts_word {
            out.push('_');
        }
        out.extend(character.to_lowercase());
    }
    let words: Vec<&str> = out.split('_').filter(|word| !word.is_empty()).collect();
    words.join("_")
}

/// How a project in `folder` writes the path of a file: relative to it where they share a folder, else whole. Characters
/// that a glob would take for something else stand for themselves.
pub(super) fn location(folder: &Path, file: &Path) -> String {
    let parts = |path: &Path| -> Vec<String> {
        let names = path.components().filter(|part| matches!(part, Component::Normal(_)));
        names.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect()
    };
    let (above, below) = (parts(folder), parts(file));
    let shared = above.iter().zip(&below).take_while(|(one, other)| one == other).count();
    let path: PathBuf = match shared {
        0 => file.to_owned(),
        _ => std::iter::repeat_n("..".to_owned(), above.len() - shared)
            .chain(below[shared..].iter().cloned())
            .collect(),
    };
    let mut out = String::new();
    for character in path.to_string_lossy().chars() {
        match character {
            '*' | '?' | '[' | ']' | '{' | '}' => out.extend(['[', character, ']']),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_in_lower_case() {
        let words = ["CustomerID", "Unit Price", "orderID", "a", "Total€", "XMLFile", "x1Y", "_A_"];
        assert_eq!(
            words.map(snake),
            ["customer_id", "unit_price", "order_id", "a", "total", "xml_file", "x1_y", "a"]
        );
        assert_eq!(table_name(Path::new("/a/Order Details.csv.gz")), "order_details");
        assert_eq!(table_name(Path::new("2024-01-01.csv")), "table_2024_01_01");
        assert_eq!(project_name(Path::new("/")), "project");
    }

    #[test]
    fn paths_lead_from_the_project_to_the_file() {
        let location = |folder: &str, file: &str| location(Path::new(folder), Path::new(file));
        assert_eq!(location("/a/b", "/a/b/data/x.csv"), "data/x.csv");
        assert_eq!(location("/a/b", "/a/c/x.csv"), "../c/x.csv");
        assert_eq!(location("/a/b", "/c/x[1].csv"), "/c/x[[]1[]].csv");
    }
}
