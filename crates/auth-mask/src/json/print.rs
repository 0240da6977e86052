//! Printing of a value as JSON, masked while it is printed.
//!
//! [`serializer`] is told what comes next, and [`key`] what the names of a map are; what is written,
//! and whether, is settled here. A value that has to be hidden is not written at all, unless its
//! style asks what it was.

mod key;
mod serializer;

use std::io;

use serde::Serialize;
use serde_json::Error;

use super::strings;
use crate::json::engine::Document;
use crate::memo::Judge;
use crate::policy::Judgement;
use crate::{MASK, NotSerializable, Style, text};

/// Appends the masked document; nothing, if the value cannot be printed.
pub(crate) fn print_into(
    judge: &mut Judge<'_>,
    value: &(impl Serialize + ?Sized),
    out: &mut String,
) -> Result<(), NotSerializable> {
    let begins = out.len();
    let mut printer = Printer {
        looks_into_values: judge.policy.looks_into_values(),
        hides_the_unnamed: judge.policy.masks_the_unnamed(),
        judge,
        out,
        depth: 0,
        objects: 0,
        bare: true,
        hidden: None,
    };
    value.serialize(&mut printer).map_err(|_| {
        out.truncate(begins);
        NotSerializable(())
    })
}

struct Printer<'a, 'j> {
    judge: &'a mut Judge<'j>,
    looks_into_values: bool,
    hides_the_unnamed: bool,
    out: &'a mut String,
    /// How many lists and objects are open.
    depth: usize,
    /// How many of them are objects.
    objects: usize,
    /// Whether nothing is shown yet of the innermost object.
    bare: bool,
    hidden: Option<Hidden>,
}

/// A value that is not shown.
struct Hidden {
    /// Where it would begin in the output.
    start: usize,
    depth: usize,
    judgement: Judgement,
    bare: bool,
    /// Whether it is written, because its style asks what it was.
    is_written: bool,
}

impl Printer<'_, '_> {
    /// Whether nothing is written at present.
    #[inline]
    fn is_silent(&self) -> bool {
        matches!(
            self.hidden,
            Some(Hidden {
                is_written: false,
                ..
            })
        )
    }

    /// Whether what is printed now has no name, and is hidden for it.
    #[inline]
    fn is_unnamed(&self) -> bool {
        self.hides_the_unnamed && self.objects == 0 && self.hidden.is_none()
    }

    #[inline]
    fn push(&mut self, text: &str) {
        if !self.is_silent() {
            self.out.push_str(text);
        }
    }

    fn open_list(&mut self) {
        self.open("[");
    }

    fn close_list(&mut self) {
        self.close("]");
    }

    fn open_object(&mut self) {
        self.open("{");
        self.objects += 1;
        self.bare = true;
    }

    fn close_object(&mut self) {
        self.close("}");
        self.objects -= 1;
    }

    #[inline]
    fn open(&mut self, sign: &str) {
        // A style asks about texts and numbers only.
        if let Some(hidden) = &mut self.hidden {
            hidden.is_written = false;
        }
        self.push(sign);
        self.depth += 1;
    }

    #[inline]
    fn close(&mut self, sign: &str) {
        self.push(sign);
        self.depth -= 1;
        // It is a member that is shown, if it is a member.
        self.bare = false;
    }

    /// Prints a member that a type names.
    fn field(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), Error> {
        self.begin_field(name);
        value.serialize(&mut *self)?;
        self.end_member();
        Ok(())
    }

    /// Prints a name that a type has given; its value comes next.
    #[inline]
    fn begin_field(&mut self, name: &'static str) {
        if self.hidden.is_some() {
            return;
        }
        match self.judge.judge_static(name) {
            Some(judgement) => self.name(Name::Plain(name), judgement),
            None => self.begin_member(name),
        }
    }

    /// Prints a name that anybody may have chosen; its value comes next.
    fn begin_member(&mut self, name: &str) {
        if self.hidden.is_none() {
            let (shown, judgement) = text::judged(self.judge, name);
            self.name(Name::Any(&shown), judgement);
        }
    }

    /// Ends a member whose value has been printed.
    #[inline]
    fn end_member(&mut self) {
        let hidden = self.hidden.as_ref();
        if hidden.is_some_and(|hidden| hidden.depth == self.depth) {
            self.reveal();
        }
    }

    #[inline]
    fn name(&mut self, name: Name<'_>, judgement: Judgement) {
        let bare = std::mem::replace(&mut self.bare, false);
        let mut drops = false;
        let mut is_written = false;
        if judgement.is_sensitive() {
            let style = self.judge.policy.replacement(judgement);
            drops = *style == Style::Drop;
            is_written = !style.is_blind();
        }
        if !drops {
            if !bare {
                self.out.push(',');
            }
            match name {
                Name::Plain(name) => {
                    self.out.push('"');
                    self.out.push_str(name);
                    self.out.push_str("\":");
                }
                Name::Any(name) => {
                    strings::quote(name, self.out);
                    self.out.push(':');
                }
            }
        }
        if judgement.is_sensitive() {
            self.hidden = Some(Hidden {
                start: self.out.len(),
                depth: self.depth,
                judgement,
                bare: bare && drops,
                is_written,
            });
        }
    }

    /// Puts something in place of the value that was hidden.
    fn reveal(&mut self) {
        let Some(hidden) = self.hidden.take() else {
            return;
        };
        self.bare = hidden.bare;
        let style = self.judge.policy.replacement(hidden.judgement);
        let raw = match hidden.is_written {
            true => self.out.split_off(hidden.start),
            false => {
                self.out.truncate(hidden.start);
                String::new()
            }
        };
        strings::replacement(style, &raw, self.out);
    }

    /// Prints a text.
    fn text(&mut self, text: &str) {
        if self.is_silent() {
            return;
        }
        if self.is_unnamed() {
            strings::quote(MASK, self.out);
        } else if self.looks_into_values && self.hidden.is_none() {
            let is_document = super::may_be_document(text.as_bytes());
            if !is_document && text::is_quiet_and_plain(self.judge.policy, text) {
                self.out.push('"');
                self.out.push_str(text);
                self.out.push('"');
            } else {
                strings::quote(&text::mask(self.judge, text), self.out);
            }
        } else {
            strings::quote(text, self.out);
        }
    }

    /// Prints a number or a literal.
    fn plain(&mut self, text: &str) {
        let is_card = || {
            text.len() >= SHORTEST_CARD
                && self.hidden.is_none()
                && text::is_card(self.judge.policy, text)
        };
        if self.is_unnamed() || is_card() {
            strings::quote(MASK, self.out);
        } else {
            self.push(text);
        }
    }

    /// Prints a number.
    #[inline]
    fn number(&mut self, print: impl FnOnce(&mut Digits) -> io::Result<()>) -> Result<(), Error> {
        if !self.is_silent() {
            self.plain(Digits::new().print(print)?);
        }
        Ok(())
    }

    /// Prints JSON that somebody else has printed.
    fn raw(&mut self, document: &str) -> Result<(), Error> {
        if self.hidden.is_some() {
            self.push(document);
            return Ok(());
        }
        let document = Document {
            text: document,
            named: self.objects > 0,
        };
        let masked = document.mask(self.judge, self.out);
        masked.map_err(|_| serde::ser::Error::custom("it is not JSON"))
    }
}

enum Name<'a> {
    /// It needs no escapes.
    Plain(&'a str),
    Any(&'a str),
}

/// A number while it is printed.
struct Digits {
    bytes: [u8; 64],
    length: usize,
}

impl Digits {
    fn new() -> Self {
        Self {
            bytes: [0; 64],
            length: 0,
        }
    }

    #[inline]
    fn print(&mut self, print: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<&str, Error> {
        print(self).map_err(Error::io)?;
        str::from_utf8(&self.bytes[..self.length]).map_err(serde::ser::Error::custom)
    }
}

impl io::Write for Digits {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.bytes.get_mut(self.length..self.length + bytes.len());
        // An integer of 128 bits has 40 digits, a fraction fewer.
        let room = room.ok_or(io::ErrorKind::WriteZero)?;
        room.copy_from_slice(bytes);
        self.length += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In digits.
const SHORTEST_CARD: usize = 13;
