//! The cryptography the other crates share.
//!
//! Today that is [`TokenHash`], the name under which something about a token is remembered: a
//! cache must neither hold a token as its key nor print one.
//!
//! ```
//! use auth_core::Secret;
//! use auth_crypto::TokenHash;
//!
//! let hash = TokenHash::of(&Secret::from("abc"));
//! assert_eq!(hash.to_hex().len(), 64);
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod token_hash;

pub use crate::token_hash::TokenHash;
