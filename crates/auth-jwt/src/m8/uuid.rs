//! UUIDs in the four forms an m8 issuer's subjects may have (contract m8 §2.1).

/// The hyphenated form in lower case, if the text is a UUID: hyphenated, 32 digits, in braces, or
/// after `urn:uuid:`.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let text = text
        .strip_prefix("urn:uuid:")
        .or_else(|| text.strip_prefix('{')?.strip_suffix('}'))
        .unwrap_or(text);
    let hyphenated = text.len() == 36;
    let mut digits = String::with_capacity(36);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'-' if hyphenated && HYPHENS.contains(&at) => {}
            _ if hyphenated && HYPHENS.contains(&at) => return None,
            _ if byte.is_ascii_hexdigit() => digits.push(char::from(byte.to_ascii_lowercase())),
            _ => return None,
        }
    }
    if digits.len() != 32 {
        return None;
    }
    for at in HYPHENS {
        digits.insert(at, '-');
    }
    Some(digits)
}

const HYPHENS: [usize; 4] = [8, 13, 18, 23];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms_are_one_uuid() {
        const UUID: &str = "550e8400-e29b-41d4-a716-446655440000";
        for text in [
            UUID,
            "550E8400-E29B-41D4-A716-446655440000",
            "550e8400e29b41d4a716446655440000",
            "{550e8400-e29b-41d4-a716-446655440000}",
            "urn:uuid:550e8400-e29b-41d4-a716-446655440000",
        ] {
            assert_eq!(canonical(text).as_deref(), Some(UUID), "{text}");
        }
        for text in [
            "",
            "u1",
            "550e8400-e29b-41d4-a716-44665544000",
            "550e8400-e29b-41d4-a716-4466554400000",
            "550e8400-e29b41d4-a716-4466-55440000",
            "550e8400+e29b+41d4+a716+446655440000",
            "g50e8400-e29b-41d4-a716-446655440000",
            "{550e8400-e29b-41d4-a716-446655440000",
            " 550e8400-e29b-41d4-a716-446655440000",
            "é50e8400-e29b-41d4-a716-44665544000",
        ] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
