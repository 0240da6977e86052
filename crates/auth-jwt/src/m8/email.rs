//! The addresses an m8 user may have (contract m8 §1.2): the syntax of a mailbox that can receive
//! mail over the internet, and no lookup of it.

/// The address with its domain in lower case, or `None` if it is none.
///
/// As the original has it: one `@`, a domain with a dot that is not reserved for special use, no
/// address literal, no quoted local part; letters beyond ASCII are fine on both sides.
pub(super) fn normalised(address: &str) -> Option<String> {
    let (local, domain) = address.rsplit_once('@')?;
    let domain = domain.to_lowercase();
    (is_local_part(local) && is_domain(&domain)).then(|| format!("{local}@{domain}"))
}

/// What the original takes besides: white space around the address, and a name before it that is
/// dropped (`Ada <ada@example.com>`).
pub(super) fn normalised_loosely(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = match text.strip_suffix('>') {
        Some(rest) => rest.rsplit_once('<')?.1,
        None => text,
    };
    normalised(inner.trim())
}

/// A dot-atom of RFC 5322 §3.2.3, with the letters of RFC 6532.
fn is_local_part(local: &str) -> bool {
    let atom = |atom: &str| !atom.is_empty() && atom.chars().all(is_atom_text);
    local.len() <= MAX_LOCAL_BYTES && local.split('.').all(atom)
}

fn is_atom_text(character: char) -> bool {
    match character {
        _ if character.is_ascii() => {
            character.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(character)
        }
        _ => character.is_alphanumeric(),
    }
}

fn is_domain(domain: &str) -> bool {
    let labels: Vec<_> = domain.split('.').collect();
    domain.len() <= MAX_DOMAIN_BYTES
        && labels.len() > 1
        && labels.iter().all(|label| is_label(label))
        // A name of the internet does not end in a number; that would be an address.
        && labels.last().is_some_and(|last| last.chars().any(|letter| !letter.is_ascii_digit()))
        && !is_for_special_use(&labels)
}

fn is_label(label: &str) -> bool {
    let letter = |letter: char| letter == '-' || letter.is_alphanumeric();
    (1..=MAX_LABEL_BYTES).contains(&label.len())
        && label.chars().all(letter)
        && !label.starts_with('-')
        && !label.ends_with('-')
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

// RFC 5321 §4.5.3.1 has 64 for the local part; the original takes a little more.
const MAX_LOCAL_BYTES: usize = 128;
const MAX_LABEL_BYTES: usize = 63;
const MAX_DOMAIN_BYTES: usize = 253;

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
        ] {
            assert_eq!(normalised(address), None, "{address:?}");
        }
    }

    #[test]
    fn a_display_form_is_an_address_only_loosely() {
        for text in [" a@b.co ", "Ada <a@b.co>", "<a@b.co>"] {
            assert_eq!(normalised(text), None, "{text:?}");
            assert_eq!(normalised_loosely(text).as_deref(), Some("a@b.co"));
        }
        assert_eq!(normalised_loosely("Ada <a@b>"), None);
    }
}
