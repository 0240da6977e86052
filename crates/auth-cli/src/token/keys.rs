//! The keys a token is verified with, from what the command line names.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use auth_core::{BoxFuture, SecretBytes};
use auth_jwt::{
    Algorithm, KeyError, KeySet, KeySetError, KeySource, KeysUnavailable, Skip, SkippedKey,
    StaticKeys, VerificationKey,
};

use crate::args::KeyArguments;
use crate::failure::Failure;

/// Keys, or the lack of them.
///
/// Tokens are looked at even if keys cannot be had: one that is rejected without any key is
/// rejected, and every other is undetermined.
pub(super) struct Keys {
    pub(super) source: Arc<dyn KeySource>,
    /// Why the source has no keys to give.
    pub(super) failure: Option<Failure>,
    /// What a person might wonder about, and a program does not.
    pub(super) notes: Vec<String>,
    /// What they wonder about only when a key is missing: the keys that are for something else.
    pub(super) notes_on_unknown_key: Vec<String>,
}

impl Keys {
    /// Reads the keys; `algorithms` are those asked for, none if none were.
    pub(super) fn open(arguments: KeyArguments, algorithms: &[Algorithm]) -> Self {
        let KeyArguments {
            jwks,
            public_key,
            secret_file,
        } = arguments;
        let opened = if let Some(location) = jwks {
            key_set(&location)
        } else if let Some(file) = public_key {
            public_key_file(&file)
        } else {
            // The command line was refused if it names none of the three.
            secret(&secret_file.unwrap_or_default(), algorithms)
        };
        match opened {
            Ok(keys) => Self {
                notes: notes(&keys),
                notes_on_unknown_key: left_out(&keys, is_for_something_else),
                source: Arc::new(StaticKeys::new(keys)),
                failure: None,
            },
            Err(failure) => Self {
                notes: Vec::new(),
                notes_on_unknown_key: Vec::new(),
                source: Arc::new(NoKeys),
                failure: Some(failure),
            },
        }
    }
}

/// Stands in for keys that cannot be had.
#[derive(Debug)]
struct NoKeys;

impl KeySource for NoKeys {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::default()
    }

    fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        let unavailable = KeysUnavailable::new("standard error says why");
        Box::pin(std::future::ready(Err(unavailable)))
    }
}

fn key_set(location: &Path) -> Result<KeySet, Failure> {
    if is_url(location) {
        return Err(unavailable(
            "this version does not fetch keys from a URL; a later one will",
            "download the key set and pass its file to --jwks",
        ));
    }
    let document = read(location, JWKS)?;
    let keys = KeySet::from_jwks(document.expose()).map_err(|error| {
        let remedy = match error {
            KeySetError::TooLarge | KeySetError::TooManyKeys => {
                "pass a key set with the keys of one issuer and nothing else"
            }
            _ => {
                "pass the JSON document the issuer publishes as its key set; a key in PEM goes to \
                 --public-key, a shared secret to --secret-file"
            }
        };
        unusable(JWKS, &error, remedy)
    })?;
    // An issuer may publish no key at all; but a set none of whose keys can be used is as good as
    // none.
    match keys.skipped().first() {
        Some(skipped) if keys.is_empty() => Err(unusable(
            JWKS,
            &skipped.reason,
            "pass a key set with a key that verifies signatures",
        )),
        _ => Ok(keys),
    }
}

fn is_url(location: &Path) -> bool {
    // A path that is not UTF-8 may begin like a URL all the same.
    let text = location.to_string_lossy();
    ["http://", "https://"].iter().any(|scheme| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

fn public_key_file(file: &Path) -> Result<KeySet, Failure> {
    let pem = read(file, PUBLIC_KEY)?;
    let key = VerificationKey::from_public_pem(pem.expose()).map_err(|error| {
        let remedy = match error {
            KeyError::Weak(_) => "ask the issuer for a key of at least 2048 bits",
            _ => {
                "pass a public key in PEM: `openssl pkey -in private.pem -pubout` takes it from a \
                 private key, `openssl x509 -in certificate.pem -noout -pubkey` from a \
                 certificate; a JWKS goes to --jwks, a shared secret to --secret-file"
            }
        };
        unusable(PUBLIC_KEY, &error, remedy)
    })?;
    Ok(key.into())
}

/// One key for each HMAC algorithm that was asked for, HS256 if none was.
fn secret(file: &Path, algorithms: &[Algorithm]) -> Result<KeySet, Failure> {
    let secret = read_secret(file, SECRET_FILE)?;
    let mut wanted: Vec<_> = algorithms
        .iter()
        .copied()
        .filter(|algorithm| algorithm.is_symmetric())
        .collect();
    if wanted.is_empty() {
        wanted.push(Algorithm::HS256);
    }
    wanted
        .into_iter()
        .map(|algorithm| VerificationKey::from_secret(&secret, algorithm))
        .collect::<Result<_, _>>()
        .map_err(|error| {
            let remedy = match error {
                KeyError::Weak(_) => LONGER_SECRET,
                _ => "a public key in PEM goes to --public-key, a JWKS to --jwks",
            };
            unusable(SECRET_FILE, &error, remedy)
        })
}

const JWKS: &str = "--jwks";
const PUBLIC_KEY: &str = "--public-key";
const SECRET_FILE: &str = "--secret-file";

/// What to do about a secret that is too short.
pub(super) const LONGER_SECRET: &str = "a secret has at least 32 bytes for HS256, 48 for HS384 \
    and 64 for HS512, its trailing newline not counted; `openssl rand -hex 32` makes one of 64";

/// Reads a shared secret: the bytes of the file, all but one newline. A carriage return may be part
/// of it.
pub(super) fn read_secret(file: &Path, flag: &str) -> Result<SecretBytes, Failure> {
    let bytes = read(file, flag)?;
    let bytes = bytes.expose();
    Ok(bytes.strip_suffix(b"\n").unwrap_or(bytes).into())
}

/// Reads a file that may hold a secret, but not without end.
pub(super) fn read(file: &Path, flag: &str) -> Result<SecretBytes, Failure> {
    // The room is taken once, because a buffer that grows leaves copies of the secret behind.
    let mut bytes = Vec::with_capacity(LIMIT + 1);
    let read =
        File::open(file).and_then(|opened| opened.take(LIMIT as u64 + 1).read_to_end(&mut bytes));
    let bytes = SecretBytes::from(bytes);
    match read {
        Ok(length) if length <= LIMIT => Ok(bytes),
        Ok(_) => Err(unusable(
            flag,
            &"it is larger than 1 MiB",
            "pass a file with keys and nothing else",
        )),
        Err(error) => Err(unusable(
            flag,
            &error,
            match error.kind() {
                io::ErrorKind::NotFound => {
                    "give the path of a file; its contents are not an argument"
                }
                _ => "check that it is a file and that you may read it",
            },
        )),
    }
}

const LIMIT: usize = 1024 * 1024;

/// Names the flag and not the path: what was given as a path may be the secret itself.
pub(super) fn unusable(
    flag: &str,
    reason: &dyn std::fmt::Display,
    remedy: &'static str,
) -> Failure {
    unavailable(
        format!("cannot read a key from the file of {flag}: {reason}"),
        remedy,
    )
}

fn unavailable(message: impl Into<String>, remedy: &'static str) -> Failure {
    Failure::new("keys_unavailable", message, remedy)
}

/// What is odd about a key set.
fn notes(keys: &KeySet) -> Vec<String> {
    let mut notes = left_out(keys, |reason| !is_for_something_else(reason));
    if keys.is_empty() {
        notes.push("the key set has no key that can be used".to_owned());
    }
    notes
}

/// Which keys of a set are not used for such a reason.
fn left_out(keys: &KeySet, because: fn(Skip) -> bool) -> Vec<String> {
    let skipped = keys.skipped().iter().filter(|key| because(key.reason));
    let note = |key: &SkippedKey| {
        let (number, reason) = (key.index + 1, key.reason);
        format!("key number {number} of the key set is left out: {reason}")
    };
    skipped.map(note).collect()
}

/// A set often has keys for encryption too, and nothing is wrong with it.
fn is_for_something_else(reason: Skip) -> bool {
    matches!(reason, Skip::Unusable(KeyError::NotForVerifying(_)))
}
