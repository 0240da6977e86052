//! One token: its verdict.

use auth_jwt::Algorithm;
use serde_json::json;

use crate::support::{
    CODES, NOW, accepted, check, check_verify, command, file, jwks, key, no_file, rejected, run,
    text, token, token_with_header, undetermined,
};

#[test]
fn every_code_has_a_token_that_gets_it() {
    let good = key(Algorithm::EdDSA);
    let stranger = key(Algorithm::EdDSA);
    let keys = jwks("every_code.jwks", &[&good]);
    let none = json!({ "alg": "none", "kid": "k1" });
    let crit = json!({ "alg": "EdDSA", "kid": "k1", "crit": ["exp"] });
    let typ = json!({ "alg": "EdDSA", "kid": "k1", "typ": "logout+jwt" });
    let kid = json!({ "alg": "EdDSA", "kid": "k2" });
    let cases = [
        ("malformed", "a.b".to_owned()),
        ("too_large", "x".repeat(16 * 1024 + 1)),
        ("alg_not_allowed", token_with_header(&good, &none)),
        ("crit", token_with_header(&good, &crit)),
        ("typ", token_with_header(&good, &typ)),
        ("unknown_key", token_with_header(&good, &kid)),
        ("bad_signature", token(&stranger, &json!({}))),
        ("expired", token(&good, &json!({ "exp": NOW - 60 }))),
        ("not_yet_valid", token(&good, &json!({ "nbf": NOW + 61 }))),
        (
            "issuer",
            token(&good, &json!({ "iss": "https://else.test" })),
        ),
        ("audience", token(&good, &json!({ "aud": ["their-api"] }))),
        ("missing_claim", token(&good, &json!({ "sub": null }))),
        ("bad_claim", token(&good, &json!({ "exp": "never" }))),
    ];
    let arguments = [
        "--jwks",
        &keys,
        "--iss",
        "https://issuer.test",
        "--aud",
        "my-api",
    ];
    for (code, token) in &cases {
        check_verify(&arguments, token, 1, &rejected(code), "");
    }
    let token = token(&good, &json!({}));
    check_verify(&arguments, &token, 0, &accepted(&json!({})), "");
    let missing = no_file();
    check_verify(
        &["--jwks", &missing],
        &token,
        2,
        undetermined(),
        "keys_unavailable",
    );

    let shown = cases.iter().map(|(code, _)| *code);
    assert!(shown.chain(["keys_unavailable"]).eq(CODES));
}

#[test]
fn each_algorithm_is_verified_with_each_kind_of_key() {
    for algorithm in Algorithm::ALL {
        if algorithm.is_symmetric() {
            continue;
        }
        let key = key(algorithm);
        let token = token(&key, &json!({}));
        let accepted = accepted(&json!({}));
        let keys = jwks(&format!("each_algorithm.{algorithm}.jwks"), &[&key]);
        check_verify(&["--jwks", &keys], &token, 0, &accepted, "");
        let jwk = key.public_jwk().unwrap().to_string();
        let jwk = file(&format!("each_algorithm.{algorithm}.jwk"), jwk);
        check_verify(&["--jwks", &jwk], &token, 0, &accepted, "");
        let pem = key.public_pem().unwrap();
        let pem = file(&format!("each_algorithm.{algorithm}.pem"), pem);
        check_verify(&["--public-key", &pem], &token, 0, &accepted, "");
        let only = ["--public-key", &pem, "--alg", algorithm.name()];
        check_verify(&only, &token, 0, &accepted, "");
    }
}

#[test]
fn alg_narrows_what_the_key_allows_and_never_widens_it() {
    let key = key(Algorithm::PS256);
    let pem = file("alg.pem", key.public_pem().unwrap());
    let token = token(&key, &json!({}));
    let good = accepted(&json!({}));
    let not_allowed = rejected("alg_not_allowed");
    let check = |algorithms: &[&str], exit, stdout: &str| {
        let mut arguments = vec!["--public-key", &pem];
        arguments.extend(algorithms.iter().flat_map(|names| ["--alg", names]));
        check_verify(&arguments, &token, exit, stdout, "");
    };
    check(&[], 0, &good);
    check(&["PS256"], 0, &good);
    check(&["RS256,PS256"], 0, &good);
    check(&["RS256", "ES256,PS256"], 0, &good);
    check(&["RS256"], 1, &not_allowed);
    check(&["EdDSA,HS256"], 1, &not_allowed);

    // A token that says HS256, signed with the text of the public key as the secret.
    let forged = token_with_header(&key, &json!({ "alg": "HS256" }));
    check_verify(
        &["--public-key", &pem, "--alg", "HS256"],
        &forged,
        1,
        &not_allowed,
        "",
    );
}

#[test]
fn iss_and_aud_may_be_repeated_and_any_of_them_will_do() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("iss_and_aud.jwks", &[&key]);
    let check = |arguments: &[&str], changes: serde_json::Value, code: Option<&str>| {
        let mut all = vec!["--jwks", &keys];
        all.extend(arguments);
        let token = token(&key, &changes);
        match code {
            None => check_verify(&all, token, 0, &accepted(&changes), ""),
            Some(code) => check_verify(&all, token, 1, &rejected(code), ""),
        }
    };
    let issuers = [
        "--iss",
        "https://other.test",
        "--iss",
        "https://issuer.test",
    ];
    check(&issuers, json!({}), None);
    check(&issuers[..2], json!({}), Some("issuer"));
    check(
        &issuers,
        json!({ "iss": "https://issuer.test/" }),
        Some("issuer"),
    );
    check(&issuers, json!({ "iss": null }), Some("missing_claim"));
    let audiences = ["--aud", "other-api", "--aud", "my-api"];
    check(&audiences, json!({}), None);
    check(&audiences, json!({ "aud": ["a", "my-api"] }), None);
    check(&audiences[..2], json!({}), Some("audience"));
    check(&audiences, json!({ "aud": [] }), Some("audience"));
    check(&audiences, json!({ "aud": null }), Some("missing_claim"));

    // What is not compared may be missing or anything, but not of another type.
    check(&[], json!({ "iss": null, "aud": null }), None);
    check(&[], json!({ "iss": "a", "aud": ["b"] }), None);
    check(&[], json!({ "iss": 1 }), Some("bad_claim"));
    check(
        &[],
        json!({ "iss": ["https://issuer.test"] }),
        Some("bad_claim"),
    );
    check(&[], json!({ "aud": 1 }), Some("bad_claim"));
    check(&[], json!({ "aud": ["my-api", 1] }), Some("bad_claim"));
}

#[test]
fn exp_and_sub_are_required() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("exp_and_sub.jwks", &[&key]);
    for missing in ["exp", "sub"] {
        let token = token(&key, &json!({ missing: null }));
        check_verify(&["--jwks", &keys], token, 1, &rejected("missing_claim"), "");
    }
}

#[test]
fn leeway_and_now_decide_to_the_second() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("leeway_and_now.jwks", &[&key]);
    let check = |arguments: &[&str], changes: serde_json::Value, code: Option<&str>| {
        let mut all = vec!["--jwks", &keys];
        all.extend(arguments);
        let token = token(&key, &changes);
        match code {
            None => check_verify(&all, token, 0, &accepted(&changes), ""),
            Some(code) => check_verify(&all, token, 1, &rejected(code), ""),
        }
    };
    check(&["--now", "1059"], json!({ "exp": 1000 }), None);
    check(&["--now", "1060"], json!({ "exp": 1000 }), Some("expired"));
    check(
        &["--now", "999", "--leeway", "0"],
        json!({ "exp": 1000 }),
        None,
    );
    check(
        &["--now", "1000", "--leeway", "0"],
        json!({ "exp": 1000 }),
        Some("expired"),
    );
    check(
        &["--now", "1004", "--leeway", "5"],
        json!({ "exp": 1000 }),
        None,
    );
    check(
        &["--now", "1005", "--leeway", "5"],
        json!({ "exp": 1000 }),
        Some("expired"),
    );
    for begins in ["nbf", "iat"] {
        let changes = json!({ "exp": 2000, begins: 1000 });
        check(&["--now", "940"], changes.clone(), None);
        check(&["--now", "939"], changes.clone(), Some("not_yet_valid"));
        check(
            &["--now", "999", "--leeway", "0"],
            changes,
            Some("not_yet_valid"),
        );
    }
    check(&["--now", "-100"], json!({ "exp": -100 }), None);
    check(
        &["--now", "-1", "--leeway", "0"],
        json!({ "exp": -1 }),
        Some("expired"),
    );
    let last = i64::MAX.to_string();
    check(&["--now", &last], json!({ "exp": 1000 }), Some("expired"));
    let first = i64::MIN.to_string();
    check(&["--now", &first], json!({ "exp": 1000 }), None);
}

#[test]
fn without_now_the_clock_of_the_machine_counts() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("without_now.jwks", &[&key]);
    let arguments = ["token", "verify", "--json", "--jwks", &keys];
    let future = json!({ "exp": 4_102_444_800_i64 });
    check(&arguments, token(&key, &future), 0, &accepted(&future), "");
    check(
        &arguments,
        token(&key, &json!({})),
        1,
        &rejected("expired"),
        "",
    );
}

#[test]
fn typ_is_absent_jwt_or_at_jwt_unless_one_is_asked_for() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("typ.jwks", &[&key]);
    let check = |asked: Option<&str>, typ: Option<&str>, fits: bool| {
        let mut header = json!({ "alg": "EdDSA", "kid": "k1" });
        if let Some(typ) = typ {
            header["typ"] = typ.into();
        }
        let mut arguments = vec!["--jwks", &keys];
        arguments.extend(asked.iter().flat_map(|typ| ["--typ", typ]));
        let token = token_with_header(&key, &header);
        if fits {
            check_verify(&arguments, token, 0, &accepted(&json!({})), "");
        } else {
            check_verify(&arguments, token, 1, &rejected("typ"), "");
        }
    };
    for typ in [
        None,
        Some("JWT"),
        Some("at+jwt"),
        Some("application/AT+JWT"),
    ] {
        check(None, typ, true);
    }
    check(None, Some("dpop+jwt"), false);
    check(None, Some(""), false);
    check(Some("dpop+jwt"), Some("dpop+jwt"), true);
    check(Some("at+jwt"), Some("JWT"), false);
    check(Some("at+jwt"), None, false);
}

#[test]
fn a_token_without_kid_is_tried_with_every_compatible_key() {
    let first = key(Algorithm::ES256);
    let second = key(Algorithm::EdDSA).with_kid("k2");
    let third = key(Algorithm::EdDSA).with_kid("k3");
    let keys = jwks("no_kid.jwks", &[&first, &second, &third]);
    for (key, algorithm) in [(&first, "ES256"), (&second, "EdDSA"), (&third, "EdDSA")] {
        let token = token_with_header(key, &json!({ "alg": algorithm }));
        check_verify(&["--jwks", &keys], token, 0, &accepted(&json!({})), "");
    }
    let stranger = token_with_header(&key(Algorithm::EdDSA), &json!({ "alg": "EdDSA" }));
    check_verify(
        &["--jwks", &keys],
        stranger,
        1,
        &rejected("bad_signature"),
        "",
    );
    // With a kid, only the key of that name counts.
    let mistaken = token_with_header(&third, &json!({ "alg": "EdDSA", "kid": "k2" }));
    check_verify(
        &["--jwks", &keys],
        mistaken,
        1,
        &rejected("bad_signature"),
        "",
    );
}

#[test]
fn one_newline_is_dropped_and_nothing_else() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("newline.jwks", &[&key]);
    let token = token(&key, &json!({}));
    for end in ["", "\n", "\r\n"] {
        let input = format!("{token}{end}");
        check_verify(&["--jwks", &keys], input, 0, &accepted(&json!({})), "");
    }
    for input in [
        format!("{token}\n\n"),
        format!("{token}\r"),
        format!("{token} \n"),
        format!(" {token}"),
        format!("\n{token}"),
        format!("{token}\n{token}\n"),
        format!("Bearer {token}"),
        format!("\u{feff}{token}"),
        String::new(),
        "\n".to_owned(),
    ] {
        check_verify(&["--jwks", &keys], input, 1, &rejected("malformed"), "");
    }
    let mut bytes = token.into_bytes();
    bytes.push(0xff);
    check_verify(&["--jwks", &keys], bytes, 1, &rejected("malformed"), "");
}

#[test]
fn the_largest_token_is_judged_and_a_larger_one_is_not() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("largest.jwks", &[&key]);
    let of_size = |size: usize| {
        let bare = token(&key, &json!({ "pad": "" })).len();
        // Four characters of base64url for three of padding, and the rest by trying.
        let start = (size - bare) / 4 * 3 - 4;
        (start..start + 9)
            .map(|pad| token(&key, &json!({ "pad": "x".repeat(pad) })))
            .find(|token| token.len() == size)
    };
    let limit = 16 * 1024;
    // Not every length is one of base64url; one of two neighbours is.
    let largest = of_size(limit).or_else(|| of_size(limit - 1)).unwrap();
    let output = run(
        &["token", "verify", "--json", "--now", "1", "--jwks", &keys],
        format!("{largest}\r\n").as_bytes(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let larger = of_size(limit + 1).or_else(|| of_size(limit + 2)).unwrap();
    check_verify(&["--jwks", &keys], larger, 1, &rejected("too_large"), "");
    for size in [limit + 1, 1024 * 1024, 1024 * 1024 + 1, 5 * 1024 * 1024] {
        let input = "x".repeat(size);
        check_verify(&["--jwks", &keys], input, 1, &rejected("too_large"), "");
    }
}

#[test]
fn the_claims_of_a_verdict_are_those_that_were_signed_on_one_line() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("one_line.jwks", &[&key]);
    let payload = "\r\n{ \"sub\": \"u\\n1\",\n\t\"exp\": 1700000100.50,\n \"big\": \
        12345678901234567890123, \"a\": \"\u{9b}\u{2028}\" }\n";
    let header = json!({ "alg": "EdDSA" }).to_string();
    let token = key.sign_parts(header.as_bytes(), payload.as_bytes());
    let expected = "{\"verdict\":\"accepted\",\"code\":null,\"claims\":\
        {\"sub\":\"u\\n1\",\"exp\":1700000100.50,\"big\":12345678901234567890123,\
        \"a\":\"\\u009b\\u2028\"}}\n";
    check_verify(&["--jwks", &keys], token.unwrap().expose(), 0, expected, "");
}

#[test]
fn for_a_person_a_verdict_is_a_few_lines() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("for_a_person.jwks", &[&key]);
    let now = NOW.to_string();
    let arguments = ["token", "verify", "--jwks", &keys, "--now", &now];
    let full = token(
        &key,
        &json!({
            "aud": ["a", "b"],
            "sub": "u\u{1b}[2J\nx",
            "realm_access": { "roles": ["admin", "dev"] },
        }),
    );
    let expected = "accepted\n  \
        sub         u\\u001b[2J\\u000ax\n  \
        iss         https://issuer.test\n  \
        aud         a, b\n  \
        exp         1700000100 (in 100 s)\n  \
        realm roles admin, dev\n";
    let iss = "note: the issuer was not compared (no --iss)\n";
    let aud = "note: the audience was not compared (no --aud)\n";
    check(&arguments, &full, 0, expected, &format!("{iss}{aud}"));
    let with_iss = [&arguments[..], &["--iss", "https://issuer.test"]].concat();
    check(&with_iss, &full, 0, expected, aud);
    let with_both = [&with_iss[..], &["--aud", "b"]].concat();
    check(&with_both, &full, 0, expected, "");
    let bare = token(&key, &json!({ "aud": null, "iss": null, "exp": NOW - 5 }));
    let expected = "accepted\n  \
        sub         u1\n  \
        exp         1699999995 (5 s ago, forgiven by the leeway)\n";
    check(&arguments, bare, 0, expected, iss);
    let old = token(&key, &json!({ "exp": NOW - 90 }));
    let expected = "rejected: expired\n  token expired 90 s ago\nhelp: get a new token\n";
    check(&arguments, old, 1, expected, "");
    let missing = no_file();
    check(
        &["token", "verify", "--public-key", &missing],
        token(&key, &json!({})),
        2,
        "undetermined: keys_unavailable\n  the keys are unavailable: standard error says why\n",
        "error: cannot read a key from the file of --public-key: ",
    );
}

/// A verdict that nobody could read is not reported as one.
#[test]
fn a_closed_output_is_an_error_and_not_a_panic() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("closed_output.jwks", &[&key]);
    let token = token(&key, &json!({ "exp": 4_102_444_800_i64 }));
    for mode in ["--json", "--batch"] {
        let mut child = command(&["token", "verify", "--jwks", &keys, mode])
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut input = child.stdin.take().unwrap();
        // The command may end before it has read all of this.
        let _ = std::io::Write::write_all(&mut input, format!("{token}\n").as_bytes());
        drop(input);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let complaint = text(&output.stderr);
        assert!(complaint.contains("cannot be written"), "{complaint}");
        assert!(!complaint.contains("panicked"), "{complaint}");
    }
}

#[test]
fn role_claim_of_the_wrong_type_grants_nothing() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("role_shape.jwks", &[&key]);
    let changes = json!({ "realm_access": { "roles": "admin" } });
    let token = token(&key, &changes);
    check_verify(&["--jwks", &keys], &token, 0, &accepted(&changes), "");
    let now = NOW.to_string();
    let output = run(
        &["token", "verify", "--jwks", &keys, "--now", &now],
        token.as_bytes(),
    );
    assert!(!text(&output.stdout).contains("admin"));
}
