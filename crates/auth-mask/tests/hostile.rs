//! What somebody sends who wants masking to take long. Each text takes no time here unless it takes
//! longer than its length, and then more than a test may take.

use auth_mask::Masker;

#[track_caller]
fn masks(unit: &str, length: usize) {
    let masker = Masker::default();
    let text = unit.repeat(length / unit.len());
    let _ = masker.mask_text(&text);
    let _ = masker.mask_text(&format!("{text}\n:=@J"));
    let _ = masker.mask_url(&text);
    let document = serde_json::json!({ "note": text, "more": [text] });
    let _ = masker.mask_json(&document.to_string());
    let _ = masker.to_json(&document);
}

#[test]
fn parameters_in_parameters() {
    for unit in [
        "?a=",
        "?a=%41",
        "?a=%2541",
        "?a=%252541",
        "?a=%25252541",
        "?a=%3Fb=%253Fc=",
        "?a=%26b=%20&",
        "&a=%3D",
    ] {
        masks(unit, 80_000);
    }
}

#[test]
fn headers_on_one_line() {
    for unit in [
        "x-token: no ",
        "\"x-token: no ",
        "'x-token: no ",
        "x-token: ***MASKED*** ",
        "\"x-token: ***MASKED*** ",
        "authorization: is ",
        "> x-token: no ",
        "cookie: ",
        "x-a:",
    ] {
        masks(unit, 150_000);
    }
}

#[test]
fn what_begins_as_a_secret_and_is_none() {
    for unit in [
        "4111 ",
        "4111-",
        "de89 ",
        "DE89 3704 ",
        "eyJ",
        "eyJ.",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "Bearer ",
        "Basic:",
        "sig=",
        "1:AA",
        "://",
        "a://b:c/",
        "a:b@tcp(",
        "a:@tcp",
        "@tcp(",
        "a:b@unix(:",
        "a@b.",
        "password:",
        "password=\"",
        "{\"password\":[",
        "unexpected token: ",
    ] {
        masks(unit, 100_000);
    }
}
