//! The rule that keeps `Identity` a proof: few crates may call its constructor, and all of them by
//! its own name.
//!
//! It guards against a mistake and not against malice, because a macro that glues names together
//! would get past it; a reviewer would not miss such a macro.

use std::collections::BTreeSet;

use crate::layers::Violation;
use crate::layers::config::IdentityRule;
use crate::layers::lexer::{Token, tokens};
use crate::sources::Source;

pub(super) fn check(sources: &[Source], rule: &IdentityRule) -> Vec<Violation> {
    let allowed: BTreeSet<&str> = rule.allowed().collect();
    sources
        .iter()
        .filter(|source| source.package != rule.defined_in)
        .flat_map(|source| check_source(source, rule, &allowed))
        .collect()
}

fn check_source(source: &Source, rule: &IdentityRule, allowed: &BTreeSet<&str>) -> Vec<Violation> {
    let tokens: Vec<Token<'_>> = tokens(&source.text).collect();
    let verdict = |position| {
        if allowed.contains(source.package.as_str()) {
            among_callers(&tokens, position, rule)
        } else {
            among_others(&tokens, position, rule, allowed)
        }
    };
    let violations = (0..tokens.len()).filter_map(|position| {
        let (verb, rule) = verdict(position)?;
        let (path, line) = (source.path.display(), tokens[position].line);
        let package = &source.package;
        Some(Violation {
            finding: format!("{path}:{line}: {package} {verb}"),
            rule,
        })
    });
    violations.collect()
}

/// A crate that may not make an `Identity` does not write the constructor's name, and does not
/// take in files that this check does not read.
fn among_others(
    tokens: &[Token<'_>],
    position: usize,
    rule: &IdentityRule,
    allowed: &BTreeSet<&str>,
) -> Option<(String, String)> {
    let next = |ahead: usize| tokens.get(position + ahead).map(|token| token.text);
    let unread = "a file that is not read as Rust could make an Identity unseen".to_owned();
    match tokens[position].text {
        name if name == rule.constructor => {
            let allowed: Vec<&str> = allowed.iter().copied().collect();
            let only = format!("only {} may make an Identity", allowed.join(", "));
            Some((names("names", rule), only))
        }
        "include" if next(1) == Some("!") => Some(("uses include!".to_owned(), unread)),
        "[" if next(1) == Some("path") && next(2) == Some("=") => {
            Some(("uses #[path]".to_owned(), unread))
        }
        _ => None,
    }
}

/// A crate that may make an `Identity` imports the constructor or calls it, and nothing else.
fn among_callers(
    tokens: &[Token<'_>],
    position: usize,
    rule: &IdentityRule,
) -> Option<(String, String)> {
    if tokens[position].text != rule.constructor {
        return None;
    }
    let next = tokens.get(position + 1).map(|token| token.text);
    let handed_on = "the constructor of Identity may not be handed on".to_owned();
    match (visibility_of_use(tokens, position), next) {
        (Some(Visibility::Public), _) => Some((names("re-exports", rule), handed_on)),
        (_, Some("as")) => {
            let renamed = "the constructor of Identity may not go by another name".to_owned();
            Some((names("renames", rule), renamed))
        }
        (Some(Visibility::Private), _) | (None, Some("(")) => None,
        (None, _) => Some((names("mentions", rule), handed_on)),
    }
}

fn names(verb: &str, rule: &IdentityRule) -> String {
    let IdentityRule {
        constructor,
        defined_in,
        ..
    } = rule;
    format!("{verb} `{constructor}` of {defined_in}")
}

enum Visibility {
    Public,
    /// `pub(crate) use` and its like stay inside of the crate too.
    Private,
}

/// Whether the token stands in a `use …;`, and if so, in which kind.
fn visibility_of_use(tokens: &[Token<'_>], position: usize) -> Option<Visibility> {
    let before = &tokens[..position];
    let start = before
        .iter()
        .rposition(|token| matches!(token.text, "use" | ";"))
        .filter(|start| before[*start].text == "use")?;
    // `impl Trait + use<>` is no import.
    if before.get(start + 1).is_some_and(|token| token.text == "<") {
        return None;
    }
    Some(if start > 0 && before[start - 1].text == "pub" {
        Visibility::Public
    } else {
        Visibility::Private
    })
}
