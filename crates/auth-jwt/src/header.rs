//! The protected header of a token (RFC 7515 §4), read from hostile text.

use crate::algorithm::Algorithm;
use crate::json::{Object, Value};
use crate::rejection::{Malformed, Rejection};

/// The members of a header that decide something. `jku`, `jwk`, `x5u` and `x5c` are not among
/// them: a token does not choose the key it is judged by.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<Box<str>>,
    pub(crate) typ: Option<Box<str>>,
}

impl Header {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, Rejection> {
        let header = Object::parse(json).map_err(|_| Malformed::Header)?;
        // Types are checked before anything is decided, so that a malformed header is called that
        // whatever else it says.
        let name = text(&header, "alg")?.ok_or(Malformed::HeaderMember)?;
        let kid = text(&header, "kid")?;
        let typ = text(&header, "typ")?;
        let algorithm = name.parse().map_err(|_| Rejection::AlgorithmNotAllowed)?;
        // RFC 7797 asks for `crit` beside `b64: false`; without it the payload could be read in
        // two ways.
        let plain_payload = header
            .get("b64")
            .is_some_and(|b64| *b64 != Value::Bool(true));
        if header.get("crit").is_some() || plain_payload {
            return Err(Rejection::CriticalExtension);
        }
        Ok(Self {
            algorithm,
            kid: kid.map(Into::into),
            typ: typ.map(Into::into),
        })
    }
}

fn text<'a>(header: &'a Object<'_>, name: &str) -> Result<Option<&'a str>, Malformed> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(_) => Err(Malformed::HeaderMember),
    }
}
