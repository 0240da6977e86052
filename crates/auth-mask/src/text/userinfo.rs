//! Users and passwords in URLs (RFC 3986 §3.2.1), and in the addresses of Go's MySQL driver.

use std::borrow::Cow;

use crate::text::{Rewriter, until};

/// Masks what stands before the host, in each URL of a text, and in each `user:password@tcp(host)`.
///
/// A user without a password is masked too: access tokens go there.
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    match in_urls(text) {
        Cow::Owned(masked) => before_protocols(&masked).into_owned().into(),
        Cow::Borrowed(text) => before_protocols(text),
    }
}

/// Masks `user:password` before the name of a protocol with an address in parentheses.
fn before_protocols(text: &str) -> Cow<'_, str> {
    let mut rewriter = Rewriter::new(text);
    // No login reaches back behind another address, so that no text is read twice.
    let mut behind = 0;
    for (at, _) in text.match_indices('@') {
        if !PROTOCOLS.iter().any(|it| text[at + 1..].starts_with(it)) {
            continue;
        }
        let before = &text[behind..at];
        let ends = |c: char| c.is_whitespace() || c.is_control() || "\"'`".contains(c);
        let login = before.rsplit(ends).next().unwrap_or_default();
        let begins = at - login.len();
        behind = at + 1;
        // Of `source=user:password@tcp(…` the name may be shown, and of a URL the scheme.
        let after_url = login.rfind("://").map_or(0, |at| at + 3);
        let Some(colon) = login[after_url..].find(':') else {
            continue;
        };
        let name = login[..after_url + colon].rfind('=');
        let start = name.map_or(after_url, |equals| after_url.max(equals + 1));
        rewriter.mask(begins + start..at);
    }
    rewriter.finish()
}

/// With which the address of a database begins behind the login.
const PROTOCOLS: [&str; 4] = ["tcp(", "tcp4(", "tcp6(", "unix("];

fn in_urls(text: &str) -> Cow<'_, str> {
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
