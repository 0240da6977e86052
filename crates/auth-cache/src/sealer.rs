use auth_crypto::KeyRing;

/// Seals what must not lie open in a store that others can read: a [`KeyRing`], as a rule.
///
/// What is sealed can only be opened by whoever has the key, with the same context, and unchanged. The
/// cache gives the name of the entry as the context, so that a sealed value cannot be moved to another.
pub trait Sealer: Send + Sync + 'static {
    /// Seals a text. `None` if that is not possible; then nothing is written.
    fn seal(&self, context: &[u8], text: &[u8]) -> Option<Vec<u8>>;

    /// Opens what was sealed in this context. `None` if it was not, or not by us, or was changed.
    fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}

impl Sealer for KeyRing {
    fn seal(&self, context: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        Self::seal(self, context, text).ok()
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        Some(Self::open(self, context, sealed).ok()?.to_vec())
    }
}
