//! Flags: what they refuse, and what the help says.

use crate::support::{CODES, check, run, text};

#[test]
fn broken_flags_are_refused_with_a_remedy() {
    for (arguments, message) in [
        (
            &["token", "verify"][..],
            "--jwks <FILE|URL>|--public-key <FILE>|--secret-file <FILE>",
        ),
        (&["token", "verify", "--jwks"], "the value of --jwks"),
        (&["token", "verify", "--jwks", ""], "the value of --jwks"),
        (
            &["token", "verify", "--jwks", "a", "--public-key", "b"],
            "cannot be used with",
        ),
        (
            &["token", "verify", "--jwks", "a", "--secret-file", "b"],
            "cannot be used with",
        ),
        (
            &["token", "verify", "--public-key", "a", "--secret-file", "b"],
            "cannot be used with",
        ),
        (
            &["token", "verify", "--jwks", "a", "--jwks", "b"],
            "multiple times",
        ),
        (
            &["token", "verify", "--jwks", "a", "--alg", "none"],
            "name algorithms",
        ),
        (
            &["token", "verify", "--jwks", "a", "--alg", "RS256,rs256"],
            "name algorithms",
        ),
        (
            &["token", "verify", "--jwks", "a", "--alg", "RS256,"],
            "--alg",
        ),
        (&["token", "verify", "--jwks", "a", "--alg", ""], "--alg"),
        (
            &["token", "verify", "--jwks", "a", "--leeway", "-1"],
            "--leeway",
        ),
        (
            &["token", "verify", "--jwks", "a", "--leeway", "86401"],
            "0 to 86400",
        ),
        (
            &["token", "verify", "--jwks", "a", "--leeway", "1m"],
            "whole seconds",
        ),
        (
            &["token", "verify", "--jwks", "a", "--now", "today"],
            "whole seconds since 1970",
        ),
        (
            &[
                "token",
                "verify",
                "--jwks",
                "a",
                "--now",
                "9223372036854775808",
            ],
            "--now",
        ),
        (
            &["token", "verify", "--jwks", "a", "--iss", ""],
            "--iss <I>",
        ),
        (
            &["token", "verify", "--jwks", "a", "--aud", ""],
            "--aud <A>",
        ),
        (
            &["token", "verify", "--jwks", "a", "--typ", ""],
            "--typ <T>",
        ),
        (
            &["token", "verify", "--jwks", "a", "--secret", "b"],
            "'--secret'",
        ),
        (
            &["token", "verify", "--jwks", "a", "b"],
            "neither a command nor a flag",
        ),
        (&["token", "decode", "--batch"], "'--batch'"),
        (&["token", "mint", "--key", "a"], "--alg <A>"),
        (&["token", "mint", "--alg", "RS256"], "--key <FILE>"),
        (
            &["token", "mint", "--key", "a", "--alg", "RS256,ES256"],
            "name one algorithm",
        ),
        (
            &["token", "mint", "--key", "a", "--alg", "none"],
            "name one algorithm",
        ),
        (
            &["token", "mint", "--key", "a", "--alg", "RS256", "--kid", ""],
            "--kid <K>",
        ),
        (
            &["token", "mint", "--key", "a", "--alg", "RS256", "--typ", ""],
            "--typ <T>",
        ),
        (
            &["token", "mint", "--key", "a", "--alg", "RS256", "b"],
            "neither a command nor a flag",
        ),
        (&["tokens"], "neither a command nor a flag"),
    ] {
        check(arguments, "", 2, "", "error: ");
        check(arguments, "", 2, "", message);
        check(arguments, "", 2, "", "\nhelp: ");

        let arguments = [arguments, &["--json"]].concat();
        let output = run(&arguments, b"");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(text(&output.stdout), "", "{arguments:?}");
        let line = text(&output.stderr);
        assert_eq!(line.matches('\n').count(), 1, "{line}");
        let document: serde_json::Value = serde_json::from_str(line).unwrap();
        let error = document["error"].as_object().unwrap();
        assert!(error.keys().eq(["code", "message", "remedy"]), "{line}");
        assert!(
            line.starts_with(r#"{"error":{"code":"usage","message":""#),
            "{line}"
        );
        assert_ne!(error["remedy"], "", "{line}");
    }
}

#[test]
fn an_incomplete_command_is_answered_with_its_help() {
    for (arguments, usage) in [
        (&[][..], "Usage: authctl <COMMAND>"),
        (&["token"], "Usage: authctl token <COMMAND>"),
    ] {
        check(arguments, "", 2, "", usage);
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let version = concat!("authctl ", env!("CARGO_PKG_VERSION"), "\n");
    check(&["--version"], "", 0, version, "");
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["token", "--help"],
        &["token", "verify", "--help"],
        &["token", "verify", "--json", "-h"],
        &["token", "decode", "--help"],
        &["token", "mint", "--help"],
    ] {
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert!(
            text(&output.stdout).contains("EXAMPLES:\n"),
            "{arguments:?}"
        );
    }
}

#[test]
fn help_and_readme_name_every_flag_and_every_code() {
    let output = run(&["token", "verify", "--help"], b"");
    let (help, readme) = (text(&output.stdout), include_str!("../../README.md"));
    for code in CODES {
        assert!(help.contains(&format!("\n  {code} ")), "{code}");
        assert!(readme.contains(&format!("\n| `{code}` |")), "{code}");
    }
    for flag in [
        "--jwks",
        "--public-key",
        "--secret-file",
        "--iss",
        "--aud",
        "--alg",
        "--leeway",
        "--now",
        "--typ",
        "--json",
        "--batch",
    ] {
        assert!(help.contains(&format!("\n      {flag}")), "{flag}");
        assert!(readme.contains(&format!("`{flag}")), "{flag}");
    }
    for exit in ["\n  0  accepted", "\n  1  rejected", "\n  2  undetermined"] {
        assert!(help.contains(exit), "{exit}");
    }
    let output = run(&["token", "mint", "--help"], b"");
    let mint = text(&output.stdout);
    for flag in ["--alg", "--key", "--kid", "--typ", "--json"] {
        assert!(mint.contains(&format!("\n      {flag}")), "{flag}");
        assert!(readme.contains(&format!("\n| `{flag}")), "{flag}");
    }
    // The lists in the help are written by hand.
    for algorithm in auth_jwt::Algorithm::ALL {
        assert!(help.contains(algorithm.name()), "{algorithm}");
        assert!(mint.contains(algorithm.name()), "{algorithm}");
    }
}
