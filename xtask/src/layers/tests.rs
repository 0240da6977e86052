use std::path::PathBuf;

use crate::layers::config::Layers;
use crate::layers::{RULES, check};
use crate::metadata::{Dependency, DependencyKind, Package};
use crate::project::Project;
use crate::sources::{self, Source};

/// A small house with one example of everything.
const LAYERS: &str = r#"
    [ranks]
    auth-core = 0
    auth-jwt = 2
    auth-mask = 2
    auth-http = 3
    auth-testkit = 7
    auth-sdk = 8

    [vocabulary]
    everywhere = ["serde"]
    async = ["tokio"]
    async-from-rank = 3

    [fences]
    hyper = ["auth-http"]

    [exceptions]
    free = ["auth-testkit"]
    umbrella = ["auth-sdk"]
    outside = ["xtask"]

    [identity]
    constructor = "vouch"
    defined-in = "auth-core"
    called-by = ["auth-jwt"]
"#;

const NO_RANK: &str = "a crate of the workspace needs a rank in xtask/layers.toml";
const LOWER: &str = "a crate may depend only on crates of a lower rank";
const RANKED: &str = "a crate may depend only on crates that have a rank";
const ASYNC: &str = "it is allowed only from rank 3 up";
const FENCED: &str = "it is fenced to auth-http";
const UNKNOWN: &str =
    "an external crate must be vocabulary or fenced to this crate in xtask/layers.toml";
const UMBRELLA: &str = "an umbrella may depend only on our own crates";
const CALLERS: &str = "only auth-core, auth-jwt may make an Identity";
const UNREAD: &str = "a file that is not read as Rust could make an Identity unseen";
const HANDED_ON: &str = "the constructor of Identity may not be handed on";
const RENAMED: &str = "the constructor of Identity may not go by another name";

/// Checks a crate with these dependencies: `serde`, `dev tokio`, `build cc`. What is called
/// `auth-…` or `xtask` is ours.
#[track_caller]
fn check_manifest(package: &str, dependencies: &[&str], expected: &[(&str, &str)]) {
    let dependencies = dependencies
        .iter()
        .map(|dependency| {
            let (kind, name) = match dependency.split_once(' ') {
                Some(("dev", name)) => (Some(DependencyKind::Dev), name),
                Some(("build", name)) => (Some(DependencyKind::Build), name),
                _ => (None, *dependency),
            };
            let is_ours = name.starts_with("auth-") || name == "xtask";
            Dependency {
                name: name.to_owned(),
                kind,
                source: (!is_ours).then(|| "a registry".to_owned()),
            }
        })
        .collect();
    let package = Package {
        name: package.to_owned(),
        manifest_path: PathBuf::from("Cargo.toml"),
        dependencies,
    };
    assert_violations(&[package], &[], expected);
}

/// Checks a source file of a crate.
#[track_caller]
fn check_source(package: &str, text: &str, expected: &[(&str, &str)]) {
    let source = Source {
        package: package.to_owned(),
        path: PathBuf::from("lib.rs"),
        text: text.to_owned(),
    };
    assert_violations(&[], &[source], expected);
}

#[track_caller]
fn assert_violations(packages: &[Package], sources: &[Source], expected: &[(&str, &str)]) {
    let layers = Layers::parse(LAYERS).unwrap();
    let found: Vec<String> = check(packages, sources, &layers)
        .iter()
        .map(ToString::to_string)
        .collect();
    let expected: Vec<String> = expected
        .iter()
        .map(|(finding, rule)| format!("{finding}: {rule}"))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn the_workspace_keeps_to_its_layers() {
    let project = Project::find().unwrap();
    let layers = Layers::parse(&project.shell.read_file(RULES).unwrap()).unwrap();
    let sources = sources::read_all(&project.metadata).unwrap();
    let violations = check(&project.metadata.packages, &sources, &layers);
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn every_crate_has_a_rank() {
    check_manifest("auth-core", &[], &[]);
    check_manifest("auth-new", &["hyper"], &[("auth-new", NO_RANK)]);
    check_manifest("xtask", &["regex", "auth-sdk"], &[]);
}

#[test]
fn a_crate_depends_on_lower_ranks_only() {
    check_manifest("auth-jwt", &["auth-core"], &[]);
    check_manifest("auth-core", &["dev auth-jwt", "dev auth-core"], &[]);
    check_manifest(
        "auth-core",
        &["auth-jwt"],
        &[("auth-core (rank 0) depends on auth-jwt (rank 2)", LOWER)],
    );
    check_manifest(
        "auth-jwt",
        &["build auth-mask"],
        &[("auth-jwt (rank 2) depends on auth-mask (rank 2)", LOWER)],
    );
    check_manifest(
        "auth-testkit",
        &["auth-sdk", "xtask"],
        &[
            ("auth-testkit (rank 7) depends on auth-sdk (rank 8)", LOWER),
            ("auth-testkit (rank 7) depends on xtask", RANKED),
        ],
    );
}

#[test]
fn vocabulary_is_free_from_its_rank_up() {
    check_manifest("auth-core", &["serde", "dev tokio"], &[]);
    check_manifest("auth-http", &["serde", "tokio"], &[]);
    check_manifest(
        "auth-jwt",
        &["tokio"],
        &[("auth-jwt (rank 2) depends on tokio", ASYNC)],
    );
}

#[test]
fn everything_else_is_fenced() {
    check_manifest("auth-http", &["hyper"], &[]);
    check_manifest("auth-testkit", &["hyper", "regex"], &[]);
    check_manifest("auth-jwt", &["dev hyper", "dev regex"], &[]);
    check_manifest(
        "auth-jwt",
        &["hyper", "build cc"],
        &[
            ("auth-jwt (rank 2) depends on hyper", FENCED),
            ("auth-jwt (rank 2) depends on cc", UNKNOWN),
        ],
    );
}

#[test]
fn an_umbrella_needs_nobody_but_us() {
    check_manifest("auth-sdk", &["auth-core", "auth-http", "dev tokio"], &[]);
    check_manifest(
        "auth-sdk",
        &["serde"],
        &[("auth-sdk (rank 8) depends on serde", UMBRELLA)],
    );
}

#[test]
fn the_constructor_of_identity_is_named_by_its_callers_only() {
    let call = "fn f() {\n    auth_core::identity::vouch(evidence)\n}";
    check_source("auth-core", call, &[]);
    check_source("auth-jwt", call, &[]);
    for package in ["auth-http", "auth-new", "xtask"] {
        let finding = format!("lib.rs:2: {package} names `vouch` of auth-core");
        check_source(package, call, &[(&finding, CALLERS)]);
    }
    check_source(
        "auth-http",
        "use auth_core::identity::{Evidence, r#vouch}; fn f() { vouch(evidence) }",
        &[
            ("lib.rs:1: auth-http names `vouch` of auth-core", CALLERS),
            ("lib.rs:1: auth-http names `vouch` of auth-core", CALLERS),
        ],
    );
}

#[test]
fn the_constructor_of_identity_is_not_handed_on() {
    check_source("auth-core", "pub use crate::identity::vouch;", &[]);
    for fine in [
        "use auth_core::identity::vouch;",
        "pub(crate) use auth_core::identity::vouch;",
        "pub use auth_core::Identity; fn f() { vouch(evidence) }",
        "pub fn f() -> impl Fn() + use<> { || vouch(evidence) }",
    ] {
        check_source("auth-jwt", fine, &[]);
    }
    for re_export in [
        "pub use auth_core::identity::vouch;",
        "pub use auth_core::{Identity, identity::{Evidence, vouch}};",
        "pub use auth_core::identity::vouch as identify;",
    ] {
        let finding = "lib.rs:1: auth-jwt re-exports `vouch` of auth-core";
        check_source("auth-jwt", re_export, &[(finding, HANDED_ON)]);
    }
    for renaming in [
        "use auth_core::identity::vouch as identify;",
        "use auth_core::identity::{Evidence, vouch as identify};",
        "let identify = vouch as fn(Evidence) -> Identity;",
    ] {
        let finding = "lib.rs:1: auth-jwt renames `vouch` of auth-core";
        check_source("auth-jwt", renaming, &[(finding, RENAMED)]);
    }
}

#[test]
fn the_constructor_of_identity_is_imported_or_called_and_nothing_else() {
    for mention in [
        "pub const MAKE: fn(Evidence) -> Identity = vouch;",
        "let all: Vec<_> = evidence.map(vouch).collect();",
        "macro_rules! make { ($it:expr) => { $crate::f(vouch, $it) } }",
    ] {
        let finding = "lib.rs:1: auth-jwt mentions `vouch` of auth-core";
        check_source("auth-jwt", mention, &[(finding, HANDED_ON)]);
    }
}

#[test]
fn nothing_is_taken_in_that_this_check_does_not_read() {
    for (taken_in, verb) in [
        (r#"include!("forge.inc");"#, "uses include!"),
        (r#"#[path = "forge.inc"] mod forge;"#, "uses #[path]"),
    ] {
        let finding = format!("lib.rs:1: auth-http {verb}");
        check_source("auth-http", taken_in, &[(&finding, UNREAD)]);
        check_source("auth-jwt", taken_in, &[]);
    }
    let text = r#"const README: &str = include_str!("README.md");"#;
    check_source("auth-http", text, &[]);
}

#[test]
fn words_in_comments_and_literals_are_no_use_of_them() {
    for harmless in [
        "// vouch",
        "/// [`vouch`]\n//! vouch\nfn f() {}",
        "/* vouch /* vouch */ vouch */ fn f() {}",
        r#"let a = "vouch \" vouch \\";"#,
        r##"let a = r#"vouch " vouch"#;"##,
        r###"let a = (r"\", r##" "# vouch "##, br#"vouch"#, cr"vouch", b"vouch", c"\"vouch");"###,
        "fn vouching<'vouch>(vouch_for: &'vouch str, voucher: u8) {}",
        "'vouch: loop { break 'vouch }",
        r#"let a = ['"', '\'', '\\', b'"', b'\'']; let b = "vouch";"#,
        "/* never closed: vouch",
        "\"never closed: vouch",
        "r#\"never closed: vouch\"",
    ] {
        check_source("auth-http", harmless, &[]);
    }
}

#[test]
fn what_looks_like_a_comment_or_a_literal_hides_nothing() {
    for (line, hidden) in [
        (1, r#"let a = "//"; vouch(b)"#),
        (1, r#"let a = "/*"; vouch(b)"#),
        (1, "let a = '\"'; vouch(b) // \""),
        (1, r#"let a = ('\'', b'\'', '\u{27}'); vouch(b)"#),
        (1, r#"let a = "\\"; vouch(b) // ""#),
        (1, r##"let a = r"\"; vouch(b)"##),
        (1, r##"let a = r#"""#; vouch(b)"##),
        (1, "fn f<'a, 'b>(c: &'a str) { vouch(b) }"),
        (1, "/* /* */ */ vouch(b)"),
        (1, "/**/ vouch(b)"),
        (1, "a!(r#vouch)"),
        (1, "a!(b'x' vouch)"),
        (2, "// é ' \"\nvouch(b)"),
        (3, "let a = \"\n\"; /*\n*/ vouch(b)"),
        (4, "let a = r#\"\n\\\"\n\"#;\nvouch(b)"),
        (2, "let a = \"\\\n\"; vouch(b)"),
    ] {
        let finding = format!("lib.rs:{line}: auth-http names `vouch` of auth-core");
        check_source("auth-http", hidden, &[(&finding, CALLERS)]);
    }
}

/// Checks that a change of the rules makes them contradict themselves.
#[track_caller]
fn check_refused(from: &str, to: &str, expected: &str) {
    let layers = LAYERS.replace(from, to);
    assert_ne!(layers, LAYERS, "{from} is not in the rules");
    assert_eq!(Layers::parse(&layers).unwrap_err().to_string(), expected);
}

#[test]
fn rules_that_could_never_apply_are_refused() {
    for (from, to) in [
        ("hyper = [\"auth-http\"]", "hyper = [\"auth-htpp\"]"),
        ("free = [\"auth-testkit\"]", "free = [\"auth-htpp\"]"),
        ("umbrella = [\"auth-sdk\"]", "umbrella = [\"auth-htpp\"]"),
        ("called-by = [\"auth-jwt\"]", "called-by = [\"auth-htpp\"]"),
        ("defined-in = \"auth-core\"", "defined-in = \"auth-htpp\""),
    ] {
        check_refused(from, to, "auth-htpp has no rank");
    }
    check_refused(
        "outside = [\"xtask\"]",
        "outside = [\"auth-sdk\"]",
        "auth-sdk has a rank and is outside of the layers",
    );
    check_refused(
        "async = [\"tokio\"]",
        "async = [\"tokio\", \"hyper\"]",
        "hyper is vocabulary and fenced",
    );
}
