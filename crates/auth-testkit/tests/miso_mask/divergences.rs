//! Documents that we treat otherwise than the original, and why; and those on the edge of them, that
//! both treat alike.

use auth_mask::MASK;
use serde_json::{Value, json};

use crate::oracle::{Print, Shown, Theirs, mask, masker, oracle};

/// How two treat one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// The original masks it.
    WeRefuse,
    /// The original calls it no document.
    TheyRefuse,
    /// The original raises something that says nothing about the document.
    TheyFail,
    /// Both mask it, and show something else.
    Shown,
}

impl Difference {
    fn between(Shown { ours, theirs, .. }: &Shown) -> Option<Self> {
        match (ours, theirs) {
            (_, Theirs::Raised(_)) => Some(Self::TheyFail),
            (None, Theirs::Masked { .. }) => Some(Self::WeRefuse),
            (Some(_), Theirs::Refused) => Some(Self::TheyRefuse),
            (Some(ours), Theirs::Masked { shown, .. }) => (ours != shown).then_some(Self::Shown),
            (None, Theirs::Refused) => None,
        }
    }
}

struct Divergence {
    how: Difference,
    reason: &'static str,
    cases: Vec<String>,
}

fn divergences() -> Vec<Divergence> {
    vec![
        Divergence {
            how: Difference::Shown,
            reason: "a reader may take either of two members of one name, so both are there, masked",
            cases: owned(&[
                r#"{"a":1,"a":2}"#,
                r#"{"password":"x","password":1}"#,
                r#"{"a":{"token":"x"},"a":{"b":[{"token":"y"}]}}"#,
            ]),
        },
        Divergence {
            how: Difference::WeRefuse,
            reason: "JSON has no such numbers (RFC 8259 §6)",
            cases: owned(&["NaN", "[Infinity]", r#"{"password":-Infinity}"#]),
        },
        Divergence {
            how: Difference::TheyRefuse,
            reason: "nothing is computed with a number, so it may have any number of digits",
            cases: vec!["9".repeat(5_000)],
        },
        Divergence {
            how: Difference::TheyFail,
            reason: "there is no depth at which masking stops (contract miso §13 B6)",
            cases: vec![
                nested(r#"{"a":"#, r#"{"password":1}"#, "}", 600),
                nested("[", r#"{"password":1}"#, "]", 600),
                nested("[", "", "]", 5_000),
            ],
        },
        Divergence {
            how: Difference::Shown,
            reason: "a number is shown as it was written",
            cases: owned(&["-0", "1e400", "0.10", "1E5"]),
        },
        Divergence {
            how: Difference::Shown,
            reason: "a text is shown as it was written",
            cases: owned(&[r#""\u0061\/""#, r#"{"\u006b":"\u00e9"}"#]),
        },
    ]
}

/// Documents to both or to neither.
fn alike() -> Vec<String> {
    let mut documents = owned(&[
        r#"null"#,
        r#""password""#,
        "[]",
        "{}",
        r#"[["token"]]"#,
        r#"{"":{"":null}}"#,
        r#"{"success":true,"k":1,"key":null}"#,
        r#"{"p.assword":1,"pass word":2,"pass-_word":3}"#,
        r#"{"jwt":"a.b.c","note":"password=x"}"#,
        "",
        " ",
        "{",
        "[",
        "\"",
        "\"a",
        "-",
        "1.",
        ".5",
        "+1",
        "01",
        "-01",
        "1e",
        "1e+",
        "0x1",
        "tr",
        "nu",
        "True",
        "None",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{,}",
        "{1:2}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a":1}}"#,
        "{}{}",
        "1 2",
        "'a'",
        r#"{'a':1}"#,
        "[1]//",
        "/**/1",
        "\u{feff}{}",
        "\u{a0}1",
        "\u{c}1",
        "\"\t\"",
        "\"\u{0}\"",
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\u+123""#,
        r#""\u 123""#,
        r#""\""#,
        "١",
        "1١",
        "1_000",
        "[1}",
        r#"{"a":1]"#,
    ]);
    documents.push("9".repeat(4_000));
    documents.push(nested(r#"{"a":["#, r#"{"password":1}"#, "]}", 200));
    documents
}

#[test]
fn exactly_the_documents_that_are_listed_are_treated_otherwise() {
    let Some(oracle) = oracle() else { return };
    let divergences = divergences();
    let listed = divergences.iter().flat_map(|it| {
        let known = Some((it.how, it.reason));
        it.cases.iter().map(move |case| (case.clone(), known))
    });
    let (documents, known): (Vec<_>, Vec<_>) = listed
        .chain(alike().into_iter().map(|it| (it, None)))
        .unzip();
    let mut wrong = Vec::new();
    let found = mask(&oracle, Print::AsItIs, &documents);
    for ((document, known), shown) in documents.iter().zip(known).zip(found) {
        if Difference::between(&shown) != known.map(|(how, _)| how) {
            wrong.push(format!("{document:.60}: known {known:?}; {shown:.200?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A program can build what no parser would give it.
#[test]
fn what_a_value_has_beyond_128_levels_is_masked_unseen_and_counts_as_sensitive() {
    let Some(oracle) = oracle() else { return };
    let masker = masker();
    let levels = [127, 128, 129, 200];
    let documents = levels.map(|levels| nested("[", "", "]", levels));
    let found = mask(&oracle, Print::AsItIs, &documents);
    for ((levels, document), Shown { theirs, .. }) in levels.into_iter().zip(documents).zip(found) {
        let value = (1..levels).fold(json!([]), |inner, _| json!([inner]));
        assert_eq!(value.to_string(), document);
        let (shown, contains) = (document.clone(), false);
        assert_eq!(theirs, Theirs::Masked { shown, contains });
        let alike = levels <= 128;
        let ours: Value = masker.mask_value(&value);
        assert_eq!(ours == value, alike, "{levels}");
        assert_eq!(ours.to_string().contains(MASK), !alike, "{levels}");
        assert_eq!(masker.contains_sensitive(&value), !alike, "{levels}");
        assert_eq!(masker.mask_json(&document).unwrap().as_str(), document);
    }
}

fn nested(open: &str, inside: &str, close: &str, levels: usize) -> String {
    format!("{}{inside}{}", open.repeat(levels), close.repeat(levels))
}

fn owned(documents: &[&str]) -> Vec<String> {
    documents.iter().map(|it| (*it).to_owned()).collect()
}
