//! What the tokens that we make ourselves say: as much as real ones do, and in their shapes.

use auth_core::{Clock, SystemClock};
use serde_json::{Value, json};

/// Who issues the small tokens.
pub(super) const SMALL_ISSUER: &str = "https://kc";
/// Who issues the large ones, and for whom.
pub(super) const KEYCLOAK_ISSUER: &str = "https://sso.example.com/realms/main";
pub(super) const AUDIENCE: &str = "orders-api";
/// The key that the large ones name.
pub(super) const KEY_ID: &str = "Zy3xV0pQe1mD0w7t9uKfLr5h2sGcBnAoJiXyTqRvWsE";

/// About 154 bytes, and nobody it is for.
pub(super) fn small() -> Value {
    let now = now();
    json!({
        "sub": "user-123",
        "jti": "bdd640fb-0667-1ad1",
        "exp": now + TEN_YEARS,
        "iat": now,
        "iss": SMALL_ISSUER,
        "type": "access",
        "email": "a.b@example.com",
        "role": "user",
    })
}

/// About 716 bytes, as Keycloak writes them. The number makes it another token of another user.
pub(super) fn keycloak(number: usize) -> Value {
    let now = now();
    json!({
        "exp": now + TEN_YEARS,
        "iat": now,
        "auth_time": now - 60,
        "jti": format!("3b8faa18-37f8-488b-97fc-{number:012x}"),
        "iss": KEYCLOAK_ISSUER,
        "aud": ["account", AUDIENCE],
        "sub": format!("b4862b21-fb97-4435-8856-{number:012x}"),
        "typ": "Bearer",
        "azp": "web-portal",
        "sid": "7e3b1d8a-2c55-4f0e-9a64-5d0c7f81b2e9",
        "acr": "1",
        "realm_access": {
            "roles": ["offline_access", "uma_authorization", "default-roles-main", "auditor"],
        },
        "resource_access": {
            "orders-api": { "roles": ["orders:read", "orders:write", "refunds:approve"] },
            "account": { "roles": ["manage-account", "view-profile"] },
        },
        "scope": "openid profile email",
        "email_verified": true,
        "name": "Alice Example",
        "preferred_username": "alice",
        "email": "alice@example.com",
        "type": "access",
        "role": "user",
    })
}

fn now() -> i64 {
    SystemClock.unix_now().as_secs()
}

const TEN_YEARS: i64 = 10 * 365 * 24 * 60 * 60;
