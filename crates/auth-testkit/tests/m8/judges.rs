//! The two that judge, and how each is asked.

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use auth_core::{SecretBytes, UnixTime};
use auth_jwt::mint::SigningKey;
use auth_jwt::{
    Algorithm, Failure, PolicyBuilder, Rejection, StaticKeys, Success, TokenUse, ValidationHooks,
    VerificationKey, Verifier, m8,
};
use auth_testkit::{Peer, TestClock};
use serde_json::{Value, json};

/// The moment all tests are at: 2026-11-21T12:00:00Z.
pub(crate) const NOW: i64 = 1_795_262_400;

/// What the original takes for a good secret.
pub(crate) const SECRET: &str = "Abcdef-1234_XYZ-abcdef-ghijkl-mnopqr-stuvwx";

pub(crate) const ALGORITHMS: [Algorithm; 3] =
    [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256];

static KEYS: LazyLock<[SigningKey; 3]> = LazyLock::new(|| {
    ALGORITHMS.map(|algorithm| match algorithm {
        Algorithm::HS256 => {
            SigningKey::from_secret(&SecretBytes::from(SECRET.as_bytes()), algorithm).unwrap()
        }
        _ => SigningKey::generate(algorithm).unwrap(),
    })
});

pub(crate) fn key(algorithm: Algorithm) -> &'static SigningKey {
    let mut keys = KEYS.iter();
    keys.find(|key| key.algorithm() == algorithm).unwrap()
}

/// What the original verifies with, in the form it takes it.
pub(crate) fn published(algorithm: Algorithm) -> String {
    match key(algorithm).public_pem() {
        Some(pem) => pem.to_string(),
        None => SECRET.to_owned(),
    }
}

pub(crate) fn oracle() -> Option<Peer> {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/m8/m8_oracle.py");
    Peer::python(&tools, "auth_sdk_m8", &script)
}

/// What both are told to check besides what they always do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given {
    pub(crate) issuer: Option<&'static str>,
    pub(crate) audiences: &'static [&'static str],
}

impl Given {
    /// Ours, with the rules of the original.
    pub(crate) fn lax(self) -> PolicyBuilder {
        let mut policy = auth_jwt::danger::m8_access_as_the_original();
        if let Some(issuer) = self.issuer {
            policy = policy.issuer(issuer);
        }
        let audiences = self.audiences.iter().copied();
        audiences.fold(policy, PolicyBuilder::audience)
    }

    /// The original, with its defaults.
    pub(crate) fn config(self, algorithm: Algorithm) -> Value {
        json!({
            "issuer": self.issuer,
            "audience": (!self.audiences.is_empty()).then_some(self.audiences),
            "require_iss": self.issuer.is_some(),
            "require_aud": !self.audiences.is_empty(),
            "allowed_algorithms": [algorithm.name()],
        })
    }
}

/// A question to the original: is this an access token?
pub(crate) fn question(token: &str, config: &Value, algorithm: Algorithm) -> Value {
    question_with(token, config, algorithm, &published(algorithm))
}

/// The same, with a key of somebody else's.
pub(crate) fn question_with(token: &str, config: &Value, algorithm: Algorithm, key: &str) -> Value {
    json!({
        "do": "validate",
        "token": token,
        "config": config,
        "key": key,
        "alg": algorithm.name(),
        "now": NOW,
    })
}

pub(crate) fn clock() -> TestClock {
    TestClock::at_unix_secs(NOW.unsigned_abs())
}

/// What we say of an access token, in the form the original's answer has.
pub(crate) fn ours(policy: PolicyBuilder, algorithm: Algorithm, token: &str) -> Value {
    let key = key(algorithm).verification_key().unwrap();
    ours_with(policy.algorithms([algorithm]), key, token)
}

/// The same, with a key of somebody else's.
pub(crate) fn ours_with(policy: PolicyBuilder, key: VerificationKey, token: &str) -> Value {
    let hooks = Heard::default();
    let verifier = Verifier::new(policy.build().unwrap(), StaticKeys::new(key))
        .with_clock(clock())
        .with_hooks(hooks.clone());
    let verdict = match verifier.verify_with_known_keys(token) {
        Ok(claims) => Ok(json!({ "user": user(&m8::User::from_claims(&claims).unwrap()) })),
        Err(rejection) => Err(rejection),
    };
    answer(verdict, TokenUse::Access, &hooks)
}

/// A verdict in the form the original's answer has.
pub(crate) fn answer(
    verdict: Result<Value, Rejection>,
    token_use: TokenUse,
    hooks: &Heard,
) -> Value {
    let mut answer = match verdict {
        Ok(mut said) => {
            said["ok"] = true.into();
            said
        }
        Err(rejection) => {
            json!({ "ok": false, "message": m8::outcome(token_use, &rejection).message })
        }
    };
    answer["heard"] = hooks.take();
    answer
}

fn user(user: &m8::User) -> Value {
    json!({
        "sub": user.subject,
        "jti": user.token_id,
        "type": "access",
        "email": user.email,
        "full_name": user.full_name,
        "avatar": user.avatar,
        "is_active": user.is_active,
        "email_verified": user.email_verified,
        "is_superuser": user.is_superuser,
        "role": user.role.as_str(),
        "exp": UnixTime::as_secs(user.expires_at),
    })
}

/// Hooks that write down what they are told, as the original's do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<Value>>>);

impl Heard {
    /// What was heard since the last time.
    pub(crate) fn take(&self) -> Value {
        std::mem::take(&mut *self.0.lock().unwrap()).into()
    }
}

impl ValidationHooks for Heard {
    fn on_success(&self, success: &Success<'_>) {
        self.0.lock().unwrap().push(json!({ "success": {
            "jti": success.token_id,
            "sub": success.subject,
            "token_type": success.token_use.as_str(),
        }}));
    }

    fn on_failure(&self, failure: &Failure<'_>) {
        self.0.lock().unwrap().push(json!({ "failure": {
            "reason": failure.reason.as_str(),
            "token_type": failure.token_use.as_str(),
        }}));
    }
}
