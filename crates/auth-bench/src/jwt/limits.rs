//! What verifying cannot cost less than: the signature alone, and the signature with the least that
//! has to be done around it.

use std::borrow::Cow;
use std::fmt;
use std::hint::black_box;
use std::marker::PhantomData;

use anyhow::{Context, bail};
use auth_core::{Clock, SystemClock};
use auth_jwt::Algorithm;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, VerificationAlgorithm,
};
use base64_simd::{Out, STANDARD, URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::case::Operation;
use crate::jwt::fixtures::{Form, Issued, Key};

/// The name of the least complete check. Names are those under which others know the same thing.
pub(super) const FLOOR: &str = "floor: split+b64+aws-lc(parsed)+typed+exp";

/// The name of the signature alone. A secret has no form that would have to be parsed.
pub(super) fn raw_name(algorithm: Algorithm) -> &'static str {
    if algorithm.is_symmetric() {
        "raw aws-lc-rs"
    } else {
        "raw aws-lc-rs (parsed key)"
    }
}

/// The signature alone: base64 is decoded and the key is parsed beforehand.
pub(super) fn prepare_raw(issued: &Issued, form: Form) -> anyhow::Result<Operation> {
    let signature = Signature::new(issued)?;
    let (signed, encoded) = issued
        .token(form)
        .rsplit_once('.')
        .context("the token has one part")?;
    let signed = signed.as_bytes().to_vec();
    let decoded = URL_SAFE_NO_PAD.decode_to_vec(encoded)?;
    Ok(Operation::new(move || signature.is_good(&signed, &decoded)))
}

/// The least complete check: the parts, base64, the signature, the claims of their types, `exp`.
/// It compares neither issuer nor audience and knows one key, so nobody should use it.
pub(super) fn prepare_floor(issued: &Issued, form: Form) -> anyhow::Result<Operation> {
    let signature = Signature::new(issued)?;
    let token = issued.token(form).to_owned();
    let mut buffer = Vec::new();
    Ok(Operation::new(move || {
        floor(&signature, &token, &mut buffer) == Some(true)
    }))
}

/// Whether a token that is signed has not ended yet; `None` if it is not even that.
fn floor(signature: &Signature, token: &str, buffer: &mut Vec<u8>) -> Option<bool> {
    let (signed, encoded) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    buffer.resize(token.len(), 0);
    let (for_header, rest) = buffer.split_at_mut(header.len());
    let (for_payload, for_signature) = rest.split_at_mut(payload.len());
    let header = decode(header, for_header)?;
    let payload = decode(payload, for_payload)?;
    let decoded = decode(encoded, for_signature)?;

    let header: Header<'_> = serde_json::from_slice(header).ok()?;
    if header.alg.is_empty() || !signature.is_good(signed.as_bytes(), decoded) {
        return None;
    }
    let claims: Claims<'_> = serde_json::from_slice(payload).ok()?;
    Some(black_box(&claims).exp > SystemClock.unix_now().as_secs())
}

fn decode<'b>(text: &str, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let decoded = URL_SAFE_NO_PAD.decode(text.as_bytes(), Out::from_slice(buffer));
    decoded.ok().map(|decoded| &*decoded)
}

/// A key that is ready for its one algorithm.
enum Signature {
    Secret(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Signature {
    fn new(issued: &Issued) -> anyhow::Result<Self> {
        let pem = match &issued.key {
            Key::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                return Ok(Self::Secret(Box::new(key)));
            }
            Key::Public(pem) => pem,
        };
        let algorithm: &'static dyn VerificationAlgorithm = match issued.algorithm {
            Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
            Algorithm::ES256 => &ECDSA_P256_SHA256_FIXED,
            Algorithm::EdDSA => &ED25519,
            other => bail!("{other} has no limit"),
        };
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode_to_vec(base64)?;
        Ok(Self::Public(ParsedPublicKey::new(algorithm, der)?))
    }

    fn is_good(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Secret(key) => hmac::verify(key, signed, signature).is_ok(),
            Self::Public(key) => key.verify_sig(signed, signature).is_ok(),
        }
    }
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is measured is reading them")]
struct Header<'a> {
    alg: &'a str,
    kid: Option<&'a str>,
}

/// The claims that a service decides by, without a copy of any text.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what is measured is reading them")]
struct Claims<'a> {
    #[serde(borrow)]
    sub: Text<'a>,
    exp: i64,
    #[serde(borrow)]
    iss: Option<Text<'a>>,
    #[serde(borrow)]
    jti: Option<Text<'a>>,
    #[serde(borrow)]
    realm_access: Option<Access<'a>>,
    #[serde(borrow)]
    resource_access: Option<Clients<'a>>,
}

/// Borrowed, unless it has escapes. Serde borrows a `Cow` only where it stands by itself, so it
/// stands in here.
#[derive(Deserialize)]
#[expect(dead_code, reason = "what is measured is reading it")]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[expect(dead_code, reason = "what is measured is reading them")]
struct Access<'a> {
    #[serde(borrow)]
    roles: Vec<Text<'a>>,
}

/// A map as a list, because nothing is looked up in it.
#[expect(dead_code, reason = "what is measured is reading them")]
struct Clients<'a>(Vec<(Text<'a>, Access<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Clients<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<'a>(PhantomData<&'a str>);

        impl<'de: 'a, 'a> Visitor<'de> for Entries<'a> {
            type Value = Clients<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the clients' roles")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Clients<'a>, M::Error> {
                let mut clients = Vec::new();
                while let Some(client) = map.next_entry()? {
                    clients.push(client);
                }
                Ok(Clients(clients))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}
