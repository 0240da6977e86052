//! What is masked: the body of a request, a page of records, and a log of a megabyte.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

/// A document that is read or made when it is wanted.
pub(super) struct Document {
    size: &'static str,
    text: Result<String, String>,
}

/// The documents of the folder, or our own of the same sizes.
pub(super) fn all(data: Option<&Path>) -> Vec<Document> {
    let text = |size, records| match data {
        Some(folder) => read(folder.join(format!("doc_{size}.json"))),
        None => Ok(page(records).to_string()),
    };
    [("1k", 1), ("10k", 11), ("1m", 1100)]
        .into_iter()
        .map(|(size, records)| Document {
            size,
            text: text(size, records).map_err(|error| format!("{error:#}")),
        })
        .collect()
}

impl Document {
    /// As the peers call it: its size, and how many bytes that is.
    pub(super) fn name(&self) -> String {
        let bytes = self.text.as_ref().map_or(0, String::len);
        format!("{} ({bytes} B)", self.size)
    }

    pub(super) fn text(&self) -> anyhow::Result<&str> {
        self.text
            .as_deref()
            .map_err(|error| anyhow::anyhow!("{error}"))
    }
}

fn read(path: PathBuf) -> anyhow::Result<String> {
    fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Records as an API returns them; about a tenth of the names are sensitive.
fn page(records: usize) -> Value {
    let records: Vec<_> = (0..records).map(record).collect();
    json!({ "event": "http.response", "requestId": "5f0c1a52-8f1e-4c60-9b8e-0d7a5b0e6f11", "items": records })
}

fn record(number: usize) -> Value {
    json!({
        "id": format!("{number:08}-8f1e-4c60-9b8e-0d7a5b0e6f11"),
        "createdAt": "2026-03-23T10:11:12.123Z",
        "status": "active",
        "profile": {
            "firstName": "Ada", "lastName": "Example", "email": format!("u{number}@example.com"),
            "phone": "+358 40 1234567",
            "address": { "street": "alpha beta gamma", "city": "Helsinki", "country": "FI", "geo": [60.17, 24.93] },
            "ssn": "010190-1234",
        },
        "credentials": { "password": "p@ss \"w0rd\"", "accessToken": "0123456789abcdef".repeat(6), "mfa": true },
        "orders": [
            { "orderId": "0f1e2d3c4b5a", "amount": 12.5, "currency": "EUR", "note": "delta épsilon zeta",
              "card": { "brand": "visa", "creditCard": "4111 1111 1111 1111", "expMonth": 7 } },
        ],
        "comment": "eta theta iota kappa \"lambda\" mu\nnu xi",
    })
}
