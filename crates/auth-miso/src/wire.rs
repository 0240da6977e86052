//! The controller's bodies, as the contract records them (miso §1). What they hold besides is passed
//! over.

use auth_core::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// `{"success": true, "data": …}`, with whatever else; `success` may be left out.
#[derive(Deserialize)]
pub(crate) struct Envelope<T> {
    success: Option<bool>,
    data: T,
}

impl<T> Envelope<T> {
    /// The data, unless the answer says that it is none.
    pub(crate) fn into_data(self) -> Option<T> {
        (self.success != Some(false)).then_some(self.data)
    }
}

/// The answer to a mint: wrapped as now, or flat as before.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum MintAnswer {
    Wrapped {
        success: Option<bool>,
        data: Minted,
    },
    Flat {
        success: Option<bool>,
        #[serde(flatten)]
        data: Minted,
    },
}

impl MintAnswer {
    /// The token, unless the answer says that it is none.
    pub(crate) fn into_minted(self) -> Option<Minted> {
        let (Self::Wrapped { success, data } | Self::Flat { success, data }) = self;
        (success != Some(false) && !data.token.is_empty()).then_some(data)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Minted {
    pub(crate) token: Secret,
    /// A number, or a number in a text.
    #[serde(default, deserialize_with = "lenient_seconds")]
    pub(crate) expires_in: Option<u64>,
    /// A time in a text; anything else says nothing.
    #[serde(default)]
    expires_at: Value,
}

impl Minted {
    pub(crate) fn expires_at(&self) -> Option<&str> {
        self.expires_at.as_str()
    }
}

/// The answer to validate and user.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Authenticated {
    pub(crate) authenticated: bool,
    pub(crate) user: Option<User>,
    pub(crate) expires_at: Option<String>,
}

/// A user as the controller describes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct User {
    /// The identifier, which is the subject of the user's tokens.
    pub id: String,
    /// The name the user logs in with.
    pub username: String,
    /// The mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The first name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// The last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// The roles, if this answer states them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
}

/// A token the controller has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validated {
    /// Whose token it is.
    pub user: User,
    /// When it ends, as the controller wrote it.
    pub expires_at: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Roles {
    pub(crate) roles: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct Permissions {
    pub(crate) permissions: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct TokenBody<'a> {
    pub(crate) token: &'a str,
}

/// The answer to a batch of logs (contract miso §1.5): flat, wrapped, or just a success.
#[derive(Deserialize)]
pub(crate) struct BatchAnswer {
    success: Option<bool>,
    failed: Option<u64>,
    #[serde(default)]
    errors: Option<Vec<BatchError>>,
    #[serde(default)]
    data: Option<Counts>,
}

#[derive(Deserialize)]
struct Counts {
    failed: Option<u64>,
}

#[derive(Deserialize)]
struct BatchError {
    index: Option<usize>,
}

impl BatchAnswer {
    /// What became of a batch of this many, or `None` if the answer claims the impossible.
    pub(crate) fn outcome(self, entries: usize) -> Option<BatchOutcome> {
        let mut failed_at: Vec<_> = self
            .errors
            .into_iter()
            .flatten()
            .filter_map(|error| error.index)
            .collect();
        failed_at.sort_unstable();
        failed_at.dedup();
        let counted = self.failed.or(self.data.and_then(|data| data.failed));
        let all = entries as u64;
        let failed = match (counted, self.success) {
            (Some(failed), _) => failed.max(failed_at.len() as u64),
            (None, Some(false)) if failed_at.is_empty() => all,
            (None, _) => failed_at.len() as u64,
        };
        let possible = failed <= all && failed_at.last().is_none_or(|last| *last < entries);
        possible.then_some(BatchOutcome { failed, failed_at })
    }
}

/// What became of a batch of log entries.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BatchOutcome {
    /// How many entries the controller has not taken.
    pub failed: u64,
    /// Which ones, by their place in the list, as far as the controller said.
    pub failed_at: Vec<usize>,
}

impl BatchOutcome {
    pub(crate) fn all_taken() -> Self {
        Self {
            failed: 0,
            failed_at: Vec::new(),
        }
    }

    pub(crate) fn none_taken(entries: usize) -> Self {
        Self {
            failed: entries as u64,
            failed_at: Vec::new(),
        }
    }
}

fn lenient_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}
