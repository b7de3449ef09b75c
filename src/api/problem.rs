//! Errors as clients see them: `application/problem+json`, RFC 9457.
//!
//! A problem travels in the response's extensions and is rendered in one place, the outermost of [`super::layers`],
//! which knows the request's id. What the client caused is explained to it; what it did not is logged, not told.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::endpoints::ParameterProblem;
use crate::engine::EngineError;

/// Every kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    BadParameters,
    BadQuery,
    BadMessage,
    BadTokenRequest,
    Unauthorized,
    Forbidden,
    NoSuchPath,
    NoSuchEndpoint,
    NoSuchTable,
    NoSuchVersion,
    NotAllowedHere,
    MethodNotAllowed,
    NotAcceptable,
    Gone,
    SlowBody,
    BodyTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    TooManyRequests,
    Internal,
    NoVersion,
    EndpointUnavailable,
    Overloaded,
    TimedOut,
}

impl Kind {
    /// Its status, the last part of its type, and its title.
    pub(super) const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::BadParameters => {
                (StatusCode::BAD_REQUEST, "bad-parameters", "Parameters that cannot be used")
            }
            Self::BadQuery => (StatusCode::BAD_REQUEST, "bad-query", "A query that cannot be run"),
            Self::BadMessage => {
                (StatusCode::BAD_REQUEST, "bad-message", "A message that cannot be answered")
            }
            Self::NoSuchTable => (StatusCode::NOT_FOUND, "no-such-table", "No such table"),
            Self::NotAllowedHere => {
                (StatusCode::NOT_FOUND, "not-allowed-here", "Not offered by this server")
            }
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "A body of a form that is not read",
            ),
            Self::BadTokenRequest => {
                (StatusCode::BAD_REQUEST, "bad-token-request", "No request for a token")
            }
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "unauthorized", "Credentials are needed")
            }
            Self::SlowBody => {
                (StatusCode::REQUEST_TIMEOUT, "slow-body", "The body did not come in time")
            }
            Self::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large")
            }
            Self::UriTooLong => {
                (StatusCode::URI_TOO_LONG, "uri-too-long", "The target is too long")
            }
            Self::TooManyRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too many requests")
            }
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "Not allowed"),
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no-such-path", "No such path"),
            Self::NoSuchEndpoint => (StatusCode::NOT_FOUND, "no-such-endpoint", "No such endpoint"),
            Self::NoSuchVersion => (StatusCode::NOT_FOUND, "no-such-version", "No such version"),
            Self::NotAcceptable => {
                (StatusCode::NOT_ACCEPTABLE, "not-acceptable", "No form that would be accepted")
            }
            Self::Gone => (StatusCode::GONE, "gone", "No longer kept"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed")
            }
            Self::Internal => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here")
            }
            Self::NoVersion => {
                (StatusCode::SERVICE_UNAVAILABLE, "no-version", "Nothing has been published")
            }
            Self::EndpointUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "endpoint-unavailable",
                "The endpoint does not fit the data",
            ),
            Self::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Too much to do"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed-out", "It took too long"),
        }
    }
}

impl Kind {
    /// What metrics call the limit that it is about.
    pub(super) const fn limit(self) -> Option<&'static str> {
        match self {
            Self::SlowBody
            | Self::BodyTooLarge
            | Self::UriTooLong
            | Self::TooManyRequests
            | Self::Overloaded
            | Self::TimedOut => Some(self.facts().1),
            _ => None,
        }
    }
}

/// One error of one request.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    kind: Kind,
    detail: String,
    parameters: Vec<ParameterProblem>,
    /// What is logged and not told.
    cause: Option<String>,
    /// What is wrong with the statement that was run, for whoever wrote it.
    of_statement: Option<String>,
    retry_after_seconds: Option<u32>,
    /// What credentials would be accepted, each a value of `WWW-Authenticate`.
    challenges: Vec<String>,
    /// The code of RFC 6749, 5.2, where it is about a token.
    code: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    type_uri: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<BodyParameter<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<&'a str>,
}

#[derive(Serialize)]
struct BodyParameter<'a> {
    parameter: &'a str,
    detail: &'a str,
}

impl<'a> From<&'a ParameterProblem> for BodyParameter<'a> {
    fn from(problem: &'a ParameterProblem) -> Self {
        Self { parameter: &problem.parameter, detail: &problem.detail }
    }
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            parameters: Vec::new(),
            cause: None,
            of_statement: None,
            retry_after_seconds: None,
            challenges: Vec::new(),
            code: None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// All that is wrong with a request's parameters.
    pub(super) fn parameters(parameters: Vec<ParameterProblem>) -> Self {
        let detail = match parameters.as_slice() {
            [only] => format!("`{}`: {}", only.parameter, only.detail),
            all => format!("{} parameters cannot be used; each is explained below", all.len()),
        };
        Self { parameters, ..Self::new(Kind::BadParameters, detail) }
    }

    /// What is wrong with one of them.
    pub(super) fn parameter(name: &str, detail: String) -> Self {
        Self::parameters(vec![ParameterProblem { parameter: name.to_owned(), detail }])
    }

    /// Whether what was asked for was there once.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.kind, Kind::Gone)
    }

    /// A failure of ours: `cause` is for the log.
    pub(super) fn internal(cause: impl Into<String>) -> Self {
        let detail =
            "the request could not be answered; the log has the cause under this request id";
        Self::new(Kind::Internal, detail).caused_by(cause)
    }

    /// What is wrong with a statement of ours or of whoever asks; see [`Problem::for_author`].
    pub(super) fn of_statement(told: impl Into<String>) -> Self {
        let told = told.into();
        Self { of_statement: Some(told.clone()), ..Self::internal(told) }
    }

    /// The same for whoever wrote the statement: what is wrong with it is told, and is no failure of ours.
    #[must_use]
    pub(super) fn for_author(self) -> Self {
        match self.of_statement {
            Some(told) => Self::new(Kind::BadQuery, told),
            None => self,
        }
    }

    #[must_use]
    pub(super) fn caused_by(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    #[must_use]
    pub(super) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// Adds what credentials would be accepted.
    #[must_use]
    pub(super) fn challenge(mut self, challenge: &str) -> Self {
        self.challenges.push(challenge.to_owned());
        self
    }

    /// Gives it a code of RFC 6749, 5.2.
    #[must_use]
    pub(super) fn code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// What went wrong, for those who see no status: each parameter with its reason.
    pub(super) fn told(&self) -> String {
        if self.parameters.is_empty() {
            return self.detail.clone();
        }
        let told = self.parameters.iter().map(|p| format!("`{}`: {}", p.parameter, p.detail));
        told.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The body, with what only the request's frame knows.
    pub(super) fn render(&self, path: &str, request_id: &str) -> Vec<u8> {
        let (status, slug, title) = self.kind.facts();
        let body = Body {
            type_uri: format!("/problems/{slug}"),
            title,
            status: status.as_u16(),
            detail: &self.detail,
            instance: path,
            request_id,
            errors: self.parameters.iter().map(BodyParameter::from).collect(),
            error: self.code,
            error_description: self.code.map(|_| self.detail.as_str()),
        };
        // Texts and numbers alone: there is nothing in it that JSON cannot hold.
        serde_json::to_vec(&body).unwrap_or_default()
    }
}

/// Seconds after which memory is likely to be free again.
const RETRY_AFTER_SECONDS: u32 = 1;

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Memory(cause) => {
                let detail = "there is no memory left for this request now; try again";
                Self::new(Kind::Overloaded, detail)
                    .caused_by(cause.as_str())
                    .retry_after(RETRY_AFTER_SECONDS)
            }
            EngineError::Statement(told) => Self::of_statement(told),
            EngineError::Other(cause) => Self::internal(cause),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.facts().0.into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.kind == Kind::SlowBody {
            // The rest of the body would be taken for the next request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        for challenge in &self.challenges {
            // Texts of ours: what could not stand in a header was replaced.
            if let Ok(challenge) = HeaderValue::from_str(challenge) {
                headers.append(header::WWW_AUTHENTICATE, challenge);
            }
        }
        response.extensions_mut().insert(self);
        response
    }
}
