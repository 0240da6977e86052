//! Just enough of Rust's lexer to tell an identifier from the text around it.
//!
//! Comments, strings and characters are skipped, so a word in them is no use of it. What the
//! compiler would refuse is read somehow, and without a complaint: reporting it is the compiler's
//! work.

/// An identifier, a number or a single punctuation character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// A raw identifier stands here without its `r#`, because both spellings name the same thing.
    pub(super) text: &'a str,
    /// Counted from one.
    pub(super) line: usize,
}

/// The tokens of a Rust file, without comments, lifetimes, and literals that are text.
pub(super) fn tokens(source: &str) -> impl Iterator<Item = Token<'_>> {
    Lexer {
        rest: source,
        line: 1,
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Iterator for Lexer<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let first = self.peek()?;
            if first.is_whitespace() {
                self.take(first.len_utf8());
            } else if self.rest.starts_with("//") {
                self.skip_line();
            } else if self.rest.starts_with("/*") {
                self.skip_block_comment();
            } else if first == '"' {
                self.skip_quoted('"');
            } else if first == '\'' {
                self.skip_character_or_lifetime();
            } else if is_word(first) {
                let line = self.line;
                let word = self.take_word();
                // A word right before a quote or a `#` may be the prefix of a literal.
                if !self.skip_prefixed_literal(word) {
                    return Some(Token { text: word, line });
                }
            } else {
                let line = self.line;
                let text = self.take(first.len_utf8());
                return Some(Token { text, line });
            }
        }
    }
}

impl<'a> Lexer<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Takes this many bytes, and counts the lines among them.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Takes everything up to the end of the pattern, or all there is.
    fn take_through(&mut self, pattern: &str) {
        let end = self
            .rest
            .find(pattern)
            .map_or(self.rest.len(), |start| start + pattern.len());
        self.take(end);
    }

    fn take_word(&mut self) -> &'a str {
        let end = self
            .rest
            .find(|character| !is_word(character))
            .unwrap_or(self.rest.len());
        self.take(end)
    }

    fn skip_line(&mut self) {
        self.take_through("\n");
    }

    fn skip_block_comment(&mut self) {
        let mut depth = 0_usize;
        while let Some(first) = self.peek() {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.take(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.take(2);
                if depth == 0 {
                    return;
                }
            } else {
                self.take(first.len_utf8());
            }
        }
    }

    /// Skips a literal that may hold escapes, from its opening quote to its closing one.
    fn skip_quoted(&mut self, quote: char) {
        self.take(quote.len_utf8());
        while let Some(character) = self.peek() {
            self.take(character.len_utf8());
            if character == quote {
                return;
            }
            // Whatever is escaped, it does not end the literal.
            if character == '\\'
                && let Some(escaped) = self.peek()
            {
                self.take(escaped.len_utf8());
            }
        }
    }

    /// `'x'` and `'\n'` are characters, while `'x` is a lifetime: the quote after it decides.
    fn skip_character_or_lifetime(&mut self) {
        let mut following = self.rest.chars().skip(1);
        let (first, second) = (following.next(), following.next());
        if first == Some('\\') || second == Some('\'') {
            self.skip_quoted('\'');
        } else {
            self.take(1);
            self.take_word();
        }
    }

    /// Skips the literal that the prefix introduces, or nothing and says so.
    ///
    /// The `r#` of a raw identifier is no such prefix; it goes, and the identifier comes next.
    fn skip_prefixed_literal(&mut self, prefix: &str) -> bool {
        match (prefix, self.peek()) {
            ("b" | "c", Some('"')) => self.skip_quoted('"'),
            ("b", Some('\'')) => self.skip_quoted('\''),
            ("r" | "br" | "cr", Some('"' | '#')) => {
                let hashes = self.rest.len() - self.rest.trim_start_matches('#').len();
                let hashes = self.take(hashes);
                if self.peek() == Some('"') {
                    self.take(1);
                    self.take_through(&format!("\"{hashes}"));
                }
            }
            _ => return false,
        }
        true
    }
}

fn is_word(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}
