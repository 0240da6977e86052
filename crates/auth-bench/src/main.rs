//! How fast the SDK is, beside the least that its work can cost.
//!
//! `auth-bench AREA` prints one JSON line a sample. In reading order: [`settings`] is what may be
//! asked for, [`case`] is one thing to measure, [`meter`] measures it and [`sample`] is the line;
//! then each area has a module of its name, in a folder of that name. [`soak`] measures nothing: it
//! looks whether memory grows while everything goes wrong.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod cache;
mod case;
mod http;
mod jwt;
mod mask;
mod meter;
mod sample;
mod settings;
mod soak;
mod soak_peers;
#[cfg(test)]
mod tests;
mod usage;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::case::Case;
use crate::settings::Settings;

/// A part of the SDK with figures of its own.
struct Area {
    name: &'static str,
    /// Lists what there is to measure, and does none of the work for it yet.
    cases: fn(&Settings) -> Vec<Case>,
}

const AREAS: &[Area] = &[
    Area {
        name: "cache",
        cases: cache::cases,
    },
    Area {
        name: "http",
        cases: http::cases,
    },
    Area {
        name: "jwt",
        cases: jwt::cases,
    },
    Area {
        name: "mask",
        cases: mask::cases,
    },
];

#[expect(
    clippy::print_stderr,
    reason = "a program talks to the person who called it"
)]
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let variable = |name: &str| env::var(name).ok();
    match run(&arguments, variable, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Measures an area and writes its samples as they come.
fn run(
    arguments: &[String],
    variable: impl Fn(&str) -> Option<String>,
    output: &mut impl Write,
) -> anyhow::Result<()> {
    if let Some(("soak", rest)) = arguments
        .split_first()
        .map(|(it, rest)| (it.as_str(), rest))
    {
        let seconds = match rest {
            [] => 60,
            [text] => text.parse().context("the length is not in seconds")?,
            _ => bail!("usage: auth-bench soak [SECONDS]"),
        };
        return soak::run(seconds, output);
    }
    let [name] = arguments else {
        bail!(
            "usage: auth-bench AREA, where AREA is one of: {}; or auth-bench soak [SECONDS]",
            areas()
        );
    };
    let Some(area) = AREAS.iter().find(|area| area.name == name) else {
        bail!("there is no area `{name}`; there are: {}", areas());
    };
    let settings = Settings::read(variable)?;
    for case in (area.cases)(&settings) {
        if !settings.wants(&case) {
            continue;
        }
        let values = meter::measure(&case, &settings)
            .with_context(|| format!("{}, {}", case.name, case.implementation))?;
        for value in values {
            sample::write(output, area.name, &case, value, settings.round)?;
        }
    }
    Ok(())
}

fn areas() -> String {
    let names: Vec<&str> = AREAS.iter().map(|area| area.name).collect();
    names.join(", ")
}
