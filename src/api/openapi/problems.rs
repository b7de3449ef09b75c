//! Every kind of problem, explained: what the pages at `/problems/` and the OpenAPI document say.

use crate::api::problem::Kind;

/// Every kind there is; a test holds it complete.
pub(in crate::api) const KINDS: &[Kind] = &[
    Kind::BadParameters,
    Kind::BadQuery,
    Kind::BadMessage,
    Kind::BadTokenRequest,
    Kind::Unauthorized,
    Kind::Forbidden,
    Kind::NoSuchPath,
    Kind::NoSuchEndpoint,
    Kind::NoSuchTable,
    Kind::NoSuchVersion,
    Kind::NotAllowedHere,
    Kind::MethodNotAllowed,
    Kind::NotAcceptable,
    Kind::Gone,
    Kind::SlowBody,
    Kind::BodyTooLarge,
    Kind::UriTooLong,
    Kind::UnsupportedMediaType,
    Kind::TooManyRequests,
    Kind::Internal,
    Kind::NoVersion,
    Kind::EndpointUnavailable,
    Kind::Overloaded,
    Kind::TimedOut,
];

/// What a kind means, and what who meets it can do about it: whole sentences, code between backticks.
pub(in crate::api) const fn explained(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::BadParameters => (
            "A parameter has a name that is not known, is given twice or is missing, or its value is not of its type, \
             outside of its bounds or not of its pattern.",
            "Read `errors`: it names each parameter with what is wrong with it. The description of the endpoint in the \
             OpenAPI document has the types and bounds.",
        ),
        Kind::BadQuery => (
            "The body holds no query that can be run: it is not of the expected form, or its SQL is not one `select` over the \
             tables of the version.",
            "Read the detail: it says what is wrong, with line and column of the SQL.",
        ),
        Kind::BadMessage => (
            "The message at `/mcp` is none of the Model Context Protocol.",
            "Compare it with the protocol; the detail says what is wrong.",
        ),
        Kind::NoSuchTable => (
            "The version that was asked has no table of this name, or several.",
            "Compare the name with the tables listed at `/api/v1/tables`; give its schema, too: `schema.name`.",
        ),
        Kind::NotAllowedHere => (
            "The server could do this, and was told not to.",
            "Ask whoever runs it to change the setting that the detail names.",
        ),
        Kind::UnsupportedMediaType => (
            "The body is of a media type that this route does not read.",
            "Send one of the media types that the detail lists, named in `Content-Type`.",
        ),
        Kind::BadTokenRequest => (
            "The request for a token is not what OAuth 2 asks for (RFC 6749, 4.4): `error` has its code.",
            "Send a form with `grant_type=client_credentials`, and name and password by HTTP Basic or as `client_id` and \
             `client_secret`.",
        ),
        Kind::Unauthorized => (
            "The request does not say credibly who asks: there is no token or password, or it is not believed.",
            "Send `Authorization: Bearer` with a token of this server. `POST /api/v1/token` gives one to a user, `clearwell \
             token` to whoever runs the server.",
        ),
        Kind::SlowBody => (
            "The body of the request did not come to its end within the time that a request may take.",
            "Send it again, on a new connection, without pauses.",
        ),
        Kind::BodyTooLarge => (
            "The body has more bytes than the server reads.",
            "Send less, or ask whoever runs the server to raise `limits.body_bytes`.",
        ),
        Kind::UriTooLong => (
            "Path and query string have more bytes than the server reads.",
            "Ask for less at once, or ask whoever runs the server to raise `limits.target_bytes`.",
        ),
        Kind::TooManyRequests => (
            "There were more requests than one client may make in this time.",
            "Wait for as many seconds as the header `Retry-After` says.",
        ),
        Kind::Forbidden => (
            "Who asks is known, and may not do this: it requires a scope that was not granted, or a claim that tells which rows \
             are whose.",
            "Ask whoever runs the server for a token with the scope or claim that the detail names.",
        ),
        Kind::NoSuchPath => (
            "Nothing is at this path.",
            "Compare the path with the routes in the OpenAPI document.",
        ),
        Kind::NoSuchEndpoint => (
            "The version that was asked has no endpoint of this name.",
            "Compare the name with the endpoints listed at `/api/v1/`. An endpoint that was added lately is not part of \
             older versions.",
        ),
        Kind::NoSuchVersion => (
            "What `at` names was never published: a version or tag that does not exist, or a time before the first version.",
            "Leave `at` out to ask the current version.",
        ),
        Kind::MethodNotAllowed => (
            "The path exists, but not with this method.",
            "Use one of the methods that the header `Allow` lists.",
        ),
        Kind::NotAcceptable => (
            "The header `Accept` allows none of the forms that an answer can have.",
            "Accept one of the media types that the detail lists, or name a form with `format`, which goes before `Accept`.",
        ),
        Kind::Gone => (
            "The version existed and is no longer kept.",
            "Ask the current version or a newer one. A walk over pages that stopped too long ago begins again at its \
             first page.",
        ),
        Kind::Internal => (
            "The server failed. It is not the request's fault.",
            "Try again later; if it stays so, tell whoever runs the server the request id, under which the log has the \
             cause.",
        ),
        Kind::NoVersion => (
            "The server runs, but nothing has been published yet.",
            "Run `clearwell build`, which publishes the first version; the server takes it up within a second.",
        ),
        Kind::EndpointUnavailable => (
            "The endpoint's query no longer fits the tables of the version that is served.",
            "Run `clearwell build`, which says what is wrong with the endpoint and publishes nothing that does not fit.",
        ),
        Kind::Overloaded => (
            "The server has no memory or no place left for another request just now.",
            "Try again after as many seconds as the header `Retry-After` says, and ask for fewer rows at once.",
        ),
        Kind::TimedOut => (
            "The answer took longer than the server lets a request run; the query was cancelled.",
            "Ask for less: fewer rows with `limit`, or narrower filters.",
        ),
    }
}

/// The kinds that have this status.
pub(super) fn of_status(status: u16) -> impl Iterator<Item = Kind> {
    KINDS.iter().copied().filter(move |kind| kind.facts().0.as_u16() == status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_explained_once() {
        let source = include_str!("../problem.rs");
        let (_, rest) = source.split_once("enum Kind {").unwrap();
        let (variants, _) = rest.split_once('}').unwrap();
        let declared: Vec<&str> = variants
            .lines()
            .map(|line| line.trim().trim_end_matches(','))
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .collect();
        let listed: Vec<String> = KINDS.iter().map(|kind| format!("{kind:?}")).collect();
        assert_eq!(listed, declared, "KINDS lists the kinds in the order of their declaration");
    }

    #[test]
    fn slugs_are_unique_and_plain() {
        let mut slugs: Vec<&str> = KINDS.iter().map(|kind| kind.facts().1).collect();
        assert!(slugs.iter().all(|slug| slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), KINDS.len());
    }
}
