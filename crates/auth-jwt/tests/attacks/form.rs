//! The text of the token and of its payload: parts, base64url, size, white space, JSON.

use auth_jwt::Algorithm;
use serde_json::json;

use crate::support::{encode, honest_claims, sign};
use crate::{Row, SECRET, honest_parts, honest_token, hs256, key, refused, row};
use crate::{VERIFIER, with_payload};

#[test]
fn what_is_no_token_is_refused() {
    refused(rows());
}

pub(crate) fn rows() -> Vec<Row> {
    [parts(), alphabet(), around(), size(), payload()]
        .into_iter()
        .flatten()
        .collect()
}

fn parts() -> Vec<Row> {
    let code = "malformed";
    let [header, payload, signature] = honest_parts();
    let jwe = json!({ "alg": "RSA-OAEP-256", "enc": "A256GCM" }).to_string();
    let jwe = encode(jwe);
    let flattened = json!({ "protected": header, "payload": payload, "signature": signature });
    let general = json!({
        "payload": payload,
        "signatures": [{ "protected": header, "signature": signature }],
    });
    vec![
        row("nothing", code, ""),
        row("one dot", code, "."),
        row("two dots", code, ".."),
        row("three dots", code, "..."),
        row("a thousand dots", code, ".".repeat(1000)),
        row("one part", code, header.clone()),
        row("two parts", code, format!("{header}.{payload}")),
        row(
            "four parts",
            code,
            format!("{header}.{payload}.{signature}."),
        ),
        row(
            "a part before",
            code,
            format!(".{header}.{payload}.{signature}"),
        ),
        row(
            "two signatures",
            code,
            format!("{header}.{payload}.{signature}.{signature}"),
        ),
        row(
            "an encrypted token",
            code,
            format!("{jwe}.a2V5.bm9uY2U.dGV4dA.dGFn"),
        ),
        row(
            "an encrypted token of three parts",
            "alg_not_allowed",
            format!("{jwe}.{payload}.{signature}"),
        ),
        row(
            "JSON serialisation, flattened (CVE-2022-39227)",
            code,
            flattened.to_string(),
        ),
        row("JSON serialisation, general", code, general.to_string()),
        row(
            "JSON serialisation around a compact token (CVE-2022-39227)",
            code,
            format!(
                r#"{{"  {header}.{payload}.":"","protected":"{header}","signature":"{signature}"}}"#
            ),
        ),
        row(
            "an SD-JWT with a disclosure",
            code,
            format!("{}~WyJwbGFudGVkIl0~", honest_token()),
        ),
        row(
            "two tokens",
            code,
            format!("{},{}", honest_token(), honest_token()),
        ),
        row("an opaque token", code, "planted-2YotnFZFEjr1zCsicMWpAA"),
        row("a PASETO", code, "v4.public.cGxhbnRlZA.cGxhbnRlZA"),
    ]
}

fn alphabet() -> Vec<Row> {
    let code = "malformed";
    let [header, payload, signature] = honest_parts();
    let in_signature = |from: usize, text: &str| {
        format!(
            "{header}.{payload}.{}{text}{}",
            &signature[..from],
            &signature[from..]
        )
    };
    let last = |text: &str, to: fn(u8) -> u8| {
        let mut bytes = text.as_bytes().to_vec();
        let last = bytes.last_mut().unwrap();
        *last = to(*last);
        String::from_utf8(bytes).unwrap()
    };
    // 64 bytes are 86 characters and the last one carries four bits that mean nothing; an honest
    // one is A, Q, g or w, and the next letter is the same bytes.
    let spelled_otherwise = last(&signature, |letter| letter + 1);
    // Signed over a payload that is spelled so, which only a strange issuer does.
    let over = |payload: &str| {
        let header = encode(r#"{"alg":"HS256","kid":"HS256"}"#);
        hs256(&SECRET, &format!("{header}.{payload}"))
    };
    let claims = encode(format!("{} ", honest_claims()));
    let padding = "=".repeat((4 - claims.len() % 4) % 4);
    assert!(
        !padding.is_empty(),
        "the payload needs padding for its row to mean anything"
    );
    let mut standard = honest_claims();
    standard["x"] = json!("\u{3f}\u{3e}\u{ff}\u{fe}?>?>?>\u{7ff}\u{7fe}");
    let standard = encode(standard.to_string())
        .replace('-', "+")
        .replace('_', "/");
    assert!(
        standard.contains(['+', '/']),
        "the payload needs a letter the alphabets differ in"
    );
    vec![
        row(
            "the signature is padded (GHSA-hxm8-2xgr-2p9m)",
            code,
            format!("{header}.{payload}.{signature}=="),
        ),
        row(
            "the header is padded",
            code,
            format!("{header}=.{payload}.{signature}"),
        ),
        row(
            "the payload is padded, and so signed",
            code,
            over(&format!("{claims}{padding}")),
        ),
        row(
            "the payload is padded, but was not when signed",
            "bad_signature",
            format!("{header}.{payload}=.{signature}"),
        ),
        row(
            "the payload is of the other alphabet, and so signed",
            code,
            over(&standard),
        ),
        row(
            "the signature has unused bits set",
            code,
            format!("{header}.{payload}.{spelled_otherwise}"),
        ),
        row("the signature has a plus", code, in_signature(9, "+")),
        row("the signature has a slash", code, in_signature(9, "/")),
        row("the signature has a space", code, in_signature(40, " ")),
        row(
            "the signature has a line break",
            code,
            in_signature(64, "\n"),
        ),
        row("the signature has a CRLF", code, in_signature(64, "\r\n")),
        row("the signature has a tab", code, in_signature(3, "\t")),
        row("the signature has a NUL", code, in_signature(3, "\0")),
        row(
            "the signature has a question mark",
            code,
            in_signature(3, "?"),
        ),
        row(
            "the signature has an escaped letter",
            code,
            in_signature(3, "%41"),
        ),
        row(
            "the signature has a zero-width space",
            code,
            in_signature(3, "\u{200b}"),
        ),
        row(
            "the signature has a letter of another alphabet",
            code,
            in_signature(3, "\u{430}"),
        ),
        row(
            "the signature is a letter short of a byte",
            code,
            format!("{header}.{payload}.{}", &signature[..85]),
        ),
        row(
            "the header has a line break",
            code,
            format!("{}\n{}.{payload}.{signature}", &header[..8], &header[8..]),
        ),
        row(
            "the payload has a line break, and so signed",
            code,
            over(&format!("{}\n{}", &claims[..8], &claims[8..])),
        ),
        row(
            "dots of another script",
            code,
            honest_token().replace('.', "\u{3002}"),
        ),
        row("escaped dots", code, honest_token().replace('.', "%2E")),
    ]
}

/// An honest token, and something around it or done to all of it.
fn around() -> Vec<Row> {
    let token = honest_token();
    let code = "malformed";
    vec![
        row("the scheme before it", code, format!("Bearer {token}")),
        row(
            "the scheme before it, and a colon",
            code,
            format!("bearer:{token}"),
        ),
        row("a space before it", code, format!(" {token}")),
        row("a space after it", code, format!("{token} ")),
        row("a line break before it", code, format!("\n{token}")),
        row("a line break after it", code, format!("{token}\n")),
        row("a NUL after it", code, format!("{token}\0")),
        row(
            "a byte-order mark before it",
            code,
            format!("\u{feff}{token}"),
        ),
        row("quotes around it", code, format!("\"{token}\"")),
        row("a semicolon after it", code, format!("{token};")),
        row("a fragment after it", code, format!("{token}#planted")),
        row("all in upper case", code, token.to_uppercase()),
        row("all in lower case", code, token.to_lowercase()),
        row("backwards", code, token.chars().rev().collect::<String>()),
        row("encoded once more", code, encode(&token)),
    ]
}

fn size() -> Vec<Row> {
    let claims = |bytes: usize| {
        let mut claims = honest_claims();
        claims["x"] = "planted ".repeat(bytes / 8).into();
        with_payload(claims.to_string())
    };
    let [header, _, signature] = honest_parts();
    let between = |payload: String| format!("{header}.{payload}.{signature}");
    vec![
        row(
            "a byte more than 16 KiB",
            "too_large",
            "a".repeat(16 * 1024 + 1),
        ),
        row(
            "an honest signature over 17 KiB",
            "too_large",
            claims(13 * 1024),
        ),
        row(
            "20 MB between an honest header and its signature",
            "too_large",
            between("A".repeat(20_000_000)),
        ),
        row("a megabyte of dots", "too_large", ".".repeat(1 << 20)),
        row("16 KiB of one letter", "malformed", "a".repeat(16 * 1024)),
    ]
}

fn payload() -> Vec<Row> {
    let code = "malformed";
    let claims = honest_claims().to_string();
    let with_member = |member: &str| {
        let claims = claims.strip_suffix('}').unwrap();
        with_payload(format!("{claims},{member}}}"))
    };
    let nested = |open: &str, close: &str, depth: usize| {
        with_member(&format!(
            r#""x":{}1{}"#,
            open.repeat(depth),
            close.repeat(depth)
        ))
    };
    let utf16: Vec<u8> = claims.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf16_with_mark = [&[0xfe, 0xff], &utf16[..]].concat();
    let utf32: Vec<u8> = claims
        .chars()
        .flat_map(|c| u32::from(c).to_le_bytes())
        .collect();
    // {} as DEFLATE and as gzip write it: a decompressor would find an object.
    let deflated = [0xab, 0xae, 0x05, 0x00];
    let gzip = [
        0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
    ];
    let under = |header: &str, payload: &[u8]| sign(key(Algorithm::ES256), header, payload);
    let inner = honest_token();
    vec![
        row("the payload is empty", code, with_payload("")),
        row("the payload is null", code, with_payload("null")),
        row(
            "the payload is a list",
            code,
            with_payload(format!("[{claims}]")),
        ),
        row(
            "the payload is a text",
            code,
            with_payload(json!(claims).to_string()),
        ),
        row("the payload is a number", code, with_payload("1")),
        row(
            "the payload is two documents",
            code,
            with_payload(format!("{claims}{claims}")),
        ),
        row(
            "text after the payload",
            code,
            with_payload(format!("{claims}//planted")),
        ),
        row(
            "a NUL after the payload",
            code,
            with_payload(format!("{claims}\0")),
        ),
        row(
            "the payload begins with a byte-order mark",
            code,
            with_payload(format!("\u{feff}{claims}")),
        ),
        row("the payload is UTF-16", code, with_payload(&utf16)),
        row(
            "the payload is UTF-16 with its mark",
            code,
            with_payload(utf16_with_mark),
        ),
        row("the payload is UTF-32", code, with_payload(utf32)),
        row(
            "the payload is not UTF-8",
            code,
            with_payload([&claims.as_bytes()[..9], b"\xff\"}"].concat()),
        ),
        row(
            "the payload has overlong UTF-8",
            code,
            with_payload(b"{\"sub\":\"\xc0\xaf\"}"),
        ),
        row(
            "the payload has a surrogate as UTF-8",
            code,
            with_payload(b"{\"sub\":\"\xed\xa0\x80\"}"),
        ),
        row(
            "the payload has a lone surrogate",
            code,
            with_member(r#""x":"\ud83d""#),
        ),
        row(
            "the payload has surrogates the wrong way round",
            code,
            with_member(r#""x":"\ude00\ud83d""#),
        ),
        row(
            "sub twice",
            code,
            with_member(r#""sub":"planted-administrator""#),
        ),
        row(
            "sub twice, once spelled with an escape",
            code,
            with_member(r#""s\u0075b":"planted-administrator""#),
        ),
        row(
            "roles twice in realm_access",
            code,
            with_payload(
                r#"{"sub":"planted-subject","realm_access":{"roles":[],"roles":["admin"]}}"#,
            ),
        ),
        row(
            "a member twice deep in an unknown claim",
            code,
            with_member(r#""x":[{"y":{"z":1,"z":2}}]"#),
        ),
        row(
            "lists 33 deep in an unknown claim",
            code,
            nested("[", "]", 32),
        ),
        row(
            "lists 4000 deep in an unknown claim",
            code,
            nested("[", "]", 4000),
        ),
        row(
            "objects 1500 deep in an unknown claim",
            code,
            nested(r#"{"":"#, "}", 1500),
        ),
        row(
            "a payload that never ends its lists",
            code,
            with_payload("[".repeat(9000)),
        ),
        row(
            "a number beyond all range in an unknown claim",
            code,
            with_member(r#""x":1e400"#),
        ),
        row(
            "a payload cut off",
            code,
            with_payload(&claims[..claims.len() - 1]),
        ),
        row(
            "a payload in JSON5",
            code,
            with_payload("{sub:'planted-subject'}"),
        ),
        row(
            "a form instead of JSON",
            code,
            with_payload("sub=planted-subject&admin=true"),
        ),
        row(
            "a token in a token",
            code,
            under(r#"{"alg":"ES256","cty":"JWT"}"#, inner.as_bytes()),
        ),
        row(
            "a token in a token, in quotes",
            code,
            with_payload(json!(inner).to_string()),
        ),
        row(
            "a compressed payload (zip)",
            code,
            under(r#"{"alg":"ES256","zip":"DEF"}"#, &deflated),
        ),
        row("a gzipped payload", code, with_payload(gzip)),
    ]
}

/// What the rows of size stand beside: the largest token there may be is judged like any other.
#[test]
fn a_token_of_exactly_16_kib_is_looked_at() {
    let of = |unknown: &str, filling: usize| {
        let header = json!({ "alg": "ES256", "x": unknown }).to_string();
        let mut claims = honest_claims();
        claims["x"] = "x".repeat(filling).into();
        sign(key(Algorithm::ES256), header, claims.to_string())
    };
    // Three bytes are four letters, so a text has no length of one more than a multiple of four;
    // two texts together have any.
    let limit = 16 * 1024;
    let filling = (limit - of("", 0).len()) * 3 / 4;
    let token = ["", "x", "xx"]
        .into_iter()
        .flat_map(|unknown| (filling - 6..filling + 4).map(move |filling| of(unknown, filling)))
        .find(|token| token.len() == limit);
    let verdict = VERIFIER.verify_with_known_keys(&token.unwrap());
    assert!(verdict.is_ok(), "{verdict:?}");
}
