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
    for (at, _) in text.match_indices('@') {
        let Some(before) = text.get(rewriter.done..at) else {
            continue;
        };
        if !PROTOCOLS.iter().any(|it| text[at + 1..].starts_with(it)) {
            continue;
        }
        // If the login is longer than any, what was read of it is masked.
        let length: usize = before
            .chars()
            .rev()
            .take(LONGEST_LOGIN)
            .take_while(|&c| !(c.is_whitespace() || c.is_control() || "\"'`".contains(c)))
            .map(char::len_utf8)
            .sum();
        let login = &before[before.len() - length..];
        // Of `source=user:password@tcp(…` the name may be shown, and of a URL the scheme.
        let after_url = login.rfind("://").map_or(0, |at| at + 3);
        let colon = login[after_url..].find(':').map_or(0, |at| after_url + at);
        let start = match login[..colon].rfind('=') {
            Some(equals) => after_url.max(equals + 1),
            None => after_url,
        };
        let is_cut = before.len() > length && login.chars().count() == LONGEST_LOGIN;
        if colon > 0 || is_cut {
            rewriter.mask(at - length + start..at);
        }
    }
    rewriter.finish()
}

/// With which the address of a database begins behind the login.
const PROTOCOLS: [&str; 4] = ["tcp(", "tcp4(", "tcp6(", "unix("];
/// In characters.
const LONGEST_LOGIN: usize = 256;

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
