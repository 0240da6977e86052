use std::borrow::Cow;
use std::fmt;

/// Why an answer is what it is: a stable code for wires and metrics, a sentence for people.
///
/// Neither may hold a secret, a token or a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    code: &'static str,
    message: Cow<'static, str>,
}

impl Reason {
    /// Takes a code from a closed list of the caller's, and a sentence in lower case.
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// The stable code, in `snake_case`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
