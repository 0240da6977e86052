//! `cargo xtask bench AREA [--peers DIR]`: how fast we are, beside limits and peers.
//!
//! `auth-bench` measures us and the limits. Where a folder with peers is named, its own scripts
//! measure everybody, us among them, so that one machine treats all alike in one run.

mod peers;
mod request;
mod samples;
mod table;
#[cfg(test)]
mod tests;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use xshell::cmd;

use crate::bench::peers::{Peers, TOOLS, check_tools};
use crate::bench::request::{Request, rounds};
use crate::bench::samples::Samples;
use crate::project::Project;

pub(crate) use crate::bench::request::ARGUMENTS;

pub(crate) fn run(project: &Project, arguments: &[String]) -> anyhow::Result<()> {
    let areas = areas(&project.metadata.workspace_root)?;
    let request = Request::parse(arguments, &areas)?;
    let rounds = rounds(env::var("ROUNDS").ok().as_deref())?;
    let folder = project.metadata.target_directory.join("bench");
    // What can be refused is refused before anybody waits for a compiler.
    let peers = match &request.peers {
        Some(origin) => {
            check_tools(&TOOLS)?;
            Some(Peers::find(origin, folder.join("peers"))?)
        }
        None => None,
    };

    let candidate = build(project)?;
    let lines = match peers {
        Some(peers) => {
            peers.set_up()?;
            peers.measure(&candidate, &request.area, rounds)?
        }
        None => measure_alone(project, &candidate, &request.area, rounds)?,
    };

    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.jsonl", request.area));
    fs::write(&file, &lines).with_context(|| format!("cannot write {}", file.display()))?;

    let samples = Samples::read(&lines);
    let table = table::table(&samples.all);
    ensure!(
        !table.is_empty(),
        "no sample of ours is in {}; BENCH_ONLY may leave none",
        file.display()
    );
    print!("{table}");
    eprintln!("every sample: {}", file.display());
    if samples.unreadable > 0 {
        eprintln!(
            "lines that are no samples, and left out: {}",
            samples.unreadable
        );
    }
    Ok(())
}

/// What can be measured: each area is a folder of `auth-bench`'s sources, and a test there holds
/// it to that. Asking the program itself would take a release build first.
fn areas(workspace_root: &Path) -> anyhow::Result<Vec<String>> {
    let sources = workspace_root.join("crates/auth-bench/src");
    let mut areas = Vec::new();
    for entry in fs::read_dir(&sources).context("auth-bench is not there")? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            areas.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    areas.sort();
    Ok(areas)
}

/// Builds the program that measures us, and says where it is.
fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let Project { shell, cargo, .. } = project;
    cmd!(shell, "{cargo} build --release --package auth-bench").run()?;
    let folder = project.metadata.target_directory.join("release");
    Ok(folder.join(format!("auth-bench{}", env::consts::EXE_SUFFIX)))
}

/// Measures us and the limits, every round in a process of its own: a lucky or unlucky layout of
/// memory then decides one round and not the whole.
fn measure_alone(
    project: &Project,
    candidate: &Path,
    area: &str,
    rounds: u32,
) -> anyhow::Result<String> {
    let mut lines = String::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        let mut command = cmd!(project.shell, "{candidate} {area}")
            .quiet()
            .env("BENCH_ROUND", round.to_string());
        // As short as among peers: many short rounds meet more of a machine's moods than few long.
        for (name, value) in [("BENCH_MS", "20"), ("BENCH_SAMPLES", "2")] {
            if env::var_os(name).is_none() {
                command = command.env(name, value);
            }
        }
        lines += &command.read()?;
        lines.push('\n');
    }
    Ok(lines)
}
