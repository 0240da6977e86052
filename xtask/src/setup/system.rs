//! Programs of the operating system.

use std::cell::Cell;
use std::env;
use std::path::PathBuf;

use xshell::{Shell, cmd};

use crate::setup::{Met, Unmet, quietly};

/// Debian ships `venv` apart from Python, so Python may be there and this not.
pub(super) const PYTHON_VENV: &str = "python3-venv";

/// Debian's package manager, if we may use it.
///
/// We may as root: that is a container or a server made for this. Anybody else is told the command
/// and asked for no password.
pub(super) struct Apt<'a> {
    shell: &'a Shell,
    is_usable: bool,
    /// A package list may be as old as the image it came with, and fetching it takes seconds, so it
    /// is fetched once and only when something is missing.
    is_updated: Cell<bool>,
}

impl<'a> Apt<'a> {
    pub(super) fn find(shell: &'a Shell) -> Self {
        let is_usable = find_program("apt-get").is_some() && is_root(shell);
        Self {
            shell,
            is_usable,
            is_updated: Cell::new(false),
        }
    }

    pub(super) fn install(&self, packages: &[&str]) -> Result<(), Unmet> {
        let remedy = format!("apt-get install -y {}", packages.join(" "));
        if !self.is_usable {
            let why = "it takes root and apt-get to install it".to_owned();
            return Err(Unmet { why, remedy });
        }
        eprintln!("setup: {remedy}");
        self.update()
            .and_then(|()| {
                let command = cmd!(self.shell, "apt-get install -y {packages...}");
                quietly(command.env("DEBIAN_FRONTEND", "noninteractive"))
            })
            .map_err(|why| Unmet { why, remedy })
    }

    fn update(&self) -> Result<(), String> {
        if !self.is_updated.replace(true) {
            quietly(cmd!(self.shell, "apt-get update"))?;
        }
        Ok(())
    }
}

pub(super) fn meet(apt: &Apt<'_>, programs: &[&str], packages: &[&str]) -> Result<Met, Unmet> {
    let missing = || {
        programs
            .iter()
            .find(|program| find_program(program).is_none())
    };
    let Some(program) = missing() else {
        return Ok(Met::InPlace);
    };
    apt.install(packages).map_err(|unmet| Unmet {
        why: format!("{program} is not on the PATH, and {}", unmet.why),
        ..unmet
    })?;
    match missing() {
        None => Ok(Met::Installed),
        Some(program) => Err(Unmet::retry(format!(
            "{program} is installed and still not on the PATH"
        ))),
    }
}

/// Where the shell would find the program.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn is_root(shell: &Shell) -> bool {
    cmd!(shell, "id -u")
        .quiet()
        .read()
        .is_ok_and(|id| id == "0")
}
