//! `clearwell user`: who may log in with a name and a password.

use std::io::{BufRead as _, IsTerminal as _};
use std::process::ExitCode;

use serde_json::json;

use super::arguments::{self, Global, UserVerb};
use super::error::CliError;
use super::open;
use super::ui::Ui;
use crate::api::auth::Users;

pub(super) fn run(
    global: &Global,
    command: &arguments::User,
    ui: &Ui,
) -> Result<ExitCode, CliError> {
    let config = open::config(global, None)?;
    let file = config.auth.users;
    let mut users = Users::read(&file).map_err(CliError::user)?;
    match &command.verb {
        UserVerb::Add(add) => {
            let claims = arguments::claims(&add.claim)?;
            let password = password(&add.name, add.password_stdin, ui)?;
            users.add(&add.name, &password, add.scope.clone(), claims).map_err(CliError::user)?;
            ui.note(&format!("added `{}` to {}", add.name, file.display()));
        }
        UserVerb::Remove(remove) => {
            users.remove(&remove.name).map_err(CliError::user)?;
            ui.note(&format!(
                "removed `{}`; a running server forgets it within a minute",
                remove.name
            ));
        }
        UserVerb::List => list(global, &users, ui)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(global: &Global, users: &Users, ui: &Ui) -> Result<(), CliError> {
    if global.json {
        let users = users.iter().map(
            |(name, user)| json!({"name": name, "scopes": user.scopes, "claims": user.claims}),
        );
        return ui.json(&users.collect::<Vec<_>>());
    }
    if users.is_empty() {
        ui.note("nobody; `clearwell user add NAME` adds one");
    }
    for (name, user) in users.iter() {
        let claims = user.claims.iter().map(|(claim, value)| format!("{claim}={value}"));
        let words: Vec<String> = user.scopes.iter().cloned().chain(claims).collect();
        ui.print(&format!("{}\n", format!("{name}  {}", words.join(" ")).trim_end()))?;
    }
    Ok(())
}

/// Asks for the password, or reads it as the first line of standard input.
fn password(name: &str, from_stdin: bool, ui: &Ui) -> Result<String, CliError> {
    let stdin = std::io::stdin();
    if !from_stdin && stdin.is_terminal() {
        let terminal = console::Term::stderr();
        let asked =
            |prompt: &str| terminal.write_str(prompt).and_then(|()| terminal.read_secure_line());
        let first = asked(&format!("password of {name}: ")).map_err(CliError::user)?;
        return match asked("once more: ").map_err(CliError::user)? {
            second if second == first => Ok(first),
            _ => Err(CliError::user("the two are not the same")),
        };
    }
    if !from_stdin {
        ui.note("reading the password from standard input");
    }
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(CliError::user)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
