//! The strict policy and the lax one: what each reads, and where they part.

use auth_jwt::{Algorithm, StaticKeys, Verifier, m8};
use serde_json::{Value, json};

use crate::support::{NOW, Standing};
use crate::{access_claims, lax, sign, strict, told, with};

#[test]
fn every_field_of_the_user_is_read() {
    let mut claims = access_claims();
    claims["full_name"] = "Ada Lovelace".into();
    claims["avatar"] = "https://example.com/ada.png".into();
    claims["email"] = "Ada@EXAMPLE.com".into();
    for policy in [strict(), lax()] {
        let user = told(policy, &sign(&claims)).0.unwrap();
        assert_eq!(user.subject, crate::SUBJECT);
        assert_eq!((&*user.token_id, &*user.email), ("a1", "Ada@example.com"));
        assert_eq!(user.full_name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(user.avatar.as_deref(), Some("https://example.com/ada.png"));
        assert!(user.is_active && user.email_verified && !user.is_superuser);
        assert_eq!(user.role, m8::Role::Writer);
        assert_eq!(user.expires_at.as_secs(), NOW + 300);
    }
}

#[test]
fn what_a_token_leaves_out_has_the_defaults_of_m8() {
    let mut claims = access_claims();
    for name in [
        "full_name",
        "avatar",
        "is_active",
        "email_verified",
        "is_superuser",
        "role",
    ] {
        claims = with(claims, name, None);
    }
    for policy in [strict(), lax()] {
        let user = told(policy, &sign(&claims)).0.unwrap();
        assert_eq!((user.full_name, user.avatar), (None, None));
        assert!(user.is_active && !user.email_verified && !user.is_superuser);
        assert_eq!(user.role, m8::Role::User);
    }
}

#[test]
fn a_role_is_at_least_itself_and_every_one_below_it() {
    let names = m8::Role::ALL.map(m8::Role::as_str);
    assert_eq!(names, ["user", "reader", "writer", "admin", "superadmin"]);
    for (above, role) in m8::Role::ALL.into_iter().enumerate() {
        for (below, limit) in m8::Role::ALL.into_iter().enumerate() {
            assert_eq!(
                role.is_at_least(limit),
                above >= below,
                "{role:?} {limit:?}"
            );
        }
        let claims = with(access_claims(), "role", json!(role.as_str()));
        assert_eq!(told(lax(), &sign(&claims)).0.unwrap().role, role);
    }
}

/// Contract m8, appendix B: what the original accepts and a new service should not.
#[test]
fn only_the_lax_policy_forgives_what_the_original_forgives() {
    for (name, value) in [
        ("sub", Some(json!(""))),
        ("jti", Some(json!(""))),
        ("is_active", Some(json!(false))),
        ("is_active", Some(json!("yes"))),
        ("is_superuser", Some(json!("off"))),
        ("email_verified", Some(json!(1))),
        ("exp", Some(json!(format!("{}", NOW + 300)))),
        ("iat", Some(json!(format!("{NOW}")))),
        ("email", Some(json!("Ada <ada@example.com>"))),
        ("email", Some(json!(" ada@example.com "))),
        ("iss", Some(json!("https://other.test"))),
        ("aud", Some(json!("other"))),
        ("iat", None),
        ("nbf", None),
        ("iss", None),
        ("aud", None),
        ("exp", Some(json!(NOW - 3))),
        ("nbf", Some(json!(NOW + 4))),
    ] {
        let token = sign(&with(access_claims(), name, value.clone()));
        let user = told(lax(), &token).0;
        assert!(user.is_ok(), "{name}: {value:?}");
        assert!(told(strict(), &token).0.is_err(), "{name}: {value:?}");
    }
}

#[test]
fn each_algorithm_of_m8_is_verified_by_the_same_policies() {
    for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256] {
        let key = auth_jwt::mint::SigningKey::generate(algorithm).unwrap();
        let token = key.sign(&access_claims()).unwrap();
        for policy in [strict(), lax()] {
            let keys = StaticKeys::new(key.verification_key().unwrap());
            let verifier = Verifier::new(policy, keys).with_clock(Standing);
            let claims = verifier.verify_with_known_keys(token.expose()).unwrap();
            assert!(m8::User::from_claims(&claims).is_some(), "{algorithm}");
        }
    }
}

#[test]
fn a_token_of_another_policy_has_no_m8_user() {
    let policy = auth_jwt::Policy::builder(crate::ISSUER, crate::AUDIENCE).build();
    let verifier = crate::verifier(policy.unwrap());
    let claims = verifier
        .verify_with_known_keys(&sign(&access_claims()))
        .unwrap();
    assert_eq!(m8::User::from_claims(&claims), None);
    assert_eq!(claims.deserialize::<Value>().unwrap(), access_claims());
}
