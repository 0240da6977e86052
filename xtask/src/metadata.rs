//! The part of `cargo metadata` that we read.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What `cargo metadata --no-deps` says about the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
    pub(crate) workspace_root: PathBuf,
}

/// A crate of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a manifest's dependency tables.
///
/// The name is the package's own, also where the manifest renames it, so a rename hides nothing.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal dependency, as cargo writes it.
    pub(crate) kind: Option<DependencyKind>,
    /// Where it is downloaded from; `None` for a path, which means that it is one of ours.
    pub(crate) source: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DependencyKind {
    Build,
    Dev,
}

impl Package {
    /// The folder with the crate's manifest.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path
            .parent()
            .unwrap_or_else(|| Path::new("."))
    }
}

impl Dependency {
    /// Whether it is a crate of this workspace.
    pub(crate) fn is_ours(&self) -> bool {
        self.source.is_none()
    }

    /// Whether only tests, examples and benches see it.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind == Some(DependencyKind::Dev)
    }
}
