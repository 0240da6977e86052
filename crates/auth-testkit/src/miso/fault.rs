use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};

/// One way in which a server can misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScriptedFault {
    /// An error status with an empty JSON object.
    Status(StatusCode),
    /// 200 with a page of HTML, as a proxy in the way answers.
    Html,
    /// 204 with no body.
    NoContent,
    /// 200 with a JSON string of this many bytes.
    Oversized(usize),
    /// 200 with JSON that is not the shape anybody expects.
    WrongShape,
    /// 200 with this JSON.
    Json(&'static str),
    /// No answer until the server stops.
    Hang,
}

impl ScriptedFault {
    /// The response, or `None` if there will be none.
    pub(super) fn response(self) -> Option<Response> {
        let json = [(header::CONTENT_TYPE, "application/json")];
        Some(match self {
            Self::Status(status) => (status, json, "{}").into_response(),
            Self::Html => {
                let html = [(header::CONTENT_TYPE, "text/html")];
                (html, "<html><body>Please log in</body></html>").into_response()
            }
            Self::NoContent => StatusCode::NO_CONTENT.into_response(),
            Self::Oversized(bytes) => {
                let body = format!("\"{}\"", "x".repeat(bytes.saturating_sub(2)));
                (json, Body::from(body)).into_response()
            }
            Self::WrongShape => (json, r#"{"data":[1,2,3]}"#).into_response(),
            Self::Json(body) => (json, body).into_response(),
            Self::Hang => return None,
        })
    }
}

/// What happens to requests to come.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<Vec<Entry>>);

#[derive(Debug)]
struct Entry {
    path: Box<str>,
    fault: ScriptedFault,
    times: usize,
}

impl Script {
    pub(super) fn add(&self, path: &str, fault: ScriptedFault, times: usize) {
        let path = path.into();
        let entry = Entry { path, fault, times };
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(entry);
    }

    pub(super) fn clear(&self) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The fault that is due for a request to this path.
    pub(super) fn next(&self, path: &str) -> Option<ScriptedFault> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = entries.iter().position(|entry| *entry.path == *path)?;
        let entry = &mut entries[at];
        let fault = entry.fault;
        entry.times -= 1;
        if entry.times == 0 {
            entries.remove(at);
        }
        Some(fault)
    }
}
