//! The whole program, with samples too short to say anything.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{AREAS, run};

/// What the program prints, or what it says instead.
fn bench(arguments: &[&str], variables: &[(&str, &str)]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    let short = [("BENCH_MS", "1"), ("BENCH_SAMPLES", "2")];
    let variable = |name: &str| {
        let all = variables.iter().chain(&short);
        let mut named = all.filter(|(key, _)| *key == name);
        named.next().map(|(_, value)| (*value).to_owned())
    };
    let mut output = Vec::new();
    match run(&arguments, variable, &mut output) {
        Ok(()) => Ok(String::from_utf8(output).unwrap()),
        Err(error) => Err(format!("{error:#}")),
    }
}

#[test]
fn a_line_has_every_field_of_the_protocol() {
    let output = bench(
        &["jwt"],
        &[("BENCH_ONLY", "EdDSA/kc auth-jwt"), ("BENCH_ROUND", "3")],
    )
    .unwrap();
    let lines: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{output}");
    for line in lines {
        assert_eq!(line["area"], "jwt");
        assert_eq!(line["case"], "EdDSA/kc");
        assert_eq!(line["impl"], "auth-jwt");
        assert_eq!(line["role"], "candidate");
        assert_eq!(line["unit"], "ns/op");
        assert!(line["v"].as_f64().unwrap() > 0.0);
        assert_eq!(line["round"], 3);
    }
    // Programs that only look at the beginning of a line tell ours by it.
    assert!(output.starts_with(r#"{"area":"jwt","case":"#), "{output}");
}

#[test]
fn only_what_was_asked_for_is_measured() {
    let output = bench(&["jwt"], &[("BENCH_ONLY", "HS256/small")]).unwrap();
    let implementations: BTreeSet<String> = output
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["case"], "HS256/small");
            line["impl"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected = [
        "auth-jwt",
        "floor: split+b64+aws-lc(parsed)+typed+exp",
        "raw aws-lc-rs",
    ];
    assert!(implementations.iter().eq(expected), "{implementations:?}");

    assert_eq!(
        bench(&["jwt"], &[("BENCH_ONLY", "no such case")]).unwrap(),
        ""
    );
}

#[test]
fn an_area_that_is_not_there_is_answered_with_those_that_are() {
    let error = bench(&["weather"], &[]).unwrap_err();
    assert_eq!(
        error,
        "there is no area `weather`; there are: cache, http, jwt, mask"
    );
    for arguments in [&[][..], &["jwt", "mask"]] {
        let error = bench(arguments, &[]).unwrap_err();
        assert_eq!(
            error,
            "usage: auth-bench AREA, where AREA is one of: cache, http, jwt, mask; \
             or auth-bench soak [SECONDS]"
        );
    }
    for arguments in [&["soak", "long"][..], &["soak", "0"], &["soak", "1", "2"]] {
        bench(arguments, &[]).unwrap_err();
    }
}

#[test]
fn a_setting_that_is_no_number_is_not_taken_for_the_default() {
    let error = bench(&["jwt"], &[("BENCH_SAMPLES", "many")]).unwrap_err();
    assert!(
        error.starts_with("BENCH_SAMPLES is not a number"),
        "{error}"
    );
}

#[test]
fn a_folder_without_fixtures_is_named() {
    let error = bench(&["jwt"], &[("BENCH_DATA", "no-such-folder")]).unwrap_err();
    assert!(error.contains("cannot read no-such-folder"), "{error}");
}

/// `cargo xtask bench` lists the areas by their folders, so as not to build this to know them.
#[test]
fn every_area_is_a_folder_and_every_folder_an_area() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders: BTreeSet<String> = fs::read_dir(sources)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let areas: BTreeSet<String> = AREAS.iter().map(|area| area.name.to_owned()).collect();
    assert_eq!(folders, areas);
}
