//! Printing of a value as JSON, masked while it is printed.
//!
//! serde_json walks over the value and says what comes next; what is written, and whether, is
//! settled here. A name is judged once it stands in the output, and a value that has to be hidden
//! is not written at all, unless its style asks what it was.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

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
    let printed = {
        let printer = Printer {
            looks_into_values: judge.policy.looks_into_values(),
            hides_the_unnamed: judge.policy.masks_the_unnamed(),
            judge,
            out,
            depth: 0,
            objects: 0,
            bare: true,
            in_name: false,
            token: 0,
            escapes: false,
            hidden: None,
        };
        value.serialize(&mut serde_json::Serializer::with_formatter(
            io::sink(),
            printer,
        ))
    };
    printed.map_err(|_| {
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
    /// Whether a name is being written.
    in_name: bool,
    /// Where the name, text or number begins in the output that is being written.
    token: usize,
    /// Whether there are escapes in it.
    escapes: bool,
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
    fn is_silent(&self) -> bool {
        matches!(
            self.hidden,
            Some(Hidden {
                is_written: false,
                ..
            })
        )
    }

    fn push(&mut self, text: &str) {
        if !self.is_silent() {
            self.out.push_str(text);
        }
    }

    fn open(&mut self, sign: &str) {
        // A style asks about texts and numbers only.
        if let Some(hidden) = &mut self.hidden {
            hidden.is_written = false;
        }
        self.push(sign);
        self.depth += 1;
    }

    fn close(&mut self, sign: &str) {
        self.push(sign);
        self.depth -= 1;
        // It is a member that is shown, if it is a member.
        self.bare = false;
    }

    /// Whether what is printed now has no name, and is hidden for it.
    fn is_unnamed(&self) -> bool {
        self.hides_the_unnamed && self.objects == 0 && self.hidden.is_none()
    }

    /// Writes a number or a literal.
    fn plain(&mut self, text: &str) {
        let is_card = || {
            text.len() >= SHORTEST_CARD
                && !self.in_name
                && self.hidden.is_none()
                && text::is_card(self.judge.policy, text)
        };
        if self.is_unnamed() || is_card() {
            strings::quote(MASK, self.out);
        } else {
            self.push(text);
        }
    }

    /// Writes a number as serde_json prints it.
    fn number(&mut self, print: impl FnOnce(&mut &mut [u8]) -> io::Result<()>) -> io::Result<()> {
        if self.is_silent() {
            return Ok(());
        }
        let mut buffer = [0; LONGEST_NUMBER];
        let mut rest = &mut buffer[..];
        print(&mut rest)?;
        let length = LONGEST_NUMBER - rest.len();
        let digits = str::from_utf8(&buffer[..length]).map_err(io::Error::other)?;
        self.plain(digits);
        Ok(())
    }

    /// Judges the name that was just written.
    fn name(&mut self) {
        let raw = &self.out[self.token + 1..self.out.len() - 1];
        let shown_name = if self.looks_into_values {
            match strings::shown(raw, self.escapes, |name| text::name(self.judge, name)) {
                Cow::Owned(shown) => Some(shown),
                Cow::Borrowed(_) => None,
            }
        } else {
            None
        };
        let by_itself = if self.escapes {
            self.judge.judge(&strings::unescaped(raw))
        } else {
            self.judge.judge(raw)
        };
        let judgement = match &shown_name {
            // It is another name, and will be judged next time.
            Some(shown) => by_itself.or(self.judge.judge(shown)),
            None => by_itself,
        };
        let style = self.judge.policy.replacement(judgement);
        let drops = judgement.is_sensitive() && *style == Style::Drop;
        let bare = std::mem::replace(&mut self.bare, false);
        if drops {
            let comma = usize::from(!bare);
            self.out.truncate(self.token - comma);
        } else {
            if let Some(shown) = shown_name {
                self.out.truncate(self.token);
                strings::quote(&shown, self.out);
            }
            self.out.push(':');
        }
        if judgement.is_sensitive() {
            self.hidden = Some(Hidden {
                start: self.out.len(),
                depth: self.depth,
                judgement,
                bare: bare && drops,
                is_written: !style.is_blind(),
            });
        }
    }

    /// Masks the text that was just written.
    fn text(&mut self) {
        if self.is_unnamed() {
            self.out.truncate(self.token);
            strings::quote(MASK, self.out);
        } else if self.looks_into_values && self.hidden.is_none() {
            let raw = &self.out[self.token + 1..self.out.len() - 1];
            let shown = strings::shown(raw, self.escapes, |text| text::mask(self.judge, text));
            if let Cow::Owned(shown) = shown {
                self.out.truncate(self.token);
                strings::quote(&shown, self.out);
            }
        }
    }

    /// Puts something in place of the value that was hidden, if its end is here.
    fn reveal(&mut self) {
        let Some(hidden) = self.hidden.take_if(|hidden| hidden.depth == self.depth) else {
            return;
        };
        self.bare = hidden.bare;
        let raw = self.out.split_off(hidden.start);
        strings::replacement(
            self.judge.policy.replacement(hidden.judgement),
            &raw,
            self.out,
        );
    }
}

type Written = io::Result<()>;

/// What is handed in to be written to goes nowhere: the output is the printer's own, because what
/// stands in it may have to be taken back.
impl Formatter for Printer<'_, '_> {
    fn write_null<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.plain("null");
        Ok(())
    }

    fn write_bool<W: ?Sized + Write>(&mut self, _: &mut W, value: bool) -> Written {
        self.plain(if value { "true" } else { "false" });
        Ok(())
    }

    fn write_i8<W: ?Sized + Write>(&mut self, _: &mut W, value: i8) -> Written {
        self.number(|to| CompactFormatter.write_i8(to, value))
    }

    fn write_i16<W: ?Sized + Write>(&mut self, _: &mut W, value: i16) -> Written {
        self.number(|to| CompactFormatter.write_i16(to, value))
    }

    fn write_i32<W: ?Sized + Write>(&mut self, _: &mut W, value: i32) -> Written {
        self.number(|to| CompactFormatter.write_i32(to, value))
    }

    fn write_i64<W: ?Sized + Write>(&mut self, _: &mut W, value: i64) -> Written {
        self.number(|to| CompactFormatter.write_i64(to, value))
    }

    fn write_i128<W: ?Sized + Write>(&mut self, _: &mut W, value: i128) -> Written {
        self.number(|to| CompactFormatter.write_i128(to, value))
    }

    fn write_u8<W: ?Sized + Write>(&mut self, _: &mut W, value: u8) -> Written {
        self.number(|to| CompactFormatter.write_u8(to, value))
    }

    fn write_u16<W: ?Sized + Write>(&mut self, _: &mut W, value: u16) -> Written {
        self.number(|to| CompactFormatter.write_u16(to, value))
    }

    fn write_u32<W: ?Sized + Write>(&mut self, _: &mut W, value: u32) -> Written {
        self.number(|to| CompactFormatter.write_u32(to, value))
    }

    fn write_u64<W: ?Sized + Write>(&mut self, _: &mut W, value: u64) -> Written {
        self.number(|to| CompactFormatter.write_u64(to, value))
    }

    fn write_u128<W: ?Sized + Write>(&mut self, _: &mut W, value: u128) -> Written {
        self.number(|to| CompactFormatter.write_u128(to, value))
    }

    fn write_f32<W: ?Sized + Write>(&mut self, _: &mut W, value: f32) -> Written {
        self.number(|to| CompactFormatter.write_f32(to, value))
    }

    fn write_f64<W: ?Sized + Write>(&mut self, _: &mut W, value: f64) -> Written {
        self.number(|to| CompactFormatter.write_f64(to, value))
    }

    fn write_number_str<W: ?Sized + Write>(&mut self, _: &mut W, value: &str) -> Written {
        self.plain(value);
        Ok(())
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.token = self.out.len();
        self.escapes = false;
        self.push("\"");
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, _: &mut W, fragment: &str) -> Written {
        self.push(fragment);
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, _: &mut W, escape: CharEscape) -> Written {
        self.escapes = true;
        if !self.is_silent() {
            let mut buffer = [0; LONGEST_NUMBER];
            let mut rest = &mut buffer[..];
            CompactFormatter.write_char_escape(&mut rest, escape)?;
            let length = LONGEST_NUMBER - rest.len();
            let escape = str::from_utf8(&buffer[..length]).map_err(io::Error::other)?;
            self.out.push_str(escape);
        }
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        if !self.is_silent() {
            self.out.push('"');
            if !self.in_name {
                self.text();
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.open("[");
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.close("]");
        Ok(())
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> Written {
        if !first {
            self.push(",");
        }
        Ok(())
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.open("{");
        self.objects += 1;
        self.bare = true;
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.close("}");
        self.objects -= 1;
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, _: bool) -> Written {
        self.in_name = true;
        if !self.bare {
            self.push(",");
        }
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.in_name = false;
        if self.hidden.is_none() {
            self.name();
        }
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> Written {
        self.reveal();
        Ok(())
    }

    /// JSON that somebody else has printed.
    fn write_raw_fragment<W: ?Sized + Write>(&mut self, _: &mut W, fragment: &str) -> Written {
        if self.hidden.is_some() {
            self.push(fragment);
            return Ok(());
        }
        let document = Document {
            text: fragment,
            named: self.objects > 0,
        };
        let masked = document.mask(self.judge, self.out);
        masked.map_err(|_| io::ErrorKind::InvalidData.into())
    }
}

/// In bytes; an integer of 128 bits has 40, a fraction fewer.
const LONGEST_NUMBER: usize = 64;

/// In digits.
const SHORTEST_CARD: usize = 13;
