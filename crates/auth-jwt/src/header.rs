//! The protected header of a token (RFC 7515 §4), read from hostile text.

use crate::algorithm::Algorithm;
use crate::json::{Document, Element, Tape};
use crate::rejection::{Malformed, Rejection};

/// The members of a header that decide something. `jku`, `jwk`, `x5u` and `x5c` are not among
/// them: a token does not choose the key it is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    kid: Option<Box<str>>,
    typ: Option<Box<str>>,
}

impl Header {
    /// Reads the header, with the memory of the tape.
    pub(crate) fn parse(json: &[u8], tape: &mut Tape) -> Result<Self, Rejection> {
        let text = std::str::from_utf8(json).map_err(|_| Malformed::Header)?;
        let document = Document::parse_onto(text, std::mem::take(tape))
            .and_then(Document::into_object)
            .map_err(|_| Malformed::Header)?;
        let header = Self::read(document.root())?;
        *tape = document.into_tape();
        Ok(header)
    }

    fn read(header: Element<'_>) -> Result<Self, Rejection> {
        let (mut alg, mut kid, mut typ) = (None, None, None);
        let mut extended = false;
        for (name, value) in header.members() {
            match name {
                "alg" => alg = Some(text(value)),
                "kid" => kid = Some(text(value)),
                "typ" => typ = Some(text(value)),
                "crit" => extended = true,
                // RFC 7797 asks for `crit` beside `b64: false`; without it the payload could be
                // read in two ways.
                "b64" => extended |= value.as_bool() != Some(true),
                _ => {}
            }
        }
        // Types are checked before anything is decided, so that a malformed header is called that
        // whatever else it says.
        let name = alg.ok_or(Malformed::HeaderMember)??;
        let (kid, typ) = (kid.transpose()?, typ.transpose()?);
        let algorithm = name.parse().map_err(|_| Rejection::AlgorithmNotAllowed)?;
        if extended {
            return Err(Rejection::CriticalExtension);
        }
        Ok(Self {
            algorithm,
            kid: kid.map(Into::into),
            typ: typ.map(Into::into),
        })
    }

    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(crate) fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }
}

fn text(member: Element<'_>) -> Result<&str, Malformed> {
    member.as_text().ok_or(Malformed::HeaderMember)
}
