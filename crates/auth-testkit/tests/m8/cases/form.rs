//! How a token is written down.

use super::{Change, Edit, Oddity, honest, object};

pub(super) fn oddities() -> Vec<Oddity> {
    [headers(), payloads(), texts()]
        .into_iter()
        .flatten()
        .collect()
}

fn headers() -> Vec<Oddity> {
    let members = [
        ("alg", r#""none""#),
        ("alg", r#""None""#),
        ("alg", r#""hs256""#),
        ("alg", r#""HS512""#),
        ("alg", r#""RS256""#),
        ("alg", r#""ES256""#),
        ("alg", r#""""#),
        ("alg", "null"),
        ("alg", "5"),
        ("alg", r#"["HS256"]"#),
        ("typ", r#""JWT""#),
        ("typ", r#""jwt""#),
        ("typ", r#""at+jwt""#),
        ("typ", r#""logout+jwt""#),
        ("typ", r#""x""#),
        ("typ", "null"),
        ("typ", "5"),
        ("kid", r#""k1""#),
        ("kid", r#""""#),
        ("kid", "5"),
        ("kid", "null"),
        ("cty", r#""x""#),
        ("zip", r#""DEF""#),
        ("jku", r#""https://evil.test""#),
        ("jwk", r#"{"kty":"oct","k":"AA"}"#),
        ("crit", r#"["exp"]"#),
        ("crit", r#"["b64"]"#),
        ("crit", "[]"),
        ("crit", "null"),
        ("b64", "false"),
        ("b64", "true"),
        ("nobody_knows", "[{}]"),
    ];
    let member = |(name, json): (&'static str, &str)| {
        Oddity::new(
            format!("header {name}: {json}"),
            [Edit::Header(name, json.to_owned())],
        )
    };
    let texts = [
        ("no alg", r#"{"typ":"JWT"}"#),
        ("no typ", r#"{"alg":"HS256"}"#),
        ("alg twice", r#"{"alg":"HS256","alg":"HS256"}"#),
        ("another alg first", r#"{"alg":"none","alg":"HS256"}"#),
        ("after a mark of byte order", "\u{feff}{\"alg\":\"HS256\"}"),
        ("with spaces", " { \"alg\" : \"HS256\" } \n"),
        ("with an escape", r#"{"\u0061lg":"HS\u003256"}"#),
        ("a list", r#"["HS256"]"#),
        ("a text", r#""HS256""#),
        ("null", "null"),
        ("empty", ""),
        ("cut off", r#"{"alg":"HS256""#),
        ("with something behind", r#"{"alg":"HS256"}x"#),
        ("with a comma too many", r#"{"alg":"HS256",}"#),
    ];
    let text = |(name, text): (&str, &str)| {
        Oddity::new(
            format!("header {name}"),
            [Edit::HeaderText(text.to_owned())],
        )
    };
    members
        .map(member)
        .into_iter()
        .chain(texts.map(text))
        .collect()
}

fn payloads() -> Vec<Oddity> {
    let spelled = |(name, value): (&str, serde_json::Value)| (name.to_owned(), value.to_string());
    let honest: Vec<_> = honest().into_iter().map(spelled).collect();
    let text = object(&honest);
    let inside = |json: &str| text.replacen('{', &format!("{{\"extra\":{json},"), 1);
    let deep = |levels| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let utf16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>()
    };
    let bytes: Vec<(&str, Vec<u8>)> = vec![
        ("as UTF-16", utf16(&text)),
        (
            "after a mark of byte order",
            format!("\u{feff}{text}").into(),
        ),
        ("not UTF-8", [text.as_bytes(), b"\xff"].concat()),
        (
            "not UTF-8 in a name",
            inside("\"x\"").replace('x', "\u{1}").into(),
        ),
        ("with half a surrogate", inside(r#""\ud800""#).into()),
        ("with a surrogate pair", inside(r#""\ud83e\udd80""#).into()),
        ("with a line feed in a text", inside("\"\n\"").into()),
        ("with NaN", inside("NaN").into()),
        ("with Infinity", inside("-Infinity").into()),
        ("with a leading zero", inside("01").into()),
        ("with a leading plus", inside("+1").into()),
        ("with 400 digits", inside(&"9".repeat(400)).into()),
        ("with 5,000 digits", inside(&"9".repeat(5_000)).into()),
        ("with 1e999", inside("1e999").into()),
        ("10 levels deep", inside(&deep(10)).into()),
        ("30 levels deep", inside(&deep(30)).into()),
        ("100 levels deep", inside(&deep(100)).into()),
        ("500 levels deep", inside(&deep(500)).into()),
        ("5,000 levels deep", inside(&deep(5_000)).into()),
        (
            "of 17 KiB",
            inside(&format!("\"{}\"", "x".repeat(13_000))).into(),
        ),
        ("with spaces", format!(" \n{text}\t ").into()),
        ("with something behind", format!("{text}x").into()),
        ("cut off", text.trim_end_matches('}').into()),
        ("empty", Vec::new()),
        ("an empty object", b"{}".to_vec()),
        ("a list", format!("[{text}]").into()),
        ("a text", b"\"access\"".to_vec()),
        ("null", b"null".to_vec()),
        ("with single quotes", text.replace('"', "'").into()),
        ("with a comment", format!("{text}//").into()),
        (
            "with an escaped name",
            text.replace("\"sub\"", r#""\u0073ub""#).into(),
        ),
        (
            "with a name in capitals",
            text.replace("\"sub\"", "\"SUB\"").into(),
        ),
    ];
    let payload = |(name, bytes)| Oddity::new(format!("payload {name}"), [Edit::Payload(bytes)]);
    let mut oddities: Vec<_> = bytes.into_iter().map(payload).collect();
    let twice = [
        ("sub", "\"u2\""),
        ("type", "\"refresh\""),
        ("type", "\"access\""),
        ("exp", "1"),
        ("role", "\"user\""),
        ("nobody_knows", "1"),
    ];
    for (name, json) in twice {
        let mut edits = vec![Edit::OneMore(name, json.to_owned())];
        if matches!(name, "role" | "nobody_knows") {
            edits.push(Edit::OneMore(name, json.to_owned()));
        }
        oddities.push(Oddity::new(format!("payload {name} twice: {json}"), edits));
    }
    oddities
}

fn texts() -> Vec<Oddity> {
    let changes: [(&str, Change); 24] = [
        ("no signature", |token| format!("{}.", signed(token))),
        ("no third part", |token| signed(token).to_owned()),
        ("a fourth part", |token| format!("{token}.x")),
        ("a dot behind", |token| format!("{token}.")),
        ("a dot before", |token| format!(".{token}")),
        ("a space before", |token| format!(" {token}")),
        ("a space behind", |token| format!("{token} ")),
        ("a line feed behind", |token| format!("{token}\n")),
        ("a line feed within the signature", |token| {
            let (start, end) = token.split_at(token.len() - 9);
            format!("{start}\n{end}")
        }),
        ("a strange letter within the signature", |token| {
            let (start, end) = token.split_at(token.len() - 9);
            format!("{start}!{end}")
        }),
        ("one = behind", |token| format!("{token}=")),
        ("two = behind", |token| format!("{token}==")),
        ("= behind the payload", |token| {
            let (signed, signature) = token.rsplit_once('.').unwrap();
            format!("{signed}=.{signature}")
        }),
        ("unused bits set", |token| with_last(token, |last| last + 1)),
        ("the signature with + and /", |token| {
            let (signed, signature) = token.rsplit_once('.').unwrap();
            format!("{signed}.+/{}", &signature[2..])
        }),
        ("the first letter of the signature changed", |token| {
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let other = if signature.starts_with('A') { 'B' } else { 'A' };
            format!("{signed}.{other}{}", &signature[1..])
        }),
        ("the signature cut off", |token| {
            token[..token.len() - 4].to_owned()
        }),
        ("the signature lengthened", |token| format!("{token}AAAA")),
        ("the payload changed", |token| {
            let (header, rest) = token.split_once('.').unwrap();
            let (payload, signature) = rest.split_once('.').unwrap();
            format!("{header}.{}A.{signature}", &payload[..payload.len() - 1])
        }),
        ("nothing at all", |_| String::new()),
        ("two dots", |_| "..".to_owned()),
        ("a word", |_| "token".to_owned()),
        ("letters beyond ASCII", |token| format!("{token}é")),
        ("Bearer before", |token| format!("Bearer {token}")),
    ];
    changes
        .map(|(name, change)| Oddity::new(format!("token with {name}"), [Edit::Token(change)]))
        .into()
}

fn signed(token: &str) -> &str {
    token.rsplit_once('.').unwrap().0
}

/// The token with another last letter. Of the last letter of a signature of 32 bytes two bits are
/// used for nothing.
fn with_last(token: &str, change: fn(u8) -> u8) -> String {
    let (start, last) = token.split_at(token.len() - 1);
    format!("{start}{}", char::from(change(last.as_bytes()[0])))
}
