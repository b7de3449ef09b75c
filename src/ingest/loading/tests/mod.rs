//! Whole loads over real files and a real warehouse.

mod incremental;
mod shop;

use std::collections::BTreeSet;

use super::*;
use crate::base::progress::Silent;
use crate::base::size::ByteSize;
use crate::base::{NodeId, RunId, Version};
use crate::engine::EngineLimits;
use crate::project::{NodeInfo, Seed};
use crate::rules::{
    ColumnType, Contract, ForeignKey, OnReject, ReadOptions, RejectLimit, RowCheck,
};
use crate::warehouse::{Publication, PublishOutcome, TableContent};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// A folder with data and a warehouse.
pub(super) struct Place {
    folder: tempfile::TempDir,
    warehouse: Warehouse,
    engine: Engine,
}

/// A line of the quarantine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rejected {
    pub(super) file: String,
    pub(super) line: i64,
    pub(super) offset: i64,
    pub(super) raw: String,
    pub(super) reasons: Vec<String>,
}

impl Place {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = EngineLimits {
            memory: ByteSize(256 << 20),
            threads: 2,
            spill: folder.path().join("spill"),
            for_clients: false,
        };
        let warehouse = Warehouse::open(&folder.path().join("warehouse")).unwrap();
        Self { warehouse, engine: Engine::new(&limits).unwrap(), folder }
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        let path = self.folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(super) fn remove(&self, file: &str) {
        std::fs::remove_file(self.folder.path().join(file)).unwrap();
    }

    pub(super) fn draft(&self) -> Draft {
        let run = RunId::new(chrono::DateTime::UNIX_EPOCH);
        self.warehouse.draft(self.warehouse.latest().unwrap(), run)
    }

    fn context<'a>(&'a self, draft: &'a Draft) -> LoadContext<'a> {
        LoadContext {
            warehouse: &self.warehouse,
            draft,
            engine: &self.engine,
            base_dir: self.folder.path(),
            progress: &Silent,
            threads: 2,
            full_refresh: false,
        }
    }

    pub(super) async fn load(&self, draft: &Draft, source: &Source) -> Result<Loaded, LoadError> {
        load(&self.context(draft), source).await
    }

    /// Loads the sources and publishes them.
    pub(super) async fn build(&self, sources: &[&Source]) -> (Vec<Loaded>, PublishOutcome) {
        let draft = self.draft();
        let mut loaded = Vec::new();
        for source in sources {
            loaded.push(self.load(&draft, source).await.unwrap());
        }
        (loaded, publish(&draft))
    }

    /// Loads the sources into a draft on top of `state`, and gives what is then in it.
    pub(super) async fn build_on(&self, state: State, sources: [&Source; 2]) -> State {
        let draft = self.warehouse.draft(Some(state), RunId::new(chrono::DateTime::UNIX_EPOCH));
        for source in sources {
            _ = self.load(&draft, source).await.unwrap();
        }
        draft.state()
    }

    pub(super) fn batches(&self, state: &State, table: &TableName) -> Vec<RecordBatch> {
        let manifest = &state.tables[table];
        let TableContent::Files { files } = &manifest.content else { panic!("a view") };
        let names: Vec<String> = manifest.columns.iter().map(|c| c.name.clone()).collect();
        let mut batches = Vec::new();
        for file in files {
            let path = self.warehouse.root().join(&file.path);
            let (reader, places) = stored::open(&path, &names).unwrap();
            let in_order = |batch: RecordBatch| batch.project(&places).unwrap();
            batches.extend(reader.map(|batch| in_order(batch.unwrap())));
        }
        batches
    }

    /// The rows of a table as text, cells joined by `,`, in order of their text.
    pub(super) fn rows(&self, state: &State, table: &TableName) -> Vec<String> {
        let options = FormatOptions::default();
        let mut rows = Vec::new();
        for batch in self.batches(state, table) {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
                .collect();
            rows.extend((0..batch.num_rows()).map(|row| {
                let cells = columns.iter().map(|column| column.value(row).to_string());
                cells.collect::<Vec<_>>().join(",")
            }));
        }
        rows.sort();
        rows
    }

    pub(super) fn rejects(&self, state: &State, source: &Source) -> Vec<Rejected> {
        let mut rejects = Vec::new();
        for batch in self.batches(state, &source.quarantine()) {
            let number =
                |column: usize, row| batch.column(column).as_primitive::<Int64Type>().value(row);
            rejects.extend((0..batch.num_rows()).map(|row| {
                let reasons = batch.column(4).as_list::<i32>().value(row);
                Rejected {
                    file: batch.column(0).as_string::<i32>().value(row).to_owned(),
                    line: number(1, row),
                    offset: number(2, row),
                    raw: String::from_utf8(batch.column(3).as_binary::<i32>().value(row).to_vec())
                        .unwrap(),
                    reasons: reasons
                        .as_string::<i32>()
                        .iter()
                        .flatten()
                        .map(str::to_owned)
                        .collect(),
                }
            }));
        }
        rejects.sort();
        rejects
    }
}

pub(super) fn publish(draft: &Draft) -> PublishOutcome {
    let publication =
        Publication { published: chrono::DateTime::UNIX_EPOCH, tested: true, warned: 0 };
    draft.publish(&publication).unwrap()
}

/// A source of bigint and text columns (`name` or `name text`), under `location`.
pub(super) fn source(name: &str, location: &str, columns: &[&str]) -> Source {
    let columns = columns.iter().map(|column| {
        let (name, data_type) = column.split_once(' ').unwrap_or((column, "bigint"));
        ColumnRule {
            name: name.to_owned(),
            data_type: data_type.parse().unwrap(),
            not_null: false,
            format: None,
            null_values: Vec::new(),
        }
    });
    let contract = Contract { columns: columns.collect(), ..Contract::default() };
    Source {
        info: info("source", name),
        table: TableName::new("s", name).unwrap(),
        quarantine: TableName::new("quarantine", &format!("s_{name}")).unwrap(),
        source_name: "s".to_owned(),
        location: Some(location.to_owned()),
        location_span: None,
        reading: ReadOptions::default(),
        contract: Some(contract),
        check_spans: Vec::new(),
        on_reject: OnReject::Quarantine,
        max_rejects: None,
        columns: Vec::new(),
    }
}

pub(super) fn info(kind: &str, name: &str) -> NodeInfo {
    NodeInfo {
        id: NodeId::new(kind, "shop", name),
        name: name.to_owned(),
        fqn: vec!["shop".to_owned(), name.to_owned()],
        path: format!("{kind}s/{name}.csv"),
        description: String::new(),
        tags: Vec::new(),
        config: serde_json::Map::new(),
        depends_on: BTreeSet::new(),
        span: None,
    }
}

pub(super) fn with_keys(mut source: Source, primary: &[&str], unique: &[&[&str]]) -> Source {
    let names = |columns: &[&str]| columns.iter().map(|name| (*name).to_owned()).collect();
    let contract = source.contract.as_mut().unwrap();
    contract.primary_key = names(primary);
    contract.unique = unique.iter().map(|columns| names(columns)).collect();
    source
}

pub(super) fn with_reference(
    mut source: Source,
    column: &str,
    to: &str,
    to_column: &str,
) -> Source {
    source.contract.as_mut().unwrap().foreign_keys.push(ForeignKey {
        columns: vec![column.to_owned()],
        to: TableName::new("s", to).unwrap(),
        to_columns: vec![to_column.to_owned()],
    });
    source
}
