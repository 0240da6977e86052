use crate::MASK;

/// Shows the first and the last characters of a value, so that a person can tell two apart
/// (`mask_value` of the original, contract miso §5).
///
/// At least eight stars stand between, so that a short value does not tell its length. A value
/// that would be shown whole is masked whole.
///
/// # Example: enough to recognise
///
/// ```
/// use auth_mask::mask_partial;
///
/// assert_eq!(mask_partial("abcdefgh", 2, 2), "ab********gh");
/// assert_eq!(mask_partial("abcd", 2, 2), "***MASKED***");
/// ```
pub fn mask_partial(value: &str, first: usize, last: usize) -> String {
    let length = value.chars().count();
    let shown = first.saturating_add(last);
    if length <= shown {
        return MASK.to_owned();
    }
    let characters = || value.chars();
    characters()
        .take(first)
        .chain(std::iter::repeat_n('*', (length - shown).max(MIN_STARS)))
        .chain(characters().skip(length - last))
        .collect()
}

const MIN_STARS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_as_the_contract_says() {
        for (value, first, last, expected) in [
            ("", 0, 0, MASK),
            ("abcd", 2, 2, MASK),
            ("abcdefgh", 2, 2, "ab********gh"),
            ("abcdefgh", 0, 0, "********"),
            ("abc", 0, 1, "********c"),
            ("abcdefghijklmn", 1, 1, "a************n"),
            ("äöüßé", 1, 1, "ä********é"),
            ("abc", usize::MAX, 1, MASK),
            ("abc", 1, usize::MAX, MASK),
        ] {
            assert_eq!(
                mask_partial(value, first, last),
                expected,
                "{value:?} {first} {last}"
            );
        }
    }
}
