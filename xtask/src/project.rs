//! Where we are, and who is watching.

use std::env;
use std::path::PathBuf;

use anyhow::Context;
use xshell::{Shell, cmd};

use crate::metadata::Metadata;

/// The checkout that a command works on.
pub(crate) struct Project {
    pub(crate) metadata: Metadata,
    /// Runs programs in the checkout's root.
    pub(crate) shell: Shell,
    /// The cargo that started us, so that a toolchain chosen on the command line stays chosen.
    pub(crate) cargo: String,
    /// Whether a server runs this. What a person may do without is then an error, because a green
    /// run of a server has to mean the same thing every time.
    pub(crate) ci: bool,
}

impl Project {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let shell = Shell::new()?;
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());

        // Asked at run time first: two worktrees that share a target folder share this binary too,
        // and what was compiled into it may be the other one's path.
        let manifest_dir = env::var("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
        shell.change_dir(manifest_dir);
        let metadata = cmd!(shell, "{cargo} metadata --format-version 1 --no-deps")
            .quiet()
            .read()?;
        let metadata: Metadata =
            serde_json::from_str(&metadata).context("cargo metadata is not as expected")?;
        shell.change_dir(&metadata.workspace_root);

        Ok(Self {
            metadata,
            shell,
            cargo,
            ci: env::var("CI").is_ok_and(|ci| ci == "true"),
        })
    }

    /// Where `setup` puts what it installs. Below `target`, so `cargo clean` takes it away too.
    pub(crate) fn tools(&self) -> PathBuf {
        self.metadata.target_directory.join("tools")
    }
}
