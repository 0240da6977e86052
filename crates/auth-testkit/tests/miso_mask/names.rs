//! Names that nobody wrote down: of what the original looks for, of what it does not, and of letters
//! that have a life of their own in lower case.

use crate::chance::Chance;

pub(crate) const SUBSTRINGS: [&str; 21] = [
    "accesstoken",
    "apikey",
    "auth",
    "authorization",
    "cc",
    "cookie",
    "creditcard",
    "cvv",
    "key",
    "otp",
    "passwd",
    "password",
    "pin",
    "privatekey",
    "pwd",
    "refreshtoken",
    "secret",
    "secretkey",
    "session",
    "ssn",
    "token",
];

const INNOCENT: [&str; 16] = [
    "user",
    "id",
    "email",
    "message",
    "items",
    "passphrase",
    "jwt",
    "cardNumber",
    "iban",
    "x",
    "k",
    "createdAt",
    "名前",
    "größe",
    "ΟΔΟΣ",
    "🦀",
];

const JOINTS: [&str; 14] = [
    "", "", "", "_", "-", "__", "-_", ".", " ", "/", "\"", "\\", "\n", "\u{0}",
];

/// Their lower case is longer, is another letter's, depends on what stands around, or is none.
const LETTERS: [&str; 16] = [
    "İ", "I", "ı", "ß", "ẞ", "\u{212a}", "\u{212b}", "Σ", "σ", "ς", "ſ", "ﬁ", "É", "\u{301}",
    "\u{ad}", "\u{200d}",
];

/// Any name, about as often sensitive as not.
pub(crate) fn any(chance: &mut Chance) -> String {
    let pieces = chance.below(4);
    let mut name = String::new();
    for _ in 0..pieces {
        match chance.below(12) {
            0..2 => name.push_str(one_of(&SUBSTRINGS, chance)),
            2..6 => {
                let (head, tail) = cut(one_of(&SUBSTRINGS, chance), chance);
                name.push_str(head);
                name.push_str(one_of(&JOINTS, chance));
                name.push_str(one_of(&JOINTS, chance));
                name.push_str(tail);
            }
            6..8 => name.push_str(one_of(&LETTERS, chance)),
            _ => name.push_str(one_of(&INNOCENT, chance)),
        }
        name.push_str(one_of(&JOINTS, chance));
    }
    spelled(&name, chance)
}

/// A name that the original has not heard of, nearly always.
pub(crate) fn unheard(chance: &mut Chance) -> String {
    let mut name = String::new();
    for _ in 0..2 + chance.below(2) {
        name.push_str(match chance.below(3) {
            0 => one_of(&LETTERS, chance),
            _ => one_of(&INNOCENT, chance),
        });
        name.push_str(one_of(&JOINTS, chance));
    }
    spelled(&name, chance)
}

/// A name that the original shows the value of.
pub(crate) fn innocent(chance: &mut Chance) -> String {
    one_of(&INNOCENT, chance).to_owned()
}

pub(crate) fn one_of<'a>(of: &[&'a str], chance: &mut Chance) -> &'a str {
    chance.one_of::<&str>(of)
}

fn cut<'a>(text: &'a str, chance: &mut Chance) -> (&'a str, &'a str) {
    text.split_at(chance.below(text.len()))
}

/// The name in another case, or with letters that are like others.
pub(crate) fn spelled(name: &str, chance: &mut Chance) -> String {
    match chance.below(6) {
        0 => name.to_uppercase(),
        1 => each(name, |letter| match chance.below(2) {
            0 => letter.to_uppercase().collect(),
            _ => letter.to_string(),
        }),
        2 => each(name, |letter| match (letter, chance.below(2)) {
            ('k', 0) => "\u{212a}".to_owned(),
            ('s', 0) => "ſ".to_owned(),
            ('i', 0) => "İ".to_owned(),
            ('o', 0) => "Σ".to_owned(),
            _ => letter.to_string(),
        }),
        _ => name.to_owned(),
    }
}

fn each(name: &str, of: impl FnMut(char) -> String) -> String {
    name.chars().map(of).collect()
}
