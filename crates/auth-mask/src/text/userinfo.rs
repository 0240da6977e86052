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
        let belongs = |c: char| !(c.is_whitespace() || c.is_control() || "\"'`<>".contains(c));
        let length: usize = before
            .chars()
            .rev()
            .take(LONGEST_LOGIN)
            .take_while(|&c| belongs(c))
            .map(char::len_utf8)
            .sum();
        let login = &before[before.len() - length..];
        // `DSN=user:password@tcp(…`, where the name may be shown.
        let colon = login.find(':').unwrap_or(0);
        let name = login[..colon].rfind('=').map_or(0, |equals| equals + 1);
        if colon > 0 && !login.contains("://") {
            rewriter.mask(at - length + name..at);
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
