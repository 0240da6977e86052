//! What a good signature does not say: whether the token still counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{AuthenticationError, Authenticator, Authorizer, BoxFuture, Secret, UnixTime};
use auth_jwt::session::memory::{OpenSessions, RevokedTokens};
use auth_jwt::session::{RevocationList, SessionStore, StoreUnavailable, TokenPolicy};
use auth_jwt::{Claims, TokenCache, Verifier, danger};
use futures_executor::block_on;
use serde_json::json;

use crate::support::{
    Hand, ISSUER, NOW, Standing, claims_with, claims_without, code, honest_claims, policy,
};
use crate::{keys, sign};

const HOUR: Duration = Duration::from_secs(3600);

fn verifier() -> Verifier {
    Verifier::new(policy().build().unwrap(), keys())
        .with_clock(Standing)
        .with_token_cache(TokenCache::new())
}

/// A list that says what it is told to, and counts how often it is asked.
#[derive(Clone, Debug, Default)]
struct Told(Arc<ToldState>);

#[derive(Debug, Default)]
struct ToldState {
    epoch: AtomicU64,
    /// 0: not revoked; 1: revoked; 2: no answer.
    answer: AtomicU64,
    asked: AtomicUsize,
    no_epoch: bool,
}

impl Told {
    fn answer(&self, answer: u64) {
        self.0.answer.store(answer, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.0.asked.swap(0, Ordering::SeqCst)
    }

    fn told(&self) -> Result<bool, StoreUnavailable> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        match self.0.answer.load(Ordering::SeqCst) {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StoreUnavailable::new("no answer")),
        }
    }
}

impl RevocationList for Told {
    fn epoch(&self) -> Option<u64> {
        (!self.0.no_epoch).then(|| self.0.epoch.load(Ordering::SeqCst))
    }

    fn is_revoked<'a>(&'a self, _: &'a Claims) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(std::future::ready(self.told()))
    }
}

/// Sessions that are open unless the answer is "revoked".
impl SessionStore for Told {
    fn is_open<'a>(&'a self, _: &'a Claims) -> BoxFuture<'a, Result<bool, StoreUnavailable>> {
        Box::pin(std::future::ready(self.told().map(|revoked| !revoked)))
    }
}

fn judge(policy: &TokenPolicy, token: &str) -> &'static str {
    code(block_on(policy.verify(token)))
}

#[test]
fn a_revoked_token_is_refused_and_its_siblings_are_not() {
    let revoked = RevokedTokens::new();
    let policy = TokenPolicy::new(verifier()).with_revocation_list(revoked.clone());
    let (one, other) = (
        sign(&honest_claims()),
        sign(&claims_with("jti", json!("other"))),
    );
    assert_eq!(judge(&policy, &one), "accepted");
    let claims = block_on(policy.verify(&one)).unwrap();
    revoked.revoke(&claims).unwrap();
    for _ in 0..2 {
        assert_eq!(judge(&policy, &one), "revoked");
        assert_eq!(judge(&policy, &other), "accepted");
    }
    let identity = block_on(policy.authenticate(&Secret::from(one.as_str())));
    let error = identity.unwrap_err();
    assert!(
        matches!(error, AuthenticationError::Rejected { .. }),
        "{error:?}"
    );
}

#[test]
fn a_policy_answers_for_roles_as_its_verifier_does() {
    let policy = TokenPolicy::new(verifier()).with_revocation_list(RevokedTokens::new());
    let token = Secret::from(sign(&honest_claims()));
    let identity = block_on(policy.authenticate(&token)).unwrap();
    for (role, granted) in [("planted-role", true), ("admin", false)] {
        let decision = block_on(policy.has_role(&identity, &role.into()));
        assert_eq!(decision.is_granted(), granted, "{role}");
    }
    let decision = block_on(policy.has_permission(&identity, &"orders:read".into()));
    assert!(!decision.is_granted());
}

/// The same `jti` of another issuer is another token.
#[test]
fn an_identifier_is_one_of_its_issuer() {
    let revoked = RevokedTokens::new();
    let both = policy().issuer("https://other.test").build().unwrap();
    let verifier = Verifier::new(both, keys()).with_clock(Standing);
    let policy = TokenPolicy::new(verifier).with_revocation_list(revoked.clone());
    let ours = sign(&honest_claims());
    let theirs = sign(&claims_with("iss", json!("https://other.test")));
    revoked
        .revoke(&block_on(policy.verify(&theirs)).unwrap())
        .unwrap();
    assert_eq!(judge(&policy, &theirs), "revoked");
    assert_eq!(judge(&policy, &ours), "accepted");
}

#[test]
fn all_tokens_of_a_subject_are_revoked_up_to_a_moment() {
    let revoked = RevokedTokens::new();
    let policy = TokenPolicy::new(verifier()).with_revocation_list(revoked.clone());
    let issued = |iat: i64| sign(&claims_with("iat", json!(iat)));
    assert_eq!(judge(&policy, &issued(NOW - 50)), "accepted");
    revoked
        .revoke_subject(
            Some(ISSUER),
            "planted-subject",
            UnixTime::from_secs(NOW - 20),
            HOUR,
        )
        .unwrap();
    // A shorter reach takes nothing back.
    revoked
        .revoke_subject(
            Some(ISSUER),
            "planted-subject",
            UnixTime::from_secs(NOW - 40),
            HOUR,
        )
        .unwrap();
    assert_eq!(judge(&policy, &issued(NOW - 50)), "revoked");
    assert_eq!(judge(&policy, &issued(NOW - 20)), "revoked");
    assert_eq!(judge(&policy, &issued(NOW - 19)), "accepted");
    // Not to say when is not to be newer.
    assert_eq!(judge(&policy, &sign(&claims_without("iat"))), "revoked");
    let somebody_else = sign(&claims_with("sub", json!("somebody-else")));
    assert_eq!(judge(&policy, &somebody_else), "accepted");
}

#[test]
fn a_token_that_could_not_be_revoked_is_refused() {
    let policy = TokenPolicy::new(verifier()).with_revocation_list(RevokedTokens::new());
    assert_eq!(
        judge(&policy, &sign(&claims_without("jti"))),
        "missing_claim"
    );
    assert_eq!(
        judge(&policy, &sign(&claims_with("jti", json!("")))),
        "missing_claim"
    );
    let policy = TokenPolicy::new(verifier()).with_session_store(OpenSessions::new());
    assert_eq!(judge(&policy, &sign(&honest_claims())), "missing_claim");
    assert_eq!(
        judge(&policy, &sign(&claims_with("sid", json!("")))),
        "missing_claim"
    );
}

#[test]
fn a_session_counts_while_it_is_open_and_for_its_owner() {
    let clock = Hand::at(NOW);
    let sessions = OpenSessions::bounded(2, clock.clone());
    let policy = TokenPolicy::new(verifier()).with_session_store(sessions.clone());
    let token = sign(&claims_with("sid", json!("s1")));
    let mut thief = claims_with("sid", json!("s1"));
    thief["sub"] = json!("thief");
    assert_eq!(judge(&policy, &token), "revoked");
    sessions
        .open(
            Some(ISSUER),
            "s1",
            "planted-subject",
            UnixTime::from_secs(NOW + 60),
        )
        .unwrap();
    assert_eq!(judge(&policy, &token), "accepted");
    assert_eq!(judge(&policy, &sign(&thief)), "revoked");
    sessions.close(Some("https://other.test"), "s1");
    assert_eq!(judge(&policy, &token), "accepted");
    sessions.close(Some(ISSUER), "s1");
    assert_eq!(judge(&policy, &token), "revoked");
}

/// Contract m8 §9 W10: revoked tokens were accepted while Redis was away.
#[test]
fn where_nobody_can_tell_a_token_is_not_accepted_unless_it_was_decided_so() {
    let told = Told::default();
    told.answer(2);
    let token = sign(&claims_with("sid", json!("s1")));
    let by_list = TokenPolicy::new(verifier()).with_revocation_list(told.clone());
    let by_sessions = TokenPolicy::new(verifier()).with_session_store(told.clone());
    for policy in [by_list, by_sessions] {
        let rejection = block_on(policy.verify(&token)).unwrap_err();
        assert_eq!(rejection.code(), "revocation_unavailable");
        assert!(rejection.is_undetermined());
        let identity = block_on(policy.authenticate(&Secret::from(token.as_str())));
        let error = identity.unwrap_err();
        assert!(
            matches!(error, AuthenticationError::Unavailable { .. }),
            "{error:?}"
        );
        let open = danger::fail_open(policy);
        assert_eq!(judge(&open, &token), "accepted");
        // The signature and the claims are checked all the same.
        assert_eq!(judge(&open, &format!("{token}A")), "bad_signature");
        assert_eq!(
            judge(&open, &sign(&claims_with("exp", json!(NOW - 100)))),
            "expired"
        );
        // Who can tell is believed, also by the lenient.
        told.answer(1);
        assert_eq!(judge(&open, &token), "revoked");
        told.answer(2);
    }
}

#[test]
fn a_token_is_asked_about_once_while_nothing_is_revoked() {
    let told = Told::default();
    let policy = TokenPolicy::new(verifier()).with_revocation_list(told.clone());
    let token = sign(&honest_claims());
    for _ in 0..3 {
        assert_eq!(judge(&policy, &token), "accepted");
    }
    assert_eq!(told.asked(), 1);
    // Something was revoked: everybody is asked about again.
    told.0.epoch.fetch_add(1, Ordering::SeqCst);
    assert_eq!(judge(&policy, &token), "accepted");
    assert_eq!(told.asked(), 1);
    told.0.epoch.fetch_add(1, Ordering::SeqCst);
    told.answer(1);
    for _ in 0..2 {
        assert_eq!(judge(&policy, &token), "revoked");
    }
    // A refusal is not remembered, and neither is that nobody could tell.
    assert_eq!(told.asked(), 2);
    told.answer(2);
    assert_eq!(judge(&policy, &token), "revocation_unavailable");
    told.answer(0);
    assert_eq!(judge(&policy, &token), "accepted");
    assert_eq!(told.asked(), 2);
}

#[test]
fn a_list_that_cannot_tell_its_epoch_is_asked_each_time() {
    for told in [
        Told(Arc::new(ToldState {
            no_epoch: true,
            ..ToldState::default()
        })),
        // The last number there is stands for nothing.
        Told(Arc::new(ToldState {
            epoch: AtomicU64::new(u64::MAX),
            ..ToldState::default()
        })),
    ] {
        let policy = TokenPolicy::new(verifier()).with_revocation_list(told.clone());
        let token = sign(&honest_claims());
        for _ in 0..3 {
            assert_eq!(judge(&policy, &token), "accepted");
        }
        assert_eq!(told.asked(), 3);
    }
}

/// What one list has said of a token is nothing to another list.
#[test]
fn policies_of_one_verifier_do_not_share_what_their_lists_said() {
    let verifier = verifier();
    let token = sign(&honest_claims());
    let (good, bad) = (Told::default(), Told::default());
    bad.answer(1);
    let lenient = TokenPolicy::new(verifier.clone()).with_revocation_list(good.clone());
    let strict = TokenPolicy::new(verifier).with_revocation_list(bad.clone());
    let replaced = lenient.clone().with_revocation_list(bad);
    for _ in 0..2 {
        assert_eq!(judge(&lenient, &token), "accepted");
        assert_eq!(judge(&strict, &token), "revoked");
        assert_eq!(judge(&replaced, &token), "revoked");
    }
}

#[test]
fn a_full_list_drops_what_has_ended_and_nothing_else() {
    let clock = Hand::at(NOW);
    let revoked = RevokedTokens::bounded(3, clock.clone());
    let verifier = Verifier::new(policy().build().unwrap(), keys()).with_clock(Standing);
    let claims = |name: &str, exp: i64| {
        let mut claims = claims_with("jti", json!(name));
        claims["sub"] = json!(name);
        claims["exp"] = json!(exp);
        verifier.verify_with_known_keys(&sign(&claims)).unwrap()
    };
    let day = 24 * 60 * 60;
    let short = claims("short", NOW + 10);
    let long = claims("long", NOW + 100 * day);
    let one_more = claims("one more", NOW + 100 * day);
    let asked = |claims: &Claims| block_on(revoked.is_revoked(claims)).unwrap();
    for claims in [&short, &long, &claims("longer", NOW + 200 * day)] {
        revoked.revoke(claims).unwrap();
    }
    // A policy may forgive a day: until then the token could come back.
    for moment in [NOW, NOW + 10, NOW + 9 + day] {
        clock.set(moment);
        assert!(revoked.revoke(&one_more).is_err(), "{moment}");
        assert!(asked(&short) && asked(&long) && !asked(&one_more));
    }
    clock.set(NOW + 10 + day);
    revoked.revoke(&one_more).unwrap();
    assert!(!asked(&short) && asked(&long) && asked(&one_more));

    for name in ["s1", "s2", "s3"] {
        let until = UnixTime::from_secs(NOW);
        revoked
            .revoke_subject(Some(ISSUER), name, until, HOUR)
            .unwrap();
    }
    let until = UnixTime::from_secs(NOW);
    assert!(
        revoked
            .revoke_subject(Some(ISSUER), "s4", until, HOUR)
            .is_err()
    );
    // Who is on the list already needs no room.
    revoked
        .revoke_subject(Some(ISSUER), "s3", until, HOUR)
        .unwrap();
}

#[test]
fn leeway_and_lifetime_of_what_is_revoked_are_those_of_the_policy() {
    let clock = Hand::at(NOW);
    let day = Duration::from_secs(24 * 60 * 60);
    let verifier = Verifier::new(policy().leeway(day).build().unwrap(), keys());
    let revoked = RevokedTokens::bounded(10, clock.clone());
    let policy =
        TokenPolicy::new(verifier.with_clock(clock.clone())).with_revocation_list(revoked.clone());
    let token = sign(&honest_claims());
    revoked
        .revoke(&block_on(policy.verify(&token)).unwrap())
        .unwrap();
    clock.set(NOW + 24 * 60 * 60);
    assert_eq!(judge(&policy, &token), "revoked");
}

#[test]
fn a_session_ends_by_itself_and_is_nobody_elses_meanwhile() {
    let clock = Hand::at(NOW);
    let sessions = OpenSessions::bounded(2, clock.clone());
    let policy = TokenPolicy::new(verifier()).with_session_store(sessions.clone());
    let token = sign(&claims_with("sid", json!("s1")));
    let at = UnixTime::from_secs;
    let open = |session: &str, subject: &str, ends: i64| {
        sessions
            .open(Some(ISSUER), session, subject, at(ends))
            .is_ok()
    };
    assert!(open("s1", "planted-subject", NOW + 20));
    assert!(open("s2", "bob", NOW + 100));
    assert!(!open("s3", "eve", NOW + 100), "there is no room");
    assert!(!open("s1", "eve", NOW + 100), "it is somebody else's");
    // The later end counts.
    assert!(open("s1", "planted-subject", NOW + 10));
    clock.set(NOW + 19);
    assert_eq!(judge(&policy, &token), "accepted");
    clock.set(NOW + 20);
    assert_eq!(judge(&policy, &token), "revoked");
    assert!(open("s3", "eve", NOW + 100), "what has ended makes room");
}

/// Two tokens of one identifier: revoking the shorter one gave the longer one back.
#[test]
fn an_identifier_stays_revoked_until_its_last_token_has_ended() {
    let clock = Hand::at(NOW);
    let revoked = RevokedTokens::bounded(1, clock.clone());
    let day = 24 * 60 * 60;
    let at = UnixTime::from_secs;
    for end in [NOW + 30 * day, NOW + 300] {
        // The list is full, and has room for what it has already.
        revoked.revoke_token(Some(ISSUER), "twin", at(end)).unwrap();
    }
    clock.set(NOW + 3 * day);
    assert!(
        revoked
            .revoke_token(Some(ISSUER), "other", at(NOW + 4 * day))
            .is_err()
    );
    clock.set(NOW + 31 * day);
    revoked
        .revoke_token(Some(ISSUER), "other", at(NOW + 40 * day))
        .unwrap();
    assert!(
        revoked
            .revoke_token(Some(ISSUER), "", at(NOW + 40 * day))
            .is_err()
    );
}

#[test]
fn a_token_nobody_has_at_hand_can_be_revoked() {
    let revoked = RevokedTokens::new();
    let policy = TokenPolicy::new(verifier()).with_revocation_list(revoked.clone());
    let stolen = sign(&honest_claims());
    let ends = UnixTime::from_secs(NOW + 300);
    revoked
        .revoke_token(None, "planted-token-id", ends)
        .unwrap();
    assert_eq!(judge(&policy, &stolen), "accepted", "that was nobody's");
    revoked
        .revoke_token(Some(ISSUER), "planted-token-id", ends)
        .unwrap();
    assert_eq!(judge(&policy, &stolen), "revoked");
}

#[test]
fn a_subject_is_forgotten_when_its_tokens_have_ended() {
    let clock = Hand::at(NOW);
    let revoked = RevokedTokens::bounded(1, clock.clone());
    let day = 24 * 60 * 60;
    let revoke = |subject: &str, until: i64| {
        revoked.revoke_subject(Some(ISSUER), subject, UnixTime::from_secs(until), HOUR)
    };
    revoke("one", NOW).unwrap();
    clock.set(NOW + day + 3599);
    assert!(revoke("other", NOW + day).is_err());
    clock.set(NOW + day + 3600);
    revoke("other", NOW + day).unwrap();
}

#[test]
fn what_stores_print_names_nobody() {
    let revoked = RevokedTokens::new();
    let ends = UnixTime::from_secs(NOW + 300);
    revoked
        .revoke_token(Some(ISSUER), "planted-id", ends)
        .unwrap();
    revoked
        .revoke_subject(Some(ISSUER), "planted-subject", ends, HOUR)
        .unwrap();
    let sessions = OpenSessions::new();
    sessions
        .open(Some(ISSUER), "planted-session", "planted", ends)
        .unwrap();
    let policy = TokenPolicy::new(verifier())
        .with_revocation_list(revoked)
        .with_session_store(sessions);
    let text = format!("{policy:?}");
    assert!(
        text.contains("RevokedTokens { tokens: 1, subjects: 1"),
        "{text}"
    );
    assert!(!text.contains("planted"), "{text}");
}
