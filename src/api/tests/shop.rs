//! A small shop that is served: its warehouse, its endpoints, its server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray};
use chrono::{DateTime, Utc};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::client::get;
use crate::api::auth::Auth;
use crate::api::principal::Principal;
use crate::api::{ServeConfig, serve_until};
use crate::base::size::ByteSize;
use crate::base::{NodeId, RunId, SourceText, TableName, Version};
use crate::config::{AuthConfig, ServeLimits, ServerConfig};
use crate::endpoints;
use crate::engine::{Engine, EngineLimits};
use crate::project::{
    CompiledSql, Endpoint, NodeInfo, OrderKey, PageSize, Parameter, ParameterKind, Piece,
};
use crate::record::CodeFingerprint;
use crate::warehouse::{
    self, Annex, FORMAT, Manifest, Publication, PublishOutcome, TableColumn, TableContent,
    Warehouse, WriteOptions,
};

/// Far more than it takes to serve a new version, for machines with other things to do.
pub(super) const TAKE_UP_MAX: Duration = Duration::from_secs(5);

/// Days since 1970 of 2024-01-01.
const FIRST_DAY: i32 = 19_723;

pub(super) struct Shop {
    pub(super) warehouse: Warehouse,
    pub(super) engine: Engine,
    runtime: Runtime,
    folder: TempDir,
}

/// A server that stops when it is dropped.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Shop {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let limits = EngineLimits {
            memory: ByteSize(256 << 20),
            threads: 2,
            spill: folder.path().join("spill"),
            for_clients: true,
        };
        Self {
            warehouse: Warehouse::open(&folder.path().join("warehouse")).unwrap(),
            engine: Engine::new(&limits).unwrap(),
            runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap(),
            folder,
        }
    }

    /// Publishes a version with `days` days of sales and these endpoints.
    pub(super) fn publish(&self, days: i64, endpoints: &[Endpoint]) -> Version {
        self.runtime.block_on(async {
            let parent = self.warehouse.latest().unwrap();
            let number = parent.as_ref().and_then(|state| state.number());
            let draft = self.warehouse.draft(parent, RunId::new(DateTime::UNIX_EPOCH));
            let name = TableName::new("main", "daily_sales").unwrap();
            let batch = sales(days);
            let mut writer = draft.writer(&name, batch.schema(), WriteOptions::default()).unwrap();
            writer.write(batch.clone()).await.unwrap();
            let files = writer.finish().await.unwrap();
            draft.stage(manifest(name, &batch, files)).unwrap();
            draft.stage_annex(Annex::Endpoints, &endpoints::write_unplanned(endpoints));
            let published = "2026-01-02T03:04:05Z".parse::<DateTime<Utc>>().unwrap();
            // So that there is a version whether or not its tables differ.
            draft.stage_annex(Annex::Verdicts, format!("after {number:?}").as_bytes());
            let publication = Publication { published, tested: true, warned: 0 };
            match draft.publish(&publication).unwrap() {
                PublishOutcome::Published(version) => version,
                other => panic!("{other:?}"),
            }
        })
    }

    pub(super) fn serve(&self) -> Server {
        self.serve_with(ServeLimits::default())
    }

    pub(super) fn serve_with(&self, limits: ServeLimits) -> Server {
        self.serve_to(AuthConfig { required: false, ..self.auth() }, limits)
    }

    pub(super) fn auth(&self) -> AuthConfig {
        auth_in(&self.folder.path().join("state"))
    }

    /// The header of someone with these scopes.
    pub(super) fn bearer(&self, scopes: &[&str]) -> String {
        self.bearer_of("ann", scopes)
    }

    pub(super) fn bearer_of(&self, name: &str, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let principal = Principal { name: name.to_owned(), scopes, ..Principal::default() };
        let token = Auth::for_owner(self.auth()).unwrap().issue(&principal, 600).unwrap();
        format!("authorization: Bearer {token}\r\n")
    }

    pub(super) fn serve_to(&self, auth: AuthConfig, limits: ServeLimits) -> Server {
        self.serve_as(auth, ServerConfig::default(), limits)
    }

    pub(super) fn serve_as(
        &self,
        auth: AuthConfig,
        server: ServerConfig,
        limits: ServeLimits,
    ) -> Server {
        let bind = "127.0.0.1:0".parse().unwrap();
        let config = ServeConfig {
            auth: Arc::new(Auth::for_server(auth, bind).unwrap()),
            bind,
            warehouse: self.warehouse.clone(),
            engine: self.engine.clone(),
            server,
            limits: ServeLimits { poll_every: Duration::from_millis(20), ..limits },
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let stop = async {
                let _ = stopped.await;
            };
            let ready = move |address| tell.send(address).unwrap();
            runtime.block_on(serve_until(config, ready, stop)).unwrap();
        });
        Server { address: told.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }
}

/// As by default, with keys and users in a folder.
pub(super) fn auth_in(folder: &Path) -> AuthConfig {
    AuthConfig {
        required: true,
        jwks: None,
        own_key: folder.join("keys.json"),
        make_key: false,
        users: folder.join("users.toml"),
        issuer: None,
        audience: None,
        clock_skew_seconds: 60,
        token_seconds: 60,
    }
}

impl Server {
    /// Waits until `version` is served.
    pub(super) fn await_version(&self, version: u64) {
        let deadline = Instant::now() + TAKE_UP_MAX;
        loop {
            let ready = get(self.address, "/readyz").json();
            if ready["version"] == version {
                return;
            }
            assert!(Instant::now() < deadline, "version {version} not taken up: {ready}");
        }
    }

    pub(super) fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One row a day: `order_date`, `orders` (the number of days in all), `net_revenue`, `note`.
fn sales(days: i64) -> RecordBatch {
    let each = 0..days;
    let dates: Date32Array = each.clone().map(|day| Some(FIRST_DAY + day as i32)).collect();
    let orders: Int64Array = each.clone().map(|_| Some(days)).collect();
    let revenue: Decimal128Array = each.clone().map(|day| Some(i128::from(day) * 12_345)).collect();
    let revenue = revenue.with_precision_and_scale(18, 4).unwrap();
    let note: StringArray = each.map(|day| (day % 2 == 0).then_some("é \"x\"")).collect();
    RecordBatch::try_from_iter_with_nullable([
        ("order_date", Arc::new(dates) as ArrayRef, false),
        ("orders", Arc::new(orders), false),
        ("net_revenue", Arc::new(revenue), true),
        ("note", Arc::new(note), true),
    ])
    .unwrap()
}

fn manifest(table: TableName, batch: &RecordBatch, files: Vec<warehouse::DataFile>) -> Manifest {
    let column = |field: &Arc<arrow::datatypes::Field>| TableColumn {
        name: field.name().clone(),
        data_type: field.data_type().clone(),
        nullable: field.is_nullable(),
        description: String::new(),
    };
    let columns: Vec<_> = batch.schema().fields().iter().map(column).collect();
    Manifest {
        format: FORMAT,
        table,
        description: "What was sold.".to_owned(),
        content_hash: warehouse::content_hash(&columns, &files),
        columns,
        content: TableContent::Files { files },
        rows: Some(batch.num_rows() as u64),
        code: CodeFingerprint::default(),
        inputs: BTreeMap::new(),
        load: None,
    }
}

/// The days from `$from` to `$to`, with a note like `$note`.
pub(super) fn daily_sales() -> Endpoint {
    let sql = "select * from daily_sales\n\
        where order_date >= $from and order_date <= $to and note = $note";
    let mut endpoint = endpoint("daily_sales", sql);
    endpoint.parameters = vec![
        Parameter::new("from", ParameterKind::Date),
        Parameter::new("to", ParameterKind::Date),
        Parameter::new("note", ParameterKind::String),
    ];
    endpoint
}

/// An endpoint ordered by `order_date`, one-to-one with its template.
pub(super) fn endpoint(name: &str, sql: &str) -> Endpoint {
    let path = format!("endpoints/{name}.sql");
    Endpoint {
        info: NodeInfo {
            id: NodeId::new("endpoint", "shop", name),
            name: name.to_owned(),
            fqn: vec![name.to_owned()],
            path: path.clone(),
            description: "Sales of a day".to_owned(),
            tags: Vec::new(),
            config: serde_json::Map::new(),
            depends_on: Default::default(),
            span: None,
        },
        sql: CompiledSql {
            text: sql.to_owned(),
            template: SourceText::new(path, sql),
            map: vec![Piece { compiled: 0..sql.len(), template: 0..sql.len(), verbatim: true }],
        },
        parameters: Vec::new(),
        order_by: vec![OrderKey { column: "order_date".to_owned(), descending: false, span: None }],
        page: PageSize { default: 100, max: 1000 },
        scope: None,
        row_filters: Vec::new(),
    }
}
