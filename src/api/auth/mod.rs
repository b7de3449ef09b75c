//! Who asks: bearer tokens, or a name and a password, become a [`Principal`] before any route sees the request.

mod keys;
mod slow;
mod token;
mod users;
#[cfg(test)]
mod vectors;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use moka::sync::Cache;
use tokio::sync::Semaphore;

use super::client::{self, Client};
use super::principal::Principal;
use super::problem::{Kind, Problem};
use crate::config::AuthConfig;
pub(crate) use keys::KeyError;
use keys::Keys;
use slow::{Slowing, Who};
use token::{Rules, Verified};
pub(crate) use users::{UserError, Users};

/// What needs no credentials, besides whatever is below [`OPEN_FOLDERS`].
const OPEN: [&str; 5] =
    ["/livez", "/readyz", "/api/v1/openapi.json", "/api/v1/openapi.yaml", TOKEN];
const OPEN_FOLDERS: [&str; 2] = ["/docs", "/problems"];
/// Where a password becomes a token.
pub(super) const TOKEN: &str = "/api/v1/token";
/// For how long credentials that were good are not judged again.
const BELIEVED: Duration = Duration::from_secs(60);
/// How many credentials are remembered.
const BELIEVED_MAX: u64 = 10_000;
/// How often it is looked whether there is a users file, at most.
const USERS_LOOK_EVERY: Duration = Duration::from_secs(1);
/// Passwords that are hashed at once: each takes 19 MiB.
const HASHED_AT_ONCE: usize = 2;

/// Why principals cannot be known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthError {
    #[error("{0}")]
    Key(#[from] KeyError),
    #[error(transparent)]
    Users(#[from] UserError),
    #[error("{0} can be reached from elsewhere, and `auth.jwks` names no keys to tell who asks")]
    PublicWithoutKeys(SocketAddr),
    #[error("{0} can be reached from elsewhere, and `auth.required` is false")]
    PublicWithoutAuth(SocketAddr),
}

impl AuthError {
    /// What can be done about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::PublicWithoutKeys(_) => Some(
                "set `auth.jwks` to a JSON Web Key Set (with `auth.make_key = true` one is made there), or bind to 127.0.0.1",
            ),
            Self::PublicWithoutAuth(_) => Some("leave `auth.required` out, or bind to 127.0.0.1"),
            Self::Key(KeyError::Missing(_)) => {
                Some("`auth.make_key = true` makes one there, and so does `clearwell token`")
            }
            _ => None,
        }
    }
}

/// Judges credentials.
pub(crate) struct Auth {
    config: AuthConfig,
    keys: Keys,
    rules: Rules,
    slowing: Slowing,
    hashing: Arc<Semaphore>,
    /// By a keyed hash of the credentials: none of them are kept.
    believed: Cache<blake3::Hash, Arc<Verified>>,
    secret: [u8; 32],
    /// Whether there is a users file, and when that was looked at.
    users: Mutex<(bool, Instant)>,
    nobody: Arc<Principal>,
    everyone: Arc<Verified>,
}

impl Auth {
    /// For a server at `bind`.
    ///
    /// # Errors
    /// If there are no keys, or the address can be reached by those who are not meant.
    pub(crate) fn for_server(config: AuthConfig, bind: SocketAddr) -> Result<Self, AuthError> {
        if !bind.ip().is_loopback() {
            if !config.required {
                return Err(AuthError::PublicWithoutAuth(bind));
            }
            if config.jwks.is_none() {
                return Err(AuthError::PublicWithoutKeys(bind));
            }
        }
        if let Some(file) = config.jwks.as_deref().filter(|_| config.make_key) {
            keys::make_if_missing(file)?;
        }
        Self::open(config)
    }

    /// For whoever makes tokens, and a key for them where there is none.
    ///
    /// # Errors
    /// If there are no keys.
    pub(crate) fn for_owner(config: AuthConfig) -> Result<Self, AuthError> {
        if let Some(file) = &config.jwks {
            keys::make_if_missing(file)?;
        }
        Self::open(config)
    }

    fn open(config: AuthConfig) -> Result<Self, AuthError> {
        let file = match &config.jwks {
            Some(file) => file.clone(),
            None => {
                keys::make_if_missing(&config.own_key)?;
                config.own_key.clone()
            }
        };
        // Whatever is wrong with them is told now.
        Users::read(&config.users)?;
        let rules = Rules {
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            clock_skew_seconds: config.clock_skew_seconds,
        };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| {
            let file = "the system's random numbers".to_owned();
            KeyError::Unreadable { file, reason: error.to_string() }
        })?;
        Ok(Self {
            keys: Keys::open(&file)?,
            rules,
            slowing: Slowing::new(),
            hashing: Arc::new(Semaphore::new(HASHED_AT_ONCE)),
            believed: Cache::builder().max_capacity(BELIEVED_MAX).time_to_live(BELIEVED).build(),
            secret,
            users: Mutex::new((config.users.exists(), Instant::now())),
            nobody: Arc::default(),
            everyone: Arc::new(Verified {
                principal: Arc::new(Principal::everyone()),
                until: u64::MAX,
            }),
            config,
        })
    }

    pub(crate) fn required(&self) -> bool {
        self.config.required
    }

    /// A token that says of `principal` what it is.
    ///
    /// # Errors
    /// If no key can sign.
    pub(crate) fn issue(&self, principal: &Principal, seconds: u64) -> Result<String, KeyError> {
        token::issue(principal, seconds, &self.keys.signing()?, &self.rules)
    }

    pub(super) fn token_seconds(&self) -> u64 {
        self.config.token_seconds
    }

    /// Who asks; of an open path it may be nobody.
    ///
    /// # Errors
    /// 401 if the request does not say so credibly.
    pub(super) async fn who(
        &self,
        (method, path): (&Method, &str),
        headers: &HeaderMap,
        client: Option<Client>,
    ) -> Result<Arc<Principal>, Problem> {
        if is_open(method, path) {
            return Ok(Arc::clone(&self.nobody));
        }
        let client = client.ok_or_else(|| Problem::internal("a request without a client"))?;
        let verified = self.principal(headers, client.0).await?;
        Ok(Arc::clone(&verified.principal))
    }

    /// Whoever the headers of a request say it comes from.
    ///
    /// # Errors
    /// 401 if they do not say so credibly.
    async fn principal(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Arc<Verified>, Problem> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        let credentials = match (all.next(), all.next()) {
            (Some(only), None) => only,
            (None, _) if !self.config.required => {
                return Ok(Arc::clone(&self.everyone));
            }
            (None, _) => return Err(self.challenge(None)),
            (Some(_), Some(_)) => return Err(self.challenge(Some("credentials are given twice"))),
        };
        let keys = self.keys.current();
        let mut hasher = blake3::Hasher::new_keyed(&self.secret);
        hasher.update(credentials.as_bytes()).update(b"\0").update(keys.content.as_bytes());
        let name = hasher.finalize();
        let now = jsonwebtoken::get_current_timestamp();
        if let Some(believed) = self.believed.get(&name)
            && now <= believed.until
        {
            return Ok(believed);
        }
        let credentials = credentials.to_str().unwrap_or_default();
        let (scheme, rest) = credentials.split_once(' ').unwrap_or((credentials, ""));
        let rest = rest.trim_start_matches(' ');
        let verified = if scheme.eq_ignore_ascii_case("bearer") {
            let verified = token::verify(rest, &keys.keys, &self.rules);
            verified.map_err(|refused| self.challenge(Some(&refused.0)))?
        } else if scheme.eq_ignore_ascii_case("basic") {
            let Some((name, password)) = decoded(rest) else {
                return Err(
                    self.challenge(Some("the name and password are not encoded as they must be"))
                );
            };
            let principal = Arc::new(self.login(&name, password, peer).await?);
            Verified { principal, until: u64::MAX }
        } else {
            return Err(self.challenge(Some("the scheme is neither Bearer nor Basic")));
        };
        let verified = Arc::new(verified);
        self.believed.insert(name, Arc::clone(&verified));
        Ok(verified)
    }

    /// Who has this name and password.
    ///
    /// # Errors
    /// 401 if nobody has; with `Retry-After` after too many wrong ones.
    pub(super) async fn login(
        &self,
        name: &str,
        password: String,
        peer: IpAddr,
    ) -> Result<Principal, Problem> {
        let who = [Who::Address(client::network(peer)), Who::Name(name.to_owned())];
        if let Some(wait) = self.slowing.wait(&who) {
            let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            let wrong = "too many wrong passwords: the next attempt is looked at later";
            return Err(self.challenge(Some(wrong)).retry_after(seconds));
        }
        // Nobody closes it.
        let place = Arc::clone(&self.hashing).acquire_owned().await;
        let (file, user) = (self.config.users.clone(), name.to_owned());
        let found = tokio::task::spawn_blocking(move || {
            let _place = place;
            Users::read(&file).map(|users| users.verify(&user, &password))
        });
        let found = found.await.map_err(|error| Problem::internal(error.to_string()))?;
        match found.map_err(|error| Problem::internal(error.to_string()))? {
            Some(principal) => {
                self.slowing.succeeded(&who);
                Ok(principal)
            }
            None => {
                self.slowing.failed(&who);
                tracing::warn!(%peer, user = name, "a wrong name or password");
                Err(self.challenge(Some("the name or the password is wrong")))
            }
        }
    }

    /// Whether there is a users file: looked at now and then, not for each request that is refused.
    fn users_exist(&self) -> bool {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let (exist, looked) = &mut *users;
        if looked.elapsed() >= USERS_LOOK_EVERY {
            (*exist, *looked) = (self.config.users.exists(), Instant::now());
        }
        *exist
    }

    /// 401 with what would be accepted. RFC 6750, 3; RFC 7617.
    fn challenge(&self, wrong: Option<&str>) -> Problem {
        let bearer = match wrong {
            None => "Bearer realm=\"clearwell\"".to_owned(),
            Some(wrong) => format!(
                "Bearer realm=\"clearwell\", error=\"invalid_token\", error_description=\"{}\"",
                wrong.replace(['"', '\\', '`'], "'")
            ),
        };
        let detail = wrong.unwrap_or(
            "this needs a token: `Authorization: Bearer …`; `clearwell token` makes one",
        );
        let problem = Problem::new(Kind::Unauthorized, detail).challenge(&bearer);
        match self.users_exist() {
            true => problem.challenge("Basic realm=\"clearwell\", charset=\"UTF-8\""),
            false => problem,
        }
    }
}

/// Name and password of HTTP Basic. RFC 7617, 2.
pub(super) fn decoded(encoded: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn is_open(method: &Method, path: &str) -> bool {
    let below = |folder: &str| {
        path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    method == Method::OPTIONS || OPEN.contains(&path) || OPEN_FOLDERS.iter().any(|one| below(one))
}
