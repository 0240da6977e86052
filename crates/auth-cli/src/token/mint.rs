//! `authctl token mint`.

use std::io::{self, Read, Write};

use auth_core::Secret;
use auth_jwt::mint::{MintError, SigningKey};
use auth_jwt::{KeyError, Malformed, Rejection, danger};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::keys;
use crate::args::MintArguments;
use crate::failure::Failure;
use crate::status::Status;

pub(super) fn run(arguments: &MintArguments) -> Result<Status, Failure> {
    let key = signing_key(arguments)?;
    let claims = read_claims(io::stdin().lock())?;
    let token = sign(&key, arguments, &claims)?;
    let token = token.expose();
    let mut stdout = io::stdout().lock();
    let written = if arguments.json {
        // Base64url and dots: there is nothing to escape.
        writeln!(stdout, r#"{{"token":"{token}"}}"#)
    } else {
        writeln!(stdout, "{token}")
    };
    written
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(Status::Good)
}

fn signing_key(arguments: &MintArguments) -> Result<SigningKey, Failure> {
    let MintArguments { algorithm, key, .. } = arguments;
    if algorithm.is_symmetric() {
        let secret = keys::read_secret(key, KEY)?;
        return SigningKey::from_secret(&secret, *algorithm).map_err(|error| {
            let remedy = match error {
                MintError::Key(KeyError::Weak(_)) => keys::LONGER_SECRET,
                _ => "a private key in PEM signs by an algorithm of its own type: name that one with --alg",
            };
            keys::unusable(KEY, &error, remedy)
        });
    }
    let pem = keys::read(key, KEY)?;
    SigningKey::from_private_pem(pem.expose(), *algorithm)
        .map_err(|error| keys::unusable(KEY, &error, PRIVATE_KEY))
}

const KEY: &str = "--key";

const PRIVATE_KEY: &str = "pass a private key in PEM that fits --alg: RSA of 2048 to 8192 bits for \
    RS and PS, P-256, P-384 and P-521 for ES256, ES384 and ES512, Ed25519 for EdDSA; `openssl pkcs8 \
    -topk8 -nocrypt -in old.pem` rewrites one of an older form";

/// Reads one document, without the white space around it, and not without end.
fn read_claims(input: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    input
        .take(LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::input(&error))?;
    if bytes.len() > LIMIT {
        return Err(unusable("they are larger than 512 KiB", FEWER));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| unusable("they are not text in UTF-8", ONE_OBJECT))?;
    well_formed(&text)?;
    // What JSON calls white space, and nothing else.
    Ok(text.trim_matches([' ', '\t', '\r', '\n']).to_owned())
}

/// Signs the claims as they stand, and looks at the token as whoever gets it will.
///
/// They do not go through a value on the way, which would sort the members and round long numbers.
fn sign(key: &SigningKey, arguments: &MintArguments, claims: &str) -> Result<Secret, Failure> {
    let mut header = Map::new();
    header.insert("alg".to_owned(), key.algorithm().name().into());
    header.insert("typ".to_owned(), arguments.token_type.as_str().into());
    if let Some(kid) = &arguments.kid {
        header.insert("kid".to_owned(), kid.as_str().into());
    }
    let header = Value::Object(header).to_string();
    let token = key
        .sign_parts(header.as_bytes(), claims.as_bytes())
        .map_err(|error| {
            Failure::new(
                "signing_failed",
                error.to_string(),
                "check that the private key is whole",
            )
        })?;
    match danger::decode_without_verifying(token.expose()) {
        Ok(_) => Ok(token),
        Err(Rejection::Malformed(Malformed::Payload)) => Err(unusable(
            "two readers could read them differently: a member occurs twice, they are nested over \
             32 levels deep, or a text or a number is none that every reader has",
            "write each member once, in as few levels as it takes",
        )),
        Err(rejection) => Err(unusable(&rejection.to_string(), FEWER)),
    }
}

/// Says what is wrong with a document that no reader takes for an object; nothing of it is repeated.
fn well_formed(document: &str) -> Result<(), Failure> {
    if let Err(error) = serde_json::from_str::<IgnoredAny>(document) {
        return Err(unusable(&format!("they are not JSON: {error}"), ONE_OBJECT));
    }
    if !document.trim_start().starts_with('{') {
        return Err(unusable("they are not an object", ONE_OBJECT));
    }
    Ok(())
}

fn unusable(reason: &str, remedy: &'static str) -> Failure {
    let message = format!("the claims cannot be signed: {reason}");
    Failure::new("claims_unusable", message, remedy)
}

const ONE_OBJECT: &str =
    r#"pass one JSON object on standard input, such as {"sub":"u1","exp":4102444800}"#;

const FEWER: &str = "pass fewer claims; most services take no token of over 16 KiB";

/// In base64url, and with a header of any length that a command line has room for, still no more
/// than the largest token that is looked at.
const LIMIT: usize = 512 * 1024;
