//! Tokens that were verified already.

use std::fmt;
use std::hash::RandomState;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::claims::{Accepted, Claims, Remembered};

/// Remembers the tokens a [`Verifier`](crate::Verifier) has accepted, so that the next request with
/// one of them costs a comparison instead of a signature.
///
/// A token is recognised only as a whole: each byte is compared, in constant time. It is forgotten
/// when it ends, when the keys it was verified with are replaced, and when there is no room left;
/// what was not accepted is never remembered. A cache belongs to one verifier and its clones:
/// it is handed over, and what another policy has accepted cannot be in it.
///
/// The tokens lie in memory until they are forgotten and the last of their claims is dropped, and are
/// wiped then.
///
/// # Example: verified once
///
/// ```
/// # use auth_jwt::{KeySet, Policy, StaticKeys};
/// use auth_jwt::{TokenCache, Verifier};
///
/// # let policy = Policy::builder("https://issuer.test", "my-api").build()?;
/// # let keys = StaticKeys::new(KeySet::from_jwks(br#"{"keys":[]}"#)?);
/// let verifier = Verifier::new(policy, keys).with_token_cache(TokenCache::new());
/// # let _ = verifier;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TokenCache {
    tokens: Cache<Tail, Claims, Size, RandomState>,
    max_bytes: usize,
}

impl TokenCache {
    /// A cache of at most 64 MiB, which is some ten thousand tokens of 1 KiB.
    pub fn new() -> Self {
        Self::with_max_bytes(64 * 1024 * 1024)
    }

    /// A cache of at most so many bytes, counted as the tokens, their claims, and the identities made
    /// of them, which count from the beginning. 64 GiB at most. A token that is too large for it is not remembered.
    pub fn with_max_bytes(max_bytes: usize) -> Self {
        let max_bytes = max_bytes.min(MAX_BYTES);
        let tokens = Cache::with(
            max_bytes / USUAL_BYTES,
            max_bytes as u64,
            Size,
            // Keyed afresh for each cache, so that nobody can aim at one of its buckets.
            RandomState::new(),
            DefaultLifecycle::default(),
        );
        Self { tokens, max_bytes }
    }

    /// An empty cache of the same size.
    pub(crate) fn emptied(&self) -> Self {
        Self::with_max_bytes(self.max_bytes)
    }

    /// The claims of this very token, if it is remembered and `still_good`; forgotten if it is not.
    #[inline]
    pub(crate) fn get(
        &self,
        token: &str,
        still_good: impl FnOnce(&Accepted, &Remembered) -> bool,
    ) -> Option<Claims> {
        let tail = Tail::of(token)?;
        let claims = self.tokens.get(&tail)?;
        let remembered = claims.0.remembered.as_ref()?;
        verify_slices_are_equal(remembered.token.as_bytes(), token.as_bytes()).ok()?;
        if still_good(&claims.0, remembered) {
            return Some(claims);
        }
        self.tokens.remove(&tail);
        None
    }

    pub(crate) fn insert(&self, token: &str, claims: Claims) {
        if let Some(tail) = Tail::of(token) {
            self.tokens.insert(tail, claims);
        }
    }
}

impl Default for TokenCache {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache")
            .field("len", &self.tokens.len())
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

/// The last bytes of a token: 96 bits of its signature, which nobody can choose who cannot sign.
/// Two tokens of one tail displace each other, and neither is taken for the other.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Tail(u128);

impl Tail {
    fn of(token: &str) -> Option<Self> {
        let tail = token.as_bytes().last_chunk::<16>()?;
        Some(Self(u128::from_ne_bytes(*tail)))
    }
}

#[derive(Clone)]
struct Size;

impl Weighter<Tail, Claims> for Size {
    fn weight(&self, _: &Tail, claims: &Claims) -> u64 {
        claims.bytes() as u64
    }
}

/// A token of 1 KiB with its claims and its identity.
const USUAL_BYTES: usize = 6 * 1024;

/// 64 GiB: more would be a mistake, and room is made for some of it at once.
const MAX_BYTES: usize = 1 << 36;
