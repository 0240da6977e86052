//! From a token to an [`Identity`]: which claim becomes which field, and which error a rejection.

mod support;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use auth_core::{
    AuthenticationError, Authenticator, Authorizer, BoxFuture, Decision, Identity, Permission,
    Principal, Role, Secret, UnixTime,
};
use auth_jwt::mint::SigningKey;
use auth_jwt::{Algorithm, KeySet, KeySource, KeysUnavailable, StaticKeys, Verifier};
use serde_json::{Value, json};
use support::{ISSUER, NOW, Standing, claims_with, claims_without, honest_claims, policy};

/// What a claim set to this value must show as, and what of the identity shows it.
type Row = (
    &'static str,
    Value,
    fn(&Identity) -> Option<String>,
    Option<&'static str>,
);

#[test]
fn every_claim_lands_in_its_field() {
    fn principal(
        field: impl FnOnce(&Principal) -> Option<&str>,
        identity: &Identity,
    ) -> Option<String> {
        field(identity.principal()).map(str::to_owned)
    }
    let subject: fn(&Identity) -> _ = |it| Some(it.subject().to_owned());
    let issuer: fn(&Identity) -> _ = |it| principal(Principal::issuer, it);
    let username: fn(&Identity) -> _ = |it| principal(Principal::username, it);
    let email: fn(&Identity) -> _ = |it| principal(Principal::email, it);
    let session: fn(&Identity) -> _ = |it| principal(Principal::session_id, it);
    let client: fn(&Identity) -> _ = |it| principal(Principal::client_id, it);
    let roles: fn(&Identity) -> _ = |it| Some(format!("{:?}", texts(it.roles(), Role::as_str)));
    let permissions: fn(&Identity) -> _ =
        |it| Some(format!("{:?}", texts(it.permissions(), Permission::as_str)));
    let expires: fn(&Identity) -> _ = |it| it.expires_at().map(|at| at.to_string());
    let realm = json!({ "roles": ["admin", "dev", "admin"] });
    let none = Value::Null;
    let rows: [Row; 17] = [
        ("sub", json!("u1"), subject, Some("u1")),
        ("iss", json!(ISSUER), issuer, Some(ISSUER)),
        ("preferred_username", json!("ada"), username, Some("ada")),
        ("preferred_username", none.clone(), username, None),
        ("email", json!("ada@x.test"), email, Some("ada@x.test")),
        ("email", none.clone(), email, None),
        ("sid", json!("s1"), session, Some("s1")),
        ("sid", none.clone(), session, None),
        ("azp", json!("web"), client, Some("web")),
        ("client_id", json!("cli"), client, Some("cli")),
        ("client_id", none.clone(), client, None),
        ("realm_access", realm, roles, Some(r#"["admin", "dev"]"#)),
        ("realm_access", json!({}), roles, Some("[]")),
        (
            "scope",
            json!("a b:c"),
            permissions,
            Some(r#"["a", "b:c"]"#),
        ),
        ("scope", json!(["a"]), permissions, Some(r#"["a"]"#)),
        ("scope", none, permissions, Some("[]")),
        ("exp", json!(4_000_000_000.9), expires, Some("4000000000")),
    ];
    for (claim, value, field, expected) in rows {
        let case = format!("{claim}: {value}");
        let identity = identity(&claims_with(claim, value));
        assert_eq!(field(&identity).as_deref(), expected, "{case}");
    }
    let mut both = claims_with("azp", json!("web"));
    both["client_id"] = json!("cli");
    assert_eq!(client(&identity(&both)).as_deref(), Some("web"));
}

#[test]
fn the_identity_keeps_the_token_the_end_and_all_claims() {
    let claims = claims_with("tenant", json!({ "id": 7 }));
    let token = Secret::from(token(&claims));
    let identity = wait(verifier().authenticate(&token)).unwrap();
    assert_eq!(identity.bearer(), &token);
    assert_eq!(identity.expires_at(), Some(UnixTime::from_secs(NOW + 300)));
    assert_eq!(identity.claims::<Value>().unwrap().unwrap(), claims);
}

#[test]
fn the_verifier_grants_what_the_token_carried_and_nothing_else() {
    let mut claims = claims_with("realm_access", json!({ "roles": ["admin"] }));
    claims["scope"] = json!("orders:read");
    let (verifier, identity) = (verifier(), identity(&claims));
    let role = |name: &str| wait(verifier.has_role(&identity, &Role::from(name)));
    let permission = |name: &str| {
        let permission = Permission::from(name);
        wait(verifier.has_permission(&identity, &permission))
    };
    assert_eq!(role("admin"), Decision::Granted);
    assert_eq!(role("Admin"), Decision::Denied);
    assert_eq!(role("orders:read"), Decision::Denied);
    assert_eq!(permission("orders:read"), Decision::Granted);
    assert_eq!(permission("orders"), Decision::Denied);
    assert_eq!(permission("admin"), Decision::Denied);
}

#[test]
fn a_rejection_keeps_its_code_and_an_outage_is_not_one() {
    for (code, claims) in [
        ("expired", claims_with("exp", json!(NOW - 61))),
        ("audience", claims_with("aud", json!("their-api"))),
        ("missing_claim", claims_without("sub")),
        ("bad_claim", claims_with("sub", json!(""))),
    ] {
        let token = Secret::from(token(&claims));
        match wait(verifier().authenticate(&token)).unwrap_err() {
            AuthenticationError::Rejected(reason) => assert_eq!(reason.code(), code),
            error => panic!("{code}: {error:?}"),
        }
    }
    let verifier = Verifier::new(policy().build().unwrap(), Unreachable);
    let token = Secret::from(token(&honest_claims()));
    match wait(verifier.authenticate(&token)).unwrap_err() {
        AuthenticationError::Unavailable(reason) => assert_eq!(reason.code(), "keys_unavailable"),
        error => panic!("{error:?}"),
    }
}

/// Keys that cannot be had.
#[derive(Debug)]
struct Unreachable;

impl KeySource for Unreachable {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::default()
    }

    fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        Box::pin(async { Err(KeysUnavailable::new("nobody answers")) })
    }
}

fn key() -> SigningKey {
    let secret = auth_core::SecretBytes::from([7; 32].as_slice());
    SigningKey::from_secret(&secret, Algorithm::HS256).unwrap()
}

fn verifier() -> Verifier {
    let keys = StaticKeys::new(key().verification_key().unwrap());
    Verifier::new(policy().build().unwrap(), keys).with_clock(Standing)
}

fn token(claims: &Value) -> String {
    key().sign(claims).unwrap().expose().to_owned()
}

#[track_caller]
fn identity(claims: &Value) -> Identity {
    wait(verifier().authenticate(&Secret::from(token(claims)))).unwrap()
}

fn texts<T>(names: &[T], text: fn(&T) -> &str) -> Vec<&str> {
    names.iter().map(text).collect()
}

/// Nothing here waits, so once is enough.
#[track_caller]
fn wait<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
