//! Where we judge otherwise than the original, and why.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// How two verdicts differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// The original accepts the token.
    WeRefuse,
    /// The original refuses the token.
    WeAccept,
    /// Neither accepts it; the text or the hooks' reason differ.
    OtherWords,
    /// Both accept it; a field of the user differs.
    OtherUser,
    /// The original raises something that is no verdict; we refuse.
    TheyFail,
}

impl Difference {
    pub(crate) fn between(ours: &Value, theirs: &Value) -> Option<Self> {
        if ours == theirs {
            return None;
        }
        Some(match (accepted(ours), accepted(theirs)) {
            (false, true) => Self::WeRefuse,
            (true, false) => Self::WeAccept,
            (true, true) => Self::OtherUser,
            (false, false) if theirs.get("leaked").is_some() => Self::TheyFail,
            (false, false) => Self::OtherWords,
        })
    }
}

pub(crate) fn accepted(answer: &Value) -> bool {
    answer["ok"] == true
}

/// Cases that differ on purpose, all in the same way and for the same reason.
pub(crate) struct Divergence {
    pub(crate) name: &'static str,
    pub(crate) how: Difference,
    pub(crate) reason: &'static str,
    pub(crate) cases: &'static [&'static str],
}

pub(crate) const LAX: &[Divergence] = &[
    Divergence {
        name: "duplicates",
        how: Difference::WeRefuse,
        reason: "two parsers may take another of two members of one name",
        cases: &[
            "header alg twice",
            "header another alg first",
            "payload nobody_knows twice: 1",
            "payload role twice: \"user\"",
            "payload sub twice: \"u2\"",
            "payload type twice: \"access\"",
        ],
    },
    Divergence {
        name: "duplicates, refused by both",
        how: Difference::OtherWords,
        reason: "whatever the members say, there are two of one name",
        cases: &["payload exp twice: 1", "payload type twice: \"refresh\""],
    },
    Divergence {
        name: "encoding",
        how: Difference::WeRefuse,
        reason: "JSON is UTF-8 without a mark (RFC 8259 §8.1); base64url has no padding (RFC 7515 §2)",
        cases: &[
            "header after a mark of byte order",
            "payload after a mark of byte order",
            "payload as UTF-16",
            "payload with half a surrogate",
            "token with one = behind",
        ],
    },
    Divergence {
        name: "not JSON",
        how: Difference::WeRefuse,
        reason: "JSON has no such numbers (RFC 8259 §6)",
        cases: &["payload with NaN", "payload with Infinity"],
    },
    Divergence {
        name: "bounds",
        how: Difference::WeRefuse,
        reason: "what comes from outside is bounded before it is read",
        cases: &[
            "payload 100 levels deep",
            "payload 500 levels deep",
            "payload of 17 KiB",
            "payload with 1e999",
            "payload with 400 digits",
        ],
    },
    Divergence {
        name: "dates beyond 2^53",
        how: Difference::WeRefuse,
        reason: "two parsers may read another number",
        cases: &["exp beyond 2^53", "exp 2^63", "exp 10^30"],
    },
    Divergence {
        name: "dates beyond 2^53, refused by both",
        how: Difference::OtherWords,
        reason: "the number is out of bounds before anybody asks whether it is whole",
        cases: &["exp 1e30"],
    },
    Divergence {
        name: "no dates",
        how: Difference::WeRefuse,
        reason: "true is no second of 1970, and an underscore is Python's way to write numbers",
        cases: &[
            "exp text with an underscore",
            "iat: false",
            "iat: true",
            "nbf: false",
            "nbf: true",
        ],
    },
    Divergence {
        name: "no dates, refused by both",
        how: Difference::OtherWords,
        reason: "true is no second of 1970, and only ASCII digits are digits",
        cases: &["exp: false", "exp: true", "exp text of digits beyond ASCII"],
    },
    Divergence {
        name: "fractions of a second",
        how: Difference::WeRefuse,
        reason: "a fraction is rounded so that no token lives longer by it",
        cases: &["iat fractional at the edge", "nbf fractional at the edge"],
    },
    Divergence {
        name: "the order of verdicts",
        how: Difference::OtherWords,
        reason: "dates are judged last, so that expired means good in every other way",
        cases: &["exp: 1.5", "exp fractional in the past"],
    },
    Divergence {
        name: "another kind of token",
        how: Difference::WeRefuse,
        reason: "an issuer that writes this says that it is no access token",
        cases: &[
            "header typ: \"logout+jwt\"",
            "header typ: \"x\"",
            "foreign typ \"ID\"",
            "foreign token_use \"id\"",
            "foreign events {\"http://schemas.openid.net/event/backchannel-logout\":{}}",
        ],
    },
    Divergence {
        name: "bound tokens",
        how: Difference::WeRefuse,
        reason: "a token that is bound to a key is worth nothing without a proof of the key",
        cases: &["foreign cnf {\"jkt\":\"x\"}"],
    },
    Divergence {
        name: "types of registered claims",
        how: Difference::WeRefuse,
        reason: "what decides about a token is read as every policy reads it",
        cases: &[
            "header typ: 5",
            "header typ: null",
            "foreign auth_time 4102444800",
        ],
    },
    Divergence {
        name: "IDN and normal forms",
        how: Difference::WeRefuse,
        reason: "the original writes the address in another way; one mailbox has one spelling here",
        cases: &[
            r#"email "a@xn--exmple-cua.com""#,
            r#"email "a@XN--EXMPLE-CUA.com""#,
            r#"email "a@example。com""#,
            r#"email "a@exa．mple.com""#,
            r#"email "a@e\u{301}x.com""#,
            r#"email "a@x.co\u{301}m""#,
            r#"email "a@l·l.com""#,
            r#"email "a@İ.com""#,
            r#"email "a@ſ.com""#,
            r#"email "a@①.com""#,
            r#"email "a@ﬁ.com""#,
            r#"email "e\u{301}@example.com""#,
            "email \"\u{212b}@example.com\"",
        ],
    },
];

/// Whether a case is one of those that differ on purpose.
pub(crate) fn is_known(divergences: &[Divergence], case: &str) -> bool {
    divergences.iter().any(|it| it.cases.contains(&case))
}

/// What was found, held against what is known.
#[derive(Default)]
pub(crate) struct Comparison {
    found: BTreeMap<String, (Difference, String)>,
    compared: usize,
}

impl Comparison {
    pub(crate) fn compare(&mut self, case: &str, ours: &Value, theirs: &Value) {
        self.compared += 1;
        if let Some(how) = Difference::between(ours, theirs) {
            let verdicts = format!("\n      ours: {ours}\n    theirs: {theirs}");
            self.found.insert(case.to_owned(), (how, verdicts));
        }
    }

    /// Exactly the known ones differ, each as it is known to.
    #[track_caller]
    pub(crate) fn finish(mut self, known: &[Divergence], at_least: usize) {
        let mut wrong = Vec::new();
        for divergence in known {
            for &case in divergence.cases {
                match self.found.remove(case) {
                    Some((how, _)) if how == divergence.how => {}
                    found => wrong.push(Wrong {
                        case: case.to_owned(),
                        expected: Some(divergence),
                        found,
                    }),
                }
            }
        }
        wrong.extend(self.found.into_iter().map(|(case, found)| Wrong {
            case,
            expected: None,
            found: Some(found),
        }));
        let wrong: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(self.compared >= at_least, "only {} cases", self.compared);
    }
}

struct Wrong<'d> {
    case: String,
    expected: Option<&'d Divergence>,
    found: Option<(Difference, String)>,
}

impl fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expected {
            Some(Divergence {
                name, how, reason, ..
            }) => {
                write!(f, "{}: known as {how:?} ({name}: {reason})", self.case)?;
            }
            None => write!(f, "{}: not known to differ", self.case)?,
        }
        match &self.found {
            Some((how, verdicts)) => write!(f, "; {how:?}{verdicts}"),
            None => f.write_str("; does not differ, or is no case"),
        }
    }
}
