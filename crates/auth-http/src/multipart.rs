use std::fmt;

use auth_core::CorrelationId;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};

use crate::payload::{Payload, RequestBody};

/// A body of several parts, as forms with files are sent (`multipart/form-data`, RFC 7578).
///
/// It is streamed if one of its parts is, and announces its length if all of them do.
///
/// # Example
///
/// ```no_run
/// use auth_http::{HttpClient, Multipart};
///
/// # async fn run(client: HttpClient, picture: Vec<u8>) -> Result<(), auth_http::Fault> {
/// let form = Multipart::new()
///     .text("title", "Ada")
///     .file("picture", "ada.png", "image/png", picture);
/// client.post("/files").multipart(form).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Multipart {
    boundary: String,
    parts: Vec<(Bytes, Payload)>,
    complaint: Option<&'static str>,
}

impl Multipart {
    /// Starts without parts.
    pub fn new() -> Self {
        Self {
            // Nobody who fills a part can know it, so no part can hold it.
            boundary: format!("auth-http-{}", CorrelationId::random()),
            parts: Vec::new(),
            complaint: None,
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn text(self, name: &str, value: impl Into<String>) -> Self {
        self.part(name, "", RequestBody::from(value.into()))
    }

    /// Adds a file: the name of its field, its own, its media type, and what it holds.
    #[must_use]
    pub fn file(
        mut self,
        name: &str,
        file_name: &str,
        content_type: &str,
        content: impl Into<RequestBody>,
    ) -> Self {
        if !content_type.bytes().all(|b| matches!(b, b' '..=b'~')) {
            self.complaint = Some("the media type of a part is none");
            return self;
        }
        let file_name = quoted(file_name);
        let rest = format!("; filename={file_name}\r\nContent-Type: {content_type}");
        self.part(name, &rest, content.into())
    }

    fn part(mut self, name: &str, rest: &str, content: RequestBody) -> Self {
        let begin = if self.parts.is_empty() { "" } else { "\r\n" };
        let (boundary, name) = (&self.boundary, quoted(name));
        let head = format!(
            "{begin}--{boundary}\r\nContent-Disposition: form-data; name={name}{rest}\r\n\r\n"
        );
        self.parts.push((head.into(), content.0));
        self
    }

    pub(crate) fn complaint(&self) -> Option<&'static str> {
        match self.parts.is_empty() {
            true => Some("the form has no parts"),
            false => self.complaint,
        }
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    pub(crate) fn into_body(self) -> Payload {
        let end = Bytes::from(format!("\r\n--{}--\r\n", self.boundary));
        let lengths = self.parts.iter().map(|(head, content)| {
            let length = content.length()?;
            length.checked_add(head.len() as u64)
        });
        let length: Option<u64> = lengths.sum();
        let length = length.map(|length| length + end.len() as u64);
        let whole = |(_, content): &(Bytes, Payload)| matches!(content, Payload::Whole(_));
        if self.parts.iter().all(whole) {
            let mut body = BytesMut::new();
            for (head, content) in self.parts {
                body.extend_from_slice(&head);
                if let Payload::Whole(content) = content {
                    body.extend_from_slice(&content);
                }
            }
            body.extend_from_slice(&end);
            return Payload::Whole(body.freeze());
        }
        let parts = stream::iter(self.parts);
        let parts =
            parts.flat_map(|(head, content)| stream::iter([Ok(head)]).chain(content.into_pieces()));
        let body = RequestBody::stream(parts.chain(stream::iter([Ok(end)])));
        match length {
            Some(length) => body.with_length(length).0,
            None => body.0,
        }
    }
}

impl Default for Multipart {
    fn default() -> Self {
        Self::new()
    }
}

/// Names and contents are the caller's: how many there are is all that is shown.
impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

/// A name in quotation marks, as browsers write it: what would end it or its line is encoded.
fn quoted(name: &str) -> String {
    let name = name.replace('\r', "%0D").replace('\n', "%0A");
    format!("\"{}\"", name.replace('"', "%22"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_neither_its_header_nor_its_quotation_marks() {
        assert_eq!(quoted("a\"; x=\"\r\nX: y"), "\"a%22; x=%22%0D%0AX: y\"");
        assert_eq!(quoted("ä b"), "\"ä b\"");
    }
}
