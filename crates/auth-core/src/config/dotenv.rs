//! The `.env` format: reading and parsing, with no opinion on what the variables mean.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A line that is not an assignment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) message: &'static str,
}

/// Reads the file, or says what is wrong with it.
pub(super) fn read(path: &Path) -> Result<String, &'static str> {
    // Asked before opening: to open a pipe would wait for somebody to write into it.
    if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("is not a file");
    }
    let file = File::open(path).map_err(|_| "cannot be opened")?;
    read_text(file, MAX_BYTES)
}

/// Reads at most `limit` bytes of text.
pub(super) fn read_text(source: impl Read, limit: u64) -> Result<String, &'static str> {
    let mut bytes = Vec::new();
    source
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|_| "cannot be read")?;
    if bytes.len() as u64 > limit {
        return Err("is too large");
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text")
}

/// Splits the text into assignments and faults. Of two assignments to one name the later stands.
pub(super) fn parse(text: &str) -> (Vec<(String, String)>, Vec<Fault>) {
    let mut parser = Parser {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
        line: 1,
    };
    let (mut pairs, mut faults) = (Vec::new(), Vec::new());
    while !parser.rest.is_empty() {
        let line = parser.line;
        match parser.assignment() {
            Ok(Some(pair)) => pairs.push(pair),
            Ok(None) => {}
            Err(message) => {
                faults.push(Fault { line, message });
                parser.skip_line();
            }
        }
    }
    (pairs, faults)
}

struct Parser<'a> {
    rest: &'a str,
    line: usize,
}

impl Parser<'_> {
    /// Takes one line, or several if a quoted value spans them. `None` is a blank or a comment.
    fn assignment(&mut self) -> Result<Option<(String, String)>, &'static str> {
        self.skip_blanks();
        if self.rest.is_empty() || self.rest.starts_with(['\n', '\r', '#']) {
            self.skip_line();
            return Ok(None);
        }
        if let Some(after) = self.rest.strip_prefix("export")
            && after.starts_with([' ', '\t'])
        {
            self.rest = after;
            self.skip_blanks();
        }
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err("has no name before the equals sign");
        }
        self.skip_blanks();
        let Some(after) = self.rest.strip_prefix('=') else {
            return Err("has no equals sign after the name");
        };
        self.rest = after;
        self.skip_blanks();
        let value = match self.rest.chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => self.unquoted(),
        };
        Ok(Some((name, value)))
    }

    fn quoted(&mut self, quote: char) -> Result<String, &'static str> {
        let mut value = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        let end = loop {
            match chars.next() {
                None => return Err("has a quote that is never closed"),
                Some((at, c)) if c == quote => break at + 1,
                Some((_, '\\')) if quote == '"' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, 'r')) => value.push('\r'),
                    Some((_, 't')) => value.push('\t'),
                    Some((_, c @ ('"' | '\\' | '$'))) => value.push(c),
                    _ => return Err(r#"has an escape other than \n \r \t \" \\ \$"#),
                },
                Some((_, c)) => value.push(c),
            }
        };
        let spanned = self.rest[..end].matches('\n').count();
        self.rest = &self.rest[end..];
        self.skip_blanks();
        if !(self.rest.is_empty() || self.rest.starts_with(['\n', '\r', '#'])) {
            return Err("has text after the closing quote");
        }
        self.line += spanned;
        self.skip_line();
        Ok(value)
    }

    /// Up to the end of the line, or to a `#` that follows a blank.
    fn unquoted(&mut self) -> String {
        let line = self.rest.split('\n').next().unwrap_or_default();
        let comment = line
            .match_indices('#')
            .map(|(at, _)| at)
            .find(|&at| at == 0 || line[..at].ends_with([' ', '\t']));
        let value = line[..comment.unwrap_or(line.len())].trim().to_owned();
        self.skip_line();
        value
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn skip_line(&mut self) {
        self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
        self.line += 1;
    }
}

const MAX_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let (pairs, faults) = parse(text);
        assert_eq!(faults, [], "{text:?}");
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (&**n, &**v)).collect();
        assert_eq!(pairs, expected, "{text:?}");
    }

    #[track_caller]
    fn check_fault(text: &str, line: usize, message: &'static str) {
        assert_eq!(parse(text).1, [Fault { line, message }], "{text:?}");
    }

    #[test]
    fn assignments() {
        check("A=1\nB=2", &[("A", "1"), ("B", "2")]);
        check("\u{feff}A=1\r\nB=2\r\n", &[("A", "1"), ("B", "2")]);
        check("export A=1\n  export\tB = 2  ", &[("A", "1"), ("B", "2")]);
        check("exported=1", &[("exported", "1")]);
        check("A=\nB=\"\"", &[("A", ""), ("B", "")]);
        check("\n# note\n   # note\n\nA=1 # note", &[("A", "1")]);
        check("A=#note", &[("A", "")]);
        check("A=pass#word", &[("A", "pass#word")]);
        check("A=a b=c", &[("A", "a b=c")]);
        check("A=1\nA=2", &[("A", "1"), ("A", "2")]);
    }

    #[test]
    fn quotes() {
        check(r#"A='$HOME \n "x"' # note"#, &[("A", r#"$HOME \n "x""#)]);
        check(
            r#"A="a\n\t\"\\\$HOME 'x' #" "#,
            &[("A", "a\n\t\"\\$HOME 'x' #")],
        );
        check("A=\"one\ntwo\"\nB=1", &[("A", "one\ntwo"), ("B", "1")]);
        check("A=$HOME", &[("A", "$HOME")]);
        check("A=it's", &[("A", "it's")]);
    }

    #[test]
    fn faults_are_told_by_line_and_the_rest_is_still_read() {
        check_fault("A=1\nnonsense\n", 2, "has no equals sign after the name");
        check_fault("=1", 1, "has no name before the equals sign");
        check_fault("1A=1", 1, "has no name before the equals sign");
        check_fault("A='x\ny'\nB=\"x", 3, "has a quote that is never closed");
        check_fault("A='x'y", 1, "has text after the closing quote");
        check_fault(
            r#"A="\x""#,
            1,
            r#"has an escape other than \n \r \t \" \\ \$"#,
        );
        let (pairs, faults) = parse("?\nA=1\n!\n");
        assert_eq!((pairs.len(), faults.len()), (1, 2));
    }

    #[test]
    fn what_is_too_large_or_no_text_is_refused() {
        assert_eq!(read_text(&[b'a'; 5][..], 4), Err("is too large"));
        assert_eq!(read_text(&[b'a'; 4][..], 4), Ok("aaaa".to_owned()));
        assert_eq!(read_text(&[0xff][..], 4), Err("is not UTF-8 text"));
    }
}
