//! Each letter of Unicode that has a lower case, and each below U+0600, in each of the places where
//! it could become a letter of a name that the original looks for.

use serde_json::json;

use crate::names::SUBSTRINGS;
use crate::oracle::{masker, oracle};

#[test]
fn every_letter_is_put_into_lower_case_as_the_original_puts_it() {
    let Some(oracle) = oracle() else { return };
    let changes = |letter: &char| !letter.to_lowercase().eq([*letter]);
    let letters: Vec<_> = ('\0'..=char::MAX)
        .filter(|letter| *letter < '\u{600}' || changes(letter))
        .collect();
    let around: Vec<_> = places().collect();
    let names: Vec<_> = letters
        .iter()
        .flat_map(|letter| around.iter().map(move |(a, b)| format!("{a}{letter}{b}")))
        .collect();
    let policy = masker().policy().clone();
    let [answer] = &oracle.ask(&[json!({ "do": "names", "names": names })])[..] else {
        panic!("one question has one answer");
    };
    let theirs = answer["sensitive"].as_array().unwrap();
    assert_eq!(theirs.len(), names.len());
    let mut sensitive = 0;
    for (name, theirs) in names.iter().zip(theirs) {
        let ours = policy.is_sensitive(name);
        assert_eq!(ours, theirs.as_bool().unwrap(), "{name:?}");
        sensitive += usize::from(ours);
    }
    // Each ASCII letter in both cases, `_` and `-` and their neighbours, and the sign of Kelvin.
    assert!(sensitive >= 2 * around.len(), "only {sensitive}");
}

/// What stands before and after each letter of a name that is in no other name.
fn places() -> impl Iterator<Item = (&'static str, &'static str)> {
    SUBSTRINGS.into_iter().flat_map(|name| {
        let within = move |part: &str| {
            let others = SUBSTRINGS.iter().filter(|other| **other != name);
            others.copied().any(|other| part.contains(other))
        };
        (0..name.len())
            .map(move |at| (&name[..at], &name[at + 1..]))
            .filter(move |(before, after)| !within(before) && !within(after))
    })
}
