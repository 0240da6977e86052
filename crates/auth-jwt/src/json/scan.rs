//! The one pass over a document: every rule is checked here, and what is found goes on the tape.

use std::ops::Range;

use super::{Kind, MAX_BYTES, Node, NotStrict, Tape};

/// Reads the document onto the tape, whose memory is used again.
pub(super) fn scan(text: &str, tape: &mut Tape) -> Result<(), NotStrict> {
    tape.nodes.clear();
    tape.unescaped.clear();
    // Positions have a width on the tape.
    if text.len() >= MAX_BYTES {
        return Err(NotStrict);
    }
    let mut scanner = Scanner {
        text,
        bytes: text.as_bytes(),
        at: 0,
        tape,
    };
    scanner.value(MAX_DEPTH)?;
    match scanner.peek() {
        None => Ok(()),
        Some(_) => Err(NotStrict),
    }
}

struct Scanner<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    tape: &'t mut Tape,
}

impl Scanner<'_> {
    /// Reads one value, with so many levels left.
    fn value(&mut self, depth: usize) -> Result<(), NotStrict> {
        match self.peek().ok_or(NotStrict)? {
            b'"' => self.string().map(drop),
            b'{' => self.object(depth.checked_sub(1).ok_or(NotStrict)?),
            b'[' => self.list(depth.checked_sub(1).ok_or(NotStrict)?),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true", Kind::True),
            b'f' => self.literal("false", Kind::False),
            b'n' => self.literal("null", Kind::Null),
            _ => Err(NotStrict),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), NotStrict> {
        let object = self.open(Kind::Object);
        let mut names = Names::default();
        if self.eat(b'}') {
            self.close(object);
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(NotStrict);
            }
            let name = self.string()?;
            // With some of its features serde_json reads a member of such a name as something
            // else, and the claims may be read by it later.
            if self
                .tape
                .text(self.text, name)
                .starts_with("$serde_json::private::")
            {
                return Err(NotStrict);
            }
            names.add(object + 1, name, self.text, self.tape)?;
            self.expect(b':')?;
            self.value(depth)?;
            if !self.eat(b',') {
                self.expect(b'}')?;
                names.finish(object + 1, self.text, self.tape)?;
                self.close(object);
                return Ok(());
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), NotStrict> {
        let list = self.open(Kind::List);
        if self.eat(b']') {
            self.close(list);
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if !self.eat(b',') {
                self.expect(b']')?;
                self.close(list);
                return Ok(());
            }
        }
    }

    /// Reads a text and returns its place on the tape.
    #[inline]
    fn string(&mut self) -> Result<usize, NotStrict> {
        let start = self.at + 1;
        let end = plain_until(self.bytes, start);
        match self.bytes.get(end) {
            Some(b'"') => {
                self.at = end + 1;
                Ok(self.push(Kind::Text, start..end))
            }
            Some(b'\\') => self.escaped_string(start, end),
            // A control character, or the end of the document.
            _ => Err(NotStrict),
        }
    }

    /// The rare text with escapes; what it stands for is kept beside the document.
    #[cold]
    fn escaped_string(&mut self, start: usize, mut end: usize) -> Result<usize, NotStrict> {
        let unescaped = self.tape.unescaped.len();
        // All there will ever be, so that it is not moved, and no copy is left behind.
        if self.tape.unescaped.capacity() == 0 {
            self.tape.unescaped.reserve_exact(self.text.len() - start);
        }
        let mut plain = start;
        loop {
            self.tape.unescaped.push_str(&self.text[plain..end]);
            match self.bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at = end + 1;
                    let character = self.escape()?;
                    self.tape.unescaped.push(character);
                }
                _ => return Err(NotStrict),
            }
            plain = self.at;
            end = plain_until(self.bytes, plain);
        }
        self.at = end + 1;
        Ok(self.push(Kind::Unescaped, unescaped..self.tape.unescaped.len()))
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char, NotStrict> {
        let letter = *self.bytes.get(self.at).ok_or(NotStrict)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.code_unit()?;
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first) {
                    // RFC 8259 §7: the other half follows at once.
                    if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                        return Err(NotStrict);
                    }
                    self.at += 2;
                    units.push(self.code_unit()?);
                }
                let mut characters = char::decode_utf16(units);
                match (characters.next(), characters.next()) {
                    (Some(Ok(character)), None) => character,
                    _ => return Err(NotStrict),
                }
            }
            _ => return Err(NotStrict),
        })
    }

    /// Four hexadecimal digits.
    fn code_unit(&mut self) -> Result<u16, NotStrict> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(NotStrict)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(NotStrict);
        }
        self.at += 4;
        u16::from_str_radix(digits, 16).map_err(|_| NotStrict)
    }

    fn number(&mut self) -> Result<(), NotStrict> {
        let start = self.at;
        self.at += usize::from(self.bytes[start] == b'-');
        let first = self.at;
        let digits = self.digits()?;
        // RFC 8259 §6: no leading zero.
        if digits > 1 && self.bytes[first] == b'0' {
            return Err(NotStrict);
        }
        let mut kind = Kind::Integer;
        if self.bytes.get(self.at) == Some(&b'.') {
            kind = Kind::Float;
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            kind = Kind::Float;
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        if digits > MAX_INTEGER_DIGITS {
            kind = Kind::Float;
        }
        if kind == Kind::Float {
            let number: f64 = self.text[start..self.at].parse().map_err(|_| NotStrict)?;
            if !number.is_finite() {
                return Err(NotStrict);
            }
        }
        self.push(kind, start..self.at);
        Ok(())
    }

    /// Passes over one digit or more and says how many.
    fn digits(&mut self) -> Result<usize, NotStrict> {
        let rest = &self.bytes[self.at..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return Err(NotStrict);
        }
        self.at += digits;
        Ok(digits)
    }

    fn literal(&mut self, name: &str, kind: Kind) -> Result<(), NotStrict> {
        let end = self.at + name.len();
        if self.bytes.get(self.at..end) != Some(name.as_bytes()) {
            return Err(NotStrict);
        }
        self.push(kind, self.at..end);
        self.at = end;
        Ok(())
    }

    /// The next byte that is no white space, which is passed over.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                next => return next.copied(),
            }
        }
    }

    /// Passes over this byte if it comes next.
    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let next = self.peek() == Some(byte);
        self.at += usize::from(next);
        next
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), NotStrict> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(NotStrict)
        }
    }

    fn open(&mut self, kind: Kind) -> usize {
        let start = self.at;
        self.at += 1;
        self.push(kind, start..start)
    }

    #[inline]
    fn close(&mut self, container: usize) {
        self.tape.nodes[container].end = self.tape.nodes.len() as u32;
    }

    #[inline]
    fn push(&mut self, kind: Kind, range: Range<usize>) -> usize {
        let place = self.tape.nodes.len();
        self.tape.nodes.push(Node::new(kind, range));
        place
    }
}

/// The names of one object, to notice one that is repeated.
///
/// A filter of 128 bits says of most names that they are new. The others are compared with those
/// before them; once there are many, all are compared at the end by sorting, so that a document
/// full of members does not cost the square of their number.
#[derive(Default)]
struct Names {
    filter: u128,
    count: usize,
}

impl Names {
    #[inline]
    fn add(&mut self, first: usize, name: usize, text: &str, tape: &Tape) -> Result<(), NotStrict> {
        self.count += 1;
        if self.count > FEW_MEMBERS {
            return Ok(());
        }
        let new = tape.text(text, name);
        let bit = 1 << fingerprint(new.as_bytes());
        let maybe_known = self.filter & bit != 0;
        self.filter |= bit;
        if maybe_known && tape.names(text, first, name).any(|known| known == new) {
            return Err(NotStrict);
        }
        Ok(())
    }

    /// Called when the object is complete.
    fn finish(&self, first: usize, text: &str, tape: &Tape) -> Result<(), NotStrict> {
        if self.count <= FEW_MEMBERS {
            return Ok(());
        }
        let mut names: Vec<_> = tape.names(text, first, tape.nodes.len()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(NotStrict);
        }
        Ok(())
    }
}

/// Seven bits that differ between most names: of the length and of both ends.
#[inline]
fn fingerprint(name: &[u8]) -> u32 {
    let end = |byte: Option<&u8>| byte.copied().map_or(0, u32::from);
    let mixed = (name.len() as u32)
        .wrapping_mul(0x9e37_79b9)
        .wrapping_add(end(name.first()).wrapping_mul(0x85eb_ca6b))
        .wrapping_add(end(name.last()).wrapping_mul(0xc2b2_ae35))
        .wrapping_add(end(name.get(name.len() / 2)).wrapping_mul(0x27d4_eb2f));
    mixed >> 25
}

/// Where the plain text ends that begins at `from`: at a quotation mark, a backslash, a control
/// character, or the end of the document.
#[inline]
fn plain_until(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    // Eight bytes at a time. In each mask the lowest bit that is set is exact, and the lowest is
    // all that is asked for.
    while let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let word = u64::from_le_bytes(eight);
        let stops = zero_bytes(word ^ (LOW * u64::from(b'"')))
            | zero_bytes(word ^ (LOW * u64::from(b'\\')))
            | (word.wrapping_sub(LOW * 0x20) & !word & HIGH);
        if stops != 0 {
            return at + stops.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let stop = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    at + rest.iter().position(stop).unwrap_or(rest.len())
}

/// The high bit of each byte that is zero; above the first such byte others may be set too.
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

/// How deep objects and lists may lie in one another, the document itself counted.
pub(super) const MAX_DEPTH: usize = 32;

/// Up to so many members, each name is compared when it is read.
pub(super) const FEW_MEMBERS: usize = 64;

/// So many digits fit into 64 bits whatever they are.
const MAX_INTEGER_DIGITS: usize = 18;
