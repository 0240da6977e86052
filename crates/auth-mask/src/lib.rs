//! What a log or an audit event may show.
//!
//! A [`Masker`] takes a document, headers, a query, a URL or free text, and gives back a copy in
//! which secrets are replaced by [`MASK`]. Which names are secret is a [`MaskPolicy`]; the default
//! masks by the words of a name (`accessToken`, `ACCESS-TOKEN` and `user.access.token` are one
//! name, `tokenCount` is another), and finds tokens, keys, passwords, cards and bank accounts in the
//! values of innocent names and in free text. `docs/masking.md` lists every name with its reason.
//!
//! ```
//! use auth_mask::Masker;
//!
//! let masker = Masker::default();
//! let shown = masker.mask_json(r#"{"user":"ada","dbPassword":{"old":"x"},"note":"Bearer abc.def"}"#)?;
//! assert_eq!(
//!     shown.as_str(),
//!     r#"{"user":"ada","dbPassword":"***MASKED***","note":"Bearer ***MASKED***"}"#
//! );
//! assert_eq!(
//!     masker.mask_url("https://ada:pw@host/list?page=2&token=abc"),
//!     "https://***MASKED***@host/list?page=2&token=***MASKED***"
//! );
//! # Ok::<(), auth_mask::InvalidJson>(())
//! ```
//!
//! # Limits
//!
//! - A document that is not JSON, or nests deeper than 128 levels, is an [`InvalidJson`], and
//!   nothing of it is shown. In a [`Value`](serde_json::Value), what lies deeper is masked.
//! - Keys are shown as they are: a secret used as a key is not found, and neither is one that is
//!   cut into pieces or encoded (base64, a document inside a string beyond its quoted values).
//! - A card or an account is found in text, not in a JSON number: there, its name decides.
//! - An integer beyond 64 bits is shown as the nearest floating-point number.
//! - Whoever calls decides what to mask; nothing here bounds the size of what is shown.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod json;
mod masker;
mod names;
mod partial;
mod policy;
mod policy_file;
mod query;
mod text;
mod value;

pub use crate::json::{InvalidJson, MaskedJson, NotSerializable};
pub use crate::masker::Masker;
pub use crate::partial::mask_partial;
pub use crate::policy::{Category, MaskPolicy};
pub use crate::policy_file::PolicyFileError;

/// What stands in place of a secret.
pub const MASK: &str = "***MASKED***";
