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
    let Source { package, path, .. } = source;
    let IdentityRule {
        constructor,
        defined_in,
        ..
    } = rule;

    let tokens: Vec<Token<'_>> = tokens(&source.text).collect();
    let mut violations = Vec::new();
    for (position, token) in tokens.iter().enumerate() {
        if token.text != constructor {
            continue;
        }
        let (verb, rule) = if !allowed.contains(package.as_str()) {
            let allowed: Vec<&str> = allowed.iter().copied().collect();
            let rule = format!("only {} may make an Identity", allowed.join(", "));
            ("names", rule)
        } else if is_in_public_use(&tokens, position) {
            let rule = "the constructor of Identity may not be handed on".to_owned();
            ("re-exports", rule)
        } else if tokens.get(position + 1).is_some_and(|it| it.text == "as") {
            let rule = "the constructor of Identity may not go by another name".to_owned();
            ("renames", rule)
        } else {
            continue;
        };
        let (path, line) = (path.display(), token.line);
        violations.push(Violation {
            finding: format!("{path}:{line}: {package} {verb} `{constructor}` of {defined_in}"),
            rule,
        });
    }
    violations
}

/// Whether the token stands in a `pub use …;`.
///
/// `pub(crate) use` and its like stay inside of the crate, so they are nobody else's business.
fn is_in_public_use(tokens: &[Token<'_>], position: usize) -> bool {
    let before = &tokens[..position];
    let start = before
        .iter()
        .rposition(|token| matches!(token.text, "use" | ";"));
    match start {
        Some(start) if before[start].text == "use" => start > 0 && before[start - 1].text == "pub",
        _ => false,
    }
}
