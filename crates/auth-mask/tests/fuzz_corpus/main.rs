//! The corpus of the fuzz target, every file of it, on every run and without a fuzzer.
//!
//! A file's name begins with what it is: `accepted_` if it is a JSON document, `refused_` if it is none.

mod masking;

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

#[test]
fn the_corpus_of_mask_is_judged_as_its_names_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/mask");
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (counted, expected) = match name.split('_').next() {
            Some("accepted") => (&mut accepted, true),
            Some("refused") => (&mut refused, false),
            _ => panic!("{name} does not say what it is"),
        };
        *counted += 1;
        let bytes = fs::read(&path).unwrap();
        match catch_unwind(|| masking::mask(&bytes)) {
            Ok(judged) if judged == expected => {}
            Ok(_) => wrong.push(name.to_owned()),
            Err(_) => wrong.push(format!("{name}, as said above")),
        }
    }
    wrong.sort();
    assert_eq!(wrong, Vec::<String>::new());
    assert!(
        accepted >= 20 && refused >= 40,
        "{accepted} accepted and {refused} refused"
    );
}
