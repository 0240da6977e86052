//! What to do about a rejection.

/// What the user can do, by the code of the rejection. The README says the same.
pub(super) fn remedy(code: &str) -> Option<&'static str> {
    let row = REMEDIES.iter().find(|(known, _)| *known == code);
    row.map(|(_, remedy)| *remedy)
}

const REMEDIES: [(&str, &str); 15] = [
    (
        "malformed",
        "pass the token alone: no `Bearer`, no quotes, no second line",
    ),
    ("too_large", "ask the issuer for fewer claims"),
    (
        "alg_not_allowed",
        "check that the key is the right one, then `--alg`",
    ),
    ("crit", "ask the issuer for tokens without one"),
    (
        "typ",
        "check that it is an access token; name its type with `--typ` if it should not be",
    ),
    ("unknown_key", "get the issuer's current key set"),
    (
        "ambiguous_key",
        "have the issuer write a `kid`; until then pass the one key",
    ),
    (
        "bad_signature",
        "check that the key is the issuer's; otherwise the token is forged or damaged",
    ),
    ("expired", "get a new token"),
    ("not_yet_valid", "check the clocks"),
    (
        "issuer",
        "compare `iss` with `--iss` byte by byte; a slash at the end counts",
    ),
    ("audience", "ask the issuer for a token for this service"),
    ("missing_claim", "have the issuer add it"),
    (
        "bad_claim",
        "have the issuer correct it; a token with `cnf` is bound to a key, which is not supported",
    ),
    ("keys_unavailable", "read standard error, which says why"),
];

#[cfg(test)]
mod tests {
    use super::REMEDIES;

    #[test]
    fn the_readme_says_the_same() {
        let readme = include_str!("../../README.md");
        let rows: Vec<_> = readme
            .lines()
            .skip_while(|line| !line.starts_with("| code | what it means |"))
            .skip(2)
            .map_while(|line| {
                let mut cells = line.strip_prefix("| `")?.strip_suffix(" |")?.split(" | ");
                Some((cells.next()?.strip_suffix('`')?, cells.nth(1)?))
            })
            .collect();
        assert_eq!(rows, REMEDIES);
    }
}
