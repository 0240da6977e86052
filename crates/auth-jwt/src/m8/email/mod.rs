//! The addresses an m8 user may have (contract m8 §1.2): the syntax of a mailbox that can receive
//! mail over the internet, and no lookup of it.
//!
//! The original brings tables of Unicode to an address and writes it in its normal form: composed
//! letters, and a domain in letters even if it was written in the `xn--` of DNS. There are only some
//! ranges here. What tables would change, or what only they could judge, is refused as far as it can
//! be told, so that one mailbox has one spelling. An m8 issuer writes normal forms, so its tokens do
//! not notice.

mod letters;

use self::letters::{is_bare, is_leftward, is_of_domains, starts_with_mark};

/// The address with its domain in lower case, or `None` if it is none.
///
/// As the original has it: one `@`, a domain with a dot that is not reserved for special use, no
/// address literal, no quoted local part; letters beyond ASCII are fine on both sides.
pub(super) fn normalised(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    // Letter by letter, as in domains: Greek has another small sigma at the end of a word.
    let domain: String = domain.chars().flat_map(char::to_lowercase).collect();
    let fits = local.len() + 1 + domain.len() <= MAX_BYTES;
    (fits && is_local_part(local) && is_domain(&domain)).then(|| format!("{local}@{domain}"))
}

/// What the original takes besides: white space around the address, and a name before it that is
/// dropped (`Ada <ada@example.com>`).
pub(super) fn normalised_loosely(text: &str) -> Option<String> {
    if text.contains(['\r', '\n']) || text.chars().count() > MAX_TEXT {
        return None;
    }
    let text = text.trim();
    let Some(rest) = text.strip_suffix('>') else {
        return normalised(text);
    };
    let (name, address) = rest.rsplit_once('<')?;
    let name = name.trim();
    let is_name = name.chars().all(is_name_text) || is_quoted(name);
    is_name.then(|| normalised(address.trim())).flatten()
}

fn is_name_text(character: char) -> bool {
    character.is_whitespace()
        || character.is_alphanumeric()
        || character == '.'
        || is_atom_text(character) && character.is_ascii()
}

/// Between quotation marks stands anything, as the original has it, and at least something.
fn is_quoted(name: &str) -> bool {
    name.len() > 2 && name.starts_with('"') && name.ends_with('"')
}

/// A dot-atom of RFC 5322 §3.2.3, with the characters of RFC 6532.
fn is_local_part(local: &str) -> bool {
    let atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atom_text);
    local.split('.').all(atom) && !starts_with_mark(local)
}

fn is_atom_text(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character);
    }
    is_bare(character)
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<_> = domain.split('.').collect();
    let top = labels.last().and_then(|last| last.chars().next_back());
    domain.len() <= MAX_DOMAIN_BYTES
        && labels.len() > 1
        && labels.iter().all(|label| is_label(label))
        && goes_one_way(domain, &labels)
        // A top-level domain does not end in a digit; an address in numbers does.
        && top.is_some_and(|top| !top.is_ascii_digit())
        && !is_for_special_use(&labels)
}

fn is_label(label: &str) -> bool {
    let letter = |letter: char| match letter {
        _ if letter.is_ascii() => letter == '-' || letter.is_ascii_alphanumeric(),
        _ => is_of_domains(letter),
    };
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label.chars().all(letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !starts_with_mark(label)
        // Reserved by RFC 5891 §4.2.3.1; the names that are encoded for DNS are of this form.
        && label.as_bytes().get(2..4) != Some(b"--")
}

/// RFC 5893 §2, and stricter: a label that is written from right to left has no letter that is not,
/// and beside one no label begins with a digit.
fn goes_one_way(domain: &str, labels: &[&str]) -> bool {
    let neutral = |letter: char| letter == '-' || letter.is_numeric();
    let one_way = |label: &&str| {
        !label.starts_with(char::is_numeric)
            && (!label.contains(is_leftward)
                || label.chars().all(|it| is_leftward(it) || neutral(it)))
    };
    !domain.contains(is_leftward) || labels.iter().all(one_way)
}

/// Names that never stand for a host of the internet (the registry of RFC 6761, as far as the
/// original has it).
fn is_for_special_use(labels: &[&str]) -> bool {
    SPECIAL_USE.iter().any(|special| {
        let mut special = special.rsplit('.');
        let mut labels = labels.iter().rev();
        special.all(|part| labels.next() == Some(&part))
    })
}

const SPECIAL_USE: &[&str] = &["arpa", "invalid", "local", "localhost", "onion", "test"];

/// RFC 5321 §4.5.3.1.3, less the angle brackets. The original has no other limit for what stands
/// before the `@`.
const MAX_BYTES: usize = 254;
const MAX_LABEL_BYTES: usize = 63;
const MAX_DOMAIN_BYTES: usize = 253;

/// The longest text the original looks for an address in, in characters.
const MAX_TEXT: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_the_original_takes_for_one() {
        for (address, normal) in [
            ("a@example.com", "a@example.com"),
            ("a@x.internal", "a@x.internal"),
            ("A.B@EXAMPLE.com", "A.B@example.com"),
            ("jürgen@exämple.com", "jürgen@exämple.com"),
            ("a+b_c@sub.example.co", "a+b_c@sub.example.co"),
            ("a@ΣΑΣ.gr", "a@σασ.gr"),
            ("a@1--2.com", "a@1--2.com"),
            ("हिन्दी@हिन्दी.com", "हिन्दी@हिन्दी.com"),
            ("🦀@example.com", "🦀@example.com"),
        ] {
            assert_eq!(normalised(address).as_deref(), Some(normal), "{address}");
        }
        for address in [
            "",
            "a",
            "@example.com",
            "a@",
            "a@b",
            "a@localhost",
            "a@corp.local",
            "a@x.test",
            "a@x.invalid",
            "a@x.onion",
            "a@1.0.0.127.in-addr.arpa",
            "a@[127.0.0.1]",
            "a@127.0.0.1",
            "\"a b\"@example.com",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "a@example..com",
            "a@-example.com",
            "a@exa_mple.com",
            "a@b@example.com",
            "a\r\n@example.com",
            "a b@example.com",
            "a\u{200d}@example.com",
            "a\u{378}@example.com",
            "\u{94d}a@example.com",
            "e\u{301}@example.com",
            "a@🦀.com",
            "a@b.c1",
            "a@ab--cd.com",
            "a@xn--exmple-cua.com",
            "a@ﬁ.com",
            "a@xأ.com",
        ] {
            assert_eq!(normalised(address), None, "{address:?}");
        }
    }

    #[test]
    fn a_display_form_is_an_address_only_loosely() {
        for text in [
            " a@b.co ",
            "<a@b.co>",
            "Ada L. <a@b.co>",
            "\"L, \\\"Ada\\\"\" <a@b.co>",
        ] {
            assert_eq!(normalised(text), None, "{text:?}");
            assert_eq!(normalised_loosely(text).as_deref(), Some("a@b.co"));
        }
        for text in [
            "Ada <a@b>",
            "Ada, L <a@b.co>",
            "\"Ada <a@b.co>",
            "\"\" <a@b.co>",
            "a@b.co\n",
        ] {
            assert_eq!(normalised_loosely(text), None, "{text:?}");
        }
    }
}
