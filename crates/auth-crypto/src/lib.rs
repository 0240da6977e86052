//! The cryptography the other crates share.
//!
//! [`TokenHash`] is the name under which something about a token is remembered: a cache must neither
//! hold a token as its key nor print one. [`HmacKey`] makes tags that nobody can make without it, and
//! a [`KeyRing`] seals values for stores that others can read.
//!
//! ```
//! use auth_core::Secret;
//! use auth_crypto::TokenHash;
//!
//! let hash = TokenHash::of(&Secret::from("abc"));
//! assert_eq!(hash.to_hex().len(), 64);
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod hmac_key;
mod key_ring;
mod token_hash;
mod xaes;

pub use crate::hmac_key::{HmacKey, WeakKey};
pub use crate::key_ring::{KeyRing, NotOpened, NotSealed, SealingKey, UnusableKey};
pub use crate::token_hash::TokenHash;
