//! Tokens from standard input, which may hold anything, and any amount of it.

use std::io::{self, BufRead, Read};

use auth_core::Secret;
use auth_jwt::{Malformed, Rejection};

/// The most bytes of one token that are read. More than the largest token that is judged, so that
/// it is the policy's limit that a user meets.
const LIMIT: usize = 1024 * 1024;

/// Reads all there is as one token. What is not text, or has no end, is rejected at once.
pub(super) fn read_one(input: impl Read) -> io::Result<Result<Secret, Rejection>> {
    let mut bytes = Vec::new();
    input
        .take(with_newline(LIMIT) + 1)
        .read_to_end(&mut bytes)?;
    Ok(token(bytes))
}

/// Reads the next line as a token; `None` at the end of the input.
pub(super) fn read_line(mut input: impl BufRead) -> io::Result<Option<Result<Secret, Rejection>>> {
    let mut line = Vec::new();
    let cap = with_newline(LIMIT) + 1;
    let read = input.by_ref().take(cap).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") {
        // The rest of a line that is too long; nothing where the input ends without a newline.
        input.skip_until(b'\n')?;
    }
    Ok(Some(token(line)))
}

/// Room for a newline, so that the longest token may have one too.
fn with_newline(bytes: usize) -> u64 {
    bytes as u64 + 2
}

fn token(mut bytes: Vec<u8>) -> Result<Secret, Rejection> {
    bytes.truncate(without_newline(&bytes).len());
    if bytes.len() > LIMIT {
        return Err(Rejection::TooLarge { limit: LIMIT });
    }
    // A token is made of base64url and dots, so what is not text has bytes of no alphabet.
    let text = String::from_utf8(bytes).map_err(|_| Malformed::Base64)?;
    Ok(text.into())
}

/// All but one newline at the end, be it LF or CRLF.
fn without_newline(bytes: &[u8]) -> &[u8] {
    match bytes.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], expected: &[Result<&str, &str>]) {
        let mut rest = input;
        for expected in expected {
            let line = read_line(&mut rest).unwrap().expect("a line is missing");
            let line = line.map_err(|rejection| rejection.code());
            let line = line.as_ref().map(Secret::expose).map_err(|code| *code);
            assert_eq!(line, *expected);
        }
        assert!(read_line(&mut rest).unwrap().is_none(), "a line too many");
    }

    #[test]
    fn lines_end_in_either_newline_or_with_the_input() {
        check(b"", &[]);
        check(b"\n", &[Ok("")]);
        check(b"a\nb\r\n\nc", &[Ok("a"), Ok("b"), Ok(""), Ok("c")]);
        check(b"a\r\r\n b \r", &[Ok("a\r"), Ok(" b \r")]);
        check(b"\xff\na", &[Err("malformed"), Ok("a")]);
    }

    #[test]
    fn a_line_without_an_end_is_cut_where_the_limit_is() {
        let longest = "x".repeat(LIMIT);
        for newline in ["\n", "\r\n"] {
            let line = |text: &str| format!("{text}{newline}next{newline}");
            check(line(&longest).as_bytes(), &[Ok(&longest), Ok("next")]);
            for more in [1, 2, 3, 4, 3 * LIMIT] {
                let longer = longest.clone() + &"x".repeat(more);
                check(line(&longer).as_bytes(), &[Err("too_large"), Ok("next")]);
                check(longer.as_bytes(), &[Err("too_large")]);
            }
        }
        check(longest.as_bytes(), &[Ok(&longest)]);
    }

    #[test]
    fn one_token_is_all_of_the_input_but_one_newline() {
        let read = |input: &[u8]| read_one(input).unwrap();
        assert_eq!(read(b"a\r\n"), Ok("a".into()));
        assert_eq!(read(b"a\nb\n\n"), Ok("a\nb\n".into()));
        let endless = io::repeat(b'x');
        let rejection = read_one(endless).unwrap().unwrap_err();
        assert_eq!(rejection.code(), "too_large");
    }
}
