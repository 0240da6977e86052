//! Characters beyond ASCII, as far as the standard library and a few ranges tell them apart.

/// Whether the character can be seen and is one that normal forms (NFC) leave as it is.
pub(super) fn is_bare(character: char) -> bool {
    is_visible(character) && !is_in(character, COMPOSED_ELSEWHERE)
}

/// Whether the character is a small letter, a digit or a mark that may stand in a domain as it is.
pub(super) fn is_of_domains(character: char) -> bool {
    is_in(character, OF_DOMAINS) && (character.is_alphanumeric() || is_mark(character))
}

pub(super) fn is_leftward(character: char) -> bool {
    is_in(character, RIGHT_TO_LEFT)
}

pub(super) fn starts_with_mark(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|first| !first.is_ascii() && (is_mark(first) || is_in(first, BESIDE)))
}

/// Whether a character beyond ASCII is neither a space, nor a control character, nor one for
/// private use, nor one that is not assigned.
///
/// The standard library has the table in its `Debug` of texts: there, what is not to be seen is
/// escaped.
fn is_visible(character: char) -> bool {
    String::from_iter(['x', character]).escape_debug().count() == 2
}

/// Whether a character beyond ASCII stands on the one before it. `Debug` escapes such a character
/// where there is none before it; those that stand beside it are letters to the library.
fn is_mark(character: char) -> bool {
    is_visible(character) && character.escape_debug().count() > 1
}

fn is_in(character: char, ranges: &[(char, char)]) -> bool {
    let mut ranges = ranges.iter();
    ranges.any(|&(first, last)| (first..=last).contains(&character))
}

/// By blocks, which is coarser than the tables are: normal forms (NFC) write other characters for
/// these, alone or with the one before.
const COMPOSED_ELSEWHERE: &[(char, char)] = &[
    ('\u{300}', '\u{36f}'),
    ('\u{2126}', '\u{2126}'),
    ('\u{212a}', '\u{212b}'),
    ('\u{f900}', '\u{faff}'),
    ('\u{fb1d}', '\u{fb4e}'),
    ('\u{2f800}', '\u{2fa1f}'),
];

/// Small letters that may stand in a domain as they are (RFC 5892, UTS #46): those of the scripts
/// that domains are registered in.
const OF_DOMAINS: &[(char, char)] = &[
    // Latin
    ('\u{df}', '\u{f6}'),
    ('\u{f8}', '\u{12f}'),
    ('\u{131}', '\u{131}'),
    ('\u{135}', '\u{13e}'),
    ('\u{142}', '\u{148}'),
    ('\u{14b}', '\u{17e}'),
    ('\u{180}', '\u{1c3}'),
    ('\u{1ce}', '\u{1f0}'),
    ('\u{1f5}', '\u{24f}'),
    // Greek, Cyrillic, Armenian
    ('\u{390}', '\u{3ce}'),
    ('\u{430}', '\u{481}'),
    ('\u{48b}', '\u{52f}'),
    ('\u{560}', '\u{586}'),
    // Hebrew, Arabic
    ('\u{5d0}', '\u{5ea}'),
    ('\u{620}', '\u{63f}'),
    ('\u{641}', '\u{64a}'),
    ('\u{66e}', '\u{674}'),
    ('\u{679}', '\u{6d3}'),
    // the scripts of India, and Sinhala
    ('\u{900}', '\u{957}'),
    ('\u{960}', '\u{963}'),
    ('\u{966}', '\u{96f}'),
    ('\u{971}', '\u{9d7}'),
    ('\u{9e0}', '\u{9f1}'),
    ('\u{a01}', '\u{a32}'),
    ('\u{a38}', '\u{a51}'),
    ('\u{a66}', '\u{a75}'),
    ('\u{a81}', '\u{aef}'),
    ('\u{b01}', '\u{b57}'),
    ('\u{b5f}', '\u{b6f}'),
    ('\u{b71}', '\u{b71}'),
    ('\u{b82}', '\u{bef}'),
    ('\u{c00}', '\u{c6f}'),
    ('\u{c80}', '\u{c83}'),
    ('\u{c85}', '\u{cf3}'),
    ('\u{d00}', '\u{d4d}'),
    ('\u{d5f}', '\u{d6f}'),
    ('\u{d7a}', '\u{d7f}'),
    ('\u{d81}', '\u{df3}'),
    // Thai, Lao, Georgian
    ('\u{e01}', '\u{e32}'),
    ('\u{e34}', '\u{e3a}'),
    ('\u{e40}', '\u{e4e}'),
    ('\u{e50}', '\u{e59}'),
    ('\u{e81}', '\u{eb2}'),
    ('\u{eb4}', '\u{ed9}'),
    ('\u{10d0}', '\u{10fa}'),
    // Latin again, with more marks
    ('\u{1e01}', '\u{1e99}'),
    ('\u{1e9f}', '\u{1eff}'),
    // Kana, Han, Hangul
    ('\u{3041}', '\u{3096}'),
    ('\u{30a1}', '\u{30fa}'),
    ('\u{30fc}', '\u{30fe}'),
    ('\u{3400}', '\u{4dbf}'),
    ('\u{4e00}', '\u{9fff}'),
    ('\u{ac00}', '\u{d7a3}'),
];

/// Signs of the scripts of India that stand beside a letter, and never first.
const BESIDE: &[(char, char)] = &[
    ('\u{903}', '\u{903}'),
    ('\u{93b}', '\u{93b}'),
    ('\u{93e}', '\u{94f}'),
    ('\u{982}', '\u{983}'),
    ('\u{9be}', '\u{9cc}'),
    ('\u{9d7}', '\u{9d7}'),
    ('\u{a03}', '\u{a03}'),
    ('\u{a3e}', '\u{a40}'),
    ('\u{a83}', '\u{a83}'),
    ('\u{abe}', '\u{acc}'),
    ('\u{b02}', '\u{b03}'),
    ('\u{b3e}', '\u{b57}'),
    ('\u{bbe}', '\u{bcc}'),
    ('\u{bd7}', '\u{bd7}'),
    ('\u{c01}', '\u{c03}'),
    ('\u{c41}', '\u{c44}'),
    ('\u{c82}', '\u{c83}'),
    ('\u{cbe}', '\u{cd6}'),
    ('\u{d02}', '\u{d03}'),
    ('\u{d3e}', '\u{d4c}'),
    ('\u{d57}', '\u{d57}'),
    ('\u{d82}', '\u{d83}'),
    ('\u{dcf}', '\u{ddf}'),
    ('\u{df2}', '\u{df3}'),
];

const RIGHT_TO_LEFT: &[(char, char)] = &[('\u{590}', '\u{8ff}')];
