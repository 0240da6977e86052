use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is wrong with a request that was never sent: a whole sentence without its full stop, and
/// without anything of what was given but names that are identifiers.
pub(crate) type Complaint = Cow<'static, str>;

/// A path on the client's origin, with `{names}` where values go. It has been checked: it names no
/// other server, holds no query and climbs nowhere.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    text: Arc<str>,
    has_names: bool,
}

impl Template {
    pub(crate) fn parse(text: &str) -> Result<Self, Complaint> {
        let has_names = text.contains(['{', '}']);
        if has_names {
            let mut literal = String::with_capacity(text.len());
            for piece in pieces(text)? {
                // A stand-in that is no dot and no slash: what the values hold is checked later.
                literal.push_str(match piece {
                    Piece::Literal(literal) => literal,
                    Piece::Name(_) => "x",
                });
            }
            check_literal(&literal)?;
        } else {
            check_literal(text)?;
        }
        Ok(Self {
            text: text.into(),
            has_names,
        })
    }

    pub(crate) fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// The path, if there is nothing to be filled in.
    pub(crate) fn whole(&self) -> Option<&str> {
        (!self.has_names).then_some(&*self.text)
    }

    /// The path with each name replaced by its value, encoded so that it stays one segment.
    pub(crate) fn fill(&self, values: &[(Box<str>, Box<str>)]) -> Result<Arc<str>, Complaint> {
        if !self.has_names && values.is_empty() {
            return Ok(Arc::clone(&self.text));
        }
        let mut path = String::with_capacity(self.text.len());
        let mut used = 0;
        for piece in pieces(&self.text)? {
            match piece {
                Piece::Literal(literal) => path.push_str(literal),
                Piece::Name(name) => {
                    let mut given = values.iter().filter(|(given, _)| **given == *name);
                    let (Some((_, value)), None) = (given.next(), given.next()) else {
                        return Err(format!("the path needs one segment(\"{name}\", …)").into());
                    };
                    check_value(name, value)?;
                    path.extend(utf8_percent_encode(value, ENCODED));
                    used += 1;
                }
            }
        }
        if used != values.len() {
            return Err("a segment was given that the path has no place for".into());
        }
        // Once more for the whole: servers differ in what they decode before they look for dots.
        check_literal(&path)?;
        Ok(path.into())
    }
}

/// Appends a pair to a query or a form, both sides encoded.
pub(crate) fn push_pair(pairs: &mut String, name: &str, value: &str) {
    if !pairs.is_empty() {
        pairs.push('&');
    }
    pairs.extend(utf8_percent_encode(name, ENCODED));
    pairs.push('=');
    pairs.extend(utf8_percent_encode(value, ENCODED));
}

/// Refuses whatever is not a plain absolute path.
pub(crate) fn check_literal(path: &str) -> Result<(), Complaint> {
    let refuse = |complaint: &'static str| Err(complaint.into());
    if !path.starts_with('/') {
        return refuse("the path must begin with a slash: a client sends to its own origin only");
    }
    if path.contains('?') {
        return refuse("the path holds a query: give it with query(name, value)");
    }
    if !path.bytes().all(is_path_byte) {
        return refuse("the path holds a character no path may hold: give it with segment(…)");
    }
    if path.contains("//") {
        return refuse("the path holds an empty segment, which may lead elsewhere");
    }
    let dots = "the path holds a dot segment, which would lead elsewhere";
    if !path.contains('%') {
        return match path.split('/').any(|segment| is_dots(segment.as_bytes())) {
            true => refuse(dots),
            false => Ok(()),
        };
    }
    let escapes = path.split('%').skip(1);
    let is_escape = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if !escapes.into_iter().all(is_escape) {
        return refuse("the path holds a percent sign that encodes nothing");
    }
    let decoded = percent_decode_str(path).collect::<Vec<u8>>();
    if decoded.iter().any(|byte| byte.is_ascii_control()) {
        return refuse("the path holds an encoded control character");
    }
    let is_separator = |byte: &u8| matches!(byte, b'/' | b'\\');
    if decoded.split(is_separator).any(is_dots) {
        return refuse(dots);
    }
    Ok(())
}

fn is_dots(segment: &[u8]) -> bool {
    matches!(segment, b"." | b"..")
}

fn check_value(name: &str, value: &str) -> Result<(), Complaint> {
    let wrong = match value {
        "" => "empty",
        "." | ".." => "a dot segment",
        _ if value.chars().any(char::is_control) => "not plain text",
        _ => return Ok(()),
    };
    Err(format!("the segment {name} is {wrong}").into())
}

/// RFC 3986 §3.3: `pchar`, the percent sign, and the slash between segments.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'%'
                | b'/'
        )
}

enum Piece<'a> {
    Literal(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Complaint> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        let name = after.split_once('}').filter(|(name, _)| is_name(name));
        let Some((name, after)) = name else {
            return Err("the path holds a brace that names no segment".into());
        };
        pieces.extend([Piece::Literal(literal), Piece::Name(name)]);
        rest = after;
    }
    pieces.push(Piece::Literal(rest));
    Ok(pieces)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// All but RFC 3986's unreserved characters; a space becomes `%20`, which every server reads.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, values: &[(&str, &str)]) -> Result<Arc<str>, Complaint> {
        let values: Vec<_> = values.iter().map(|&(n, v)| (n.into(), v.into())).collect();
        Template::parse(template)?.fill(&values)
    }

    #[test]
    fn a_value_stays_one_segment() {
        for (value, expected) in [
            ("dev", "/e/dev/status"),
            ("a/b", "/e/a%2Fb/status"),
            ("a b+c", "/e/a%20b%2Bc/status"),
            ("a?b#c", "/e/a%3Fb%23c/status"),
            ("50%", "/e/50%25/status"),
            ("%2e%2e", "/e/%252e%252e/status"),
            ("a..b", "/e/a..b/status"),
            ("{x}", "/e/%7Bx%7D/status"),
            ("é", "/e/%C3%A9/status"),
            ("http://evil.test", "/e/http%3A%2F%2Fevil.test/status"),
        ] {
            let path = filled("/e/{env}/status", &[("env", value)]);
            assert_eq!(path.as_deref(), Ok(expected));
        }
        assert_eq!(
            filled("/{a}/{b}.json", &[("b", "2"), ("a", "1")]).as_deref(),
            Ok("/1/2.json")
        );
    }

    #[test]
    fn a_value_that_would_lead_elsewhere_is_refused() {
        for value in ["", ".", "..", "../x", "a/../b", "a\\..\\b", "a\nb", "\0"] {
            let complaint = filled("/e/{env}/status", &[("env", value)]).unwrap_err();
            assert!(value.len() < 3 || !complaint.contains(value), "{complaint}");
        }
    }

    #[test]
    fn names_and_values_must_match_one_to_one() {
        for (template, values) in [
            ("/{a}", [].as_slice()),
            ("/{a}", &[("b", "1")]),
            ("/{a}", &[("a", "1"), ("a", "2")]),
            ("/{a}", &[("a", "1"), ("b", "2")]),
            ("/a", &[("a", "1")]),
            ("/{}", &[("", "1")]),
            ("/{a", &[("a", "1")]),
            ("/a}", &[("a", "1")]),
            ("/{{a}}", &[("a", "1")]),
        ] {
            assert!(filled(template, values).is_err(), "{template} {values:?}");
        }
    }

    #[test]
    fn a_path_that_is_not_plain_is_refused() {
        for path in [
            "",
            "api",
            "http://evil.test/",
            "https://evil.test/",
            "HTTPS:evil.test",
            "//evil.test/",
            "\\\\evil.test",
            "/\\evil.test",
            "/..",
            "/a/../b",
            "/a/./b",
            "/a/%2e%2E/b",
            "/a/..%2fb",
            "/a/..%5cb",
            "/a//b",
            "/a?token=x",
            "/a#b",
            "/a b",
            "/a\nb",
            "/a\r\nHost: evil.test",
            "/a%0d%0aHost:evil",
            "/a\0",
            "/é",
            "/a%",
            "/a%zz",
            "/a%2",
            "/<a>",
        ] {
            assert!(Template::parse(path).is_err(), "{path:?}");
        }
        for path in ["/", "/a", "/a/", "/a/b.c/..d", "/a:b@c;d=e,f", "/a%20b"] {
            assert_eq!(filled(path, &[]).as_deref(), Ok(path));
        }
    }
}
