use std::fs;
use std::path::Path;

use xshell::Shell;

use crate::bench::areas;
use crate::bench::peers::{Peers, check_tools};
use crate::bench::request::{Request, rounds};
use crate::bench::samples::Samples;
use crate::bench::table::table;

#[track_caller]
fn check_request(arguments: &str, expected: Result<(&str, Option<&str>), &str>) {
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    let areas = ["jwt", "mask"].map(str::to_owned);
    let request = Request::parse(&arguments, &areas);
    match (request, expected) {
        (Ok(request), Ok((area, peers))) => {
            assert_eq!(request.area, area);
            assert_eq!(request.peers.as_deref(), peers.map(Path::new));
        }
        (Err(error), Err(expected)) => {
            let error = error.to_string();
            assert!(error.contains(expected), "{error}");
        }
        (request, expected) => panic!("{request:?} and not {expected:?}"),
    }
}

#[test]
fn a_request_names_one_area_and_perhaps_a_folder() {
    check_request("jwt", Ok(("jwt", None)));
    check_request("mask --peers there", Ok(("mask", Some("there"))));
    check_request("--peers there mask", Ok(("mask", Some("there"))));

    check_request("", Err("where AREA is one of: jwt, mask"));
    check_request("--peers there", Err("where AREA is one of: jwt, mask"));
    check_request(
        "weather",
        Err("there is no area `weather`; there are: jwt, mask"),
    );
    check_request("jwt mask", Err("one area and one folder at a time"));
    check_request("jwt --peers", Err("--peers needs a folder"));
    check_request("jwt --fast", Err("unknown flag `--fast`"));
}

#[test]
fn the_areas_are_those_that_auth_bench_has() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert!(areas(&root).unwrap().contains(&"jwt".to_owned()));
}

#[test]
fn rounds_are_seven_unless_said_otherwise() {
    assert_eq!(rounds(None).unwrap(), 7);
    assert_eq!(rounds(Some("")).unwrap(), 7);
    assert_eq!(rounds(Some("3")).unwrap(), 3);
    for text in ["0", "-1", "few"] {
        assert!(rounds(Some(text)).is_err(), "{text}");
    }
}

fn line(case: &str, implementation: &str, role: &str, unit: &str, value: f64) -> String {
    format!(
        r#"{{"area":"a","case":"{case}","impl":"{implementation}","role":"{role}","unit":"{unit}","v":{value},"round":1}}"#
    ) + "\n"
}

#[test]
fn a_table_compares_the_best_with_the_best_limit_and_floor() {
    let lines = [
        line("kc", "ours", "candidate", "ns/op", 1500.0),
        line("kc", "raw", "limit", "ns/op", 1000.0),
        line("kc", "raw, slower", "limit", "ns/op", 1100.0),
        line("kc", "least", "floor", "ns/op", 1200.0),
        line("kc", "theirs", "peer", "ns/op", 35_000.0),
        line("kc", "ours", "candidate", "ns/op", 1700.4),
        line("kc", "ours", "candidate", "ns/op", 90_000.0),
        line("kc", "raw", "limit", "ns/op", 2000.0),
    ];
    let samples = Samples::read(&lines.concat());
    assert_eq!(samples.unreadable, 0);
    assert_eq!(
        table(&samples.all),
        "\
kc
  implementation  role         best        median [min – max]  n  unit   × limit  × floor
  raw             limit       1,000     1,500 [1,000 – 2,000]  2  ns/op     1.00     0.83
  raw, slower     limit       1,100     1,100 [1,100 – 1,100]  1  ns/op     1.10     0.92
  least           floor       1,200     1,200 [1,200 – 1,200]  1  ns/op     1.20     1.00
  ours            candidate   1,500    1,700 [1,500 – 90,000]  3  ns/op     1.50     1.25
  theirs          peer       35,000  35,000 [35,000 – 35,000]  1  ns/op    35.00    29.17

"
    );
}

#[test]
fn more_operations_a_second_are_better() {
    let lines = [
        line("get", "ours", "candidate", "op/s", 400.0),
        line("get", "ours", "candidate", "op/s", 500.0),
        line("get", "raw", "limit", "op/s", 1000.0),
    ];
    let table = table(&Samples::read(&lines.concat()).all);
    let rows: Vec<&str> = table.lines().skip(2).map(str::trim).collect();
    assert!(
        rows[0].starts_with("raw   ") && rows[0].ends_with("1.00        -"),
        "{table}"
    );
    assert!(
        rows[1].starts_with("ours  ") && rows[1].ends_with("2.00        -"),
        "{table}"
    );
    assert!(rows[1].contains("450 [400 – 500]"), "{table}");
}

#[test]
fn only_what_we_take_part_in_is_shown() {
    let lines = [
        line("theirs alone", "peer", "peer", "ns/op", 1.0),
        line("shared", "ours", "candidate", "ns/op", 12.34),
        r#"{"area":"a","case":"sha"#.to_owned(),
    ];
    let samples = Samples::read(&lines.concat());
    assert_eq!(samples.unreadable, 1);
    let table = table(&samples.all);
    assert!(table.starts_with("shared\n"), "{table}");
    assert!(table.contains("12.3"), "{table}");
    assert!(!table.contains("theirs alone"), "{table}");
}

/// A folder with scripts that do in a moment what real ones do in minutes.
fn peers(origin: &Path) {
    write(origin, "setup.sh", "echo set up >> made.txt");
    write(
        origin,
        "run.sh",
        r#"mkdir -p results; echo "$1 $CANDIDATE $ROUNDS $FRESH" > "results/$1.jsonl""#,
    );
    write(origin, "rust/src/main.rs", "fn main() {}");
    // Somebody has built it where it lies.
    write(origin, "rust/target/release/peer", "built");
    write(origin, "results/jwt.jsonl", "old");
    write(origin, "venv-a/bin/python", "built");
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn peers_are_copied_set_up_and_run_with_us_among_them() {
    let shell = Shell::new().unwrap();
    let folder = shell.create_temp_dir().unwrap();
    let (origin, copy) = (folder.path().join("origin"), folder.path().join("copy"));
    peers(&origin);

    let found = Peers::find(&origin, copy.clone()).unwrap();
    found.set_up().unwrap();
    assert!(copy.join("rust/src/main.rs").is_file());
    for made in ["rust/target", "results", "venv-a"] {
        assert!(!copy.join(made).exists(), "{made}");
    }
    let lines = found.measure(Path::new("/a/program"), "jwt", 3).unwrap();
    assert_eq!(lines, "jwt /a/program 3 1\n");
    // The folder that was named is as it was.
    assert!(!origin.join("made.txt").exists());

    let error = found.measure(Path::new("/a b/program"), "jwt", 3);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("with a space in its path"), "{error}");
}

#[test]
fn a_copy_is_renewed_when_a_source_has_changed_and_only_then() {
    let shell = Shell::new().unwrap();
    let folder = shell.create_temp_dir().unwrap();
    let (origin, copy) = (folder.path().join("origin"), folder.path().join("copy"));
    peers(&origin);
    // The setups since the copy was made.
    let set_ups = || {
        let found = Peers::find(&origin, copy.clone()).unwrap();
        found.set_up().unwrap();
        let made = fs::read_to_string(copy.join("made.txt")).unwrap();
        made.lines().count()
    };
    assert_eq!(set_ups(), 1);
    // Nothing has changed, so what was built is still there for the second setup.
    assert_eq!(set_ups(), 2);
    // What was built in the folder itself is no source of it.
    write(&origin, "rust/target/release/peer", "built again");
    assert_eq!(set_ups(), 3);

    write(&origin, "rust/src/main.rs", "fn main() { println!() }");
    assert_eq!(set_ups(), 1);
    write(&origin, "rust/src/more.rs", "");
    assert_eq!(set_ups(), 1);
}

#[test]
fn a_tool_that_is_missing_is_named() {
    check_tools(&["bash"]).unwrap();
    let error = check_tools(&["bash", "no-such-tool"]).unwrap_err();
    let expected = "not on the PATH, and the peers' scripts need it: no-such-tool";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn what_is_no_folder_with_peers_is_refused() {
    let shell = Shell::new().unwrap();
    let folder = shell.create_temp_dir().unwrap();
    let refusal = |folder: &Path| {
        let found = Peers::find(folder, folder.join("copy"));
        found.err().unwrap().to_string()
    };
    let empty = refusal(folder.path());
    assert!(
        empty.ends_with("is not a folder with peers: it has no setup.sh"),
        "{empty}"
    );
    write(folder.path(), "setup.sh", "exit 3");
    let half = refusal(folder.path());
    assert!(
        half.ends_with("is not a folder with peers: it has no run.sh"),
        "{half}"
    );

    write(folder.path(), "run.sh", "");
    let found = Peers::find(folder.path(), folder.path().join("target/copy")).unwrap();
    let error = format!("{:#}", found.set_up().unwrap_err());
    assert!(error.contains("to begin anew, delete"), "{error}");
    assert!(
        error.ends_with("the peers' setup.sh: exit status: 3"),
        "{error}"
    );
}
