//! `authctl mask`.

use crate::support::{check, file, run, text};

#[test]
fn a_document_is_masked_and_what_is_shown_stays_as_it_stands() {
    check(
        &["mask"],
        "{ \"user\": \"ada\", \"pass\\u0077ord\": [1, {}] }\r\n",
        0,
        "{ \"user\": \"ada\", \"pass\\u0077ord\": \"***MASKED***\" }\r\n",
        "",
    );
    check(
        &["mask"],
        "\"Bearer abcdefgh\"",
        0,
        "\"Bearer ***MASKED***\"",
        "",
    );
    check(&["mask"], "[]", 0, "[]", "");
}

#[test]
fn a_broken_document_is_shown_up_to_its_fault_and_no_further() {
    for (input, stdout, stderr) in [
        (
            r#"{"user":"ada","password":"x","note":"half of a SECRET"#,
            "{\"user\":\"ada\",\"password\":\"***MASKED***\",\"note\":\n",
            "at line 1 column",
        ),
        (r#"{"a":1} SECRET"#, "{\"a\":1}\n", "at line 1 column 9"),
        (
            r#"{"password":SECRET}"#,
            "{\"password\":\n",
            "at line 1 column 13",
        ),
        ("", "\n", "at line 1 column 1"),
    ] {
        check(&["mask"], input, 1, stdout, stderr);
        let output = run(&["mask"], input.as_bytes());
        assert!(!text(&output.stderr).contains("SECRET"));
    }
    check(
        &["mask"],
        b"{\"a\":1,\"b\":\"\xff\"}",
        1,
        "{\"a\":1,\"b\":\n",
        "at line 1 column 13",
    );
}

#[test]
fn with_lines_each_line_is_a_document() {
    let input = "{\"token\":\"a\"}\n{\"n\":SECRET}\n\n{\"otp\":1}";
    let stdout = "{\"token\":\"***MASKED***\"}\n{\"n\":\n\n{\"otp\":\"***MASKED***\"}";
    check(
        &["mask", "--lines"],
        input,
        1,
        stdout,
        "line 2 of the input: ",
    );
    let output = run(&["mask", "--lines"], input.as_bytes());
    let complaints = text(&output.stderr);
    assert!(complaints.contains("line 3 of the input: "), "{complaints}");
    assert!(!complaints.contains("SECRET"), "{complaints}");
    check(
        &["mask", "--lines"],
        "{\"otp\":1}\n{}\n",
        0,
        "{\"otp\":\"***MASKED***\"}\n{}\n",
        "",
    );
}

#[test]
fn other_formats_are_masked_as_what_they_are() {
    check(
        &["mask", "--format", "headers"],
        "GET / HTTP/1.1\r\nAccept: text/plain\r\nAuthorization:  Bearer abcdefgh\r\ncookie:a=b\r\n\r\n",
        0,
        "GET / HTTP/1.1\r\nAccept: text/plain\r\nAuthorization:  ***MASKED***\r\ncookie:***MASKED***\r\n\r\n",
        "",
    );
    check(
        &["mask", "--format", "query"],
        "page=1&access_token=abc&code=x",
        0,
        "page=1&access_token=***MASKED***&code=***MASKED***",
        "",
    );
    check(
        &["mask", "--format", "text", "--lines"],
        "login failed: password=hunter2\nall is well\n",
        0,
        "login failed: password=***MASKED***\nall is well\n",
        "",
    );
}

#[test]
fn the_policy_is_named_or_read_from_a_file() {
    let input = r#"{"success":true,"passphrase":"x","badgeNo":7}"#;
    for (policy, stdout) in [
        (
            "iso27001",
            r#"{"success":true,"passphrase":"***MASKED***","badgeNo":7}"#,
        ),
        (
            "miso-4.9",
            r#"{"success":"***MASKED***","passphrase":"x","badgeNo":7}"#,
        ),
    ] {
        check(&["mask", "--policy", policy], input, 0, stdout, "");
    }
    check(
        &[
            "mask", "--policy", "strict", "--show", "badge no", "--show", "other",
        ],
        input,
        0,
        r#"{"success":"***MASKED***","passphrase":"***MASKED***","badgeNo":7}"#,
        "",
    );
    let ours = file("mask-policy.json", r#"{"fields":{"ours":["badge"]}}"#);
    check(
        &["mask", "--policy", &ours],
        input,
        0,
        r#"{"success":true,"passphrase":"***MASKED***","badgeNo":"***MASKED***"}"#,
        "",
    );
    let broken = file("mask-policy-broken.json", r#"{"fields":["planted"]}"#);
    for (policy, stderr) in [
        (broken.as_str(), "fields is an object of lists"),
        ("/nowhere/policy.json", "cannot be used: No such file"),
        ("", "the value of --policy"),
    ] {
        check(&["mask", "--policy", policy], input, 2, "", stderr);
    }
}

#[test]
fn a_folded_header_is_masked_to_its_end_and_a_request_line_is_no_header() {
    let input = "GET https://ada:SECRET@h/?code=SECRET HTTP/1.1\r\nX-Api-Key: SECRET\r\n\tSECRET\r\nHost: h\r\n";
    let stdout = "GET https://***MASKED***@h/?code=***MASKED*** HTTP/1.1\r\nX-Api-Key: ***MASKED***\r\n\
                  \t***MASKED***\r\nHost: h\r\n";
    check(&["mask", "--format", "headers"], input, 0, stdout, "");
}
