//! Several issuers in one verifier, each with its own keys and rules.

use std::sync::{Arc, Mutex};

use auth_core::BoxFuture;
use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, KeySet, KeySource, KeysUnavailable, Policy, PolicyBuilder, RoleClaim, StaticKeys,
    TokenCache, Verifier, VerifierError, danger,
};
use futures_executor::block_on;
use serde_json::{Value, json};

use crate::keys;
use crate::support::{AUDIENCE, NOW, Standing, code, encode, sign};

const EMPLOYEES: &str = "https://employees.test";
const CUSTOMERS: &str = "https://customers.test";

struct World {
    employees: SigningKey,
    customers: SigningKey,
    verifier: Verifier,
}

/// Both issuers call their key `k1`, as issuers do.
fn world() -> World {
    let key = || {
        SigningKey::generate(Algorithm::ES256)
            .unwrap()
            .with_kid("k1")
    };
    let (employees, customers) = (key(), key());
    let static_keys = |key: &SigningKey| StaticKeys::new(key.verification_key().unwrap());
    let verifier = Verifier::new(
        of(EMPLOYEES).require_claim("staff").build().unwrap(),
        static_keys(&employees),
    )
    .with_issuer(
        of(CUSTOMERS)
            .roles_from([RoleClaim::List("tiers".into())])
            .build()
            .unwrap(),
        static_keys(&customers),
    )
    .unwrap()
    .with_clock(Standing);
    World {
        employees,
        customers,
        verifier,
    }
}

fn of(issuer: &str) -> PolicyBuilder {
    Policy::builder(issuer, AUDIENCE)
}

fn claims(issuer: Value) -> Value {
    json!({
        "iss": issuer, "aud": AUDIENCE, "sub": "u1", "exp": NOW + 300, "staff": 7,
        "tiers": ["gold"],
    })
}

#[test]
fn each_token_is_judged_by_its_issuers_keys_and_rules() {
    let world = world();
    let judge = |key: &SigningKey, claims: &Value| {
        let token = key.sign(claims).unwrap();
        let known = world.verifier.verify_with_known_keys(token.expose());
        assert_eq!(block_on(world.verifier.verify(token.expose())), known);
        known
    };
    let employee = judge(&world.employees, &claims(json!(EMPLOYEES))).unwrap();
    assert_eq!(employee.roles().len(), 0);
    let customer = judge(&world.customers, &claims(json!(CUSTOMERS))).unwrap();
    assert!(customer.roles().eq(["gold"]));

    // The other issuer's key, though its kid is the same.
    for (key, issuer) in [(&world.customers, EMPLOYEES), (&world.employees, CUSTOMERS)] {
        assert_eq!(code(judge(key, &claims(json!(issuer)))), "bad_signature");
    }
    // The other issuer's rules.
    let mut no_staff = claims(json!(EMPLOYEES));
    no_staff.as_object_mut().unwrap().remove("staff");
    assert_eq!(code(judge(&world.employees, &no_staff)), "missing_claim");
    no_staff["iss"] = json!(CUSTOMERS);
    assert_eq!(code(judge(&world.customers, &no_staff)), "accepted");
}

#[test]
fn a_token_of_nobody_known_is_refused_before_a_key_is_looked_for() {
    let world = world();
    let verdict = |payload: &str| {
        let token = sign(&world.employees, r#"{"alg":"ES256"}"#, payload);
        code(world.verifier.verify_with_known_keys(&token))
    };
    for (issuer, expected) in [
        (json!("https://evil.test"), "issuer"),
        (json!(format!("{EMPLOYEES}/")), "issuer"),
        (json!([EMPLOYEES]), "bad_claim"),
        (json!(null), "bad_claim"),
        (json!({ "iss": EMPLOYEES }), "bad_claim"),
    ] {
        assert_eq!(
            verdict(&claims(issuer.clone()).to_string()),
            expected,
            "{issuer}"
        );
    }
    assert_eq!(verdict(r#"{"sub":"u1"}"#), "missing_claim");
    assert_eq!(verdict("not json"), "malformed");
    assert_eq!(
        verdict(&format!(r#"{{"iss":"{EMPLOYEES}","iss":"{CUSTOMERS}"}}"#)),
        "malformed"
    );
}

/// What the payload says of its issuer chooses the keys, and nothing else is taken from it.
#[test]
fn an_unsigned_claim_of_an_issuer_is_not_enough() {
    let world = world();
    let honest = world.customers.sign(&claims(json!(CUSTOMERS))).unwrap();
    let (header, rest) = honest.expose().split_once('.').unwrap();
    let signature = rest.split_once('.').unwrap().1;
    let forged = encode(claims(json!(EMPLOYEES)).to_string());
    let token = format!("{header}.{forged}.{signature}");
    assert_eq!(
        code(world.verifier.verify_with_known_keys(&token)),
        "bad_signature"
    );
}

/// Keys of which newer ones are asked for, and who asks.
#[derive(Clone, Debug, Default)]
struct Asked(Arc<Mutex<Vec<Option<String>>>>);

impl KeySource for Asked {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::default()
    }

    fn refresh<'a>(&'a self, kid: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        self.0.lock().unwrap().push(kid.map(str::to_owned));
        Box::pin(std::future::ready(Err(KeysUnavailable::new("down"))))
    }
}

/// One issuer that is down does not hold up the other's users, nor is it asked for their keys.
#[test]
fn newer_keys_are_asked_of_the_tokens_issuer_only() {
    let (employees, customers) = (Asked::default(), Asked::default());
    let verifier = Verifier::new(of(EMPLOYEES).build().unwrap(), employees.clone())
        .with_issuer(of(CUSTOMERS).build().unwrap(), customers.clone())
        .unwrap()
        .with_clock(Standing);
    let key = SigningKey::generate(Algorithm::ES256)
        .unwrap()
        .with_kid("k9");
    let token = key.sign(&claims(json!(CUSTOMERS))).unwrap();
    assert_eq!(
        code(block_on(verifier.verify(token.expose()))),
        "keys_unavailable"
    );
    assert_eq!(*customers.0.lock().unwrap(), [Some("k9".to_owned())]);
    assert!(employees.0.lock().unwrap().is_empty());
}

#[test]
fn each_issuer_has_its_own_limit_of_size() {
    let world = world();
    let small = of("https://small.test").max_token_bytes(200);
    let verifier = world
        .verifier
        .with_issuer(small.build().unwrap(), keys())
        .unwrap();
    let token = world
        .employees
        .sign(&claims(json!("https://small.test")))
        .unwrap();
    assert!(token.expose().len() > 200);
    assert_eq!(
        code(verifier.verify_with_known_keys(token.expose())),
        "too_large"
    );
    let token = world.employees.sign(&claims(json!(EMPLOYEES))).unwrap();
    assert_eq!(
        code(verifier.verify_with_known_keys(token.expose())),
        "accepted"
    );
}

#[test]
fn tokens_of_several_issuers_are_remembered_apart() {
    let world = world();
    let verifier = world.verifier.with_token_cache(TokenCache::new());
    let employee = world.employees.sign(&claims(json!(EMPLOYEES))).unwrap();
    let customer = world.customers.sign(&claims(json!(CUSTOMERS))).unwrap();
    for _ in 0..2 {
        let claims = verifier.verify_with_known_keys(employee.expose()).unwrap();
        assert_eq!(claims.issuer(), Some(EMPLOYEES));
        let claims = verifier.verify_with_known_keys(customer.expose()).unwrap();
        assert_eq!(claims.issuer(), Some(CUSTOMERS));
    }
}

#[test]
fn issuers_that_could_not_be_told_apart_are_refused() {
    let build = |builder: PolicyBuilder| builder.build().unwrap();
    let one = Verifier::new(build(of(EMPLOYEES)), keys());
    let same = build(of(CUSTOMERS).issuer(EMPLOYEES));
    assert_eq!(
        one.clone().with_issuer(same, keys()).unwrap_err(),
        VerifierError::SameIssuer
    );
    let nameless = || build(danger::policy_without_issuer_and_audience());
    assert_eq!(
        one.with_issuer(nameless(), keys()).unwrap_err(),
        VerifierError::NoIssuer
    );
    let first_is_nameless = Verifier::new(nameless(), keys());
    assert_eq!(
        first_is_nameless
            .with_issuer(build(of(CUSTOMERS)), keys())
            .unwrap_err(),
        VerifierError::NoIssuer
    );
}
