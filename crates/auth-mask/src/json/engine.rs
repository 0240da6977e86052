//! One pass over a document: it is checked byte by byte, what may be shown is copied in stretches,
//! and what may not is replaced.

use std::borrow::Cow;

use super::levels::Levels;
use super::strings;
use super::strings::plain_until;
use crate::memo::Judge;
use crate::policy::Judgement;
use crate::text::Quoted;
use crate::{MASK, Style, text};

/// Where a document stops being one, and whether it just ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) truncated: bool,
}

/// A document that is to be masked.
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    /// Whether it is the value of something that has a name.
    pub(super) named: bool,
}

impl Document<'_> {
    /// Appends what may be shown; of a broken document, what stands before the value that is broken.
    pub(super) fn mask(&self, judge: &mut Judge<'_>, out: &mut String) -> Result<(), Fault> {
        let mut engine = Engine {
            looks_into_values: judge.policy.looks_into_values(),
            hides_the_unnamed: judge.policy.masks_the_unnamed() && !self.named,
            judge,
            text: self.text,
            bytes: self.text.as_bytes(),
            at: 0,
            copied: 0,
            token: 0,
            levels: Levels::default(),
            bare: true,
            comma: 0,
            hidden: None,
            out,
        };
        let run = engine.run();
        if run.is_err() && engine.hidden.is_none() {
            engine.copy_until(engine.token.max(engine.copied));
        }
        run
    }
}

/// What is between two quotation marks.
struct Content {
    end: usize,
    escapes: bool,
}

/// A value that is being passed over.
struct Hidden {
    start: usize,
    /// How many levels were open around it.
    depth: usize,
    judgement: Judgement,
    /// Whether anything is shown of the object that it is in, besides it.
    bare: bool,
}

struct Engine<'a, 'j> {
    judge: &'a mut Judge<'j>,
    looks_into_values: bool,
    hides_the_unnamed: bool,
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// Up to where the document was copied or replaced.
    copied: usize,
    /// Where the value or name begins that is being read.
    token: usize,
    levels: Levels,
    /// Whether all members so far of the innermost object were dropped.
    bare: bool,
    /// Where the comma stands before the member that is being read, if there is one.
    comma: usize,
    hidden: Option<Hidden>,
    out: &'a mut String,
}

impl Engine<'_, '_> {
    fn run(&mut self) -> Result<(), Fault> {
        'value: loop {
            let first = self.next()?;
            self.token = self.at;
            if self.hides_the_unnamed && !matches!(first, b'{' | b'[') {
                self.hide_unnamed();
            }
            match first {
                b'"' => self.string()?,
                b'{' => {
                    self.open(true);
                    self.token = self.at;
                    if self.next()? != b'}' {
                        self.token = self.at;
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
                if let Some(hidden) = &self.hidden
                    && hidden.depth == self.levels.depth()
                {
                    self.replace_hidden();
                }
                if self.levels.depth() == 0 {
                    return self.end();
                }
                let in_object = self.levels.in_object();
                self.token = self.at;
                match (self.next()?, in_object) {
                    (b',', true) => {
                        self.comma = self.at;
                        self.at += 1;
                        if self.bare && self.hidden.is_none() {
                            // Nothing is shown before it.
                            self.copied = self.at;
                        }
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
        if self.bytes.get(self.at) != Some(&b'"') {
            return Err(self.fault());
        }
        let start = self.at + 1;
        let end = plain_until(self.bytes, start);
        if self.bytes.get(end) != Some(&b'"') || end - start >= text::SHORTEST_NAME {
            return self.long_member(start, end);
        }
        self.at = end + 1;
        self.colon()?;
        if self.hidden.is_some() {
            return Ok(());
        }
        let judgement = self.judge.judge_bytes(&self.bytes[start..end]);
        if judgement.is_sensitive() {
            return self.hide(start, judgement);
        }
        self.bare = false;
        self.token = self.at;
        Ok(())
    }

    /// The same of a name that may be a secret by itself, or has escapes. It is plain up to `end`.
    #[inline(never)]
    fn long_member(&mut self, start: usize, end: usize) -> Result<(), Fault> {
        let Content { end, escapes } = self.content(end)?;
        let name_ends = self.at;
        self.colon()?;
        if self.hidden.is_some() {
            return Ok(());
        }
        let raw = &self.text[start..end];
        let name: Cow<'_, str> = match escapes {
            true => strings::unescaped(raw).into(),
            false => raw.into(),
        };
        let (shown, judgement) = text::judged(self.judge, &name);
        if !self.drops(judgement) {
            // It is shown, whether its value comes or not.
            if let Cow::Owned(shown) = shown {
                self.copy_until(start - 1);
                strings::quote(&shown, self.out);
                self.copied = name_ends;
            }
        }
        if judgement.is_sensitive() {
            return self.hide(start, judgement);
        }
        self.bare = false;
        self.token = self.at;
        Ok(())
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Fault> {
        if self.next()? != b':' {
            return Err(self.fault());
        }
        self.at += 1;
        Ok(())
    }

    /// Whether what goes by such a name is left out.
    fn drops(&self, judgement: Judgement) -> bool {
        judgement.is_sensitive() && *self.judge.policy.replacement(judgement) == Style::Drop
    }

    /// Hides the value that comes next, and its name too if it is left out, which begins at `name`.
    fn hide(&mut self, name: usize, judgement: Judgement) -> Result<(), Fault> {
        let bare = std::mem::replace(&mut self.bare, false);
        let drops = self.drops(judgement);
        if !drops {
            self.token = self.at;
        }
        self.next()?;
        self.copy_until(match drops {
            true if bare => name - 1,
            true => self.comma,
            false => self.at,
        });
        self.hidden = Some(Hidden {
            start: self.at,
            depth: self.levels.depth(),
            judgement,
            bare: bare && drops,
        });
        Ok(())
    }

    /// Hides a value that begins here, if no name stands before it.
    #[cold]
    fn hide_unnamed(&mut self) {
        if self.hidden.is_none() && !self.levels.has_object() {
            self.copy_until(self.at);
            self.hidden = Some(Hidden {
                start: self.at,
                depth: self.levels.depth(),
                judgement: Judgement::FULL,
                bare: false,
            });
        }
    }

    /// Puts something in place of the value that was passed over.
    fn replace_hidden(&mut self) {
        let Some(hidden) = self.hidden.take() else {
            return;
        };
        self.copied = self.at;
        self.bare = hidden.bare;
        let raw = &self.text[hidden.start..self.at];
        strings::replacement(
            self.judge.policy.replacement(hidden.judgement),
            raw,
            self.out,
        );
    }

    /// Reads a text that is a value.
    fn string(&mut self) -> Result<(), Fault> {
        let start = self.at + 1;
        if !self.looks_into_values || self.hidden.is_some() {
            let end = plain_until(self.bytes, start);
            if self.bytes.get(end) == Some(&b'"') {
                self.at = end + 1;
                return Ok(());
            }
            return self.content(end).map(drop);
        }
        let Quoted { end, is_quiet } = text::quoted(self.judge.policy, self.bytes, start);
        if self.bytes.get(end) == Some(&b'"')
            && is_quiet
            && !super::may_be_document(&self.bytes[start..end])
        {
            self.at = end + 1;
            return Ok(());
        }
        self.odd_string(start, end)
    }

    /// The same of a text that deserves another look. It is plain up to `end`.
    #[inline(never)]
    fn odd_string(&mut self, start: usize, end: usize) -> Result<(), Fault> {
        let Content { end, escapes } = self.content(end)?;
        let raw = &self.text[start..end];
        let masked = strings::shown(raw, escapes, |text| match escapes {
            true => text::mask(self.judge, text),
            false => text::mask_closely(self.judge, text),
        });
        if let Cow::Owned(shown) = masked {
            self.copy_until(start - 1);
            strings::quote(&shown, self.out);
            self.copied = end + 1;
        }
        Ok(())
    }

    /// Passes over a text that is plain up to `end`.
    #[inline]
    fn content(&mut self, end: usize) -> Result<Content, Fault> {
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
        let start = self.at;
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
        if self.at == self.bytes.len() && self.levels.depth() > 0 {
            // The rest of it may be missing.
            return Err(self.fault());
        }
        if self.at - start >= SHORTEST_CARD {
            self.card(start);
        }
        Ok(())
    }

    /// Masks a number that is that of a card.
    #[cold]
    fn card(&mut self, start: usize) {
        if self.hidden.is_none() && text::is_card(self.judge.policy, &self.text[start..self.at]) {
            self.copy_until(start);
            strings::quote(MASK, self.out);
            self.copied = self.at;
        }
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
        self.bare |= object;
    }

    #[inline]
    fn close(&mut self) {
        self.levels.close();
        self.at += 1;
        // It is a member that is shown, if it is a member.
        self.bare = false;
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

/// In digits.
const SHORTEST_CARD: usize = 13;
