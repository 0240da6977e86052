use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, Method, Uri};
use serde_json::Value;

/// A request as a development server received it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path, without its query.
    pub path: String,
    /// The query as it stood in the request, without the question mark.
    pub query: Option<String>,
    /// The headers, names in lower case. Of several with one name the last.
    pub headers: BTreeMap<String, String>,
    /// The body, if it was JSON; null otherwise.
    pub body: Value,
}

impl Received {
    pub(super) fn new(method: Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Self {
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Self {
            method,
            path: uri.path().to_owned(),
            query: uri.query().map(str::to_owned),
            headers: headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    /// A header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What was received, the newest ten thousand.
#[derive(Debug, Default)]
pub(super) struct Outbox(Mutex<VecDeque<Received>>);

impl Outbox {
    pub(super) fn put(&self, received: Received) {
        let mut all = self.lock();
        if all.len() == CAPACITY {
            all.pop_front();
        }
        all.push_back(received);
    }

    pub(super) fn all(&self) -> Vec<Received> {
        self.lock().iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Received>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CAPACITY: usize = 10_000;
