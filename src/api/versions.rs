//! The version that is served now, with its endpoints planned, and how the next one takes its place.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, SecondsFormat, Utc};
use moka::sync::Cache as Moka;

use super::answer;
use super::openapi::{self, Described, Document};
use super::problem::{Kind, Problem};
use super::queries::{Queries, Threads};
use crate::base::{Diagnostics, NodeId, TableName, Version, hash};
use crate::endpoints::{self, PlannedEndpoint, StoreError};
use crate::engine::{Engine, Session, SqlError, TableSet};
use crate::project::Endpoint;
use crate::record::{Verdict, Verdicts};
use crate::warehouse::{Annex, At, Manifest, State, VersionFile, Warehouse, WarehouseError};

/// How many versions of the past are kept ready.
const PAST_MAX: u64 = 16;
/// How many hexadecimal digits a cursor has of what its answers are made of.
const MARK_CHARACTERS: usize = 32;
/// How long a version that could not be taken up is left alone.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// One version, ready to be asked. Requests keep it for as long as they need it.
pub(super) struct Served {
    pub(super) version: Version,
    /// When it was published: RFC 3339, UTC.
    pub(super) as_of: String,
    /// Whether all its checks ran.
    pub(super) tested: bool,
    /// How many of them warned.
    pub(super) warned: u64,
    /// By name; with the reason where one does not fit the version's tables.
    endpoints: BTreeMap<String, Result<Arc<ServedEndpoint>, Diagnostics>>,
    state: State,
    session: Session,
    /// How its checks went.
    verdicts: BTreeMap<NodeId, Verdict>,
    /// Made when it is asked for.
    document: OnceLock<Result<Document, String>>,
}

/// An endpoint of one version, and what its answers depend on.
pub(super) struct ServedEndpoint {
    pub(super) name: Arc<str>,
    pub(super) planned: PlannedEndpoint,
    /// The newest version that changed endpoints or a table that it reads, and when that was published (RFC 3339, UTC).
    pub(super) data_version: Version,
    pub(super) as_of: String,
    /// Names the plan and the content of the tables that it reads.
    pub(super) depends_on: String,
    /// Whether its rows may be kept in memory: it will be asked again.
    pub(super) stays: bool,
}

/// Why a version cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum TakeUpError {
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("endpoint `{name}` does not fit it:\n{reason}")]
    Endpoint { name: String, reason: Diagnostics },
}

/// The current version of a warehouse, whatever it is at the moment.
pub(super) struct Versions {
    warehouse: Warehouse,
    engine: Engine,
    pub(super) threads: Threads,
    pub(super) answers: answer::Cache,
    pub(super) residents: answer::Residents,
    /// Versions of the past that were asked for.
    past: Moka<Version, Arc<Served>>,
    /// Held only to copy or to replace the pointer.
    current: RwLock<Option<Arc<Served>>>,
    /// What failed last, told once and not tried again at once.
    failed: Mutex<Option<Failed>>,
}

struct Failed {
    version: Option<Version>,
    since: Instant,
    reason: String,
}

impl ServedEndpoint {
    /// Enough of `depends_on` to tell it from any other.
    pub(super) fn mark(&self) -> &str {
        self.depends_on.get(..MARK_CHARACTERS).unwrap_or_default()
    }

    fn new(planned: PlannedEndpoint, state: &State) -> Self {
        let tables = planned.tables();
        let file = state.version.as_ref();
        let since = file.iter().flat_map(|file| tables.iter().map(|table| file.since(table)));
        let since = since.chain(file.map(|file| file.endpoints_since())).max();
        let content = tables.iter().map(|table| {
            let hash = state.tables.get(table).map(|manifest| manifest.content_hash.as_str());
            format!("{table}={}", hash.unwrap_or_default())
        });
        let plan = planned.description();
        let parts: Vec<String> = std::iter::once(plan).chain(content).collect();
        Self {
            data_version: since.map_or(Version::FIRST, |since| since.version),
            as_of: since.map(|since| rfc3339(since.published)).unwrap_or_default(),
            depends_on: hash::of_parts(parts.iter().map(String::as_bytes)),
            stays: true,
            name: planned.name().into(),
            planned,
        }
    }
}

fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Served {
    /// Reads a version and plans its endpoints, all before anyone is answered from it.
    pub(super) fn prepare(
        warehouse: &Warehouse,
        engine: &Engine,
        version: Version,
        state: &State,
    ) -> Result<Self, TakeUpError> {
        let stored = match warehouse.annex(state, Annex::Endpoints)? {
            Some(file) => endpoints::read(&file)?,
            None => Vec::new(),
        };
        let verdicts = warehouse.annex(state, Annex::Verdicts)?;
        let verdicts = verdicts.and_then(|file| Verdicts::read(&file)).map(|file| file.checks);
        let tables = TableSet::of(warehouse.root(), &state.tables);
        let session = engine.session(Arc::new(tables));
        let plan = |endpoint: Endpoint| {
            let planned = endpoints::plan(&session, &endpoint);
            let served = planned.map(|planned| Arc::new(ServedEndpoint::new(planned, state)));
            (endpoint.info.name, served)
        };
        let endpoints = stored.into_iter().map(plan).collect();
        let file = state.version.as_deref();
        Ok(Self {
            version,
            as_of: file.map(|file| rfc3339(file.published)).unwrap_or_default(),
            tested: file.is_none_or(|file| file.tested),
            warned: file.map_or(0, |file| file.warned),
            endpoints,
            state: state.clone(),
            session,
            verdicts: verdicts.unwrap_or_default(),
            document: OnceLock::new(),
        })
    }

    /// When it was published, in seconds since 1970.
    pub(super) fn published_seconds(&self) -> i64 {
        DateTime::parse_from_rfc3339(&self.as_of).map_or(0, |time| time.timestamp())
    }

    pub(super) fn tables(&self) -> &BTreeMap<TableName, Arc<Manifest>> {
        &self.state.tables
    }

    /// How the checks of this version went, as far as it was told.
    pub(super) fn verdicts(&self) -> &BTreeMap<NodeId, Verdict> {
        &self.verdicts
    }

    /// The version that brought a table's state, and when that was published (RFC 3339, UTC).
    pub(super) fn since(&self, table: &TableName) -> (Version, String) {
        match &self.state.version {
            Some(file) => {
                let since = file.since(table);
                (since.version, rfc3339(since.published))
            }
            None => (self.version, self.as_of.clone()),
        }
    }

    /// The columns of a table as queries see them.
    pub(super) fn schema(&self, table: &TableName) -> Option<SchemaRef> {
        self.session.schema(table)
    }

    /// A question that is no endpoint of the version, planned like one. Its rows are not kept in memory.
    ///
    /// # Errors
    /// As [`endpoints::plan`].
    pub(super) fn plan(&self, endpoint: &Endpoint) -> Result<ServedEndpoint, Diagnostics> {
        let planned = endpoints::plan(&self.session, endpoint)?;
        Ok(ServedEndpoint { stays: false, ..ServedEndpoint::new(planned, &self.state) })
    }

    /// Whether a query of a client's own can be planned.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn check_sql(&self, sql: &str) -> Result<(), SqlError> {
        self.session.prepare(sql, &[], &[]).map(|_| ())
    }

    /// The endpoint of this name, if there is one.
    pub(super) fn endpoint(&self, name: &str) -> Option<&Result<Arc<ServedEndpoint>, Diagnostics>> {
        self.endpoints.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.endpoints.keys().map(String::as_str)
    }

    /// Whether the answers of one of its endpoints are made of what `mark` names.
    pub(super) fn has(&self, mark: &str) -> bool {
        let mut endpoints = self.endpoints.values().filter_map(|endpoint| endpoint.as_deref().ok());
        endpoints.any(|endpoint| endpoint.mark() == mark)
    }

    /// The endpoints that can be asked, by name.
    pub(super) fn planned(&self) -> impl Iterator<Item = &PlannedEndpoint> {
        let endpoints = self.endpoints.values().filter_map(|endpoint| endpoint.as_deref().ok());
        endpoints.map(|endpoint| &endpoint.planned)
    }

    /// The endpoints that can be asked, by name, each with all that there is to say of it.
    pub(super) fn described(&self) -> Vec<Described<'_>> {
        self.planned().map(|endpoint| openapi::describe(endpoint, &self.state.tables)).collect()
    }

    /// Its OpenAPI document.
    pub(super) fn document(&self) -> Result<&Document, Problem> {
        let document = self.document.get_or_init(|| Document::of(&self.described()));
        document.as_ref().map_err(|error| Problem::internal(error.as_str()))
    }

    /// The first endpoint that cannot be asked.
    fn unfit(&self) -> Option<(&String, &Diagnostics)> {
        self.endpoints.iter().find_map(|(name, endpoint)| Some((name, endpoint.as_ref().err()?)))
    }
}

impl Versions {
    pub(super) fn new(
        warehouse: Warehouse,
        engine: Engine,
        threads: Threads,
        answers: answer::Cache,
        residents: answer::Residents,
    ) -> Self {
        Self {
            warehouse,
            engine,
            threads,
            answers,
            residents,
            past: Moka::new(PAST_MAX),
            current: RwLock::new(None),
            failed: Mutex::new(None),
        }
    }

    /// The threads that answer `endpoint`.
    pub(super) fn queries(&self, endpoint: &ServedEndpoint) -> &Queries {
        if endpoint.stays { &self.threads.endpoints } else { &self.threads.passing }
    }

    /// The version that `written` names: a number, a time or a tag.
    ///
    /// # Errors
    /// 400 where it names none, 404 where there never was one, 410 where it is gone.
    pub(super) async fn named(self: &Arc<Self>, written: &str) -> Result<Arc<Served>, Problem> {
        match written.parse().map_err(|error| at_problem(&error))? {
            At::Run(_) => {
                let detail = "a failed run is for those who build; give a version, a time or a tag";
                Err(Problem::parameter("at", detail.to_owned()))
            }
            at => self.at(at).await,
        }
    }

    /// The version at `at`, which is no run.
    ///
    /// # Errors
    /// As [`Versions::named`].
    pub(super) async fn at(self: &Arc<Self>, at: At) -> Result<Arc<Served>, Problem> {
        let current = self.current()?;
        if at == At::Version(current.version) {
            return Ok(current);
        }
        if let At::Version(version) = at
            && let Some(served) = self.past.get(&version)
        {
            return Ok(served);
        }
        let versions = Arc::clone(self);
        let prepared = tokio::task::spawn_blocking(move || {
            let state = versions.warehouse.at(&at).map_err(|error| at_problem(&error))?;
            let version = state.number().unwrap_or(Version::FIRST);
            let served = versions.prepare(version, &state).map(Arc::new);
            let served = served.map_err(|error| Problem::internal(error.to_string()))?;
            versions.past.insert(version, Arc::clone(&served));
            Ok(served)
        });
        prepared.await.unwrap_or_else(|error| Err(Problem::internal(error.to_string())))
    }

    /// All versions there are, the newest first.
    ///
    /// # Errors
    /// If the warehouse cannot be read.
    pub(super) fn all(&self) -> Result<Vec<VersionFile>, WarehouseError> {
        self.warehouse.versions()
    }

    /// The memory that queries have taken, and what they may take together, in bytes.
    pub(super) fn memory(&self) -> (u64, u64) {
        self.engine.memory()
    }

    /// The version to answer from.
    ///
    /// # Errors
    /// If none has been published yet.
    pub(super) fn current(&self) -> Result<Arc<Served>, Problem> {
        let detail = "no version has been published; run clearwell build";
        self.peek().ok_or_else(|| Problem::new(Kind::NoVersion, detail))
    }

    fn peek(&self) -> Option<Arc<Served>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes up the newest version if it is not the current one. What keeps it from doing so is logged, once.
    pub(super) async fn refresh(self: &Arc<Self>) {
        let versions = Arc::clone(self);
        // It reads files and plans: nothing for the threads that answer.
        if let Err(error) = tokio::task::spawn_blocking(move || versions.refresh_now()).await {
            tracing::error!(%error, "looking for a new version failed");
        }
    }

    fn refresh_now(&self) {
        let newest = match self.warehouse.latest_version() {
            Ok(Some(newest)) => newest,
            Ok(None) => return,
            Err(error) => return self.fail(None, &error.into()),
        };
        let current = self.peek();
        if current.as_ref().is_some_and(|served| served.version == newest) || self.resting(newest) {
            return;
        }
        let state = self.warehouse.at(&At::Version(newest)).map_err(TakeUpError::from);
        let served = state.and_then(|state| self.prepare(newest, &state));
        match served.and_then(|served| fits(served, current.is_some())) {
            Ok(served) => {
                if let Some(before) = current {
                    self.carry_over(&before, &served);
                }
                self.replace(served);
            }
            Err(error) => self.fail(Some(newest), &error),
        }
    }

    fn prepare(&self, version: Version, state: &State) -> Result<Served, TakeUpError> {
        Served::prepare(&self.warehouse, &self.engine, version, state)
    }

    /// Keeps rows in memory of the endpoints that had theirs there before, so that nobody finds the new version slower.
    fn carry_over(&self, before: &Served, served: &Served) {
        for (name, endpoint) in &served.endpoints {
            if let (Ok(endpoint), Some(Ok(old))) = (endpoint, before.endpoint(name))
                && self.residents.has(old)
                && !self.residents.has(endpoint)
            {
                self.threads.endpoints.block_on(self.residents.compute(endpoint));
            }
        }
    }

    fn replace(&self, served: Served) {
        if let Some((name, reason)) = served.unfit() {
            tracing::error!(version = served.version.0, endpoint = name, %reason, "an endpoint does not fit");
        }
        tracing::info!(version = served.version.0, endpoints = served.endpoints.len(), "serving");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(served));
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether `version` failed a moment ago.
    fn resting(&self, version: Version) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().is_some_and(|failed| {
            failed.version == Some(version) && failed.since.elapsed() < TRY_AGAIN
        })
    }

    fn fail(&self, version: Option<Version>, error: &TakeUpError) {
        let reason = error.to_string();
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let told = failed
            .as_ref()
            .is_some_and(|failed| failed.version == version && failed.reason == reason);
        if !told {
            let version = version.map(|version| version.0);
            tracing::error!(version, %reason, "cannot take up the newest version; the one before stays");
        }
        *failed = Some(Failed { version, since: Instant::now(), reason });
    }
}

fn at_problem(error: &WarehouseError) -> Problem {
    let detail = error.to_string();
    match error {
        WarehouseError::BadAt { .. } => Problem::parameter("at", detail),
        WarehouseError::NoVersion { version, oldest, .. }
            if (Version::FIRST..*oldest).contains(version) =>
        {
            Problem::new(Kind::Gone, detail)
        }
        // There were versions by then, perhaps.
        WarehouseError::BeforeFirst { first, .. } if *first > Version::FIRST => {
            Problem::new(Kind::Gone, detail)
        }
        WarehouseError::NoVersion { .. }
        | WarehouseError::BeforeFirst { .. }
        | WarehouseError::NoTag { .. } => Problem::new(Kind::NoSuchVersion, detail),
        _ => Problem::internal(detail),
    }
}

/// A version that lost an endpoint never replaces one that is whole; alone, it is better than nothing.
fn fits(served: Served, has_predecessor: bool) -> Result<Served, TakeUpError> {
    match served.unfit() {
        Some((name, reason)) if has_predecessor => {
            Err(TakeUpError::Endpoint { name: name.clone(), reason: reason.clone() })
        }
        _ => Ok(served),
    }
}

/// Looks for a new version again and again, for ever.
pub(super) async fn watch(versions: Arc<Versions>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        versions.refresh().await;
    }
}
