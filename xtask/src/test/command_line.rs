//! A program to run, written as a person would type it.
//!
//! One text is both what we run and what we print when it fails, so the printed command is true.

use std::env;
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::project::Project;

/// A command line without quotes: every argument is one word.
pub(super) struct CommandLine {
    variable: Option<(&'static str, &'static str)>,
    program: String,
    arguments: &'static str,
}

impl CommandLine {
    pub(super) fn new(program: &Path, arguments: &'static str) -> Self {
        Self {
            variable: None,
            program: program.display().to_string(),
            arguments,
        }
    }

    pub(super) fn cargo(arguments: &'static str) -> Self {
        Self::new(Path::new("cargo"), arguments)
    }

    /// Sets a variable for this program only.
    pub(super) fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.variable = Some((name, value));
        self
    }

    /// Runs it in the checkout's root, with its output going where ours goes.
    pub(super) fn run(&self, project: &Project) -> anyhow::Result<()> {
        let root = &project.metadata.workspace_root;
        let program = match self.program.as_str() {
            "cargo" => project.cargo.clone().into(),
            path => root.join(path),
        };
        let mut command = Command::new(&program);
        command
            .args(self.arguments.split_whitespace())
            .envs(self.variable)
            .current_dir(root);
        if project.ci {
            // A server builds once: what it would save for the next build is time and disk lost.
            command.env("CARGO_INCREMENTAL", "0");
            // Nobody looks at a server's log in a terminal, but people search in it.
            if env::var_os("CARGO_TERM_COLOR").is_none() {
                command.env("CARGO_TERM_COLOR", "never");
            }
        }
        let status = command
            .status()
            .with_context(|| format!("cannot run {}", program.display()))?;
        ensure!(status.success(), "{}: {status}", self.program);
        Ok(())
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, value)) = self.variable {
            write!(f, "{name}=\"{value}\" ")?;
        }
        f.write_str(&self.program)?;
        if !self.arguments.is_empty() {
            write!(f, " {}", self.arguments)?;
        }
        Ok(())
    }
}
