use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;

use crate::case::Case;

/// What the environment asks for. The names are those of the programs we are measured beside.
pub(crate) struct Settings {
    /// How long a sample is.
    pub(crate) length: Duration,
    /// How many samples a case has.
    pub(crate) samples: u32,
    /// What the lines say about when they were measured.
    pub(crate) round: u64,
    only: String,
    data: Option<PathBuf>,
    redis_port: Option<u16>,
    http_port: Option<u16>,
}

impl Settings {
    /// Reads the variables; one that is not a number where it should be is an error and not the
    /// default, because nobody would notice.
    pub(crate) fn read(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let milliseconds: u32 = number(&variable, "BENCH_MS", 60)?;
        Ok(Self {
            length: Duration::from_millis(milliseconds.max(1).into()),
            samples: number(&variable, "BENCH_SAMPLES", 3)?,
            round: number(&variable, "BENCH_ROUND", 0)?,
            only: variable("BENCH_ONLY").unwrap_or_default(),
            data: variable("BENCH_DATA")
                .filter(|folder| !folder.is_empty())
                .map(Into::into),
            redis_port: match number(&variable, "REDIS_PORT", 0)? {
                0 => None,
                port => Some(port),
            },
            http_port: Some(number(&variable, "HTTP_PORT", 0)?).filter(|port| *port != 0),
        })
    }

    /// The folder with the keys and tokens that other programs are measured with too.
    pub(crate) fn data(&self) -> Option<&Path> {
        self.data.as_deref()
    }

    /// Where there is a Redis for everybody who is measured; otherwise we start one of our own.
    pub(crate) fn redis_port(&self) -> Option<u16> {
        self.redis_port
    }

    /// The port of 127.0.0.1 with the server that other programs call too; TLS is on the next.
    pub(crate) fn http_port(&self) -> Option<u16> {
        self.http_port
    }

    /// Whether the case is among those that were asked for.
    pub(crate) fn wants(&self, case: &Case) -> bool {
        format!("{} {}", case.name, case.implementation).contains(&self.only)
    }
}

fn number<N: FromStr<Err: std::error::Error + Send + Sync + 'static>>(
    variable: impl Fn(&str) -> Option<String>,
    name: &str,
    unless_set: N,
) -> anyhow::Result<N> {
    match variable(name).filter(|text| !text.is_empty()) {
        None => Ok(unless_set),
        Some(text) => text
            .parse()
            .with_context(|| format!("{name} is not a number that fits: `{text}`")),
    }
}
