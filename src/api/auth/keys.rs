//! The keys that sign tokens: a JSON Web Key Set (RFC 7517) in a file, read again when it changes.
//!
//! A key says itself which algorithm it is for; a token never decides that.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::{Value as Json, json};

use crate::api::watched::Watched;

/// The bytes of a key that is made here: as many as its hash has.
const OWN_KEY_BYTES: usize = 32;
/// The least that the modulus of an RSA key has. NIST SP 800-131A.
const RSA_BITS_MIN: usize = 2048;

/// Why there are no keys to go by.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("there is no key file `{0}`")]
    Missing(String),
    #[error("cannot read the key file `{file}`: {reason}")]
    Unreadable { file: String, reason: String },
    #[error("cannot make the key file `{file}`: {reason}")]
    Unwritable { file: String, reason: String },
    #[error("the key file `{file}` is no JSON Web Key Set: {reason}")]
    Malformed { file: String, reason: String },
    #[error("the key file `{file}` has no key that can be used{reasons}")]
    NoKey { file: String, reasons: String },
    #[error("no key of `{0}` can sign: it has public keys alone, so tokens come from elsewhere")]
    CannotSign(String),
}

/// One key with the one algorithm that it is for.
pub(super) struct Key {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) verifies: DecodingKey,
    /// There for keys that both sides share.
    pub(super) signs: Option<EncodingKey>,
}

/// The keys of a file, as it is now.
pub(super) struct Keys {
    file: PathBuf,
    loaded: Watched<Arc<Loaded>>,
}

/// What one reading of the file found.
pub(super) struct Loaded {
    pub(super) keys: Vec<Key>,
    /// Names the file's content.
    pub(super) content: String,
}

impl Keys {
    /// # Errors
    /// If the file cannot be read or has no key that can be used.
    pub(super) fn open(file: &Path) -> Result<Self, KeyError> {
        let loaded = Watched::open(vec![file.to_owned()], || load(file).map(Arc::new))?;
        Ok(Self { file: file.to_owned(), loaded })
    }

    /// The keys as they are now. A file that cannot be used any more leaves the keys that were, and is told in the log.
    pub(super) fn current(&self) -> Arc<Loaded> {
        self.loaded.current(|| match load(&self.file) {
            Ok(loaded) => {
                tracing::info!(file = %self.file.display(), keys = loaded.keys.len(), "keys were read again");
                Some(Arc::new(loaded))
            }
            Err(error) => {
                tracing::error!(%error, "the keys from before stay");
                None
            }
        })
    }

    /// # Errors
    /// If all keys are public ones.
    pub(super) fn signing(&self) -> Result<SigningKey, KeyError> {
        let loaded = self.current();
        let signs = loaded.keys.iter().find_map(|key| Some((key, key.signs.clone()?)));
        let (key, signs) =
            signs.ok_or_else(|| KeyError::CannotSign(self.file.display().to_string()))?;
        Ok(SigningKey { id: key.id.clone(), algorithm: key.algorithm, signs })
    }
}

/// A key to sign with.
pub(super) struct SigningKey {
    pub(super) id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) signs: EncodingKey,
}

fn load(file: &Path) -> Result<Loaded, KeyError> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => KeyError::Missing(name.clone()),
        _ => KeyError::Unreadable { file: name.clone(), reason: error.to_string() },
    })?;
    let malformed =
        |reason: &str| KeyError::Malformed { file: name.clone(), reason: reason.into() };
    let set: Json = serde_json::from_str(&text).map_err(|error| malformed(&error.to_string()))?;
    let listed = set.get("keys").and_then(Json::as_array);
    let listed = listed.ok_or_else(|| malformed("it has no list called `keys`"))?;
    let (mut keys, mut reasons) = (Vec::new(), String::new());
    for (index, written) in listed.iter().enumerate() {
        match key(written) {
            Ok(key) => keys.push(key),
            Err(reason) => {
                tracing::warn!(file = name, key = index + 1, reason, "a key is left out");
                reasons += &format!("; key {}: {reason}", index + 1);
            }
        }
    }
    match keys.is_empty() {
        true => Err(KeyError::NoKey { file: name, reasons }),
        false => Ok(Loaded { keys, content: crate::base::hash::of(text.as_bytes()) }),
    }
}

/// A key of a set; the reason why it cannot be used.
pub(super) fn key(written: &Json) -> Result<Key, String> {
    let jwk: Jwk = serde_json::from_value(written.clone()).map_err(|error| error.to_string())?;
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return Err("it is not for signatures (`use`)".to_owned());
    }
    let operations = written.get("key_ops").and_then(Json::as_array);
    if operations.is_some_and(|all| all.iter().all(|one| one != "verify" && one != "sign")) {
        return Err("it is not for signatures (`key_ops`)".to_owned());
    }
    let algorithm = algorithm(&jwk)?;
    let verifies = DecodingKey::from_jwk(&jwk).map_err(|error| error.to_string())?;
    let signs = match &jwk.algorithm {
        AlgorithmParameters::OctetKey(octets) => {
            let secret = URL_SAFE_NO_PAD.decode(octets.value.as_bytes());
            let secret = secret.map_err(|error| format!("`k` is no base64url: {error}"))?;
            let least = digest_bytes(algorithm);
            if secret.len() < least {
                let given = secret.len();
                return Err(format!("it has {given} bytes; {algorithm:?} needs at least {least}"));
            }
            Some(EncodingKey::from_secret(&secret))
        }
        AlgorithmParameters::RSA(rsa) => {
            let modulus = URL_SAFE_NO_PAD.decode(rsa.n.as_bytes());
            let modulus = modulus.map_err(|error| format!("`n` is no base64url: {error}"))?;
            let bits = modulus.iter().skip_while(|byte| **byte == 0).count() * 8;
            if bits < RSA_BITS_MIN {
                return Err(format!("it has {bits} bits; RSA needs at least {RSA_BITS_MIN}"));
            }
            None
        }
        _ => None,
    };
    Ok(Key { id: jwk.common.key_id, algorithm, verifies, signs })
}

/// The algorithm that a key is for: its `alg`, or the one usual for its type. RFC 7518.
fn algorithm(jwk: &Jwk) -> Result<Algorithm, String> {
    let stated = jwk.common.key_algorithm;
    let one_of = |usual: Algorithm, known: &[(KeyAlgorithm, Algorithm)]| match stated {
        None => Ok(usual),
        Some(stated) => known
            .iter()
            .find(|(name, _)| *name == stated)
            .map(|(_, algorithm)| *algorithm)
            .ok_or_else(|| format!("its algorithm `{stated}` is none that is used with its type")),
    };
    match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => one_of(
            Algorithm::HS256,
            &[
                (KeyAlgorithm::HS256, Algorithm::HS256),
                (KeyAlgorithm::HS384, Algorithm::HS384),
                (KeyAlgorithm::HS512, Algorithm::HS512),
            ],
        ),
        AlgorithmParameters::RSA(_) => {
            one_of(Algorithm::RS256, &[(KeyAlgorithm::RS256, Algorithm::RS256)])
        }
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            one_of(Algorithm::ES256, &[(KeyAlgorithm::ES256, Algorithm::ES256)])
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            one_of(Algorithm::EdDSA, &[(KeyAlgorithm::EdDSA, Algorithm::EdDSA)])
        }
        _ => Err("only oct, RSA, EC on P-256 and OKP on Ed25519 are used".to_owned()),
    }
}

const fn digest_bytes(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::HS384 => 48,
        Algorithm::HS512 => 64,
        _ => 32,
    }
}

/// Makes a key of this project's own where there is no file yet, for its owner alone.
///
/// # Errors
/// If it cannot be written.
pub(super) fn make_if_missing(file: &Path) -> Result<(), KeyError> {
    if file.exists() {
        return Ok(());
    }
    let unwritable = |reason: String| {
        let file = file.display().to_string();
        KeyError::Unwritable { file, reason }
    };
    let mut secret = [0; OWN_KEY_BYTES];
    getrandom::fill(&mut secret).map_err(|error| unwritable(error.to_string()))?;
    let id = uuid::Uuid::new_v4().simple().to_string();
    let secret = URL_SAFE_NO_PAD.encode(secret);
    let key = json!({"kty": "oct", "use": "sig", "alg": "HS256", "kid": id, "k": secret});
    let text = format!("{:#}\n", json!({"keys": [key]}));
    write_privately(file, &text, true).or_else(|error| match error.kind() {
        // Another process was quicker.
        std::io::ErrorKind::AlreadyExists => Ok(()),
        _ => Err(unwritable(error.to_string())),
    })
}

/// Writes a file that its owner alone can read, in a folder that no repository takes up.
pub(super) fn write_privately(file: &Path, text: &str, only_new: bool) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    if !folder.exists() {
        std::fs::create_dir_all(folder)?;
        private(folder, 0o700)?;
        std::fs::write(folder.join(".gitignore"), "*\n")?;
    }
    let mut made = tempfile::NamedTempFile::new_in(folder)?;
    private(made.path(), 0o600)?;
    made.write_all(text.as_bytes())?;
    made.as_file().sync_all()?;
    match only_new {
        true => made.persist_noclobber(file).map_err(|error| error.error)?,
        false => made.persist(file).map_err(|error| error.error)?,
    };
    Ok(())
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn private(_path: &Path, _mode: u32) -> std::io::Result<()> {
    Ok(())
}
