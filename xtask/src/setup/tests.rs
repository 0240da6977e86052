use std::collections::BTreeSet;
use std::fs;

use xshell::{Shell, cmd};

use crate::setup::stamp::Stamp;
use crate::setup::{Kind, NEEDS, quietly};

#[test]
fn every_need_has_its_own_name() {
    // The name is the stamp's file name too: a shared one would make two needs overwrite each other.
    let names: BTreeSet<&str> = NEEDS.iter().map(|need| need.name).collect();
    assert_eq!(names.len(), NEEDS.len());
}

#[test]
fn every_package_is_pinned_to_one_version() {
    for need in NEEDS {
        let (pins, separator) = match need.kind {
            Kind::System { .. } => continue,
            Kind::PyPi { pins } => (pins, "=="),
            Kind::Npm { pins } => (pins, "@"),
        };
        for pin in pins {
            // From the right, because an npm name may begin with an `@` of its own.
            let (name, version) = pin.rsplit_once(separator).unwrap_or_default();
            let is_exact = version.starts_with(|first: char| first.is_ascii_digit());
            assert!(!name.is_empty() && is_exact, "{pin}");
        }
    }
}

#[test]
fn a_stamp_is_current_for_exactly_its_pins() {
    let shell = Shell::new().unwrap();
    let folder = shell.create_temp_dir().unwrap();
    let folder = folder.path();

    let stamp = Stamp::new(folder, "peers", &["a==1", "b==2"]);
    assert!(!stamp.is_current());
    stamp.write().unwrap();
    assert!(stamp.is_current());

    assert!(!Stamp::new(folder, "peers", &["a==1"]).is_current());
    assert!(!Stamp::new(folder, "peers", &["a==1", "b==3"]).is_current());
    assert!(!Stamp::new(folder, "others", &["a==1", "b==2"]).is_current());

    fs::remove_file(folder.join("peers.stamp")).unwrap();
    assert!(!stamp.is_current());
}

#[test]
fn a_failed_installer_is_quoted_with_one_line() {
    let shell = Shell::new().unwrap();
    for (script, expected) in [
        ("true", Ok(())),
        ("echo chatter; echo an error >&2", Ok(())),
        (
            "echo chatter >&2; echo no network >&2; echo; exit 3",
            Err("no network"),
        ),
        (
            "echo on the wrong stream; exit 3",
            Err("on the wrong stream"),
        ),
        (
            "echo chatter; echo npm ERROR: refused >&2; echo see a log >&2; exit 3",
            Err("npm ERROR: refused"),
        ),
        ("exit 3", Err("exit status: 3")),
    ] {
        let outcome = quietly(cmd!(shell, "sh -c {script}"));
        assert_eq!(outcome, expected.map_err(str::to_owned), "{script}");
    }
    assert!(quietly(cmd!(shell, "no-such-program")).is_err());
}
