//! JSON as a verifier reads it: what two parsers could read differently is refused.
//!
//! A member that occurs twice lets one parser see `"admin"` and the next one `"user"`, so it is
//! refused at any depth. Nesting is capped, text after the document is refused, and so is anything
//! that is not UTF-8.
//!
//! The reader is our own for two reasons. A feature of `serde_json` that somebody else in the
//! program switches on (`arbitrary_precision`) changes what its visitors see, and a verifier must
//! not depend on that. And one pass finds everything the claims are asked for later: a [`Tape`] of
//! where the values stand, so that they are neither copied nor read again.

mod scan;
#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;

use zeroize::Zeroizing;

/// The document is not strict JSON. Which rule it broke is not said: the text is hostile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStrict;

/// A document and what was found in it.
#[derive(Clone)]
pub(crate) struct Document<T> {
    text: T,
    tape: Tape,
}

impl<T: AsRef<str>> Document<T> {
    /// Reads any document.
    pub(crate) fn parse(text: T) -> Result<Self, NotStrict> {
        Self::parse_onto(text, Tape::default())
    }

    /// Reads a document that is one object.
    pub(crate) fn parse_object(text: T) -> Result<Self, NotStrict> {
        Self::parse(text)?.into_object()
    }

    /// Reads any document, and uses the memory of the tape again.
    pub(crate) fn parse_onto(text: T, mut tape: Tape) -> Result<Self, NotStrict> {
        scan::scan(text.as_ref(), &mut tape)?;
        Ok(Self { text, tape })
    }

    /// The document, if it is one object.
    pub(crate) fn into_object(self) -> Result<Self, NotStrict> {
        if self.root().is_object() {
            Ok(self)
        } else {
            Err(NotStrict)
        }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.as_ref()
    }

    /// How much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        let nodes = self.tape.nodes.capacity() * size_of::<Node>();
        self.text().len() + nodes + self.tape.unescaped.capacity()
    }

    /// The tape, to be used again.
    pub(crate) fn into_tape(self) -> Tape {
        self.tape
    }

    /// The value that is the whole document.
    #[inline]
    pub(crate) fn root(&self) -> Element<'_> {
        self.nth(0)
    }

    /// The value at a place that an [`Element`] of this document has told.
    #[inline]
    pub(crate) fn element(&self, Place(place): Place) -> Element<'_> {
        self.nth(place.get() as usize - 1)
    }

    #[inline]
    fn nth(&self, place: usize) -> Element<'_> {
        Element {
            text: self.text.as_ref(),
            tape: &self.tape,
            place,
        }
    }
}

/// Shows that there is one: the values are claims.
impl<T> fmt::Debug for Document<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

/// The values of a document in the order of its text, a member's name before its value.
#[derive(Clone, Default)]
pub(crate) struct Tape {
    nodes: Vec<Node>,
    /// What the texts with escapes stand for, one after the other. A key could be among them.
    unescaped: Zeroizing<String>,
}

/// A value, or the name of a member, in eight bytes: the tape of a token is as small as the token.
#[derive(Clone, Copy)]
struct Node {
    /// What it is, in the high four bits, and where it begins.
    kind_and_start: u32,
    /// Where it ends; of a list or an object, where on the tape what is in it ends.
    end: u32,
}

impl Node {
    /// What is between the quotation marks of a text, and the whole of anything else.
    #[inline]
    fn new(kind: Kind, Range { start, end }: Range<usize>) -> Self {
        Self {
            kind_and_start: (kind as u32) << START_BITS | start as u32,
            end: end as u32,
        }
    }

    #[inline]
    fn kind(self) -> Kind {
        KINDS[(self.kind_and_start >> START_BITS) as usize]
    }

    #[inline]
    fn range(self) -> Range<usize> {
        (self.kind_and_start & (MAX_BYTES as u32 - 1)) as usize..self.end as usize
    }
}

const START_BITS: u32 = 28;

/// No document is longer.
const MAX_BYTES: usize = 1 << START_BITS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
enum Kind {
    Null,
    True,
    False,
    Integer,
    /// A number with a fraction, an exponent, or beyond 18 digits.
    Float,
    /// A text that stands for itself.
    Text,
    /// A text with escapes: its place is in [`Tape::unescaped`].
    Unescaped,
    List,
    Object,
}

/// By their numbers; the last ones are nobody's.
const KINDS: [Kind; 16] = {
    let mut kinds = [Kind::Null; 16];
    kinds[Kind::True as usize] = Kind::True;
    kinds[Kind::False as usize] = Kind::False;
    kinds[Kind::Integer as usize] = Kind::Integer;
    kinds[Kind::Float as usize] = Kind::Float;
    kinds[Kind::Text as usize] = Kind::Text;
    kinds[Kind::Unescaped as usize] = Kind::Unescaped;
    kinds[Kind::List as usize] = Kind::List;
    kinds[Kind::Object as usize] = Kind::Object;
    kinds
};

impl Tape {
    pub(crate) fn with_capacity(nodes: usize) -> Self {
        Self {
            nodes: Vec::with_capacity(nodes),
            unescaped: Zeroizing::default(),
        }
    }

    /// What the text at this place stands for.
    #[inline]
    fn text<'t>(&'t self, document: &'t str, place: usize) -> &'t str {
        let node = self.nodes[place];
        let within = match node.kind() {
            Kind::Unescaped => &self.unescaped,
            _ => document,
        };
        &within[node.range()]
    }

    /// The names of the members that begin at `first` and before `end`.
    fn names<'t>(
        &'t self,
        document: &'t str,
        first: usize,
        end: usize,
    ) -> impl Iterator<Item = &'t str> {
        self.members(first, end)
            .map(|name| self.text(document, name))
    }

    /// The places of the names that begin at `first` and before `end`; the values come after them.
    #[inline]
    fn members(&self, first: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = first;
        std::iter::from_fn(move || {
            let name = at;
            (name < end).then(|| {
                // Of the name that is being read there is no value yet.
                at = if name + 1 < end {
                    self.next(name + 1)
                } else {
                    end
                };
                name
            })
        })
    }

    /// Where the next value is that is not part of this one.
    #[inline]
    fn next(&self, place: usize) -> usize {
        let node = self.nodes[place];
        match node.kind() {
            Kind::List | Kind::Object => node.end as usize,
            _ => place + 1,
        }
    }

    /// The values one after the other that begin at `first` and before `end`.
    #[inline]
    fn places(&self, first: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        let mut at = first;
        std::iter::from_fn(move || {
            let value = at;
            (value < end).then(|| {
                at = self.next(value);
                value
            })
        })
    }
}

/// Where a value stands in its document, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(NonZeroU32);

/// A value of a document.
#[derive(Clone, Copy)]
pub(crate) struct Element<'d> {
    text: &'d str,
    tape: &'d Tape,
    place: usize,
}

/// A number as far as it can be told in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Integer(i64),
    Float(f64),
}

impl<'d> Element<'d> {
    #[inline]
    pub(crate) fn place(self) -> Place {
        // Fewer than 2^28, each of a byte at least.
        Place(NonZeroU32::MIN.saturating_add(self.place as u32))
    }

    /// A member of an object.
    #[inline]
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        let mut members = self.members();
        members.find_map(|(member, value)| (member == name).then_some(value))
    }

    /// The members of an object; none if it is something else.
    #[inline]
    pub(crate) fn members(self) -> impl Iterator<Item = (&'d str, Self)> {
        let names = self.tape.members(self.place + 1, self.end(Kind::Object));
        names.map(move |name| {
            let value = Self {
                place: name + 1,
                ..self
            };
            (self.tape.text(self.text, name), value)
        })
    }

    /// The values of a list; none if it is something else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        let items = self.tape.places(self.place + 1, self.end(Kind::List));
        items.map(move |place| Self { place, ..self })
    }

    /// Where on the tape what is in a container of this kind ends.
    #[inline]
    fn end(self, kind: Kind) -> usize {
        let node = self.node();
        if node.kind() == kind {
            node.end as usize
        } else {
            0
        }
    }

    pub(crate) fn is_object(self) -> bool {
        self.node().kind() == Kind::Object
    }

    pub(crate) fn is_list(self) -> bool {
        self.node().kind() == Kind::List
    }

    #[inline]
    pub(crate) fn is_null(self) -> bool {
        self.node().kind() == Kind::Null
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.node().kind() {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn as_text(self) -> Option<&'d str> {
        match self.node().kind() {
            Kind::Text | Kind::Unescaped => Some(self.tape.text(self.text, self.place)),
            _ => None,
        }
    }

    /// The texts of a list that holds nothing else.
    pub(crate) fn as_texts(self) -> Option<impl Iterator<Item = &'d str>> {
        let only_texts = self.is_list() && self.items().all(|item| item.as_text().is_some());
        only_texts.then(|| self.items().filter_map(Self::as_text))
    }

    pub(crate) fn as_number(self) -> Option<Number> {
        match self.node().kind() {
            Kind::Integer => self.json().parse().ok().map(Number::Integer),
            Kind::Float => self.json().parse().ok().map(Number::Float),
            _ => None,
        }
    }

    /// The text of a value that is no text, as it stands in the document.
    fn json(self) -> &'d str {
        self.tape.text(self.text, self.place)
    }

    #[inline]
    fn node(self) -> Node {
        self.tape.nodes[self.place]
    }
}
