use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use auth_core::BoxFuture;

use crate::key_set::{Epoch, KeySet};

/// Where a verifier takes its keys from.
///
/// This crate does no I/O: it asks for the keys at hand, and, when a token names one that is not
/// among them, for newer ones. [`StaticKeys`] is for keys that are known beforehand.
///
/// # Example: a document that somebody else reads again now and then
///
/// ```
/// use std::sync::{Arc, RwLock};
/// use auth_jwt::{BoxFuture, KeySet, KeySetError, KeySource, KeysUnavailable};
///
/// #[derive(Debug)]
/// struct Reloaded(RwLock<(Vec<u8>, Arc<KeySet>)>);
///
/// impl Reloaded {
///     fn reload(&self, document: &[u8]) -> Result<(), KeySetError> {
///         let mut known = self.0.write().unwrap();
///         // An unchanged document keeps its set, and with it every token that is remembered.
///         if known.0 != document {
///             let keys = KeySet::from_jwks(document)?; // a broken one leaves the keys as they are
///             *known = (document.to_vec(), Arc::new(keys));
///         }
///         Ok(())
///     }
/// }
///
/// impl KeySource for Reloaded {
///     fn snapshot(&self) -> Arc<KeySet> {
///         Arc::clone(&self.0.read().unwrap().1)
///     }
///
///     fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
///         Box::pin(std::future::ready(Ok(()))) // there is nothing newer than what was reloaded
///     }
/// }
/// # let keys = Reloaded(RwLock::new((Vec::new(), Arc::default())));
/// # keys.reload(br#"{"keys":[]}"#)?;
/// # assert!(keys.snapshot().is_empty());
/// # Ok::<(), KeySetError>(())
/// ```
pub trait KeySource: fmt::Debug + Send + Sync {
    /// The keys as they are known now. Called for every token, so it must not wait.
    fn snapshot(&self) -> Arc<KeySet>;

    /// The epoch of the [`snapshot`](Self::snapshot), for a source that can tell it for less. A
    /// verifier asks for it each time it recognises a token.
    fn epoch(&self) -> Epoch {
        self.snapshot().epoch()
    }

    /// Looks for newer keys, because no known one goes by `kid`, and returns once the next
    /// [`snapshot`](Self::snapshot) is as good as it gets.
    ///
    /// Anybody can send tokens with made-up `kid`s, so an implementation limits how often it
    /// really looks. Resolves to [`KeysUnavailable`] if it could not look and does not know
    /// whether the key exists.
    fn refresh<'a>(&'a self, kid: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>>;
}

/// Keys that do not change.
///
/// # Example: a key set from a document
///
/// ```
/// use auth_jwt::{KeySet, KeySource, StaticKeys};
///
/// let keys = StaticKeys::new(KeySet::from_jwks(br#"{"keys":[]}"#)?);
/// assert!(keys.snapshot().is_empty());
/// # Ok::<(), auth_jwt::KeySetError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StaticKeys(Arc<KeySet>);

impl StaticKeys {
    /// Takes the keys.
    pub fn new(keys: impl Into<KeySet>) -> Self {
        Self(Arc::new(keys.into()))
    }
}

impl KeySource for StaticKeys {
    fn snapshot(&self) -> Arc<KeySet> {
        Arc::clone(&self.0)
    }

    fn epoch(&self) -> Epoch {
        self.0.epoch()
    }

    fn refresh<'a>(&'a self, _: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl<S: KeySource + ?Sized> KeySource for Arc<S> {
    fn snapshot(&self) -> Arc<KeySet> {
        (**self).snapshot()
    }

    fn epoch(&self) -> Epoch {
        (**self).epoch()
    }

    fn refresh<'a>(&'a self, kid: Option<&'a str>) -> BoxFuture<'a, Result<(), KeysUnavailable>> {
        (**self).refresh(kid)
    }
}

/// The keys could not be had: an outage, not a verdict on any token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys are unavailable: {0}")]
pub struct KeysUnavailable(Cow<'static, str>);

impl KeysUnavailable {
    /// Says why, in lower case and without a secret.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }
}
