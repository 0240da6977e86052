//! What stands in place of a secret.

use std::borrow::Cow;

use auth_core::Secret;
use auth_crypto::{HmacKey, WeakKey};

use crate::{MASK, mask_partial};

/// What stands in place of a secret that goes by a name.
///
/// A style is for the values of names: members of a document, headers, parameters, cookies. What is
/// found inside of a text is always masked in full.
///
/// # Example: enough of a number to find it again, and nothing of a pin
///
/// ```
/// use auth_mask::{Category, MaskPolicy, Masker, Style};
///
/// let policy = MaskPolicy::iso27001()
///     .style(Category::Payment, Style::Partial { first: 0, last: 4 })
///     .mask_name("pin", Style::Drop);
/// let shown = Masker::new(policy).mask_json(r#"{"cardNumber":"4111111111111111","pin":1234}"#)?;
/// assert_eq!(shown.as_str(), r#"{"cardNumber":"************1111"}"#);
/// # Ok::<(), auth_mask::InvalidJson>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Style {
    /// [`MASK`], whatever the value is.
    #[default]
    Full,
    /// The first and the last characters of a text or a number, as [`mask_partial`] shows them;
    /// [`MASK`] for anything else.
    Partial {
        /// How many characters are shown at the beginning.
        first: usize,
        /// How many characters are shown at the end.
        last: usize,
    },
    /// A name for the value, the same wherever the key is the same, for a text or a number; [`MASK`]
    /// for anything else. A number goes by its spelling.
    Pseudonym(PseudonymKey),
    /// Nothing, and its name neither: what has other members beside it is shown without it.
    Drop,
}

impl Style {
    /// What is shown of a text or of the digits of a number; `None` if it is left out.
    pub(crate) fn of_text(&self, text: &str) -> Option<Cow<'static, str>> {
        match self {
            Self::Full => Some(MASK.into()),
            // What was masked before tells nothing by its ends.
            Self::Partial { .. } if text == MASK => Some(MASK.into()),
            Self::Partial { first, last } => Some(mask_partial(text, *first, *last).into()),
            Self::Pseudonym(key) => Some(key.pseudonym(text).into()),
            Self::Drop => None,
        }
    }

    /// What is shown of anything else.
    pub(crate) fn of_other(&self) -> Option<&'static str> {
        match self {
            Self::Drop => None,
            _ => Some(MASK),
        }
    }

    /// Whether it makes no difference what the value is.
    pub(crate) fn is_blind(&self) -> bool {
        matches!(self, Self::Full | Self::Drop)
    }
}

/// The key of pseudonyms: whoever has it can tell which one stands for a value that he knows.
///
/// Keep one for a deployment. With another key all pseudonyms are others, which is how they are
/// made useless once nobody should tell people apart by them any more.
///
/// # Example: the same user under the same name
///
/// ```
/// use auth_core::Secret;
/// use auth_mask::{MaskPolicy, Masker, PseudonymKey, Style};
///
/// let key = PseudonymKey::new(&Secret::from("32 random bytes, or more of them"))?;
/// let masker = Masker::new(MaskPolicy::iso27001().mask_name("user id", Style::Pseudonym(key)));
/// let one = masker.mask_json(r#"{"userId":"ada"}"#)?;
/// assert!(one.as_str().starts_with(r#"{"userId":"pseudonym:"#));
/// assert_eq!(masker.mask_json(r#"{"userId":"ada"}"#)?, one);
/// assert_ne!(masker.mask_json(r#"{"userId":"bob"}"#)?, one);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PseudonymKey(HmacKey);

impl PseudonymKey {
    /// Takes the key's text.
    ///
    /// # Errors
    ///
    /// [`WeakKey`] if it has fewer than 32 bytes: who can guess the key can guess the values.
    pub fn new(key: &Secret) -> Result<Self, WeakKey> {
        HmacKey::new(key).map(Self)
    }

    /// `pseudonym:` and 32 hexadecimal digits. One that this key has made stays as it is, so that
    /// masking twice is masking once; nobody else can make one that stays.
    fn pseudonym(&self, text: &str) -> String {
        if text == MASK || self.has_made(text) {
            return text.to_owned();
        }
        let tag = self.digits("value:", text, 24);
        let seal = self.digits("pseudonym:", &tag, 8);
        format!("{PREFIX}{tag}{seal}")
    }

    fn has_made(&self, text: &str) -> bool {
        text.strip_prefix(PREFIX)
            .and_then(|digits| digits.split_at_checked(24))
            .is_some_and(|(tag, seal)| self.digits("pseudonym:", tag, 8) == seal)
    }

    fn digits(&self, purpose: &str, text: &str, count: usize) -> String {
        let tag = self.0.tag([purpose, text].concat().as_bytes());
        let digits = tag.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits
            .take(count)
            .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
            .collect()
    }
}

/// Keys that make the same pseudonyms are equal.
impl PartialEq for PseudonymKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.tag(b"key:") == other.0.tag(b"key:")
    }
}

impl Eq for PseudonymKey {}

const PREFIX: &str = "pseudonym:";
