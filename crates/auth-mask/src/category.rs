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
    pub(crate) const ALL: [Self; 7] = [
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
}
