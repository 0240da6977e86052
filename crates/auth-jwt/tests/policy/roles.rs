//! The shapes roles come in, and whose they are.

use auth_jwt::{Rejection, RoleClaim};
use serde_json::{Value, json};

use crate::support::{claims_with, claims_without, honest_claims, policy};
use crate::{check, judge};

/// Honest claims with nothing about roles but this.
fn claims(name: &str, value: Value) -> Value {
    let mut claims = claims_without("realm_access");
    claims[name] = value;
    claims
}

fn client() -> RoleClaim {
    RoleClaim::KeycloakClient("my-api".into())
}

#[track_caller]
fn roles(from: &[RoleClaim], claims: &Value, expected: &[&str]) {
    let accepted = judge(policy().roles_from(from.to_vec()), claims).unwrap();
    let roles: Vec<_> = accepted.roles().collect();
    assert_eq!(roles, expected, "{claims}");
}

/// As Keycloak writes it.
fn keycloak() -> Value {
    let mut claims = claims(
        "realm_access",
        json!({ "roles": ["user", "offline_access"] }),
    );
    claims["resource_access"] = json!({
        "my-api": { "roles": ["editor", "user"] },
        "account": { "roles": ["manage-account", "admin"] },
    });
    claims["roles"] = json!(["legacy", "editor"]);
    claims
}

#[test]
fn roles_come_from_the_claims_the_policy_names() {
    let list = || RoleClaim::List("roles".into());
    roles(
        &[RoleClaim::KeycloakRealm],
        &keycloak(),
        &["user", "offline_access"],
    );
    roles(&[client()], &keycloak(), &["editor", "user"]);
    roles(&[list()], &keycloak(), &["legacy", "editor"]);
    roles(&[], &keycloak(), &[]);
    // In the order of the policy, each once.
    let all = [RoleClaim::KeycloakRealm, client(), list()];
    roles(
        &all,
        &keycloak(),
        &["user", "offline_access", "editor", "legacy"],
    );
    let twice = claims("roles", json!(["a", "b", "a"]));
    roles(&[list(), list()], &twice, &["a", "b"]);
}

#[test]
fn unless_it_names_any_the_roles_of_the_realm_count() {
    let accepted = judge(policy(), &keycloak()).unwrap();
    assert!(accepted.roles().eq(["user", "offline_access"]));
}

/// A role for another application is not one of ours, however the application is called.
#[test]
fn another_clients_roles_never_count() {
    for other in [
        "My-Api",
        "my-api ",
        "my-api.roles",
        "my",
        "",
        "account",
        "*",
    ] {
        let claims = claims("resource_access", json!({ other: { "roles": ["admin"] } }));
        roles(&[client()], &claims, &[]);
    }
    // The name is a name and no path.
    let dotted = RoleClaim::KeycloakClient("a.b".into());
    let claims = claims(
        "resource_access",
        json!({ "a": { "b": { "roles": ["admin"] } } }),
    );
    roles(&[dotted], &claims, &[]);
}

/// What the policy does not name is not looked at, of whatever type.
#[test]
fn a_shape_that_is_not_named_decides_nothing() {
    let mut claims = claims("realm_access", json!(7));
    claims["resource_access"] = json!({ "account": 7, "my-api": { "roles": ["editor"] } });
    roles(&[client()], &claims, &["editor"]);
    check(policy(), &claims, "accepted");
    check(policy().require_claim("realm_access"), &claims, "bad_claim");
}

#[test]
fn no_roles_at_all_are_no_roles() {
    let all = [
        RoleClaim::KeycloakRealm,
        client(),
        RoleClaim::List("roles".into()),
    ];
    roles(&all, &claims("x", json!(1)), &[]);
    roles(&all, &claims("realm_access", json!({})), &[]);
    roles(&all, &claims("realm_access", json!({ "roles": [] })), &[]);
    roles(&all, &claims("resource_access", json!({})), &[]);
    roles(
        &all,
        &claims("resource_access", json!({ "my-api": {} })),
        &[],
    );
    roles(&all, &claims("roles", json!([])), &[]);
}

#[test]
fn a_role_is_compared_as_it_is_spelled() {
    let list = RoleClaim::List("roles".into());
    roles(
        &[list],
        &claims("roles", json!(["Admin", "admin", "admin "])),
        &["Admin", "admin", "admin "],
    );
}

#[test]
fn a_role_may_be_a_text_of_its_own() {
    let policy = || policy().roles_from([RoleClaim::Text("role".into())]);
    let roles = |role: Value| {
        let accepted = judge(policy(), &claims_with("role", role))?;
        Ok::<Vec<String>, Rejection>(accepted.roles().map(str::to_owned).collect())
    };
    assert_eq!(roles(json!("writer")).unwrap(), ["writer"]);
    assert_eq!(judge(policy(), &honest_claims()).unwrap().roles().len(), 0);
    for role in [json!(["writer"]), json!(null), json!(1)] {
        assert_eq!(roles(role).unwrap(), [""; 0]);
    }
    let required = policy().require_claim("role");
    check(required, &claims_with("role", json!(1)), "bad_claim");
}
