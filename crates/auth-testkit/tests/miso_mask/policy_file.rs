//! Policy files in the format of the original. Of one that says all there is to say, both make the
//! same; where they read a file differently is in [`DIVERGENCES`].

use auth_mask::MaskPolicy;
use auth_testkit::Peer;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::names::{self, SUBSTRINGS};
use crate::oracle::oracle;

/// Files of names that nobody wrote down, with the original's own names written out and its way to
/// compare chosen.
#[test]
fn a_file_that_says_all_is_read_as_the_original_reads_it() {
    let Some(oracle) = oracle() else { return };
    let mut chance = Chance(5);
    let files: Vec<_> = (0..60)
        .map(|_| {
            json!({
                "fields": { "original": SUBSTRINGS, "one": listed(&mut chance), "two": listed(&mut chance) },
                "substringMinLength": 1,
                "mergeWithHardcodedDefaults": false,
            })
        })
        .collect();
    let mut more = 0;
    for asked in ask(&oracle, &files, &mut chance) {
        for (name, theirs, ours) in asked.names() {
            assert_eq!(theirs, ours, "{name:?} of {}", asked.file);
            more += usize::from(theirs && !MaskPolicy::miso_4_9().is_sensitive(name));
        }
    }
    assert!(more >= 500, "only {more} were of the files");
}

/// What the names of a file make the original mask, beyond its own names, we mask too; and beyond
/// that, only what is sensitive without any file.
#[test]
fn a_file_adds_to_the_default_what_it_adds_to_the_originals() {
    let Some(oracle) = oracle() else { return };
    let mut chance = Chance(6);
    let files: Vec<_> = (0..60)
        .map(|_| json!({ "fields": { "one": listed(&mut chance), "two": listed(&mut chance) } }))
        .collect();
    let (original, default) = (MaskPolicy::miso_4_9(), MaskPolicy::iso27001());
    let mut more = 0;
    for asked in ask(&oracle, &files, &mut chance) {
        for (name, theirs, ours) in asked.names() {
            let added = theirs && !original.is_sensitive(name);
            assert!(ours || !added, "{name:?} of {}", asked.file);
            assert!(
                !ours || theirs || default.is_sensitive(name),
                "{name:?} of {}",
                asked.file
            );
            more += usize::from(added && !default.is_sensitive(name));
        }
    }
    assert!(more >= 500, "only {more} were of the files");
}

struct Divergence {
    /// Whether the original masks the name.
    theirs: bool,
    /// Whether we do; `None` if the file is an error.
    ours: Option<bool>,
    reason: &'static str,
    /// A file, and a name that shows how it was read.
    cases: &'static [(&'static str, &'static str)],
}

const DIVERGENCES: &[Divergence] = &[
    Divergence {
        theirs: true,
        ours: Some(false),
        reason: "the names of a file come to those of iso27001, not to the 21 substrings",
        cases: &[
            (r#"{"fields":{"hr":["employee_no"]}}"#, "success"),
            ("{}", "author"),
        ],
    },
    Divergence {
        theirs: false,
        ours: Some(true),
        reason: "the names of a file come to those of iso27001, not to the 21 substrings",
        cases: &[(r#"{"fields":{"hr":["employee_no"]}}"#, "passphrase")],
    },
    Divergence {
        theirs: true,
        ours: Some(false),
        reason: "names shorter than substringMinLength are whole names, as they are from 4.10 on",
        cases: &[
            (r#"{"fields":{"hr":["bad"]}}"#, "badge"),
            (
                r#"{"fields":{"hr":["badge"]},"substringMinLength":6}"#,
                "badges",
            ),
        ],
    },
    Divergence {
        theirs: true,
        ours: Some(false),
        reason: "mergeWithHardcodedDefaults, neverMaskFields are read, as they are from 4.10 on",
        cases: &[
            (r#"{"mergeWithHardcodedDefaults":false}"#, "password"),
            (r#"{"neverMaskFields":["token"]}"#, "TOKEN"),
        ],
    },
    Divergence {
        theirs: false,
        ours: Some(true),
        reason: "fieldPatterns and categories are read, as the TypeScript client reads them",
        cases: &[
            (r#"{"fieldPatterns":["salary"]}"#, "baseSalary"),
            (r#"{"categories":{"hr":["salary"]}}"#, "baseSalary"),
        ],
    },
    Divergence {
        theirs: true,
        ours: None,
        reason: "an empty name is in every name, and nobody who writes one means to mask everything",
        cases: &[
            (r#"{"fields":{"hr":[""]}}"#, "id"),
            (r#"{"fields":{"hr":["_-"]}}"#, "id"),
        ],
    },
    Divergence {
        theirs: false,
        ours: None,
        reason: "a broken file is an error, where the original masks as if there were none",
        cases: &[
            ("", "salary"),
            (r#"{"fields":{"hr":["salary"]}"#, "salary"),
            ("\u{feff}{\"fields\":{\"hr\":[\"salary\"]}}", "salary"),
            (r#"[{"hr":["salary"]}]"#, "salary"),
            (r#"{"fields":["salary"]}"#, "salary"),
            (r#"{"fields":{"hr":["salary",5]}}"#, "salary"),
            (r#"{"fields":{"hr":"salary"}}"#, "salary"),
        ],
    },
    Divergence {
        theirs: true,
        ours: None,
        reason: "what would have to be passed over is an error: somebody may rely on it",
        cases: &[
            (
                r#"{"fields":{"hr":["salary"]},"neverMask":["salary"]}"#,
                "salary",
            ),
            (r#"{"fields":{},"fields":{"hr":["salary"]}}"#, "salary"),
            (r#"{"fields":{"hr":["salary"],"it":"badge"}}"#, "salary"),
        ],
    },
];

#[test]
fn each_file_that_is_listed_is_read_differently_and_in_that_way() {
    let Some(oracle) = oracle() else { return };
    let listed = || {
        let cases = |known: &'static Divergence| known.cases.iter().map(move |it| (known, it));
        DIVERGENCES.iter().flat_map(cases)
    };
    let questions: Vec<_> = listed()
        .map(|(_, (file, name))| question(file, &[(*name).to_owned()], true))
        .collect();
    for ((known, (file, name)), answer) in listed().zip(oracle.ask(&questions)) {
        let theirs = answer["sensitive"][0].as_bool().unwrap();
        let ours = MaskPolicy::from_file(file.as_bytes());
        let ours = ours.ok().map(|policy| policy.is_sensitive(name));
        let reason = known.reason;
        assert_eq!(
            (theirs, ours),
            (known.theirs, known.ours),
            "{file}: {reason}"
        );
        assert_ne!(Some(theirs), ours, "{file}");
    }
}

/// What was asked of one file, and what both said.
struct Asked {
    file: Value,
    names: Vec<String>,
    theirs: Value,
    ours: MaskPolicy,
}

impl Asked {
    /// Each name, and whether the original masks it, and whether we do.
    fn names(&self) -> impl Iterator<Item = (&str, bool, bool)> {
        let theirs = self.theirs.as_array().unwrap();
        assert_eq!(theirs.len(), self.names.len());
        self.names.iter().zip(theirs).map(|(name, theirs)| {
            (
                &**name,
                theirs.as_bool().unwrap(),
                self.ours.is_sensitive(name),
            )
        })
    }
}

fn ask(oracle: &Peer, files: &[Value], chance: &mut Chance) -> Vec<Asked> {
    let names: Vec<Vec<_>> = files
        .iter()
        .map(|file| {
            let listed = listed_in(file);
            let mut name = |_| match chance.below(3) {
                0 => names::any(chance),
                1 => names::unheard(chance),
                _ => {
                    let listed = names::spelled(names::one_of(&listed, chance), chance);
                    let around = (names::unheard(chance), names::unheard(chance));
                    format!("{}{listed}{}", around.0, around.1)
                }
            };
            (0..100).map(&mut name).collect()
        })
        .collect();
    let questions: Vec<_> = files
        .iter()
        .zip(&names)
        .enumerate()
        .map(|(index, (file, names))| question(&file.to_string(), names, index % 2 == 0))
        .collect();
    files
        .iter()
        .zip(names)
        .zip(oracle.ask(&questions))
        .map(|((file, names), mut answer)| Asked {
            file: file.clone(),
            names,
            theirs: answer["sensitive"].take(),
            ours: MaskPolicy::from_file(file.to_string().as_bytes()).unwrap(),
        })
        .collect()
}

fn question(file: &str, names: &[String], by_variable: bool) -> Value {
    json!({ "do": "names", "file": file, "names": names, "by_variable": by_variable })
}

/// The names that were made up for a file.
fn listed_in(file: &Value) -> Vec<&str> {
    let categories = [&file["fields"]["one"], &file["fields"]["two"]];
    let listed = categories.into_iter().flat_map(|it| it.as_array().unwrap());
    listed.map(|name| name.as_str().unwrap()).collect()
}

/// Some names for a category, none of them so short that it would be a whole name only.
fn listed(chance: &mut Chance) -> Vec<String> {
    let count = 1 + chance.below(3);
    let long = |name: &String| {
        let counted = name.chars().filter(|it| !matches!(it, '_' | '-'));
        counted.count() >= 4
    };
    std::iter::repeat_with(|| names::unheard(chance))
        .filter(long)
        .take(count)
        .collect()
}
