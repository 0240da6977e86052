use std::fmt::Write;

/// Writes what would steer a terminal as `\u` escapes: control characters, line breaks among them,
/// and those that turn the direction of the text round. What a token says is shown to a person, who
/// has to see what it says and not what it does.
///
/// The escapes are those of JSON, so a document still says the same afterwards, unless it has tabs
/// or line breaks between its members: all else of this kind JSON has inside of strings only.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) {
            // Every one of them is a single UTF-16 unit.
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

fn steers(character: char) -> bool {
    let turns_direction = matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    // Some programs break lines at these two, and a line of output stands for something.
    let breaks_lines = matches!(character, '\u{2028}' | '\u{2029}');
    character.is_control() || turns_direction || breaks_lines
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        assert_eq!(printable("a\u{1b}[2Jb"), "a\\u001b[2Jb");
        assert_eq!(
            printable("\u{9b}1m\u{7f}\r\t"),
            "\\u009b1m\\u007f\\u000d\\u0009"
        );
        assert_eq!(printable("nimda\u{202e}"), "nimda\\u202e");
        assert_eq!(printable("Jörg 渡辺 🦀"), "Jörg 渡辺 🦀");
        assert_eq!(printable("u1\nadmin"), "u1\\u000aadmin");
    }
}
