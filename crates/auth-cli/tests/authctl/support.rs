//! The one place that runs the command; the tests beside it are data.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;

use auth_jwt::Algorithm;
use auth_jwt::mint::SigningKey;
use serde_json::{Value, json};

/// The moment all of these tests are at.
pub(crate) const NOW: i64 = 1_700_000_000;

/// Runs the command and compares: the exit code and standard output exactly, and standard error by
/// a part of it. An empty part means that it must be empty.
#[track_caller]
pub(crate) fn check(
    arguments: &[&str],
    stdin: impl AsRef<[u8]>,
    exit: i32,
    stdout: &str,
    stderr: &str,
) {
    let output = run(arguments, stdin.as_ref());
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    let context = format!("authctl {arguments:?}\nstdout: {said}\nstderr: {complained}");
    assert_eq!(output.status.code(), Some(exit), "{context}");
    assert_eq!(said, stdout, "{context}");
    if stderr.is_empty() {
        assert_eq!(complained, "", "{context}");
    } else {
        assert!(complained.contains(stderr), "no {stderr:?}: {context}");
    }
}

/// `authctl token verify --json` at [`NOW`].
#[track_caller]
pub(crate) fn check_verify(
    arguments: &[&str],
    stdin: impl AsRef<[u8]>,
    exit: i32,
    stdout: &str,
    stderr: &str,
) {
    let now = NOW.to_string();
    let mut all = vec!["token", "verify", "--json"];
    if !arguments.contains(&"--now") {
        all.extend(["--now", &now]);
    }
    all.extend(arguments);
    check(&all, stdin, exit, stdout, stderr);
}

pub(crate) fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = command(arguments).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // Beside the reading, because a pipe holds little; and a command that has seen enough may
        // close it.
        scope.spawn(move || input.write_all(stdin));
        child.wait_with_output().unwrap()
    })
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authctl"));
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Writes a file that only the test of this name uses, and returns its path.
pub(crate) fn file(name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, contents).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A path where nothing is.
pub(crate) fn no_file() -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_folder/keys");
    path.to_str().unwrap().to_owned()
}

/// A new key with the `kid` that [`jwks`] and the tokens here go by.
pub(crate) fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap().with_kid("k1")
}

/// Writes the key set of these keys to a file of this name.
pub(crate) fn jwks(name: &str, keys: &[&SigningKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.public_jwk().unwrap()).collect();
    file(name, json!({ "keys": keys }).to_string())
}

/// The claims of a token that is good at [`NOW`] in every way, with changes; null removes a claim.
pub(crate) fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "aud": "my-api",
        "exp": NOW + 100,
        "iss": "https://issuer.test",
        "sub": "u1",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            value => claims
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// A token of the good claims with changes.
pub(crate) fn token(key: &SigningKey, changes: &Value) -> String {
    key.sign(&claims(changes)).unwrap().expose().to_owned()
}

/// A token of any header and the good claims.
pub(crate) fn token_with_header(key: &SigningKey, header: &Value) -> String {
    let payload = claims(&json!({})).to_string();
    let token = key.sign_parts(header.to_string().as_bytes(), payload.as_bytes());
    token.unwrap().expose().to_owned()
}

/// The line for a token of the good claims with changes.
pub(crate) fn accepted(changes: &Value) -> String {
    let claims = claims(changes);
    format!("{{\"verdict\":\"accepted\",\"code\":null,\"claims\":{claims}}}\n")
}

pub(crate) fn rejected(code: &str) -> String {
    format!("{{\"verdict\":\"rejected\",\"code\":\"{code}\",\"claims\":null}}\n")
}

pub(crate) fn undetermined() -> &'static str {
    "{\"verdict\":\"undetermined\",\"code\":\"keys_unavailable\",\"claims\":null}\n"
}

/// The codes a verdict may have: a closed list.
pub(crate) const CODES: [&str; 14] = [
    "malformed",
    "too_large",
    "alg_not_allowed",
    "crit",
    "typ",
    "unknown_key",
    "bad_signature",
    "expired",
    "not_yet_valid",
    "issuer",
    "audience",
    "missing_claim",
    "bad_claim",
    "keys_unavailable",
];
