//! Runs every labelled case of `testdata/mask` under the default policy; its README says how the
//! files are written.

use std::collections::HashSet;
use std::fmt::Write;

use auth_mask::{MASK, MaskPolicy, Masker};
use serde_json::Value;

/// One line of a file.
struct Case {
    /// File and line, as an editor understands them.
    place: String,
    fields: Vec<String>,
}

impl Case {
    /// The category of the second field, or `None` where it says `innocent`.
    fn verdict(&self) -> Option<&str> {
        Some(&*self.fields[1]).filter(|&verdict| verdict != "innocent")
    }

    /// What is to be shown: the second field, or the first where there is none.
    fn expected(&self) -> &str {
        self.fields.get(1).unwrap_or(&self.fields[0])
    }
}

/// The failures of one file; dropped, they are printed together.
struct Report {
    text: String,
    count: usize,
}

impl Report {
    fn check(&mut self, case: &Case, what: &str, shown: &str, expected: &str) {
        if shown != expected {
            self.count += 1;
            writeln!(
                self.text,
                "{}: {what}\n    shown     {shown}\n    expected  {expected}",
                case.place
            )
            .unwrap();
        }
    }

    fn finish(self) {
        assert_eq!(self.count, 0, "\n{}", self.text);
    }
}

fn report() -> Report {
    Report {
        text: String::new(),
        count: 0,
    }
}

fn masker() -> Masker {
    Masker::new(MaskPolicy::iso27001())
}

fn path(file: &str) -> String {
    format!("{}/../../testdata/mask/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// The lines of a file that are cases: neither empty nor comments.
fn lines(file: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path(file)).unwrap();
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.is_empty() && !line.starts_with("# "))
        .map(|(index, line)| {
            let place = format!("testdata/mask/{file}:{}", index + 1);
            (place, line.to_owned())
        })
        .collect()
}

fn cases(file: &str) -> Vec<Case> {
    let case = |(place, line): (String, String)| {
        let fields = line.split('\t').map(unescaped).collect();
        Case { place, fields }
    };
    lines(file).into_iter().map(case).collect()
}

/// A field without its escapes: `\n`, `\t` and `\\`.
fn unescaped(field: &str) -> String {
    let mut text = String::new();
    let mut characters = field.chars();
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('\\') => '\\',
                other => panic!("no such escape: {other:?} in {field:?}"),
            },
            character => character,
        });
    }
    text
}

/// Compares what is shown of an input, and of what is shown, which stays as it is.
fn check_shown(file: &str, mask: impl Fn(&Masker, &str) -> String) {
    let masker = masker();
    let mut report = report();
    for case in cases(file) {
        let input = &case.fields[0];
        let shown = mask(&masker, input);
        report.check(&case, input, &shown, case.expected());
        let again = mask(&masker, &shown);
        report.check(&case, "masked twice", &again, &shown);
    }
    report.finish();
}

fn code_of(name: &str) -> Option<&'static str> {
    MaskPolicy::iso27001()
        .category(name)
        .map(|category| category.code())
}

#[test]
fn every_name_is_of_its_category() {
    let mut report = report();
    for case in cases("names.tsv") {
        let name = &case.fields[0];
        report.check(
            &case,
            name,
            code_of(name).unwrap_or("innocent"),
            case.verdict().unwrap_or("innocent"),
        );
    }
    report.finish();
}

/// A name in snake case says where its words end, so every other spelling can be made of it.
#[test]
fn every_name_is_of_its_category_in_every_spelling() {
    let mut report = report();
    for case in cases("names.tsv") {
        let name = &case.fields[0];
        let is_snake = name.contains('_')
            && name
                .split('_')
                .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase()));
        if !is_snake {
            continue;
        }
        for spelled in spellings(name) {
            report.check(
                &case,
                &spelled,
                code_of(&spelled).unwrap_or("innocent"),
                case.verdict().unwrap_or("innocent"),
            );
        }
    }
    report.finish();
}

fn spellings(snake: &str) -> Vec<String> {
    let pascal: String = snake.split('_').map(capitalized).collect();
    let camel = pascal[..1].to_lowercase() + &pascal[1..];
    let header: Vec<_> = snake.split('_').map(capitalized).collect();
    vec![
        camel,
        pascal,
        header.join("-"),
        format!("X-{}", header.join("-")),
        snake.replace('_', "-"),
        snake.replace('_', "."),
        snake.replace('_', " "),
        snake.to_uppercase(),
        format!("my_service.{snake}"),
        format!("form[{snake}]"),
    ]
}

fn capitalized(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

#[test]
fn every_header_is_shown_or_masked() {
    let masker = masker();
    let mut report = report();
    for case in cases("headers.tsv") {
        let name = &case.fields[0];
        let expected = case.verdict().map_or("a-value", |_| MASK);
        for name in [name.clone(), name.to_lowercase(), name.to_uppercase()] {
            let shown = masker.mask_headers([(&name, "a-value")]);
            report.check(&case, &name, &shown[0].1, expected);
        }
        report.check(
            &case,
            name,
            code_of(name).unwrap_or("innocent"),
            case.verdict().unwrap_or("innocent"),
        );
    }
    report.finish();
}

/// Cookies come as one header, which is masked whole; where a framework hands them out one by
/// one, their names decide.
#[test]
fn every_cookie_is_shown_or_masked() {
    let masker = masker();
    let mut report = report();
    for case in cases("cookies.tsv") {
        let name = &case.fields[0];
        report.check(
            &case,
            name,
            code_of(name).unwrap_or("innocent"),
            case.verdict().unwrap_or("innocent"),
        );
        let value = case.verdict().map_or("a-value", |_| MASK);
        let shown = masker.mask_query(&format!("theme=dark; {name}=a-value"));
        report.check(&case, name, &shown, &format!("theme=dark; {name}={value}"));
        let header = masker.mask_headers([("Cookie", format!("{name}=a-value"))]);
        report.check(&case, name, &header[0].1, MASK);
    }
    report.finish();
}

#[test]
fn every_query_is_shown_as_labelled() {
    check_shown("query.tsv", Masker::mask_query);
}

#[test]
fn every_form_is_shown_as_labelled() {
    check_shown("form.tsv", Masker::mask_query);
}

#[test]
fn every_url_is_shown_as_labelled() {
    check_shown("url.tsv", Masker::mask_url);
}

#[test]
fn every_text_is_shown_as_labelled() {
    check_shown("text.tsv", Masker::mask_text);
}

#[test]
fn every_document_is_shown_as_labelled() {
    let masker = masker();
    let mut report = report();
    for (place, line) in lines("json.jsonl") {
        let pair: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{place}: {e}"));
        let case = Case {
            place,
            fields: Vec::new(),
        };
        let (input, expected) = (&pair["input"], pair["expected"].to_string());
        let shown = masker.mask_value(input).to_string();
        report.check(&case, "as a value", &shown, &expected);
        let text = masker.mask_json(&input.to_string()).unwrap().into_string();
        let text: Value = serde_json::from_str(&text).unwrap();
        report.check(&case, "as a text", &text.to_string(), &expected);
    }
    report.finish();
}

#[test]
fn the_corpus_is_large_and_says_nothing_twice() {
    let mut seen = HashSet::new();
    let (mut sensitive, mut innocent) = (0, 0);
    for file in FILES {
        for (place, line) in lines(file) {
            let input = line.split('\t').next().unwrap().to_owned();
            assert!(seen.insert((file, input)), "{place} is there already");
            if file == "names.tsv" {
                let verdict = line.split('\t').nth(1).unwrap();
                *(if verdict == "innocent" {
                    &mut innocent
                } else {
                    &mut sensitive
                }) += 1;
                assert_eq!(line.split('\t').count(), 3, "{place}: three fields");
            }
        }
    }
    assert!(seen.len() >= 1_000, "{} cases", seen.len());
    assert!(innocent >= 450, "{innocent} innocent names");
    assert!(sensitive >= 350, "{sensitive} sensitive names");
}

const FILES: [&str; 8] = [
    "names.tsv",
    "headers.tsv",
    "cookies.tsv",
    "query.tsv",
    "form.tsv",
    "url.tsv",
    "text.tsv",
    "json.jsonl",
];
