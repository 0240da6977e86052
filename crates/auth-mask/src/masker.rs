use std::borrow::Cow;
use std::error::Error;
use std::panic::PanicHookInfo;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::Serialize;
use serde_json::Value;

use crate::json::{self, InvalidJson, MaskedJson, NotSerializable};
use crate::memo::Judge;
use crate::{MaskPolicy, cookies, error, query, text, value};

/// Masks whatever may be shown, by a [`MaskPolicy`].
///
/// A clone is cheap and shares the policy, also when it is [replaced](Self::set_policy). Masking
/// never panics, never changes its input, and masking twice is masking once.
#[derive(Clone, Debug, Default)]
pub struct Masker(Arc<ArcSwap<MaskPolicy>>);

impl Masker {
    /// Takes the policy.
    pub fn new(policy: MaskPolicy) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(policy)))
    }

    /// The policy it masks by.
    pub fn policy(&self) -> Arc<MaskPolicy> {
        self.0.load_full()
    }

    /// Masks by another policy from now on, here and in all clones. Whatever is being masked at this
    /// moment is masked to its end by the policy it began with.
    ///
    /// # Example: a file that was changed while the program runs
    ///
    /// ```
    /// use auth_mask::{MaskPolicy, Masker};
    ///
    /// let masker = Masker::default();
    /// let used_elsewhere = masker.clone();
    ///
    /// let file = br#"{ "fields": { "internal": ["badge"] } }"#;
    /// masker.set_policy(MaskPolicy::from_file(file)?);
    /// assert_eq!(used_elsewhere.mask_query("badge=7"), "badge=***MASKED***");
    /// # Ok::<(), auth_mask::PolicyFileError>(())
    /// ```
    pub fn set_policy(&self, policy: MaskPolicy) {
        self.0.store(Arc::new(policy));
    }

    /// Masks a JSON document, of any size and at any depth. What is shown is copied as it stands.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] if the text is not one JSON document. It holds no text of the document.
    pub fn mask_json(&self, document: &str) -> Result<MaskedJson, InvalidJson> {
        self.judge(|judge| json::mask(judge, document))
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
        self.judge(|judge| json::mask_into(judge, document, out))
    }

    /// As [`mask_json_into`](Self::mask_json_into), of the bytes of a body.
    ///
    /// # Errors
    ///
    /// [`InvalidJson`] if the bytes are not one JSON document in UTF-8.
    pub fn mask_json_bytes_into(
        &self,
        document: &[u8],
        out: &mut String,
    ) -> Result<(), InvalidJson> {
        self.judge(|judge| json::mask_bytes_into(judge, document, out))
    }

    /// Prints a value as JSON, masked while it is printed.
    ///
    /// # Errors
    ///
    /// [`NotSerializable`] if the value cannot be printed as JSON. It holds nothing of the value.
    ///
    /// # Example: an event of one's own
    ///
    /// ```
    /// #[derive(serde::Serialize)]
    /// struct Login<'a> {
    ///     user: &'a str,
    ///     password: &'a str,
    /// }
    ///
    /// let login = Login { user: "ada", password: "s3cret" };
    /// let shown = auth_mask::Masker::default().to_json(&login)?;
    /// assert_eq!(shown.as_str(), r#"{"user":"ada","password":"***MASKED***"}"#);
    /// # Ok::<(), auth_mask::NotSerializable>(())
    /// ```
    pub fn to_json(
        &self,
        value: &(impl Serialize + ?Sized),
    ) -> Result<MaskedJson, NotSerializable> {
        let mut out = String::new();
        self.to_json_into(value, &mut out)?;
        Ok(MaskedJson::new(out))
    }

    /// As [`to_json`](Self::to_json), into a buffer that is used again.
    ///
    /// # Errors
    ///
    /// [`NotSerializable`] if the value cannot be printed as JSON; nothing has been appended then.
    pub fn to_json_into(
        &self,
        value: &(impl Serialize + ?Sized),
        out: &mut String,
    ) -> Result<(), NotSerializable> {
        self.judge(|judge| json::print_into(judge, value, out))
    }

    /// A masked copy of a value. What lies deeper than 128 levels is masked unseen.
    pub fn mask_value(&self, value: &Value) -> Value {
        self.judge(|judge| value::masked(judge, value))
    }

    /// As [`mask_value`](Self::mask_value), without the copy.
    pub fn mask_value_in_place(&self, value: &mut Value) {
        self.judge(|judge| value::mask(judge, value));
    }

    /// Masks a text that goes by a name: a field of a form, a variable of the environment, an entry
    /// of metadata. `None` if the policy drops it.
    ///
    /// # Example: the parts of a multipart body
    ///
    /// ```
    /// let masker = auth_mask::Masker::default();
    /// assert_eq!(masker.mask_field("comment", "hello").as_deref(), Some("hello"));
    /// assert_eq!(masker.mask_field("new_password", "s3cret").as_deref(), Some("***MASKED***"));
    /// ```
    pub fn mask_field<'a>(&self, name: &str, value: &'a str) -> Option<Cow<'a, str>> {
        self.judge(|judge| text::field(judge, name, value))
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
        let headers = headers.into_iter();
        self.judge(|judge| {
            let masked = |(name, value): (N, V)| {
                let value = String::from_utf8_lossy(value.as_ref());
                let shown = text::field(judge, name.as_ref(), &value)?;
                Some((name.as_ref().to_owned(), shown.into_owned()))
            };
            headers.filter_map(masked).collect()
        })
    }

    /// Masks a query string, without its question mark, or the body of a form.
    ///
    /// Parameters keep their order and their spelling. Names are judged as in a document; under
    /// `iso27001` also `code`, `sig` and others of docs/masking.md that are secrets in queries only.
    pub fn mask_query(&self, query: &str) -> String {
        self.judge(|judge| query::mask(judge, query))
    }

    /// Masks the value of a `Cookie` header: names are shown, and of the values those that the policy
    /// [names](MaskPolicy::show_name).
    ///
    /// # Example: which cookies there were
    ///
    /// ```
    /// use auth_mask::{MaskPolicy, Masker};
    ///
    /// let masker = Masker::new(MaskPolicy::iso27001().show_name("theme"));
    /// assert_eq!(masker.mask_cookies("acme=c29tZQ; theme=dark"), "acme=***MASKED***; theme=dark");
    /// assert_eq!(
    ///     masker.mask_set_cookie("acme=c29tZQ; Path=/; HttpOnly"),
    ///     "acme=***MASKED***; Path=/; HttpOnly"
    /// );
    /// ```
    pub fn mask_cookies(&self, header: &str) -> String {
        self.judge(|judge| cookies::mask(judge, header))
    }

    /// Masks the value of a `Set-Cookie` header, but for its attributes.
    pub fn mask_set_cookie(&self, header: &str) -> String {
        self.judge(|judge| cookies::mask_set(judge, header))
    }

    /// Masks a URL or a relative reference: the user before the host, the parameters of query and
    /// fragment, and tokens in the path.
    pub fn mask_url(&self, url: &str) -> String {
        self.judge(|judge| query::mask_url(judge, url))
    }

    /// Masks what is a secret wherever it stands: credentials after `Bearer` and `Basic`, tokens,
    /// private keys, keys of vendors, cards and bank accounts, users in URLs, and values assigned to a
    /// sensitive name. A text that is a JSON document is masked as one.
    ///
    /// # Example: an error text
    ///
    /// ```
    /// let shown = auth_mask::Masker::default()
    ///     .mask_text("GET /me?token=abc failed: 401 for Bearer eyJh.eyJz.c2ln");
    /// assert_eq!(shown, "GET /me?token=***MASKED*** failed: 401 for Bearer ***MASKED***");
    /// ```
    pub fn mask_text(&self, text: &str) -> String {
        self.judge(|judge| text::unnamed(judge, text).into_owned())
    }

    /// Masks an error and its causes, from the outermost.
    ///
    /// # Example: the URL in the text of an error
    ///
    /// ```
    /// let error = std::io::Error::other("no route to amqp://ada:pw@mq/");
    /// let shown = auth_mask::Masker::default().mask_error(&error);
    /// assert_eq!(shown, "no route to amqp://***MASKED***@mq/");
    /// ```
    pub fn mask_error(&self, error: &(dyn Error + 'static)) -> String {
        self.judge(|judge| error::mask(judge, error))
    }

    /// Masks what a panic says, with the place where it happened.
    ///
    /// # Example: a hook for the whole program
    ///
    /// ```
    /// let masker = auth_mask::Masker::default();
    /// std::panic::set_hook(Box::new(move |panic| eprintln!("{}", masker.mask_panic(panic))));
    /// ```
    pub fn mask_panic(&self, panic: &PanicHookInfo<'_>) -> String {
        self.judge(|judge| error::mask_panic(judge, panic))
    }

    /// Whether any name in a value is sensitive, at any depth; what lies deeper than 128 levels
    /// counts as sensitive.
    pub fn contains_sensitive(&self, value: &Value) -> bool {
        self.judge(|judge| value::contains_sensitive(judge, value))
    }

    fn judge<R>(&self, then: impl FnOnce(&mut Judge<'_>) -> R) -> R {
        Judge::with(&self.0.load(), then)
    }
}
