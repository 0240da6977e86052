//! `cargo xtask check-parity`: what `docs/parity.md` promises, held against the tests it names.
//!
//! A row ends with the tests that show it: the name of a crate, then test functions in backticks,
//! perhaps several crates after one another. Whether a test passes is the runner's business; that it
//! is there, and that it is a test, is checked here.

use std::collections::BTreeSet;

use anyhow::bail;

use crate::project::Project;
use crate::sources::{self, Source};

const PAGE: &str = "docs/parity.md";

pub(crate) fn run(project: &Project) -> anyhow::Result<()> {
    let page = project.shell.read_file(PAGE)?;
    let sources = sources::read_all(&project.metadata)?;
    let findings = check(&page, &sources);
    for finding in &findings {
        println!("{PAGE}:{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} rows of {PAGE} are not shown by a test"),
    }
}

/// What is wrong, each with the number of its line.
fn check(page: &str, sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for (index, line) in page.lines().enumerate() {
        let number = index + 1;
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", _, _, shown_by, ""] = cells[..] else {
            continue;
        };
        if shown_by == "shown by" || shown_by.starts_with("---") {
            continue;
        }
        let tests = named_tests(shown_by);
        if tests.is_empty() {
            findings.push(format!("{number}: names no test"));
        }
        for (package, test) in tests {
            if !exists(package, test, sources) {
                findings.push(format!("{number}: {package} has no test `{test}`"));
            }
        }
    }
    findings
}

/// The tests of a cell, each with the crate named last before it.
fn named_tests(cell: &str) -> BTreeSet<(&str, &str)> {
    let mut package = "";
    let mut tests = BTreeSet::new();
    // Text and backticked names take turns.
    for (index, part) in cell.split('`').enumerate() {
        if index % 2 == 1 {
            tests.insert((package, part));
        } else if let Some(named) = part.split_whitespace().find(|word| word.len() > 1) {
            package = named;
        }
    }
    tests
}

/// Whether the crate has a function of this name, with an attribute that makes it a test.
fn exists(package: &str, test: &str, sources: &[Source]) -> bool {
    let signature = format!("fn {test}(");
    let mut files = sources.iter().filter(|source| source.package == package);
    files.any(|source| {
        let before: Vec<&str> = source.text.split(&signature).collect();
        let attributed = |text: &&str| {
            let attribute = text.trim_end().trim_end_matches("async").trim_end();
            let line = attribute.rsplit('\n').next().unwrap_or_default().trim();
            line.starts_with("#[") && line.contains("test")
        };
        before.len() > 1 && before[..before.len() - 1].iter().any(attributed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TESTS: &str = "#[test]\nfn shown() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\n\
        async fn waits() {}\n\nfn helper() {}\n";

    #[track_caller]
    fn check_row(shown_by: &str, expected: &[&str]) {
        let sources = [Source {
            package: "auth-core".to_owned(),
            path: "tests/a.rs".into(),
            text: TESTS.to_owned(),
        }];
        let page =
            format!("| documented | here | shown by |\n|---|---|---|\n| a | b | {shown_by} |");
        assert_eq!(check(&page, &sources), expected, "{shown_by}");
    }

    #[test]
    fn a_row_names_tests_that_exist() {
        check_row("auth-core `shown`", &[]);
        check_row("auth-core `shown`, `waits`", &[]);
        check_row("nothing yet", &["3: names no test"]);
        check_row("auth-core `gone`", &["3: auth-core has no test `gone`"]);
        check_row("auth-core `helper`", &["3: auth-core has no test `helper`"]);
        check_row("auth-jwt `shown`", &["3: auth-jwt has no test `shown`"]);
        let mixed = "auth-core `shown`, auth-jwt `waits`";
        check_row(mixed, &["3: auth-jwt has no test `waits`"]);
    }
}
