//! Who is believed, and who is not.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value as Json, json};

use super::client::{Reply, ask, ask_with, get};
use super::shop::{Server, Shop, daily_sales};
use crate::api::auth::{Auth, AuthError, KeyError, Users};
use crate::config::{AuthConfig, ServeLimits};
use crate::project::{Endpoint, RowFilter};

const RSA: &[u8] = include_bytes!("keys/rsa.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa_public.pem");
const EC: &[u8] = include_bytes!("keys/ec.pem");
const ED: &[u8] = include_bytes!("keys/ed.pem");
const PATH: &str = "/api/v1/daily_sales";

fn secret(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| index as u8).collect()
}

fn oct(id: &str, algorithm: &str, bytes: usize) -> Json {
    let value = URL_SAFE_NO_PAD.encode(secret(bytes));
    json!({"kty": "oct", "kid": id, "alg": algorithm, "k": value})
}

fn public(id: &str, key: &EncodingKey, algorithm: Algorithm) -> Json {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(id);
    jwk
}

/// One key of every algorithm: its name is its algorithm's.
fn signers() -> Vec<(Algorithm, EncodingKey)> {
    vec![
        (Algorithm::HS256, EncodingKey::from_secret(&secret(32))),
        (Algorithm::HS384, EncodingKey::from_secret(&secret(48))),
        (Algorithm::HS512, EncodingKey::from_secret(&secret(64))),
        (Algorithm::RS256, EncodingKey::from_rsa_pem(RSA).unwrap()),
        (Algorithm::ES256, EncodingKey::from_ec_pem(EC).unwrap()),
        (Algorithm::EdDSA, EncodingKey::from_ed_pem(ED).unwrap()),
    ]
}

fn all_keys() -> Json {
    let mut keys =
        vec![oct("HS256", "HS256", 32), oct("HS384", "HS384", 48), oct("HS512", "HS512", 64)];
    for (algorithm, key) in signers().into_iter().skip(3) {
        keys.push(public(&format!("{algorithm:?}"), &key, algorithm));
    }
    json!({ "keys": keys })
}

fn serve(shop: &Shop, keys: &Json, change: impl FnOnce(&mut AuthConfig)) -> Server {
    let mut config = shop.auth();
    let file = config.own_key.with_file_name("jwks.json");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, keys.to_string()).unwrap();
    config.jwks = Some(file);
    change(&mut config);
    shop.serve_to(config, ServeLimits::default())
}

fn claims() -> Json {
    json!({"sub": "ann", "exp": get_current_timestamp() + 600})
}

fn with(change: &[(&str, Json)]) -> Json {
    let mut claims = claims();
    change.iter().for_each(|(name, value)| claims[*name] = value.clone());
    claims
}

/// Signed as the header says, or not at all: parts joined as they are.
fn sign(header: &Json, claims: &Json, key: &EncodingKey, algorithm: Algorithm) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

fn hs256(header: &[(&str, Json)], claims: &Json) -> String {
    let mut whole = json!({"alg": "HS256", "typ": "JWT", "kid": "HS256"});
    header.iter().for_each(|(name, value)| whole[*name] = value.clone());
    sign(&whole, claims, &EncodingKey::from_secret(&secret(32)), Algorithm::HS256)
}

fn bearer(server: &Server, token: &str) -> Reply {
    ask(server.address, "GET", PATH, &format!("authorization: Bearer {token}\r\n"))
}

#[test]
fn tokens_of_every_algorithm_are_believed() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = serve(&shop, &all_keys(), |_| {});
    for (algorithm, key) in signers() {
        let header = Header { kid: Some(format!("{algorithm:?}")), ..Header::new(algorithm) };
        let token = encode(&header, &claims(), &key).unwrap();
        let reply = bearer(&server, &token);
        assert_eq!(reply.status, 200, "{algorithm:?}: {}", reply.body);
        // Once more, when it is remembered.
        assert_eq!(bearer(&server, &token).status, 200);
    }
    let fine = [
        hs256(&[("typ", json!("at+jwt"))], &claims()),
        hs256(&[("typ", Json::Null)], &claims()),
        hs256(&[("jku", json!("https://example.com/keys"))], &claims()),
        hs256(&[], &with(&[("exp", json!(get_current_timestamp() - 30))])),
        hs256(&[], &with(&[("nbf", json!(get_current_timestamp() + 30))])),
        hs256(&[], &with(&[("exp", json!(get_current_timestamp() as f64 + 60.5))])),
    ];
    for token in &fine {
        let reply = bearer(&server, token);
        assert_eq!(reply.status, 200, "{token}: {}", reply.body);
    }
    for scheme in ["bearer", "BEARER", "Bearer  "] {
        let line = format!("authorization: {scheme} {}\r\n", fine[0]);
        assert_eq!(ask(server.address, "GET", PATH, &line).status, 200, "{scheme}");
    }
}

#[test]
fn attacks_are_answered_with_401() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = serve(&shop, &all_keys(), |_| {});
    let good = hs256(&[], &claims());
    assert_eq!(bearer(&server, &good).status, 200);
    let [head, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let hmac = |secret: &[u8], kid: &str| {
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
        sign(&header, &claims(), &EncodingKey::from_secret(secret), Algorithm::HS256)
    };
    let now = get_current_timestamp();
    let rsa_n = all_keys()["keys"][3]["n"].as_str().unwrap().to_owned();
    let rsa_jwk = all_keys()["keys"][3].to_string();
    let ec_x = all_keys()["keys"][4]["x"].as_str().unwrap().to_owned();
    let der =
        STANDARD.decode(RSA_PUBLIC.lines().filter(|l| !l.starts_with('-')).collect::<String>());
    let mut attacks: Vec<(String, String)> = Vec::new();
    let mut attack = |name: &str, token: String| attacks.push((name.to_owned(), token));
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = part(&json!({"alg": none, "typ": "JWT", "kid": "HS256"}).to_string());
        attack(&format!("alg `{none}`"), format!("{header}.{body}."));
        attack(&format!("alg `{none}`, signed"), format!("{header}.{body}.{signature}"));
    }
    attack("no alg", format!("{}.{body}.{signature}", part(r#"{"typ":"JWT","kid":"HS256"}"#)));
    attack("RSA key as HMAC secret, PEM", hmac(RSA_PUBLIC.as_bytes(), "RS256"));
    attack("RSA key as HMAC secret, PEM trimmed", hmac(RSA_PUBLIC.trim().as_bytes(), "RS256"));
    attack("RSA key as HMAC secret, DER", hmac(&der.unwrap(), "RS256"));
    attack("RSA key as HMAC secret, JWK", hmac(rsa_jwk.as_bytes(), "RS256"));
    attack(
        "RSA key as HMAC secret, modulus",
        hmac(&URL_SAFE_NO_PAD.decode(&rsa_n).unwrap(), "RS256"),
    );
    attack("EC key as HMAC secret", hmac(&URL_SAFE_NO_PAD.decode(&ec_x).unwrap(), "ES256"));
    attack("empty HMAC secret", hmac(b"", "HS256"));
    for (name, kid) in [
        ("path", "../../../../dev/null"),
        ("SQL", "x' union select 'secret' --"),
        ("empty", ""),
        ("unknown", "other"),
        ("case", "hs256"),
        ("null byte", "HS256\0"),
        ("long", &"k".repeat(4000)),
        ("another key's", "HS384"),
    ] {
        attack(&format!("kid: {name}"), hs256(&[("kid", json!(kid))], &claims()));
    }
    attack("kid: none of several", hs256(&[("kid", Json::Null)], &claims()));
    attack("kid: no text", hs256(&[("kid", json!(["HS256"]))], &claims()));
    let ours: Vec<_> = signers().into_iter().filter(|(a, _)| *a == Algorithm::ES256).collect();
    let own = public("mine", &ours[0].1, Algorithm::ES256);
    let header = json!({"alg": "ES256", "kid": "mine", "jwk": own});
    attack("key of its own (jwk)", sign(&header, &claims(), &ours[0].1, Algorithm::ES256));
    attack(
        "stolen kid",
        sign(&json!({"alg": "ES256", "kid": "HS256"}), &claims(), &ours[0].1, Algorithm::ES256),
    );
    attack("another algorithm of the family", {
        let key = EncodingKey::from_secret(&secret(32));
        sign(&json!({"alg": "HS512", "kid": "HS256"}), &claims(), &key, Algorithm::HS512)
    });
    for (name, value) in [
        ("past", json!(now - 120)),
        ("text", json!((now + 600).to_string())),
        ("missing", Json::Null),
        ("negative", json!(-1)),
        ("list", json!([now + 600])),
        ("infinite", json!(1e300)),
    ] {
        attack(&format!("exp: {name}"), hs256(&[], &with(&[("exp", value)])));
    }
    attack("nbf: later", hs256(&[], &with(&[("nbf", json!(now + 600))])));
    attack("nbf: text", hs256(&[], &with(&[("nbf", json!("now"))])));
    attack("iat: later", hs256(&[], &with(&[("iat", json!(now + 600))])));
    attack("iat: text", hs256(&[], &with(&[("iat", json!("now"))])));
    attack("aud: unasked", hs256(&[], &with(&[("aud", json!("other"))])));
    attack("aud: unasked, a list", hs256(&[], &with(&[("aud", json!(["other"]))])));
    attack("sub: no text", hs256(&[], &with(&[("sub", json!(7))])));
    attack("scope: no text", hs256(&[], &with(&[("scope", json!({"*": true}))])));
    attack("crit", hs256(&[("crit", json!(["exp"]))], &claims()));
    attack("crit, b64", hs256(&[("crit", json!(["b64"])), ("b64", json!(false))], &claims()));
    attack("crit, empty", hs256(&[("crit", json!([]))], &claims()));
    attack("typ: other", hs256(&[("typ", json!("logout+jwt"))], &claims()));
    attack("huge", hs256(&[], &with(&[("x", json!("x".repeat(9000)))])));
    attack("signature gone", format!("{head}.{body}."));
    attack("signature and its dot gone", format!("{head}.{body}"));
    attack("signature cut", format!("{head}.{body}.{}", &signature[..signature.len() - 4]));
    attack(
        "signature of another",
        format!("{head}.{}.{signature}", part(&with(&[("scope", json!("*"))]).to_string())),
    );
    attack(
        "one bit",
        format!(
            "{head}.{body}.{}{}",
            if signature.starts_with('A') { "B" } else { "A" },
            &signature[1..]
        ),
    );
    attack("padded", format!("{head}.{body}.{signature}="));
    attack("more parts", format!("{good}.{signature}"));
    attack("first part empty", format!(".{body}.{signature}"));
    attack("plain base64", format!("{head}.{body}.{}", "+/".repeat(21)));
    attack("blank inside", format!("{head}. {body}.{signature}"));
    attack("a blank behind", format!("{good} x"));
    attack("no JSON", format!("{}.{body}.{signature}", part("{")));
    attack(
        "invalid UTF-8",
        format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode(b"{\"alg\":\"HS256\xff\"}")),
    );
    attack(
        "claims are a list",
        sign(
            &json!({"alg": "HS256", "kid": "HS256"}),
            &json!([1]),
            &EncodingKey::from_secret(&secret(32)),
            Algorithm::HS256,
        ),
    );
    attack("psychic signature", {
        let header = part(&json!({"alg": "ES256", "kid": "ES256"}).to_string());
        format!("{header}.{body}.{}", URL_SAFE_NO_PAD.encode([0; 64]))
    });
    attack("claims given twice", {
        let (head, body) = (
            part(r#"{"alg":"HS256","kid":"HS256"}"#),
            part(&format!("{{\"exp\":1,\"exp\":{}}}", now + 60)),
        );
        let key = EncodingKey::from_secret(&secret(32));
        let message = format!("{head}.{body}");
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
        format!("{message}.{signature}")
    });
    attack("nothing", String::new());
    assert!(attacks.len() > 60, "{}", attacks.len());
    for (name, token) in &attacks {
        let reply = bearer(&server, token);
        assert_eq!(reply.status, 401, "{name}: {}", reply.body);
        let challenge = reply.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=\"clearwell\", error=\"invalid_token\""),
            "{name}: {challenge}"
        );
        let body = reply.body.as_str();
        assert!(token.is_empty() || !body.contains(token.as_str()), "{name}: {body}");
    }

    let lines = [
        format!("authorization: Bearer {good}\r\nauthorization: Bearer {good}\r\n"),
        format!("authorization: Bearer\t{good}\r\n"),
        format!("authorization: Token {good}\r\n"),
        format!("authorization: {good}\r\n"),
        "authorization: Basic !!!\r\n".to_owned(),
        "authorization: \r\n".to_owned(),
    ];
    for line in &lines {
        assert_eq!(ask(server.address, "GET", PATH, line).status, 401, "{line}");
    }
    let unknown = get(server.address, PATH);
    assert_eq!(
        (unknown.status, unknown.header("www-authenticate")),
        (401, "Bearer realm=\"clearwell\"")
    );
    // Which endpoints there are is nobody else's business.
    assert_eq!(get(server.address, "/api/v1/nothing").status, 401);
    for open in ["/livez", "/readyz", "/api/v1/openapi.json", "/docs/api", "/problems/"] {
        assert_eq!(get(server.address, open).status, 200, "{open}");
    }
    assert_eq!(ask(server.address, "OPTIONS", PATH, "").status, 204);
}

#[test]
fn issuer_and_audience_are_asked_for() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = serve(&shop, &all_keys(), |config| {
        config.issuer = Some("https://issuer".to_owned());
        config.audience = Some("clearwell".to_owned());
    });
    let ask = |issuer: Json, audience: Json| {
        bearer(&server, &hs256(&[], &with(&[("iss", issuer), ("aud", audience)]))).status
    };
    assert_eq!(ask(json!("https://issuer"), json!("clearwell")), 200);
    assert_eq!(ask(json!("https://issuer"), json!(["other", "clearwell"])), 200);
    for (issuer, audience) in [
        (json!("https://issuer/"), json!("clearwell")),
        (Json::Null, json!("clearwell")),
        (json!(5), json!("clearwell")),
        (json!("https://issuer"), json!("Clearwell")),
        (json!("https://issuer"), json!(["other"])),
        (json!("https://issuer"), json!([])),
        (json!("https://issuer"), Json::Null),
        (json!("https://issuer"), json!({"clearwell": 1})),
    ] {
        assert_eq!(ask(issuer.clone(), audience.clone()), 401, "{issuer} {audience}");
    }
}

#[test]
fn keys_are_changed_without_a_restart() {
    let shop = Shop::new();
    shop.publish(1, &[daily_sales()]);
    let server = serve(&shop, &json!({"keys": [oct("old", "HS256", 32)]}), |_| {});
    let file = shop.auth().own_key.with_file_name("jwks.json");
    let (old, new) = (hs256(&[("kid", json!("old"))], &claims()), {
        let header = json!({"alg": "HS384", "kid": "new"});
        sign(&header, &claims(), &EncodingKey::from_secret(&secret(48)), Algorithm::HS384)
    });
    assert_eq!((bearer(&server, &old).status, bearer(&server, &new).status), (200, 401));
    let await_status = |token: &str, status: u16| {
        for _ in 0..200 {
            if bearer(&server, token).status == status {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never {status}");
    };
    std::fs::write(
        &file,
        json!({"keys": [oct("old", "HS256", 32), oct("new", "HS384", 48)]}).to_string(),
    )
    .unwrap();
    await_status(&new, 200);
    assert_eq!(bearer(&server, &old).status, 200);
    std::fs::write(&file, json!({"keys": [oct("new", "HS384", 48)]}).to_string()).unwrap();
    await_status(&old, 401);
    // A file that cannot be used leaves the keys that were.
    std::fs::write(&file, "{").unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(bearer(&server, &new).status, 200);
}

#[test]
fn keys_that_cannot_be_used_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let open = |keys: &str| {
        std::fs::write(&file, keys).unwrap();
        let config = AuthConfig { jwks: Some(file.clone()), ..super::shop::auth_in(folder.path()) };
        let error = Auth::for_server(config, "127.0.0.1:1".parse().unwrap()).err();
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        error.replace(&file.display().to_string(), "FILE")
    };
    insta::assert_snapshot!(open("{}"), @"the key file `FILE` is no JSON Web Key Set: it has no list called `keys`");
    insta::assert_snapshot!(open(&json!({"keys": [oct("a", "HS256", 31)]}).to_string()), @"the key file `FILE` has no key that can be used; key 1: it has 31 bytes; HS256 needs at least 32");
    insta::assert_snapshot!(open(&json!({"keys": [oct("a", "RS256", 64)]}).to_string()), @"the key file `FILE` has no key that can be used; key 1: its algorithm `RS256` is none that is used with its type");
    let mut encryption = oct("a", "HS256", 32);
    encryption["use"] = json!("enc");
    insta::assert_snapshot!(open(&json!({"keys": [encryption]}).to_string()), @"the key file `FILE` has no key that can be used; key 1: it is not for signatures (`use`)");
    let small = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([255; 128]), "e": "AQAB"});
    insta::assert_snapshot!(open(&json!({"keys": [small]}).to_string()), @"the key file `FILE` has no key that can be used; key 1: it has 1024 bits; RSA needs at least 2048");
    assert_eq!(open(&json!({"keys": [{"kty": "new"}, oct("a", "HS256", 32)]}).to_string()), "");
}

#[test]
fn a_server_that_others_reach_needs_keys() {
    let folder = tempfile::tempdir().unwrap();
    let config = super::shop::auth_in(folder.path());
    let public = "0.0.0.0:5000".parse().unwrap();
    let refused = |config: AuthConfig| Auth::for_server(config, public).err();
    assert!(matches!(refused(config.clone()), Some(AuthError::PublicWithoutKeys(_))));
    let open = AuthConfig { required: false, ..config.clone() };
    assert!(matches!(refused(open), Some(AuthError::PublicWithoutAuth(_))));
    let jwks = Some(folder.path().join("new/jwks.json"));
    let named = AuthConfig { jwks, ..config };
    assert!(matches!(refused(named.clone()), Some(AuthError::Key(KeyError::Missing(_)))));
    assert!(refused(AuthConfig { make_key: true, ..named.clone() }).is_none());
    assert!(refused(named).is_none());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &str| folder.path().join(path).metadata().unwrap().permissions().mode();
        assert_eq!((mode("new") & 0o777, mode("new/jwks.json") & 0o777), (0o700, 0o600));
    }
}

fn add_user(shop: &Shop, name: &str, scopes: &[&str], claims: &[(&str, Json)]) {
    let mut users = Users::read(&shop.auth().users).unwrap();
    let claims = claims.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    users.add(name, "pass: wörd", scopes, claims).unwrap();
}

fn basic(name: &str, password: &str) -> String {
    format!("authorization: Basic {}\r\n", STANDARD.encode(format!("{name}:{password}")))
}

#[test]
fn a_password_is_believed_or_becomes_a_token() {
    let shop = Shop::new();
    let scoped = Endpoint { scope: Some("sales".to_owned()), ..daily_sales() };
    shop.publish(1, &[scoped]);
    add_user(&shop, "ann", &["sales", "tables"], &[]);
    add_user(&shop, "bob", &[], &[]);
    let server = shop.serve_to(shop.auth(), ServeLimits::default());
    let get = |headers: &str| ask(server.address, "GET", PATH, headers);
    assert_eq!(get(&basic("ann", "pass: wörd")).status, 200);
    assert_eq!(get(&basic("bob", "pass: wörd")).status, 403);
    for (name, password) in [("ann", "pass"), ("nobody", "pass: wörd"), ("", ""), ("ann", "")] {
        let reply = get(&basic(name, password));
        assert_eq!(reply.status, 401, "{name}: {}", reply.body);
        let offered: Vec<&str> = reply
            .headers
            .iter()
            .filter(|(name, _)| name == "www-authenticate")
            .map(|(_, v)| v.as_str())
            .collect();
        assert_eq!(offered[1], "Basic realm=\"clearwell\", charset=\"UTF-8\"");
    }

    let token = |headers: &str, form: &str| {
        let headers = format!("content-type: application/x-www-form-urlencoded\r\n{headers}");
        ask_with(server.address, "POST", "/api/v1/token", &headers, form)
    };
    let grant = "grant_type=client_credentials";
    let reply = token(&basic("ann", "pass: wörd"), grant);
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"));
    let answer = reply.json();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"], &answer["scope"]),
        (&json!("Bearer"), &json!(60), &json!("sales tables"))
    );
    assert_eq!(bearer(&server, answer["access_token"].as_str().unwrap()).status, 200);
    let narrow =
        token("", &format!("{grant}&client_id=ann&client_secret=pass%3A+w%C3%B6rd&scope=tables"));
    assert_eq!(narrow.json()["scope"], "tables");
    assert_eq!(bearer(&server, narrow.json()["access_token"].as_str().unwrap()).status, 403);

    let refused = |headers: &str, form: &str| {
        let reply = token(headers, form);
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let error = reply.json()["error"].as_str().unwrap_or_default().to_owned();
        (reply.status, error)
    };
    let error = |status: u16, code: &str| (status, code.to_owned());
    let ann = basic("ann", "pass: wörd");
    assert_eq!(refused(&ann, ""), error(400, "invalid_request"));
    assert_eq!(refused(&ann, "grant_type=password"), error(400, "unsupported_grant_type"));
    assert_eq!(refused("", grant), error(401, "invalid_client"));
    assert_eq!(refused(&ann, &format!("{grant}&{grant}")), error(400, "invalid_request"));
    assert_eq!(
        refused(&ann, &format!("{grant}&client_id=ann&client_secret=x")),
        error(400, "invalid_request")
    );
    assert_eq!(refused(&ann, &format!("{grant}&scope=query")), error(400, "invalid_scope"));
    assert_eq!(refused(&basic("ann", "other"), grant), error(401, "invalid_client"));
    assert_eq!(ask(server.address, "GET", "/api/v1/token", "").status, 405);

    // Who guesses waits, and so does who has the right password after that.
    let waits = |reply: &Reply| {
        assert_eq!(reply.status, 401, "{reply:?}");
        reply.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds > 0)
    };
    let guesses: Vec<bool> = (0..8).map(|_| waits(&get(&basic("bob", "guess")))).collect();
    assert!(!guesses[0] && guesses.iter().any(|waits| *waits), "{guesses:?}");
    assert!(waits(&get(&basic("bob", "pass: wörd and more"))));
}

#[test]
fn rows_of_one_never_reach_another() {
    let shop = Shop::new();
    let table = crate::base::TableName::new("main", "daily_sales").unwrap();
    let filter = |column: &str, claim: &str| RowFilter {
        table: table.clone(),
        column: column.to_owned(),
        claim: claim.to_owned(),
    };
    let mine = Endpoint { row_filters: vec![filter("order_date", "day")], ..daily_sales() };
    shop.publish(4, &[mine]);
    let server = serve(&shop, &all_keys(), |_| {});
    let token = |name: &str, claims: &[(&str, Json)]| {
        let mut all = vec![("sub", json!(name))];
        all.extend(claims.iter().cloned());
        hs256(&[], &with(&all))
    };
    let told = ask(server.address, "GET", "/api/v1/openapi.json", "").json();
    let told = told["paths"][PATH]["get"]["description"].as_str().unwrap().to_owned();
    let own = "of `main.daily_sales` the rows whose `order_date` is the claim `day`, or one of its values";
    assert!(told.contains(own), "{told}");
    let ann = token("ann", &[("day", json!("2024-01-01"))]);
    let bob = token("bob", &[("day", json!(["2024-01-02", "2024-01-04"]))]);
    let days = |token: &str, query: &str| -> Vec<String> {
        let line = format!("authorization: Bearer {token}\r\n");
        let reply = ask(server.address, "GET", &format!("{PATH}{query}"), &line);
        assert_eq!(reply.status, 200, "{}", reply.body);
        let rows = reply.json()["data"].as_array().unwrap().clone();
        rows.iter().map(|row| row["order_date"].as_str().unwrap().to_owned()).collect()
    };
    // From queries, from rows in memory, from kept answers: always their own.
    for _ in 0..3 {
        for query in ["", "?limit=100", "?from=2024-01-01&to=2024-12-31", "?count=true"] {
            assert_eq!(days(&ann, query), ["2024-01-01"], "{query}");
            assert_eq!(days(&bob, query), ["2024-01-02", "2024-01-04"], "{query}");
        }
        assert_eq!(days(&ann, "?from=2024-01-02"), Vec::<String>::new());
        std::thread::sleep(Duration::from_millis(50));
    }
    let tag = |token: &str| bearer(&server, token).header("etag").to_owned();
    assert_ne!(tag(&ann), tag(&bob));
    let line = format!("authorization: Bearer {bob}\r\nif-none-match: {}\r\n", tag(&ann));
    assert_eq!(ask(server.address, "GET", PATH, &line).status, 200);
    let counted = ask(
        server.address,
        "GET",
        &format!("{PATH}?count=true&limit=1"),
        &format!("authorization: Bearer {bob}\r\n"),
    )
    .json();
    assert_eq!(counted["page"]["total"], 2);

    for (claims, detail) in [
        (&[][..], "your rows are told by the claim `day` of your token: it is not there"),
        (
            &[("day", json!("someday"))],
            "your rows are told by the claim `day` of your token: it is not a date, like `2024-01-31`",
        ),
        (
            &[("day", json!({"gt": 1}))],
            "your rows are told by the claim `day` of your token: it is not a date, like `2024-01-31`",
        ),
    ] {
        let reply = bearer(&server, &token("eve", claims));
        assert_eq!(
            (reply.status, reply.json()["detail"].as_str().unwrap_or_default()),
            (403, detail)
        );
    }
    assert_eq!(days(&token("eve", &[("day", json!([]))]), ""), Vec::<String>::new());
}
