//! `cargo xtask check-docs`: every code and every environment variable of the sources has a row in
//! the docs, and every variable of the docs is read by the sources.
//!
//! A code is a literal in a function `code`, or the first argument of a refusal; a variable is the
//! name of a `Variable` or its alias. Literals elsewhere are not found.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::bail;

use crate::project::Project;
use crate::sources::{self, Source};

const CODES: &str = "docs/troubleshooting.md";
const VARIABLES: &str = "docs/configuration.md";
/// Not part of what a service is made of.
const TOOLS: [&str; 3] = ["auth-bench", "auth-testkit", "xtask"];

pub(crate) fn run(project: &Project) -> anyhow::Result<()> {
    let sources = sources::read_all(&project.metadata)?;
    let codes = project.shell.read_file(CODES)?;
    let variables = project.shell.read_file(VARIABLES)?;
    let findings = check(&sources, &codes, &variables);
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => bail!("{count} differences between the docs and the sources"),
    }
}

fn check(sources: &[Source], codes_page: &str, variables_page: &str) -> Vec<String> {
    let (mut codes, mut variables) = (BTreeSet::new(), BTreeSet::new());
    let is_product = |source: &&Source| !TOOLS.contains(&&*source.package) && in_src(&source.path);
    for source in sources.iter().filter(is_product) {
        let text = source.text.split("#[cfg(test)]\nmod tests").next();
        let code: String = text
            .unwrap_or_default()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        for start in ["rejected(", "unavailable(", "Decision::unknown("] {
            codes.extend(first_literals(&code, start));
        }
        for body in code.split("fn code(").skip(1) {
            let body = body.split("\n    }\n").next().unwrap_or_default();
            codes.extend(first_literals(body, "=>"));
        }
        for start in ["Variable::new(", ".alias("] {
            variables.extend(first_literals(&code, start));
        }
    }
    codes.retain(|code| is_code(code));
    // What a message names several variables by is no variable.
    variables.retain(|variable| !variable.contains(' '));

    let in_codes = first_cells(codes_page);
    let in_variables = first_cells(variables_page);
    let missing = |name: &String, page: &str| format!("{page} has no row for `{name}`");
    let mut findings: Vec<String> = codes
        .difference(&in_codes)
        .map(|name| missing(name, CODES))
        .collect();
    findings.extend(
        variables
            .difference(&in_variables)
            .map(|name| missing(name, VARIABLES)),
    );
    findings.extend(
        in_variables
            .difference(&variables)
            .map(|name| format!("{VARIABLES} has `{name}`, which no crate reads")),
    );
    findings
}

fn in_src(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().collect();
    parts.get(2).is_some_and(|part| *part == "src") && !path.ends_with("tests.rs")
}

/// The string literals that directly follow `start`.
fn first_literals(code: &str, start: &str) -> Vec<String> {
    code.split(start)
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"'))
        .filter_map(|rest| rest.split_once('"'))
        .map(|(literal, _)| literal.to_owned())
        .collect()
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// What stands in backticks in the first cells of the tables of a page.
fn first_cells(page: &str) -> BTreeSet<String> {
    let rows = page.lines().filter_map(|line| line.strip_prefix('|'));
    let cells = rows.filter_map(|row| row.split('|').next());
    cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_codes_and_variables_are_found() {
        let text = "impl A {\n    fn code(&self) -> &str {\n        match self {\n            A => \"known\",\n            \
            B => \"unknown_code\",\n        }\n    }\n}\n\
            const X: Variable = Variable::new(\n    \"X_HOST\", \"a host\").alias(\"X_OTHER\");\n\
            fn f() { g => \"no\"; Error::rejected(\"refused\", \"text\") }\n\
            // Variable::new(\"COMMENT\", \"\")\n#[cfg(test)]\nmod tests { rejected(\"tested\") }";
        let source = |package: &str| Source {
            package: package.to_owned(),
            path: "crates/a/src/lib.rs".into(),
            text: text.to_owned(),
        };
        let codes = "| code | text |\n| `known` | `other` |\n";
        let variables = "| `X_HOST`, `GONE` | |\n";
        let expected = [
            "docs/troubleshooting.md has no row for `refused`",
            "docs/troubleshooting.md has no row for `unknown_code`",
            "docs/configuration.md has no row for `X_OTHER`",
            "docs/configuration.md has `GONE`, which no crate reads",
        ];
        assert_eq!(check(&[source("auth-a")], codes, variables), expected);
        assert_eq!(check(&[source("xtask")], codes, "").len(), 0);
    }
}
