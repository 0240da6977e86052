//! The compact serialisation of RFC 7515 §7.1, taken apart before anything is trusted.

use crate::base64url;
use crate::header::Header;
use crate::json::{Document, Element, Tape};
use crate::rejection::{Malformed, Rejection};
use crate::seen_headers::SeenHeaders;

/// A token taken apart: form checked, signature not.
pub(crate) struct Compact<'a> {
    header: HeaderOf<'a>,
    header_text: &'a str,
    /// The bytes the signature covers: the first two parts as they stand in the token.
    pub(crate) signing_input: &'a [u8],
    signature: &'a str,
    payload: &'a str,
    /// What the header was read with, to read the payload with.
    tape: Tape,
    /// The payload, if somebody had to look at it before the signature.
    claims: Option<Document<String>>,
}

enum HeaderOf<'a> {
    Seen(&'a Header),
    Read(Header),
}

impl<'a> Compact<'a> {
    /// Takes a token of at most `limit` bytes apart.
    pub(crate) fn parse(
        token: &'a str,
        limit: usize,
        seen: &'a SeenHeaders,
    ) -> Result<Self, Rejection> {
        let [header_text, payload, signature] = split(token, limit)?;
        let header_and_payload = header_text.len() + 1 + payload.len();
        // As many values as a payload of this size usually has, so that the tape need not grow.
        let mut tape = Tape::with_capacity(payload.len() / 10 + 16);
        let header = match seen.get(header_text) {
            Some(header) => HeaderOf::Seen(header),
            None => {
                let read = |json: &[u8]| Header::parse(json, &mut tape);
                let header = base64url::with_decoded(header_text, read);
                HeaderOf::Read(header.map_err(|_| Malformed::Base64)??)
            }
        };
        base64url::check(signature).map_err(|_| Malformed::Base64)?;
        Ok(Self {
            header,
            header_text,
            signing_input: &token.as_bytes()[..header_and_payload],
            signature,
            payload,
            tape,
            claims: None,
        })
    }

    pub(crate) fn header(&self) -> &Header {
        match &self.header {
            HeaderOf::Seen(header) => header,
            HeaderOf::Read(header) => header,
        }
    }

    /// The header, with the text it stands in, if it was not seen before.
    pub(crate) fn new_header(&self) -> Option<(&'a str, &Header)> {
        match &self.header {
            HeaderOf::Seen(_) => None,
            HeaderOf::Read(header) => Some((self.header_text, header)),
        }
    }

    /// Hands over the signature.
    pub(crate) fn with_signature<R>(&self, then: impl FnOnce(&[u8]) -> R) -> Result<R, Rejection> {
        let decoded = base64url::with_decoded(self.signature, then);
        decoded.map_err(|_| Malformed::Base64.into())
    }

    /// Decodes the payload.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, Rejection> {
        base64url::decode(self.payload).map_err(|_| Malformed::Base64.into())
    }

    /// Reads the payload as one strict JSON object. Nothing calls this before the signature was
    /// checked.
    pub(crate) fn claims(&mut self) -> Result<Document<String>, Rejection> {
        match self.claims.take() {
            Some(claims) => Ok(claims),
            None => self.read_claims(),
        }
    }

    /// What the payload says, which anybody can have written.
    pub(crate) fn unverified_claims(&mut self) -> Result<Element<'_>, Rejection> {
        let claims = self.read_claims()?;
        Ok(self.claims.insert(claims).root())
    }

    fn read_claims(&mut self) -> Result<Document<String>, Rejection> {
        let text = String::from_utf8(self.payload()?).map_err(|_| Malformed::Payload)?;
        let tape = std::mem::take(&mut self.tape);
        let document = Document::parse_onto(text, tape);
        let object = document.and_then(Document::into_object);
        object.map_err(|_| Malformed::Payload.into())
    }
}

/// The header and the payload of a token whose signature nobody looks at; only
/// [`danger`](crate::danger) wants them.
pub(crate) fn decode_unverified(
    token: &str,
    limit: usize,
) -> Result<(Vec<u8>, Vec<u8>), Rejection> {
    let [header, payload, signature] = split(token, limit)?;
    let decode = |part| base64url::decode(part).map_err(|_| Malformed::Base64);
    decode(signature)?;
    Ok((decode(header)?, decode(payload)?))
}

/// Splits a token of at most `limit` bytes into its three parts.
fn split(token: &str, limit: usize) -> Result<[&str; 3], Rejection> {
    if token.len() > limit {
        return Err(Rejection::TooLarge { limit });
    }
    let parts = token.split_once('.');
    let parts = parts.and_then(|(header, rest)| Some((header, rest.split_once('.')?)));
    match parts {
        Some((header, (payload, signature))) if !signature.contains('.') => {
            Ok([header, payload, signature])
        }
        _ => Err(Malformed::Parts.into()),
    }
}
