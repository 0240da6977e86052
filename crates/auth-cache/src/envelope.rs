//! What lies in Redis.

use serde::{Deserialize, Serialize};

use crate::entry::Lifetime;
use crate::space::Cacheable;

/// Writes a value for the second level, or `None` if it cannot be written or is too large to be
/// read back.
pub(crate) fn seal<V: Cacheable>(
    value: &V,
    lifetime: &Lifetime,
    generation: &str,
) -> Option<Vec<u8>> {
    let envelope = Envelope {
        v: VERSION,
        generation: generation.into(),
        stored_at: lifetime.stored_at,
        expires_at: lifetime.expires_at,
        dies_at: lifetime.dies_at,
        value,
    };
    let bytes = serde_json::to_vec(&envelope).ok()?;
    (bytes.len() <= MAX_BYTES).then_some(bytes)
}

/// Reads a value of the second level, or `None` if it is of another generation or not ours.
pub(crate) fn open<V: Cacheable>(bytes: &[u8], generation: &str) -> Result<Opened<V>, Unreadable> {
    if bytes.len() > MAX_BYTES {
        return Err(Unreadable);
    }
    let envelope: Envelope<V> = serde_json::from_slice(bytes).map_err(|_| Unreadable)?;
    if envelope.v != VERSION {
        return Err(Unreadable);
    }
    if envelope.generation != generation {
        return Ok(None);
    }
    let lifetime = Lifetime {
        stored_at: envelope.stored_at,
        expires_at: envelope.expires_at,
        dies_at: envelope.dies_at,
    };
    Ok(Some((envelope.value, lifetime)))
}

type Opened<V> = Option<(V, Lifetime)>;

/// It is not what we write.
#[derive(Debug, PartialEq)]
pub(crate) struct Unreadable;

#[derive(Serialize, Deserialize)]
struct Envelope<V> {
    v: u32,
    generation: String,
    stored_at: u64,
    expires_at: u64,
    dies_at: u64,
    value: V,
}

const VERSION: u32 = 1;

/// More than this is neither written nor read.
const MAX_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const LIFETIME: Lifetime = Lifetime {
        stored_at: 1,
        expires_at: 2,
        dies_at: 3,
    };

    #[test]
    fn what_is_written_is_read_and_its_form_is_fixed() {
        let bytes = seal(&vec!["admin".to_owned()], &LIFETIME, "g1").unwrap();
        expect![[r#"{"v":1,"generation":"g1","stored_at":1,"expires_at":2,"dies_at":3,"value":["admin"]}"#]].assert_eq(std::str::from_utf8(&bytes).unwrap());
        let (value, lifetime) = open::<Vec<String>>(&bytes, "g1").unwrap().unwrap();
        assert_eq!((value, lifetime), (vec!["admin".to_owned()], LIFETIME));
    }

    #[test]
    fn an_entry_of_another_generation_is_none() {
        let bytes = seal(&1, &LIFETIME, "g1").unwrap();
        assert_eq!(open::<i32>(&bytes, "g2"), Ok(None));
        assert_eq!(open::<i32>(&bytes, ""), Ok(None));
    }

    #[test]
    fn what_is_not_ours_is_unreadable() {
        let sealed = |json: &str| open::<bool>(json.as_bytes(), "").unwrap_err();
        for json in [
            "",
            "null",
            "true",
            "garbage",
            r#"{"authenticated":true,"timestamp":1}"#,
            r#"{"__cached_value__":true}"#,
            r#"{"v":2,"generation":"","stored_at":1,"expires_at":2,"dies_at":3,"value":true}"#,
            r#"{"v":1,"generation":"","stored_at":1,"expires_at":2,"dies_at":3,"value":"true"}"#,
            r#"{"v":1,"generation":"","stored_at":-1,"expires_at":2,"dies_at":3,"value":true}"#,
            r#"{"v":1,"generation":"","stored_at":1,"expires_at":2,"value":true}"#,
        ] {
            assert_eq!(sealed(json), Unreadable, "{json}");
        }
    }

    #[test]
    fn what_is_too_large_is_neither_written_nor_read() {
        let large = "x".repeat(MAX_BYTES);
        assert!(seal(&large, &LIFETIME, "").is_none());
        assert_eq!(open::<String>(large.as_bytes(), ""), Err(Unreadable));
    }
}
