//! A test for each outcome of a token that may be revoked (contract m8 §2.7).

use auth_core::{BoxFuture, UnixTime};
use auth_jwt::session::{
    RevocationList, SessionStore, StoreUnavailable, TokenPolicy, memory::OpenSessions,
    memory::RevokedTokens,
};
use auth_jwt::{Claims, Reason, TokenUse, m8};
use futures_executor::block_on;
use serde_json::json;

use crate::support::NOW;
use crate::{Heard, access_claims, code, sign, strict, verifier, with};

/// A store that gives no answer.
#[derive(Debug)]
pub(crate) struct Silent;

impl RevocationList for Silent {
    fn is_revoked<'a>(&'a self, _: &'a Claims) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async { Err(StoreUnavailable::new("it does not answer")) })
    }
}

impl SessionStore for Silent {
    fn is_open<'a>(&'a self, _: &'a Claims) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(async { Err(StoreUnavailable::new("it does not answer")) })
    }
}

pub(crate) fn policy(hooks: &Heard) -> TokenPolicy {
    TokenPolicy::new(verifier(strict()).with_hooks(hooks.clone()))
}

/// What comes of a token in the words of m8.
fn words(policy: &TokenPolicy, token: &str) -> Result<(), (&'static str, Reason)> {
    let Err(rejection) = block_on(policy.verify(token)) else {
        return Ok(());
    };
    let outcome = m8::outcome(TokenUse::Access, &rejection);
    Err((outcome.message, outcome.reason))
}

#[test]
fn without_a_store_the_verifier_judges_alone() {
    let hooks = Heard::default();
    let policy = policy(&hooks);
    assert_eq!(words(&policy, &sign(&access_claims())), Ok(()));
    assert_eq!(
        hooks.take(),
        [format!("access success a1 {}", crate::SUBJECT)]
    );
    let expired = sign(&with(access_claims(), "exp", json!(NOW - 300)));
    let verdict = words(&policy, &expired);
    assert_eq!(verdict, Err(("Access token expired", Reason::Expired)));
    assert_eq!(hooks.take(), ["access failure expired"]);
}

#[test]
fn a_revoked_token_is_called_revoked_and_told_once() {
    let hooks = Heard::default();
    let revoked = RevokedTokens::new();
    let policy = policy(&hooks).with_revocation_list(revoked.clone());
    let token = sign(&access_claims());
    let other = sign(&with(access_claims(), "jti", json!("a2")));

    let claims = block_on(policy.verify(&token)).unwrap();
    assert_eq!(
        hooks.take(),
        [format!("access success a1 {}", crate::SUBJECT)]
    );
    revoked.revoke(&claims).unwrap();
    let verdict = words(&policy, &token);
    assert_eq!(verdict, Err(("Token revoked", Reason::Revoked)));
    assert_eq!(hooks.take(), ["access failure revoked"]);
    assert_eq!(words(&policy, &other), Ok(()));
}

#[test]
fn a_token_that_is_wrong_by_itself_is_not_asked_about() {
    let hooks = Heard::default();
    let policy = policy(&hooks).with_revocation_list(Silent);
    let refresh = sign(&with(access_claims(), "type", json!("refresh")));
    assert_eq!(code(block_on(policy.verify(&refresh))), "typ");
    assert_eq!(hooks.take(), ["access failure wrong_type"]);
}

#[test]
fn a_token_whose_session_is_not_open_is_called_revoked() {
    let hooks = Heard::default();
    let sessions = OpenSessions::new();
    let policy = policy(&hooks).with_session_store(sessions.clone());
    let token = sign(&with(access_claims(), "sid", json!("s1")));

    let revoked = Err(("Token revoked", Reason::Revoked));
    assert_eq!(words(&policy, &token), revoked);
    let ends = UnixTime::from_secs(4_102_444_800);
    sessions
        .open(Some(crate::ISSUER), "s1", crate::SUBJECT, ends)
        .unwrap();
    assert_eq!(words(&policy, &token), Ok(()));
    sessions.close(Some(crate::ISSUER), "s1");
    assert_eq!(words(&policy, &token), revoked);
    // A token of no session cannot be revoked by one, so it does not count.
    let verdict = block_on(policy.verify(&sign(&access_claims())));
    assert_eq!(code(verdict), "missing_claim");
}
