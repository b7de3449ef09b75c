//! Users who log in with a name and a password: a TOML file of theirs, with Argon2id hashes (RFC 9106).
//!
//! ```toml
//! [users.ann]
//! password = "$argon2id$v=19$m=19456,t=2,p=1$…"
//! scopes = ["tables"]
//! claims = { region = "EU" }
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use serde::Deserialize;
use serde_json::Value as Json;

use super::keys::write_privately;
use crate::api::principal::Principal;

/// Longer passwords are not hashed.
const PASSWORD_BYTES_MAX: usize = 1024;

/// Why users cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UserError {
    #[error("cannot read the users file `{file}`: {reason}")]
    Unreadable { file: String, reason: String },
    #[error("cannot write the users file `{file}`: {reason}")]
    Unwritable { file: String, reason: String },
    #[error("`{0}` cannot name a user: letters, digits, `_`, `-`, `.` and `@` can")]
    BadName(String),
    #[error("there is a user `{0}` already")]
    Exists(String),
    #[error("there is no user `{0}`")]
    Unknown(String),
    #[error("the password {0}")]
    BadPassword(String),
    #[error(
        "`{0}` cannot be kept as a claim: texts, numbers, `true`, `false` and lists of them can"
    )]
    BadClaim(String),
}

/// All users of a file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Users {
    #[serde(default)]
    users: BTreeMap<String, User>,
    #[serde(skip)]
    file: PathBuf,
}

/// One of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    /// A hash in PHC form.
    password: String,
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
    /// What row filters may ask for.
    #[serde(default)]
    pub(crate) claims: BTreeMap<String, Json>,
}

impl Users {
    /// The users of a file; none where there is no file.
    ///
    /// # Errors
    /// If it cannot be read, or a hash in it is none of Argon2.
    pub(crate) fn read(file: &Path) -> Result<Self, UserError> {
        let unreadable = |reason: String| {
            let file = file.display().to_string();
            UserError::Unreadable { file, reason }
        };
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        let mut users: Self =
            toml::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        for (name, user) in &users.users {
            if let Err(error) = PasswordHash::new(&user.password) {
                return Err(unreadable(format!("the password of `{name}`: {error}")));
            }
        }
        users.file = file.to_owned();
        Ok(users)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &User)> {
        self.users.iter().map(|(name, user)| (name.as_str(), user))
    }

    /// Adds a user and writes the file.
    ///
    /// # Errors
    /// If the name or the password cannot be used, or the file cannot be written.
    pub(crate) fn add(
        &mut self,
        name: &str,
        password: &str,
        scopes: Vec<String>,
        claims: BTreeMap<String, Json>,
    ) -> Result<(), UserError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(UserError::BadName(name.to_owned()));
        }
        if self.users.contains_key(name) {
            return Err(UserError::Exists(name.to_owned()));
        }
        if let Some((claim, _)) = claims.iter().find(|(_, value)| !is_plain(value)) {
            return Err(UserError::BadClaim(claim.clone()));
        }
        let password = hash(password)?;
        self.users.insert(name.to_owned(), User { password, scopes, claims });
        self.write()
    }

    /// Removes a user and writes the file.
    ///
    /// # Errors
    /// If there is no such user, or the file cannot be written.
    pub(crate) fn remove(&mut self, name: &str) -> Result<(), UserError> {
        match self.users.remove(name) {
            Some(_) => self.write(),
            None => Err(UserError::Unknown(name.to_owned())),
        }
    }

    /// Who has this name and password. Takes as long for a name that nobody has: a hash is computed all the same.
    pub(super) fn verify(&self, name: &str, password: &str) -> Option<Principal> {
        if password.len() > PASSWORD_BYTES_MAX {
            return None;
        }
        let Some(user) = self.users.get(name) else {
            // Its outcome does not matter, its time does.
            let _ = hash(password);
            return None;
        };
        let known = PasswordHash::new(&user.password).ok()?;
        Argon2::default().verify_password(password.as_bytes(), &known).ok()?;
        let User { scopes, claims, .. } = user.clone();
        Some(Principal { name: name.to_owned(), scopes, claims })
    }

    fn write(&self) -> Result<(), UserError> {
        write_privately(&self.file, &self.to_toml(), false).map_err(|error| {
            let file = self.file.display().to_string();
            UserError::Unwritable { file, reason: error.to_string() }
        })
    }

    fn to_toml(&self) -> String {
        let mut text = String::from("# Written by `clearwell user`.\n");
        for (name, user) in &self.users {
            // Strings of JSON are basic strings of TOML. Writing to a string cannot fail.
            let quoted = |text: &str| Json::from(text).to_string();
            let scopes: Vec<String> = user.scopes.iter().map(|scope| quoted(scope)).collect();
            let claims = user.claims.iter();
            let claims: Vec<String> =
                claims.map(|(claim, value)| format!("{} = {value}", quoted(claim))).collect();
            let _ = write!(
                text,
                "\n[users.{}]\npassword = {}\nscopes = [{}]\nclaims = {{{}}}\n",
                quoted(name),
                quoted(&user.password),
                scopes.join(", "),
                claims.join(", ")
            );
        }
        text
    }
}

/// Whether TOML writes the value as JSON does.
fn is_plain(value: &Json) -> bool {
    match value {
        Json::String(_) | Json::Number(_) | Json::Bool(_) => true,
        Json::Array(items) => items.iter().all(is_plain),
        Json::Null | Json::Object(_) => false,
    }
}

/// The hash of a password in PHC form: Argon2id with the crate's parameters, which are OWASP's.
fn hash(password: &str) -> Result<String, UserError> {
    if password.is_empty() || password.len() > PASSWORD_BYTES_MAX {
        let reason = format!("has to have 1 to {PASSWORD_BYTES_MAX} bytes");
        return Err(UserError::BadPassword(reason));
    }
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|error| UserError::BadPassword(error.to_string()))
}
