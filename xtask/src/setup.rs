//! `cargo xtask setup`: what the checks and tests need besides Rust.
//!
//! [`NEEDS`] is the list; a new peer is a new row. Each kind of need has a module that finds it and,
//! where it may, installs it. What we install lands in `target/tools`, and a stamp there makes the
//! next run instant.

mod node;
mod python;
mod stamp;
mod system;
#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::bail;
use xshell::Cmd;

use crate::project::Project;
use crate::setup::system::Apt;

pub(crate) use crate::setup::python::program as python_program;
pub(crate) use crate::setup::system::find_program;

/// Something that the checks or the tests use.
struct Need {
    name: &'static str,
    /// What for, in words that end the sentence "it is needed for …".
    purpose: &'static str,
    kind: Kind,
}

/// How a need is found and installed.
enum Kind {
    /// Programs on the `PATH`, and the Debian packages that bring them.
    System {
        programs: &'static [&'static str],
        packages: &'static [&'static str],
    },
    /// Packages `name==version` in the virtual environment `target/tools/venv`.
    PyPi { pins: &'static [&'static str] },
    /// Packages `name@version` in `target/tools/npm`.
    Npm { pins: &'static [&'static str] },
}

/// In the order of work: what is installed with a program comes after that program.
const NEEDS: &[Need] = &[
    Need {
        name: "python",
        purpose: "the text checks and the Python peers",
        kind: Kind::System {
            programs: &["python3"],
            packages: &["python3", system::PYTHON_VENV],
        },
    },
    Need {
        name: "node",
        purpose: "the JavaScript peers",
        kind: Kind::System {
            programs: &["node", "npm"],
            packages: &["nodejs", "npm"],
        },
    },
    Need {
        name: "redis",
        purpose: "the tests against a real Redis",
        kind: Kind::System {
            programs: &["redis-server"],
            packages: &["redis-server"],
        },
    },
    Need {
        name: "text-checks",
        purpose: "spelling, and the layout of manifests",
        kind: Kind::PyPi {
            pins: &["typos==1.52.0", "taplo==0.9.3"],
        },
    },
    Need {
        name: "python-peers",
        purpose: "tokens made and read by PyJWT, and the published Miso client",
        kind: Kind::PyPi {
            // What the packages stand on is pinned too, so that a day does not differ from the next.
            pins: &[
                "pyjwt==2.15.1",
                "cryptography==50.0.2",
                "cffi==2.1.1",
                "pycparser==3.12",
                "miso-client==4.9.0",
                "annotated-types==0.8.0",
                "anyio==4.16.0",
                "certifi==2026.10.18",
                "h11==0.16.0",
                "hiredis==3.5.0",
                "httpcore==1.0.9",
                "httpx==0.28.1",
                "idna==3.20",
                "pydantic==2.14.3",
                "pydantic_core==2.50.4",
                "python-dotenv==1.2.4",
                "redis==8.1.0",
                "typing-inspection==0.4.5",
                "typing_extensions==4.16.0",
            ],
        },
    },
    Need {
        name: "m8-peer",
        purpose: "tokens made and read by the published m8 SDK",
        kind: Kind::PyPi {
            // Without its extras: PyJWT, cryptography, pydantic and redis are what its validators
            // stand on besides, and the Python peers have brought those.
            pins: &[
                "auth-sdk-m8==0.5.2",
                "email-validator==2.4.0",
                "dnspython==2.9.2",
            ],
        },
    },
    Need {
        name: "node-peers",
        purpose: "tokens made and read by jose",
        kind: Kind::Npm {
            pins: &["jose@6.2.17"],
        },
    },
];

/// How a need was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Met {
    /// It was there already.
    InPlace,
    /// It is there now.
    Installed,
}

/// Why a need was not met.
#[derive(Debug)]
struct Unmet {
    why: String,
    /// The command that changes it, to be typed in the checkout's root.
    remedy: String,
}

pub(crate) fn run(project: &Project) -> anyhow::Result<()> {
    let apt = Apt::find(&project.shell);
    let mut silent = true;
    let mut errors = Vec::new();
    for need in NEEDS {
        let Need { name, purpose, .. } = need;
        match need.meet(project, &apt) {
            Ok(Met::InPlace) => continue,
            Ok(Met::Installed) => eprintln!("setup: installed: {name}, for {purpose}"),
            Err(Unmet { why, remedy }) if project.ci => {
                errors.push(format!(
                    "{name}, for {purpose} ({why}); get it with: {remedy}"
                ));
            }
            Err(Unmet { why, remedy }) => eprintln!(
                "setup: skipped: {name}, for {purpose} ({why}) — tests that need it will say so; \
                 get it with: {remedy}"
            ),
        }
        silent = false;
    }
    if !errors.is_empty() {
        bail!("with CI=true every need must be met\n{}", errors.join("\n"));
    }
    if silent {
        eprintln!("setup: everything is in place");
    }
    Ok(())
}

impl Need {
    fn meet(&self, project: &Project, apt: &Apt<'_>) -> Result<Met, Unmet> {
        match self.kind {
            Kind::System { programs, packages } => system::meet(apt, programs, packages),
            Kind::PyPi { pins } => python::meet(project, apt, self.name, pins),
            Kind::Npm { pins } => node::meet(project, self.name, pins),
        }
    }
}

impl Unmet {
    /// For what did not work although everything it takes was there: most often the network.
    fn retry(why: impl fmt::Display) -> Self {
        Self {
            why: why.to_string(),
            remedy: "cargo xtask setup".to_owned(),
        }
    }
}

/// Runs an installer without its chatter.
///
/// Of a failure we keep one line: the first that speaks of an error, because the lines after it tend
/// to be advice and the names of log files, or else the last.
fn quietly(command: Cmd<'_>) -> Result<(), String> {
    let output = std::process::Command::from(command)
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines
        .clone()
        .find(|line| line.to_lowercase().contains("error"))
        .or_else(|| lines.next_back());
    Err(error.map_or_else(|| output.status.to_string(), str::to_owned))
}
