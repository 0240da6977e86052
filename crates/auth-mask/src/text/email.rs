//! Mail addresses (RFC 5321 §4.1.2), where contact data is masked.

use std::borrow::Cow;

use crate::text::Rewriter;
use crate::{Category, MaskPolicy};

/// Masks what stands around an `@` if it is a user and a host with a top-level domain.
pub(super) fn mask<'a>(policy: &MaskPolicy, text: &'a str) -> Cow<'a, str> {
    if !policy.masks(Category::Contact) {
        return text.into();
    }
    let mut rewriter = Rewriter::new(text);
    for (at, _) in text.match_indices('@') {
        let before = text.get(rewriter.done..at).unwrap_or_default().chars();
        let after = &text[at + 1..];
        let (Some(user), Some(host)) = (
            length(before.rev(), in_user, LONGEST_USER),
            length(after.chars(), in_host, LONGEST_HOST),
        ) else {
            continue;
        };
        let host = after[..host].trim_end_matches(['.', '-']);
        if user > 0 && is_domain(host) {
            rewriter.mask(at - user..at + 1 + host.len());
        }
    }
    rewriter.finish()
}

/// How many bytes belong, or `None` if there are more letters than an address has.
fn length(
    letters: impl Iterator<Item = char>,
    belongs: fn(char) -> bool,
    longest: usize,
) -> Option<usize> {
    let mut bytes = 0;
    for (count, letter) in letters.take_while(|&letter| belongs(letter)).enumerate() {
        if count == longest {
            return None;
        }
        bytes += letter.len_utf8();
    }
    Some(bytes)
}

fn in_user(c: char) -> bool {
    c.is_alphanumeric() || "._%+-".contains(c)
}

fn in_host(c: char) -> bool {
    c.is_alphanumeric() || ".-".contains(c)
}

/// Whether there is more than a name, and no number at the end: `left-pad@1.3.0` is a package.
fn is_domain(host: &str) -> bool {
    host.rsplit_once('.').is_some_and(|(name, top)| {
        !name.is_empty()
            && !name.starts_with(['.', '-'])
            && top.chars().count() >= 2
            && top.chars().all(char::is_alphabetic)
    })
}

/// In letters.
const LONGEST_USER: usize = 64;
const LONGEST_HOST: usize = 255;

#[cfg(test)]
mod tests {
    use crate::{Category, MaskPolicy, Masker};

    fn mask(text: &str) -> String {
        Masker::new(MaskPolicy::iso27001().with(Category::Contact)).mask_text(text)
    }

    #[test]
    fn an_address_is_masked_wherever_it_stands() {
        for (text, expected) in [
            ("ada@example.test", "***MASKED***"),
            (
                "mail ada.lovelace+x@mail.example.test, then",
                "mail ***MASKED***, then",
            ),
            ("<ada@example.test>", "<***MASKED***>"),
            (
                "mailto:ada@example.test?subject=x",
                "mailto:***MASKED***?subject=x",
            ),
            ("Ask ada@example.test.", "Ask ***MASKED***."),
            ("jörg@müller.example", "***MASKED***"),
            ("a@b.co,c@d.co", "***MASKED***,***MASKED***"),
            ("a@b.coc_d@e.co", "***MASKED******MASKED***"),
        ] {
            assert_eq!(mask(text), expected);
            assert_eq!(mask(expected), expected);
        }
    }

    #[test]
    fn what_only_looks_like_an_address_is_shown() {
        for text in [
            "left-pad@1.3.0",
            "@ada",
            "ada@localhost",
            "a @ b.co",
            "@scope/package",
            "ada@",
            "@",
            "x@.co",
            "a@b.c",
            "a@@b",
            "@Override void run()",
            "user@10.0.0.1",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn addresses_are_shown_where_contact_is_off() {
        assert_eq!(
            Masker::default().mask_text("ada@example.test"),
            "ada@example.test"
        );
    }
}
