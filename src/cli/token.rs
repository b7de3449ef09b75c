//! `clearwell token`: a token for the API, signed with the project's key.

use std::process::ExitCode;

use serde_json::json;

use super::arguments::{self, Global};
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::api::auth::Auth;
use crate::api::principal::Principal;

pub(super) fn run(
    global: &Global,
    command: &arguments::Token,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let auth = Auth::for_owner(config.auth).map_err(open::auth_error)?;
    let principal = Principal {
        name: command.subject.clone(),
        scopes: command.scope.clone(),
        claims: arguments::claims(&command.claim)?,
    };
    let seconds = command.expires.seconds();
    let token = auth.issue(&principal, seconds).map_err(CliError::user)?;
    if global.json {
        let scope = principal.scopes.join(" ");
        let token = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": scope,
        });
        ui.json(&token)?;
    } else {
        ui.print(&format!("{token}\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
