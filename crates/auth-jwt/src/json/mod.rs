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
    pub(crate) fn root(&self) -> Element<'_> {
        self.element(Place(0))
    }

    /// The value at a place that an [`Element`] of this document has told.
    pub(crate) fn element(&self, Place(place): Place) -> Element<'_> {
        Element {
            text: self.text.as_ref(),
            tape: &self.tape,
            place: place as usize,
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
    /// What the texts with escapes stand for, one after the other.
    unescaped: String,
}

#[derive(Clone, Copy)]
struct Node {
    kind: Kind,
    /// What is between the quotation marks of a text, and the whole of anything else.
    start: u32,
    end: u32,
    /// Where the next value begins that is not part of this one.
    next: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

impl Tape {
    pub(crate) fn with_capacity(nodes: usize) -> Self {
        Self {
            nodes: Vec::with_capacity(nodes),
            unescaped: String::new(),
        }
    }

    /// What the text at this place stands for.
    #[inline]
    fn text<'t>(&'t self, document: &'t str, place: usize) -> &'t str {
        let node = &self.nodes[place];
        let within = match node.kind {
            Kind::Unescaped => &self.unescaped,
            _ => document,
        };
        &within[node.start as usize..node.end as usize]
    }

    /// The names of the members that begin at `first` and before `end`.
    fn names<'t>(
        &'t self,
        document: &'t str,
        first: usize,
        end: usize,
    ) -> impl Iterator<Item = &'t str> {
        self.places(first, end)
            .step_by(2)
            .map(|place| self.text(document, place))
    }

    /// The values one after the other that begin at `first` and before `end`.
    fn places(&self, first: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        let next = |place: &usize| Some(self.nodes[*place].next as usize);
        let before_end = move |place: &usize| *place < end;
        std::iter::successors(Some(first).filter(before_end), move |place| {
            next(place).filter(before_end)
        })
    }
}

/// Where a value stands in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

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
    pub(crate) fn place(self) -> Place {
        Place(self.place as u32)
    }

    /// A member of an object.
    pub(crate) fn get(self, name: &str) -> Option<Self> {
        let mut members = self.members();
        members.find_map(|(member, value)| (member == name).then_some(value))
    }

    /// The members of an object; none if it is something else.
    pub(crate) fn members(self) -> impl Iterator<Item = (&'d str, Self)> {
        let within = self.within(Kind::Object);
        within.step_by(2).map(move |name| {
            let value = Self {
                place: name + 1,
                ..self
            };
            (self.tape.text(self.text, name), value)
        })
    }

    /// The values of a list; none if it is something else.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> {
        let within = self.within(Kind::List);
        within.map(move |place| Self { place, ..self })
    }

    /// What is directly in a container of this kind.
    fn within(self, kind: Kind) -> impl Iterator<Item = usize> + 'd {
        let node = self.node();
        let end = if node.kind == kind { node.next } else { 0 };
        self.tape.places(self.place + 1, end as usize)
    }

    pub(crate) fn is_object(self) -> bool {
        self.node().kind == Kind::Object
    }

    pub(crate) fn is_list(self) -> bool {
        self.node().kind == Kind::List
    }

    pub(crate) fn is_null(self) -> bool {
        self.node().kind == Kind::Null
    }

    pub(crate) fn as_bool(self) -> Option<bool> {
        match self.node().kind {
            Kind::True => Some(true),
            Kind::False => Some(false),
            _ => None,
        }
    }

    pub(crate) fn as_text(self) -> Option<&'d str> {
        match self.node().kind {
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
        match self.node().kind {
            Kind::Integer => self.json().parse().ok().map(Number::Integer),
            Kind::Float => self.json().parse().ok().map(Number::Float),
            _ => None,
        }
    }

    /// The text of a value that is no text, as it stands in the document.
    fn json(self) -> &'d str {
        self.tape.text(self.text, self.place)
    }

    fn node(self) -> &'d Node {
        &self.tape.nodes[self.place]
    }
}
