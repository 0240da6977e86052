//! What lies in level two: the stamp, one byte for the form, and the envelope in that form.
//!
//! A stamp stays for as long as it keeps older loads away. A value that must go before it lies apart, under a key of its
//! own that the store forgets in time, and with the stamp lies only that it does: whose clock is right then does not matter.

use std::borrow::Cow;
use std::io;

use auth_crypto::KeyRing;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::backend::HEAD;
use crate::entry::Lifetime;
use crate::record::Body;
use crate::space::Cacheable;
use crate::stamp::Stamp;

/// How a space wants its values to lie there.
#[derive(Clone, Copy)]
pub(crate) struct Form<'a> {
    /// The version of the value's type: one of another is none.
    pub(crate) shape: u32,
    /// The key it lies under, so that a value that was moved does not open.
    pub(crate) key: &'a str,
    pub(crate) secrecy: Secrecy<'a>,
}

#[derive(Clone, Copy)]
pub(crate) enum Secrecy<'a> {
    Plain,
    Sealed(&'a KeyRing),
    /// It must be sealed, and there is nobody who could. Nothing is written and nothing read.
    Unsealable,
}

/// A value with what it needs to count.
#[derive(Debug, PartialEq)]
pub(crate) struct Content<V> {
    pub(crate) value: V,
    pub(crate) lifetime: Lifetime,
    pub(crate) tags: Box<[Box<str>]>,
}

/// Writes a value for level two, or `None` if it cannot be written or is too large to be read back.
pub(crate) fn seal<V: Cacheable>(
    content: &Content<V>,
    record: &Body,
    stamp: &[u8],
    form: Form<'_>,
) -> Option<Vec<u8>> {
    let lifetime = content.lifetime;
    let envelope = Envelope {
        v: VERSION,
        shape: form.shape,
        generation: Cow::Borrowed(&record.generation),
        count: record.count,
        tags: content.tags.to_vec(),
        stored_at: lifetime.stored_at,
        expires_at: lifetime.expires_at,
        dies_at: lifetime.dies_at,
        value: &content.value,
    };
    let (mark, body) = match form.secrecy {
        Secrecy::Plain => (PLAIN, serde_json::to_vec(&envelope).ok()?),
        Secrecy::Sealed(keys) => {
            let json = secret_json(&envelope)?;
            (SEALED, keys.seal(form.key.as_bytes(), &json).ok()?)
        }
        Secrecy::Unsealable => return None,
    };
    // What is not a stamp of ours does not stay the head.
    let none = Stamp::none();
    let stamp = if stamp.len() == HEAD {
        stamp
    } else {
        none.as_bytes()
    };
    let bytes = [stamp, &[mark], &body].concat();
    (bytes.len() <= MAX_BYTES).then_some(bytes)
}

/// JSON that leaves nothing of itself behind: written once to know its size, because a buffer that grows
/// leaves copies.
fn secret_json(value: &impl Serialize) -> Option<Zeroizing<Vec<u8>>> {
    let mut size = Size(0);
    serde_json::to_writer(&mut size, value).ok()?;
    let mut json = Zeroizing::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *json, value).ok()?;
    Some(json)
}

/// Counts what is written.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a value of level two, or `None` if it does not count any more.
pub(crate) fn open<V: Cacheable>(
    bytes: &[u8],
    record: &Body,
    key: &str,
    form: Form<'_>,
) -> Result<Option<Content<V>>, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable);
    }
    let body = match bytes.split_at_checked(HEAD) {
        // Only that it was deleted.
        Some((_, [])) => return Ok(None),
        Some((_, body)) => body,
        None => return Err(Unreadable),
    };
    let opened;
    let json = match (body, form.secrecy) {
        ([PLAIN, json @ ..], Secrecy::Plain) => json,
        ([SEALED, sealed @ ..], Secrecy::Sealed(keys)) => {
            let text = keys.open(form.key.as_bytes(), sealed);
            opened = text.map_err(|_| Unreadable)?;
            &opened
        }
        // Also what lies open and ought to be sealed: anybody may have put it there.
        _ => return Err(Unreadable),
    };
    let envelope: Envelope<'_, V> = serde_json::from_slice(json).map_err(|_| Unreadable)?;
    if envelope.v != VERSION || envelope.shape != form.shape {
        return Err(Unreadable);
    }
    if !record.admits(key, &envelope.generation, envelope.count, &envelope.tags) {
        return Ok(None);
    }
    Ok(Some(Content {
        value: envelope.value,
        lifetime: Lifetime {
            stored_at: envelope.stored_at,
            expires_at: envelope.expires_at,
            dies_at: envelope.dies_at,
        },
        tags: envelope.tags.into(),
    }))
}

/// What lies with a stamp in the place of a value that lies apart.
pub(crate) fn apart(stamp: &str) -> Vec<u8> {
    [stamp.as_bytes(), &[APART]].concat()
}

/// The stamp of a value that lies apart.
pub(crate) fn stamp_of_what_lies_apart(bytes: &[u8]) -> Option<&str> {
    let (stamp, body) = bytes.split_at_checked(HEAD)?;
    let stamp = std::str::from_utf8(stamp).ok()?;
    (body == [APART]).then_some(stamp)
}

/// It is not what we write.
#[derive(Debug, PartialEq)]
pub(crate) struct Unreadable;

#[derive(Serialize, Deserialize)]
struct Envelope<'a, V> {
    v: u32,
    shape: u32,
    #[serde(borrow)]
    generation: Cow<'a, str>,
    count: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Box<str>>,
    stored_at: u64,
    expires_at: u64,
    dies_at: u64,
    value: V,
}

const VERSION: u32 = 2;
const PLAIN: u8 = b'j';
const SEALED: u8 = b's';
const APART: u8 = b'a';

/// More than this is neither written nor read.
const MAX_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::Secret;
    use auth_crypto::SealingKey;
    use expect_test::expect;

    const LIFETIME: Lifetime = Lifetime {
        stored_at: 1,
        expires_at: 2,
        dies_at: 3,
    };

    const PLAINLY: Form<'static> = Form {
        shape: 0,
        key: "ns:entry:s:k",
        secrecy: Secrecy::Plain,
    };

    fn record() -> Body {
        serde_json::from_str(r#"{"generation":"g1","count":4,"marks":[]}"#).unwrap()
    }

    fn content<V>(value: V) -> Content<V> {
        Content {
            value,
            lifetime: LIFETIME,
            tags: Box::new(["t".into()]),
        }
    }

    #[test]
    fn what_is_written_is_read_and_its_form_is_fixed() {
        let content = content(vec!["admin".to_owned()]);
        let stamp = b"0123456789abcdef01234567";
        let bytes = seal(&content, &record(), stamp, PLAINLY).unwrap();
        expect![[r#"0123456789abcdef01234567j{"v":2,"shape":0,"generation":"g1","count":4,"tags":["t"],"stored_at":1,"expires_at":2,"dies_at":3,"value":["admin"]}"#]].assert_eq(std::str::from_utf8(&bytes).unwrap());
        assert_eq!(open(&bytes, &record(), "k", PLAINLY), Ok(Some(content)));
    }

    #[test]
    fn what_does_not_count_any_more_is_none() {
        let bytes = seal(&content(1), &record(), b"", PLAINLY).unwrap();
        let other = serde_json::from_str(r#"{"generation":"g2","count":4,"marks":[]}"#).unwrap();
        assert_eq!(open::<i32>(&bytes, &other, "k", PLAINLY), Ok(None));
        assert_eq!(
            open::<i32>(&bytes, &Body::default(), "k", PLAINLY),
            Ok(None)
        );
        // Only that it was deleted.
        assert_eq!(
            open::<i32>(&bytes[..HEAD], &record(), "k", PLAINLY),
            Ok(None)
        );
    }

    #[test]
    fn a_value_of_another_shape_is_unreadable() {
        let bytes = seal(&content(1), &record(), b"", PLAINLY).unwrap();
        let form = Form {
            shape: 1,
            ..PLAINLY
        };
        assert_eq!(open::<i32>(&bytes, &record(), "k", form), Err(Unreadable));
    }

    #[test]
    fn a_sealed_value_opens_under_its_own_name_only_and_never_lies_open() {
        let key = SealingKey::from_hex("a", &Secret::from("0".repeat(64))).unwrap();
        let keys = KeyRing::new(key);
        let secrecy = Secrecy::Sealed(&keys);
        let sealed = Form { secrecy, ..PLAINLY };
        let bytes = seal(&content("planted".to_owned()), &record(), b"", sealed).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("planted"));
        let read = |bytes: &[u8], form| open::<String>(bytes, &record(), "k", form);
        assert_eq!(read(&bytes, sealed).unwrap().unwrap().value, "planted");
        let moved = Form {
            key: "ns:entry:s:other",
            ..sealed
        };
        assert_eq!(read(&bytes, moved), Err(Unreadable));
        assert_eq!(read(&bytes, PLAINLY), Err(Unreadable));
        // What somebody put there in the clear is not believed.
        let plain = seal(&content("forged".to_owned()), &record(), b"", PLAINLY).unwrap();
        assert_eq!(read(&plain, sealed), Err(Unreadable));
        let secrecy = Secrecy::Unsealable;
        let unsealable = Form { secrecy, ..PLAINLY };
        assert!(seal(&content("planted".to_owned()), &record(), b"", unsealable).is_none());
        assert_eq!(read(&plain, unsealable), Err(Unreadable));
    }

    #[test]
    fn secret_json_never_outgrows_its_buffer() {
        let json = secret_json(&vec!["planted"; 100]).unwrap();
        assert_eq!(json.len(), json.capacity());
    }

    #[test]
    fn what_lies_apart_is_known_by_its_stamp() {
        let stamp = "0123456789abcdef01234567";
        let there = apart(stamp);
        assert_eq!(stamp_of_what_lies_apart(&there), Some(stamp));
        let plain = seal(&content(1), &record(), stamp.as_bytes(), PLAINLY).unwrap();
        for other in [&plain[..], &plain[..HEAD], &[b'a'; 5], &[0xff; HEAD + 1]] {
            assert_eq!(stamp_of_what_lies_apart(other), None);
        }
        // It leads no further.
        assert_eq!(
            open::<i32>(&there, &record(), "k", PLAINLY),
            Err(Unreadable)
        );
    }

    #[test]
    fn what_is_not_ours_is_unreadable() {
        let head = "0".repeat(HEAD);
        let read = |text: &str| open::<bool>(text.as_bytes(), &record(), "k", PLAINLY);
        for text in [
            String::new(),
            "null".to_owned(),
            r#"{"authenticated":true,"timestamp":1}"#.to_owned(),
            r#"{"__cached_value__":true, "more": "of it"}"#.to_owned(),
            format!("{head}x{{}}"),
            format!("{head}jtrue"),
            format!(
                r#"{head}j{{"v":1,"generation":"g1","stored_at":1,"expires_at":2,"dies_at":3,"value":true}}"#
            ),
            format!(
                r#"{head}j{{"v":2,"shape":0,"generation":"g1","count":0,"stored_at":1,"expires_at":2,"dies_at":3,"value":"true"}}"#
            ),
            format!(
                r#"{head}j{{"v":2,"shape":0,"generation":"g1","count":0,"stored_at":-1,"expires_at":2,"dies_at":3,"value":true}}"#
            ),
            format!(
                r#"{head}j{{"v":2,"shape":0,"generation":"g1","count":0,"stored_at":1,"expires_at":2,"value":true}}"#
            ),
        ] {
            assert_eq!(read(&text), Err(Unreadable), "{text}");
        }
    }

    #[test]
    fn what_is_too_large_is_neither_written_nor_read() {
        let large = content("x".repeat(MAX_BYTES));
        assert!(seal(&large, &record(), b"", PLAINLY).is_none());
        let bytes = [b'x'; MAX_BYTES + 1];
        assert_eq!(
            open::<String>(&bytes, &record(), "k", PLAINLY),
            Err(Unreadable)
        );
    }
}
