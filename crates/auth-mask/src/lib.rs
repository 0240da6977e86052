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
//! - A text that is not JSON is an [`InvalidJson`]; what stands before its fault can be shown
//!   ([`Masker::mask_json_into`]). In a [`Value`](serde_json::Value), what lies deeper than 128
//!   levels is masked; so is a document that is a text in a document, and so on, 17 times.
//! - A secret that is used as a key is found only if it is known by its shape, and one that is cut
//!   into pieces or encoded (base64, say) is not found.
//! - Nothing here switches itself off at a size. [`MaskedJson::cut`] shows less of what was masked.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod category;
mod cookies;
mod cut;
mod error;
mod json;
mod masker;
mod memo;
mod names;
mod partial;
mod policy;
mod policy_file;
mod query;
mod style;
mod text;
mod value;

pub use crate::category::Category;
pub use crate::cut::{CUT, cut_text};
pub use crate::json::{InvalidJson, MaskedJson, NotSerializable};
pub use crate::masker::Masker;
pub use crate::partial::mask_partial;
pub use crate::policy::MaskPolicy;
pub use crate::policy_file::PolicyFileError;
pub use crate::style::{PseudonymKey, Style};
pub use auth_crypto::WeakKey;

/// What stands in place of a secret.
pub const MASK: &str = "***MASKED***";
