use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::json::{self, InvalidJson, MaskedJson, NotSerializable};
use crate::{MASK, MaskPolicy, query, text, value};

/// Masks whatever may be shown, by one [`MaskPolicy`].
///
/// A clone is cheap and shares the policy. Masking never panics, never changes its input, and
/// masking twice is masking once.
#[derive(Clone, Debug, Default)]
pub struct Masker(Arc<MaskPolicy>);

impl Masker {
    /// Takes the policy.
    pub fn new(policy: MaskPolicy) -> Self {
        Self(Arc::new(policy))
    }

    /// The policy it masks by.
    pub fn policy(&self) -> &MaskPolicy {
        &self.0
    }

    /// Masks a JSON document, of any size and at any depth. What is shown is copied as it stands.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] if the text is not one JSON document. It holds no text of the document.
    pub fn mask_json(&self, document: &str) -> Result<MaskedJson, InvalidJson> {
        json::mask(self, document)
    }

    /// Appends a masked JSON document, without another allocation than the output's own.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] if the text is not one JSON document. What stands before the broken value has
    /// been appended then, masked, and nothing that comes after.
    ///
    /// # Example: a document that was cut
    ///
    /// ```
    /// let mut shown = String::new();
    /// let document = r#"{"user":"ada","password":"s3cret","note":"half of a se"#;
    /// let error = auth_mask::Masker::default()
    ///     .mask_json_into(document, &mut shown)
    ///     .unwrap_err();
    /// assert!(error.is_truncated());
    /// assert_eq!(shown, r#"{"user":"ada","password":"***MASKED***","note":"#);
    /// ```
    pub fn mask_json_into(&self, document: &str, out: &mut String) -> Result<(), InvalidJson> {
        json::mask_into(self, document, out)
    }

    /// Prints a value as JSON, masked.
    ///
    /// # Errors
    ///
    /// [`NotSerializable`] if the value cannot be printed as JSON, or nests too deeply. It holds
    /// nothing of the value.
    pub fn to_json(&self, value: &(impl Serialize + ?Sized)) -> Result<String, NotSerializable> {
        let document = serde_json::to_string(value).map_err(|_| NotSerializable(()))?;
        let masked = self.mask_json(&document).map_err(|_| NotSerializable(()))?;
        Ok(masked.into_string())
    }

    /// A masked copy of a value. What lies deeper than 128 levels is masked unseen.
    pub fn mask_value(&self, value: &Value) -> Value {
        value::masked(self, value, value::MAX_DEPTH)
    }

    /// As [`mask_value`](Self::mask_value), without the copy.
    pub fn mask_value_in_place(&self, value: &mut Value) {
        value::mask(self, value, value::MAX_DEPTH);
    }

    /// Masks headers, as pairs of name and value: a [`HeaderMap`] by reference, or any list.
    ///
    /// A value that is not UTF-8 is shown with replacement characters.
    ///
    /// # Example: the headers of a request
    ///
    /// ```
    /// let mut headers = http::HeaderMap::new();
    /// headers.insert("accept", "text/plain".parse()?);
    /// headers.insert("x-api-key", "s3cret".parse()?);
    ///
    /// let shown = auth_mask::Masker::default().mask_headers(&headers);
    /// assert_eq!(shown[0], ("accept".to_owned(), "text/plain".to_owned()));
    /// assert_eq!(shown[1].1, "***MASKED***");
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    ///
    /// [`HeaderMap`]: https://docs.rs/http/1/http/header/struct.HeaderMap.html
    pub fn mask_headers<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Vec<(String, String)> {
        let masked = |(name, value): (N, V)| {
            let value = String::from_utf8_lossy(value.as_ref());
            let shown = self.value_of(name.as_ref(), &value).into_owned();
            (name.as_ref().to_owned(), shown)
        };
        headers.into_iter().map(masked).collect()
    }

    /// Masks a query string, without its question mark, or the body of a form.
    ///
    /// Parameters keep their order and their spelling. Names are judged as in a document; under
    /// `iso27001` also `code`, `sig` and others of docs/masking.md that are secrets in queries only.
    pub fn mask_query(&self, query: &str) -> String {
        query::mask(self, query)
    }

    /// Masks a URL or a relative reference: the user before the host, the parameters of query and
    /// fragment, and tokens in the path.
    pub fn mask_url(&self, url: &str) -> String {
        query::mask_url(self, url)
    }

    /// Masks what is a secret wherever it stands: credentials after `Bearer` and `Basic`, tokens,
    /// private keys, keys of vendors, cards and bank accounts, users in URLs, and values assigned to a
    /// sensitive name.
    ///
    /// # Example: an error text
    ///
    /// ```
    /// let shown = auth_mask::Masker::default()
    ///     .mask_text("GET /me?token=abc failed: 401 for Bearer eyJh.eyJz.c2ln");
    /// assert_eq!(shown, "GET /me?token=***MASKED*** failed: 401 for Bearer ***MASKED***");
    /// ```
    pub fn mask_text(&self, text: &str) -> String {
        text::mask(self, text).into_owned()
    }

    /// Whether any name in a value is sensitive, at any depth; what lies deeper than 128 levels
    /// counts as sensitive.
    pub fn contains_sensitive(&self, value: &Value) -> bool {
        value::contains_sensitive(self, value, value::MAX_DEPTH)
    }

    /// What may be shown of a name: the key of a map can be a value somewhere else.
    pub(crate) fn name_of<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if name.len() < SHORTEST_SECRET {
            name.into()
        } else {
            self.innocent(name)
        }
    }

    /// What may be shown of a text that goes by this name.
    pub(crate) fn value_of<'a>(&self, name: &str, value: &'a str) -> Cow<'a, str> {
        if self.0.is_sensitive(name) {
            MASK.into()
        } else {
            self.innocent(value)
        }
    }

    /// What may be shown of a text that goes by an innocent name, or by none.
    pub(crate) fn innocent<'a>(&self, value: &'a str) -> Cow<'a, str> {
        if self.0.looks_into_values() {
            text::mask(self, value)
        } else {
            value.into()
        }
    }
}

/// In bytes; no shorter name is a secret by itself.
const SHORTEST_SECRET: usize = 16;
