//! Documents, headers, queries and text, through the public API.

use std::collections::BTreeMap;
use std::sync::Mutex;

use auth_mask::{Category, MaskPolicy, Masker};
use serde::Serialize;
use serde_json::json;

#[track_caller]
fn check_text(text: &str, expected: &str) {
    let masker = Masker::default();
    assert_eq!(masker.mask_text(text), expected);
    assert_eq!(masker.mask_text(expected), expected, "masked twice");
}

#[test]
fn text_keeps_everything_but_its_secrets() {
    for (text, expected) in [
        (
            "Authorization: Bearer abc123",
            "Authorization: Bearer ***MASKED***",
        ),
        ("BEARER abc123, then", "BEARER ***MASKED***, then"),
        ("auth=Bearer abc123", "auth=***MASKED*** ***MASKED***"),
        ("Basic dXNlcjpwYXNz", "Basic ***MASKED***"),
        (
            "x eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0. y",
            "x ***MASKED*** y",
        ),
        ("cut eyJhbGciOi.eyJzdWIiOi", "cut ***MASKED***"),
        ("jwe eyJlbmMi..aXY.Y3Q.dGFn", "jwe ***MASKED***"),
        ("amqp://ada:pw@mq:5672/x", "amqp://***MASKED***@mq:5672/x"),
        (
            "at http://h,http://u:p@h2/",
            "at http://h,http://***MASKED***@h2/",
        ),
        ("password==abc", "password==***MASKED***"),
        (
            "Server=db;Password=a,b;User=ada",
            "Server=db;Password=***MASKED***;User=ada",
        ),
        ("password = 'a b' ok", "password = '***MASKED***' ok"),
        (
            r#"Login { user: "ada", secret: "a\"b" }"#,
            r#"Login { user: "ada", secret: "***MASKED***" }"#,
        ),
        (r#"{"pin":1234,"n":2}"#, r#"{"pin":"***MASKED***","n":2}"#),
        (
            r#"got {"pin":1234,"n":{"token":{"a":["}",1]},"b":2}"#,
            r#"got {"pin":***MASKED***,"n":{"token":***MASKED***,"b":2}"#,
        ),
        (
            r#"got {\"token\":{\"a\":\"}\"},\"b\":2} x"#,
            r#"got {\"token\":***MASKED***,\"b\":2} x"#,
        ),
        (
            r#"{"a":1,"password":{"old":"x"#,
            r#"{"a":1,"password":***MASKED***"#,
        ),
        (
            r#"{"pass\u0077ord":"x"} and more"#,
            r#"{"pass\u0077ord":"***MASKED***"} and more"#,
        ),
        (r"first\ntoken=abc", r"first\ntoken=***MASKED***"),
        (
            r#"{"a":"b"} {"credentials":["x","y"]}"#,
            r#"{"a":"b"} {"credentials":***MASKED***}"#,
        ),
        (
            r#"said {\"token\":\"abc\"}"#,
            r#"said {\"token\":\"***MASKED***\"}"#,
        ),
        (r#"{"token":"cut off"#, r#"{"token":***MASKED***"#),
        (
            "k -----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- e",
            "k ***MASKED*** e",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMHc", "***MASKED***"),
    ] {
        check_text(text, expected);
    }
}

#[test]
fn text_without_secrets_is_shown_as_it_is() {
    for text in [
        "",
        "a bearer token is required",
        "Bearer realm=\"x\", error=\"invalid_token\"",
        "basic information, the basic plan: 5 EUR",
        "password: must not be empty",
        "token == null",
        "error code=404 key=orders:17",
        "https://host:8080/a?page=2#top",
        "PLAINTEXT://a:9092,SSL://b:9093",
        "mail ada@example.test",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "eyJ, eyJx.y",
        "::= a:b := c",
    ] {
        check_text(text, text);
    }
}

#[test]
fn what_is_shown_of_a_document_is_copied_as_it_stands() {
    let document = r#" { "z" : [1, -2, 3.25, 1e300, 0.1, 18446744073709551615], "a": {"b":null,"c":true}, "a2": "ä\u0000\"" } "#;
    let shown = Masker::default().mask_json(document).unwrap();
    assert_eq!(shown.as_str(), document);
}

#[test]
fn a_sensitive_value_is_masked_whatever_its_type() {
    for value in [
        "null",
        "true",
        "1",
        "\"x\"",
        "[1,{\"a\":2}]",
        "{\"a\":{\"b\":1}}",
    ] {
        for policy in [MaskPolicy::iso27001(), MaskPolicy::miso_4_9()] {
            let shown = Masker::new(policy).mask_json(&format!(r#"{{"secret":{value},"n":1}}"#));
            assert_eq!(
                shown.unwrap().as_str(),
                r#"{"secret":"***MASKED***","n":1}"#
            );
        }
    }
}

#[test]
fn an_escape_in_a_key_hides_nothing() {
    let shown = Masker::default()
        .mask_json(r#"{"pass\u0077ord":"x"}"#)
        .unwrap();
    assert_eq!(shown.as_str(), r#"{"pass\u0077ord":"***MASKED***"}"#);
}

#[test]
fn what_is_not_json_is_refused_and_nothing_of_it_told() {
    for (document, truncated) in [
        ("", true),
        (r#"{"a":"SECRET"#, true),
        (r#"{"a":"SECRET"} SECRET"#, false),
        (r#"{"a":SECRET}"#, false),
        (r#"{"a":1,}"#, false),
        ("[1e]", false),
        ("[01]", false),
        (r#"{"a":"\q"}"#, false),
        (r#"{"a":"SECRET\u12"#, true),
        (r#"{"a":"SECRET\"#, true),
    ] {
        let error = Masker::default().mask_json(document).unwrap_err();
        assert_eq!(error.is_truncated(), truncated, "{document}");
        assert!(
            !format!("{error} {error:?}").contains("SECRET"),
            "{document}"
        );
    }
}

#[test]
fn a_value_of_ones_own_is_printed_masked() {
    #[derive(Serialize)]
    struct Login<'a> {
        user: &'a str,
        password: &'a str,
        attempts: (u8, f64),
    }
    let login = Login {
        user: "ada",
        password: "SECRET",
        attempts: (3, 0.5),
    };
    assert_eq!(
        Masker::default().to_json(&login).unwrap().as_str(),
        r#"{"user":"ada","password":"***MASKED***","attempts":[3,0.5]}"#
    );
}

#[test]
fn a_value_that_cannot_be_printed_is_an_error_that_tells_nothing() {
    struct Stubborn;
    impl Serialize for Stubborn {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("SECRET"))
        }
    }
    let masker = Masker::default();
    let error = masker.to_json(&Stubborn).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("SECRET"));
    assert!(masker.to_json(&BTreeMap::from([((1, 2), 3)])).is_err());
    assert_eq!(
        masker.to_json(&BTreeMap::from([(1, 2)])).unwrap().as_str(),
        r#"{"1":2}"#
    );
}

#[test]
fn headers_are_masked_by_name_and_by_value() {
    let shown = Masker::default().mask_headers([
        ("Authorization", &b"Bearer abc"[..]),
        ("cookie", b"a=b"),
        ("referer", b"https://h/?token=abc"),
        ("accept", b"*/*"),
        ("x-odd", b"\xff"),
    ]);
    let values: Vec<_> = shown.iter().map(|(_, value)| value.as_str()).collect();
    let mask = "***MASKED***";
    assert_eq!(
        values,
        [
            mask,
            mask,
            "https://h/?token=***MASKED***",
            "*/*",
            "\u{fffd}"
        ]
    );
}

#[test]
fn a_query_keeps_its_order_and_spelling() {
    let masker = Masker::default();
    for (query, expected) in [
        ("", ""),
        (
            "a=1&password=x&b=%C3%A4",
            "a=1&password=***MASKED***&b=%C3%A4",
        ),
        ("a;token=x;b", "a;token=***MASKED***;b"),
        ("token", "token"),
        ("eyJhbGci.eyJz.c2ln", "***MASKED***"),
        ("q=Bearer+abc123", "q=***MASKED***"),
        ("password=a=b", "password=***MASKED***"),
        ("&&=&=x", "&&=&=x"),
    ] {
        assert_eq!(masker.mask_query(query), expected);
        assert_eq!(masker.mask_query(expected), expected);
    }
}

#[test]
fn any_sensitive_name_is_found_at_any_depth() {
    let masker = Masker::default();
    assert!(masker.contains_sensitive(&json!([{"a": [{"otp": 1}]}])));
    assert!(!masker.contains_sensitive(&json!({"a": ["password"]})));
    assert!(!masker.contains_sensitive(&json!("password=1")));
}

#[test]
fn bytes_are_masked_up_to_what_is_no_text() {
    let masker = Masker::default();
    for (bytes, shown, truncated) in [
        (&b"{\"otp\":1}"[..], r#"{"otp":"***MASKED***"}"#, None),
        (b"{\"a\":1,\"b\":\"\xff\"}", r#"{"a":1,"b":"#, Some(false)),
        (b"{\"a\":\"\xc3", r#"{"a":"#, Some(true)),
        (b"{\"a\":x \xff", r#"{"a":"#, Some(false)),
        (b"[1]\xff", "[1]", Some(false)),
        (b"", "", Some(true)),
    ] {
        let mut out = String::new();
        let masked = masker.mask_json_bytes_into(bytes, &mut out);
        assert_eq!(out, shown);
        assert_eq!(
            masked.err().map(|error| error.is_truncated()),
            truncated,
            "{shown}"
        );
    }
}

#[test]
fn fields_are_masked_by_name_and_by_value() {
    let masker = Masker::default();
    for (name, value, expected) in [
        ("comment", "hello", "hello"),
        ("comment", "Bearer abcdef", "Bearer ***MASKED***"),
        ("user[password]", "x", "***MASKED***"),
        ("APP_DB_PASSWORD", "x", "***MASKED***"),
        ("file", "", ""),
    ] {
        assert_eq!(
            masker.mask_field(name, value).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    let as_it_was = Masker::new(MaskPolicy::miso_4_9());
    assert_eq!(
        as_it_was.mask_field("a", "Bearer abcdef").as_deref(),
        Some("Bearer abcdef")
    );
}

#[test]
fn a_cookie_is_a_credential_whatever_its_name() {
    let masker = Masker::default();
    for (header, expected) in [
        ("", ""),
        (
            "theme=dark; sid=abc",
            "theme=***MASKED***; sid=***MASKED***",
        ),
        ("a=b;c=d ;  e=", "a=***MASKED***; c=***MASKED***; e="),
        ("a=b=c; d", "a=***MASKED***; ***MASKED***"),
        ("a=\"b c\"", "a=***MASKED***"),
    ] {
        assert_eq!(masker.mask_cookies(header), expected);
        assert_eq!(masker.mask_cookies(expected), expected);
    }
    for (header, expected) in [
        (
            "acme=abc; Domain=h; Path=/; Max-Age=3600; SameSite=Lax; HttpOnly",
            "acme=***MASKED***; Domain=h; Path=/; Max-Age=3600; SameSite=Lax; HttpOnly",
        ),
        ("acme=", "acme="),
        ("abc", "***MASKED***"),
        ("abc;Path=/", "***MASKED***;Path=/"),
    ] {
        assert_eq!(masker.mask_set_cookie(header), expected);
        assert_eq!(masker.mask_set_cookie(expected), expected);
    }
    let named = Masker::new(MaskPolicy::iso27001().show_name("theme"));
    assert_eq!(
        named.mask_cookies("theme=dark; theme=ghp_FACE0FACE0FACE0FACE0FACE0FACE0FACE0F"),
        "theme=dark; theme=***MASKED***"
    );
    // Where sessions are not masked, cookies are judged like anything else.
    let without = Masker::new(MaskPolicy::iso27001().without(Category::Session));
    assert_eq!(
        without.mask_cookies("theme=dark; token=x"),
        "theme=dark; token=***MASKED***"
    );
}

#[test]
fn an_error_is_masked_with_its_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot log in with password={password}")]
    struct Login {
        password: String,
        source: std::io::Error,
    }
    let error = Login {
        password: "s3cret".to_owned(),
        source: std::io::Error::other("401 from https://ada:pw@host/?token=abc"),
    };
    let masker = Masker::default();
    assert_eq!(
        masker.mask_error(&error),
        "cannot log in with password=***MASKED***: \
         401 from https://***MASKED***@host/?token=***MASKED***"
    );
}

#[test]
fn a_panic_is_masked_and_says_where_it_was() {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let before = std::panic::take_hook();
    let masker = Masker::default();
    let here = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == here {
            SAID.lock().unwrap().push(masker.mask_panic(panic));
        } else {
            before(panic);
        }
    }));
    let secret = "s3cret";
    let panicked = [
        std::panic::catch_unwind(|| panic!("password={secret}")).is_err(),
        std::panic::catch_unwind(|| panic!("token=abc")).is_err(),
        std::panic::catch_unwind(|| std::panic::panic_any(7)).is_err(),
    ];
    drop(std::panic::take_hook());
    assert_eq!(panicked, [true; 3]);
    let said = SAID.lock().unwrap();
    let place = format!("panicked at {}:", file!());
    assert!(said.iter().all(|text| text.starts_with(&place)), "{said:?}");
    assert!(said[0].ends_with(": password=***MASKED***"), "{said:?}");
    assert!(said[1].ends_with(": token=***MASKED***"), "{said:?}");
    assert!(said[2].ends_with(": no message"), "{said:?}");
}

#[test]
fn a_quoted_value_ends_at_its_own_quotation_mark_however_often_it_is_quoted() {
    for (text, expected) in [
        (
            r#"got {\"password\":\"ab\\\"s3cret\"} end"#,
            r#"got {\"password\":\"***MASKED***\"} end"#,
        ),
        (
            r#"got {\"password\":\"ab\\\\\",\"a\":\"b\"} end"#,
            r#"got {\"password\":\"***MASKED***\",\"a\":\"b\"} end"#,
        ),
        (
            r#"got {\\\"password\\\":\\\"s3cret\\\"} end"#,
            r#"got {\\\"password\\\":\\\"***MASKED***\\\"} end"#,
        ),
        (
            r#"got {\\\"password\\\":[\\\"s3]cret\\\"],\\\"a\\\":1} end"#,
            r#"got {\\\"password\\\":***MASKED***,\\\"a\\\":1} end"#,
        ),
        (
            "got {\"password\"\t:\t\"s3cret\", \"otp\":\r\n 123456}",
            "got {\"password\"\t:\t\"***MASKED***\", \"otp\":\r\n ***MASKED***}",
        ),
    ] {
        check_text(text, expected);
    }
}

#[test]
fn what_a_program_prints_of_a_value_is_masked_to_its_end() {
    for (text, expected) in [
        (
            r#"Login { user: "ada", password: Some("s3c)ret"), id: 7 }"#,
            r#"Login { user: "ada", password: ***MASKED***, id: 7 }"#,
        ),
        (
            r#"token=Some(Token("s3cret")) user=Some("ada")"#,
            r#"token=***MASKED*** user=Some("ada")"#,
        ),
        (
            r#"tokens: ["s3cret", "s3cret"], ids: ["a"]"#,
            r#"tokens: ***MASKED***, ids: ["a"]"#,
        ),
        (
            "{'password': b's3cret', 'a': b'b'}",
            "{'password': b'***MASKED***', 'a': b'b'}",
        ),
        ("password=r\"s3cret\" a", "password=r\"***MASKED***\" a"),
        ("password: Some(\"s3cret", "password: ***MASKED***"),
        ("no token: Some or none", "no token: Some or none"),
        ("unexpected token: (found 3)", "unexpected token: (found 3)"),
    ] {
        check_text(text, expected);
    }
}

#[test]
fn a_parameter_or_a_cookie_whose_name_is_a_secret_is_masked() {
    let masker = Masker::default();
    let key = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    for (query, expected) in [
        (format!("{key}=1&a=b"), "***MASKED***=1&a=b"),
        (format!("a=b&{key}="), "a=b&***MASKED***="),
    ] {
        assert_eq!(masker.mask_query(&query), expected);
        assert_eq!(masker.mask_query(expected), expected);
    }
    let expected = "***MASKED***=***MASKED***";
    assert_eq!(masker.mask_cookies(&format!("{key}=1")), expected);
}

#[test]
fn of_a_set_cookie_only_attributes_are_shown() {
    let masker = Masker::default();
    for (header, expected) in [
        (
            "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; max-age=3;Secure; SameSite=Lax;",
            "a=***MASKED***; Expires=Wed, 21 Oct 2026 07:28:00 GMT; max-age=3;Secure; SameSite=Lax;",
        ),
        // Several in one, as some clients hand them over.
        (
            "a=1; Path=/, acme=s3cret; HttpOnly",
            "a=***MASKED***; Path=***MASKED***; HttpOnly",
        ),
        (
            "a=1; Secure, acme=s3cret; Path=/",
            "a=***MASKED***; ***MASKED***; Path=/",
        ),
        // A semicolon within quotation marks.
        (
            "a=\"x;s3cret\"; Path=/",
            "a=***MASKED***;***MASKED***; Path=/",
        ),
    ] {
        assert_eq!(masker.mask_set_cookie(header), expected);
        assert_eq!(masker.mask_set_cookie(expected), expected);
    }
}
