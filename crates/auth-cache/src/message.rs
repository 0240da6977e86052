//! What caches tell each other.

use serde::{Deserialize, Serialize};

use crate::record::Mark;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    v: u32,
    /// Who says it, so that nobody acts upon their own.
    pub(crate) from: Box<str>,
    pub(crate) space: Box<str>,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    Key(Box<str>),
    Mark(Mark),
    All,
}

impl Message {
    pub(crate) fn new(from: &str, space: &str, what: What) -> Self {
        Self {
            v: VERSION,
            from: from.into(),
            space: space.into(),
            what,
        }
    }

    pub(crate) fn write(&self) -> Vec<u8> {
        // Text and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// `None` if it is not one of ours: then anything may have been changed.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let message: Self = serde_json::from_slice(bytes).ok()?;
        (message.v == VERSION).then_some(message)
    }
}

const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn what_is_told_is_understood_and_its_form_is_fixed() {
        let tell = |what| {
            let message = Message::new("me", "roles", what);
            let bytes = message.write();
            assert_eq!(Message::read(&bytes), Some(message));
            String::from_utf8(bytes).unwrap()
        };
        expect![[r#"{"v":1,"from":"me","space":"roles","what":{"key":"k"}}"#]]
            .assert_eq(&tell(What::Key("k".into())));
        expect![[r#"{"v":1,"from":"me","space":"roles","what":{"mark":{"prefix":"p"}}}"#]]
            .assert_eq(&tell(What::Mark(Mark::Prefix("p".into()))));
        expect![[r#"{"v":1,"from":"me","space":"roles","what":"all"}"#]]
            .assert_eq(&tell(What::All));
    }

    #[test]
    fn what_is_not_ours_is_not_understood() {
        for text in [
            "",
            "null",
            r#"{"v":2,"from":"me","space":"roles","what":"all"}"#,
            r#"{"v":1,"from":"me","space":"roles","what":"nothing"}"#,
        ] {
            assert_eq!(Message::read(text.as_bytes()), None, "{text}");
        }
    }
}
