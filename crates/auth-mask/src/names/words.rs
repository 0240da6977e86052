/// The words of a name: lower-case, written together, with the places where each of them begins.
///
/// A word ends at a change from lower to upper case, before the last capital of a run that lower
/// case follows (`JWTKey` is `jwt key`), at a digit, and at everything that is neither letter nor
/// digit. Digits belong to no word: `password2` and `cvv2` are `password` and `cvv`.
pub(crate) struct Words {
    joined: String,
    starts: Vec<usize>,
}

impl Words {
    pub(crate) fn of(name: &str) -> Self {
        let mut words = Self {
            joined: String::with_capacity(name.len()),
            starts: Vec::new(),
        };
        let mut previous = Kind::Separator;
        let mut characters = name.chars().peekable();
        while let Some(character) = characters.next() {
            let kind = Kind::of(character);
            let next = characters.peek().map(|&next| Kind::of(next));
            let begins = match (previous, kind) {
                (_, Kind::Separator) => false,
                (Kind::Separator, _) | (Kind::Lower, Kind::Upper) => true,
                (Kind::Upper, Kind::Upper) => next == Some(Kind::Lower),
                (Kind::Upper | Kind::Lower, Kind::Lower) => false,
            };
            if begins {
                words.starts.push(words.joined.len());
            }
            if kind != Kind::Separator {
                words.joined.extend(character.to_lowercase());
            }
            previous = kind;
        }
        words
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.starts.len()
    }

    /// One of them.
    pub(crate) fn word(&self, index: usize) -> &str {
        &self.joined[self.starts[index]..self.end_of(index)]
    }

    /// The first `count` of them, written together.
    pub(crate) fn first(&self, count: usize) -> &str {
        match count {
            0 => "",
            count => &self.joined[..self.end_of(count - 1)],
        }
    }

    /// The word that ends where another begins, or nothing before the first.
    pub(crate) fn word_before(&self, start: usize) -> &str {
        match self.starts.partition_point(|&other| other < start) {
            0 => "",
            count => self.word(count - 1),
        }
    }

    /// The ends of the first `count` words, written together, longest first; those longer than
    /// `longest` bytes are left out, so that a hostile name costs no more than its length.
    pub(crate) fn ends(&self, count: usize, longest: usize) -> impl Iterator<Item = &str> {
        let text = self.first(count);
        let starts = &self.starts[..count];
        let near = starts.partition_point(|start| text.len() - start > longest);
        starts[near..].iter().map(move |&start| &text[start..])
    }

    fn end_of(&self, index: usize) -> usize {
        let next = self.starts.get(index + 1);
        next.copied().unwrap_or(self.joined.len())
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Upper,
    /// Also what has no case, such as Chinese.
    Lower,
    Separator,
}

impl Kind {
    fn of(character: char) -> Self {
        if character.is_uppercase() {
            Self::Upper
        } else if character.is_alphabetic() {
            Self::Lower
        } else {
            Self::Separator
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &[&str]) {
        let words = Words::of(name);
        let found: Vec<_> = (0..words.count()).map(|index| words.word(index)).collect();
        assert_eq!(found, expected, "{name:?}");
    }

    #[test]
    fn a_name_is_split_where_a_reader_would_split_it() {
        check("accessToken", &["access", "token"]);
        check("ACCESS-TOKEN", &["access", "token"]);
        check("user.access_token", &["user", "access", "token"]);
        check("X-Access-Token", &["x", "access", "token"]);
        check("access token", &["access", "token"]);
        check("user[password]", &["user", "password"]);
        check("JWTKey", &["jwt", "key"]);
        check("APIKeys", &["api", "keys"]);
        check("cvv2", &["cvv"]);
        check("oauth2Token", &["oauth", "token"]);
        check("base64", &["base"]);
        check("contraseñaNueva", &["contraseña", "nueva"]);
        check("ÄÖÜßen", &["äö", "üßen"]);
        check("密码", &["密码"]);
        check("", &[]);
        check("_-._42", &[]);
    }

    #[test]
    fn the_word_before_another_is_found() {
        let words = Words::of("userHasPassword");
        assert_eq!(words.word_before(7), "has");
        assert_eq!(words.word_before(4), "user");
        assert_eq!(words.word_before(0), "");
    }

    #[test]
    fn ends_are_given_longest_first_and_no_longer_than_asked() {
        let words = Words::of("theUserAccessToken");
        let ends = |longest| words.ends(4, longest).collect::<Vec<_>>();
        assert_eq!(
            ends(99),
            [
                "theuseraccesstoken",
                "useraccesstoken",
                "accesstoken",
                "token"
            ]
        );
        assert_eq!(ends(11), ["accesstoken", "token"]);
        assert_eq!(words.ends(2, 99).collect::<Vec<_>>(), ["theuser", "user"]);
    }
}
