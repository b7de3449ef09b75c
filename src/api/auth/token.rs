//! Tokens: JSON Web Tokens (RFC 7519) in compact form, signed by one of our keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation, decode, decode_header, encode, get_current_timestamp};
use serde_json::{Map, Value as Json, json};

use super::keys::{Key, KeyError, SigningKey};
use crate::api::principal::Principal;

/// Longer tokens are not looked at.
const BYTES_MAX: usize = 8 << 10;
/// What `typ` may say. RFC 7519, 5.1; RFC 9068, 2.1.
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// What is asked of every token.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    /// By how much our clock and the issuer's may differ.
    pub(super) clock_skew_seconds: u64,
}

/// Why a token is not believed, in words that may be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

/// Whom a token speaks of, and until when (seconds since 1970).
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) principal: Arc<Principal>,
    pub(super) until: u64,
}

/// Judges a token.
///
/// # Errors
/// The first reason not to believe it.
pub(super) fn verify(token: &str, keys: &[Key], rules: &Rules) -> Result<Verified, Refused> {
    let refuse = |reason: &str| Refused(reason.to_owned());
    if token.len() > BYTES_MAX {
        return Err(refuse("the token is too long"));
    }
    let header = decode_header(token).map_err(|_| refuse("it is no signed token"))?;
    if header.crit.is_some() {
        return Err(refuse("the token has critical headers that are not understood"));
    }
    if header.typ.as_ref().is_some_and(|typ| !TYPES.contains(&typ.to_ascii_lowercase().as_str())) {
        return Err(refuse("it is no token for access"));
    }
    let key = find(keys, header.kid.as_deref())?;
    if header.alg != key.algorithm {
        return Err(refuse("the token's algorithm is not its key's"));
    }
    let token = decode::<Map<String, Json>>(token, &key.verifies, &validation(key, rules));
    let claims = token.map_err(|error| Refused(reason(error.kind())))?.claims;
    let now = get_current_timestamp();
    let later = now.saturating_add(rules.clock_skew_seconds);
    if claims.get("iat").is_some_and(|issued| issued.as_f64().is_none_or(|at| at > later as f64)) {
        return Err(refuse("the token was issued in the future"));
    }
    let expires = claims.get("exp").and_then(Json::as_f64).unwrap_or_default();
    let until = (expires as u64).saturating_add(rules.clock_skew_seconds);
    let principal = principal(claims).ok_or_else(|| refuse("its subject or scope is no text"))?;
    Ok(Verified { principal: Arc::new(principal), until })
}

/// The key that the token names; one that names none is meant for the only one there is.
fn find<'a>(keys: &'a [Key], id: Option<&str>) -> Result<&'a Key, Refused> {
    match (id, keys) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Refused("the token names no key".to_owned())),
        (Some(id), keys) => keys
            .iter()
            .find(|key| key.id.as_deref() == Some(id))
            .ok_or_else(|| Refused("the token's key is not known".to_owned())),
    }
}

fn validation(key: &Key, rules: &Rules) -> Validation {
    let mut validation = Validation::new(key.algorithm);
    validation.leeway = rules.clock_skew_seconds;
    validation.validate_nbf = true;
    let mut required = vec!["exp"];
    if let Some(issuer) = &rules.issuer {
        validation.set_issuer(&[issuer]);
        required.push("iss");
    }
    if let Some(audience) = &rules.audience {
        validation.set_audience(&[audience]);
        required.push("aud");
    }
    validation.set_required_spec_claims(&required);
    validation
}

fn reason(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::ExpiredSignature => "the token has expired".to_owned(),
        ErrorKind::ImmatureSignature => "the token is not valid yet".to_owned(),
        ErrorKind::InvalidAudience => "the token is for another audience".to_owned(),
        ErrorKind::InvalidIssuer => "the token is of another issuer".to_owned(),
        ErrorKind::MissingRequiredClaim(claim) => format!("the token has no valid `{claim}`"),
        ErrorKind::InvalidClaimFormat(claim) => format!("the token's `{claim}` is malformed"),
        ErrorKind::InvalidSignature => "the token's signature is wrong".to_owned(),
        _ => "it is no signed token".to_owned(),
    }
}

/// `sub` (else `client_id`) names it; `scope` lists words (RFC 8693, 4.2), `scp` and `scopes` are lists or the same.
fn principal(claims: Map<String, Json>) -> Option<Principal> {
    let text = |name: &str| match claims.get(name) {
        None | Some(Json::Null) => Some(None),
        Some(Json::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    };
    let name = text("sub")?.or(text("client_id")?).unwrap_or_default();
    let mut scopes = Vec::new();
    for claim in ["scope", "scp", "scopes"] {
        match claims.get(claim) {
            None | Some(Json::Null) => {}
            Some(Json::String(words)) => {
                scopes.extend(words.split_whitespace().map(str::to_owned));
            }
            Some(Json::Array(items)) => {
                for item in items {
                    scopes.push(item.as_str()?.to_owned());
                }
            }
            Some(_) => return None,
        }
    }
    Some(Principal { name, scopes, claims: claims.into_iter().collect() })
}

/// A token for `principal` that expires after some seconds.
///
/// # Errors
/// If it cannot be signed.
pub(super) fn issue(
    principal: &Principal,
    seconds: u64,
    key: &SigningKey,
    rules: &Rules,
) -> Result<String, KeyError> {
    let now = get_current_timestamp();
    let mut claims: BTreeMap<String, Json> = principal.claims.clone();
    claims.insert("sub".to_owned(), json!(principal.name));
    claims.insert("scope".to_owned(), json!(principal.scopes.join(" ")));
    claims.insert("iat".to_owned(), json!(now));
    claims.insert("exp".to_owned(), json!(now.saturating_add(seconds)));
    for (name, value) in [("iss", &rules.issuer), ("aud", &rules.audience)] {
        if let Some(value) = value {
            claims.insert(name.to_owned(), json!(value));
        }
    }
    let header = Header { kid: key.id.clone(), ..Header::new(key.algorithm) };
    encode(&header, &claims, &key.signs).map_err(|error| KeyError::CannotSign(error.to_string()))
}
