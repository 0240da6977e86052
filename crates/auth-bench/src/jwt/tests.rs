use std::fs;
use std::path::PathBuf;

use auth_jwt::Algorithm;
use auth_jwt::mint::SigningKey;
use serde_json::{Value, json};

use crate::case::Role;
use crate::jwt::fixtures::{Fixtures, Form};
use crate::jwt::{ALGORITHMS, cases, claims, limits, verify};
use crate::settings::Settings;

fn settings(data: Option<&str>) -> Settings {
    Settings::read(|name| data.filter(|_| name == "BENCH_DATA").map(str::to_owned)).unwrap()
}

#[test]
fn every_case_does_what_it_is_measured_for() {
    let cases = cases(&settings(None));
    for case in &cases {
        let mut operation = case.prepare().unwrap();
        assert!(operation.repeat(3), "{} {}", case.name, case.implementation);
    }
    for name in ["HS256/small", "PS256/kc", "EdDSA/kc"] {
        let roles = cases.iter().filter(|case| case.name == name);
        let roles: Vec<Role> = roles.map(|case| case.role).collect();
        assert_eq!(roles, [Role::Candidate, Role::Limit, Role::Floor], "{name}");
    }
    for users in [64, 4096] {
        let name = format!("cache-hit/{users} tokens");
        assert!(cases.iter().any(|case| case.name == name), "{name}");
    }
}

/// Speed says nothing about something that takes any token.
#[test]
fn every_implementation_refuses_a_token_of_another_key() {
    let (ours, theirs) = (Fixtures::new(None), Fixtures::new(None));
    for algorithm in ALGORITHMS {
        let key = ours.issued(algorithm).unwrap();
        let tokens = theirs.issued(algorithm).unwrap();
        let mixed = key.with_tokens_of(&tokens);
        for form in Form::ALL {
            for prepare in [verify::prepare, limits::prepare_raw, limits::prepare_floor] {
                assert!(prepare(&tokens, form).unwrap().repeat(1), "{algorithm}");
                assert!(!prepare(&mixed, form).unwrap().repeat(1), "{algorithm}");
            }
        }
    }
}

#[test]
fn our_claims_are_as_long_as_the_ones_they_stand_for() {
    let length = |claims: Value| claims.to_string().len();
    assert_eq!(length(claims::small()), 154);
    assert_eq!(length(claims::keycloak(7)), 716);
}

#[test]
fn among_others_only_ours_is_measured_and_with_their_tokens() {
    let folder = Folder::new();
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let sign = |claims: &Value| key.sign(claims).unwrap().expose().to_owned();
    let tokens = json!({ "ES256": {
        "small": sign(&claims::small()),
        "kc": sign(&claims::keycloak(1)),
    } });
    folder.write("tokens.json", &tokens.to_string());
    folder.write("es256.pub.pem", &key.public_pem().unwrap());

    let cases = cases(&settings(folder.0.to_str()));
    assert!(cases.iter().all(|case| case.role == Role::Candidate));
    for case in cases.iter().filter(|case| case.name.starts_with("ES256")) {
        assert!(case.prepare().unwrap().repeat(1), "{}", case.name);
    }
    let missing = cases.iter().find(|case| case.name == "EdDSA/kc").unwrap();
    let error = missing.prepare().err().unwrap().to_string();
    assert_eq!(error, "tokens.json has no token EdDSA/small");
}

/// A folder of its own for one test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("auth-bench-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Best effort: what stays is small, and lies where such things lie.
        let _ = fs::remove_dir_all(&self.0);
    }
}
