//! Which names are sensitive.
//!
//! [`table`] is the list, [`words`] takes names apart, and this file compares. [`miso`] is the
//! other, older way to compare.

pub(crate) mod miso;
mod named;
mod table;
mod words;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::Category;
pub(crate) use crate::names::named::Named;
use crate::names::words::Words;

/// The category of what goes by this name, or `None` if the name is innocent.
///
/// A name is sensitive if it *ends* with a name of the table: what follows a word says what is
/// meant (`tokenCount` is a count, `dbPassword` a password). Of two names that fit, the longer one
/// decides, so that `nextPageToken` is a page and no token.
pub(crate) fn category(name: &str) -> Option<Category> {
    let words = Words::of(name);
    let mut count = words.count();
    // `hasPassword` and `isSecret` are answered with yes or no.
    if count > 1 && table::QUESTIONS.contains(&words.word(0)) {
        return None;
    }
    let mut several = false;
    while count > 0 {
        if let Some(found) = find(&words, count) {
            let is_innocent = several && found.meaning.only_whole
                || table::QUESTIONS.contains(&words.word_before(found.start));
            return found.meaning.category.filter(|_| !is_innocent);
        }
        // `secretValue` and `passwordHash` hold what the words before say.
        let last = words.word(count - 1);
        let list = table::LISTS.contains(&last);
        if !list && !table::CARRIERS.contains(&last) {
            return None;
        }
        several |= list;
        count -= 1;
    }
    None
}

/// Whether a query parameter of this name is sensitive although the name would be innocent
/// anywhere else.
pub(crate) fn is_sensitive_in_query(name: &str) -> bool {
    let words = Words::of(name);
    let name = words.first(words.count());
    table::IN_QUERIES.contains(&name)
}

/// What the first `count` words mean, if the table knows.
fn find(words: &Words, count: usize) -> Option<Found> {
    let whole = words.first(count);
    let last = words.word(count - 1);
    words
        .ends(count, NAMES.longest)
        .filter_map(|end| Some((end, *NAMES.meanings.get(end)?)))
        .find(|(end, meaning)| !meaning.only_whole || *end == whole)
        .or_else(|| Some((last, tail(last)?)))
        .map(|(end, meaning)| Found {
            meaning,
            start: whole.len() - end.len(),
        })
}

/// What the end of a name means.
struct Found {
    meaning: Meaning,
    /// Where that end begins, in the words written together.
    start: usize,
}

/// What a word means that was written together by others: `userpassword`, `PGPASSWORD`,
/// `passwordhash`.
fn tail(word: &str) -> Option<Meaning> {
    // Most names end with a short word, and every name of a document comes by here.
    if word.len() < SHORTEST_TAILED {
        return None;
    }
    let carriers = table::CARRIERS.iter().filter(|carrier| carrier.len() > 1);
    let held = carriers.filter_map(|carrier| word.strip_suffix(carrier));
    std::iter::once(word).chain(held).find_map(tail_of)
}

fn tail_of(word: &str) -> Option<Meaning> {
    let one = word.strip_suffix('s').unwrap_or(word);
    let tail = table::TAILS.iter().find(|tail| one.ends_with(**tail))?;
    if NAMES.innocent.iter().any(|name| word.ends_with(&**name)) {
        return Some(Meaning::INNOCENT);
    }
    NAMES.meanings.get(*tail).copied()
}

#[derive(Clone, Copy, Debug)]
struct Meaning {
    /// `None` if the name is innocent although a shorter one at its end is not.
    category: Option<Category>,
    /// Whether nothing may stand before it.
    only_whole: bool,
}

impl Meaning {
    const INNOCENT: Self = Self {
        category: None,
        only_whole: false,
    };
}

/// The table, by name; a name is its words written together.
struct Names {
    meanings: HashMap<String, Meaning>,
    innocent: Vec<String>,
    longest: usize,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut meanings = HashMap::new();
    for group in table::GROUPS {
        let ends = group.ends.iter().map(|name| (name, false));
        let wholes = group.wholes.iter().map(|name| (name, true));
        for (name, only_whole) in ends.chain(wholes) {
            let meaning = Meaning {
                category: Some(group.category),
                only_whole,
            };
            // A single word that is risky by itself has another meaning in the plural.
            for name in forms(name).take(if only_whole { 1 } else { 2 }) {
                meanings.insert(name, meaning);
            }
        }
    }
    let innocent: Vec<_> = table::INNOCENT
        .iter()
        .flat_map(|name| forms(name))
        .collect();
    for name in &innocent {
        meanings.insert(name.clone(), Meaning::INNOCENT);
    }
    Names {
        longest: meanings.keys().map(String::len).max().unwrap_or(0),
        meanings,
        innocent,
    }
});

/// A name of the table and its plural, written together.
fn forms(name: &str) -> impl Iterator<Item = String> {
    let words = Words::of(name);
    let one = words.first(words.count()).to_owned();
    let many = format!("{one}s");
    [one, many].into_iter()
}

/// As `mypwd`: shorter words are not taken apart.
const SHORTEST_TAILED: usize = 5;
