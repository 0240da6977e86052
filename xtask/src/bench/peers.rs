//! Other implementations, in a folder that brings the scripts to build and to measure them.
//!
//! `setup.sh` builds them; `CANDIDATE=program ./run.sh AREA` runs `program AREA` among them, and
//! appends everybody's samples to `results/AREA.jsonl`. Both write beside themselves, so they work
//! in a copy of ours.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::setup::find_program;

pub(super) struct Peers {
    /// The folder that was named; it is only read.
    origin: PathBuf,
    /// Where we build and measure.
    copy: PathBuf,
}

impl Peers {
    pub(super) fn find(origin: &Path, copy: PathBuf) -> anyhow::Result<Self> {
        for script in SCRIPTS {
            ensure!(
                origin.join(script).is_file(),
                "{} is not a folder with peers: it has no {script}",
                origin.display()
            );
        }
        Ok(Self {
            origin: origin.to_owned(),
            copy,
        })
    }

    /// Makes the copy what the folder is now, and builds it.
    pub(super) fn set_up(&self) -> anyhow::Result<()> {
        let sources = sources(&self.origin)?;
        if !self.is_current(&sources) {
            self.renew(&sources)
                .with_context(|| format!("cannot copy the peers to {}", self.copy.display()))?;
        }
        // Also where nothing was copied: it may have been stopped half-way, and is quick otherwise.
        self.script("setup.sh").call().with_context(|| {
            let copy = self.copy.display();
            format!("the peers could not be set up; to begin anew, delete {copy}")
        })
    }

    /// Measures everybody, and returns the lines they printed.
    pub(super) fn measure(
        &self,
        candidate: &Path,
        area: &str,
        rounds: u32,
    ) -> anyhow::Result<String> {
        let program = candidate.to_str().context("our path is not text")?;
        // The script takes it apart into words, as a command with arguments would need.
        ensure!(
            !program.contains(char::is_whitespace),
            "the peers' script cannot run a program with a space in its path: {program}"
        );
        let mut script = self.script("run.sh");
        script
            .0
            .arg(area)
            .env("CANDIDATE", program)
            .env("ROUNDS", rounds.to_string())
            .env("FRESH", "1");
        script.call()?;

        let results = self.copy.join("results");
        let file = results.join(format!("{area}.jsonl"));
        fs::read_to_string(&file).with_context(|| {
            let log = results.join("stderr.log");
            format!(
                "the peers left no {}; {} may say why",
                file.display(),
                log.display()
            )
        })
    }

    /// Whether the copy has every file that the folder has. What was built there lies among them,
    /// under names that are not ours to know, so what it has besides does not count.
    fn is_current(&self, sources: &[PathBuf]) -> bool {
        sources.iter().all(|source| {
            let read = |folder: &Path| fs::read(folder.join(source));
            match (read(&self.origin), read(&self.copy)) {
                (Ok(origin), Ok(copy)) => origin == copy,
                _ => false,
            }
        })
    }

    /// Begins anew. What was built from other sources goes too: nobody could say what of it holds.
    fn renew(&self, sources: &[PathBuf]) -> io::Result<()> {
        if self.copy.exists() {
            fs::remove_dir_all(&self.copy)?;
        }
        for source in sources {
            let copy = self.copy.join(source);
            if let Some(folder) = copy.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(self.origin.join(source), copy)?;
        }
        Ok(())
    }

    fn script(&self, name: &'static str) -> Script {
        let mut command = Command::new("bash");
        command
            .arg(name)
            .current_dir(&self.copy)
            // Its crates are built where its scripts look for them.
            .env_remove("CARGO_TARGET_DIR")
            // Only the table goes to standard output.
            .stdout(Stdio::from(io::stderr()));
        Script(command, name)
    }
}

struct Script(Command, &'static str);

impl Script {
    fn call(&mut self) -> anyhow::Result<()> {
        let Self(command, name) = self;
        let status = command
            .status()
            .with_context(|| format!("cannot run the peers' {name}"))?;
        ensure!(status.success(), "the peers' {name}: {status}");
        Ok(())
    }
}

/// Refuses to begin what could not be finished.
pub(super) fn check_tools(tools: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<&str> = tools
        .iter()
        .copied()
        .filter(|tool| find_program(tool).is_none())
        .collect();
    ensure!(
        missing.is_empty(),
        "not on the PATH, and the peers' scripts need it: {}",
        missing.join(", ")
    );
    Ok(())
}

/// The files of the folder, by their paths in it, without what its scripts have made: somebody may
/// have built it where it lies.
fn sources(origin: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = origin.join(&folder);
        let entries =
            fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let source = folder.join(&name);
            if is_made(&name.to_string_lossy()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                folders.push(source);
            } else {
                sources.push(source);
            }
        }
    }
    Ok(sources)
}

fn is_made(name: &str) -> bool {
    MADE.contains(&name) || name.starts_with("venv") || name.ends_with(".log")
}

const SCRIPTS: [&str; 2] = ["setup.sh", "run.sh"];

/// What the scripts use and do not install.
pub(super) const TOOLS: [&str; 6] = ["bash", "node", "npm", "python3", "taskset", "timeout"];

/// What the scripts make.
const MADE: [&str; 7] = [
    ".git",
    "__pycache__",
    "data",
    "node_modules",
    "results",
    "run",
    "target",
];
