//! One model: whether it must be built, and building it.

use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema, SchemaRef};

use super::Workspace;
use super::staging::{self, Shape, WriteError};
use crate::base::{Diagnostic, hash};
use crate::engine::{Query, SqlError, TableSet, sql_name};
use crate::ingest::reading::arrow_type;
use crate::project::{CompiledSql, Materialization, Model};
use crate::record::CodeFingerprint;
use crate::warehouse::{Draft, FORMAT, Manifest, State, TableColumn, TableContent, stored_type};

/// What to do about a source that is no table of the warehouse.
const SOURCE_WITHOUT_FILES: &str = "a source is read from files if it says where they are: `meta: {external_location: \"data/{name}.csv\"}`";

pub(super) struct Built {
    pub(super) changed: bool,
    pub(super) rows: Option<u64>,
}

/// Stages the model's table, unless the draft holds what building it would give.
///
/// # Errors
/// A sentence with the place in the model's file.
pub(super) async fn build(
    workspace: &Workspace,
    draft: &Draft,
    model: &Model,
    full_refresh: bool,
) -> Result<Built, String> {
    let state = draft.state();
    let standing = state.tables.get(&model.table).cloned();
    let text = text_fingerprint(model);
    let unchanged = |manifest: &Manifest| {
        staging::note_reads(draft, manifest);
        describe(draft, model, manifest)?;
        Ok(Built { changed: false, rows: manifest.rows })
    };
    if let Some(manifest) = standing.as_deref().filter(|_| !full_refresh)
        && staging::inputs_stand(manifest, &state)
        && (manifest.code.text == text || recalls_plan(workspace, &text, manifest))
        && !manifest.code.volatile
    {
        return unchanged(manifest);
    }
    let tables = TableSet::of(workspace.warehouse.root(), &state.tables);
    let session = workspace.engine.session(Arc::new(tables));
    let planned = session.plan(&model.sql.text).await;
    let query = planned.map_err(|error| place(&error, &model.sql, &model.info.name))?;
    check_contract(model, &query)?;
    let schema = kept_schema(model, &query);
    let plan = match schema == query.schema() {
        true => query.fingerprint(),
        false => hash::of_parts([query.fingerprint().as_bytes(), schema.to_string().as_bytes()]),
    };
    let code = CodeFingerprint { text, plan, volatile: query.volatile() };
    if let Some(manifest) = standing.as_deref().filter(|_| !full_refresh)
        && manifest.code.plan == code.plan
        && is_view(manifest) == (model.materialization == Materialization::View)
        && staging::inputs_stand(manifest, &state)
        && !code.volatile
    {
        workspace.warehouse.remember(&plan_key(&code.text), &code.plan);
        return unchanged(manifest);
    }
    let manifest = stage(workspace, draft, &state, model, (&query, schema), code).await?;
    let changed = standing.is_none_or(|before| before.content_hash != manifest.content_hash);
    Ok(Built { changed, rows: manifest.rows })
}

async fn stage(
    workspace: &Workspace,
    draft: &Draft,
    state: &State,
    model: &Model,
    (query, schema): (&Query, SchemaRef),
    code: CodeFingerprint,
) -> Result<Arc<Manifest>, String> {
    let columns = columns(model, &schema);
    let description = model.info.description.clone();
    let describe = |error: WriteError| format!("model `{}`: {error}", model.info.name);
    if model.materialization != Materialization::View {
        let shape = Shape { description, columns, schema };
        let staged = staging::rows(workspace, draft, state, &model.table, shape, query, code);
        return staged.await.map_err(describe);
    }
    let reads = query.tables();
    let manifest = Manifest {
        format: FORMAT,
        table: model.table.clone(),
        description,
        content_hash: view_hash(&code, &columns),
        columns,
        content: TableContent::View {
            sql: model.sql.text.clone(),
            reads: reads.iter().cloned().collect(),
        },
        rows: None,
        code,
        inputs: staging::inputs(&reads, state),
        load: None,
    };
    let staged = draft.stage(manifest).map_err(|error| error.to_string())?;
    staging::note_reads(draft, &staged);
    Ok(staged)
}

/// What a rebuild is decided by at the first level: the compiled text and the settings that shape the table.
fn text_fingerprint(model: &Model) -> String {
    let materialization = format!("{:?}", model.materialization);
    let declared: Vec<String> = model
        .columns
        .iter()
        .map(|column| format!("{}\0{:?}", column.name, column.data_type))
        .collect();
    let enforced = if model.contract_enforced { "enforced" } else { "" };
    let parts = [model.sql.text.as_str(), &materialization, enforced, env!("CARGO_PKG_VERSION")];
    let declared = declared.iter().map(String::as_bytes);
    hash::of_parts(parts.iter().map(|part| part.as_bytes()).chain(declared))
}

fn plan_key(text: &str) -> String {
    format!("plan-{text}")
}

/// Whether this text is known to give the plan that built the table: reformatted SQL builds nothing.
fn recalls_plan(workspace: &Workspace, text: &str, manifest: &Manifest) -> bool {
    workspace.warehouse.recall(&plan_key(text)).is_some_and(|plan| plan == manifest.code.plan)
}

fn is_view(manifest: &Manifest) -> bool {
    matches!(manifest.content, TableContent::View { .. })
}

/// The columns that the model has, with what the user says about them.
fn columns(model: &Model, schema: &SchemaRef) -> Vec<TableColumn> {
    let mut columns = TableColumn::of(schema);
    document(model, &mut columns);
    columns
}

fn document(model: &Model, columns: &mut [TableColumn]) {
    for column in columns {
        let documented = model.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&column.name));
        column.description =
            documented.map(|column| column.description.clone()).unwrap_or_default();
    }
}

/// Stages the table as it stands, with what the user now writes about it.
fn describe(draft: &Draft, model: &Model, present: &Manifest) -> Result<(), String> {
    let mut manifest = present.clone();
    manifest.description.clone_from(&model.info.description);
    document(model, &mut manifest.columns);
    if manifest == *present {
        return Ok(());
    }
    draft
        .stage(manifest)
        .map(|_| ())
        .map_err(|error| format!("model `{}`: {error}", model.info.name))
}

/// The content hash of a view: what it means (the plan) and the columns it shows, whatever is said about them.
fn view_hash(code: &CodeFingerprint, columns: &[TableColumn]) -> String {
    let columns: Vec<String> =
        columns.iter().map(|column| format!("{} {}", column.name, column.data_type)).collect();
    let parts = [b"view".as_slice(), code.plan.as_bytes()];
    hash::of_parts(parts.into_iter().chain(columns.iter().map(String::as_bytes)))
}

/// A declared contract that is enforced must name the columns that the SQL gives, in their order, as dbt asks.
fn check_contract(model: &Model, query: &Query) -> Result<(), String> {
    if !model.contract_enforced {
        return Ok(());
    }
    let schema = query.schema();
    let given: Vec<String> = schema.fields().iter().map(|f| f.name().to_lowercase()).collect();
    let declared: Vec<String> = model.columns.iter().map(|c| c.name.to_lowercase()).collect();
    if let Some(missing) = declared.iter().find(|name| !given.contains(name)) {
        return Err(broken(model, &format!("its SQL gives no column `{missing}`")));
    }
    if let Some(extra) = given.iter().find(|name| !declared.contains(name)) {
        return Err(broken(
            model,
            &format!("its SQL gives column `{extra}`, which is not declared"),
        ));
    }
    for column in &model.columns {
        let Some(declared) = column.data_type else { continue };
        let field = schema.fields().iter().find(|f| f.name().eq_ignore_ascii_case(&column.name));
        let expected = arrow_type(declared);
        if let Some(field) = field
            && stored_type(field.data_type()) != expected
            && !(field.data_type().is_integer() && expected.is_integer())
        {
            let name = &column.name;
            let found = sql_name(field.data_type()).to_lowercase();
            return Err(broken(model, &format!("column `{name}` is {found}, declared {declared}")));
        }
    }
    Ok(())
}

/// The types in which a table's rows are kept: the query's, but for whole numbers, which are of the type that an enforced
/// contract declares. How wide a whole number is that SQL computes, no two engines agree on.
fn kept_schema(model: &Model, query: &Query) -> SchemaRef {
    let schema = query.schema();
    if !model.contract_enforced || model.materialization == Materialization::View {
        return schema;
    }
    let kept = |field: &FieldRef| {
        let column = model.columns.iter().find(|c| c.name.eq_ignore_ascii_case(field.name()));
        let declared = column.and_then(|column| column.data_type).map(arrow_type);
        match declared.filter(|kept| kept.is_integer() && field.data_type().is_integer()) {
            Some(kept) => Arc::new(field.as_ref().clone().with_data_type(kept)),
            None => Arc::clone(field),
        }
    };
    Arc::new(Schema::new(schema.fields().iter().map(kept).collect::<Vec<_>>()))
}

fn broken(model: &Model, what: &str) -> String {
    let problem =
        Diagnostic::error(format!("model `{}` breaks its contract: {what}", model.info.name));
    match &model.info.span {
        Some(span) => problem.at(span.clone()).render(),
        None => problem.render(),
    }
}

/// A SQL error at its place in the template.
pub(super) fn place(error: &SqlError, sql: &CompiledSql, node: &str) -> String {
    let mut problem = Diagnostic::error(format!("`{node}`: {}", error.message));
    problem.hints.clone_from(&error.hints);
    if let Some((line, column)) = error.position {
        let span = sql.locate(line, column, error.length);
        if error.message.starts_with("unknown table") && span.text().contains("source(") {
            problem = problem.hint(SOURCE_WITHOUT_FILES);
        }
        problem = problem.at(span);
    }
    problem.render()
}
