use std::sync::atomic::{AtomicU32, Ordering};

use crate::names::{self, Named};
use crate::policy_file::{FileNames, PolicyFileError, Said};
use crate::{Category, Style};

/// What is masked, and how: a value, chosen once and handed to a [`Masker`](crate::Masker).
///
/// [`iso27001`](Self::iso27001) is the default; docs/masking.md lists its names with the reasons.
///
/// # Example: names, judged by their words
///
/// ```
/// use auth_mask::{Category, MaskPolicy, Style};
///
/// let policy = MaskPolicy::iso27001();
/// assert_eq!(policy.category("X-Access-Token"), Some(Category::Tokens));
/// assert!(!policy.is_sensitive("tokenCount"));
/// assert!(!policy.is_sensitive("email"));
///
/// let ours = policy
///     .with(Category::Contact)
///     .mask_name("employee number", Style::Full)
///     .show_name("supportEmail");
/// assert!(ours.is_sensitive("email") && ours.is_sensitive("EMPLOYEE_NUMBER"));
/// assert!(!ours.is_sensitive("support_email"));
/// ```
#[derive(Clone, Debug)]
pub struct MaskPolicy {
    rules: Rules,
    categories: [bool; Category::ALL.len()],
    styles: Styles,
    /// What was said of single names, which goes before all else.
    named: Named,
    number: u32,
}

/// Who judges a name that nothing was said of, and that is of no category.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rules {
    /// The categories alone.
    Words,
    /// The original client's substrings; there are no categories.
    Miso,
    /// What a file says, before the categories.
    File(FileNames),
    /// Whatever is not named is a secret.
    Strict,
}

impl MaskPolicy {
    /// The default: credentials, tokens, session, payment, government id and health by the words
    /// of their names, and secrets found in the values of all others.
    pub fn iso27001() -> Self {
        Self::of(Rules::Words)
    }

    /// Everything is masked, unless [`show_name`](Self::show_name) names it.
    ///
    /// A value that is shown is looked through for secrets, as it is under
    /// [`iso27001`](Self::iso27001); of an object only the members that are named are shown in their
    /// turn. What has no name (a text, the path of a URL, a document that is no object) is masked.
    ///
    /// # Example: a body of which two members are known
    ///
    /// ```
    /// use auth_mask::{MaskPolicy, Masker};
    ///
    /// let masker = Masker::new(MaskPolicy::strict().show_name("status").show_name("user"));
    /// let shown = masker.mask_json(r#"{"status":200,"user":{"id":7,"status":"on"},"x":[1]}"#)?;
    /// assert_eq!(
    ///     shown.as_str(),
    ///     r#"{"status":200,"user":{"id":"***MASKED***","status":"on"},"x":"***MASKED***"}"#
    /// );
    /// # Ok::<(), auth_mask::InvalidJson>(())
    /// ```
    pub fn strict() -> Self {
        Self::of(Rules::Strict)
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
        let with_defaults = names.with_defaults;
        let mut policy = Self::of(Rules::File(names));
        if !with_defaults {
            policy.categories = [false; Category::ALL.len()];
        }
        Ok(policy)
    }

    /// Switches a category on. [`miso_4_9`](Self::miso_4_9) has none, and stays as it is.
    #[must_use]
    pub fn with(self, category: Category) -> Self {
        self.switched(category, true)
    }

    /// Switches a category off. [`miso_4_9`](Self::miso_4_9) has none, and stays as it is; under
    /// [`strict`](Self::strict) its names are masked all the same, and its shapes in texts are not.
    #[must_use]
    pub fn without(self, category: Category) -> Self {
        self.switched(category, false)
    }

    /// Sets what stands in place of the values that go by names of this category.
    #[must_use]
    pub fn style(mut self, category: Category, style: Style) -> Self {
        self.styles.set(category, style);
        self.renumbered()
    }

    /// Masks what goes by this name, whatever else is said of it.
    ///
    /// Names are compared by words, as those of `iso27001` are: `employee number` is also
    /// `EMPLOYEE_NUMBER`, `employeeNumbers` and `formerEmployeeNumber`. Of two names that fit, the
    /// longer one decides; of two equal ones, the later. A name without a letter is none.
    #[must_use]
    pub fn mask_name(mut self, name: &str, style: Style) -> Self {
        let judgement = self.styles.judgement(style);
        self.named.insert(name, judgement);
        self.renumbered()
    }

    /// Shows what goes by this name, whatever else is said of it; the name is compared as by
    /// [`mask_name`](Self::mask_name). A secret found in its value is masked.
    #[must_use]
    pub fn show_name(mut self, name: &str) -> Self {
        self.named.insert(name, Judgement::SHOW);
        self.renumbered()
    }

    /// Whether the value of what goes by this name is masked.
    pub fn is_sensitive(&self, name: &str) -> bool {
        self.judge(name).is_sensitive()
    }

    /// The category that a sensitive name belongs to; `None` if it is innocent, or if the policy
    /// knows no categories.
    pub fn category(&self, name: &str) -> Option<Category> {
        match self.rules {
            Rules::Miso => None,
            _ => names::category(name).filter(|&category| self.categories[category as usize]),
        }
    }

    /// What becomes of the value of what goes by this name.
    pub(crate) fn judge(&self, name: &str) -> Judgement {
        if let Some(judgement) = self.named.judge(name) {
            return judgement;
        }
        let otherwise = match &self.rules {
            Rules::Miso if names::miso::is_sensitive(name) => Judgement::FULL,
            Rules::Words | Rules::Miso => Judgement::SHOW,
            Rules::Strict => Judgement::FULL,
            Rules::File(file) => match file.say(name) {
                Said::Mask => Judgement::FULL,
                Said::Show => return Judgement::SHOW,
                Said::Nothing => Judgement::SHOW,
            },
        };
        let category = self.category(name);
        category.map_or(otherwise, |category| self.styles.of(category))
    }

    /// As [`judge`](Self::judge), for the parameter of a query.
    pub(crate) fn judge_in_query(&self, name: &str) -> Judgement {
        let judgement = self.judge(name);
        if judgement.is_sensitive() || self.is_said_to_be_shown(name) {
            return judgement;
        }
        if self.masks(Category::Credentials) && names::is_sensitive_in_query(name) {
            return self.styles.of(Category::Credentials);
        }
        judgement
    }

    /// As [`judge`](Self::judge), for a cookie.
    pub(crate) fn judge_cookie(&self, name: &str) -> Judgement {
        let judgement = self.judge(name);
        if judgement.is_sensitive() || self.is_said_to_be_shown(name) {
            judgement
        } else {
            self.judge("cookie")
        }
    }

    fn is_said_to_be_shown(&self, name: &str) -> bool {
        let by_file = match &self.rules {
            Rules::File(file) => file.say(name) == Said::Show,
            _ => false,
        };
        by_file || self.named.judge(name) == Some(Judgement::SHOW)
    }

    /// What stands in place of a secret.
    pub(crate) fn replacement(&self, judgement: Judgement) -> &Style {
        self.styles.get(judgement)
    }

    /// Whether strings that go by innocent names are looked through.
    pub(crate) fn looks_into_values(&self) -> bool {
        self.rules != Rules::Miso
    }

    /// Whether what goes by no name is masked.
    pub(crate) fn masks_the_unnamed(&self) -> bool {
        self.rules == Rules::Strict
    }

    /// Whether values of this category are masked wherever they stand.
    pub(crate) fn masks(&self, category: Category) -> bool {
        self.rules != Rules::Miso && self.categories[category as usize]
    }

    /// Tells it apart from every policy that may judge otherwise.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    fn of(rules: Rules) -> Self {
        Self {
            rules,
            categories: Category::ALL.map(Category::is_default),
            styles: Styles::default(),
            named: Named::default(),
            number: 0,
        }
        .renumbered()
    }

    fn switched(mut self, category: Category, to: bool) -> Self {
        if self.rules != Rules::Miso {
            self.categories[category as usize] = to;
        }
        self.renumbered()
    }

    /// Each change makes another policy of it.
    fn renumbered(mut self) -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        // From one; so many policies that they begin again are not made.
        self.number = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        self
    }
}

/// Policies that were made alike are equal.
impl PartialEq for MaskPolicy {
    fn eq(&self, other: &Self) -> bool {
        self.rules == other.rules
            && self.categories == other.categories
            && self.styles == other.styles
            && self.named == other.named
    }
}

impl Eq for MaskPolicy {}

impl Default for MaskPolicy {
    fn default() -> Self {
        Self::iso27001()
    }
}

/// What becomes of a value: it is shown, or one of the styles of its policy stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Judgement(u16);

impl Judgement {
    pub(crate) const SHOW: Self = Self(0);
    pub(crate) const FULL: Self = Self(1);

    pub(crate) fn is_sensitive(self) -> bool {
        self != Self::SHOW
    }

    /// This one, unless only the other masks.
    pub(crate) fn or(self, other: Self) -> Self {
        if self.is_sensitive() { self } else { other }
    }
}

/// The styles of a policy, each of them once; the first is [`Style::Full`].
#[derive(Clone, Debug, PartialEq, Eq)]
struct Styles {
    all: Vec<Style>,
    by_category: [Judgement; Category::ALL.len()],
}

impl Styles {
    fn get(&self, judgement: Judgement) -> &Style {
        let index = usize::from(judgement.0).wrapping_sub(1);
        self.all.get(index).unwrap_or(&Style::Full)
    }

    fn of(&self, category: Category) -> Judgement {
        self.by_category[category as usize]
    }

    fn set(&mut self, category: Category, style: Style) {
        self.by_category[category as usize] = self.judgement(style);
    }

    /// The judgement that stands for a style. More styles than there are numbers are masked in full.
    fn judgement(&mut self, style: Style) -> Judgement {
        let known = self.all.iter().position(|known| *known == style);
        let index = known.unwrap_or_else(|| {
            self.all.push(style);
            self.all.len() - 1
        });
        u16::try_from(index + 1).map_or(Judgement::FULL, Judgement)
    }
}

impl Default for Styles {
    fn default() -> Self {
        Self {
            all: vec![Style::Full],
            by_category: [Judgement::FULL; Category::ALL.len()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_is_said_of_a_name_goes_before_all_else() {
        for policy in [
            MaskPolicy::iso27001(),
            MaskPolicy::miso_4_9(),
            MaskPolicy::strict(),
        ] {
            let policy = policy
                .show_name("api token")
                .mask_name("user id", Style::Full)
                .mask_name("public user id", Style::Full)
                .show_name("publicUserId");
            for shown in [
                "apiToken",
                "MY_API_TOKENS",
                "publicUserId",
                "x-public-user-id",
            ] {
                assert!(!policy.is_sensitive(shown), "{shown}");
            }
            for masked in ["userId", "the.user-ids", "accessToken"] {
                assert!(policy.is_sensitive(masked), "{masked}");
            }
        }
    }

    #[test]
    fn strict_shows_nothing_that_is_not_named() {
        let policy = MaskPolicy::strict();
        for masked in ["", "id", "status", "tokenCount", "名前"] {
            assert!(policy.is_sensitive(masked), "{masked}");
        }
        assert!(
            policy
                .clone()
                .without(Category::Credentials)
                .is_sensitive("password")
        );
        assert_eq!(policy.category("password"), Some(Category::Credentials));
    }

    #[test]
    fn a_style_is_kept_once() {
        let policy = MaskPolicy::iso27001()
            .style(Category::Payment, Style::Drop)
            .mask_name("a", Style::Drop)
            .mask_name("b", Style::Full);
        assert_eq!(policy.styles.all, [Style::Full, Style::Drop]);
        assert_eq!(policy.replacement(policy.judge("iban")), &Style::Drop);
        assert_eq!(policy.replacement(policy.judge("b")), &Style::Full);
        assert_eq!(policy.replacement(policy.judge("c")), &Style::Full);
    }
}
