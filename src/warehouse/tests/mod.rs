//! The warehouse as its users see it.

mod concurrent;
mod crashing;
mod publishing;
mod reading;

use std::io::Write as _;

use super::store::simulated::SimulatedStore;
use super::*;
use crate::record::{CodeFingerprint, FileIdentity, LoadedFile, RunOutcome, RunRecord, SourceLoad};
use arrow::datatypes::DataType;

pub(super) const ROOT: &str = "/shop/warehouse";

pub(super) fn table(name: &str) -> TableName {
    TableName::new("main", name).unwrap()
}

pub(super) fn run() -> RunId {
    RunId::new("2026-01-02T03:04:05Z".parse().unwrap())
}

pub(super) fn time(minute: u32) -> DateTime<Utc> {
    format!("2026-01-02T03:{minute:02}:00Z").parse().unwrap()
}

pub(super) fn publication() -> Publication {
    Publication { published: time(0), tested: true, warned: 0 }
}

/// A warehouse on a disk in memory.
pub(super) fn simulated() -> (SimulatedStore, Warehouse) {
    let store = SimulatedStore::default();
    (store.clone(), Warehouse::on(Path::new(ROOT), Arc::new(store)))
}

/// A table whose one file holds the bytes `rows`, which are its content hash too.
pub(super) fn staged_file(warehouse: &Warehouse, name: &str, rows: &str) -> Manifest {
    let path = format!("tables/main/{name}/{}.parquet", uuid::Uuid::new_v4());
    warehouse.folder.create(&path).unwrap().write_all(rows.as_bytes()).unwrap();
    manifest(name, rows, &path)
}

pub(super) fn manifest(name: &str, rows: &str, path: &str) -> Manifest {
    let file = DataFile {
        path: path.to_owned(),
        rows: 1,
        bytes: rows.len() as u64,
        checksum: String::new(),
        rows_hash: String::new(),
        columns: BTreeMap::new(),
    };
    Manifest {
        description: String::new(),
        format: FORMAT,
        table: table(name),
        columns: vec![column("id")],
        content: TableContent::Files { files: vec![file] },
        content_hash: rows.to_owned(),
        rows: Some(1),
        code: CodeFingerprint::default(),
        inputs: BTreeMap::new(),
        load: None,
    }
}

pub(super) fn column(name: &str) -> TableColumn {
    let description = String::new();
    TableColumn { name: name.to_owned(), data_type: DataType::Int64, nullable: true, description }
}

pub(super) fn view(name: &str, reads: &[&str]) -> Manifest {
    let reads = reads.iter().map(|name| table(name)).collect();
    let content = TableContent::View { sql: "select 1".to_owned(), reads };
    Manifest { content, rows: None, ..manifest(name, "view", "") }
}

/// A source's load of one file, `orders.csv`.
pub(super) fn load(hash: &str, modified_ns: i128, accepted: &str) -> SourceLoad {
    let identity = FileIdentity { modified_ns, ..FileIdentity::default() };
    let file = LoadedFile {
        identity,
        hash: hash.to_owned(),
        accepted: vec![accepted.to_owned()],
        ..LoadedFile::default()
    };
    SourceLoad { files: BTreeMap::from([("orders.csv".to_owned(), file)]), ..SourceLoad::default() }
}

/// Publishes `tables`, each a name and its rows, on top of the newest version.
pub(super) fn publish(
    warehouse: &Warehouse,
    tables: &[(&str, &str)],
) -> Result<PublishOutcome, WarehouseError> {
    let draft = warehouse.draft(warehouse.latest()?, run());
    for (name, rows) in tables {
        let path = format!("tables/main/{name}/{}.parquet", uuid::Uuid::new_v4());
        let mut file = warehouse.folder.create(&path)?;
        file.write_all(rows.as_bytes())
            .map_err(|error| WarehouseError::io("write", Path::new(&path), error))?;
        draft.stage(manifest(name, rows, &path))?;
    }
    draft.publish(&publication())
}

pub(super) fn published(warehouse: &Warehouse, tables: &[(&str, &str)]) -> Version {
    match publish(warehouse, tables).unwrap() {
        PublishOutcome::Published(version) => version,
        other => panic!("{other:?}"),
    }
}

/// The rows of each table, read from its files; an error where anything is not whole.
pub(super) fn contents(
    warehouse: &Warehouse,
    state: &State,
) -> Result<BTreeMap<String, String>, WarehouseError> {
    let mut contents = BTreeMap::new();
    for manifest in state.tables.values() {
        let mut rows = String::new();
        for file in manifest.files() {
            let bytes = warehouse.folder.read(&file.path)?;
            let path = warehouse.folder.path(&file.path);
            let missing = || WarehouseError::damaged(&path, "it is missing");
            rows += &String::from_utf8(bytes.ok_or_else(missing)?).unwrap();
        }
        if manifest.rows.is_some() && rows != manifest.content_hash {
            let path = warehouse.folder.path(&manifest.files()[0].path);
            return Err(WarehouseError::damaged(&path, "its rows are not all there"));
        }
        contents.insert(manifest.table.name().to_owned(), rows);
    }
    Ok(contents)
}

pub(super) fn latest_contents(warehouse: &Warehouse) -> BTreeMap<String, String> {
    let state = warehouse.latest().unwrap().unwrap();
    contents(warehouse, &state).unwrap()
}

pub(super) fn rows<const N: usize>(tables: [(&str, &str); N]) -> BTreeMap<String, String> {
    tables.map(|(name, rows)| (name.to_owned(), rows.to_owned())).into()
}

pub(super) fn record(id: &RunId, outcome: RunOutcome) -> RunRecord {
    RunRecord {
        format: FORMAT,
        id: id.clone(),
        command: "build".to_owned(),
        program: "0".to_owned(),
        started: time(0),
        finished: time(1),
        parent: None,
        outcome,
        inputs: Vec::new(),
        nodes: Vec::new(),
        findings: Vec::new(),
        warnings: Vec::new(),
    }
}
