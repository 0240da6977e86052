//! One pass over a document: it is checked byte by byte, what may be shown is copied in stretches,
//! and what may not is replaced.

use std::borrow::Cow;

use super::levels::Levels;
use super::memo::{self, Memo};
use super::strings::{self, plain_until};
use crate::{MASK, Masker};

/// Where a document stops being one, and whether it just ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) truncated: bool,
}

/// Appends the masked document; of a broken one, what stands before the value that is broken.
pub(super) fn mask(masker: &Masker, document: &str, out: &mut String) -> Result<(), Fault> {
    memo::with(|memo| {
        let mut engine = Engine {
            masker,
            looks_into_values: masker.policy().looks_into_values(),
            memo,
            text: document,
            bytes: document.as_bytes(),
            at: 0,
            copied: 0,
            token: 0,
            levels: Levels::default(),
            hidden: None,
            out,
        };
        let run = engine.run();
        if run.is_err() && engine.hidden.is_none() {
            engine.copy_until(engine.token);
        }
        run
    })
}

/// What is between two quotation marks.
struct Content {
    end: usize,
    escapes: bool,
}

struct Engine<'a> {
    masker: &'a Masker,
    looks_into_values: bool,
    memo: &'a mut Memo,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Up to where the document was copied or replaced.
    copied: usize,
    /// Where the value or name begins that is being read.
    token: usize,
    levels: Levels,
    /// How many levels were open around the value that is being passed over, if one is.
    hidden: Option<usize>,
    out: &'a mut String,
}

impl Engine<'_> {
    fn run(&mut self) -> Result<(), Fault> {
        'value: loop {
            let first = self.next()?;
            self.token = self.at;
            match first {
                b'"' => self.string()?,
                b'{' => {
                    self.open(true);
                    if self.next()? != b'}' {
                        self.member()?;
                        continue 'value;
                    }
                    self.close();
                }
                b'[' => {
                    self.open(false);
                    if self.next()? != b']' {
                        continue 'value;
                    }
                    self.close();
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => return Err(self.fault()),
            }
            loop {
                if self.hidden == Some(self.levels.depth()) {
                    self.hidden = None;
                    self.copied = self.at;
                    strings::quote(MASK, self.out);
                }
                if self.levels.depth() == 0 {
                    return self.end();
                }
                let in_object = self.levels.in_object();
                self.token = self.at;
                match (self.next()?, in_object) {
                    (b',', true) => {
                        self.at += 1;
                        self.next()?;
                        self.member()?;
                        continue 'value;
                    }
                    (b',', false) => {
                        self.at += 1;
                        continue 'value;
                    }
                    (b'}', true) | (b']', false) => self.close(),
                    _ => return Err(self.fault()),
                }
            }
        }
    }

    /// Reads a name and what stands between it and its value.
    fn member(&mut self) -> Result<(), Fault> {
        self.token = self.at;
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.fault());
        }
        let start = self.at + 1;
        let Content { end, escapes } = self.content()?;
        let name_ends = self.at;
        if self.next()? != b':' {
            return Err(self.fault());
        }
        self.at += 1;
        if self.hidden.is_some() {
            return Ok(());
        }
        let name = &self.text[start..end];
        let sensitive = if escapes {
            let name = strings::unescaped(name);
            self.masker.policy().is_sensitive(&name)
        } else {
            self.memo.is_sensitive(self.masker.policy(), name)
        };
        if self.looks_into_values
            && let Cow::Owned(shown) =
                strings::shown(name, escapes, |name| self.masker.name_of(name))
        {
            self.copy_until(start - 1);
            strings::quote(&shown, self.out);
            self.copied = name_ends;
        }
        if sensitive {
            self.next()?;
            self.copy_until(self.at);
            self.hidden = Some(self.levels.depth());
        }
        Ok(())
    }

    /// Reads a text that is a value.
    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at + 1;
        let Content { end, escapes } = self.content()?;
        if self.looks_into_values && self.hidden.is_none() {
            let raw = &self.text[start..end];
            if let Cow::Owned(shown) =
                strings::shown(raw, escapes, |text| self.masker.innocent(text))
            {
                self.copy_until(start - 1);
                strings::quote(&shown, self.out);
                self.copied = end + 1;
            }
        }
        Ok(())
    }

    /// Passes over a text that begins here.
    #[inline]
    fn content(&mut self) -> Result<Content, Fault> {
        let end = plain_until(self.bytes, self.at + 1);
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            let escapes = false;
            return Ok(Content { end, escapes });
        }
        self.content_with_escapes(end)
    }

    #[cold]
    fn content_with_escapes(&mut self, mut at: usize) -> Result<Content, Fault> {
        loop {
            self.at = at;
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    let escapes = true;
                    return Ok(Content { end: at, escapes });
                }
                Some(b'\\') => {
                    let after = strings::escape_ends(self.bytes, at);
                    let after = after.ok_or_else(|| self.fault_in(at))?;
                    at = plain_until(self.bytes, after);
                }
                _ => return Err(self.fault()),
            }
        }
    }

    fn number(&mut self) -> Result<(), Fault> {
        self.at += usize::from(self.bytes[self.at] == b'-');
        let first = self.at;
        self.digits()?;
        if self.bytes[first] == b'0' && self.at > first + 1 {
            self.at = first + 1;
            return Err(self.fault());
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Fault> {
        let first = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at == first {
            return Err(self.fault());
        }
        Ok(())
    }

    fn literal(&mut self, name: &[u8]) -> Result<(), Fault> {
        for expected in name {
            if self.bytes.get(self.at) != Some(expected) {
                return Err(self.fault());
            }
            self.at += 1;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        self.token = self.at;
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at < self.bytes.len() {
            return Err(self.fault());
        }
        self.copy_until(self.at);
        Ok(())
    }

    /// The next byte that is no white space, which is passed over.
    #[inline]
    fn next(&mut self) -> Result<u8, Fault> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(next) => return Ok(*next),
                None => return Err(self.fault()),
            }
        }
    }

    #[inline]
    fn open(&mut self, object: bool) {
        self.levels.open(object);
        self.at += 1;
    }

    #[inline]
    fn close(&mut self) {
        self.levels.close();
        self.at += 1;
    }

    fn copy_until(&mut self, at: usize) {
        self.out.push_str(&self.text[self.copied..at]);
        self.copied = at;
    }

    fn fault(&self) -> Fault {
        Fault {
            at: self.at,
            truncated: self.at >= self.bytes.len(),
        }
    }

    /// A fault inside of an escape, which may just be cut.
    fn fault_in(&self, escape: usize) -> Fault {
        Fault {
            at: escape,
            truncated: strings::is_cut(&self.bytes[escape..]),
        }
    }
}
