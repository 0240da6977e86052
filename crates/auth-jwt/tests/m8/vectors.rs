//! The two tokens of contract m8, appendix A, which the original has made.

use auth_jwt::m8;

use crate::{code, lax, verifier};

const ACCESS: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI1NTBlODQwMC1lMjliLTQxZDQtYTcxNi00NDY2NTU0NDAwMDAiLCJ0eXBlIjoiYWNjZXNzIiwiZW1haWwiOiJhQGV4YW1wbGUuY29tIiwicm9sZSI6InVzZXIiLCJqdGkiOiJqMSIsImV4cCI6NDEwMjQ0NDgwMH0._XH51G6Abbk0RVpydUIWP_jAK8uuxRZY4DZzo1V8l04";
const REFRESH: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI1NTBlODQwMC1lMjliLTQxZDQtYTcxNi00NDY2NTU0NDAwMDAiLCJ0eXBlIjoicmVmcmVzaCIsImp0aSI6InIxIiwiZXhwIjo0MTAyNDQ0ODAwfQ.Fti51Ukic-szzrIvARnvyXtZtTFCKDb43Py_UVxRlB8";

#[test]
fn the_access_token_of_the_contract_is_accepted_and_no_tampered_one() {
    let verifier = verifier(lax());
    let claims = verifier.verify_with_known_keys(ACCESS).unwrap();
    let user = m8::User::from_claims(&claims).unwrap();
    assert_eq!(user.subject, crate::SUBJECT);
    assert_eq!((&*user.token_id, &*user.email), ("j1", "a@example.com"));
    assert_eq!(user.role, m8::Role::User);
    assert_eq!(user.expires_at.as_secs(), 4_102_444_800);
    assert_eq!((user.full_name, user.avatar), (None, None));
    assert!(user.is_active && !user.email_verified && !user.is_superuser);

    for tampered in tampered(ACCESS) {
        let verdict = verifier.verify_with_known_keys(&tampered);
        assert!(verdict.is_err(), "{tampered}");
    }
    let refused = verifier.verify_with_known_keys(REFRESH);
    assert_eq!(code(refused), "typ");
}

#[test]
fn the_refresh_token_of_the_contract_is_accepted_and_no_tampered_one() {
    let verifier = verifier(m8::refresh().build().unwrap());
    let claims = verifier.verify_with_known_keys(REFRESH).unwrap();
    assert_eq!(claims.subject(), crate::SUBJECT);
    assert_eq!(claims.token_id(), Some("r1"));
    assert_eq!(m8::User::from_claims(&claims), None);

    for tampered in tampered(REFRESH) {
        let verdict = verifier.verify_with_known_keys(&tampered);
        assert!(verdict.is_err(), "{tampered}");
    }
    assert_eq!(code(verifier.verify_with_known_keys(ACCESS)), "typ");
}

/// Each letter of the token changed into another, and each cut off with what follows.
fn tampered(token: &str) -> Vec<String> {
    let mut tampered = Vec::new();
    for at in 0..token.len() {
        let (before, from_here) = token.split_at(at);
        let other = if from_here.starts_with('A') { 'B' } else { 'A' };
        tampered.push(format!("{before}{other}{}", &from_here[1..]));
        tampered.push(before.to_owned());
    }
    tampered
}
