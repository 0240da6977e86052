//! The corpora of the fuzz targets, every file of them, on every run and without a fuzzer.
//!
//! A file's name begins with what has to become of it: `accepted_` or `refused_`.

#[path = "../../../fuzz/src/checks.rs"]
mod checks;

use std::fs;
use std::path::Path;

/// Runs a target over its corpus; both kinds of files have to be there.
#[track_caller]
fn replay(target: &str, check: fn(&[u8]) -> bool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for file in fs::read_dir(folder.join(target)).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = match name.split('_').next() {
            Some("accepted") => true,
            Some("refused") => false,
            _ => panic!("{target}/{name} does not say what has to become of it"),
        };
        *(if expected {
            &mut accepted
        } else {
            &mut refused
        }) += 1;
        if check(&fs::read(&path).unwrap()) != expected {
            wrong.push(name.to_owned());
        }
    }
    wrong.sort();
    assert_eq!(wrong, Vec::<String>::new(), "{target}");
    assert!(
        accepted >= 10 && refused >= 30,
        "{target} has {accepted} accepted and {refused} refused"
    );
}

#[test]
fn the_corpus_of_token_is_judged_as_its_names_say() {
    replay("token", checks::token);
}

#[test]
fn the_corpus_of_signed_payload_is_judged_as_its_names_say() {
    replay("signed_payload", checks::signed_payload);
}

#[test]
fn the_corpus_of_jwks_is_judged_as_its_names_say() {
    replay("jwks", checks::jwks);
}
