//! Users and passwords in URLs (RFC 3986 §3.2.1).

use std::borrow::Cow;

use crate::text::{Rewriter, until};

/// Masks what stands before the host, in each URL of a text.
///
/// A user without a password is masked too: access tokens go there.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    let mut rewriter = Rewriter::new(text);
    // Where the run of URLs ends, and its last `@`: known once, however many URLs there are in it.
    let (mut end, mut last_at) = (0, None);
    for (index, separator) in text.match_indices("://") {
        let start = index + separator.len();
        if start > end {
            end = until(text, start, |c| {
                c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`')
            });
            last_at = text[start..end].rfind('@').map(|at| start + at);
        }
        let host = until(&text[..end], start, |c| matches!(c, '/' | '?' | '#' | '\\'));
        let authority = &text[start..host];
        let at = match authority.rfind('@') {
            Some(at) => Some(start + at),
            // A password may hold a slash that nobody encoded.
            None if has_password(authority) => last_at.filter(|&at| at > start),
            None => None,
        };
        if let Some(at) = at {
            rewriter.mask(start..at);
        }
    }
    rewriter.finish()
}

/// Whether what follows the colon cannot be a port.
fn has_password(authority: &str) -> bool {
    let port = authority.split_once(':').map_or("", |(_, port)| port);
    !authority.starts_with('[') && !port.bytes().all(|byte| byte.is_ascii_digit())
}
