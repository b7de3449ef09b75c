//! From flags to the things that commands work with.

use std::sync::Arc;

use super::arguments::{Build, Global};
use super::error::CliError;
use super::ui::Ui;
use crate::api::auth::AuthError;
use crate::base::clock::{Clock, SystemClock};
use crate::base::size::counted;
use crate::build::Workspace;
use crate::config::Config;
use crate::engine::{Engine, EngineLimits};
use crate::project::{self, LoadOptions};
use crate::warehouse::{At, State, Warehouse};

pub(super) fn config(global: &Global, bind: Option<&String>) -> Result<Config, CliError> {
    let mut flags = global.flags();
    flags.bind = bind.cloned();
    Ok(Config::load(&flags)?)
}

pub(super) fn warehouse(config: &Config) -> Result<Warehouse, CliError> {
    Ok(Warehouse::open(&config.warehouse)?)
}

/// Why principals cannot be known, with what can be done about it.
pub(super) fn auth_error(error: AuthError) -> CliError {
    let hint = error.hint();
    let error = CliError::user(error);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// For what the project and whoever sits here ask.
pub(super) fn engine(config: &Config) -> Result<Engine, CliError> {
    engine_of(config, false)
}

/// For what clients ask.
pub(super) fn serving_engine(config: &Config) -> Result<Engine, CliError> {
    engine_of(config, true)
}

fn engine_of(config: &Config, for_clients: bool) -> Result<Engine, CliError> {
    let limits = EngineLimits {
        memory: config.memory_limit,
        threads: config.threads,
        spill: config.warehouse.join("spill"),
        for_clients,
    };
    Ok(Engine::new(&limits)?)
}

/// The state that `--at` names, or the current version. What its checks had to say of it is told.
pub(super) fn state(warehouse: &Warehouse, at: Option<&str>, ui: &Ui) -> Result<State, CliError> {
    let state = match at {
        Some(at) => warehouse.at(&at.parse::<At>()?)?,
        None => warehouse.latest()?.ok_or_else(|| {
            let folder = warehouse.root().display();
            CliError::user(format!("`{folder}` has no version yet"))
                .hint("`clearwell build` publishes the first one")
        })?,
    };
    if let Some(file) = &state.version {
        match (file.tested, file.warned) {
            (false, _) => {
                ui.note(&format!("note: version {} was published untested", file.version))
            }
            (true, 0) => {}
            (true, warned) => {
                let warned = counted(warned, "check");
                ui.note(&format!("note: in version {}, {warned} warned", file.version));
            }
        }
    }
    Ok(state)
}

/// Loads the project; its warnings are told at once.
pub(super) fn workspace(config: &Config, command: &Build, ui: &Ui) -> Result<Workspace, CliError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let started = clock.now();
    let loaded = project::load(&LoadOptions {
        root: config.project_dir.clone(),
        base_dir: config.base_dir.clone(),
        vars: project::parse_vars("--vars", command.vars.as_deref())?,
        environment: config.environment.clone(),
        started,
        invocation: uuid::Uuid::new_v4().to_string(),
        target_name: command.target.clone(),
        threads: config.threads,
    })?;
    ui.warn(&loaded.warnings);
    Ok(Workspace {
        project: loaded.project,
        warehouse: warehouse(config)?,
        engine: engine(config)?,
        clock,
        progress: ui.progress(),
        base_dir: config.base_dir.clone(),
        threads: config.threads,
    })
}
