//! The Rust files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::metadata::Metadata;

/// One Rust file and the crate it belongs to.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) package: String,
    /// Relative to the workspace's root, as a person would type it.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// Reads every `.rs` file below the folder of every crate: tests, examples and benches included.
pub(crate) fn read_all(metadata: &Metadata) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for package in &metadata.packages {
        let mut paths = Vec::new();
        collect(package.folder(), &mut paths)?;
        // The order of a folder's entries differs between machines, and a report should not.
        paths.sort();
        for path in paths {
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let path = path
                .strip_prefix(&metadata.workspace_root)
                .unwrap_or(&path)
                .to_owned();
            sources.push(Source {
                package: package.name.clone(),
                path,
                text,
            });
        }
    }
    Ok(sources)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}
