//! Macros of all files, each callable from everywhere, and generic tests.
//!
//! Each macro is a template of its own and runs in a state of its own. That makes `return` possible: it leaves the
//! macro as an error, which the call catches.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery::Token;
use minijinja::value::{Kwargs, Object, ObjectRepr, Value};
use minijinja::{Error, State};

use super::context::MACRO_DEPTH_MAX;
use super::dialect;
use super::failure::{complaint, with_names};
use super::scope::Scope;
use super::templates::{MACRO, TEST, Templates};
use crate::base::{Diagnostic, Diagnostics, SourceText, Span};

/// A macro as defined.
#[derive(Clone, Debug)]
pub(in crate::project) struct Definition {
    name: String,
    template: String,
    parameters: Vec<String>,
    /// Whether it looks at `kwargs`.
    takes_others: bool,
    /// Whether it looks at `varargs`.
    takes_more: bool,
    span: Span,
}

impl Definition {
    pub(in crate::project) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(String::as_str)
    }

    pub(in crate::project) fn source(&self) -> &SourceText {
        &self.span.source
    }

    /// Whether it takes arguments that it does not name.
    pub(in crate::project) fn takes_others(&self) -> bool {
        self.takes_others
    }
}

/// Every macro by its name; a generic test `x` is the macro `test_x`. Those of a package of ours stand behind its name and
/// a dot.
#[derive(Debug, Default)]
pub(in crate::project) struct MacroTable {
    macros: BTreeMap<String, Arc<Definition>>,
}

impl MacroTable {
    pub(in crate::project) fn get(&self, name: &str) -> Option<&Arc<Definition>> {
        self.macros.get(name)
    }

    /// What templates can call by its bare name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.macros.keys().map(String::as_str).filter(|name| !name.contains('.'))
    }

    /// The key of a generic test: the project's own, or one of a package.
    pub(in crate::project) fn test_key(package: Option<&str>, name: &str) -> String {
        match package {
            Some(package) => format!("{package}.{TEST}{name}"),
            None => format!("{TEST}{name}"),
        }
    }

    /// The generic tests of the project (`None`) or of a package, for did-you-mean.
    pub(in crate::project) fn tests<'a>(
        &'a self,
        package: Option<&str>,
    ) -> impl Iterator<Item = &'a str> {
        let start = Self::test_key(package, "");
        self.macros.keys().filter_map(move |key| key.strip_prefix(&start))
    }

    pub(in crate::project) fn has(&self, name: &str) -> bool {
        self.macros.contains_key(name)
    }
}

/// What a file of macros holds.
struct Block {
    tag: String,
    name: String,
    name_range: Range<usize>,
    parameters: Vec<String>,
    range: Range<usize>,
}

/// Macros that every project has, in dbt's words.
const OURS: &str = include_str!("cross_database.sql");
/// Generic tests that are there without the package that they are known from, with the arguments and the meaning that the
/// package documents.
const DBT_UTILS: &str = include_str!("dbt_utils.sql");

/// Reads the macros of `files`, and dbt's own ones that do not depend on data.
pub(in crate::project) fn read_macros(
    files: &[SourceText],
    templates: &mut Templates,
    problems: &mut Diagnostics,
) -> MacroTable {
    let mut table = MacroTable::default();
    let ours = SourceText::new("dbt/cross_database.sql", OURS);
    read_file(&ours, "dbt", &mut table, templates, problems);
    let utils = SourceText::new("dbt_utils/generic_tests.sql", DBT_UTILS);
    read_file(&utils, "dbt_utils", &mut table, templates, problems);
    for file in files {
        read_file(file, "project", &mut table, templates, problems);
    }
    table
}

fn read_file(
    file: &SourceText,
    package: &str,
    table: &mut MacroTable,
    templates: &mut Templates,
    problems: &mut Diagnostics,
) {
    let blocks = match blocks(&file.text) {
        Ok(blocks) => blocks,
        Err(_) => {
            // Compiling the whole file says what is wrong with it.
            let key = format!("file {}", file.path.display());
            if let Err(error) = templates.add(&key, file, 0..file.text.len()) {
                problems.push(super::to_diagnostic(&error, templates, []));
            }
            return;
        }
    };
    for block in blocks {
        let span = file.span(block.name_range.clone());
        match block.tag.as_str() {
            "macro" | "test" | "data_test" => {
                add_macro(file, package, block, span, table, templates, problems);
            }
            other => {
                let message = format!("`{{% {other} %}}` is not supported yet; it is ignored");
                problems.push(Diagnostic::warning(message).at(span));
            }
        }
    }
}

fn add_macro(
    file: &SourceText,
    package: &str,
    block: Block,
    span: Span,
    table: &mut MacroTable,
    templates: &mut Templates,
    problems: &mut Diagnostics,
) {
    let is_test = block.tag != "macro";
    let name = if is_test { format!("{TEST}{}", block.name) } else { block.name };
    let key = if package == "dbt_utils" { format!("{package}.{name}") } else { name.clone() };
    let template = format!("macro {package}.{name}");
    let known = table.macros.get(&key);
    if let Some(known) = known.filter(|known| known.template == template) {
        let message = format!("the macro `{name}` is defined twice");
        let (file, (line, _)) = (known.span.source.path.display(), known.span.line_column());
        let problem = Diagnostic::error(message).at(span);
        problems.push(problem.hint(format!("the other one stands at {file}:{line}")));
        return;
    }
    let body = &file.text[block.range.clone()];
    let (takes_others, takes_more) = (body.contains("kwargs"), body.contains("varargs"));
    let added = match is_test {
        true => templates.add_test(&template, file, block.range, block.name_range),
        false => templates.add_macro(&template, file, block.range, block.name_range),
    };
    if let Err(error) = added {
        problems.push(super::to_diagnostic(&error, templates, []));
        return;
    }
    let parameters = block.parameters;
    let definition = Definition { name, template, parameters, takes_others, takes_more, span };
    table.macros.insert(key, Arc::new(definition));
}

/// Finds `{% macro f(a) %} … {% endmacro %}` and its relatives.
fn blocks(source: &str) -> Result<Vec<Block>, Error> {
    const TAGS: [&str; 5] = ["macro", "test", "data_test", "materialization", "snapshot"];
    let tokens = dialect::tokens(source)?;
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<Block> = None;
    for index in 0..tokens.len() {
        let (Token::BlockStart, start) = &tokens[index] else { continue };
        let Some((Token::Ident(tag), _)) = tokens.get(index + 1) else { continue };
        match (&mut open, tokens.get(index + 2)) {
            (None, Some((Token::Ident(name), name_range))) if TAGS.contains(tag) => {
                let (tag, name) = ((*tag).to_owned(), (*name).to_owned());
                let parameters = parameters(&tokens[index + 3..]);
                let (name_range, range) = (name_range.clone(), start.start..source.len());
                open = Some(Block { tag, name, name_range, parameters, range });
            }
            (Some(block), Some((Token::BlockEnd, end))) if ends(tag, &block.tag) => {
                block.range.end = end.end;
                blocks.extend(open.take());
            }
            _ => {}
        }
    }
    // One that is not ended is kept: compiling it says so.
    blocks.extend(open);
    Ok(blocks)
}

fn ends(tag: &str, opened: &str) -> bool {
    let plain = |tag: &str| tag.trim_start_matches("data_").to_owned();
    tag.strip_prefix("end").is_some_and(|tag| plain(tag) == plain(opened))
}

fn parameters(tokens: &[(Token<'_>, Range<usize>)]) -> Vec<String> {
    let mut depth = 0_usize;
    let mut names = Vec::new();
    for (index, (token, _)) in tokens.iter().enumerate() {
        match token {
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => depth += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                depth = depth.saturating_sub(1)
            }
            Token::BlockEnd => break,
            Token::Ident(name) if depth == 1 => {
                let begins = index.checked_sub(1).map(|index| &tokens[index].0);
                if matches!(begins, Some(Token::ParenOpen | Token::Comma)) {
                    names.push((*name).to_owned());
                }
            }
            _ => {}
        }
    }
    names
}

/// A macro and the rendering that it is called in.
pub(super) struct MacroCall {
    pub(super) definition: Arc<Definition>,
    pub(super) scope: Arc<Scope>,
}

impl fmt::Debug for MacroCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}>", self.definition.name)
    }
}

impl Object for MacroCall {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str()? == "name").then(|| Value::from(self.definition.name.as_str()))
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let rendering = &self.scope.rendering;
        if !rendering.enter() {
            let message = format!("macros call one another more than {MACRO_DEPTH_MAX} deep");
            return Err(complaint(message));
        }
        let result = self.run(state, args);
        rendering.leave();
        match result {
            Ok(text) => Ok(Value::from(text)),
            Err(error) => rendering.take_returned().ok_or(error),
        }
    }
}

impl MacroCall {
    fn run(&self, state: &mut State<'_, '_>, args: &[Value]) -> Result<String, Error> {
        let Arguments { mut own, mut keywords, body, locals } = self.arguments(state, args)?;
        let scope = Scope { locals, ..(*self.scope).clone() };
        let template = state.env().get_template(&self.definition.template)?;
        let mut module = template.render_captured(Value::from_dyn_object(Arc::new(scope)))?;
        let name = &format!("{MACRO}{}", self.definition.name);
        module.with_state_mut(|state| {
            let takes_body = state.lookup(name).and_then(|it| it.get_attr("caller").ok());
            if takes_body.is_some_and(|takes| takes.is_true()) {
                keywords.extend(body.map(|body| ("caller", body)));
            }
            if !keywords.is_empty() {
                own.push(Value::from(Kwargs::from_iter(keywords)));
            }
            state.call_macro(name, &own)
        })
    }

    /// Parts what the macro declares from what it gets besides.
    fn arguments<'a>(
        &'a self,
        state: &mut State<'_, '_>,
        args: &[Value],
    ) -> Result<Arguments<'a>, Error> {
        let declared = &self.definition.parameters;
        let (given, positional) = match args.split_last() {
            Some((last, rest)) if last.is_kwargs() => (Kwargs::try_from(last.clone())?, rest),
            _ => (Kwargs::from_iter::<[(&str, Value); 0]>([]), args),
        };
        let (own, rest) = positional.split_at(positional.len().min(declared.len()));
        let (mut keywords, mut unknown, mut body) = (Vec::new(), Vec::new(), None);
        for name in given.args() {
            let value: Value = given.get(name)?;
            match declared.iter().find(|parameter| *parameter == name) {
                Some(parameter) => keywords.push((parameter.as_str(), value)),
                None if name == "caller" => body = Some(rendered_body(state, &value)?),
                None if !self.definition.takes_others => return Err(self.unknown(name)),
                None => unknown.push((name, value)),
            }
        }
        if !rest.is_empty() && !self.definition.takes_more {
            let (name, given) = (&self.definition.name, positional.len());
            let most = declared.len();
            let message = format!("the macro `{name}` takes {most} arguments, {given} are given");
            return Err(complaint(message));
        }
        let locals =
            vec![("varargs", Value::from(rest.to_vec())), ("kwargs", Value::from_pairs(unknown))];
        Ok(Arguments { own: own.to_vec(), keywords, body, locals })
    }
}

impl MacroCall {
    /// As in Jinja, a macro that does not look at `kwargs` takes no argument that it does not declare.
    fn unknown(&self, argument: &str) -> Error {
        let message = format!("the macro `{}` has no argument `{argument}`", self.definition.name);
        with_names(message, argument, self.definition.parameters())
    }
}

/// What a macro is called with.
struct Arguments<'a> {
    own: Vec<Value>,
    keywords: Vec<(&'a str, Value)>,
    /// Of a `{% call %}` block.
    body: Option<Value>,
    /// `varargs` and `kwargs`.
    locals: Vec<(&'static str, Value)>,
}

/// The body of a `{% call %}` block. It belongs to the template that calls, so it is rendered there and now.
fn rendered_body(state: &mut State<'_, '_>, body: &Value) -> Result<Value, Error> {
    let text = body.call(state, &[])?;
    Ok(Value::from_function(move |arguments: &[Value]| match arguments.is_empty() {
        true => Ok(text.clone()),
        false => {
            let message = "arguments for a `{% call %}` block's body are not supported yet";
            Err(complaint(message.to_owned()))
        }
    }))
}

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Templates")
    }
}
