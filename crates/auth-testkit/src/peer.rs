use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A program of somebody else's that takes part in a test: a published package behind a small
/// script that reads requests, a JSON value a line, and answers each with one.
///
/// The packages lie where `cargo xtask setup` puts them, in the folder `tools` beside the one that
/// cargo names to tests as `CARGO_TARGET_TMPDIR`. Without the package the constructors return
/// `None` and say so in one line; where `CI` is set they panic, so that a green run always means
/// the same thing.
///
/// # Example
///
/// ```no_run
/// use std::path::Path;
/// use auth_testkit::Peer;
/// use serde_json::json;
///
/// # let temporary = "";
/// // In a test: `env!("CARGO_TARGET_TMPDIR")`, and a script beside the test.
/// let tools = Path::new(temporary).with_file_name("tools");
/// let Some(peer) = Peer::python(&tools, "jwt", Path::new("tests/pyjwt.py")) else { return };
/// let answers = peer.ask(&[json!({ "do": "verify", "token": "…" })]);
/// ```
#[derive(Clone, Debug)]
pub struct Peer {
    program: PathBuf,
    script: PathBuf,
    directory: PathBuf,
}

impl Peer {
    /// A Python script that imports this package.
    ///
    /// # Panics
    ///
    /// If the package is missing and `CI` is set.
    pub fn python(tools: &Path, package: &str, script: &Path) -> Option<Self> {
        let environment = tools.join("venv");
        let versions = std::fs::read_dir(environment.join("lib"))
            .into_iter()
            .flatten();
        let installed = versions.flatten().any(|version| {
            let packages = version.path().join("site-packages");
            packages.join(package).is_dir()
        });
        present(package, installed).then(|| Self {
            program: environment.join("bin/python"),
            script: script.to_owned(),
            directory: tools.to_owned(),
        })
    }

    /// A JavaScript module that imports this package; it finds the folder to resolve it from in
    /// the environment variable `PEER_DIRECTORY`.
    ///
    /// # Panics
    ///
    /// If the package is missing and `CI` is set.
    pub fn node(tools: &Path, package: &str, script: &Path) -> Option<Self> {
        let directory = tools.join("npm");
        let installed = directory.join("node_modules").join(package).is_dir();
        present(package, installed).then(|| Self {
            program: "node".into(),
            script: script.to_owned(),
            directory,
        })
    }

    /// Runs the script once, sends the requests, and returns the answers, one for each.
    ///
    /// # Panics
    ///
    /// If the script cannot be run, fails, or does not answer each request.
    #[expect(clippy::unwrap_used, reason = "a test has nothing to recover to")]
    pub fn ask(&self, requests: &[Value]) -> Vec<Value> {
        let mut child = Command::new(&self.program)
            .arg(&self.script)
            .current_dir(&self.directory)
            .env("PEER_DIRECTORY", &self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{self:?} cannot be started: {error}"));
        let lines: String = requests
            .iter()
            .map(|request| format!("{request}\n"))
            .collect();
        // The script reads all of it before it answers, so neither waits for the other.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{self:?} failed");
        let answers = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<_> = answers
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(answers.len(), requests.len(), "{self:?}");
        answers
    }
}

/// Says what a missing package means: a skipped test, or on a server a failure.
fn present(package: &str, installed: bool) -> bool {
    if !installed {
        let remedy = "get it with: cargo xtask setup";
        assert!(
            std::env::var_os("CI").is_none(),
            "{package} is missing; {remedy}"
        );
        #[expect(
            clippy::print_stderr,
            reason = "a person should learn that a test was skipped"
        )]
        {
            eprintln!("skipped: {package} is not installed; {remedy}");
        }
    }
    installed
}
