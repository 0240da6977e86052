//! What there is in a text, found in one quick pass, so that most texts need no other.

/// The signs without which one kind of secret or another is not there.
#[derive(Clone, Copy)]
pub(super) struct Seen(u16);

impl Seen {
    pub(super) const EQUALS: Self = Self(1);
    pub(super) const COLON: Self = Self(1 << 1);
    /// As JSON has it, escaped or not, and as other languages have it.
    pub(super) const QUOTE: Self = Self(1 << 2);
    pub(super) const AT: Self = Self(1 << 3);
    pub(super) const SLASH: Self = Self(1 << 4);
    pub(super) const DASH: Self = Self(1 << 5);
    pub(super) const DOT: Self = Self(1 << 6);
    pub(super) const SPACE: Self = Self(1 << 7);
    pub(super) const LETTER_B: Self = Self(1 << 8);
    pub(super) const CAPITAL_J: Self = Self(1 << 9);

    pub(super) fn in_text(text: &str) -> Self {
        let signs = text.bytes().map(|byte| SIGNS[usize::from(byte)]);
        Self(signs.fold(0, |seen, sign| seen | sign))
    }

    /// Whether all of these are there.
    pub(super) const fn has(self, Self(signs): Self) -> bool {
        self.0 & signs == signs
    }

    pub(super) const fn and(self, Self(signs): Self) -> Self {
        Self(self.0 | signs)
    }
}

const SIGNS: [u16; 256] = {
    let mut signs = [0; 256];
    signs[b'=' as usize] = Seen::EQUALS.0;
    signs[b':' as usize] = Seen::COLON.0;
    signs[b'"' as usize] = Seen::QUOTE.0;
    signs[b'\'' as usize] = Seen::QUOTE.0;
    signs[b'\\' as usize] = Seen::QUOTE.0;
    signs[b'@' as usize] = Seen::AT.0;
    signs[b'/' as usize] = Seen::SLASH.0;
    signs[b'-' as usize] = Seen::DASH.0;
    signs[b'.' as usize] = Seen::DOT.0;
    signs[b' ' as usize] = Seen::SPACE.0;
    signs[b'\t' as usize] = Seen::SPACE.0;
    signs[b'b' as usize] = Seen::LETTER_B.0;
    signs[b'B' as usize] = Seen::LETTER_B.0;
    signs[b'J' as usize] = Seen::CAPITAL_J.0;
    signs
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::text::{assignment, email, jwt, pem, scan, scheme, shape, then, userinfo};
    use crate::{Category, MaskPolicy};

    /// Every pass, whatever is there.
    fn all_passes(policy: &MaskPolicy, text: &str) -> String {
        let text = then(text.into(), pem::mask);
        let text = then(text, jwt::mask);
        let text = then(text, |text| shape::mask(policy, text));
        let text = then(text, userinfo::mask);
        let text = then(text, scheme::mask);
        let text = then(text, |text| email::mask(policy, text));
        let masked = then(text.clone(), |text| assignment::mask(policy, text));
        if masked == text {
            return text.into_owned();
        }
        then(masked, userinfo::mask).into_owned()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn what_is_passed_over_would_have_found_nothing(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::sample::select(vec![
                        "password", "token", "=", ":", " ", "\"", "'", "\\\"", "://", "@", "/", ".",
                        "eyJhbGci", ".eyJzdWIi", "-----BEGIN PRIVATE KEY-----", "Bearer", "basic",
                        "\t", "ada", "example.com", "&", "?", "dXNlcjpwYXNz", "4111 1111 1111 1111",
                    ]).prop_map(str::to_owned),
                    "[ -~]{0,6}",
                ],
                0..10,
            ),
        ) {
            let text = pieces.concat();
            let iso = MaskPolicy::iso27001();
            for policy in [iso.clone(), iso.with(Category::Contact)] {
                prop_assert_eq!(scan(&policy, &text), all_passes(&policy, &text));
            }
        }
    }
}
