//! Project Wycheproof's signatures with known verdicts, under keys that came in as a user's would: as JSON Web Keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto;
use serde_json::{Value as Json, json};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify as rsa};

use super::keys;

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether a key holds a signature of a message for good; `None` if the key is not used at all.
fn holds(jwk: &Json, message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = keys::key(jwk).ok()?;
    Some(
        crypto::verify(&encoded(signature), message, &key.verifies, key.algorithm).unwrap_or(false),
    )
}

/// How many verdicts were compared, and those that differ.
#[derive(Default)]
struct Compared {
    count: usize,
    wrong: Vec<String>,
}

impl Compared {
    fn add(&mut self, name: &str, id: usize, expected: TestResult, found: bool) {
        self.count += 1;
        let right = match expected {
            TestResult::Valid => found,
            TestResult::Invalid => !found,
            TestResult::Acceptable => true,
        };
        if !right {
            self.wrong.push(format!("{name} {id}: {expected:?}, but found {found}"));
        }
    }

    #[track_caller]
    fn all_right(self, least: usize) {
        assert_eq!(self.wrong, Vec::<String>::new());
        assert!(self.count >= least, "only {} were compared", self.count);
    }
}

#[test]
fn es256_takes_what_is_signed_and_nothing_else() {
    let mut compared = Compared::default();
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let (x, y) = group.key.key[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y)});
        for test in group.tests {
            let found = holds(&jwk, &test.msg, &test.sig).unwrap();
            compared.add("ES256", test.tc_id, test.result, found);
        }
    }
    compared.all_right(200);
}

#[test]
fn eddsa_takes_what_is_signed_and_nothing_else() {
    let mut compared = Compared::default();
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": encoded(&*group.key.pk)});
        for test in group.tests {
            let found = holds(&jwk, &test.msg, &test.sig).unwrap();
            compared.add("EdDSA", test.tc_id, test.result, found);
        }
    }
    compared.all_right(100);
}

#[test]
fn rs256_takes_what_is_signed_and_nothing_else() {
    let mut compared = Compared::default();
    let set = rsa::TestSet::load(rsa::TestName::Rsa2048Sha256).unwrap();
    for group in set.test_groups {
        // A sign byte in front is no part of the number.
        let modulus = group.key.n.strip_prefix(&[0]).unwrap_or(&group.key.n);
        let jwk = json!({"kty": "RSA", "n": encoded(modulus), "e": encoded(&*group.key.e)});
        for test in group.tests {
            let found = holds(&jwk, &test.msg, &test.sig).unwrap_or(false);
            compared.add("RS256", test.tc_id, test.result, found);
        }
    }
    compared.all_right(200);
}

#[test]
fn a_shared_key_takes_whole_tags_alone() {
    let mut compared = Compared::default();
    for (name, bits, test_name) in [
        ("HS256", 256, mac::TestName::HmacSha256),
        ("HS384", 384, mac::TestName::HmacSha384),
        ("HS512", 512, mac::TestName::HmacSha512),
    ] {
        for group in mac::TestSet::load(test_name).unwrap().test_groups {
            for test in group.tests {
                let jwk = json!({"kty": "oct", "alg": name, "k": encoded(&*test.key)});
                // Keys shorter than the digest are no keys here.
                let Some(found) = holds(&jwk, &test.msg, &test.tag) else {
                    assert!(group.key_size < bits, "{name} {}", test.tc_id);
                    continue;
                };
                // A part of a tag is none in a token.
                let whole = group.tag_size == bits;
                let expected = if whole { test.result } else { TestResult::Invalid };
                compared.add(name, test.tc_id, expected, found);
            }
        }
    }
    compared.all_right(300);
}
