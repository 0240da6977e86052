//! Packages from PyPI, in one virtual environment.

use std::path::{Path, PathBuf};

use xshell::{Shell, cmd};

use crate::project::Project;
use crate::setup::stamp::Stamp;
use crate::setup::system::{Apt, PYTHON_VENV, find_program};
use crate::setup::{Met, Unmet, quietly};

pub(super) fn meet(
    project: &Project,
    apt: &Apt<'_>,
    name: &str,
    pins: &[&str],
) -> Result<Met, Unmet> {
    let shell = &project.shell;
    let venv = venv(project);
    let (python, pip) = (venv.join("bin/python"), venv.join("bin/pip"));

    // Both, because pip comes last: an environment without it is one that was interrupted, or one
    // whose Python is gone.
    let is_complete = python.exists() && pip.exists();
    let stamp = Stamp::new(&venv, name, pins);
    if is_complete && stamp.is_current() {
        return Ok(Met::InPlace);
    }
    if !is_complete {
        create(shell, apt, &venv)?;
    }
    // A pin without a wheel for this machine should be refused at once: building one from source
    // may take compilers that we know nothing of, and many minutes.
    let install = cmd!(
        shell,
        "{python} -m pip install --quiet --no-input --disable-pip-version-check --only-binary=:all: {pins...}"
    );
    quietly(install).map_err(Unmet::retry)?;
    stamp.write()?;
    Ok(Met::Installed)
}

/// A program that one of our packages brought, if it is installed.
pub(crate) fn program(project: &Project, name: &str) -> Option<PathBuf> {
    let path = venv(project).join("bin").join(name);
    path.exists().then_some(path)
}

fn venv(project: &Project) -> PathBuf {
    project.tools().join("venv")
}

fn create(shell: &Shell, apt: &Apt<'_>, venv: &Path) -> Result<(), Unmet> {
    if find_program("python3").is_none() {
        return Err(Unmet {
            why: "there is no python3".to_owned(),
            remedy: format!("apt-get install -y python3 {PYTHON_VENV}, then cargo xtask setup"),
        });
    }
    let attempt = || quietly(cmd!(shell, "python3 -m venv --clear {venv}"));
    if attempt().is_ok() {
        return Ok(());
    }
    apt.install(&[PYTHON_VENV]).map_err(|unmet| Unmet {
        why: format!("python3 -m venv does not work, and {}", unmet.why),
        remedy: format!("{}, then cargo xtask setup", unmet.remedy),
    })?;
    attempt().map_err(Unmet::retry)
}
