//! All templates of a project, compiled once, with the way back from each to the file it stands in.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use minijinja::{Environment, Error, OutputSpanKind, UndefinedBehavior, Value};

use super::collections;
use super::dialect::{self, Bridged};
use super::scope::Scope;
use crate::base::SourceText;
use crate::project::sql::{CompiledSql, Piece};

pub(in crate::project) type TemplateError = Error;

/// Every template by its key.
pub(in crate::project) struct Templates {
    environment: Environment<'static>,
    written: BTreeMap<String, Written>,
}

/// Where a template was written.
struct Written {
    source: SourceText,
    /// The offset in the file at which the template begins.
    base: usize,
    bridged: Bridged,
}

/// Rendered text with what came from where.
#[derive(Debug)]
pub(in crate::project) struct Output {
    pub(in crate::project) text: String,
    pub(in crate::project) map: Vec<Piece>,
}

impl Output {
    pub(in crate::project) fn into_sql(self, template: &SourceText) -> CompiledSql {
        CompiledSql { text: self.text, template: template.clone(), map: self.map }
    }
}

impl Templates {
    pub(in crate::project) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment
            .set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_debug(true);
        environment.add_function(dialect::LIST, |items: Value| collections::list(&items));
        environment.add_function(dialect::DICT, |entries: Value| collections::dict(&entries));
        environment.add_filter("as_text", |value: Value| value);
        environment.add_filter("as_native", |value: Value| value);
        environment.add_filter("as_bool", |value: Value| value);
        environment.add_filter("as_number", |value: Value| value);
        Self { environment, written: BTreeMap::new() }
    }

    /// Compiles the template that stands at `range` of `source`.
    ///
    /// # Errors
    /// On a syntax error; [`place`](Self::place) knows where it stands.
    pub(in crate::project) fn add(
        &mut self,
        key: &str,
        source: &SourceText,
        range: Range<usize>,
    ) -> Result<(), Error> {
        let text = &source.text[range.clone()];
        // What cannot be bridged cannot be compiled either, and the compiler says it better.
        let bridged = dialect::bridge(text).unwrap_or_else(|_| Bridged::unchanged(text));
        self.add_bridged(key, source, range.start, bridged)
    }

    /// As [`add`](Self::add), for a macro whose name stands at `name`: the macro is called [`MACRO`] and its name in the
    /// template, so that its name in its own body means what it means everywhere.
    pub(super) fn add_macro(
        &mut self,
        key: &str,
        source: &SourceText,
        range: Range<usize>,
        name: Range<usize>,
    ) -> Result<(), Error> {
        let text = &source.text[range.clone()];
        let bridged = dialect::bridge(text).unwrap_or_else(|_| Bridged::unchanged(text));
        let bridged = bridged.with(name.start - range.start, MACRO);
        self.add_bridged(key, source, range.start, bridged)
    }

    /// As [`add_macro`](Self::add_macro), for a `{% test %}` block: dbt calls the macro by `test_` and its name.
    pub(super) fn add_test(
        &mut self,
        key: &str,
        source: &SourceText,
        range: Range<usize>,
        name: Range<usize>,
    ) -> Result<(), Error> {
        let text = &source.text[range.clone()];
        let bridged = dialect::test_as_macro(text).unwrap_or_else(|_| Bridged::unchanged(text));
        let at = name.start - range.start;
        let bridged = bridged.with(at, MACRO).with(at, TEST);
        self.add_bridged(key, source, range.start, bridged)
    }

    fn add_bridged(
        &mut self,
        key: &str,
        source: &SourceText,
        base: usize,
        bridged: Bridged,
    ) -> Result<(), Error> {
        let compiled = bridged.text.clone();
        self.written.insert(key.to_owned(), Written { source: source.clone(), base, bridged });
        self.environment.add_template_owned(key.to_owned(), compiled)
    }

    pub(in crate::project) fn render(&self, key: &str, scope: Scope) -> Result<Output, Error> {
        let context = Value::from_dyn_object(Arc::new(scope));
        let (text, spans) = self.environment.get_template(key)?.render_with_spans(context)?;
        let Some(written) = self.written.get(key) else {
            return Ok(Output { text, map: Vec::new() });
        };
        let piece = |span: &minijinja::OutputSpan| Piece {
            compiled: span.output_range(),
            template: written.place(&span.source_range()),
            verbatim: span.kind() == OutputSpanKind::Raw,
        };
        let map = spans.iter().filter(|span| span.name() == key).map(piece).collect();
        Ok(Output { text, map })
    }

    /// Renders one text outside of any file: a value of a YAML file.
    pub(in crate::project) fn render_text(
        &self,
        text: &str,
        scope: Scope,
    ) -> Result<String, Error> {
        let bridged = dialect::bridge(text)?;
        let context = Value::from_dyn_object(Arc::new(scope));
        self.environment.render_named_str(YAML_VALUE, &bridged.text, context)
    }

    /// The value of an expression that stands outside of any file.
    pub(in crate::project) fn evaluate(
        &self,
        expression: &str,
        scope: Scope,
    ) -> Result<Value, Error> {
        let context = Value::from_dyn_object(Arc::new(scope));
        self.environment.compile_expression(expression)?.eval(context)
    }

    /// The file and bytes that an error is about.
    pub(super) fn place(&self, error: &Error) -> Option<(SourceText, Range<usize>)> {
        let written = self.written.get(error.name()?)?;
        let range = match (error.range(), error.line()) {
            (Some(range), _) if !range.is_empty() || error.line().is_none() => range,
            (_, Some(line)) => line_range(&written.bridged.text, line),
            (range, None) => range.unwrap_or(0..0),
        };
        Some((written.source.clone(), written.place(&range)))
    }
}

/// Put before the names of macros inside of their templates.
pub(super) const MACRO: &str = "__macro_";

/// Put before the names of generic tests, which are macros.
pub(super) const TEST: &str = "test_";

/// The name of templates that stand in no file of their own.
const YAML_VALUE: &str = "<value>";

impl Written {
    fn place(&self, range: &Range<usize>) -> Range<usize> {
        let range = self.bridged.written(range);
        self.base + range.start..self.base + range.end
    }
}

fn line_range(text: &str, line: usize) -> Range<usize> {
    let start = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let rest = text[start..].split('\n').next().unwrap_or("");
    let indent = rest.len() - rest.trim_start().len();
    start + indent..start + rest.trim_end().len().max(indent)
}
