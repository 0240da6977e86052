use std::path::PathBuf;

use anyhow::{Context, bail, ensure};

pub(crate) const ARGUMENTS: &str = "AREA [--peers DIR]";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) area: String,
    /// A folder with peers and the scripts that measure them.
    pub(super) peers: Option<PathBuf>,
}

impl Request {
    pub(super) fn parse(arguments: &[String], areas: &[String]) -> anyhow::Result<Self> {
        let (mut area, mut peers) = (None, None);
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let earlier = match argument.as_str() {
                "--peers" => {
                    let folder = arguments.next().context("--peers needs a folder")?;
                    peers.replace(folder)
                }
                flag if flag.starts_with('-') => {
                    bail!("unknown flag `{flag}`; usage: cargo xtask bench {ARGUMENTS}")
                }
                _ => area.replace(argument),
            };
            ensure!(
                earlier.is_none(),
                "one area and one folder at a time; usage: cargo xtask bench {ARGUMENTS}"
            );
        }
        let known = areas.join(", ");
        let area = area.with_context(|| {
            format!(
                "which area? usage: cargo xtask bench {ARGUMENTS}, where AREA is one of: {known}"
            )
        })?;
        ensure!(
            areas.contains(area),
            "there is no area `{area}`; there are: {known}"
        );
        Ok(Self {
            area: area.clone(),
            peers: peers.map(Into::into),
        })
    }
}

/// How often everything is measured: what `ROUNDS` says, or seven times.
pub(super) fn rounds(variable: Option<&str>) -> anyhow::Result<u32> {
    let Some(text) = variable.filter(|text| !text.is_empty()) else {
        return Ok(7);
    };
    match text.parse() {
        Ok(rounds) if rounds > 0 => Ok(rounds),
        _ => bail!("ROUNDS is not a number of rounds: `{text}`"),
    }
}
