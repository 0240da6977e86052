use std::fmt;

use deadpool_redis::redis;

/// A script that the server runs in one step: nothing else happens in between.
///
/// Make it once and keep it, in a `LazyLock` for example: its text is hashed here. Servers are sent
/// the hash, and the text only where the hash is not known.
pub struct Script {
    source: &'static str,
    hash: Box<str>,
}

impl Script {
    /// Takes the script's text, in Lua.
    pub fn new(source: &'static str) -> Self {
        Self {
            source,
            hash: redis::Script::new(source).get_hash().into(),
        }
    }

    pub(crate) fn source(&self) -> &'static str {
        self.source
    }

    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("hash", &self.hash)
            .finish_non_exhaustive()
    }
}
