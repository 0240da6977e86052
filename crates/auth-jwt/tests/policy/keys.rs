//! Which keys a token may be signed with, and when newer ones are asked for.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use auth_core::{Authenticator, BoxFuture, Secret};
use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, Claims, KeySet, KeySource, KeysUnavailable, Rejection, StaticKeys, Verifier,
};
use serde_json::json;

use crate::support::{Standing, honest_claims, policy, sign};

fn key(algorithm: Algorithm, kid: &str) -> SigningKey {
    let key = SigningKey::generate(algorithm).unwrap();
    if kid.is_empty() {
        key
    } else {
        key.with_kid(kid)
    }
}

fn set(keys: &[&SigningKey]) -> KeySet {
    keys.iter()
        .map(|key| key.verification_key().unwrap())
        .collect()
}

fn code(verdict: Result<Claims, Rejection>) -> &'static str {
    verdict.map_or_else(|rejection| rejection.code(), |_| "accepted")
}

#[track_caller]
fn check(keys: &[&SigningKey], signer: &SigningKey, expected: &str) {
    let token = signer.sign(&honest_claims()).unwrap();
    let policy = policy().build().unwrap();
    let verifier = Verifier::new(policy, StaticKeys::new(set(keys))).with_clock(Standing);
    assert_eq!(
        code(verifier.verify_with_known_keys(token.expose())),
        expected
    );
    // Keys that do not change make no difference between the two.
    assert_eq!(code(ready(verifier.verify(token.expose()))), expected);
}

#[test]
fn a_named_key_is_the_only_one_tried() {
    let (one, two) = (key(Algorithm::ES256, "one"), key(Algorithm::ES256, "two"));
    let unnamed = key(Algorithm::ES256, "");
    check(&[&one, &two, &unnamed], &one, "accepted");
    check(&[&one, &two, &unnamed], &two, "accepted");
    // Signed by a key of the set, under the name of another.
    let under = |kid: &str, signer: &SigningKey, expected| {
        let header = json!({ "alg": "ES256", "kid": kid }).to_string();
        let token = sign(signer, header, honest_claims().to_string());
        let keys = StaticKeys::new(set(&[&one, &two, &unnamed]));
        let verifier = Verifier::new(policy().build().unwrap(), keys).with_clock(Standing);
        assert_eq!(code(verifier.verify_with_known_keys(&token)), expected);
    };
    under("one", &two, "bad_signature");
    under("one", &unnamed, "bad_signature");
    under("two", &one, "bad_signature");
}

#[test]
fn a_name_nobody_has_may_be_that_of_an_unnamed_key() {
    let (named, unnamed) = (key(Algorithm::ES256, "one"), key(Algorithm::ES256, ""));
    let stranger = key(Algorithm::ES256, "three");
    check(&[&named], &stranger, "unknown_key");
    check(&[&named, &unnamed], &stranger, "bad_signature");
    let header = json!({ "alg": "ES256", "kid": "three" }).to_string();
    let token = sign(&unnamed, header, honest_claims().to_string());
    let keys = StaticKeys::new(set(&[&named, &unnamed]));
    let verifier = Verifier::new(policy().build().unwrap(), keys).with_clock(Standing);
    assert_eq!(code(verifier.verify_with_known_keys(&token)), "accepted");
}

#[test]
fn a_token_that_names_no_key_may_be_of_any() {
    let (one, two) = (key(Algorithm::ES256, "one"), key(Algorithm::ES256, "two"));
    let other = key(Algorithm::EdDSA, "three");
    let header = r#"{"alg":"ES256"}"#;
    let verifier = |keys: &[&SigningKey]| {
        Verifier::new(policy().build().unwrap(), StaticKeys::new(set(keys))).with_clock(Standing)
    };
    let token = sign(&two, header, honest_claims().to_string());
    let verdict = |keys: &[&SigningKey]| code(verifier(keys).verify_with_known_keys(&token));
    assert_eq!(verdict(&[&one, &other, &two]), "accepted");
    assert_eq!(verdict(&[&one, &other]), "bad_signature");
    assert_eq!(verdict(&[&other]), "alg_not_allowed");
    assert_eq!(verdict(&[]), "unknown_key");
}

/// A source that is written down: what it knows, what a refresh finds, and what was asked of it.
#[derive(Debug)]
struct Written {
    known: Mutex<Arc<KeySet>>,
    found: Result<Arc<KeySet>, KeysUnavailable>,
    looked_at: Mutex<usize>,
    asked_for: Mutex<Vec<Option<String>>>,
}

impl Written {
    fn new(known: KeySet, found: Result<KeySet, KeysUnavailable>) -> Arc<Self> {
        Arc::new(Self {
            known: Mutex::new(Arc::new(known)),
            found: found.map(Arc::new),
            looked_at: Mutex::default(),
            asked_for: Mutex::default(),
        })
    }

    fn looked_at(&self) -> usize {
        *self.looked_at.lock().unwrap()
    }

    fn asked_for(&self) -> Vec<Option<String>> {
        self.asked_for.lock().unwrap().clone()
    }
}

impl KeySource for Written {
    fn snapshot(&self) -> Arc<KeySet> {
        *self.looked_at.lock().unwrap() += 1;
        Arc::clone(&self.known.lock().unwrap())
    }

    fn refresh<'a>(&'a self, kid: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        Box::pin(async move {
            let kid = kid.map(str::to_owned);
            self.asked_for.lock().unwrap().push(kid);
            *self.known.lock().unwrap() = Arc::clone(self.found.as_ref().map_err(Clone::clone)?);
            Ok(())
        })
    }
}

fn verifier(source: &Arc<Written>) -> Verifier {
    Verifier::new(policy().build().unwrap(), Arc::clone(source)).with_clock(Standing)
}

/// Runs what never waits.
#[track_caller]
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the source answers at once, so nothing waits"),
    }
}

fn outage() -> KeysUnavailable {
    KeysUnavailable::new("the issuer does not answer")
}

#[test]
fn an_unknown_key_is_asked_for_once_and_then_known() {
    let (old, new) = (key(Algorithm::ES256, "old"), key(Algorithm::ES256, "new"));
    let source = Written::new(set(&[&old]), Ok(set(&[&old, &new])));
    let token = new.sign(&honest_claims()).unwrap();
    assert_eq!(
        code(verifier(&source).verify_with_known_keys(token.expose())),
        "unknown_key"
    );
    assert_eq!(source.asked_for(), []);
    for _ in 0..3 {
        assert_eq!(
            code(ready(verifier(&source).verify(token.expose()))),
            "accepted"
        );
        assert_eq!(source.asked_for(), [Some("new".to_owned())]);
    }
}

#[test]
fn a_key_that_stays_unknown_is_asked_for_once_a_token() {
    let (old, new) = (key(Algorithm::ES256, "old"), key(Algorithm::ES256, "new"));
    let source = Written::new(set(&[&old]), Ok(set(&[&old])));
    let token = new.sign(&honest_claims()).unwrap();
    let rejection = ready(verifier(&source).verify(token.expose())).unwrap_err();
    assert_eq!(rejection, Rejection::UnknownKey);
    assert!(!rejection.is_undetermined());
    assert_eq!(source.asked_for().len(), 1);
}

/// The keys are there, and the token is bad: a refresh must not be had for the sending of it.
#[test]
fn what_is_not_about_unknown_keys_asks_for_none() {
    let known = key(Algorithm::ES256, "known");
    let stranger = key(Algorithm::ES256, "known");
    let source = Written::new(set(&[&known]), Err(outage()));
    let claims = honest_claims().to_string();
    let signed = |header: &str| sign(&known, header, &claims);
    for (token, expected) in [
        (
            stranger.sign(&honest_claims()).unwrap().expose().to_owned(),
            "bad_signature",
        ),
        (
            signed(r#"{"alg":"ES384","kid":"known"}"#),
            "alg_not_allowed",
        ),
        (
            sign(&known, r#"{"alg":"ES256","kid":"known"}"#, "{}"),
            "missing_claim",
        ),
        (
            sign(&known, r#"{"alg":"ES256","kid":"known"}"#, "[]"),
            "malformed",
        ),
    ] {
        assert_eq!(code(ready(verifier(&source).verify(&token))), expected);
        assert_eq!(source.asked_for(), [], "{expected}");
    }
}

#[test]
fn what_the_header_alone_decides_does_not_touch_the_keys() {
    let known = key(Algorithm::ES256, "known");
    let source = Written::new(set(&[&known]), Err(outage()));
    let claims = honest_claims().to_string();
    let signed = |header: &str| sign(&known, header, &claims);
    for (token, expected) in [
        ("no token".to_owned(), "malformed"),
        ("a".repeat(20_000), "too_large"),
        (signed(r#"{"alg":"ES256","kid":7}"#), "malformed"),
        (
            signed(r#"{"alg":"none","kid":"unknown"}"#),
            "alg_not_allowed",
        ),
        (
            signed(r#"{"alg":"ES256","kid":"unknown","crit":["x"]}"#),
            "crit",
        ),
        (
            signed(r#"{"alg":"ES256","kid":"unknown","typ":"logout+jwt"}"#),
            "typ",
        ),
        (
            signed(r#"{"alg":"ES256","kid":"unknown"}"#) + "=",
            "malformed",
        ),
    ] {
        assert_eq!(code(ready(verifier(&source).verify(&token))), expected);
        assert_eq!(source.looked_at(), 0, "{expected}");
        assert_eq!(source.asked_for(), [], "{expected}");
    }
}

#[test]
fn keys_that_cannot_be_had_leave_the_verdict_open() {
    let (old, new) = (key(Algorithm::ES256, "old"), key(Algorithm::ES256, "new"));
    let source = Written::new(set(&[&old]), Err(outage()));
    let token = new.sign(&honest_claims()).unwrap();
    let rejection = ready(verifier(&source).verify(token.expose())).unwrap_err();
    assert_eq!(rejection, Rejection::KeysUnavailable(outage()));
    assert_eq!(rejection.code(), "keys_unavailable");
    assert!(rejection.is_undetermined());
    // What the known keys can judge, they still do.
    let token = old.sign(&honest_claims()).unwrap();
    assert_eq!(
        code(ready(verifier(&source).verify(token.expose()))),
        "accepted"
    );
    assert_eq!(source.asked_for().len(), 1);
}

#[test]
fn without_any_key_a_token_that_names_none_asks_too() {
    let issuer = key(Algorithm::ES256, "");
    let source = Written::new(KeySet::default(), Ok(set(&[&issuer])));
    let token = issuer.sign(&honest_claims()).unwrap();
    assert_eq!(
        code(ready(verifier(&source).verify(token.expose()))),
        "accepted"
    );
    assert_eq!(source.asked_for(), [None]);
}

#[test]
fn an_authenticator_tells_an_outage_from_a_rejection() {
    let (old, new) = (key(Algorithm::ES256, "old"), key(Algorithm::ES256, "new"));
    let source = Written::new(set(&[&old]), Err(outage()));
    let ask = |token: Secret| ready(verifier(&source).authenticate(&token));
    let identity = ask(old.sign(&honest_claims()).unwrap()).unwrap();
    assert_eq!(identity.subject(), "planted-subject");
    let unavailable = ask(new.sign(&honest_claims()).unwrap()).unwrap_err();
    let rejected = ask(Secret::from("planted-token")).unwrap_err();
    assert_eq!(unavailable.reason().code(), "keys_unavailable");
    assert_eq!(rejected.reason().code(), "malformed");
    assert!(!format!("{rejected} {rejected:?}").contains("planted"));
}

/// A token without a kid costs a verification for each key it may mean, before anything is known of
/// it. 256 RSA keys of 8192 bits took a fifth of a second.
#[test]
fn a_token_that_names_no_key_is_tried_with_a_few_keys_only() {
    let issuers: Vec<_> = (0..17)
        .map(|number| key(Algorithm::EdDSA, &format!("k{number}")))
        .collect();
    let others: Vec<_> = (0..40)
        .map(|number| key(Algorithm::ES256, &format!("e{number}")))
        .collect();
    let judge = |count: usize, signer: usize| {
        // Keys for other algorithms are not tried, so they do not count.
        let keys: Vec<_> = others.iter().chain(&issuers[..count]).collect();
        let verifier = Verifier::new(policy().build().unwrap(), StaticKeys::new(set(&keys)));
        let nameless = sign(
            &issuers[signer],
            r#"{"alg":"EdDSA"}"#,
            honest_claims().to_string(),
        );
        let verifier = verifier.with_clock(Standing);
        // Who names a key is judged by that key, however many there are.
        let named = issuers[signer].sign(&honest_claims()).unwrap();
        assert_eq!(
            code(verifier.verify_with_known_keys(named.expose())),
            "accepted"
        );
        code(verifier.verify_with_known_keys(&nameless))
    };
    assert_eq!(judge(16, 15), "accepted");
    // Whoever has signed it: the order of the keys makes no difference.
    assert_eq!(judge(17, 0), "ambiguous_key");
    assert_eq!(judge(17, 16), "ambiguous_key");

    // The same for a kid that nobody has, where the keys have none.
    let nameless: KeySet = (0..17)
        .map(|_| key(Algorithm::EdDSA, "").verification_key().unwrap())
        .collect();
    let verifier = Verifier::new(policy().build().unwrap(), StaticKeys::new(nameless));
    let token = issuers[0].sign(&honest_claims()).unwrap();
    assert_eq!(
        code(verifier.verify_with_known_keys(token.expose())),
        "ambiguous_key"
    );
}
