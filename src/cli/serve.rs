//! `clearwell serve`: the API over the current version.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use super::arguments::{self, Global};
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::api::auth::Auth;
use crate::api::principal::Principal;
use crate::api::{self, ServeConfig};

/// For how long the token is valid that the first line shows.
const TOKEN_SECONDS: u64 = 12 * 3600;

pub(super) async fn run(
    global: &Global,
    command: &arguments::Serve,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, command.bind.as_ref())?;
    let auth = Auth::for_server(config.auth.clone(), config.bind).map_err(open::auth_error)?;
    let auth = Arc::new(auth);
    let serve = ServeConfig {
        bind: config.bind,
        warehouse: open::warehouse(&config)?,
        engine: open::serving_engine(&config)?,
        auth: Arc::clone(&auth),
        limits: config.limits,
        server: config.server,
    };
    let own_key = config.auth.jwks.is_none();
    let scheme = if serve.server.tls.is_some() { "https" } else { "http" };
    api::serve(serve, |address| {
        ui.note(&format!(
            "serving on {scheme}://{address}/api/v1/ (documentation: {scheme}://{address}/docs/api)"
        ));
        // Where the key is somebody else's, tokens come from there.
        if own_key && let Some(line) = first_question(&auth, scheme, address) {
            ui.note(&line);
        }
    })
    .await
    .map_err(CliError::user)?;
    Ok(ExitCode::SUCCESS)
}

/// A line that asks what there is, ready to be pasted into a shell.
fn first_question(auth: &Auth, scheme: &str, address: SocketAddr) -> Option<String> {
    let url = format!("{scheme}://{address}/api/v1/");
    if !auth.required() {
        return Some(format!("ask       curl {url}"));
    }
    let scopes = vec!["*".to_owned()];
    let owner = Principal { name: "owner".to_owned(), scopes, ..Principal::default() };
    let token = auth.issue(&owner, TOKEN_SECONDS).ok()?;
    Some(format!("ask (12 h) curl -H 'Authorization: Bearer {token}' {url}"))
}
