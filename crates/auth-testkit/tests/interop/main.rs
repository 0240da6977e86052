//! Tokens between us and others: what PyJWT and jose sign is accepted here, what is signed here is
//! accepted there, and both find their way through the development issuer as real clients do.

use std::path::{Path, PathBuf};

use auth_core::SecretBytes;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, Policy, StaticKeys, VerificationKey, Verifier};
use auth_testkit::{OidcIssuer, Peer, User};
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.test";
const AUDIENCE: &str = "interop";
const SECRET: &str = "an interop secret of sixty-four bytes, long enough for each hash";

fn pyjwt() -> Option<Peer> {
    Peer::python(&tools(), "jwt", &script("pyjwt.py"))
}

fn jose() -> Option<Peer> {
    Peer::node(&tools(), "jose", &script("jose.mjs"))
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools")
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/interop")
        .join(name)
}

fn verifier(key: VerificationKey) -> Verifier {
    let policy = Policy::builder(ISSUER, AUDIENCE).build().unwrap();
    Verifier::new(policy, StaticKeys::new(KeySet::from(key)))
}

/// Claims with what is easily read in two ways: text beyond ASCII, an audience of two, escapes.
fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": [AUDIENCE, "other"],
        "sub": "ädä\u{1f980}\n\"",
        "exp": 4_102_444_800_i64,
        "nested": { "list": [1, -2.5, true, null, "x"] },
    })
}

fn signing_key(algorithm: Algorithm) -> SigningKey {
    if algorithm.is_symmetric() {
        SigningKey::from_secret(&SecretBytes::from(SECRET.as_bytes()), algorithm).unwrap()
    } else {
        SigningKey::generate(algorithm).unwrap()
    }
}

/// A request that says which algorithm, and the secret if it is an HMAC.
fn request(action: &str, algorithm: Algorithm) -> Value {
    let mut request = json!({ "do": action, "alg": algorithm.name() });
    if algorithm.is_symmetric() {
        request["secret"] = SECRET.into();
    }
    request
}

/// The peer makes a key of its own for each algorithm, signs with it, and publishes it.
fn what_it_signs_is_accepted_here(peer: &Peer) {
    let requests = Algorithm::ALL.map(|algorithm| {
        let mut request = request("sign", algorithm);
        request["claims"] = claims();
        request
    });
    for (algorithm, answer) in Algorithm::ALL.into_iter().zip(peer.ask(&requests)) {
        let key = match (&answer["pem"], &answer["jwk"]) {
            (Value::String(pem), _) => VerificationKey::from_public_pem(pem.as_bytes()).unwrap(),
            (_, Value::Null) => signing_key(algorithm).verification_key().unwrap(),
            (_, jwk) => VerificationKey::from_jwk(jwk.to_string().as_bytes()).unwrap(),
        };
        let verifier = verifier(key);
        let token = answer["token"].as_str().unwrap();
        let accepted = verifier.verify_with_known_keys(token).unwrap();
        assert_eq!(
            accepted.deserialize::<Value>().unwrap(),
            claims(),
            "{algorithm}"
        );

        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = if signature.starts_with('A') { 'B' } else { 'A' };
        let tampered = format!("{signed}.{other}{}", &signature[1..]);
        let rejection = verifier.verify_with_known_keys(&tampered).unwrap_err();
        assert_eq!(rejection.code(), "bad_signature", "{algorithm}");
    }
}

/// The peer gets our public key in the form it likes.
fn what_is_signed_here_it_accepts(peer: &Peer) {
    let requests = Algorithm::ALL.map(|algorithm| {
        let key = signing_key(algorithm);
        let mut request = request("verify", algorithm);
        request["token"] = key.sign(&claims()).unwrap().expose().into();
        request["pem"] = key.public_pem().into();
        request["jwk"] = key.public_jwk().into();
        request["issuer"] = ISSUER.into();
        request["audience"] = AUDIENCE.into();
        request
    });
    for (algorithm, answer) in Algorithm::ALL.into_iter().zip(peer.ask(&requests)) {
        assert_eq!(answer["claims"], claims(), "{algorithm}: {answer}");
    }
}

/// The peer fetches the issuer's keys itself, over HTTP.
async fn it_fetches_the_issuers_keys(peer: &Peer) {
    let asymmetric = |algorithm: &Algorithm| !algorithm.is_symmetric();
    for algorithm in Algorithm::ALL.into_iter().filter(asymmetric) {
        let issuer = OidcIssuer::builder()
            .user(User::new("ada", "x").role("admin"))
            .algorithm(algorithm)
            .start()
            .await
            .unwrap();
        // A second key, so that the peer has to choose by name.
        issuer.rotate_keys().unwrap();
        let mut request = request("fetch-and-verify", algorithm);
        let token = issuer.token("ada").unwrap().sign().unwrap();
        request["token"] = token.expose().into();
        request["issuer"] = issuer.url().into();
        request["audience"] = issuer.audience().into();
        let answers = peer.ask(&[request]);
        assert_eq!(
            answers[0]["claims"]["preferred_username"], "ada",
            "{algorithm}"
        );
        assert_eq!(issuer.requests().jwks, 1, "{algorithm}");
    }
}

#[test]
fn what_pyjwt_signs_is_accepted_here() {
    pyjwt().as_ref().map(what_it_signs_is_accepted_here);
}

#[test]
fn what_is_signed_here_is_accepted_by_pyjwt() {
    pyjwt().as_ref().map(what_is_signed_here_it_accepts);
}

#[tokio::test(flavor = "multi_thread")]
async fn pyjwt_fetches_the_issuers_keys() {
    if let Some(peer) = pyjwt() {
        it_fetches_the_issuers_keys(&peer).await;
    }
}

#[test]
fn what_jose_signs_is_accepted_here() {
    jose().as_ref().map(what_it_signs_is_accepted_here);
}

#[test]
fn what_is_signed_here_is_accepted_by_jose() {
    jose().as_ref().map(what_is_signed_here_it_accepts);
}

#[tokio::test(flavor = "multi_thread")]
async fn jose_discovers_the_issuer_and_fetches_its_keys() {
    if let Some(peer) = jose() {
        it_fetches_the_issuers_keys(&peer).await;
    }
}
