//! Programs of others that take part in a test: found where `cargo xtask setup` puts them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// A program that reads requests, a JSON value a line, and answers each with one.
pub(crate) struct Peer {
    name: &'static str,
    program: PathBuf,
    script: PathBuf,
    directory: PathBuf,
}

impl Peer {
    /// PyJWT, in the virtual environment of the tools.
    pub(crate) fn pyjwt() -> Option<Self> {
        let program = tools().join("venv/bin/python");
        Self::find("PyJWT", program.clone(), "pyjwt.py", tools(), &program)
    }

    /// jose, run by the machine's Node.js.
    pub(crate) fn jose() -> Option<Self> {
        let directory = tools().join("npm");
        let package = directory.join("node_modules/jose/package.json");
        Self::find("jose", "node".into(), "jose.mjs", directory, &package)
    }

    /// Without the peer its tests are skipped, and say so; on a server that is a failure.
    fn find(
        name: &'static str,
        program: PathBuf,
        script: &str,
        directory: PathBuf,
        needed: &Path,
    ) -> Option<Self> {
        if needed.exists() {
            let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
            let script = scripts.join(script);
            return Some(Self {
                name,
                program,
                script,
                directory,
            });
        }
        let remedy = "get it with: cargo xtask setup";
        assert!(
            std::env::var_os("CI").is_none(),
            "{name} is missing; {remedy}"
        );
        #[expect(
            clippy::print_stderr,
            reason = "a person should learn that a test was skipped"
        )]
        {
            eprintln!("skipped: {name} is not installed; {remedy}");
        }
        None
    }

    /// Sends the requests and returns the answers, one for each.
    pub(crate) fn ask(&self, requests: &[Value]) -> Vec<Value> {
        let mut child = Command::new(&self.program)
            .arg(&self.script)
            .current_dir(&self.directory)
            // jose is looked for from its script upward, so the script is told where it is.
            .env("PEER_DIRECTORY", &self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} cannot be started: {error}", self.name));
        let lines: String = requests
            .iter()
            .map(|request| format!("{request}\n"))
            .collect();
        // The peer reads all of it before it answers, so neither waits for the other.
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{} failed", self.name);
        let answers = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<_> = answers
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(answers.len(), requests.len(), "{}", self.name);
        answers
    }
}

/// Where `cargo xtask setup` installs: beside cargo's folder for temporary files of tests.
fn tools() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("tools")
}
