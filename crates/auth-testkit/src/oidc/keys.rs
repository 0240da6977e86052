use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use auth_core::BoxFuture;
use auth_jwt::mint::{MintError, SigningKey};
use auth_jwt::{Algorithm, KeySet, KeySource, KeysUnavailable};
use serde_json::json;
use uuid::Uuid;

/// The issuer's keys: the newest signs, all are published.
#[derive(Debug)]
pub(super) struct Keys {
    algorithm: Algorithm,
    /// Oldest first, never empty.
    keys: RwLock<Vec<Arc<SigningKey>>>,
}

impl Keys {
    pub(super) fn generate(algorithm: Algorithm) -> Result<Self, MintError> {
        Ok(Self {
            algorithm,
            keys: RwLock::new(vec![new_key(algorithm)?]),
        })
    }

    /// The key that signs.
    pub(super) fn current(&self) -> Arc<SigningKey> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.last().expect("there is always a key"))
    }

    /// Makes a new key sign; the older ones stay published.
    pub(super) fn rotate(&self) -> Result<(), MintError> {
        let key = new_key(self.algorithm)?;
        self.write().push(key);
        Ok(())
    }

    /// Publishes no key but the one that signs.
    pub(super) fn retire_old(&self) {
        let mut keys = self.write();
        let old = keys.len() - 1;
        keys.drain(..old);
    }

    /// The JWKS document.
    pub(super) fn jwks(&self) -> String {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let public: Vec<_> = keys.iter().filter_map(|key| key.public_jwk()).collect();
        json!({ "keys": public }).to_string()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Arc<SigningKey>>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys as they are published at the time, for verifiers in the same process.
impl KeySource for Keys {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::new(KeySet::from_jwks(self.jwks().as_bytes()).expect("it is our own key set"))
    }

    fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn new_key(algorithm: Algorithm) -> Result<Arc<SigningKey>, MintError> {
    let key = SigningKey::generate(algorithm)?;
    Ok(Arc::new(key.with_kid(Uuid::new_v4().to_string())))
}
