//! What verifying allocates: the claims, and nothing beyond them.

mod support;

use allocation_counter::measure;
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, RoleClaim, StaticKeys, TokenCache, Verifier};
use serde_json::json;
use support::{AUDIENCE, ISSUER, NOW, Standing, policy};

/// Claims as Keycloak writes them; every text stands for itself.
fn claims() -> serde_json::Value {
    json!({
        "exp": NOW + 300, "iat": NOW - 10, "auth_time": NOW - 60,
        "jti": "0d5a1ff4-1d4e-4f5f-9f5e-64ffbd4e7a6b", "iss": ISSUER,
        "aud": ["account", AUDIENCE], "sub": "6a1ee1cb-8e9b-4f0a-a6d8-52f5a1e0f0a1",
        "typ": "Bearer", "azp": "web-portal", "sid": "5c8f8d0e-63d3-4a36-8f52-1c6ad26d3a11",
        "acr": "1", "realm_access": { "roles": ["offline_access", "auditor"] },
        "resource_access": { AUDIENCE: { "roles": ["orders:read", "orders:write"] } },
        "scope": "openid profile email", "email_verified": true, "name": "Ada Example",
        "preferred_username": "ada", "email": "ada@example.com",
    })
}

fn key(algorithm: Algorithm) -> SigningKey {
    let key = SigningKey::generate(algorithm).unwrap();
    key.with_kid("Zy3xV0pQe1mD0w7t9uKfLr5h2sGcBnAoJiXyTqRvWsE")
}

fn verifier(key: &SigningKey) -> Verifier {
    let roles = [
        RoleClaim::KeycloakRealm,
        RoleClaim::KeycloakClient(AUDIENCE.into()),
    ];
    let keys = StaticKeys::new(key.verification_key().unwrap());
    Verifier::new(policy().roles_from(roles).build().unwrap(), keys).with_clock(Standing)
}

/// Four: the text of the claims, where they stand in it, which of them are roles, and the one that
/// holds them together and is what cloning shares.
#[test]
fn verifying_allocates_the_claims_and_nothing_else() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let verifier = verifier(&key);
        let token = key.sign(&claims()).unwrap();
        verifier.verify_with_known_keys(token.expose()).unwrap();
        let mut kept = None;
        let made = measure(|| kept = verifier.verify_with_known_keys(token.expose()).ok());
        assert!(kept.is_some(), "{algorithm}");
        assert_eq!(made.count_total, 4, "{algorithm}: {made:?}");
        // What was allocated is there still: it is the claims.
        assert_eq!(made.count_current, 4, "{algorithm}: {made:?}");
        assert_eq!(made.bytes_total, u64::try_from(made.bytes_current).unwrap());
    }
}

#[test]
fn recognising_a_token_allocates_nothing() {
    let key = key(Algorithm::ES256);
    let verifier = verifier(&key).with_token_cache(TokenCache::new());
    let token = key.sign(&claims()).unwrap();
    verifier.verify_with_known_keys(token.expose()).unwrap();
    let made = measure(|| {
        let claims = verifier.verify_with_known_keys(token.expose());
        assert!(claims.is_ok());
    });
    assert_eq!(made.count_total, 0, "{made:?}");
}

/// A token that is refused at the door costs no memory at all, or that of its tape and of two names.
#[test]
fn refusing_a_token_by_its_form_allocates_next_to_nothing() {
    let key = key(Algorithm::ES256);
    let verifier = verifier(&key);
    let token = key.sign(&claims()).unwrap();
    let token = token.expose();
    for (refused, most) in [
        (String::new(), 0),
        ("x".repeat(1 << 20), 0),
        (token.replacen('.', "", 1), 0),
        (format!("{token}="), 3),
        (format!("{}.", token.rsplit_once('.').unwrap().0), 3),
    ] {
        let made = measure(|| assert!(verifier.verify_with_known_keys(&refused).is_err()));
        assert!(made.count_total <= most, "{most}: {made:?}");
    }
}
