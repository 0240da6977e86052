use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use crate::printable::printable;

/// Why something could not be done, and what to do about it.
///
/// Nothing of a token, and nothing of the contents of a file, is ever in one.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// Stable, for programs.
    code: &'static str,
    /// What happened, in lower case.
    message: String,
    /// What the user can do.
    remedy: Cow<'static, str>,
}

impl Failure {
    pub(crate) fn new(
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            remedy: remedy.into(),
        }
    }

    /// The flags ask for something that cannot be.
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self::new("usage", message, remedy)
    }

    /// Standard input broke off.
    pub(crate) fn input(error: &io::Error) -> Self {
        Self::new(
            "input_unreadable",
            format!("standard input cannot be read: {error}"),
            "pipe it in, or redirect standard input from a file",
        )
    }

    /// Nobody reads what is printed. Not passed over in silence: whoever asked has not been told
    /// that a token was accepted, or was not given the one that was made.
    pub(crate) fn output(error: &io::Error) -> Self {
        Self::new(
            "output_unwritable",
            format!("the answer cannot be written to standard output: {error}"),
            "keep the reader of the output open to its end; what it did not read, nobody was told",
        )
    }

    /// Says it on standard error: a line of JSON for a program, two lines of text for a person.
    pub(crate) fn report(&self, json: bool) {
        #[derive(Serialize)]
        struct Document<'a> {
            error: &'a Failure,
        }

        let mut stderr = io::stderr().lock();
        let document = serde_json::to_string(&Document { error: self });
        // Where standard error is gone, there is nobody left to tell; the exit code still does.
        let _ = match document {
            Ok(document) if json => writeln!(stderr, "{document}"),
            _ => writeln!(
                stderr,
                "error: {}\nhelp: {}",
                printable(&self.message),
                printable(&self.remedy)
            ),
        };
    }
}
