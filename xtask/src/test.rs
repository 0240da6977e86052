//! `cargo xtask test`: every check of the project, cheapest refusal first.
//!
//! A misspelt word is refused in a second, before anybody waits for a compiler. The tests come last,
//! and after them nothing is printed, so the runner's own summary closes the output of a good run.
//! What we print ourselves goes to stderr, as cargo's progress does, so the two stay in order.

mod command_line;

use std::process::Command;
use std::time::Instant;

use anyhow::bail;

use crate::project::Project;
use crate::test::command_line::CommandLine;
use crate::{documented, layers, parity, setup};

pub(crate) fn run(project: &Project) -> anyhow::Result<()> {
    let cargo = CommandLine::cargo;

    step("setup", "cargo xtask setup", || setup::run(project))?;

    python_step(project, "spelling", "typos", "")?;
    python_step(project, "manifests", "taplo", "fmt --check")?;
    command_step(project, "format", &cargo("fmt --all --check"))?;
    step("layers", "cargo xtask check-layers", || {
        layers::run(project)
    })?;
    step("parity", "cargo xtask check-parity", || {
        parity::run(project)
    })?;
    step("docs and sources", "cargo xtask check-docs", || {
        documented::run(project)
    })?;
    // It takes minutes to build, and no registry has it ready-made, so it runs only where somebody
    // has installed it. Advisories are left out: their database cannot be reached from here.
    if has_subcommand(project, "deny") {
        let deny = cargo("deny check bans licenses sources");
        command_step(project, "dependencies", &deny)?;
    }

    let clippy = cargo("clippy --workspace --all-targets --all-features -- -D warnings");
    command_step(project, "clippy", &clippy)?;
    let doc = cargo("doc --workspace --no-deps --all-features").with("RUSTDOCFLAGS", "-D warnings");
    command_step(project, "docs", &doc)?;
    // A newcomer's first command; it fails unless the example's every answer was the expected one.
    let quickstart = cargo("run --quiet --example quickstart");
    command_step(project, "quickstart", &quickstart)?;
    let doc_tests = cargo("test --workspace --all-features --doc");
    command_step(project, "doc tests", &doc_tests)?;

    let tests = if has_subcommand(project, "nextest") {
        cargo("nextest run --workspace --all-features")
    } else {
        eprintln!("cargo-nextest is not installed, so cargo's own runner runs the tests");
        cargo("test --workspace --all-features --lib --bins --tests --examples")
    };
    attempt("tests", &tests.to_string(), || tests.run(project))
}

/// Runs one check, and prints the time it took.
fn step(
    name: &str,
    repeat: &str,
    check: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    attempt(name, repeat, check)?;
    eprintln!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// Announces a check and runs it. Of a success it leaves the last word to the check.
fn attempt(
    name: &str,
    repeat: &str,
    check: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    eprintln!("== {name}");
    if let Err(error) = check() {
        eprintln!("{error:#}");
        bail!("step `{name}` failed; repeat it alone with: {repeat}");
    }
    Ok(())
}

fn command_step(project: &Project, name: &str, command: &CommandLine) -> anyhow::Result<()> {
    step(name, &command.to_string(), || command.run(project))
}

/// Runs a program that `setup` installed from PyPI.
fn python_step(
    project: &Project,
    name: &str,
    program: &str,
    arguments: &'static str,
) -> anyhow::Result<()> {
    let Some(path) = setup::python_program(project, program) else {
        // On a server we do not come here: `setup` has refused to go on without it.
        eprintln!(
            "== {name}: skipped, because {program} is not installed; setup says how to get it"
        );
        return Ok(());
    };
    let path = path
        .strip_prefix(&project.metadata.workspace_root)
        .unwrap_or(&path);
    // Taplo tells where it found its configuration and how many files there are, each time.
    let command = CommandLine::new(path, arguments).with("RUST_LOG", "warn");
    command_step(project, name, &command)
}

/// Whether `cargo <name>` exists. Cargo is asked, because it looks in more places than the `PATH`.
fn has_subcommand(project: &Project, name: &str) -> bool {
    Command::new(&project.cargo)
        .args([name, "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}
