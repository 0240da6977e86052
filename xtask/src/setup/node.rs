//! Packages from npm, in one folder.

use std::fs;

use xshell::cmd;

use crate::project::Project;
use crate::setup::stamp::Stamp;
use crate::setup::system::find_program;
use crate::setup::{Met, Unmet, quietly};

pub(super) fn meet(project: &Project, name: &str, pins: &[&str]) -> Result<Met, Unmet> {
    let shell = &project.shell;
    let folder = project.tools().join("npm");
    let stamp = Stamp::new(&folder, name, pins);
    if folder.join("node_modules").exists() && stamp.is_current() {
        return Ok(Met::InPlace);
    }
    if find_program("npm").is_none() {
        return Err(Unmet {
            why: "there is no npm".to_owned(),
            remedy: "apt-get install -y nodejs npm, then cargo xtask setup".to_owned(),
        });
    }
    fs::create_dir_all(&folder).map_err(Unmet::retry)?;
    // Without scripts: a peer is there to be called by a test, not to run code while it is installed.
    let install = cmd!(
        shell,
        "npm install --prefix {folder} --loglevel error --save-exact --no-audit --no-fund --ignore-scripts {pins...}"
    );
    quietly(install).map_err(Unmet::retry)?;
    stamp.write()?;
    Ok(Met::Installed)
}
