use std::sync::atomic::{AtomicU32, Ordering};

use crate::names;
use crate::policy_file::{FileNames, PolicyFileError, Said};

/// What is masked: a value, chosen once and handed to a [`Masker`](crate::Masker).
///
/// [`iso27001`](Self::iso27001) is the default; docs/masking.md lists its names with the reasons.
///
/// # Example: names, judged by their words
///
/// ```
/// use auth_mask::{Category, MaskPolicy};
///
/// let policy = MaskPolicy::iso27001();
/// assert_eq!(policy.category("X-Access-Token"), Some(Category::Tokens));
/// assert!(!policy.is_sensitive("tokenCount"));
/// assert!(!policy.is_sensitive("email"));
/// assert!(policy.with(Category::Contact).is_sensitive("email"));
/// ```
#[derive(Clone, Debug)]
pub struct MaskPolicy {
    rules: Rules,
    number: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rules {
    Words([bool; Category::ALL.len()]),
    Miso,
    /// What a file says, before the words.
    File(FileNames, [bool; Category::ALL.len()]),
}

impl MaskPolicy {
    /// The default: credentials, tokens, session, payment, government id and health by the words
    /// of their names, and secrets found in the values of all others.
    pub fn iso27001() -> Self {
        Self::of(Rules::Words(Category::ALL.map(Category::is_default)))
    }

    /// Exactly what miso-client 4.9.0 masks in a document: names that contain one of its 21
    /// substrings, and no values (contract miso §5).
    ///
    /// It masks `success`, `author` and `shipping` and shows `passphrase`, `jwt` and
    /// `cardNumber` (contract miso §13 A9). Choose it only where equal output is asked for.
    pub fn miso_4_9() -> Self {
        Self::of(Rules::Miso)
    }

    /// Reads a policy file in the format of the original client: `fields`, `fieldPatterns`,
    /// `neverMaskFields`, `substringMinLength`, `mergeWithHardcodedDefaults` (contract miso §5).
    ///
    /// Its names are compared as the original compares them: without `_` and `-`, and as a part of
    /// longer names unless they are shorter than `substringMinLength`, which is 4. They come to those
    /// of [`iso27001`](Self::iso27001), unless `mergeWithHardcodedDefaults` is false; and what
    /// `neverMaskFields` names is shown whatever else is said of it. A secret found in a value is
    /// masked under any name.
    ///
    /// # Errors
    ///
    /// If the file is not of that form. Nothing is made of a part of it.
    pub fn from_file(json: &[u8]) -> Result<Self, PolicyFileError> {
        let names = FileNames::read(json)?;
        let on = if names.with_defaults {
            Category::ALL.map(Category::is_default)
        } else {
            [false; Category::ALL.len()]
        };
        Ok(Self::of(Rules::File(names, on)))
    }

    /// Switches a category on. `miso_4_9` has none, and stays as it is.
    #[must_use]
    pub fn with(self, category: Category) -> Self {
        self.switched(category, true)
    }

    /// Switches a category off. `miso_4_9` has none, and stays as it is.
    #[must_use]
    pub fn without(self, category: Category) -> Self {
        self.switched(category, false)
    }

    /// Whether the value of what goes by this name is masked.
    pub fn is_sensitive(&self, name: &str) -> bool {
        match &self.rules {
            Rules::Words(_) => self.category(name).is_some(),
            Rules::Miso => names::miso::is_sensitive(name),
            Rules::File(file, _) => match file.say(name) {
                Said::Mask => true,
                Said::Show => false,
                Said::Nothing => self.category(name).is_some(),
            },
        }
    }

    /// The category that a sensitive name belongs to; `None` if it is innocent, or if the policy
    /// knows no categories.
    pub fn category(&self, name: &str) -> Option<Category> {
        match &self.rules {
            Rules::Words(on) | Rules::File(_, on) => {
                names::category(name).filter(|&category| on[category as usize])
            }
            Rules::Miso => None,
        }
    }

    /// As [`is_sensitive`](Self::is_sensitive), for the parameter of a query.
    pub(crate) fn is_sensitive_in_query(&self, name: &str) -> bool {
        let also = || match &self.rules {
            Rules::Words(on) | Rules::File(_, on) => {
                on[Category::Credentials as usize] && names::is_sensitive_in_query(name)
            }
            Rules::Miso => false,
        };
        self.is_sensitive(name) || also()
    }

    /// Whether strings that go by innocent names are looked through.
    pub(crate) fn looks_into_values(&self) -> bool {
        !matches!(self.rules, Rules::Miso)
    }

    /// Tells it apart from every policy that may judge otherwise.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    fn of(rules: Rules) -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        // From one; so many policies that they begin again are not made.
        let number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        Self { rules, number }
    }

    fn switched(self, category: Category, to: bool) -> Self {
        match self.rules {
            Rules::Words(mut on) => {
                on[category as usize] = to;
                Self::of(Rules::Words(on))
            }
            Rules::File(file, mut on) => {
                on[category as usize] = to;
                Self::of(Rules::File(file, on))
            }
            Rules::Miso => self,
        }
    }

    /// Whether values of this category are masked wherever they stand.
    pub(crate) fn masks(&self, category: Category) -> bool {
        match &self.rules {
            Rules::Words(on) | Rules::File(_, on) => on[category as usize],
            Rules::Miso => false,
        }
    }
}

/// Policies that judge alike are equal.
impl PartialEq for MaskPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
    }
}

impl Eq for MaskPolicy {}

impl Default for MaskPolicy {
    fn default() -> Self {
        Self::iso27001()
    }
}

/// What a sensitive name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// Passwords, secrets, keys, one-time codes.
    Credentials,
    /// Bearer tokens and tokens against forged requests.
    Tokens,
    /// Session identifiers and cookies.
    Session,
    /// Card data and bank accounts.
    Payment,
    /// Numbers a state gives to a person, and what proves who somebody is.
    GovernmentId,
    /// Data concerning health.
    Health,
    /// Mail addresses, telephone numbers, streets. Off unless switched on: a trail that does not
    /// say who did it proves little.
    Contact,
}

impl Category {
    /// All of them, in the order of their declaration.
    const ALL: [Self; 7] = [
        Self::Credentials,
        Self::Tokens,
        Self::Session,
        Self::Payment,
        Self::GovernmentId,
        Self::Health,
        Self::Contact,
    ];

    /// A stable name, such as `government_id`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Credentials => "credentials",
            Self::Tokens => "tokens",
            Self::Session => "session",
            Self::Payment => "payment",
            Self::GovernmentId => "government_id",
            Self::Health => "health",
            Self::Contact => "contact",
        }
    }

    pub(crate) fn is_default(self) -> bool {
        self != Self::Contact
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_category_is_at_its_own_place() {
        for (index, category) in Category::ALL.into_iter().enumerate() {
            assert_eq!(category as usize, index);
        }
    }

    #[test]
    fn a_category_is_switched_alone() {
        let policy = MaskPolicy::iso27001().without(Category::Health);
        assert!(!policy.is_sensitive("diagnosis"));
        assert!(policy.is_sensitive("password"));
        assert_eq!(policy.with(Category::Health), MaskPolicy::default());
    }

    #[test]
    fn the_originals_policy_has_no_categories_to_switch() {
        let policy = MaskPolicy::miso_4_9().without(Category::Credentials);
        assert_eq!(policy, MaskPolicy::miso_4_9());
        assert!(policy.is_sensitive("password"));
        assert_eq!(policy.category("password"), None);
    }
}
