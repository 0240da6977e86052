//! Ranks and fences: which crate may stand in which manifest.

use std::collections::BTreeSet;

use crate::layers::Violation;
use crate::layers::config::{External, Layers};
use crate::metadata::{Dependency, Package};

pub(super) fn check(packages: &[Package], layers: &Layers) -> Vec<Violation> {
    packages
        .iter()
        .filter(|package| !layers.is_outside(&package.name))
        .flat_map(|package| check_package(package, layers))
        .collect()
}

fn check_package(package: &Package, layers: &Layers) -> Vec<Violation> {
    let name = package.name.as_str();
    let Some(rank) = layers.rank(name) else {
        return vec![Violation {
            finding: name.to_owned(),
            rule: "a crate of the workspace needs a rank in xtask/layers.toml".to_owned(),
        }];
    };

    let mut violations = Vec::new();
    for dependency in &package.dependencies {
        // A test may look up: it is compiled after everything it looks at, and nobody depends on it.
        if dependency.is_dev() {
            continue;
        }
        let broken = if dependency.is_ours() {
            rule_against_ours(rank, dependency, layers)
        } else {
            rule_against_theirs(name, rank, dependency, layers)
        };
        if let Some(rule) = broken {
            let other = &dependency.name;
            let other_rank = layers
                .rank(other)
                .filter(|_| dependency.is_ours())
                .map(|rank| format!(" (rank {rank})"))
                .unwrap_or_default();
            violations.push(Violation {
                finding: format!("{name} (rank {rank}) depends on {other}{other_rank}"),
                rule,
            });
        }
    }
    violations
}

fn rule_against_ours(rank: u32, dependency: &Dependency, layers: &Layers) -> Option<String> {
    match layers.rank(&dependency.name) {
        Some(lower) if lower < rank => None,
        Some(_) => Some("a crate may depend only on crates of a lower rank".to_owned()),
        None => Some("a crate may depend only on crates that have a rank".to_owned()),
    }
}

fn rule_against_theirs(
    package: &str,
    rank: u32,
    dependency: &Dependency,
    layers: &Layers,
) -> Option<String> {
    if layers.is_free(package) {
        return None;
    }
    if layers.is_umbrella(package) {
        return Some("an umbrella may depend only on our own crates".to_owned());
    }
    match layers.external(&dependency.name) {
        External::FreeFromRank(lowest) if rank >= lowest => None,
        External::FreeFromRank(lowest) => Some(format!("it is allowed only from rank {lowest} up")),
        External::FencedTo(owners) if owners.contains(package) => None,
        External::FencedTo(owners) => Some(format!("it is fenced to {}", list(owners))),
        External::Unknown => Some(
            "an external crate must be vocabulary or fenced to this crate in xtask/layers.toml"
                .to_owned(),
        ),
    }
}

fn list(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
