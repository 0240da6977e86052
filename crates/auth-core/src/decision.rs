use std::borrow::Cow;

use crate::Reason;

/// The answer to "may they?".
///
/// Three values, because an outage is not a refusal: a caller who treats both as "no" is safe
/// ([`is_granted`](Self::is_granted)), a caller who answers a person tells them apart (403 or 503).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a decision that nobody looks at protects nothing"]
#[expect(
    clippy::exhaustive_enums,
    reason = "a fourth answer would break every caller's logic"
)]
pub enum Decision {
    /// They may.
    Granted,
    /// They may not.
    Denied,
    /// Nobody could say, and why.
    Unknown(Reason),
}

impl Decision {
    /// An answer nobody could give.
    pub fn unknown(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::Unknown(Reason::new(code, message))
    }

    /// Whether it is a clear yes. Unknown is not.
    #[must_use]
    pub fn is_granted(&self) -> bool {
        matches!(self, Self::Granted)
    }

    /// Granted only if both are. A denial outweighs an unknown: it would stand whatever the
    /// unknown turned out to be.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::Granted, Self::Granted) => Self::Granted,
        }
    }

    /// Granted if either is. An unknown outweighs a denial: it may yet have been a yes.
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Granted, _) | (_, Self::Granted) => Self::Granted,
            (Self::Unknown(why), _) | (_, Self::Unknown(why)) => Self::Unknown(why),
            (Self::Denied, Self::Denied) => Self::Denied,
        }
    }
}

/// Granted if `true`, denied if `false`.
impl From<bool> for Decision {
    fn from(granted: bool) -> Self {
        if granted { Self::Granted } else { Self::Denied }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_or_keep_unknown_apart_from_no_and_yes() {
        use Decision::{Denied, Granted};
        let unknown = || Decision::unknown("down", "the service is down");
        let cases = [
            // one, two, one and two, one or two
            (Granted, Granted, Granted, Granted),
            (Granted, Denied, Denied, Granted),
            (Denied, Denied, Denied, Denied),
            (Granted, unknown(), unknown(), Granted),
            (Denied, unknown(), Denied, unknown()),
            (unknown(), unknown(), unknown(), unknown()),
        ];
        for (one, two, and, or) in cases {
            for (one, two) in [(one.clone(), two.clone()), (two, one)] {
                let case = format!("{one:?}, {two:?}");
                assert_eq!(one.clone().and(two.clone()), and, "{case}");
                assert_eq!(one.or(two), or, "{case}");
            }
        }
    }

    #[test]
    fn unknown_is_never_granted() {
        assert!(!Decision::unknown("down", "the service is down").is_granted());
        assert!(!Decision::from(false).is_granted());
        assert!(Decision::from(true).is_granted());
    }
}
