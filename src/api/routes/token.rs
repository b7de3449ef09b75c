//! `POST /api/v1/token`: a password becomes a short-lived token, as OAuth 2's client credentials do (RFC 6749, 4.4).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Extension;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use percent_encoding::percent_decode;
use serde::Serialize;

use crate::api::auth::{self, Auth};
use crate::api::client::Client;
use crate::api::principal::Principal;
use crate::api::problem::{Kind, Problem};
use crate::api::respond;

/// What the answer says. RFC 6749, 5.1.
#[derive(Serialize)]
struct Token {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    scope: String,
}

pub(super) async fn issue(
    Extension(auth): Extension<Arc<Auth>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body.map_err(|error| unread(&error))?;
    let form = Form::read(&headers, &body)?;
    match form.get("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => {
            let detail = "the only `grant_type` there is is `client_credentials`";
            return Err(refused("unsupported_grant_type", detail));
        }
        None => return Err(refused("invalid_request", "`grant_type` is missing")),
    }
    let (name, password) = credentials(&headers, &form)?;
    let mut principal =
        auth.login(&name, password, client.0).await.map_err(|problem| match problem.kind() {
            Kind::Unauthorized => problem.code("invalid_client"),
            _ => problem,
        })?;
    if let Some(wanted) = form.get("scope")? {
        principal.scopes = subset(&principal, wanted)?;
    }
    let seconds = auth.token_seconds();
    let access_token =
        auth.issue(&principal, seconds).map_err(|error| Problem::internal(error.to_string()))?;
    let scope = principal.scopes.join(" ");
    let token = Token { access_token, token_type: "Bearer", expires_in: seconds, scope };
    // Texts and numbers alone.
    let mut response = respond::json(serde_json::to_vec(&token).unwrap_or_default());
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}

/// A form's fields, decoded.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Problem> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let detail = "the body has to be a form: `application/x-www-form-urlencoded`";
            return Err(refused("invalid_request", detail));
        }
        let text = |bytes: &[u8]| {
            let blanks: Vec<u8> =
                bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
            String::from_utf8(percent_decode(&blanks).collect())
                .map_err(|_| refused("invalid_request", "the form is not UTF-8"))
        };
        let mut fields = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(equals + 1..).unwrap_or_default();
            fields.push((text(&pair[..equals])?, text(value)?));
        }
        Ok(Self(fields))
    }

    /// The value of a field that is given at most once.
    fn get(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (value, None) => Ok(value.map(String::as_str)),
            _ => Err(refused("invalid_request", &format!("`{name}` is given more than once"))),
        }
    }
}

/// Name and password, by HTTP Basic or in the form; not in both. RFC 6749, 2.3.1.
fn credentials(headers: &HeaderMap, form: &Form) -> Result<(String, String), Problem> {
    let basic = headers.get(header::AUTHORIZATION).map(|value| {
        let value = value.to_str().unwrap_or_default();
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        match scheme.eq_ignore_ascii_case("basic") {
            true => auth::decoded(rest.trim_start_matches(' ')),
            false => None,
        }
        .ok_or_else(|| refused("invalid_request", "name and password are not given by HTTP Basic"))
    });
    match (basic, form.get("client_id")?, form.get("client_secret")?) {
        (Some(basic), None, None) => basic,
        (None, Some(name), Some(password)) => Ok((name.to_owned(), password.to_owned())),
        (Some(_), _, _) => {
            Err(refused("invalid_request", "name and password are given in two ways; use one"))
        }
        (None, _, _) => Err(refused("invalid_request", "name and password are missing")),
    }
}

/// The wanted scopes, if all of them are the principal's.
fn subset(principal: &Principal, wanted: &str) -> Result<Vec<String>, Problem> {
    let wanted: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
    match wanted.iter().find(|scope| !principal.may(scope)) {
        Some(_) => Err(refused("invalid_scope", "a scope is not granted to this user")),
        None => Ok(wanted),
    }
}

fn unread(error: &BytesRejection) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::new(Kind::BodyTooLarge, "the body is larger than `limits.body_bytes`")
        }
        _ => refused("invalid_request", "the body cannot be read"),
    }
}

fn refused(code: &'static str, detail: &str) -> Problem {
    Problem::new(Kind::BadTokenRequest, detail).code(code)
}
