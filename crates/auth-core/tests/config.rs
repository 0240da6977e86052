//! Settings through the public API: files, precedence, and what an operator gets to read.

use std::fs;
use std::path::{Path, PathBuf};

use auth_core::config::{Env, Variable};
use expect_test::expect;

const URL: Variable = Variable::new("APP_URL", "the address of the service").alias("APP_URI");
const KEY: Variable = Variable::new("APP_KEY", "the key of the service");
const PORT: Variable = Variable::new("APP_PORT", "a port number from 1 to 65535");
const ORIGINS: Variable = Variable::new("APP_ORIGINS", "a list of origins");

/// A directory of this test's own, under the folder cargo keeps for them.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("config")
        .join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn text(env: &Env, variable: &Variable) -> Result<Option<String>, String> {
    let mut reader = env.reader();
    let text = reader.text(variable);
    reader.finish(|| Some(text)).map_err(|e| e.to_string())
}

#[test]
fn every_problem_is_told_at_once_and_none_quotes_a_value() {
    let missing = directory("every-problem").join("planted-path");
    let env = Env::from_pairs([
        ("APP_PORT", "planted-port"),
        ("APP_KEY_FILE", missing.to_str().unwrap()),
    ]);
    let mut reader = env.reader();
    let url = reader.required_text(&URL);
    let key = reader.required_secret(&KEY);
    let port: Option<u16> = reader.parse(&PORT);
    let error = reader.finish(|| Some((url?, key?, port?))).unwrap_err();
    expect![[r#"
        3 settings need attention
        - APP_URL is not set; set it to the address of the service, or APP_URL_FILE to a file that holds it
        - APP_KEY_FILE names a file that cannot be opened; make it name a readable file of at most 64 KiB that holds the key of the service
        - APP_PORT cannot be used; set it to a port number from 1 to 65535"#]]
    .assert_eq(&error.to_string());
    assert!(!format!("{error} {error:?}").contains("planted"));
    let variables: Vec<_> = error.problems().iter().map(|p| p.variable()).collect();
    assert_eq!(variables, ["APP_URL", "APP_KEY_FILE", "APP_PORT"]);
}

#[test]
fn a_value_may_lie_in_a_file() {
    let file = directory("value-in-file").join("key");
    fs::write(&file, "s3cret \r\n").unwrap();
    let env = Env::from_pairs([("APP_KEY_FILE", file.to_str().unwrap())]);
    assert_eq!(text(&env, &KEY), Ok(Some("s3cret ".to_owned())));

    fs::write(&file, "x".repeat(64 * 1024 + 1)).unwrap();
    assert!(text(&env, &KEY).unwrap_err().contains("is too large"));
    fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(text(&env, &KEY).unwrap_err().contains("is not UTF-8 text"));
}

#[test]
fn a_value_and_a_file_for_it_are_a_problem_not_a_guess() {
    let env = Env::from_pairs([("APP_KEY", "planted"), ("APP_KEY_FILE", "planted")]);
    expect![[r#"
        1 setting needs attention
        - APP_KEY and APP_KEY_FILE are both set; set one of them"#]]
    .assert_eq(&text(&env, &KEY).unwrap_err());
}

#[test]
fn an_alias_is_asked_second_and_empty_is_not_set() {
    let env = Env::from_pairs([("APP_URL", ""), ("APP_URI", "http://two")]);
    assert_eq!(text(&env, &URL), Ok(Some("http://two".to_owned())));
    let env = Env::from_pairs([("APP_URL", "http://one"), ("APP_URI", "http://two")]);
    assert_eq!(text(&env, &URL), Ok(Some("http://one".to_owned())));
}

#[test]
fn the_process_wins_over_dotenv_under_an_alias_too() {
    let root = directory("alias-precedence");
    fs::write(root.join(".env"), "APP_URL=dotenv\n").unwrap();
    let env = Env::from_pairs([("APP_URI", "process")]);
    let env = env.with_dotenv(&root).unwrap();
    assert_eq!(text(&env, &URL), Ok(Some("process".to_owned())));
}

#[test]
fn a_dotenv_that_is_no_file_is_a_problem_and_not_passed_over() {
    let root = directory("dotenv-directory");
    fs::write(root.join(".env"), "APP_URL=outer\n").unwrap();
    let inner = root.join("inner");
    fs::create_dir_all(inner.join(".env")).unwrap();
    let error = Env::default().with_dotenv(&inner).unwrap_err().to_string();
    assert!(error.contains("is not a file"), "{error}");
}

#[test]
fn a_list_drops_blanks() {
    let env = Env::from_pairs([("APP_ORIGINS", " a, ,b ,")]);
    assert_eq!(env.reader().list(&ORIGINS), ["a", "b"]);
    assert_eq!(Env::default().reader().list(&ORIGINS), [""; 0]);
}

/// Contract miso §13 B15: the original looks beside its own package, not where the program runs.
#[test]
fn miso_b15_dotenv_is_found_from_the_given_directory_upward() {
    let root = directory("dotenv-upward");
    let inner = root.join("a/b");
    fs::create_dir_all(&inner).unwrap();
    fs::write(root.join(".env"), "APP_URL=outer\nAPP_PORT=1\n").unwrap();
    let env = Env::default().with_dotenv(&inner).unwrap();
    assert_eq!(text(&env, &URL), Ok(Some("outer".to_owned())));

    fs::write(root.join("a/.env"), "APP_URL=nearer\n").unwrap();
    let env = Env::default().with_dotenv(&inner).unwrap();
    assert_eq!(text(&env, &URL), Ok(Some("nearer".to_owned())));
    // The first file found is the only one.
    assert_eq!(text(&env, &PORT), Ok(None));
}

#[test]
fn the_process_wins_over_dotenv_also_against_a_file_variable() {
    let root = directory("precedence");
    fs::write(
        root.join(".env"),
        "APP_URL=dotenv\nAPP_KEY_FILE=/nonexistent\nAPP_PORT=9\n",
    )
    .unwrap();
    let env = Env::from_pairs([("APP_URL", "process"), ("APP_KEY", "k"), ("APP_PORT", "")])
        .with_dotenv(&root)
        .unwrap();
    assert_eq!(text(&env, &URL), Ok(Some("process".to_owned())));
    assert_eq!(text(&env, &KEY), Ok(Some("k".to_owned())));
    // Empty counts as not set, so the file's value stands.
    assert_eq!(text(&env, &PORT), Ok(Some("9".to_owned())));
}

#[test]
fn a_dotenv_file_with_broken_lines_is_refused_with_each_line_named() {
    let root = directory("broken-dotenv");
    fs::write(
        root.join(".env"),
        "APP_KEY planted\nAPP_URL=ok\n='planted'\n",
    )
    .unwrap();
    let error = Env::default().with_dotenv(&root).unwrap_err();
    assert_eq!(error.problems().len(), 2);
    let text = error.to_string();
    assert!(text.contains(".env line 1 has no equals sign"), "{text}");
    assert!(text.contains(".env line 3 has no name"), "{text}");
    assert!(!text.contains("planted"), "{text}");
}
