//! What level two knows of a whole space: which entries of it still count.
//!
//! An entry carries the generation and the count it was read under. A clearing begins a new generation;
//! the deletion of a prefix or a tag is a mark with the next count, and what it covers does not count
//! any more if it carries a smaller one. So nothing has to be searched for, and a load that began before
//! cannot bring anything back, whenever its value arrives.

use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::backend::HEAD;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    /// As it lies in the store, so that nobody's change is overwritten.
    pub(crate) head: Bytes,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) generation: String,
    pub(crate) count: u64,
    /// What carries a smaller count does not count, whatever its name: marks that it may be covered
    /// by are not kept any more.
    #[serde(default)]
    floor: u64,
    /// In the order of their counts.
    marks: Vec<Marked>,
}

/// Which entries of a space are meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Mark {
    #[serde(rename = "prefix")]
    Prefix(Box<str>),
    #[serde(rename = "tag")]
    Tag(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Marked {
    mark: Mark,
    count: u64,
    /// When the last entry that it covers has died, in milliseconds since 1970.
    until: u64,
}

impl Record {
    /// Reads what is there. What is not ours is taken for nothing, in which no entry counts.
    pub(crate) fn read(bytes: Option<&Bytes>) -> Self {
        let Some(bytes) = bytes else {
            return Self::default();
        };
        let (head, body) = bytes.split_at(HEAD.min(bytes.len()));
        Self {
            head: Bytes::copy_from_slice(head),
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    /// Whether there is none: then nothing can be written, because nothing would count.
    pub(crate) fn is_missing(&self) -> bool {
        self.body.is_missing()
    }
}

impl Body {
    pub(crate) fn is_missing(&self) -> bool {
        self.generation.is_empty()
    }

    /// The first one of a space, or the one after a clearing.
    pub(crate) fn begin() -> Self {
        Self {
            generation: random(),
            count: 0,
            floor: 0,
            marks: Vec::new(),
        }
    }

    /// Adds a mark. `until` is when the last entry of the space has died, as far as whoever deletes
    /// knows.
    ///
    /// Clocks differ, and so may declarations of one space while a new version is rolled out. So
    /// when a mark is given up, be it that nothing should be left of what it covers or that there
    /// are too many, everything that is older than it goes with it: more may be deleted than was
    /// asked for, and never less.
    pub(crate) fn mark(&mut self, mark: &Mark, now: u64, until: u64) {
        if self.is_missing() {
            *self = Self::begin();
            return;
        }
        self.marks.retain(|marked| marked.mark != *mark);
        let ended = self.marks.iter().rposition(|marked| marked.until <= now);
        let ended = ended.map_or(0, |last| last + 1);
        let too_many = (self.marks.len() + 1).saturating_sub(MAX_MARKS);
        // Those before one that goes are older than it, and cover nothing any more.
        for gone in self.marks.drain(..ended.max(too_many)) {
            self.floor = gone.count;
        }
        self.count += 1;
        self.marks.push(Marked {
            mark: mark.clone(),
            count: self.count,
            until,
        });
    }

    /// Whether an entry that carries this counts.
    pub(crate) fn admits(
        &self,
        key: &str,
        generation: &str,
        count: u64,
        tags: &[Box<str>],
    ) -> bool {
        !generation.is_empty()
            && self.generation == generation
            && count >= self.floor
            && !self
                .marks
                .iter()
                .any(|marked| marked.count > count && marked.mark.covers(key, tags))
    }
}

impl Mark {
    pub(crate) fn covers(&self, key: &str, tags: &[Box<str>]) -> bool {
        match self {
            Self::Prefix(prefix) => key.starts_with(&**prefix),
            Self::Tag(tag) => tags.contains(tag),
        }
    }
}

/// One that was never there.
pub(crate) fn random() -> String {
    let [a, b] = [(); 2].map(|()| RandomState::new().hash_one(()));
    format!("{a:016x}{b:016x}")
}

/// Each read of the space looks through them.
const MAX_MARKS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Mark {
        Mark::Prefix(text.into())
    }

    #[test]
    fn a_mark_covers_what_carries_a_smaller_count() {
        let mut body = Body::begin();
        let generation = body.generation.clone();
        let admits = |body: &Body, key: &str, count, tags: &[Box<str>]| {
            body.admits(key, &generation, count, tags)
        };
        body.mark(&prefix("user:1:"), 0, 100);
        body.mark(&Mark::Tag("admins".into()), 0, 100);
        assert!(!admits(&body, "user:1:a", 0, &[]));
        assert!(admits(&body, "user:1:a", 1, &[]));
        assert!(admits(&body, "user:12", 0, &[]));
        assert!(!admits(
            &body,
            "user:2:a",
            1,
            &["x".into(), "admins".into()]
        ));
        assert!(admits(&body, "user:2:a", 2, &["admins".into()]));
        // The same again counts anew.
        body.mark(&prefix("user:1:"), 0, 100);
        assert!(!admits(&body, "user:1:a", 2, &[]));
        assert!(admits(&body, "user:1:a", 3, &[]));
    }

    #[test]
    fn another_generation_or_none_admits_nothing() {
        let body = Body::begin();
        assert!(!body.admits("k", "another", 9, &[]));
        assert!(!Body::default().admits("k", "", 9, &[]));
        assert_ne!(Body::begin().generation, body.generation);
    }

    #[test]
    fn marks_go_when_nothing_is_left_that_they_cover() {
        let mut body = Body::begin();
        for number in 0..1000 {
            body.mark(&prefix(&number.to_string()), number, number + 10);
        }
        assert!(body.marks.len() < 12);
        assert_eq!(body.count, 1000);
    }

    /// By the clock of another, or because the entry lives longer than its deleter knew.
    #[test]
    fn what_a_mark_covered_does_not_come_back_when_the_mark_goes_too_early() {
        let mut body = Body::begin();
        let generation = body.generation.clone();
        body.mark(&prefix("user:1:"), 0, 60);
        assert!(!body.admits("user:1:a", &generation, 0, &[]));
        body.mark(&prefix("other"), 400, 460);
        assert_eq!(body.marks.len(), 1);
        assert!(!body.admits("user:1:a", &generation, 0, &[]));
        assert!(body.admits("user:1:a", &generation, 1, &[]));
    }

    #[test]
    fn of_too_many_marks_the_oldest_goes_with_all_that_is_older() {
        let mut body = Body::begin();
        let generation = body.generation.clone();
        for number in 0..=MAX_MARKS {
            body.mark(&prefix(&format!("{number}:")), 0, 10);
        }
        assert_eq!(body.marks.len(), MAX_MARKS);
        assert!(!body.admits("0:", &generation, 0, &[]));
        assert!(body.admits("0:", &generation, 1, &[]));
        assert!(!body.admits("1:", &generation, 1, &[]));
        assert!(body.admits("else", &generation, 1, &[]));
    }

    #[test]
    fn what_is_not_ours_is_a_record_that_admits_nothing_and_can_be_replaced() {
        let bytes = Bytes::from_static(b"garbage that is longer than a head is");
        let record = Record::read(Some(&bytes));
        assert!(record.is_missing());
        assert_eq!(record.head, bytes[..HEAD]);
        assert_eq!(Record::read(None), Record::default());
    }
}
