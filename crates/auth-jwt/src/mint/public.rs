//! The public half of a signing key, written down for those who verify.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::KeyPair;
use base64_simd::STANDARD;
use serde_json::{Value, json};

use super::{Key, SigningKey};
use crate::algorithm::Algorithm;
use crate::base64url;

impl SigningKey {
    /// The public key as a JWK with `use`, `alg` and, if there is one, `kid`; `None` for a shared
    /// secret, which is nobody else's to know.
    pub fn public_jwk(&self) -> Option<Value> {
        let mut jwk = match &self.key {
            Key::Rsa(pair, _) => {
                let key = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": base64url::encode(key.modulus().big_endian_without_leading_zero()),
                    "e": base64url::encode(key.exponent().big_endian_without_leading_zero()),
                })
            }
            Key::Ecdsa(pair) => {
                let curve = match self.algorithm {
                    Algorithm::ES384 => "P-384",
                    Algorithm::ES512 => "P-521",
                    _ => "P-256",
                };
                // An uncompressed point: 0x04, then the two coordinates.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({
                    "kty": "EC",
                    "crv": curve,
                    "x": base64url::encode(x),
                    "y": base64url::encode(y),
                })
            }
            Key::Ed25519(pair) => json!({
                "kty": "OKP",
                "crv": "Ed25519",
                "x": base64url::encode(pair.public_key().as_ref()),
            }),
            Key::Hmac(..) => return None,
        };
        jwk["use"] = "sig".into();
        jwk["alg"] = self.algorithm.name().into();
        if let Some(kid) = &self.kid {
            jwk["kid"] = (**kid).into();
        }
        Some(jwk)
    }

    /// The public key in PEM (`PUBLIC KEY`); `None` for a shared secret.
    pub fn public_pem(&self) -> Option<String> {
        let der = match &self.key {
            Key::Rsa(pair, _) => pair.public_key().as_der(),
            Key::Ecdsa(pair) => pair.public_key().as_der(),
            Key::Ed25519(pair) => pair.public_key().as_der(),
            Key::Hmac(..) => return None,
        };
        der.ok().map(|der| pem("PUBLIC KEY", der.as_ref()))
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode_to_string(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem + &format!("-----END {label}-----\n")
}
