//! Signed and encrypted tokens in their compact form (RFC 7515 §7.1, RFC 7516 §7.1).

use std::borrow::Cow;

use crate::text::{Rewriter, until};

/// Masks each run of base64url that begins as a header does and has a token's parts.
pub(super) fn mask(text: &str) -> Cow<'_, str> {
    let mut rewriter = Rewriter::new(text);
    let mut end = 0;
    for (start, _) in text.match_indices(HEADER) {
        // What begins later in the same run has no more parts than what was looked at.
        if start < end {
            continue;
        }
        end = until(text, start, |c| {
            !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
        });
        if is_token(&text[start..end]) {
            rewriter.mask(start..end);
        }
    }
    rewriter.finish()
}

fn is_token(run: &str) -> bool {
    let mut parts = run.split('.').skip(1);
    // A token that was cut has told its claims already.
    let cut = parts
        .next()
        .is_some_and(|payload| payload.starts_with(HEADER));
    cut || parts.next().is_some()
}

/// `{"` in base64.
const HEADER: &str = "eyJ";
