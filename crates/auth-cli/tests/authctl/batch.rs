//! Many tokens, one a line.

use std::io::{BufRead, BufReader, Write};

use auth_jwt::Algorithm;
use serde_json::json;

use crate::support::{
    NOW, accepted, check, check_verify, command, jwks, key, no_file, rejected, token, undetermined,
};

#[test]
fn each_line_gets_a_verdict_in_order_and_the_worst_is_the_exit_code() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("batch.jwks", &[&key]);
    let good = token(&key, &json!({}));
    let other = token(&key, &json!({ "sub": "u2" }));
    let old = token(&key, &json!({ "exp": 1 }));
    let (yes, also) = (accepted(&json!({})), accepted(&json!({ "sub": "u2" })));
    let (expired, malformed) = (rejected("expired"), rejected("malformed"));
    let too_large = rejected("too_large");
    let huge = "x".repeat(3 * 1024 * 1024);
    let check = |input: String, exit, verdicts: &[&str]| {
        let arguments = ["--jwks", &keys, "--batch"];
        check_verify(&arguments, input, exit, &verdicts.concat(), "");
    };
    check(format!("{good}\n{other}\n"), 0, &[&yes, &also]);
    // The last line need not have a newline, and either kind of newline will do.
    check(format!("{good}\r\n{other}"), 0, &[&yes, &also]);
    check(
        format!("{old}\n{good}\n{other}\n"),
        1,
        &[&expired, &yes, &also],
    );
    // A blank line is a token that is malformed, wherever it stands.
    check(
        format!("\n{good}\n\r\n  \n{good}\n\n"),
        1,
        &[&malformed, &yes, &malformed, &malformed, &yes, &malformed],
    );
    check("\n".to_owned(), 1, &[&malformed]);
    check(format!("{good}\r"), 1, &[&malformed]);
    // What is too long is passed over to its end, and the next line is a token again.
    check(
        format!("{huge}\n{good}\n{huge}"),
        1,
        &[&too_large, &yes, &too_large],
    );
}

#[test]
fn a_line_that_is_not_text_spoils_only_itself() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("batch_bytes.jwks", &[&key]);
    let good = token(&key, &json!({}));
    let input = [b"\xff\xfe\n", good.as_bytes(), b"\n\0\n"].concat();
    let malformed = rejected("malformed");
    let expected = [malformed.clone(), accepted(&json!({})), malformed];
    check_verify(
        &["--jwks", &keys, "--batch"],
        input,
        1,
        &expected.concat(),
        "",
    );
}

#[test]
fn undetermined_is_worse_than_rejected() {
    let key = key(Algorithm::EdDSA);
    let missing = no_file();
    let good = token(&key, &json!({}));
    // What is rejected without a key is rejected, whether keys can be had or not.
    let input = format!("no token\n{good}\n\n");
    let malformed = rejected("malformed");
    let expected = [&malformed, undetermined(), &malformed].concat();
    let arguments = ["--jwks", &missing, "--batch"];
    check_verify(&arguments, input, 2, &expected, "keys_unavailable");
    check_verify(&arguments, "no token", 1, &malformed, "keys_unavailable");
}

#[test]
fn no_line_at_all_is_an_error() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("no_line.jwks", &[&key]);
    check_verify(
        &["--jwks", &keys, "--batch"],
        "",
        2,
        "",
        r#"{"error":{"code":"no_input","message":"#,
    );
    check(
        &["token", "verify", "--jwks", &keys, "--batch"],
        "",
        2,
        "",
        "error: standard input holds no line",
    );
}

#[test]
fn verdicts_are_json_without_the_flag_too() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("without_flag.jwks", &[&key]);
    let now = NOW.to_string();
    let arguments = ["token", "verify", "--jwks", &keys, "--batch", "--now", &now];
    check(
        &arguments,
        token(&key, &json!({})),
        0,
        &accepted(&json!({})),
        "",
    );
}

#[test]
fn an_answer_comes_before_the_next_question() {
    let key = key(Algorithm::EdDSA);
    let keys = jwks("streaming.jwks", &[&key]);
    let mut child = command(&["token", "verify", "--jwks", &keys, "--batch"])
        .spawn()
        .unwrap();
    let mut questions = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    for _ in 0..3 {
        questions.write_all(b"no token\n").unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, rejected("malformed"));
    }
    drop(questions);
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
