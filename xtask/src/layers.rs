//! `cargo xtask check-layers`: the architecture, held against what was written.
//!
//! [`config`] is the file with the rules, [`dependencies`] applies ranks and fences to the
//! manifests, [`identity`] applies the rule about the constructor of `Identity` to the sources,
//! and [`lexer`] is how that rule reads Rust. The rules are pure; only this file does I/O.

mod config;
mod dependencies;
mod identity;
mod lexer;
#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::{Context, bail};

use crate::layers::config::Layers;
use crate::metadata::Package;
use crate::project::Project;
use crate::sources::{self, Source};

const RULES: &str = "xtask/layers.toml";

/// Something that the layers do not allow.
#[derive(Debug)]
struct Violation {
    /// What was found, and where.
    finding: String,
    /// The rule it breaks, with the remedy if there is just one.
    rule: String,
}

pub(crate) fn run(project: &Project) -> anyhow::Result<()> {
    let layers = project.shell.read_file(RULES)?;
    let layers = Layers::parse(&layers).context(RULES)?;
    let sources = sources::read_all(&project.metadata)?;

    let violations = check(&project.metadata.packages, &sources, &layers);
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("a rule of {RULES} is broken"),
        count => bail!("rules of {RULES} are broken in {count} places"),
    }
}

fn check(packages: &[Package], sources: &[Source], layers: &Layers) -> Vec<Violation> {
    let mut violations = dependencies::check(packages, layers);
    violations.extend(identity::check(sources, &layers.identity));
    violations
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.finding, self.rule)
    }
}
