//! Quotation marks, as languages put them around texts and around texts in texts.

/// What a text is put between: a mark, and as many backslashes before it as the text around asks
/// for, which are none, 1, 3, 7 and so on.
#[derive(Clone, Copy)]
pub(super) struct Quote {
    pub(super) backslashes: usize,
    pub(super) mark: u8,
}

impl Quote {
    pub(super) fn at(text: &str) -> Option<Self> {
        let backslashes = text.bytes().take_while(|&byte| byte == b'\\').count();
        match text.as_bytes().get(backslashes) {
            Some(&mark @ (b'"' | b'\'')) => Some(Self { backslashes, mark }),
            _ => None,
        }
    }

    pub(super) fn length(self) -> usize {
        self.backslashes + 1
    }

    /// Where the text ends that begins at `start`: at the same quote, unless it is escaped, which
    /// takes more backslashes.
    pub(super) fn closes(self, text: &str, start: usize) -> usize {
        let mut run = 0;
        for (index, &byte) in text.as_bytes().iter().enumerate().skip(start) {
            if byte == self.mark && run % (2 * self.length()) == self.backslashes {
                return index - self.backslashes;
            }
            run = if byte == b'\\' { run + 1 } else { 0 };
        }
        text.len()
    }
}
