//! What holds for any bytes at all. Each check panics where it does not, and returns whether the
//! bytes were accepted, so that a corpus can say what it expects.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use auth_core::{Clock, SecretBytes};
use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, Claims, KeySet, Policy, PolicyBuilder, RoleClaim, StaticKeys, TokenCache,
    VerificationKey, Verifier, danger,
};
use serde_json::Value;

/// Bytes as the text of a token, for verifiers with keys of every kind.
///
/// Nobody who fuzzes has the private keys, so what is accepted is one of the tokens that were made
/// with them, and nothing that is merely like one.
pub(crate) fn token(bytes: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(bytes) else {
        return false;
    };
    let decoded = danger::decode_without_verifying(text);
    let mut accepted = false;
    for verifier in &*VERIFIERS {
        let Ok(claims) = verifier.verify_with_known_keys(text) else {
            continue;
        };
        accepted = true;
        assert!(KNOWN.iter().any(|known| same(text, known)), "forged");
        let decoded = decoded.as_ref().expect("a good token can be decoded");
        assert_eq!(decoded.claims_json(), claims.as_json());
        reads_alike(&claims);
    }
    if let Ok(decoded) = decoded {
        // What a person is shown is what another parser reads.
        for document in [decoded.header_json(), decoded.claims_json()] {
            let read: Value = serde_json::from_str(document).expect("it is JSON");
            assert!(read.is_object(), "it is an object");
        }
    }
    accepted
}

/// Bytes behind a good signature: as the payload, as the header, and, where they have a line break,
/// as the header before it and the payload after it.
pub(crate) fn signed_payload(bytes: &[u8]) -> bool {
    let mut line_break = bytes.splitn(2, |byte| *byte == b'\n');
    let halves = line_break.next().zip(line_break.next());
    let attempts = [Some((HEADER, bytes)), Some((bytes, PAYLOAD)), halves];
    let attempts = attempts.into_iter().flatten();
    // Every one of them is made, whatever came of the others.
    let accepted = attempts.filter(|(header, payload)| signed(header, payload));
    accepted.count() > 0
}

fn signed(header: &[u8], payload: &[u8]) -> bool {
    let token = SIGNER.sign_parts(header, payload).expect("a MAC is made");
    let verdict = VERIFIERS[0].verify_with_known_keys(token.expose());
    // Whoever trusts more issuers is no more lenient, the second time no more than the first.
    for _ in 0..2 {
        let several = VERIFIERS[3].verify_with_known_keys(token.expose());
        assert_eq!(several.is_ok(), verdict.is_ok(), "{several:?} {verdict:?}");
    }
    let Ok(claims) = verdict else {
        return false;
    };
    assert_eq!(claims.as_json().as_bytes(), payload);
    reads_alike(&claims);
    let header: Value = serde_json::from_slice(header).expect("the header is JSON");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("crit").is_none(), "an extension is passed over");
    assert!(matches!(header.get("b64"), None | Some(Value::Bool(true))));
    assert!(matches!(header.get("kid"), None | Some(Value::String(_))));
    assert!(matches!(header.get("typ"), None | Some(Value::String(_))));
    let unverified = danger::decode_without_verifying(token.expose());
    let unverified = unverified.expect("a good token can be decoded");
    assert_eq!(unverified.claims_json(), claims.as_json());
    true
}

/// Bytes as a key set.
pub(crate) fn jwks(bytes: &[u8]) -> bool {
    let _ = VerificationKey::from_jwk(bytes);
    let Ok(keys) = KeySet::from_jwks(bytes) else {
        return false;
    };
    assert!(bytes.len() <= KeySet::MAX_BYTES, "{} bytes", bytes.len());
    let entries = keys.len() + keys.skipped().len();
    assert!(entries <= KeySet::MAX_KEYS, "{entries} keys");
    let read: Value = serde_json::from_slice(bytes).expect("a key set is JSON");
    let listed = read["keys"].as_array().map_or(1, Vec::len);
    assert_eq!(entries, listed, "a key is neither used nor left out");
    let indices: Vec<_> = keys.skipped().iter().map(|skipped| skipped.index).collect();
    assert!(indices.is_sorted_by(|one, next| one < next));
    assert!(indices.last().is_none_or(|last| *last < entries));
    let secrets = keys.keys().flat_map(VerificationKey::algorithms);
    let secrets = secrets.filter(|algorithm| algorithm.is_symmetric()).count();
    for (index, key) in keys.keys().enumerate() {
        let algorithms: Vec<_> = key.algorithms().collect();
        assert!(!algorithms.is_empty(), "a key for nothing");
        let public = algorithms.iter().any(|it| !it.is_symmetric());
        assert!(!public || secrets == 0, "a published secret");
        // A token that names a key means one.
        for other in keys.keys().skip(index + 1) {
            let overlap = other.algorithms().any(|it| algorithms.contains(&it));
            let ambiguous = key.kid().is_some() && key.kid() == other.kid() && overlap;
            assert!(!ambiguous, "two keys of one name");
        }
    }
    !keys.is_empty()
}

/// Two parsers that disagree about a token are two verdicts about it.
fn reads_alike(claims: &Claims) {
    let read: Value = serde_json::from_str(claims.as_json()).expect("the claims are JSON");
    assert_eq!(read["sub"].as_str(), Some(claims.subject()));
    assert_eq!(read["iss"].as_str(), Some(ISSUER));
    assert_eq!(read["iss"].as_str(), claims.issuer());
    assert_eq!(read["jti"].as_str(), claims.token_id());
    let audience = match &read["aud"] {
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        one => vec![one.as_str()],
    };
    assert!(claims.audience().map(Some).eq(audience.iter().copied()));
    assert!(audience.contains(&Some(AUDIENCE)));
    let ends = read["exp"].as_f64().expect("exp is a number");
    // serde_json is off by the last bit of a fraction now and then, and that may be a second of a
    // date that is millions of years ahead.
    let apart = (ends.floor() as i64).abs_diff(claims.expires_at().as_secs());
    assert!(apart <= u64::from(read["exp"].is_f64()), "{apart} s");
    assert!(ends + LEEWAY > NOW as f64, "expired");
    for begins in ["nbf", "iat"] {
        let begins = read.get(begins).map(|begins| begins.as_f64());
        let begins = begins.map(|begins| begins.expect("a date is a number"));
        assert!(begins.is_none_or(|begins| begins <= NOW as f64 + LEEWAY));
    }
    assert!(read.get("cnf").is_none(), "bound to a key");
}

/// Whether the text is the known token. An ECDSA signature has a twin that anybody can compute and
/// that verifies too, so there what was signed is compared, and not the signature.
fn same(text: &str, known: &str) -> bool {
    let ecdsa = ["ES256", "ES384", "ES512"];
    let decoded = danger::decode_without_verifying(known).expect("the fixture is a token");
    let header: Value = serde_json::from_str(decoded.header_json()).expect("it is JSON");
    if ecdsa.iter().any(|name| header["alg"] == *name) {
        let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
        signed(text) == signed(known)
    } else {
        text == known
    }
}

/// The first has every key by its name; the second has the same keys nameless, so that all that fit
/// are tried; the third is particular about algorithm and type; the fourth trusts another issuer too, so
/// that it reads a payload before the signature, and remembers what it has accepted.
static VERIFIERS: LazyLock<[Verifier; 4]> = LazyLock::new(|| {
    let named = || public_keys().chain(secrets());
    let nameless = || {
        let document = PUBLIC_KEYS.replace("\"kid\"", "\"x-kid\"");
        let keys = KeySet::from_jwks(document.as_bytes()).expect("the fixture is a key set");
        assert_eq!(keys.len(), public_keys().count());
        keys
    };
    let with = |keys: KeySet, policy: PolicyBuilder| {
        let policy = policy.build().expect("the policy makes sense");
        Verifier::new(policy, StaticKeys::new(keys)).with_clock(Standing)
    };
    let particular = policy().algorithms([Algorithm::ES256]).token_type("at+jwt");
    [
        with(named().collect(), policy()),
        with(nameless(), policy()),
        with(named().collect(), particular),
        with(named().collect(), policy())
            .with_issuer(
                Policy::builder("https://other.test", AUDIENCE)
                    .build()
                    .expect("the policy makes sense"),
                StaticKeys::new(named().collect::<KeySet>()),
            )
            .expect("the issuers differ")
            .with_token_cache(TokenCache::new()),
    ]
});

fn policy() -> PolicyBuilder {
    Policy::builder(ISSUER, AUDIENCE).roles_from([
        RoleClaim::KeycloakRealm,
        RoleClaim::KeycloakClient(AUDIENCE.into()),
        RoleClaim::List("roles".into()),
    ])
}

fn public_keys() -> impl Iterator<Item = VerificationKey> {
    let document: Value = serde_json::from_str(PUBLIC_KEYS).expect("the fixture is JSON");
    let keys = document["keys"].as_array().cloned().unwrap_or_default();
    keys.into_iter().map(|jwk| {
        VerificationKey::from_jwk(jwk.to_string().as_bytes()).expect("the fixture is a key")
    })
}

fn secrets() -> impl Iterator<Item = VerificationKey> {
    [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512]
        .map(|algorithm| {
            VerificationKey::from_secret(&SecretBytes::from(SECRET), algorithm)
                .expect("the fixture is a secret")
                .with_kid(algorithm.name())
        })
        .into_iter()
}

static SIGNER: LazyLock<SigningKey> = LazyLock::new(|| {
    SigningKey::from_secret(&SecretBytes::from(SECRET), Algorithm::HS256)
        .expect("the fixture is a secret")
});

/// A clock that stands still.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(NOW)
    }
}

const NOW: u64 = 1_795_262_400;

/// The default of a policy, in seconds.
const LEEWAY: f64 = 60.0;

const ISSUER: &str = "https://issuer.test/realms/main";

const AUDIENCE: &str = "my-api";

/// What everybody knows who reads this file; long enough for HS512.
const SECRET: &[u8] = b"a secret that is none, for it stands in a public file of the project";

const HEADER: &[u8] = br#"{"alg":"HS256"}"#;

const PAYLOAD: &[u8] =
    br#"{"iss":"https://issuer.test/realms/main","aud":"my-api","sub":"u1","exp":1795262700}"#;

/// The private halves were thrown away when the tokens below had been signed.
const PUBLIC_KEYS: &str = include_str!("../corpus/jwks/accepted_one_of_each_type");

/// One token of each algorithm.
const KNOWN: [&str; 13] = [
    include_str!("../corpus/token/accepted_hs256"),
    include_str!("../corpus/token/accepted_hs384"),
    include_str!("../corpus/token/accepted_hs512"),
    include_str!("../corpus/token/accepted_rs256"),
    include_str!("../corpus/token/accepted_rs384"),
    include_str!("../corpus/token/accepted_rs512"),
    include_str!("../corpus/token/accepted_ps256"),
    include_str!("../corpus/token/accepted_ps384"),
    include_str!("../corpus/token/accepted_ps512"),
    include_str!("../corpus/token/accepted_es256"),
    include_str!("../corpus/token/accepted_es384"),
    include_str!("../corpus/token/accepted_es512"),
    include_str!("../corpus/token/accepted_eddsa"),
];
