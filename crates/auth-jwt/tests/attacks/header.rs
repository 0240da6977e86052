//! The header: `alg`, `crit`, `b64`, `typ`, and the JSON it is written in.

use auth_jwt::Algorithm;
use serde_json::json;

use crate::support::{encode, honest_claims};
use crate::{Row, header_with, honest_header, honest_parts, hs256, refused, row, with_header};

#[test]
fn a_forged_header_is_refused() {
    refused(rows());
}

pub(crate) fn rows() -> Vec<Row> {
    [algorithm(), critical(), typ(), document()]
        .into_iter()
        .flatten()
        .collect()
}

/// The header as it is, honest claims, and no signature.
fn unsigned(header: &str) -> String {
    format!(
        "{}.{}.",
        encode(header),
        encode(honest_claims().to_string())
    )
}

fn algorithm() -> Vec<Row> {
    let alg = |alg: serde_json::Value| with_header(header_with("alg", alg));
    let code = "alg_not_allowed";
    vec![
        row(
            "alg none, no signature (CVE-2015-2951)",
            code,
            unsigned(r#"{"alg":"none"}"#),
        ),
        row("alg None", code, unsigned(r#"{"alg":"None"}"#)),
        row("alg NONE", code, unsigned(r#"{"alg":"NONE"}"#)),
        row("alg nOnE", code, unsigned(r#"{"alg":"nOnE"}"#)),
        row(
            "alg none spelled with an escape",
            code,
            unsigned(r#"{"alg":"n\u006fne"}"#),
        ),
        row("alg none and a space", code, unsigned(r#"{"alg":"none "}"#)),
        row(
            "alg none and a NUL",
            code,
            unsigned("{\"alg\":\"none\\u0000\"}"),
        ),
        row(
            "alg none with a full-width letter",
            code,
            unsigned("{\"alg\":\"ｎone\"}"),
        ),
        row(
            "alg none beside an honest signature",
            code,
            alg(json!("none")),
        ),
        row(
            "alg none with the kid of an HMAC key",
            code,
            unsigned(r#"{"alg":"none","kid":"HS256"}"#),
        ),
        row("alg is empty", code, alg(json!(""))),
        row("alg in lower case", code, alg(json!("es256"))),
        row("alg and a space", code, alg(json!("ES256 "))),
        row("alg is a list in one text", code, alg(json!("ES256,HS256"))),
        row(
            "alg of another curve of the same size (ES256K)",
            code,
            alg(json!("ES256K")),
        ),
        row("alg with a withdrawn hash (RS1)", code, alg(json!("RS1"))),
        row(
            "alg of an encryption (RSA-OAEP)",
            code,
            alg(json!("RSA-OAEP")),
        ),
        row("alg of an encryption (dir)", code, alg(json!("dir"))),
        row(
            "alg of a password (PBES2, CVE-2022-36083)",
            code,
            alg(json!("PBES2-HS256+A128KW")),
        ),
        row(
            "alg is missing",
            "malformed",
            with_header(r#"{"kid":"ES256","typ":"JWT"}"#),
        ),
        row("alg is null", "malformed", alg(json!(null))),
        row("alg is a number", "malformed", alg(json!(256))),
        row("alg is a boolean", "malformed", alg(json!(true))),
        row("alg is a list", "malformed", alg(json!(["ES256"]))),
        row(
            "alg is an object",
            "malformed",
            alg(json!({ "name": "ES256" })),
        ),
    ]
}

fn critical() -> Vec<Row> {
    let crit = |crit: serde_json::Value| with_header(header_with("crit", crit));
    let b64 = |b64: serde_json::Value| with_header(header_with("b64", b64));
    let unencoded = |header: &str| {
        let input = format!("{}.{}", encode(header), r#"{"sub":"planted-subject"}"#);
        hs256(&crate::SECRET, &input)
    };
    vec![
        row(
            "crit names what nobody knows (GHSA-752w-5fwx-jx9f)",
            "crit",
            crit(json!(["planted-unknown"])),
        ),
        row("crit is an empty list", "crit", crit(json!([]))),
        row("crit is a text", "crit", crit(json!("b64"))),
        row("crit is null", "crit", crit(json!(null))),
        row("crit is an object", "crit", crit(json!({ "b64": true }))),
        row("crit is false", "crit", crit(json!(false))),
        row(
            "crit names registered members",
            "crit",
            crit(json!(["alg", "typ", "kid"])),
        ),
        row(
            "crit names one extension twice",
            "crit",
            crit(json!(["exp", "exp"])),
        ),
        row("crit holds a number", "crit", crit(json!([1]))),
        row(
            "crit spelled with an escape",
            "crit",
            with_header(r#"{"alg":"ES256","kid":"ES256","cr\u0069t":["x"]}"#),
        ),
        row(
            "crit names b64, which is true",
            "crit",
            with_header(r#"{"alg":"ES256","kid":"ES256","b64":true,"crit":["b64"]}"#),
        ),
        row(
            "b64 is false under crit (RFC 7797)",
            "crit",
            with_header(r#"{"alg":"ES256","kid":"ES256","b64":false,"crit":["b64"]}"#),
        ),
        row("b64 is false without crit", "crit", b64(json!(false))),
        row("b64 is the text false", "crit", b64(json!("false"))),
        row("b64 is null", "crit", b64(json!(null))),
        row("b64 is zero", "crit", b64(json!(0))),
        row(
            "a payload that is not encoded, under b64 false (GHSA-w7vc-732c-9m39)",
            "crit",
            unencoded(r#"{"alg":"HS256","kid":"HS256","b64":false,"crit":["b64"]}"#),
        ),
        row(
            "a payload that is not encoded, and nothing said of it",
            "malformed",
            unencoded(r#"{"alg":"HS256","kid":"HS256"}"#),
        ),
    ]
}

fn typ() -> Vec<Row> {
    let typ = |typ: &str| with_header(header_with("typ", json!(typ)));
    vec![
        row("a logout token", "typ", typ("logout+jwt")),
        row(
            "a logout token by its full media type",
            "typ",
            typ("application/logout+jwt"),
        ),
        row("a DPoP proof", "typ", typ("dpop+jwt")),
        row("a security event", "typ", typ("secevent+jwt")),
        row(
            "an authorization request",
            "typ",
            typ("oauth-authz-req+jwt"),
        ),
        row(
            "an introspection response",
            "typ",
            typ("token-introspection+jwt"),
        ),
        row(
            "a client's assertion",
            "typ",
            typ("client-authentication+jwt"),
        ),
        row("an entity statement", "typ", typ("entity-statement+jwt")),
        row("a verifiable credential", "typ", typ("vc+sd-jwt")),
        row("an ID token", "typ", typ("id_token")),
        row("an ID token as Keycloak calls it", "typ", typ("ID")),
        row("a refresh token", "typ", typ("rt+jwt")),
        row("an encrypted token by its typ", "typ", typ("JWE")),
        row("a signed document that is not a token", "typ", typ("JOSE")),
        row("typ is empty", "typ", typ("")),
        row("typ and a space", "typ", typ("JWT ")),
        row("typ and a NUL", "typ", typ("JWT\0")),
        row("typ with a parameter", "typ", typ("at+jwt; charset=utf-8")),
        row(
            "typ with the prefix twice",
            "typ",
            typ("application/application/jwt"),
        ),
        row("typ lists two types", "typ", typ("JWT,logout+jwt")),
        row(
            "typ is null",
            "malformed",
            with_header(header_with("typ", json!(null))),
        ),
        row(
            "typ is a number",
            "malformed",
            with_header(header_with("typ", json!(1))),
        ),
        row(
            "typ is a list",
            "malformed",
            with_header(header_with("typ", json!(["JWT"]))),
        ),
    ]
}

fn document() -> Vec<Row> {
    let nested = |open: &str, close: &str, depth: usize| {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        with_header(format!(
            r#"{{"alg":"ES256","kid":"ES256","x":{open}1{close}}}"#
        ))
    };
    let utf16 = |header: String| header.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf16: Vec<u8> = utf16(honest_header());
    let [_, payload, signature] = honest_parts();
    let code = "malformed";
    vec![
        row(
            "alg twice, the honest one last",
            code,
            with_header(r#"{"alg":"none","alg":"ES256"}"#),
        ),
        row(
            "alg twice, the honest one first",
            code,
            with_header(r#"{"alg":"ES256","alg":"none"}"#),
        ),
        row(
            "alg twice, once spelled with an escape",
            code,
            with_header(r#"{"alg":"ES256","\u0061lg":"none"}"#),
        ),
        row(
            "kid twice",
            code,
            with_header(r#"{"alg":"ES256","kid":"ES256","kid":"planted-kid"}"#),
        ),
        row(
            "a member twice in an unknown member",
            code,
            with_header(r#"{"alg":"ES256","x":{"a":1,"a":2}}"#),
        ),
        row(
            "a member twice in a list",
            code,
            with_header(r#"{"alg":"ES256","x":[{"a":1,"a":2}]}"#),
        ),
        row("lists 33 deep in the header", code, nested("[", "]", 32)),
        row(
            "lists 5000 deep in the header (GHSA-8wjv-2p76-3863)",
            code,
            nested("[", "]", 5000),
        ),
        row(
            "objects 1000 deep in the header (GHSA-w6j9-cwv2-h6wq)",
            code,
            nested(r#"{"a":"#, "}", 1000),
        ),
        row(
            "a header that never ends its lists",
            code,
            with_header("[".repeat(8000)),
        ),
        row(
            "the header is empty",
            code,
            format!(".{payload}.{signature}"),
        ),
        row("the header is an empty object", code, with_header("{}")),
        row(
            "the header is a list",
            code,
            with_header(r#"["alg","ES256"]"#),
        ),
        row("the header is a text", code, with_header(r#""ES256""#)),
        row("the header is null", code, with_header("null")),
        row(
            "the header is two documents",
            code,
            with_header(honest_header() + "{}"),
        ),
        row(
            "the header ends in a NUL",
            code,
            with_header(honest_header() + "\0"),
        ),
        row(
            "the header begins with a byte-order mark",
            code,
            with_header("\u{feff}".to_owned() + &honest_header()),
        ),
        row("the header is UTF-16", code, with_header(utf16)),
        row(
            "the header is not UTF-8",
            code,
            with_header(b"{\"alg\":\"ES256\",\"x\":\"\xff\"}"),
        ),
        row(
            "the header has a lone surrogate",
            code,
            with_header(r#"{"alg":"ES256","x":"\ud800"}"#),
        ),
        row(
            "the header has a comment",
            code,
            with_header(r#"{"alg":"ES256"/*planted*/}"#),
        ),
        row(
            "the header has a trailing comma",
            code,
            with_header(r#"{"alg":"ES256",}"#),
        ),
        row(
            "the header has single quotes",
            code,
            with_header("{'alg':'ES256'}"),
        ),
        row(
            "the header has a bare line break in a text",
            code,
            with_header("{\"alg\":\"ES256\",\"x\":\"\n\"}"),
        ),
        row(
            "the header has a number beyond all range",
            code,
            with_header(r#"{"alg":"ES256","x":1e999}"#),
        ),
        row("the header is XML", code, with_header("<alg>ES256</alg>")),
        row(
            "the header is encoded twice",
            code,
            with_header(encode(honest_header())),
        ),
    ]
}

/// What the rows stand beside: the same header with a member that decides nothing is accepted.
#[test]
fn members_that_decide_nothing_are_passed_over() {
    let key = crate::key(Algorithm::ES256);
    for header in [
        r#"{"alg":"ES256","x":{"a":1},"y":[1e300,null]}"#,
        r#"{"alg":"ES256","b64":true}"#,
        r#"{"alg":"ES256","typ":"application/AT+JWT","cty":"json"}"#,
        " {\"\\u0061lg\":\"ES\\u0032\\u00356\"}\r\n",
    ] {
        let token = crate::support::sign(key, header, honest_claims().to_string());
        let verdict = crate::VERIFIER.verify_with_known_keys(&token);
        assert!(verdict.is_ok(), "{header}: {verdict:?}");
    }
}
