//! What holds for masking, whatever the bytes and whatever the policy.

use std::sync::LazyLock;

use auth_core::Secret;
use auth_mask::{Category, InvalidJson, MASK, MaskPolicy, Masker, PseudonymKey, Style};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Bytes as a document, a text, a query, a URL, cookies and a header. Returns whether they are a
/// document.
pub(crate) fn mask(bytes: &[u8]) -> bool {
    let text = &*String::from_utf8_lossy(bytes);
    // It could show only what was planted.
    if text.contains(SECRET) {
        return false;
    }
    for policy in &*POLICIES {
        document(policy, text);
        body(policy, bytes);
        texts(policy, text);
        headers(policy, bytes);
        beside_a_secret(policy, text);
    }
    str::from_utf8(bytes).is_ok_and(is_json)
}

fn document(policy: &Policy, text: &str) {
    let (shown, judged) = mask_json(policy, text);
    assert_eq!(judged.is_ok(), is_json(text), "{judged:?}");
    if let Err(fault) = judged {
        return broken(policy, text, &shown, &fault);
    }
    assert!(is_json(&shown), "{shown:?}");
    let masked = policy.masker.mask_json(&shown).expect("it is JSON");
    assert_eq!(masked.as_str(), shown, "masked twice");
    for max in [0, 16, shown.len() / 2, shown.len()] {
        let some = masked.clone().cut(max);
        assert!(is_json(some.as_str()), "{some} of {shown:?}");
        assert!(some.as_str().len() <= max.max(11), "{some} of {max} bytes");
    }
    of_what_it_holds(policy, text, &shown);
    cut(policy, text, &shown);
    as_a_part(policy, text, &shown);
}

/// What is shown of a document does not depend on the one that it is a part of.
fn as_a_part(policy: &Policy, text: &str, shown: &str) {
    let [name, innocent] = NAMES;
    let mask_json = |document: &str| policy.masker.mask_json(document).expect("it is JSON");
    let member = mask_json(&format!(r#"{{"{innocent}":{text}}}"#));
    let member = member.as_str();
    let start = innocent.len() + 4;
    let part = &member[start..member.len() - 1];
    if policy.shows_the_unnamed {
        assert_eq!(part, shown);
    }
    let around = |inside: &str, secret: &str| {
        format!(r#"[{{"{innocent}":{inside},"{name}":{secret},"{innocent}":[{inside}]}}]"#)
    };
    let whole = mask_json(&around(
        text,
        &format!(r#"[{{"a":"{SECRET}","b":{text}}}]"#),
    ));
    assert_eq!(whole.as_str(), around(part, &format!("\"{MASK}\"")));
}

/// As text, as a value and while it is printed, a document is masked alike.
fn of_what_it_holds(policy: &Policy, text: &str, shown: &str) {
    // Not of what is too deep for serde_json, or has numbers and texts that it cannot hold.
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let read = |document: &str| -> Value { serde_json::from_str(document).expect("it is JSON") };
    let masked = policy.masker.mask_value(&value);
    let printed = policy.masker.to_json(&value).expect("it can be printed");
    let document = policy.masker.mask_json(&value.to_string());
    assert_eq!(document.as_ref(), Ok(&printed));
    // Names that are masked may become one, and then it depends on the order which value is left.
    if !has_masked_name(&masked) {
        assert_eq!(masked, read(printed.as_str()));
        // A part of a number, and a pseudonym, are of its spelling.
        assert!(policy.drops || masked == read(shown), "{shown:?}");
    }
    assert_eq!(policy.masker.mask_value(&masked), masked, "masked twice");
    let mut in_place = value;
    policy.masker.mask_value_in_place(&mut in_place);
    assert_eq!(in_place, masked);
}

fn has_masked_name(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_masked_name),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains(MASK) || has_masked_name(value)),
        _ => false,
    }
}

/// Of the beginning of a document the beginning of what may be shown of it is shown.
fn cut(policy: &Policy, text: &str, shown: &str) {
    for at in places(text) {
        let (begins, judged) = mask_json(policy, &text[..at]);
        // A number, or white space at the end, can be cut and still be a document.
        if let Err(fault) = judged {
            assert!(fault.is_truncated(), "{at} of {text:?}: {fault:?}");
            assert!(shown.starts_with(&begins), "{at} of {text:?}: {begins:?}");
        }
    }
}

/// Nothing is shown of what comes after the fault, and of what comes before only what may be.
fn broken(policy: &Policy, text: &str, shown: &str, fault: &InvalidJson) {
    let lines = text.split_inclusive('\n').take(fault.line() - 1);
    let at = lines.map(str::len).sum::<usize>() + fault.column() - 1;
    let before = text.get(..at).expect("the fault is between two letters");
    // Whatever comes in place of the rest; a control character is nowhere right.
    let (begins, judged) = mask_json(policy, &format!("{before}\u{1}"));
    assert!(begins.starts_with(shown), "{shown:?} of {text:?}");
    let other = judged.expect_err("it has a control character");
    assert_eq!(
        (other.line(), other.column()),
        (fault.line(), fault.column())
    );
    // It is the first fault that there is.
    match mask_json(policy, before) {
        (_, Err(fault)) => assert!(fault.is_truncated(), "{before:?} of {text:?}"),
        (shown, Ok(())) => assert!(is_json(&shown) && !fault.is_truncated()),
    }
    let cut = at == text.len() || text[at..].starts_with('\\');
    assert!(cut || !fault.is_truncated(), "{text:?}");
}

/// The bytes of a body are masked as the text that they are, and up to where they are one.
fn body(policy: &Policy, bytes: &[u8]) {
    let mut shown = String::new();
    let judged = policy.masker.mask_json_bytes_into(bytes, &mut shown);
    match str::from_utf8(bytes) {
        Ok(text) => assert_eq!((shown, judged), mask_json(policy, text)),
        Err(error) => {
            assert!(judged.is_err(), "{shown:?}");
            let text = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            assert_eq!(shown, mask_json(policy, &text).0);
        }
    }
}

fn texts(policy: &Policy, text: &str) {
    let masker = &policy.masker;
    for mask in [
        Masker::mask_text,
        Masker::mask_query,
        Masker::mask_url,
        Masker::mask_cookies,
        Masker::mask_set_cookie,
    ] {
        let shown = mask(masker, text);
        assert_eq!(mask(masker, &shown), shown, "masked twice");
    }
    only_replaced(policy, text, &masker.mask_query(text));
    // Of what may be a document, a secret is replaced with its quotation marks.
    if !text.trim_start().starts_with(['{', '[', '"']) {
        only_replaced(policy, text, &masker.mask_text(text));
        only_replaced(policy, text, &masker.mask_url(text));
    }
    let [_, innocent] = NAMES;
    let field = masker.mask_field(innocent, text).expect("it is shown");
    let member = masker.mask_value(&json!({ innocent: text }));
    assert_eq!(member, json!({ innocent: field }));
}

fn headers(policy: &Policy, bytes: &[u8]) {
    let headers = [
        ("authorization", bytes),
        ("accept", bytes),
        ("x-api-key", b"x"),
    ];
    let shown = policy.masker.mask_headers(headers);
    let [sensitive, innocent, key] = &shown[..] else {
        panic!("each header is there: {shown:?}");
    };
    assert_eq!((&*sensitive.1, &*key.1), (MASK, MASK));
    let text = String::from_utf8_lossy(bytes);
    if !text.trim_start().starts_with(['{', '[', '"']) {
        only_replaced(policy, &text, &innocent.1);
    }
}

/// A secret under a sensitive name is not shown, whatever stands before and after.
fn beside_a_secret(policy: &Policy, text: &str) {
    let masker = &policy.masker;
    let [name, innocent] = NAMES;
    let (escaped, encoded) = (r"p\u0061ssword", "p%61ssword");
    let quoted = Value::from(text).to_string();
    for document in [
        format!(r#"{{"{name}":"{SECRET}","{innocent}":{text}"#),
        format!(r#"[{{"{innocent}":{quoted},"{name}":["{SECRET}",{text}"#),
        format!(r#"{{{quoted}:{quoted},"{name}":{{{quoted}:"{SECRET}"}},"x":{text}}}"#),
        format!(r#"{{"{name}":{quoted},{quoted}:[{{"{escaped}":"{SECRET}"}}]}}{text}"#),
    ] {
        let (shown, _) = mask_json(policy, &document);
        assert!(!shown.contains(SECRET), "{shown:?}");
        let shown = masker.mask_text(&document);
        assert_eq!(masker.mask_text(&shown), shown, "masked twice");
    }
    let value = json!({ text: [text, { name: { text: [SECRET] }, innocent: text }] });
    let masked = masker.mask_value(&value);
    assert!(!masked.to_string().contains(SECRET), "{masked}");
    assert_eq!(masker.mask_value(&masked), masked, "masked twice");

    // Each parameter is for itself.
    let query = masker.mask_query(&format!("{text}&{encoded}={SECRET}&{text}"));
    if policy.drops {
        assert!(!query.contains(SECRET), "{query:?}");
    } else {
        let shown = masker.mask_query(text);
        assert_eq!(query, format!("{shown}&{encoded}={MASK}&{shown}"));
    }
    for shown in [
        masker.mask_text(&format!("{text}\n{name}={SECRET}\n{text}")),
        masker.mask_url(&format!("/p?{name}={SECRET}&{text}")),
        masker.mask_url(&format!("https://h/?x=1&{encoded}={SECRET}#{text}")),
        masker.mask_url(&format!("https://h/#{name}={SECRET}&{text}")),
        masker.mask_url(&format!("https://ada:{SECRET}@h/{text}")),
        masker.mask_cookies(&format!("{text}; id={SECRET}; {text}")),
        masker.mask_set_cookie(&format!("id={SECRET}; {text}")),
    ] {
        assert!(!shown.contains(SECRET), "{shown:?}");
    }
}

/// Whether a text is what was shown of another: the same, but for what stands behind the masks.
#[track_caller]
fn only_replaced(policy: &Policy, text: &str, shown: &str) {
    // Beside half a mask, nobody could say where the whole one begins.
    if policy.drops || text.contains("MASKED") {
        return;
    }
    let pieces: Vec<_> = shown.split(MASK).collect();
    let Some((last, before)) = pieces.split_last() else {
        return;
    };
    let Some((first, between)) = before.split_first() else {
        return assert_eq!(text, shown);
    };
    let mut rest = text.strip_prefix(first);
    for piece in between {
        rest = rest.and_then(|rest| Some(rest.split_once(piece)?.1));
    }
    assert!(
        rest.is_some_and(|rest| rest.ends_with(last)),
        "{shown:?} of {text:?}"
    );
}

/// What is shown, of a broken document too.
fn mask_json(policy: &Policy, document: &str) -> (String, Result<(), InvalidJson>) {
    let mut shown = String::new();
    let judged = policy.masker.mask_json_into(document, &mut shown);
    (shown, judged)
}

/// Whether it is one document to serde_json, which passes over it at any depth, and does not look at
/// what its numbers and its escapes stand for.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Some places between two letters.
fn places(text: &str) -> impl Iterator<Item = usize> {
    let step = text.len() / 16 + 1;
    (0..text.len())
        .step_by(step)
        .filter(|&at| text.is_char_boundary(at))
}

struct Policy {
    masker: Masker,
    /// Whether what has no name is masked by its content only.
    shows_the_unnamed: bool,
    /// Whether something is left out, or shown in part.
    drops: bool,
}

static POLICIES: LazyLock<[Policy; 5]> = LazyLock::new(|| {
    let iso = MaskPolicy::iso27001;
    let key = Secret::from("no key at all, for it stands in a public file");
    let key = PseudonymKey::new(&key).expect("it is long enough");
    let styled = iso()
        .style(Category::Tokens, Style::Drop)
        .style(Category::Payment, Style::Partial { first: 2, last: 4 })
        .style(Category::Session, Style::Pseudonym(key));
    let [_, innocent] = NAMES;
    let policy = |policy, shows_the_unnamed, drops| Policy {
        masker: Masker::new(policy),
        shows_the_unnamed,
        drops,
    };
    [
        policy(iso(), true, false),
        policy(iso().with(Category::Contact), true, false),
        policy(MaskPolicy::miso_4_9(), true, false),
        policy(MaskPolicy::strict().show_name(innocent), false, false),
        policy(styled, true, true),
    ]
});

/// One that is sensitive to all of them, and one that is not.
const NAMES: [&str; 2] = ["password", "before"];

const SECRET: &str = "pl4nted-s3cret";
